#include "broker/share/share_groups.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "broker/catalog/catalog.h"
#include "broker/catalog/topic.h"
#include "broker/share/share_group_log.h"
#include "broker/to_kafka.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;

ShareGroups::ShareGroups(runtime::Loop& loop, runtime::Clock& clock, const Catalog& catalog,
                         KeyedLog& log)
    : loop_(loop), clock_(clock), catalog_(catalog), log_(log) {}

ShareGroups::~ShareGroups() = default;

std::int64_t ShareGroups::now_ms() const {
    return loop_.now_ns() / 1'000'000;
}

std::optional<ShareTopic> ShareGroups::find_topic(const std::string& name) const {
    const auto topic = catalog_.find(name);
    if (!topic) return std::nullopt;
    return ShareTopic{topic->name(), topic->record.id,
                      static_cast<std::int32_t>(topic->partitions.size())};
}

ShareGroup::FindTopic ShareGroups::finder() const {
    return [this](const std::string& name) { return find_topic(name); };
}

// ---- the log ----

bool ShareGroups::load_record(base::ByteView key, std::optional<base::ByteView> value) {
    return load_share_group_record(key, value, loading_);
}

void ShareGroups::loaded() {
    for (auto& [id, data] : std::exchange(loading_, {})) {
        if (data.epoch == 0) continue;  // Left behind by a group that is gone.
        auto entry = std::make_unique<Entry>(id, std::move(data));
        entry->group.give_time(ShareGroupLimits().session_timeout_ms, now_ms());
        groups_.emplace(id, std::move(entry));
        settle(id);
    }
}

void ShareGroups::append_state(std::vector<KeyedRecord>& records) const {
    for (const auto& [id, entry] : groups_) {
        for (KeyedRecord& record : share_group_state(entry->group, clock_.wall_ms())) {
            records.push_back(std::move(record));
        }
    }
}

Task<void> ShareGroups::stop() {
    for (const auto& [id, entry] : groups_) entry->timer.cancel();
    co_await gate_.close();
    co_await runtime::yield();  // What on_timer() has posted comes before this.
}

Result<std::optional<model::Offset>> ShareGroups::write(const ShareGroup& group,
                                                        const ShareGroupChanges& changes) {
    const auto records = share_group_records(group, changes, clock_.wall_ms());
    if (records.empty()) return std::optional<model::Offset>();
    MR_TRY(const model::Offset next, log_.append(records));
    return std::optional(next);
}

Task<ErrorCode> ShareGroups::durable(Result<std::optional<model::Offset>> written) {
    Result<void> outcome;
    if (!written) {
        outcome = base::fail(written.error());
    } else if (*written) {
        outcome = co_await log_.wait_durable(**written);
    }
    co_return to_coordinator_error(outcome);
}

// ---- time ----

void ShareGroups::settle(const std::string& group) {
    const auto found = groups_.find(group);
    if (found == groups_.end()) return;
    Entry& entry = *found->second;
    const auto next_ms = entry.group.next_deadline_ms();
    if (!next_ms) {
        entry.timer.cancel();
        entry.timer_ms.reset();
        return;
    }
    // Deadlines mostly move away, with every heartbeat: the timer then fires early, and is set
    // anew.
    if (entry.timer_ms && *entry.timer_ms <= *next_ms) return;
    entry.timer_ms = next_ms;
    const std::int64_t delay_ms = std::max<std::int64_t>(*next_ms - now_ms(), 0) + 1;
    entry.timer =
        loop_.call_after(std::chrono::milliseconds(delay_ms), [this, group] { on_timer(group); });
}

void ShareGroups::on_timer(const std::string& group) {
    const auto found = groups_.find(group);
    if (found == groups_.end()) return;
    Entry& entry = *found->second;
    entry.timer_ms.reset();
    ShareGroupChanges changes;
    entry.group.tick(finder(), now_ms(), changes);
    const auto written = write(entry.group, changes);
    if (!written) base::log_error("__consumer_offsets: {}", written.error().message());
    // Not from within the timer's own call.
    loop_.post([this, group = group] {
        if (!gate_.closed()) settle(group);
    });
}

// ---- requests ----

const ShareGroup* ShareGroups::find(const std::string& group) const {
    const auto found = groups_.find(group);
    return found == groups_.end() ? nullptr : &found->second->group;
}

std::vector<const ShareGroup*> ShareGroups::all() const {
    std::vector<const ShareGroup*> all;
    for (const auto& [id, entry] : groups_) all.push_back(&entry->group);
    return all;
}

Task<ShareHeartbeatAnswer> ShareGroups::heartbeat(std::string group, ShareHeartbeat request,
                                                  ShareGroupLimits limits) {
    const auto pass = gate_.enter();
    if (!pass) co_return ShareHeartbeatAnswer{.error = ErrorCode::kNotCoordinator};
    auto& entry = groups_[group];
    if (!entry && request.epoch != 0) {
        groups_.erase(group);
        co_return ShareHeartbeatAnswer{.error = ErrorCode::kGroupIdNotFound,
                                       .message = "Share group " + group + " not found."};
    }
    if (!entry) entry = std::make_unique<Entry>(group, ShareGroupData());
    ShareGroupChanges changes;
    ShareHeartbeatAnswer answer =
        entry->group.heartbeat(request, limits, finder(), now_ms(), changes);
    if (entry->group.data().epoch == 0) {
        groups_.erase(group);  // It did not come to be.
        co_return answer;
    }
    settle(group);
    if (!changes.any()) co_return answer;
    const ErrorCode written = co_await durable(write(entry->group, changes));
    if (written != ErrorCode::kNone) co_return ShareHeartbeatAnswer{.error = written};
    co_return answer;
}

Task<ErrorCode> ShareGroups::remove(std::string group) {
    const auto pass = gate_.enter();
    if (!pass) co_return ErrorCode::kNotCoordinator;
    const auto found = groups_.find(group);
    if (found == groups_.end()) co_return ErrorCode::kGroupIdNotFound;
    if (!found->second->group.empty()) co_return ErrorCode::kNonEmptyGroup;
    const auto records = share_group_tombstones(found->second->group);
    groups_.erase(found);
    const Result<model::Offset> appended = log_.append(records);
    if (!appended) co_return to_coordinator_error(base::fail(appended.error()));
    co_return to_coordinator_error(co_await log_.wait_durable(*appended));
}

Task<ErrorCode> ShareGroups::set_positions(std::string group, std::vector<ShareTopic> with,
                                           std::vector<kafka::Uuid> without) {
    const auto pass = gate_.enter();
    if (!pass) co_return ErrorCode::kNotCoordinator;
    auto& entry = groups_[group];
    ShareGroupChanges changes;
    if (!entry) {
        entry = std::make_unique<Entry>(group, ShareGroupData());
        entry->group.found(changes);
    }
    for (const ShareTopic& topic : with) entry->group.initialize(topic, changes);
    for (const kafka::Uuid& topic : without) entry->group.forget(topic, changes);
    co_return co_await durable(write(entry->group, changes));
}

std::vector<std::string> ShareGroups::forget_topic(const kafka::Uuid& topic) {
    std::vector<std::string> groups;
    for (const auto& [id, entry] : groups_) {
        ShareGroupChanges changes;
        entry->group.forget(topic, changes);
        if (!changes.any()) continue;
        groups.push_back(id);
        const auto written = write(entry->group, changes);
        if (!written) base::log_error("__consumer_offsets: {}", written.error().message());
    }
    return groups;
}

}  // namespace millrace::broker
