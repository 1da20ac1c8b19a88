#include "broker/group/shard.h"

#include <chrono>
#include <utility>

#include "base/log.h"
#include "broker/partition.h"
#include "broker/to_kafka.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;

namespace {

constexpr std::string_view kClassicType = "classic";

}  // namespace

GroupShard::GroupShard(std::shared_ptr<Partition> partition, runtime::Loop& loop,
                       runtime::Clock& clock, const Catalog& catalog, const GroupLimits& limits,
                       const CatalogTopics& topics)
    : loop_(loop),
      clock_(clock),
      limits_(limits),
      topics_(topics),
      log_(std::move(partition), clock),
      share_groups_(loop, clock, catalog, log_) {}

GroupShard::~GroupShard() = default;

std::int64_t GroupShard::now_ms() const {
    return loop_.now_ns() / 1'000'000;
}

GroupShard::Entry* GroupShard::find(const std::string& group) {
    const auto found = groups_.find(group);
    return found == groups_.end() ? nullptr : found->second.get();
}

const GroupShard::Entry* GroupShard::find(const std::string& group) const {
    const auto found = groups_.find(group);
    return found == groups_.end() ? nullptr : found->second.get();
}

GroupShard::Entry& GroupShard::find_or_make(const std::string& group) {
    auto& entry = groups_[group];
    if (!entry) entry = std::make_unique<Entry>(group, limits_);
    return *entry;
}

// ---- the log ----

Task<Result<void>> GroupShard::load() {
    KeyedLog::Transactional transactional{
        [this](std::int64_t producer_id, base::ByteView key, std::optional<base::ByteView> value) {
            apply_pending_record(producer_id, key, value);
        },
        [this](std::int64_t producer_id, bool commit) {
            (void)settle_pending(producer_id, commit, log_.load_position());
        }};
    const auto apply = [this](base::ByteView key, std::optional<base::ByteView> value) {
        apply_record(key, value);
    };
    MR_CO_TRY_VOID(co_await log_.load(apply, std::move(transactional)));
    // Groups of which the log has only that they were taken away.
    std::erase_if(groups_, [this](const auto& group) {
        const Entry& entry = *group.second;
        return entry.written.empty() && entry.offsets.empty() && !entry.consumer &&
               !entry.streams && !pending_.holds(group.first);
    });
    std::vector<std::string> names;
    for (const auto& [name, entry] : groups_) names.push_back(name);
    for (const std::string& name : names) {
        Entry& entry = *groups_.at(name);
        if (entry.consumer) {
            set_timeouts(*entry.consumer);
            entry.consumer->finish_restore(now_ms());
        } else if (entry.streams) {
            entry.streams->set_settings(
                topics_.streams_settings_of(name, limits_.streams.settings));
            entry.streams->finish_restore(now_ms());
        } else if (!entry.written.empty()) {
            auto snapshot = decode_group_value(entry.written);
            if (snapshot) {
                entry.noted_ms = snapshot->state_time_ms;
                entry.group.restore(std::move(*snapshot), now_ms());
                entry.noted = entry.group.state();
            }
        }
        if (entry.group.members().size() > limits_.max_size) {
            GroupActions actions;
            entry.group.rebalance(now_ms(), actions);  // The limit was lowered.
            carry_out(entry, actions);
        }
        settle(name);
    }
    schedule_expiry();
    share_groups_.loaded();
    co_return Result<void>();
}

void GroupShard::apply_record(base::ByteView key, std::optional<base::ByteView> value) {
    if (share_groups_.load_record(key, value)) return;
    if (const auto consumer = decode_consumer_key(key)) {
        return apply_consumer_record(*consumer, value);
    }
    if (const auto streams = decode_streams_key(key)) {
        return apply_streams_record(*streams, value);
    }
    const auto decoded = decode_key(key);
    if (!decoded) return;
    if (const auto* group = std::get_if<GroupKey>(&*decoded)) {
        find_or_make(group->group).written = value.value_or("");
        return;
    }
    const auto& offset = std::get<OffsetKey>(*decoded);
    Entry& entry = find_or_make(offset.group);
    auto committed = value ? decode_offset_value(*value) : std::nullopt;
    if (!committed) {
        entry.offsets.erase(offset.name);
        pending_.forget(offset.group, offset.name);
        return;
    }
    entry.offsets[offset.name] = {committed, committed, log_.load_position()};
}

