// StreamsGroup: one group of the streams protocol (KIP-1071), as a state machine.
//
// The members of a Kafka Streams application bring its topology; the server finds out how many
// tasks that makes with the topics there are, has the missing internal ones made, and assigns the
// tasks. As in consumer groups, the group has an epoch that every change raises, a target
// assignment is computed for it, and each member goes there at the pace of its heartbeats
// (streams_reconcile.h). What Kafka 4.3 refuses is refused here: static members, subscriptions by
// regular expression, warm-ups, other topologies of a group that has members or offsets.
//
// Events come in with the time; what they changed goes out as names of records to be written, whose
// content is the group's state right after the event (streams_group_log.h). No socket, no log, no
// clock, no thread. Times are milliseconds of any clock that never goes back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/group/consumer/topic_source.h"
#include "broker/group/limits.h"
#include "broker/group/streams/configured_topology.h"
#include "broker/group/streams/streams_member.h"
#include "broker/group/streams/streams_reconcile.h"
#include "broker/group/streams/streams_topology.h"
#include "kafka/errors.h"

namespace millrace::broker {

using kafka::ErrorCode;

// Fields that did not change since the last one are nullopt, as in the request.
struct StreamsHeartbeat {
    std::string member_id;
    std::int32_t member_epoch = 0;
    std::int32_t endpoint_epoch = -1;  // Of the endpoints that the member knows.
    std::optional<std::string> rack_id;
    std::optional<std::int32_t> rebalance_timeout_ms;
    std::optional<StreamsTopology> topology;
    std::optional<Tasks> owned;
    std::optional<std::string> process_id;
    std::optional<StreamsEndpoint> endpoint;
    std::optional<std::map<std::string, std::string>> client_tags;
    bool shutdown_application = false;
    std::string client_id;
    std::string client_host;
};

// What is to be had of the state at an endpoint: partitions by topic.
struct EndpointPartitions {
    using Partitions = std::map<std::string, std::set<std::int32_t>>;
    StreamsEndpoint endpoint;
    Partitions active;
    Partitions standby;
};

struct StreamsHeartbeatAnswer {
    ErrorCode error = ErrorCode::kNone;
    std::string message;
    std::string member_id;
    std::int32_t member_epoch = 0;
    std::int32_t heartbeat_interval_ms = 0;
    std::vector<StreamsStatus> statuses;
    std::optional<Tasks> tasks;  // nullopt: as before.
    std::int32_t endpoint_epoch = 0;
    std::optional<std::vector<EndpointPartitions>> endpoints;  // nullopt: as before.
    std::vector<StreamsTopology::Topic> to_create;
};

// Which records an event changed. A member that is named and no longer there has left: its records
// are to be taken away.
struct StreamsGroupChanges {
    bool epoch = false;
    bool target_epoch = false;
    bool topology = false;
    std::set<std::string> members;
    std::set<std::string> targets;   // By member.
    std::set<std::string> currents;  // By member.
    bool any() const {
        return epoch || target_epoch || topology || !members.empty() || !targets.empty() ||
               !currents.empty();
    }
};

class StreamsGroup {
public:
    enum class State : std::uint8_t { kEmpty, kNotReady, kAssigning, kReconciling, kStable };
    struct Refusal {
        ErrorCode error = ErrorCode::kNone;
        std::string message;
        explicit operator bool() const { return error != ErrorCode::kNone; }
    };
    // By option name: what assignments are made with.
    using AssignmentConfigs = std::map<std::string, std::string>;

    StreamsGroup(std::string id, const StreamsGroupLimits& limits, const TopicSource& topics)
        : id_(std::move(id)), limits_(limits), source_(topics), settings_(limits.settings) {}

    const std::string& id() const { return id_; }
    State state() const;
    std::int32_t epoch() const { return epoch_; }
    std::int64_t metadata_hash() const { return metadata_hash_; }
    std::int32_t validated_topology_epoch() const { return validated_topology_epoch_; }
    const AssignmentConfigs& assignment_configs() const { return assignment_configs_; }
    std::int32_t target_epoch() const { return target_epoch_; }
    const std::map<std::string, StreamsMember>& members() const { return members_; }
    const std::map<std::string, Tasks>& targets() const { return targets_; }
    const std::optional<StreamsTopology>& topology() const { return topology_; }
    // nullopt until a member has looked since the start.
    const std::optional<ConfiguredTopology>& configured() const { return configured_; }
    void set_settings(const StreamsGroupSettings& settings) { settings_ = settings; }
    // Topics that its members read now.
    std::set<std::string> subscribed_topics() const;

    // A member joins (epoch 0), lives, or leaves (-1).
    StreamsHeartbeatAnswer heartbeat(const StreamsHeartbeat& request, std::int64_t now_ms,
                                     StreamsGroupChanges& changes);
    // Members that were not heard of for too long, or do not give up what they should; the first
    // assignment of a group that waited for more members.
    void tick(std::int64_t now_ms, StreamsGroupChanges& changes);
    std::optional<std::int64_t> next_deadline_ms() const;

