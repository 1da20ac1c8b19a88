// Group: one consumer group of the classic protocol, as a state machine.
//
// Events come in with the time, answers and wishes go out as Actions: no socket, no log, no clock,
// no thread. A request that has to wait (JoinGroup until all have joined, SyncGroup until the
// leader has assigned) is named by a Token, and is answered by some later event.
//
//   Empty -> PreparingRebalance: somebody joins; waits for the others
//         -> CompletingRebalance: generation n + 1 begins; waits for the leader's assignment
//         -> Stable: assignments are handed out, heartbeats keep it so
//   any join with news, leave or missed heartbeat goes back to PreparingRebalance
//
// Times are milliseconds of any clock that never goes back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "broker/group/limits.h"
#include "kafka/errors.h"

namespace millrace::broker {

using kafka::ErrorCode;
using Token = std::uint64_t;

struct GroupProtocol {
    std::string name;
    base::Bytes metadata;
    bool operator==(const GroupProtocol&) const = default;
};

struct JoinRequest {
    std::string client_id;
    std::string client_host;
    std::string member_id;
    std::optional<std::string> instance_id;  // A static member.
    std::string protocol_type;
    std::vector<GroupProtocol> protocols;
    std::int32_t session_timeout_ms = 0;
    std::int32_t rebalance_timeout_ms = 0;
    bool require_known_member_id = false;       // JoinGroup 4+.
    bool supports_skipping_assignment = false;  // JoinGroup 9+.
    std::string new_member_id;                  // What the member is called if it is new.
};

struct JoinAnswer {
    ErrorCode error = ErrorCode::kNone;
    std::int32_t generation = -1;
    std::optional<std::string> protocol_type;
    std::optional<std::string> protocol_name;
    std::string leader;
    bool skip_assignment = false;
    std::string member_id;
    struct Member {
        std::string id;
        std::optional<std::string> instance_id;
        base::Bytes metadata;
    };
    std::vector<Member> members;  // For the leader only.
};

struct SyncRequest {
    std::int32_t generation = -1;
    std::string member_id;
    std::optional<std::string> instance_id;
    std::optional<std::string> protocol_type;
    std::optional<std::string> protocol_name;
    std::map<std::string, base::Bytes> assignments;
};

struct SyncAnswer {
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> protocol_type;
    std::optional<std::string> protocol_name;
    base::Bytes assignment;
};

// What an event asks its caller to do, in this order.
struct GroupActions {
    std::vector<std::pair<Token, JoinAnswer>> joins;
    std::vector<std::pair<Token, SyncAnswer>> syncs;
    // Answers that tell what is yet to be written: given once it is durable, with an error if not.
    std::vector<std::pair<Token, JoinAnswer>> joins_when_written;
    // Write snapshot() to the log. With `assignment`, call assignment_written() after it is
    // durable.
    bool write = false;
    bool assignment = false;
};

class Group {
public:
    enum class State : std::uint8_t {
        kEmpty,
        kPreparingRebalance,
        kCompletingRebalance,
        kStable,
        kDead,
    };
    struct Member {
        std::string id;
        std::optional<std::string> instance_id;
        std::string client_id;
        std::string client_host;
        std::int32_t session_timeout_ms = 0;
        std::int32_t rebalance_timeout_ms = 0;
        std::vector<GroupProtocol> protocols;
        base::Bytes assignment;
        bool supports_skipping_assignment = false;
        bool is_new = false;  // Has never finished a rebalance.
        std::int64_t deadline_ms = 0;
        std::optional<Token> join;
        std::optional<Token> sync;
    };
    // The state that the log keeps.
    struct Snapshot {
        std::string protocol_type;
        std::int32_t generation = 0;
        std::optional<std::string> protocol_name;
        std::optional<std::string> leader;
        std::int64_t state_time_ms = -1;  // Wall clock, of the last change of state.
        std::vector<Member> members;
    };

    Group(std::string id, const GroupLimits& limits) : id_(std::move(id)), limits_(limits) {}

    const std::string& id() const { return id_; }
    State state() const { return state_; }
    std::int32_t generation() const { return generation_; }
    const std::optional<std::string>& protocol_type() const { return protocol_type_; }
    const std::optional<std::string>& protocol_name() const { return protocol_name_; }
    const std::map<std::string, Member>& members() const { return members_; }
    // The protocol metadata of a member under the chosen protocol; empty while there is none.
    base::Bytes metadata(const Member& member) const;
    // Does it speak the protocol of consumers, so that its subscriptions can be read?
    bool uses_consumer_protocol() const { return protocol_type_ == "consumer"; }
    // May offsets of this topic be in use? Yes where it cannot be known.
    bool is_subscribed_to(const std::string& topic) const;
    // What the members subscribe to; nullopt where it cannot be known.
    std::optional<std::set<std::string>> subscribed_topics() const;

