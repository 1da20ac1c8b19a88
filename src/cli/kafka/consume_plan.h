// Which offsets of which partitions a range is, asked of the cluster.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/offsets/range.h"
#include "cli/records/consumption.h"
#include "client/cluster.h"

namespace millrace::cli {

// No `partitions`: all that each topic has. kNotFound for what does not exist, kUnavailable where
// a partition cannot be asked. What begins before a partition's start begins there.
base::Result<std::map<topic::TopicPartition, Consumption::Span>> plan_consumption(
    client::Cluster& cluster, const std::vector<std::string>& topics,
    const std::vector<std::int32_t>& partitions, const Range& range);

}  // namespace millrace::cli
