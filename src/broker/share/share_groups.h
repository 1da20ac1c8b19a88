// ShareGroups: the share groups of one partition of __consumer_offsets.
//
// Runs the state machines (share_group.h): gives them the time and the topics there are, and writes
// what must survive before it is told. A part of GroupShard, which owns the log.
// Thread rule: belongs to the loop of its shard.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "broker/keyed_log.h"
#include "broker/share/share_group.h"
#include "runtime/gate.h"
#include "runtime/task.h"
#include "runtime/timer.h"

namespace millrace::runtime {
class Clock;
class Loop;
}  // namespace millrace::runtime

namespace millrace::broker {

class Catalog;

class ShareGroups {
public:
    ShareGroups(runtime::Loop& loop, runtime::Clock& clock, const Catalog& catalog, KeyedLog& log);
    ~ShareGroups();

    // ---- loading, and rewriting the log ----
    // False when the record is none of a share group.
    bool load_record(base::ByteView key, std::optional<base::ByteView> value);
    void loaded();
    void append_state(std::vector<KeyedRecord>& records) const;
    runtime::Task<void> stop();

    // ---- requests ----
    bool contains(const std::string& group) const { return groups_.contains(group); }
    // Null when there is none.
    const ShareGroup* find(const std::string& group) const;
    std::vector<const ShareGroup*> all() const;
    runtime::Task<ShareHeartbeatAnswer> heartbeat(std::string group, ShareHeartbeat request,
                                                  ShareGroupLimits limits);
    // GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, or gone for good.
    runtime::Task<ErrorCode> remove(std::string group);
    // The group has a position in the topics `with`, and in those `without` no more. A group that
    // there is not is made.
    runtime::Task<ErrorCode> set_positions(std::string group, std::vector<ShareTopic> with,
                                           std::vector<kafka::Uuid> without);
    // The topic is gone: the groups that had positions in it.
    std::vector<std::string> forget_topic(const kafka::Uuid& topic);

private:
    struct Entry {
        Entry(std::string id, ShareGroupData data) : group(std::move(id), std::move(data)) {}
        ShareGroup group;
        runtime::Timer timer;
        std::optional<std::int64_t> timer_ms;
    };

    std::int64_t now_ms() const;
    std::optional<ShareTopic> find_topic(const std::string& name) const;
    ShareGroup::FindTopic finder() const;
    base::Result<std::optional<model::Offset>> write(const ShareGroup& group,
                                                     const ShareGroupChanges& changes);
    runtime::Task<ErrorCode> durable(base::Result<std::optional<model::Offset>> written);
    void settle(const std::string& group);
    void on_timer(const std::string& group);

    runtime::Loop& loop_;
    runtime::Clock& clock_;
    const Catalog& catalog_;
    KeyedLog& log_;
    std::map<std::string, ShareGroupData> loading_;
    std::map<std::string, std::unique_ptr<Entry>> groups_;
    runtime::Gate gate_;
};

}  // namespace millrace::broker
