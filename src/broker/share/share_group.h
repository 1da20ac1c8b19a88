// ShareGroup: the members of one share group and what they are assigned, as a state machine
// (KIP-932).
//
// A member is there while its heartbeats come. Each change of members, subscriptions or topics
// gives the group a new epoch, and the next heartbeat all members new targets, though not more
// often than the assignment interval; a member takes its target over with its next heartbeat, as
// records and not partitions are exclusive here: nobody waits for anybody. Events come in with the
// time; what they changed comes out as ShareGroupChanges, to be written to the log before the
// answer is told. No log, no clock, no thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/share/simple_assignor.h"
#include "kafka/errors.h"
#include "kafka/types.h"

namespace millrace::broker {

using kafka::ErrorCode;

struct ShareMember {
    std::optional<std::string> rack_id;
    std::string client_id;
    std::string client_host;
    std::vector<std::string> subscribed;  // Topic names, sorted.
    std::int32_t epoch = 0;
    std::int32_t previous_epoch = -1;
    ShareAssignment assigned;
    std::int64_t deadline_ms = 0;  // Not kept in the log.
};

// What the log keeps of a group.
struct ShareGroupData {
    std::int32_t epoch = 0;
    std::int64_t metadata_hash = 0;
    std::int32_t assignment_epoch = 0;
    std::map<std::string, ShareMember> members;
    std::map<std::string, ShareAssignment> targets;
    // Partitions that the group has, or may have, a position in.
    struct Initialized {
        std::string name;
        std::set<std::int32_t> partitions;
    };
    std::map<kafka::Uuid, Initialized> initialized;
};

// What an event changed, as records are to be written of it.
struct ShareGroupChanges {
    bool epoch = false;
    bool assignment_epoch = false;
    bool initialized = false;
    std::set<std::string> members;  // Their metadata.
    std::set<std::string> targets;
    std::set<std::string> current;
    std::set<std::string> removed;

    bool any() const {
        return epoch || assignment_epoch || initialized || !members.empty() || !targets.empty() ||
               !current.empty() || !removed.empty();
    }
};

struct ShareHeartbeat {
    std::string member_id;
    std::int32_t epoch = 0;  // 0 joins, -1 leaves.
    std::optional<std::string> rack_id;
    std::optional<std::vector<std::string>> subscribed;
    std::string client_id;
    std::string client_host;
};

struct ShareHeartbeatAnswer {
    ErrorCode error = ErrorCode::kNone;
    std::string message;
    std::int32_t epoch = 0;
    std::optional<ShareAssignment> assignment;  // nullopt: as before.
};

struct ShareGroupLimits {
    std::int32_t session_timeout_ms = 45'000;
    std::int32_t assignment_interval_ms = 1000;
    std::size_t max_size = 200;
};

class ShareGroup {
public:
    // nullopt: there is no such topic.
    using FindTopic = std::function<std::optional<ShareTopic>(const std::string& name)>;

    ShareGroup(std::string id, ShareGroupData data) : id_(std::move(id)), data_(std::move(data)) {}

    const std::string& id() const { return id_; }
    const ShareGroupData& data() const { return data_; }
    bool empty() const { return data_.members.empty(); }

    ShareHeartbeatAnswer heartbeat(const ShareHeartbeat& request, const ShareGroupLimits& limits,
                                   const FindTopic& find_topic, std::int64_t now_ms,
                                   ShareGroupChanges& changes);
    // Members that have not been heard of in time leave.
    void tick(const FindTopic& find_topic, std::int64_t now_ms, ShareGroupChanges& changes);
    std::optional<std::int64_t> next_deadline_ms() const;
    // After loading: members get a whole session to be heard of.
    void give_time(std::int64_t session_timeout_ms, std::int64_t now_ms);

    // Makes a group that nobody has joined yet worth keeping.
    void found(ShareGroupChanges& changes);
    // The group has a position in these partitions from now on, or none any more.
    void initialize(const ShareTopic& topic, ShareGroupChanges& changes);
    void forget(const kafka::Uuid& topic, ShareGroupChanges& changes);

private:
    ShareHeartbeatAnswer leave(const std::string& member_id, const FindTopic& find_topic,
                               ShareGroupChanges& changes);
    ShareHeartbeatAnswer check(const ShareHeartbeat& request, const ShareGroupLimits& limits) const;
    bool update_member(const ShareHeartbeat& request, ShareGroupChanges& changes);
    void remove(const std::string& member_id, ShareGroupChanges& changes);
    // Topics that somebody subscribes to and that exist.
    std::map<kafka::Uuid, ShareTopic> topics(const FindTopic& find_topic) const;
    // A new epoch, if members (`changed`) or topics have changed.
    void refresh(const FindTopic& find_topic, bool changed, ShareGroupChanges& changes);
    // New targets for a new epoch, if the last ones are old enough.
    void maybe_assign(const FindTopic& find_topic, std::int32_t interval_ms, std::int64_t now_ms,
                      ShareGroupChanges& changes);
    void assign(const std::map<kafka::Uuid, ShareTopic>& topics, ShareGroupChanges& changes);
    bool reconcile(ShareMember& member, const std::string& member_id, ShareGroupChanges& changes);

    const std::string id_;
    ShareGroupData data_;
    std::optional<std::int64_t> assigned_ms_;  // Not kept in the log.
};

}  // namespace millrace::broker
