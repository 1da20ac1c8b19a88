#include "broker/handlers/share_rules.h"

#include <algorithm>
#include <map>
#include <utility>

#include "broker/catalog/catalog.h"
#include "broker/features.h"
#include "broker/group/shard.h"
#include "broker/live_options.h"
#include "broker/partition.h"
#include "broker/services.h"
#include "broker/share/share_service.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using runtime::Task;

Task<ShareOutcome> acknowledge(const Services& services, const std::string& group,
                               const std::string& member, const config::GroupOptions& options,
                               ShareAcknowledgement one, bool renew) {
    const FoundPartition found = find_partition(services, one.name);
    if (!found.partition) co_return found.outcome;
    const auto kind = static_cast<std::int8_t>(AcknowledgeType::kRenew);
    const bool renews = std::ranges::any_of(one.batches, [&](const AcknowledgeBatch& batch) {
        return std::ranges::find(batch.types, kind) != batch.types.end();
    });
    if (renews && !renew) co_return ShareOutcome{ErrorCode::kInvalidRequest, ""};
    SharePartitions& home = services.shares.of(*found.partition);
    co_return co_await runtime::call_on(home.loop(), [&] {
        return home.acknowledge({group, one.name.topic, one.name.partition}, options, member,
                                std::move(one.batches));
    });
}

}  // namespace

bool shares_enabled(const Services& services) {
    return feature_level(*services.catalog.cluster_state(), "share.version") > 0;
}

config::GroupOptions group_options(const Services& services, const std::string& group) {
    const auto server_options = services.live_options.get();
    const config::ServerOptions& server = *server_options;
    config::GroupOptions options;
    options.share_assignment_interval_ms = server.group_share_assignment_interval_ms;
    options.share_delivery_count_limit = server.group_share_delivery_count_limit;
    options.share_heartbeat_interval_ms = server.group_share_heartbeat_interval_ms;
    options.share_partition_max_record_locks = server.group_share_partition_max_record_locks;
    options.share_record_lock_duration_ms = server.group_share_record_lock_duration_ms;
    options.share_session_timeout_ms = server.group_share_session_timeout_ms;
    // What no longer is an option, or no value of it, counts for nothing.
    const auto cluster = services.catalog.cluster_state();
    for (const auto& [name, value] : cluster->config(ConfigType::kGroup, group)) {
        (void)config::group_option_table().set(options, name, value);
    }
    return options;
}

Task<ShareOutcome> may_change_offsets(GroupShard& shard, std::string group, bool may_make) {
    co_return co_await runtime::call_on(shard.loop(), [&] {
        const ShareGroup* found = shard.share_groups().find(group);
        if (!found && shard.contains(group)) {
            return ShareOutcome{ErrorCode::kGroupIdNotFound,
                                "Group " + group + " is not a share group."};
        }
        if (!found && !may_make) {
            return ShareOutcome{ErrorCode::kGroupIdNotFound, "Group " + group + " not found."};
        }
        if (found && !found->empty()) {
            return ShareOutcome{ErrorCode::kNonEmptyGroup, "The group is not empty."};
        }
        return ShareOutcome{};
    });
}

Task<ErrorCode> delete_share_group(const Services& services, GroupShard& shard, std::string group) {
    const ShareOutcome allowed = co_await may_change_offsets(shard, group, false);
    if (allowed.error != ErrorCode::kNone) co_return allowed.error;
    // The positions first: a crash in between leaves a group that can be deleted again.
    const auto positions = co_await runtime::call_on(shard.loop(), [&] {
        const ShareGroup* found = shard.share_groups().find(group);
        return found ? found->data().initialized
                     : std::map<kafka::Uuid, ShareGroupData::Initialized>();
    });
    for (const auto& [topic, initialized] : positions) {
        for (const std::int32_t partition : initialized.partitions) {
            const auto removed = co_await services.shares.remove({group, topic, partition});
            if (!removed) co_return to_coordinator_error(removed);
        }
    }
    co_return co_await runtime::call_on(shard.loop(),
                                        [&] { return shard.share_groups().remove(group); });
}

FoundPartition find_partition(const Services& services, const SharePartitionName& name) {
    const auto topic = services.catalog.find(name.topic);
    if (!topic) {
        return {nullptr, {ErrorCode::kUnknownTopicId, "This server does not host this topic ID."}};
    }
    auto partition = topic->partition(name.partition);
    if (partition) return {std::move(partition), {}};
    return {
        nullptr,
        {ErrorCode::kUnknownTopicOrPartition, "This server does not host this topic-partition."}};
}

Task<std::vector<ShareOutcome>> acknowledge_shares(
    const Services& services, std::string group, std::string member,
    std::vector<ShareAcknowledgement> acknowledgements, bool renew) {
    const config::GroupOptions options = group_options(services, group);
    std::vector<Task<ShareOutcome>> tasks;
    for (ShareAcknowledgement& one : acknowledgements) {
        tasks.push_back(acknowledge(services, group, member, options, std::move(one), renew));
    }
    if (tasks.empty()) co_return std::vector<ShareOutcome>();
    co_return co_await runtime::when_all(std::move(tasks));
}

}  // namespace millrace::broker
