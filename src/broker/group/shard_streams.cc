// Groups of the streams protocol (KIP-1071) in a shard.
#include <utility>

#include "base/log.h"
#include "broker/group/shard.h"
#include "broker/to_kafka.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;

namespace {

StreamsHeartbeatAnswer not_found(std::string message) {
    return {.error = ErrorCode::kGroupIdNotFound, .message = std::move(message)};
}

}  // namespace

void GroupShard::apply_streams_record(const StreamsRecordKey& key,
                                      std::optional<base::ByteView> value) {
    Entry* entry = value ? &find_or_make(key.group) : find(key.group);
    if (!entry) return;
    if (key.kind == StreamsRecordKey::Kind::kEpoch && !value) {
        entry->streams.reset();
        return;
    }
    if (!entry->streams) {
        if (!value) return;
        entry->streams = std::make_unique<StreamsGroup>(key.group, limits_.streams, topics_);
    }
    if (!restore_streams_record(*entry->streams, key, value)) {
        base::log_warning("__consumer_offsets: group {}: a record cannot be read", key.group);
    }
}

bool GroupShard::write_streams(Entry& entry, const StreamsGroupChanges& changes,
                               std::vector<KeyedRecord> before) {
    std::vector<KeyedRecord> records = std::move(before);
    for (auto& record : streams_group_records(*entry.streams, changes, clock_.wall_ms())) {
        records.push_back(std::move(record));
    }
    return append_group(entry, records);
}

Task<StreamsHeartbeatAnswer> GroupShard::streams_heartbeat(std::string group,
                                                           StreamsHeartbeat request) {
    const auto pass = gate_.enter();
    if (!pass) co_return StreamsHeartbeatAnswer{.error = ErrorCode::kNotCoordinator};
    Entry* entry = find(group);
    const bool joining = request.member_epoch == StreamsMember::kJoining;
    const bool leaving = request.member_epoch < StreamsMember::kJoining;
    if (!entry && !joining && !share_groups_.contains(group)) {
        co_return not_found((leaving ? "Group " : "Streams group ") + group + " not found.");
    }
    // An empty group of the classic protocol becomes one of this, once somebody is let in.
    const bool may_convert = joining && !share_groups_.contains(group) &&
                             (!entry || (!entry->consumer && !entry->streams &&
                                         entry->group.state() == Group::State::kEmpty));
    std::unique_ptr<StreamsGroup> fresh;
    StreamsGroup* streams = entry ? entry->streams.get() : nullptr;
    if (!streams && may_convert) {
        fresh = std::make_unique<StreamsGroup>(group, limits_.streams, topics_);
        streams = fresh.get();
    }
    if (!streams) co_return not_found("Group " + group + " is not a streams group.");
    streams->set_settings(topics_.streams_settings_of(group, limits_.streams.settings));
    StreamsGroupChanges changes;
    StreamsHeartbeatAnswer answer = streams->heartbeat(request, now_ms(), changes);
    if (answer.error != ErrorCode::kNone) co_return answer;

    std::vector<KeyedRecord> before;
    if (fresh) {
        entry = &find_or_make(group);
        GroupActions actions;
        entry->group.dissolve(ErrorCode::kRebalanceInProgress, actions);
        carry_out(*entry, actions);
        if (!entry->written.empty()) before.push_back({group_key(group), std::nullopt});
        entry->written.clear();
        entry->streams = std::move(fresh);
    }
    const bool written = write_streams(*entry, changes, std::move(before));
    if (changes.any()) settle(group);
    if (!written) co_return StreamsHeartbeatAnswer{.error = ErrorCode::kCoordinatorNotAvailable};
    // Whatever this tells, the group's log has it, or the member would be fenced after a crash.
    const Result<void> durable = co_await log_.wait_durable(entry->records_end);
    if (!durable) co_return StreamsHeartbeatAnswer{.error = to_coordinator_error(durable)};
    if (log_.wants_rewrite()) runtime::spawn(loop_, maybe_rewrite());
    co_return answer;
}

Task<StreamsGroupDescription> GroupShard::describe_streams(std::string group) {
    const auto pass = gate_.enter();
    if (!pass) co_return StreamsGroupDescription{.error = ErrorCode::kNotCoordinator};
    const Entry* entry = find(group);
    if (!entry || !entry->streams) {
        co_return StreamsGroupDescription{
            .error = ErrorCode::kGroupIdNotFound,
            .message =
                "Group " + group + (contains(group) ? " is not a streams group." : " not found.")};
    }
    const StreamsGroup& streams = *entry->streams;
    StreamsGroupDescription description{.state = state_name(streams.state()),
                                        .epoch = streams.epoch(),
                                        .target_epoch = streams.target_epoch(),
                                        .topology = streams.topology()};
    if (streams.configured() && streams.configured()->ready()) {
        description.configured = streams.configured();
    }
    for (const auto& [id, member] : streams.members()) {
        const auto target = streams.targets().find(id);
        description.members.push_back(
            {member, target == streams.targets().end() ? Tasks() : target->second});
    }
    const Result<void> durable = co_await log_.wait_durable(entry->records_end);
    if (!durable) co_return StreamsGroupDescription{.error = to_coordinator_error(durable)};
    co_return description;
}

}  // namespace millrace::broker