std::vector<KeyedRecord> GroupShard::state() const {
    std::vector<KeyedRecord> state;
    for (const auto& [name, entry] : groups_) {
        if (!entry->written.empty()) state.push_back({group_key(name), entry->written});
        if (entry->consumer) {
            for (auto& record : consumer_group_records(
                     *entry->consumer, entry->consumer->everything(), clock_.wall_ms())) {
                state.push_back(std::move(record));
            }
        }
        if (entry->streams) {
            for (auto& record : streams_group_records(*entry->streams, entry->streams->everything(),
                                                      clock_.wall_ms())) {
                state.push_back(std::move(record));
            }
        }
        for (const auto& [offset_name, offset] : entry->offsets) {
            if (!offset.latest) continue;
            state.push_back({offset_key(name, offset_name), offset_value(*offset.latest)});
        }
    }
    share_groups_.append_state(state);
    return state;
}

Task<void> GroupShard::maybe_rewrite() {
    const auto pass = gate_.enter();
    // Offsets of open transactions are in the log alone.
    if (!pass || !pending_.empty() || !log_.wants_rewrite()) co_return;
    const Result<void> rewritten = co_await log_.rewrite(state());
    if (!rewritten) base::log_error("__consumer_offsets: {}", rewritten.error().message());
}

Task<void> GroupShard::stop() {
    for (const auto& [name, entry] : groups_) {
        GroupActions actions;
        entry->group.die(ErrorCode::kNotCoordinator, actions);
        entry->timer.cancel();
        carry_out(*entry, actions);
    }
    expiry_.cancel();
    co_await share_groups_.stop();
    co_await gate_.close();
    co_await runtime::yield();  // What on_timer() has posted comes before this.
}

// ---- actions ----

void GroupShard::carry_out(Entry& entry, GroupActions& actions) {
    for (auto& [token, answer] : actions.joins) {
        const auto waiting = joins_.extract(token);
        if (waiting) waiting.mapped().set(std::move(answer));
    }
    for (auto& [token, answer] : actions.syncs) {
        const auto waiting = syncs_.extract(token);
        if (waiting) waiting.mapped().set(std::move(answer));
    }
    if (actions.write) write_group(entry, actions);
}

void GroupShard::write_group(Entry& entry, GroupActions& actions) {
    Group::Snapshot snapshot = entry.group.snapshot();
    snapshot.state_time_ms = clock_.wall_ms();
    entry.written = group_value(snapshot);
    std::vector<KeyedRecord> records;
    records.push_back({group_key(entry.group.id()), entry.written});
    Result<model::Offset> appended = log_.append(records);
    if (!appended) base::log_error("__consumer_offsets: {}", appended.error().message());
    if (!actions.joins_when_written.empty()) {
        runtime::spawn(loop_, answer_joins(std::move(actions.joins_when_written), appended));
    }
    if (!actions.assignment) return;
    runtime::spawn(
        loop_, finish_assignment(entry.group.id(), entry.group.generation(), std::move(appended)));
}

Task<void> GroupShard::answer_joins(std::vector<std::pair<Token, JoinAnswer>> answers,
                                    Result<model::Offset> appended) {
    const auto pass = gate_.enter();
    ErrorCode error = ErrorCode::kNotCoordinator;
    if (!appended) {
        error = to_coordinator_error(base::fail(appended.error()));
    } else if (pass) {
        error = to_coordinator_error(co_await log_.wait_durable(*appended));
    }
    for (auto& [token, answer] : answers) {
        const auto waiting = joins_.extract(token);
        if (!waiting) continue;
        if (error != ErrorCode::kNone) answer.error = error;
        waiting.mapped().set(std::move(answer));
    }
}

Task<void> GroupShard::finish_assignment(std::string group, std::int32_t generation,
                                         Result<model::Offset> appended) {
    const auto pass = gate_.enter();
    if (!pass) co_return;
    Result<void> written;
    if (appended) {
        written = co_await log_.wait_durable(*appended);
    } else {
        written = base::fail(appended.error());
    }
    Entry* entry = find(group);
    if (!entry) co_return;
    GroupActions actions;
    entry->group.assignment_written(generation, to_coordinator_error(written), now_ms(), actions);
    carry_out(*entry, actions);
    settle(group);
}

void GroupShard::settle(const std::string& group) {
    Entry* entry = find(group);
    if (!entry) return;
    if (entry->group.state() != entry->noted) {
        entry->noted = entry->group.state();
        entry->noted_ms = clock_.wall_ms();
    }
    const auto next_ms = entry->consumer  ? entry->consumer->next_deadline_ms()
                         : entry->streams ? entry->streams->next_deadline_ms()
                                          : entry->group.next_deadline_ms();
    if (!next_ms) {
        entry->timer.cancel();
        entry->timer_ms.reset();
        return;
    }
    // Deadlines mostly move away, with every heartbeat: the timer then fires early, and is set
    // anew.
    if (entry->timer_ms && *entry->timer_ms <= *next_ms) return;
    entry->timer_ms = next_ms;
    const std::int64_t delay_ms = std::max<std::int64_t>(*next_ms - now_ms(), 0) + 1;
    entry->timer =
        loop_.call_after(std::chrono::milliseconds(delay_ms), [this, group] { on_timer(group); });
}