    // May this member commit offsets of these partitions? OffsetCommit before version 9 has no
    // epochs; in a transaction that does not matter.
    Refusal may_commit(const std::string& member_id, std::int32_t member_epoch,
                       std::int16_t api_version,
                       const std::vector<std::pair<std::string, std::int32_t>>& partitions) const;
    // May it see them? nullopt: somebody from outside asks.
    Refusal may_fetch(const std::optional<std::string>& member_id, std::int32_t member_epoch) const;

    // ---- the log: restore() of every record, then finish_restore() ----
    void restore_epoch(std::int32_t epoch, std::int64_t metadata_hash,
                       std::int32_t validated_topology_epoch, AssignmentConfigs configs);
    void restore_topology(StreamsTopology topology) { topology_ = std::move(topology); }
    void forget_topology() { topology_.reset(); }
    void restore_target_epoch(std::int32_t epoch) { target_epoch_ = epoch; }
    void restore_target(const std::string& member, Tasks target);
    void forget_target(const std::string& member) { targets_.erase(member); }
    // The member's own part; what it has comes by restore_current(), in whatever order.
    void restore_member(StreamsMember member);
    void forget_member(const std::string& member) { members_.erase(member); }
    void restore_current(const std::string& member, std::int32_t epoch, std::int32_t previous_epoch,
                         StreamsMemberState state, AssignedTasks assigned, AssignedTasks revoking);
    // Members get a whole session from `now_ms` to be heard of.
    void finish_restore(std::int64_t now_ms);
    // Every record there is: to write the group anew.
    StreamsGroupChanges everything() const;

private:
    using Answer = StreamsHeartbeatAnswer;
    // What a look at the topics found, before it counts.
    struct Look {
        const StreamsTopology* topology = nullptr;
        std::int64_t metadata_hash = 0;
        std::optional<ConfiguredTopology> configured;  // nullopt: as before.
    };

    Answer refused(const Refusal& refusal) const;
    Answer leave(const StreamsHeartbeat& request, StreamsGroupChanges& changes);
    Refusal check_member(const StreamsHeartbeat& request) const;
    Refusal check_topology(const StreamsHeartbeat& request, Look& look) const;
    Refusal look_at_topics(Look& look) const;
    static Refusal check_tasks(const TaskSet& tasks, const ConfiguredTopology& configured);
    std::int64_t hash_of_topics(const StreamsTopology& topology) const;
    // Takes over what the request says; true if anything is not as it was.
    static bool update(StreamsMember& member, const StreamsHeartbeat& request);
    // Takes over what was found; true if the group is another one with it.
    bool take(Look& look, StreamsGroupChanges& changes);
    AssignmentConfigs current_configs() const;
    // What the member is to have; says so when it is to wait.
    Tasks target_for(const StreamsMember& member, bool delayed) const;
    // True if the target cannot be computed yet; `answer` says why.
    bool maybe_update_target(std::int64_t now_ms, StreamsGroupChanges& changes,
                             std::vector<StreamsStatus>* statuses);
    void update_target(StreamsGroupChanges& changes);
    bool reconcile_member(StreamsMember& member, const Tasks& target,
                          const std::optional<Tasks>& owned, std::int64_t now_ms,
                          StreamsGroupChanges& changes);
    void remove(const std::string& member_id, StreamsGroupChanges& changes);
    std::vector<EndpointPartitions> endpoints() const;
    EndpointPartitions::Partitions partitions_of(const TaskSet& tasks) const;

    const std::string id_;
    const StreamsGroupLimits& limits_;
    const TopicSource& source_;
    StreamsGroupSettings settings_;
    std::int32_t epoch_ = 1;
    std::int64_t metadata_hash_ = 0;
    std::int32_t validated_topology_epoch_ = 0;
    AssignmentConfigs assignment_configs_;
    std::int32_t target_epoch_ = 1;
    std::optional<std::int64_t> target_computed_ms_;
    std::map<std::string, StreamsMember> members_;
    std::map<std::string, Tasks> targets_;
    TaskOwners owners_;
    std::optional<StreamsTopology> topology_;

    // Not in the log.
    std::optional<ConfiguredTopology> configured_;
    std::optional<std::uint64_t> topics_seen_;         // Version of the topics at the last look.
    std::optional<std::int64_t> first_assignment_ms_;  // Until then it waits for more members.
    std::int32_t endpoint_epoch_ = 0;
    std::optional<std::string> shutdown_member_;  // Who wants all of the application to end.
};

// "Stable", "NotReady" ... as Kafka's tools print them.
std::string_view state_name(StreamsGroup::State state);

}  // namespace millrace::broker
