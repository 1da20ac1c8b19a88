#include "broker/group/group.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace millrace::broker {
namespace {

// How long a client that waits in its first JoinGroup is believed to be alive.
constexpr std::int64_t kNewMemberJoinTimeoutMs = 5 * 60 * 1000;

JoinAnswer refused(ErrorCode error, std::string member_id) {
    return JoinAnswer{.error = error, .member_id = std::move(member_id)};
}

}  // namespace

std::string_view state_name(Group::State state) {
    switch (state) {
        case Group::State::kEmpty: return "Empty";
        case Group::State::kPreparingRebalance: return "PreparingRebalance";
        case Group::State::kCompletingRebalance: return "CompletingRebalance";
        case Group::State::kStable: return "Stable";
        case Group::State::kDead: return "Dead";
    }
    return "Unknown";
}

base::Bytes Group::metadata(const Member& member) const {
    if (!protocol_name_) return {};
    for (const GroupProtocol& protocol : member.protocols) {
        if (protocol.name == *protocol_name_) return protocol.metadata;
    }
    return {};
}

std::set<std::string> Group::common_protocols() const {
    std::map<std::string, std::size_t> count;
    for (const auto& [id, member] : members_) {
        for (const GroupProtocol& protocol : member.protocols) ++count[protocol.name];
    }
    std::set<std::string> common;
    for (const auto& [name, members] : count) {
        if (members == members_.size()) common.insert(name);
    }
    return common;
}

bool Group::supports(const JoinRequest& request) const {
    if (members_.empty()) return !request.protocol_type.empty() && !request.protocols.empty();
    if (request.protocol_type != protocol_type_) return false;
    const std::set<std::string> common = common_protocols();
    return std::ranges::any_of(request.protocols, [&](const GroupProtocol& protocol) {
        return common.contains(protocol.name);
    });
}

// While a rebalance is under way only those count who have joined it: a group that is too large,
// because the limit was lowered, loses those who come last.
bool Group::has_room_for(const std::string& member_id) const {
    switch (state_) {
        case State::kEmpty:
        case State::kDead: return true;
        case State::kPreparingRebalance: {
            const auto member = members_.find(member_id);
            if (member != members_.end() && member->second.join) return true;
            const auto joined = std::ranges::count_if(
                members_, [](const auto& one) { return one.second.join.has_value(); });
            return static_cast<std::size_t>(joined) < limits_.max_size;
        }
        case State::kCompletingRebalance:
        case State::kStable: break;
    }
    return members_.contains(member_id) || members_.size() < limits_.max_size;
}

// Each member votes for the first of its protocols that all have.
std::string Group::choose_protocol() const {
    const std::set<std::string> common = common_protocols();
    std::map<std::string, int> votes;
    for (const auto& [id, member] : members_) {
        for (const GroupProtocol& protocol : member.protocols) {
            if (!common.contains(protocol.name)) continue;
            ++votes[protocol.name];
            break;
        }
    }
    MR_CHECK(!votes.empty());  // supports() let nobody in without a common protocol.
    return std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; })->first;
}

std::int32_t Group::rebalance_timeout_ms() const {
    std::int32_t longest = 0;
    for (const auto& [id, member] : members_) {
        longest = std::max(longest, member.rebalance_timeout_ms);
    }
    return longest;
}

ErrorCode Group::check_member(const std::string& member_id,
                              const std::optional<std::string>& instance_id) const {
    if (instance_id) {
        const auto known = static_members_.find(*instance_id);
        if (known == static_members_.end()) return ErrorCode::kUnknownMemberId;
        if (known->second != member_id) return ErrorCode::kFencedInstanceId;
    }
    return members_.contains(member_id) ? ErrorCode::kNone : ErrorCode::kUnknownMemberId;
}

// ---- joining ----

void Group::join(const JoinRequest& request, Token token, std::int64_t now_ms,
                 GroupActions& actions) {
    const auto refuse = [&](ErrorCode error) {
        actions.joins.emplace_back(token, refused(error, request.member_id));
    };
    if (state_ == State::kDead) return refuse(ErrorCode::kCoordinatorNotAvailable);
    if (request.session_timeout_ms < limits_.min_session_timeout_ms ||
        request.session_timeout_ms > limits_.max_session_timeout_ms) {
        return refuse(ErrorCode::kInvalidSessionTimeout);
    }
    if (!has_room_for(request.member_id)) {
        actions.joins.emplace_back(token, refused(ErrorCode::kGroupMaxSizeReached, ""));
        pending_.erase(request.member_id);
        if (members_.contains(request.member_id)) {
            remove_member(request.member_id, ErrorCode::kUnknownMemberId, actions);
        }
        return try_complete_join(now_ms, actions);
    }
    if (!supports(request)) return refuse(ErrorCode::kInconsistentGroupProtocol);
    if (request.member_id.empty()) return join_new(request, token, now_ms, actions);
    join_known(request, token, now_ms, actions);
}

