#include <algorithm>

#include "client/direct/direct_internal.h"
#include "kafka/messages/alter_client_quotas.h"
#include "kafka/messages/describe_client_quotas.h"
#include "kafka/messages/describe_log_dirs.h"
#include "kafka/messages/describe_quorum.h"
#include "kafka/messages/update_features.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;
using kafka::ErrorCode;
using topic::TopicPartition;

Result<std::vector<Direct::LogDir>> WireDirect::log_dirs(const std::vector<std::int32_t>& brokers,
                                                         const std::vector<std::string>& topics) {
    constexpr std::string_view kWhat = "ask for log folders";
    kafka::DescribeLogDirsRequest request;
    request.topics.reset();
    if (!topics.empty()) {
        MR_TRY(const auto metadata, wire_->metadata(&topics));
        request.topics.emplace();
        for (const auto& topic : metadata.topics) {
            if (topic.error_code != ErrorCode::kNone) {
                if (topic.error_code == ErrorCode::kUnknownTopicOrPartition) {
                    return fail(Code::kNotFound, "there is no topic {}", topic.name.value_or(""));
                }
                return fail(to_error(topic.error_code, "topic " + topic.name.value_or("")));
            }
            auto& asked = request.topics->emplace_back();
            asked.topic = topic.name.value_or("");
            for (const auto& partition : topic.partitions) {
                asked.partitions.push_back(partition.partition_index);
            }
        }
    }
    std::vector<std::int32_t> asked = brokers;
    if (asked.empty()) {
        for (const auto& [node, broker] : wire_->nodes()) asked.push_back(node);
    }
    std::vector<LogDir> folders;
    for (const std::int32_t node : asked) {
        MR_TRY(const auto answer, wire_->ask<kafka::DescribeLogDirsResponse>(node, request, kWhat));
        if (answer.error_code != ErrorCode::kNone) return fail(to_error(answer.error_code, kWhat));
        for (const auto& from : answer.results) {
            LogDir& folder = folders.emplace_back();
            folder.broker = node;
            folder.path = from.log_dir;
            if (from.error_code != ErrorCode::kNone) {
                folder.error = kafka::error_name(from.error_code);
            }
            if (from.total_bytes >= 0) folder.total_bytes = from.total_bytes;
            if (from.usable_bytes >= 0) folder.usable_bytes = from.usable_bytes;
            for (const auto& topic : from.topics) {
                for (const auto& partition : topic.partitions) {
                    folder.replicas.push_back({{topic.name, partition.partition_index},
                                               partition.partition_size,
                                               partition.offset_lag,
                                               partition.is_future_key});
                }
            }
            std::ranges::sort(folder.replicas, {}, &LogDir::Replica::partition);
        }
    }
    return folders;
}

Result<std::vector<Direct::Quota>> WireDirect::quotas() {
    constexpr std::string_view kWhat = "ask for quotas";
    MR_TRY(const auto answer, wire_->ask<kafka::DescribeClientQuotasResponse>(
                                  Wire::kAnyNode, kafka::DescribeClientQuotasRequest(), kWhat));
    if (answer.error_code != ErrorCode::kNone) {
        return fail(to_error(answer.error_code, kWhat, answer.error_message));
    }
    std::vector<Quota> quotas;
    if (!answer.entries) return quotas;
    for (const auto& entry : *answer.entries) {
        Quota& quota = quotas.emplace_back();
        for (const auto& part : entry.entity) quota.entity[part.entity_type] = part.entity_name;
        for (const auto& value : entry.values) quota.values[value.key] = value.value;
    }
    std::ranges::sort(quotas, {}, &Quota::entity);
    return quotas;
}

