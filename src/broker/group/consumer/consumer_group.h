// ConsumerGroup: one group of the consumer protocol (KIP-848), as a state machine.
//
// The group has an epoch, which every change of members, subscriptions or topics raises. The first
// heartbeat after that computes a target assignment for the new epoch; each member then goes from
// what it has to its target at the pace of its own heartbeats (reconcile.h). Nobody waits for
// anybody, save for partitions that another has yet to give up.
//
// Events come in with the time; what they changed goes out as names of records to be written, whose
// content is the group's state right after the event (consumer_group_log.h). No socket, no log, no
// clock, no thread; topics are asked for through TopicSource. Times are milliseconds of any clock
// that never goes back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/group/consumer/assignor.h"
#include "broker/group/consumer/consumer_member.h"
#include "broker/group/consumer/topic_source.h"
#include "broker/group/group.h"
#include "broker/group/limits.h"
#include "broker/group/subscription.h"
#include "kafka/errors.h"

namespace millrace::broker {

// Fields that did not change since the last one are nullopt, as in the request.
struct ConsumerHeartbeat {
    std::string member_id;
    std::int32_t member_epoch = 0;
    std::optional<std::string> instance_id;
    std::optional<std::string> rack_id;
    std::optional<std::int32_t> rebalance_timeout_ms;
    std::optional<std::vector<std::string>> topics;
    std::optional<std::string> regex;
    std::optional<std::string> assignor;
    std::optional<TopicPartitions> owned;
    std::string client_id;
    std::string client_host;
};

struct ConsumerHeartbeatAnswer {
    ErrorCode error = ErrorCode::kNone;
    std::string message;
    std::string member_id;
    std::int32_t member_epoch = 0;
    std::int32_t heartbeat_interval_ms = 0;
    std::optional<TopicPartitions> assignment;
};

// Which records an event changed. A member that is named and no longer there has left: its records
// are to be taken away.
struct ConsumerGroupChanges {
    bool epoch = false;
    bool target_epoch = false;
    std::set<std::string> members;
    std::set<std::string> targets;   // By member.
    std::set<std::string> currents;  // By member.
    std::set<std::string> regexes;
    // Somebody who speaks this protocol has gone: those who are left may all speak the classic one.
    bool lost_consumer = false;
    bool any() const {
        return epoch || target_epoch || !members.empty() || !targets.empty() || !currents.empty() ||
               !regexes.empty();
    }
};

class ConsumerGroup {
public:
    enum class State : std::uint8_t { kEmpty, kAssigning, kReconciling, kStable };
    struct Refusal {
        ErrorCode error = ErrorCode::kNone;
        std::string message;
        explicit operator bool() const { return error != ErrorCode::kNone; }
    };
    // The topics that a regular expression meant when it was last looked at.
    using Resolved = std::set<std::string>;

    ConsumerGroup(std::string id, const ConsumerGroupLimits& limits, const TopicSource& topics)
        : id_(std::move(id)), limits_(limits), source_(topics), timeouts_(limits.timeouts) {}

    const std::string& id() const { return id_; }
    State state() const;
    std::int32_t epoch() const { return epoch_; }
    std::int64_t metadata_hash() const { return metadata_hash_; }
    std::int32_t target_epoch() const { return target_epoch_; }
    const std::map<std::string, ConsumerMember>& members() const { return members_; }
    const TargetAssignment& targets() const { return targets_; }
    const std::map<std::string, Resolved>& regexes() const { return regexes_; }
    void set_timeouts(const ConsumerTimeouts& timeouts) { timeouts_ = timeouts; }
    // Which of the assignors most members ask for.
    std::string assignor() const;
    std::set<std::string> subscribed_topics() const;

    // A member joins (epoch 0), lives, or leaves (-1, -2). check() has found nothing wrong with it.
    ConsumerHeartbeatAnswer heartbeat(const ConsumerHeartbeat& request, std::int64_t now_ms,
                                      ConsumerGroupChanges& changes);
    // Members that were not heard of for too long, or do not give up what they should.
    void tick(std::int64_t now_ms, ConsumerGroupChanges& changes);
    std::optional<std::int64_t> next_deadline_ms() const;

    // ---- members that speak the classic protocol, while the group changes over ----
    // Begins with the members of a classic group and what they have; false, and nothing is changed,
    // if that cannot be read.
    bool adopt(const Group::Snapshot& classic, std::int64_t now_ms);
    // The whole group as a classic one, when all its members speak that protocol; nullopt: they do
    // not.
    std::optional<Group::Snapshot> as_classic() const;
    // Their generation is the epoch, and none of them is the leader: the server assigns.
    JoinAnswer join(const JoinRequest& request, std::int64_t now_ms, ConsumerGroupChanges& changes);
    SyncAnswer sync(const SyncRequest& request, std::int64_t now_ms);
    ErrorCode classic_heartbeat(const std::string& member_id,
                                const std::optional<std::string>& instance_id,
                                std::int32_t generation, std::int64_t now_ms);
    ErrorCode classic_leave(const std::string& member_id,
                            const std::optional<std::string>& instance_id,
                            ConsumerGroupChanges& changes);