void Group::join_new(const JoinRequest& request, Token token, std::int64_t now_ms,
                     GroupActions& actions) {
    if (request.instance_id) {
        if (static_members_.contains(*request.instance_id)) {
            return replace_static_member(request, token, now_ms, actions);
        }
        return add_member(request, request.new_member_id, token, now_ms, actions);
    }
    if (request.require_known_member_id) {
        // The client joins again under this id: so that a lost answer leaves no ghost behind.
        pending_[request.new_member_id] = now_ms + request.session_timeout_ms;
        actions.joins.emplace_back(token,
                                   refused(ErrorCode::kMemberIdRequired, request.new_member_id));
        return;
    }
    add_member(request, request.new_member_id, token, now_ms, actions);
}

void Group::join_known(const JoinRequest& request, Token token, std::int64_t now_ms,
                       GroupActions& actions) {
    if (pending_.contains(request.member_id)) {
        if (request.instance_id) {
            actions.joins.emplace_back(token,
                                       refused(ErrorCode::kUnknownMemberId, request.member_id));
            return;
        }
        return add_member(request, request.member_id, token, now_ms, actions);
    }
    const ErrorCode known = check_member(request.member_id, request.instance_id);
    if (known != ErrorCode::kNone) {
        actions.joins.emplace_back(token, refused(known, request.member_id));
        return;
    }
    Member& member = members_.at(request.member_id);
    const bool same = member.protocols == request.protocols;
    const bool is_leader = leader_ == member.id;
    // An answer that got lost is given again; a leader of a stable group, or anybody with other
    // protocols than before, starts a rebalance.
    const bool repeat =
        same && (state_ == State::kCompletingRebalance || (state_ == State::kStable && !is_leader));
    if (!repeat) return update_member(member, request, token, now_ms, actions);
    heard_of(member, now_ms);
    actions.joins.emplace_back(token, current_generation(member));
}

void Group::add_member(const JoinRequest& request, const std::string& id, Token token,
                       std::int64_t now_ms, GroupActions& actions) {
    pending_.erase(id);
    Member member{.id = id,
                  .instance_id = request.instance_id,
                  .client_id = request.client_id,
                  .client_host = request.client_host,
                  .session_timeout_ms = request.session_timeout_ms,
                  .rebalance_timeout_ms = request.rebalance_timeout_ms,
                  .protocols = request.protocols,
                  .supports_skipping_assignment = request.supports_skipping_assignment,
                  .is_new = true,
                  .deadline_ms = now_ms + kNewMemberJoinTimeoutMs,
                  .join = token};
    if (members_.empty()) protocol_type_ = request.protocol_type;
    if (!leader_) leader_ = id;
    if (member.instance_id) static_members_[*member.instance_id] = id;
    members_.insert_or_assign(id, std::move(member));
    if (state_ == State::kPreparingRebalance && generation_ == 0) company_came_ = true;
    maybe_prepare_rebalance(now_ms, actions);
}

void Group::update_member(Member& member, const JoinRequest& request, Token token,
                          std::int64_t now_ms, GroupActions& actions) {
    if (member.join) {
        // A client that joins twice has given up the first try.
        answer_join(member, refused(ErrorCode::kRebalanceInProgress, member.id), actions);
    }
    member.protocols = request.protocols;
    member.session_timeout_ms = request.session_timeout_ms;
    member.rebalance_timeout_ms = request.rebalance_timeout_ms;
    member.supports_skipping_assignment = request.supports_skipping_assignment;
    member.join = token;
    heard_of(member, now_ms);
    maybe_prepare_rebalance(now_ms, actions);
}