void GroupShard::on_timer(const std::string& group) {
    Entry* entry = find(group);
    if (!entry) return;
    entry->timer_ms.reset();
    if (entry->consumer) {
        ConsumerGroupChanges changes;
        entry->consumer->tick(now_ms(), changes);
        write_consumer(*entry, changes);
        maybe_downgrade(*entry, changes);
    } else if (entry->streams) {
        StreamsGroupChanges changes;
        entry->streams->tick(now_ms(), changes);
        write_streams(*entry, changes);
    } else {
        GroupActions actions;
        entry->group.tick(now_ms(), actions);
        carry_out(*entry, actions);
    }
    // Not from within the timer's own call: that may drop the entry, and the timer with it.
    loop_.post([this, group = group] {
        if (!gate_.closed()) settle(group);
    });
}

// ---- requests ----

Task<JoinAnswer> GroupShard::join(std::string group, JoinRequest request) {
    const auto pass = gate_.enter();
    if (!pass) co_return JoinAnswer{.error = ErrorCode::kNotCoordinator};
    const bool session_fits = request.session_timeout_ms >= limits_.min_session_timeout_ms &&
                              request.session_timeout_ms <= limits_.max_session_timeout_ms;
    if (!session_fits) {
        co_return JoinAnswer{.error = ErrorCode::kInvalidSessionTimeout,
                             .member_id = request.member_id};
    }
    if (share_groups_.contains(group)) {
        co_return JoinAnswer{.error = ErrorCode::kInconsistentGroupProtocol,
                             .member_id = request.member_id};
    }
    if (!find(group) && !request.member_id.empty()) {
        co_return JoinAnswer{.error = ErrorCode::kUnknownMemberId, .member_id = request.member_id};
    }
    Entry& entry = find_or_make(group);
    if (entry.consumer) {
        if (!entry.consumer->members().empty()) {
            co_return co_await join_consumer(std::move(group), std::move(request));
        }
        // Nobody is in it: it becomes a classic group.
        append_quietly(consumer_group_tombstones(*entry.consumer));
        entry.consumer.reset();
    }
    if (entry.streams) {
        if (!entry.streams->members().empty()) {
            co_return JoinAnswer{.error = ErrorCode::kInconsistentGroupProtocol, .member_id = ""};
        }
        append_quietly(streams_group_tombstones(*entry.streams));
        entry.streams.reset();
    }
    const Token token = next_token_++;
    runtime::OneShot<JoinAnswer> answered;
    joins_.emplace(token, answered);
    GroupActions actions;
    entry.group.join(request, token, now_ms(), actions);
    carry_out(entry, actions);
    settle(group);
    co_return co_await answered.wait();
}

Task<SyncAnswer> GroupShard::sync(std::string group, SyncRequest request) {
    const auto pass = gate_.enter();
    if (!pass) co_return SyncAnswer{.error = ErrorCode::kNotCoordinator};
    Entry* entry = find(group);
    if (!entry) co_return SyncAnswer{.error = ErrorCode::kUnknownMemberId};
    if (entry->consumer) co_return co_await sync_consumer(std::move(group), std::move(request));
    const Token token = next_token_++;
    runtime::OneShot<SyncAnswer> answered;
    syncs_.emplace(token, answered);
    GroupActions actions;
    entry->group.sync(request, token, now_ms(), actions);
    carry_out(*entry, actions);
    settle(group);
    co_return co_await answered.wait();
}

ErrorCode GroupShard::heartbeat(const std::string& group, const std::string& member_id,
                                const std::optional<std::string>& instance_id,
                                std::int32_t generation) {
    Entry* entry = find(group);
    if (!entry) return ErrorCode::kUnknownMemberId;
    if (entry->consumer) {
        const ErrorCode error =
            entry->consumer->classic_heartbeat(member_id, instance_id, generation, now_ms());
        if (error == ErrorCode::kRebalanceInProgress) settle(group);  // Time to join runs.
        return error;
    }
    return entry->group.heartbeat(member_id, instance_id, generation, now_ms());
}

ErrorCode GroupShard::leave(const std::string& group, const std::string& member_id,
                            const std::optional<std::string>& instance_id) {
    Entry* entry = find(group);
    if (!entry) return ErrorCode::kUnknownMemberId;
    if (entry->consumer) {
        ConsumerGroupChanges changes;
        const ErrorCode error = entry->consumer->classic_leave(member_id, instance_id, changes);
        write_consumer(*entry, changes);
        settle(group);
        return error;
    }
    GroupActions actions;
    const ErrorCode error = entry->group.leave(member_id, instance_id, now_ms(), actions);
    carry_out(*entry, actions);
    settle(group);
    return error;
}

