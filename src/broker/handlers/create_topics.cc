// CreateTopics 2-7: makes topics, or only says whether it would. 5 adds the resulting configs,
// 6 quotas, 7 topic ids. Replication factors above one are taken, and one copy is kept.
#include "kafka/messages/create_topics.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/configs/alter.h"
#include "broker/configs/describe.h"
#include "broker/handlers/create_topic.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/live_options.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "config/topic_options.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Asked = kafka::CreateTopicsRequest::CreatableTopic;
using Answer = kafka::CreateTopicsResponse::CreatableTopicResult;

TopicRefusal check_assignments(const Asked& asked) {
    if (asked.replication_factor != -1) {
        return {ErrorCode::kInvalidRequest,
                "A manual partition assignment was specified, but replication factor was not set "
                "to -1."};
    }
    if (asked.num_partitions != -1) {
        return {ErrorCode::kInvalidRequest,
                "A manual partition assignment was specified, but numPartitions was not set to "
                "-1."};
    }
    std::set<std::int32_t> indexes;
    for (const auto& one : asked.assignments) {
        if (!indexes.insert(one.partition_index).second) {
            return {ErrorCode::kInvalidReplicaAssignment,
                    fmt::format("Found multiple manual partition assignments for partition {}",
                                one.partition_index)};
        }
        if (const auto wrong = wrong_replicas(one.broker_ids)) {
            return {ErrorCode::kInvalidReplicaAssignment, *wrong};
        }
    }
    if (*indexes.begin() != 0 || *indexes.rbegin() != static_cast<int>(indexes.size()) - 1) {
        return {ErrorCode::kInvalidReplicaAssignment,
                "partitions should be a consecutive 0-based integer sequence"};
    }
    return {};
}

// More copies than there are brokers are taken for one, unless that is switched off.
TopicRefusal check_copies(const Services& services, std::int16_t wanted) {
    const std::int32_t copies = wanted == -1 ? services.options.default_replication_factor : wanted;
    if (copies <= 1 || services.options.replication_factor_clamp) return {};
    return {ErrorCode::kInvalidReplicationFactor,
            fmt::format("Unable to replicate the partition {} time(s): The target replication "
                        "factor of {} cannot be reached because only 1 broker(s) are registered or "
                        "some brokers "
                        "have all their log directories cordoned.",
                        copies, copies)};
}

TopicRefusal check_counts(const Services& services, const Asked& asked) {
    if (!asked.assignments.empty()) return check_assignments(asked);
    if (asked.replication_factor < -1 || asked.replication_factor == 0) {
        return {ErrorCode::kInvalidReplicationFactor,
                "Replication factor must be larger than 0, or -1 to use the default value."};
    }
    if (asked.num_partitions < -1 || asked.num_partitions == 0) {
        return {ErrorCode::kInvalidPartitions,
                "Number of partitions was set to an invalid non-positive value."};
    }
    if (asked.num_partitions > kMaxPartitionsPerTopic) {
        return {ErrorCode::kPolicyViolation,
                fmt::format("Excessively large number of partitions per request: {}, at most {}.",
                            asked.num_partitions, kMaxPartitionsPerTopic)};
    }
    return check_copies(services, asked.replication_factor);
}

TopicRefusal read_settings(const Asked& asked, config::Settings& settings) {
    std::vector<std::string_view> without_value;
    for (const auto& one : asked.configs) {
        if (!one.value) without_value.push_back(one.name);
        settings[one.name] = one.value.value_or("");
    }
    if (!without_value.empty()) {
        return {ErrorCode::kInvalidConfig,
                fmt::format("Null value not supported for topic configs: {}",
                            fmt::join(without_value, ","))};
    }
    const ConfigRefusal refusal = validate_topic_settings(settings);
    return {refusal.error, refusal.message};
}

void answer_configs(const Services& services, const config::Settings& settings, Answer& answer) {
    const auto cluster = services.catalog.cluster_state();
    const BrokerConfigs configs{services.live_options.at_start(), *cluster,
                                std::to_string(services.node_id)};
    answer.configs.emplace();  // Never null: Java's admin client fails on that.
    for (ConfigEntry& entry : describe_topic(configs, settings)) {
        auto& one = answer.configs->emplace_back();
        one.name = std::move(entry.name);
        one.value = std::move(entry.value);
        one.read_only = entry.read_only;
        one.config_source = static_cast<std::int8_t>(entry.source);
        one.is_sensitive = entry.sensitive;
    }
}

}  // namespace

Task<Answer> create_topic(Call& call, const Asked& asked, bool validate_only) {
    Catalog& catalog = call.services.catalog;
    Answer answer;
    answer.name = asked.name;
    answer.error_message.reset();
    config::Settings settings;
    TopicRefusal refusal = check_new_topic(call.services, asked.name);
    if (!refusal) refusal = check_counts(call.services, asked);
    if (!refusal) refusal = read_settings(asked, settings);
    if (refusal) {
        answer.error_code = refusal.error;
        answer.error_message = refusal.message;
        co_return answer;
    }
    const std::int32_t partitions =
        !asked.assignments.empty()   ? static_cast<std::int32_t>(asked.assignments.size())
        : asked.num_partitions == -1 ? call.services.options.num_partitions
                                     : asked.num_partitions;
    if (!validate_only) {
        refusal = charge_partitions(call, partitions, /*strict_from=*/6);
        if (refusal) {
            answer.error_code = refusal.error;
            answer.error_message = refusal.message;
            co_return answer;
        }
        const auto topic = co_await runtime::call_on(
            catalog.loop(), [&] { return catalog.create(asked.name, partitions, settings); });
        if (!topic) {
            answer.error_code = to_kafka(topic.error());
            answer.error_message = topic.error().message();
            co_return answer;
        }
        answer.topic_id = (*topic)->record.id;
    }
    answer.num_partitions = partitions;
    answer.replication_factor = 1;
    answer_configs(call.services, settings, answer);
    co_return answer;
}

Task<kafka::CreateTopicsResponse> create_topics(Call& call, kafka::CreateTopicsRequest request) {
    std::map<std::string, int> times;
    for (const Asked& asked : request.topics) ++times[asked.name];
    kafka::CreateTopicsResponse response;
    for (const Asked& asked : request.topics) {
        if (times[asked.name] == 1) {
            response.topics.push_back(co_await create_topic(call, asked, request.validate_only));
        } else if (times[asked.name] > 1) {
            auto& answer = response.topics.emplace_back();
            answer.name = asked.name;
            answer.error_code = ErrorCode::kInvalidRequest;
            answer.error_message = "Duplicate topic name.";
            times[asked.name] = 0;  // One answer is enough.
        }
    }
    co_return response;
}

}  // namespace millrace::broker
