// CreatePartitions 0-3: raises the number of partitions. 3 adds quotas.
#include "kafka/messages/create_partitions.h"

#include <map>
#include <string>

#include <fmt/format.h>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Asked = kafka::CreatePartitionsRequest::Topic;

TopicRefusal check(const Catalog& catalog, const Asked& asked) {
    const auto topic = catalog.find(asked.name);
    if (!topic) {
        return {ErrorCode::kUnknownTopicOrPartition, ""};
    }
    const std::int32_t now = topic->record.partitions;
    if (asked.count == now) {
        return {ErrorCode::kInvalidPartitions,
                fmt::format("Topic already has {} partition(s).", now)};
    }
    if (asked.count < now) {
        return {ErrorCode::kInvalidPartitions,
                fmt::format("The topic {} currently has {} partition(s); {} would not be an "
                            "increase.",
                            asked.name, now, asked.count)};
    }
    if (asked.count > kMaxPartitionsPerTopic) {
        return {ErrorCode::kInvalidPartitions,
                fmt::format("At most {} partitions are possible.", kMaxPartitionsPerTopic)};
    }
    const auto added = static_cast<std::size_t>(asked.count - now);
    if (asked.assignments && asked.assignments->size() != added) {
        return {ErrorCode::kInvalidReplicaAssignment,
                fmt::format("Attempted to add {} additional partition(s), but only {} "
                            "assignment(s) were specified.",
                            added, asked.assignments->size())};
    }
    for (const auto& assignment :
         asked.assignments.value_or(decltype(asked.assignments)::value_type())) {
        if (const auto wrong = wrong_replicas(assignment.broker_ids)) {
            return {ErrorCode::kInvalidReplicaAssignment, *wrong};
        }
    }
    return {};
}

}  // namespace

Task<kafka::CreatePartitionsResponse> create_partitions(Call& call,
                                                        kafka::CreatePartitionsRequest request) {
    Catalog& catalog = call.services.catalog;
    kafka::CreatePartitionsResponse response;
    std::map<std::string, int> times;
    for (const Asked& asked : request.topics) ++times[asked.name];
    for (const Asked& asked : request.topics) {
        if (times[asked.name] == 0) continue;
        auto& answer = response.results.emplace_back();
        answer.name = asked.name;
        TopicRefusal refusal = check(catalog, asked);
        if (times[asked.name] > 1) {
            refusal = {ErrorCode::kInvalidRequest, "Duplicate topic name."};
            times[asked.name] = 0;  // One answer is enough.
        }
        if (!refusal && !request.validate_only) {
            const std::int64_t added = asked.count - catalog.find(asked.name)->record.partitions;
            refusal = charge_partitions(call, added, /*strict_from=*/3);
        }
        if (refusal) {
            answer.error_code = refusal.error;
            if (!refusal.message.empty()) answer.error_message = refusal.message;
            continue;
        }
        if (request.validate_only) continue;
        const auto grown = co_await runtime::call_on(
            catalog.loop(), [&] { return catalog.add_partitions(asked.name, asked.count); });
        if (grown) continue;
        answer.error_code = grown.error().code() == base::Code::kOutOfRange
                                ? ErrorCode::kInvalidPartitions
                                : to_kafka(grown.error());
        answer.error_message = grown.error().message();
    }
    co_return response;
}

}  // namespace millrace::broker