void Group::replace_static_member(const JoinRequest& request, Token token, std::int64_t now_ms,
                                  GroupActions& actions) {
    std::string& current_id = static_members_.at(*request.instance_id);
    const std::string old_id = current_id;
    const std::optional<std::string> old_leader = leader_;
    auto node = members_.extract(old_id);
    MR_CHECK(!node.empty());
    Member& member = node.mapped();
    // Whoever still waits under the old id is another process with the same instance id.
    if (member.join) {
        answer_join(member, refused(ErrorCode::kFencedInstanceId, old_id), actions);
    }
    if (member.sync) {
        answer_sync(member, SyncAnswer{.error = ErrorCode::kFencedInstanceId}, actions);
    }
    member.id = request.new_member_id;
    member.client_id = request.client_id;
    member.client_host = request.client_host;
    member.session_timeout_ms = request.session_timeout_ms;
    member.rebalance_timeout_ms = request.rebalance_timeout_ms;
    member.protocols = request.protocols;
    member.supports_skipping_assignment = request.supports_skipping_assignment;
    heard_of(member, now_ms);
    current_id = member.id;
    if (leader_ == old_id) leader_ = member.id;
    if (not_synced_.erase(old_id) > 0) not_synced_.insert(member.id);
    node.key() = member.id;
    Member& placed = members_.insert(std::move(node)).position->second;

    if (state_ == State::kStable && protocol_name_ == choose_protocol()) {
        // It comes back to what it had: no rebalance. Its new id must be durable before it is told,
        // or the member would be fenced by its own former self after a crash.
        actions.write = true;
        JoinAnswer answer = current_generation(placed);
        if (leader_ == placed.id) {
            if (request.supports_skipping_assignment) {
                answer.skip_assignment = true;
            } else {
                // An old client must not take itself for the leader of a stable group: nobody
                // would hear of its assignment.
                answer.leader = *old_leader;
                answer.members.clear();
            }
        }
        actions.joins_when_written.emplace_back(token, std::move(answer));
        return;
    }
    placed.join = token;
    maybe_prepare_rebalance(now_ms, actions);
}

// ---- the rebalance ----

void Group::maybe_prepare_rebalance(std::int64_t now_ms, GroupActions& actions) {
    if (state_ == State::kPreparingRebalance) return try_complete_join(now_ms, actions);
    prepare_rebalance(now_ms, actions);
}

void Group::prepare_rebalance(std::int64_t now_ms, GroupActions& actions) {
    if (state_ == State::kCompletingRebalance) {
        hand_out_assignments(ErrorCode::kRebalanceInProgress, now_ms, actions);
    }
    not_synced_.clear();
    initial_delay_ = state_ == State::kEmpty;
    const std::int64_t timeout_ms = rebalance_timeout_ms();
    if (initial_delay_) {
        company_came_ = false;
        const std::int64_t delay_ms = limits_.initial_rebalance_delay_ms;
        join_deadline_ms_ = now_ms + delay_ms;
        initial_left_ms_ = std::max<std::int64_t>(timeout_ms - delay_ms, 0);
    } else {
        join_deadline_ms_ = now_ms + timeout_ms;
    }
    state_ = State::kPreparingRebalance;
    try_complete_join(now_ms, actions);
}

void Group::try_complete_join(std::int64_t now_ms, GroupActions& actions) {
    if (state_ != State::kPreparingRebalance) return;
    if (initial_delay_) {
        if (now_ms < join_deadline_ms_) return;
        if (company_came_ && initial_left_ms_ > 0) {
            company_came_ = false;
            const auto delay_ms = std::min(limits_.initial_rebalance_delay_ms, initial_left_ms_);
            initial_left_ms_ -= delay_ms;
            join_deadline_ms_ = now_ms + delay_ms;
            return;
        }
        initial_delay_ = false;
    } else {
        const bool all_joined =
            pending_.empty() && std::ranges::all_of(members_, [](const auto& one) {
                return one.second.join.has_value();
            });
        if (!all_joined && now_ms < join_deadline_ms_) return;
    }
    complete_join(now_ms, actions);
}

bool Group::elect_joined_leader() {
    if (leader_) {
        const auto leader = members_.find(*leader_);
        if (leader != members_.end() && leader->second.join) return true;
    }
    for (const auto& [id, member] : members_) {
        if (member.join) {
            leader_ = id;
            return true;
        }
    }
    return false;
}

void Group::complete_join(std::int64_t now_ms, GroupActions& actions) {
    // Static members stay until their session ends, so that a restart goes unnoticed.
    std::vector<std::string> late;
    for (const auto& [id, member] : members_) {
        if (!member.join && !member.instance_id) late.push_back(id);
    }
    for (const std::string& id : late) remove_member(id, ErrorCode::kUnknownMemberId, actions);

    if (!members_.empty() && !elect_joined_leader()) {
        join_deadline_ms_ = now_ms + rebalance_timeout_ms();
        return;
    }
    ++generation_;
    if (members_.empty()) {
        state_ = State::kEmpty;
        protocol_name_.reset();
        leader_.reset();
        actions.write = true;
        return;
    }
    protocol_name_ = choose_protocol();
    state_ = State::kCompletingRebalance;
    sync_deadline_ms_ = now_ms + rebalance_timeout_ms();
    for (auto& [id, member] : members_) {
        not_synced_.insert(id);
        member.assignment.clear();
        member.is_new = false;
        heard_of(member, now_ms);
        if (member.join) answer_join(member, current_generation(member), actions);
    }
}

