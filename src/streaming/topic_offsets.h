// Offsets of topics' partitions in Spark's JSON: {"weblog":{"0":17,"1":4}}, sorted.
//
// Where users write them (startingOffsets), -2 means the earliest and -1 the latest offset.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "plan/relation.h"
#include "topic/topics.h"

namespace millrace::streaming {

using base::Result;

inline constexpr std::int64_t kLatestOffset = -1;
inline constexpr std::int64_t kEarliestOffset = -2;

using PartitionOffsets = std::map<topic::TopicPartition, std::int64_t>;

std::string offsets_to_json(const PartitionOffsets& offsets);
Result<PartitionOffsets> offsets_from_json(std::string_view json);

// The partitions that the options subscribe, subscribePattern or assign name, sorted. Exactly one
// of the three must be given. Topics that do not exist have no partitions, or are an error
// (kNotFound).
enum class MissingTopics : std::uint8_t { kHaveNoPartitions, kAreAnError };
Result<std::vector<topic::TopicPartition>> subscribed_partitions(const plan::Options& options,
                                                                 topic::Topics& topics,
                                                                 MissingTopics missing);
// "Subscribe[weblog]", as Spark describes it.
std::string subscription_text(const plan::Options& options);
// The topics to watch; empty when a pattern is subscribed.
std::vector<std::string> subscribed_topics(const plan::Options& options);

// Where the options `starting…` or `ending…` (which = "starting", "ending") put each partition:
// …timestamp, …offsetsbytimestamp, …offsets; else `otherwise` (kEarliestOffset or kLatestOffset).
Result<PartitionOffsets> bound_offsets(const plan::Options& options, const std::string& which,
                                       std::int64_t otherwise,
                                       const std::vector<topic::TopicPartition>& partitions,
                                       topic::Topics& topics);

// An option as a number; nullopt when absent, kInvalidArgument when it is none.
Result<std::optional<std::int64_t>> number_option(const plan::Options& options,
                                                  const std::string& key);
std::string option_or(const plan::Options& options, const std::string& key, std::string fallback);

}  // namespace millrace::streaming