    // May this member commit offsets of these partitions? OffsetCommit before version 9 has no
    // epochs.
    Refusal may_commit(const std::string& member_id, std::int32_t member_epoch,
                       std::int16_t api_version,
                       const std::vector<std::pair<std::string, std::int32_t>>& partitions) const;
    // May it see them? nullopt: somebody from outside asks.
    Refusal may_fetch(const std::optional<std::string>& member_id, std::int32_t member_epoch) const;

    // ---- the log: restore() of every record, then finish_restore() ----
    void restore_epoch(std::int32_t epoch, std::int64_t metadata_hash);
    void restore_target_epoch(std::int32_t epoch) { target_epoch_ = epoch; }
    void restore_target(const std::string& member, TopicPartitions target);
    void forget_target(const std::string& member) { targets_.erase(member); }
    // The member's own part; what it has comes by restore_current(), in whatever order.
    void restore_member(ConsumerMember member);
    void forget_member(const std::string& member) { members_.erase(member); }
    void restore_current(const std::string& member, std::int32_t epoch, std::int32_t previous_epoch,
                         MemberState state, OwnedPartitions assigned, OwnedPartitions revoking);
    void restore_regex(const std::string& regex, Resolved topics);
    void forget_regex(const std::string& regex) { regexes_.erase(regex); }
    // Members get a whole session from `now_ms` to be heard of.
    void finish_restore(std::int64_t now_ms);
    // Every record there is: to write the group anew, or to take it away.
    ConsumerGroupChanges everything() const;

private:
    using Answer = ConsumerHeartbeatAnswer;

    Answer leave(const ConsumerHeartbeat& request, ConsumerGroupChanges& changes);
    // The part that both protocols share: what is new of a member, and its next step. True if it
    // has other partitions than before.
    bool advance(ConsumerMember& member, bool subscription_changed,
                 const std::optional<TopicPartitions>& owned, std::int64_t now_ms,
                 ConsumerGroupChanges& changes);
    bool supports(const JoinRequest& request) const;
    // kNone, or why this is no member that speaks the classic protocol.
    ErrorCode check_classic(const std::string& member_id,
                            const std::optional<std::string>& instance_id) const;
    bool waits_for_others(const ConsumerMember& member) const;
    PartitionsByTopic by_name(const TopicPartitions& partitions) const;
    TopicPartitions by_id(const PartitionsByTopic& partitions) const;
    Answer refused(const Refusal& refusal) const;
    Refusal check_member(const ConsumerHeartbeat& request) const;
    static Refusal check_epoch(const ConsumerMember& member, const ConsumerHeartbeat& request);
    Refusal check_regex(const ConsumerHeartbeat& request) const;
    ConsumerMember& find_or_join(const std::string& member_id, bool joining,
                                 const std::optional<std::string>& instance_id,
                                 ConsumerGroupChanges& changes);
    void replace_static(const std::string& old_id, const std::string& new_id,
                        ConsumerGroupChanges& changes);
    // Takes over what the request says; true if the subscription is another one now.
    bool update(ConsumerMember& member, const ConsumerHeartbeat& request,
                ConsumerGroupChanges& changes);
    void remove(const std::string& member_id, ConsumerGroupChanges& changes);
    // Looks again at topics and regular expressions; true if anything is not as it was.
    bool refresh_topics(ConsumerGroupChanges& changes);
    // What the expressions mean now, of those that are known (again) or of those that are new.
    bool resolve_regexes(bool again, ConsumerGroupChanges& changes);
    bool update_metadata_hash(ConsumerGroupChanges& changes);
    void update_target(ConsumerGroupChanges& changes);
    // True if it has other partitions than before.
    bool reconcile_member(ConsumerMember& member, const std::optional<TopicPartitions>& owned,
                          bool subscription_changed, std::int64_t now_ms,
                          ConsumerGroupChanges& changes);
    // Who has a partition, whatever it is about to do with it.
    void note_owned(const ConsumerMember& member);
    void forget_owned(const ConsumerMember& member);
    std::set<std::string> topics_of(const ConsumerMember& member) const;
    std::set<kafka::Uuid> topic_ids_of(const ConsumerMember& member) const;
    std::size_t subscribers_of_regex(const std::string& regex) const;

    const std::string id_;
    const ConsumerGroupLimits& limits_;
    const TopicSource& source_;
    ConsumerTimeouts timeouts_;
    std::int32_t epoch_ = 0;
    std::int64_t metadata_hash_ = 0;
    std::int32_t target_epoch_ = 0;
    std::optional<std::int64_t> target_computed_ms_;
    std::map<std::string, ConsumerMember> members_;
    std::map<std::string, std::string> static_members_;  // Instance id to member id.
    TargetAssignment targets_;
    std::map<std::string, Resolved> regexes_;
    std::map<std::pair<kafka::Uuid, std::int32_t>, std::string> owners_;
    std::optional<std::uint64_t> topics_seen_;  // Version of the topics at the last look.
};

// "Stable", "Reconciling" ... as Kafka's tools print them.
std::string_view state_name(ConsumerGroup::State state);

}  // namespace millrace::broker