Result<void> WireDirect::alter_quota(const QuotaEntity& entity,
                                     const std::map<std::string, std::optional<double>>& values,
                                     bool validate_only) {
    constexpr std::string_view kWhat = "change a quota";
    kafka::AlterClientQuotasRequest request;
    request.validate_only = validate_only;
    auto& entry = request.entries.emplace_back();
    for (const auto& [type, name] : entity) entry.entity.push_back({type, name});
    for (const auto& [key, value] : values) {
        entry.ops.push_back({key, value.value_or(0), !value.has_value()});
    }
    MR_TRY(const auto answer,
           wire_->ask<kafka::AlterClientQuotasResponse>(Wire::kAnyNode, request, kWhat));
    for (const auto& outcome : answer.entries) {
        if (outcome.error_code != ErrorCode::kNone) {
            return fail(to_error(outcome.error_code, kWhat, outcome.error_message));
        }
    }
    return {};
}

Result<Direct::Features> WireDirect::features() {
    MR_TRY(const auto versions, wire_->versions(Wire::kAnyNode));
    Features told;
    if (versions.finalized_features_epoch >= 0) told.epoch = versions.finalized_features_epoch;
    for (const auto& feature : versions.supported_features) {
        told.features.push_back(
            {feature.name, feature.min_version, feature.max_version, std::nullopt});
    }
    std::ranges::sort(told.features, {}, &Feature::name);
    for (const auto& finalized : versions.finalized_features) {
        const auto found = std::ranges::find(told.features, finalized.name, &Feature::name);
        if (found != told.features.end()) found->finalized = finalized.max_version_level;
    }
    return told;
}

Result<void> WireDirect::set_feature(const std::string& name, std::int16_t level, Upgrade upgrade,
                                     bool validate_only) {
    const std::string what = fmt::format("set feature {} to {}", name, level);
    kafka::UpdateFeaturesRequest request;
    request.validate_only = validate_only;
    auto& update = request.feature_updates.emplace_back();
    update.feature = name;
    update.max_version_level = level;
    update.upgrade_type = static_cast<std::int8_t>(upgrade);
    MR_TRY(const auto answer,
           wire_->ask<kafka::UpdateFeaturesResponse>(Wire::kAnyNode, request, what, /*least=*/1));
    if (answer.error_code != ErrorCode::kNone) {
        return fail(to_error(answer.error_code, what, answer.error_message));
    }
    for (const auto& outcome : answer.results) {
        if (outcome.error_code != ErrorCode::kNone) {
            return fail(to_error(outcome.error_code, what, outcome.error_message));
        }
    }
    return {};
}

Result<Direct::Quorum> WireDirect::quorum() {
    constexpr std::string_view kWhat = "ask for the quorum";
    kafka::DescribeQuorumRequest request;
    auto& topic = request.topics.emplace_back();
    topic.topic_name = "__cluster_metadata";
    topic.partitions.push_back({0});
    MR_TRY(const auto answer,
           wire_->ask<kafka::DescribeQuorumResponse>(Wire::kAnyNode, request, kWhat));
    if (answer.error_code != ErrorCode::kNone) {
        return fail(to_error(answer.error_code, kWhat, answer.error_message));
    }
    if (answer.topics.empty() || answer.topics.front().partitions.empty()) {
        return fail(Code::kCorrupt, "{}: nothing is told of it", kWhat);
    }
    const auto& partition = answer.topics.front().partitions.front();
    if (partition.error_code != ErrorCode::kNone) {
        return fail(to_error(partition.error_code, kWhat, partition.error_message));
    }
    Quorum quorum{.leader = partition.leader_id,
                  .leader_epoch = partition.leader_epoch,
                  .high_watermark = partition.high_watermark,
                  .replicas = {}};
    const auto add = [&](const auto& from, bool is_voter) {
        QuorumReplica& replica = quorum.replicas.emplace_back();
        replica.id = from.replica_id;
        replica.is_voter = is_voter;
        replica.log_end_offset = from.log_end_offset;
        if (from.last_fetch_timestamp >= 0) replica.last_fetch_ms = from.last_fetch_timestamp;
        if (from.last_caught_up_timestamp >= 0) {
            replica.last_caught_up_ms = from.last_caught_up_timestamp;
        }
    };
    for (const auto& voter : partition.current_voters) add(voter, true);
    for (const auto& observer : partition.observers) add(observer, false);
    return quorum;
}

}  // namespace millrace::client