Task<ErrorCode> GroupShard::commit(std::string group, Committer committer,
                                   std::vector<OffsetWrite> offsets) {
    const auto pass = gate_.enter();
    if (!pass) co_return ErrorCode::kNotCoordinator;
    if (!find(group) && committer.generation >= 0) co_return ErrorCode::kGroupIdNotFound;
    // Share groups commit nothing: records are acknowledged.
    if (share_groups_.contains(group)) co_return ErrorCode::kGroupIdNotFound;
    {
        Entry& entry = find_or_make(group);
        const ErrorCode allowed = may_commit(entry, committer, offsets);
        if (allowed != ErrorCode::kNone || offsets.empty()) {
            settle(group);
            co_return allowed;
        }
    }
    std::vector<KeyedRecord> records;
    std::vector<std::pair<OffsetName, CommittedOffset>> written;
    for (OffsetWrite& write : offsets) {
        CommittedOffset committed{write.offset, write.leader_epoch, std::move(write.metadata),
                                  clock_.wall_ms()};
        records.push_back({offset_key(group, write.name), offset_value(committed)});
        written.emplace_back(std::move(write.name), std::move(committed));
    }
    const Result<model::Offset> next = log_.append(records);
    if (!next) {
        settle(group);
        co_return to_coordinator_error(base::fail(next.error()));
    }
    for (const auto& [name, committed] : written) {
        Offset& offset = find_or_make(group).offsets[name];
        offset.latest = committed;
        offset.position = *next;
    }
    const Result<void> durable = co_await log_.wait_durable(*next);
    if (!durable) co_return to_coordinator_error(durable);
    // The group may have lost these offsets meanwhile, with their topic.
    if (Entry* entry = find(group)) {
        for (const auto& [name, committed] : written) {
            const auto offset = entry->offsets.find(name);
            if (offset == entry->offsets.end() || offset->second.position < *next) continue;
            if (offset->second.position == *next) offset->second.durable = committed;
        }
    }
    if (log_.wants_rewrite()) runtime::spawn(loop_, maybe_rewrite());
    co_return ErrorCode::kNone;
}

std::vector<std::optional<CommittedOffset>> GroupShard::fetch(
    const std::string& group, const std::vector<OffsetName>& names) const {
    std::vector<std::optional<CommittedOffset>> found(names.size());
    const Entry* entry = find(group);
    if (!entry) return found;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto offset = entry->offsets.find(names[i]);
        if (offset != entry->offsets.end()) found[i] = offset->second.durable;
    }
    return found;
}

std::vector<std::pair<OffsetName, CommittedOffset>> GroupShard::fetch_all(
    const std::string& group) const {
    std::vector<std::pair<OffsetName, CommittedOffset>> all;
    const Entry* entry = find(group);
    if (!entry) return all;
    for (const auto& [name, offset] : entry->offsets) {
        if (offset.durable) all.emplace_back(name, *offset.durable);
    }
    return all;
}

bool GroupShard::contains(const std::string& group) const {
    return find(group) != nullptr || share_groups_.contains(group);
}

Task<ShareHeartbeatAnswer> GroupShard::share_heartbeat(std::string group, ShareHeartbeat request,
                                                       ShareGroupLimits limits) {
    if (find(group)) {
        co_return ShareHeartbeatAnswer{.error = ErrorCode::kGroupIdNotFound,
                                       .message = "Group " + group + " is not a share group."};
    }
    co_return co_await share_groups_.heartbeat(std::move(group), std::move(request), limits);
}

std::vector<GroupOverview> GroupShard::list() const {
    std::vector<GroupOverview> all;
    for (const auto& [name, entry] : groups_) {
        if (entry->consumer) {
            all.push_back({name, "consumer", state_name(entry->consumer->state()), "consumer"});
            continue;
        }
        if (entry->streams) {
            all.push_back({name, "streams", state_name(entry->streams->state()), "streams"});
            continue;
        }
        all.push_back({name, entry->group.protocol_type().value_or(""),
                       state_name(entry->group.state()), kClassicType});
    }
    return all;
}

std::optional<GroupDescription> GroupShard::describe(const std::string& group) const {
    const Entry* entry = find(group);
    if (!entry || entry->consumer || entry->streams) return std::nullopt;
    const Group& state = entry->group;
    GroupDescription description{.overview = {group, state.protocol_type().value_or(""),
                                              state_name(state.state()), kClassicType}};
    const bool stable = state.state() == Group::State::kStable;
    if (stable) description.protocol_name = state.protocol_name().value_or("");
    for (const auto& [id, member] : state.members()) {
        description.members.push_back({id, member.instance_id, member.client_id, member.client_host,
                                       stable ? state.metadata(member) : base::Bytes(),
                                       stable ? member.assignment : base::Bytes()});
    }
    return description;
}

}  // namespace millrace::broker