    void join(const JoinRequest& request, Token token, std::int64_t now_ms, GroupActions& actions);
    void sync(const SyncRequest& request, Token token, std::int64_t now_ms, GroupActions& actions);
    ErrorCode heartbeat(const std::string& member_id, const std::optional<std::string>& instance_id,
                        std::int32_t generation, std::int64_t now_ms);
    ErrorCode leave(const std::string& member_id, const std::optional<std::string>& instance_id,
                    std::int64_t now_ms, GroupActions& actions);
    // May this member commit offsets? A yes also counts as its heartbeat.
    ErrorCode may_commit(const std::string& member_id,
                         const std::optional<std::string>& instance_id, std::int32_t generation,
                         std::int64_t now_ms);
    // May it be deleted? May single offsets of it?
    ErrorCode may_delete() const;
    ErrorCode may_delete_offsets() const;
    // Calls all members back, as when one of them had left.
    void rebalance(std::int64_t now_ms, GroupActions& actions);
    // The assignment of `generation` is durable, or could not be made so.
    void assignment_written(std::int32_t generation, ErrorCode outcome, std::int64_t now_ms,
                            GroupActions& actions);

    // Everything that is due: missed heartbeats, joins and syncs that took too long.
    void tick(std::int64_t now_ms, GroupActions& actions);
    // When tick() has something to do next; nullopt: nothing waits.
    std::optional<std::int64_t> next_deadline_ms() const;

    Snapshot snapshot() const;
    // The state as the log has it; members get a whole session from `now_ms` to be heard of.
    void restore(Snapshot snapshot, std::int64_t now_ms);
    // Sends all members away, and is as new: the group goes on with another protocol.
    void dissolve(ErrorCode why, GroupActions& actions);
    // Forget everything, answering whoever waits with `why`.
    void die(ErrorCode why, GroupActions& actions);

private:
    bool supports(const JoinRequest& request) const;
    bool has_room_for(const std::string& member_id) const;
    std::set<std::string> common_protocols() const;
    std::string choose_protocol() const;
    std::int32_t rebalance_timeout_ms() const;
    // kNone, or why this is no member of the group.
    ErrorCode check_member(const std::string& member_id,
                           const std::optional<std::string>& instance_id) const;

    void join_new(const JoinRequest& request, Token token, std::int64_t now_ms, GroupActions&);
    void join_known(const JoinRequest& request, Token token, std::int64_t now_ms, GroupActions&);
    void add_member(const JoinRequest& request, const std::string& id, Token token,
                    std::int64_t now_ms, GroupActions&);
    void update_member(Member& member, const JoinRequest& request, Token token, std::int64_t now_ms,
                       GroupActions&);
    void replace_static_member(const JoinRequest& request, Token token, std::int64_t now_ms,
                               GroupActions&);
    void remove_member(std::string id, ErrorCode why, GroupActions&);
    void after_removal(std::int64_t now_ms, GroupActions&);

    void maybe_prepare_rebalance(std::int64_t now_ms, GroupActions&);
    void prepare_rebalance(std::int64_t now_ms, GroupActions&);
    void try_complete_join(std::int64_t now_ms, GroupActions&);
    void complete_join(std::int64_t now_ms, GroupActions&);
    bool elect_joined_leader();
    void hand_out_assignments(ErrorCode error, std::int64_t now_ms, GroupActions&);

    JoinAnswer current_generation(const Member& member) const;
    SyncAnswer sync_answer(const Member& member) const;
    void answer_join(Member& member, JoinAnswer answer, GroupActions&);
    void answer_sync(Member& member, SyncAnswer answer, GroupActions&);
    void heard_of(Member& member, std::int64_t now_ms) const {
        member.deadline_ms = now_ms + member.session_timeout_ms;
    }

    const std::string id_;
    const GroupLimits& limits_;
    State state_ = State::kEmpty;
    std::int32_t generation_ = 0;
    std::optional<std::string> protocol_type_;
    std::optional<std::string> protocol_name_;
    std::optional<std::string> leader_;
    std::map<std::string, Member> members_;
    std::map<std::string, std::string> static_members_;  // Instance id to member id.
    std::map<std::string, std::int64_t> pending_;        // Ids handed out (KIP-394), until when.
    std::set<std::string> not_synced_;                   // Of this generation.
    std::int64_t sync_deadline_ms_ = 0;                  // Of those.
    std::int64_t join_deadline_ms_ = 0;                  // In kPreparingRebalance.
    bool initial_delay_ = false;                         // The first rebalance waits for company.
    bool company_came_ = false;
    std::int64_t initial_left_ms_ = 0;
};

// "Stable", "PreparingRebalance" ... as Kafka's tools print them.
std::string_view state_name(Group::State state);

}  // namespace millrace::broker
