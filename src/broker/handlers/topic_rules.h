// Rules that several handlers share about topics.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "broker/catalog/topic.h"
#include "kafka/errors.h"
#include "runtime/task.h"

namespace millrace::broker {

struct Call;
struct Services;

// Bits of Kafka's AclOperation: all that can be done where nothing is forbidden.
inline constexpr std::int32_t kTopicOperations = 0x0df8;
inline constexpr std::int32_t kClusterOperations = 0x1fa0;
inline constexpr std::int32_t kGroupOperations = 0x0d48;

inline constexpr std::int32_t kMaxPartitionsPerTopic = 10'000;

struct TopicRefusal {
    kafka::ErrorCode error = kafka::ErrorCode::kNone;
    std::string message;
    explicit operator bool() const { return error != kafka::ErrorCode::kNone; }
};

// Why a new topic may not have this name; kNone when it may.
TopicRefusal check_new_topic(const Services& services, const std::string& name);

// Why this is no name of a topic, in Kafka's words.
std::optional<std::string> wrong_topic_name(const std::string& name);

// Why the replicas of a partition cannot be on these brokers, in Kafka's words.
std::optional<std::string> wrong_replicas(const std::vector<std::int32_t>& brokers);

// The topic, made with the server's defaults when it is missing and `may_create`.
runtime::Task<base::Result<std::shared_ptr<const Topic>>> find_or_create(const Services& services,
                                                                         std::string name,
                                                                         bool may_create);

// Holds a change of so many partitions against the client's quota: THROTTLING_QUOTA_EXCEEDED when
// it must wait. Versions of requests before `strict_from` do not know that code: they are served,
// and the client is not read from for a while.
TopicRefusal charge_partitions(Call& call, std::int64_t partitions, std::int16_t strict_from);

// FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH when a client knows another epoch than ours; -1:
// none.
kafka::ErrorCode check_epoch(std::int32_t asked, std::int32_t current);

}  // namespace millrace::broker