JoinAnswer Group::current_generation(const Member& member) const {
    JoinAnswer answer{.generation = generation_,
                      .protocol_type = protocol_type_,
                      .protocol_name = protocol_name_,
                      .leader = leader_.value_or(""),
                      .member_id = member.id};
    if (leader_ == member.id) {
        for (const auto& [id, other] : members_) {
            answer.members.push_back({id, other.instance_id, metadata(other)});
        }
    }
    return answer;
}

SyncAnswer Group::sync_answer(const Member& member) const {
    return SyncAnswer{.protocol_type = protocol_type_,
                      .protocol_name = protocol_name_,
                      .assignment = member.assignment};
}

void Group::answer_join(Member& member, JoinAnswer answer, GroupActions& actions) {
    actions.joins.emplace_back(*std::exchange(member.join, std::nullopt), std::move(answer));
}

void Group::answer_sync(Member& member, SyncAnswer answer, GroupActions& actions) {
    actions.syncs.emplace_back(*std::exchange(member.sync, std::nullopt), std::move(answer));
}

// ---- syncing ----

void Group::sync(const SyncRequest& request, Token token, std::int64_t now_ms,
                 GroupActions& actions) {
    const auto refuse = [&](ErrorCode error) {
        actions.syncs.emplace_back(token, SyncAnswer{.error = error});
    };
    if (state_ == State::kDead) return refuse(ErrorCode::kCoordinatorNotAvailable);
    const ErrorCode known = check_member(request.member_id, request.instance_id);
    if (known != ErrorCode::kNone) return refuse(known);
    if (request.generation != generation_) return refuse(ErrorCode::kIllegalGeneration);
    if ((request.protocol_type && request.protocol_type != protocol_type_) ||
        (request.protocol_name && request.protocol_name != protocol_name_)) {
        return refuse(ErrorCode::kInconsistentGroupProtocol);
    }
    if (state_ == State::kEmpty) return refuse(ErrorCode::kUnknownMemberId);
    if (state_ == State::kPreparingRebalance) return refuse(ErrorCode::kRebalanceInProgress);

    Member& member = members_.at(request.member_id);
    not_synced_.erase(member.id);
    heard_of(member, now_ms);
    if (state_ == State::kStable) {
        actions.syncs.emplace_back(token, sync_answer(member));
        return;
    }
    if (member.sync) answer_sync(member, {.error = ErrorCode::kRebalanceInProgress}, actions);
    member.sync = token;
    if (leader_ != member.id) return;
    for (auto& [id, other] : members_) {
        const auto assignment = request.assignments.find(id);
        other.assignment =
            assignment == request.assignments.end() ? base::Bytes() : assignment->second;
    }
    actions.write = true;
    actions.assignment = true;
}

void Group::assignment_written(std::int32_t generation, ErrorCode outcome, std::int64_t now_ms,
                               GroupActions& actions) {
    if (state_ != State::kCompletingRebalance || generation != generation_) return;
    hand_out_assignments(outcome, now_ms, actions);
    if (outcome == ErrorCode::kNone) {
        state_ = State::kStable;
    } else {
        maybe_prepare_rebalance(now_ms, actions);
    }
}

void Group::hand_out_assignments(ErrorCode error, std::int64_t now_ms, GroupActions& actions) {
    for (auto& [id, member] : members_) {
        if (error != ErrorCode::kNone) member.assignment.clear();
        if (!member.sync) continue;
        heard_of(member, now_ms);
        answer_sync(member,
                    error == ErrorCode::kNone ? sync_answer(member) : SyncAnswer{.error = error},
                    actions);
    }
}

// The id by value: callers may name it by what is erased here.
void Group::remove_member(std::string id, ErrorCode why, GroupActions& actions) {
    Member& member = members_.at(id);
    if (member.join) answer_join(member, refused(why, id), actions);
    if (member.sync) answer_sync(member, SyncAnswer{.error = why}, actions);
    if (member.instance_id) static_members_.erase(*member.instance_id);
    not_synced_.erase(id);
    members_.erase(id);
    if (leader_ == id) {
        leader_.reset();
        if (!members_.empty()) leader_ = members_.begin()->first;
    }
}

}  // namespace millrace::broker
