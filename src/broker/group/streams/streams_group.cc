#include "broker/group/streams/streams_group.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/hash.h"
#include "broker/group/streams/sticky_assignor.h"

namespace millrace::broker {
namespace {

using Refusal = StreamsGroup::Refusal;

constexpr const char* kStandbys = "num.standby.replicas";

}  // namespace

std::string_view state_name(StreamsGroup::State state) {
    switch (state) {
        case StreamsGroup::State::kEmpty: return "Empty";
        case StreamsGroup::State::kNotReady: return "NotReady";
        case StreamsGroup::State::kAssigning: return "Assigning";
        case StreamsGroup::State::kReconciling: return "Reconciling";
        case StreamsGroup::State::kStable: return "Stable";
    }
    return "Unknown";
}

StreamsGroup::State StreamsGroup::state() const {
    if (members_.empty()) return State::kEmpty;
    if (!topology_ || topology_->epoch != validated_topology_epoch_) return State::kNotReady;
    if (epoch_ > target_epoch_) return State::kAssigning;
    const bool reconciled = std::ranges::all_of(members_, [this](const auto& member) {
        return member.second.is_reconciled_to(target_epoch_);
    });
    return reconciled ? State::kStable : State::kReconciling;
}

std::set<std::string> StreamsGroup::subscribed_topics() const {
    std::set<std::string> topics;
    if (members_.empty() || !topology_) return topics;
    for (const auto& [id, subtopology] : topology_->subtopologies) {
        topics.insert(subtopology.source_topics.begin(), subtopology.source_topics.end());
        for (const auto& topic : subtopology.repartition_sources) topics.insert(topic.name);
    }
    return topics;
}

// ---- what is refused ----

StreamsHeartbeatAnswer StreamsGroup::refused(const Refusal& refusal) const {
    return {.error = refusal.error, .message = refusal.message};
}

Refusal StreamsGroup::check_member(const StreamsHeartbeat& request) const {
    const std::int32_t received = request.member_epoch;
    if (received == StreamsMember::kJoining) {
        // Who begins anew counts twice for a moment, as in Kafka.
        if (members_.size() < limits_.max_size) return {};
        return {ErrorCode::kGroupMaxSizeReached,
                fmt::format("The streams group has reached its maximum capacity of {} members.",
                            limits_.max_size)};
    }
    const auto found = members_.find(request.member_id);
    if (found == members_.end()) {
        return {ErrorCode::kUnknownMemberId,
                fmt::format("Member {} is not a member of group {}.", request.member_id, id_)};
    }
    const StreamsMember& member = found->second;
    if (received == member.epoch) {
        if (member.state != StreamsMemberState::kUnknown) return {};
        if (request.owned && request.owned->empty()) return {};
        return {ErrorCode::kFencedMemberEpoch,
                "The streams group member is in a unknown state. The member must abandon all its "
                "tasks and rejoin."};
    }
    // With the last epoch but one comes who missed the answer to a bump.
    const bool larger = received > member.epoch;
    if (!larger && received == member.previous_epoch && request.owned &&
        all_of(*request.owned, member.assigned)) {
        return {};
    }
    return {ErrorCode::kFencedMemberEpoch,
            fmt::format("The streams group member has a {} member epoch ({}) than the one known by "
                        "the group coordinator ({}). The member must abandon all its partitions "
                        "and rejoin.",
                        larger ? "greater" : "smaller", received, member.epoch)};
}

Refusal StreamsGroup::check_topology(const StreamsHeartbeat& request, Look& look) const {
    look.topology = topology_ ? &*topology_ : nullptr;
    if (!request.topology) {
        if (look.topology) return {};
        return {ErrorCode::kUnknownServerError,
                "The topology is null and the group topology is also null."};
    }
    if (!look.topology) {
        look.topology = &*request.topology;
        return {};
    }
    if (look.topology->epoch > request.topology->epoch) return {};
    if (*look.topology == *request.topology) return {};
    return {ErrorCode::kInvalidRequest, "Topology updates are not supported yet."};
}

std::int64_t StreamsGroup::hash_of_topics(const StreamsTopology& topology) const {
    std::uint64_t hash = 0;
    for (const std::string& name : topology.required_topics()) {
        const auto topic = source_.find(name);
        if (!topic) continue;
        hash = base::hash64(topic->id.to_string() + std::to_string(topic->partitions) + name, hash);
    }
    return static_cast<std::int64_t>(hash);  // 0 of no topic, as in Kafka.
}

Refusal StreamsGroup::look_at_topics(Look& look) const {
    look.metadata_hash = metadata_hash_;
    const bool again = !topology_ || !configured_ || topics_seen_ != source_.version();
    if (!again) return {};
    look.metadata_hash = hash_of_topics(*look.topology);
    if (topology_ && configured_ && look.metadata_hash == metadata_hash_) return {};
    auto configured = configure(*look.topology, source_);
    if (!configured) {
        return {ErrorCode::kStreamsInvalidTopology, configured.error().message()};
    }
    look.configured = std::move(*configured);
    return {};
}

Refusal StreamsGroup::check_tasks(const TaskSet& tasks, const ConfiguredTopology& configured) {
    for (const auto& [id, partitions] : tasks) {
        const auto subtopology = configured.subtopologies.find(id);
        if (subtopology == configured.subtopologies.end()) {
            return {ErrorCode::kInvalidRequest,
                    fmt::format("Subtopology {} does not exist in the topology.", id)};
        }
        const std::int32_t count = subtopology->second.tasks;
        for (const std::int32_t partition : partitions) {
            if (partition >= 0 && partition < count) continue;
            return {ErrorCode::kInvalidRequest,
                    fmt::format("Task {} for subtopology {} is invalid. Number of tasks for this "
                                "subtopology: {}",
                                partition, id, count)};
        }
    }
    return {};
}

// ---- heartbeats ----

StreamsHeartbeatAnswer StreamsGroup::heartbeat(const StreamsHeartbeat& request, std::int64_t now_ms,
                                               StreamsGroupChanges& changes) {
    if (request.member_epoch < StreamsMember::kJoining) return leave(request, changes);
    Look look;
    if (const Refusal refusal = check_member(request)) return refused(refusal);
    if (const Refusal refusal = check_topology(request, look)) return refused(refusal);
    if (const Refusal refusal = look_at_topics(look)) return refused(refusal);
    const ConfiguredTopology& seen = look.configured ? *look.configured : *configured_;
    if (seen.ready() && request.owned) {
        for (const TaskSet* tasks :
             {&request.owned->active, &request.owned->standby, &request.owned->warmup}) {
            if (const Refusal refusal = check_tasks(*tasks, seen)) return refused(refusal);
        }
    }

    const bool joining = request.member_epoch == StreamsMember::kJoining;
    const bool was_empty = members_.empty();
    if (!topology_) {
        topology_ = *look.topology;
        changes.topology = true;
    }
    const auto [found, is_new] = members_.try_emplace(request.member_id);
    StreamsMember& member = found->second;
    member.id = request.member_id;
    owners_.remove(member);  // It may tell of another process.
    const bool updated = update(member, request);
    owners_.add(member);
    if (updated || is_new) changes.members.insert(member.id);
    // That two of them see the same is the business of the log, which has all of a group or
    // nothing.
    const bool changed = take(look, changes) || updated || is_new;
    if (changed || current_configs() != assignment_configs_) {
        ++epoch_;
        assignment_configs_ = current_configs();
        changes.epoch = true;
    }
    if (was_empty && settings_.initial_rebalance_delay_ms > 0 && !first_assignment_ms_) {
        first_assignment_ms_ = now_ms + settings_.initial_rebalance_delay_ms;
    }

    Answer answer{.member_id = member.id, .heartbeat_interval_ms = settings_.heartbeat_interval_ms};
    if (member.topology_epoch < topology_->epoch) {
        answer.statuses.push_back(
            {StreamsStatus::Code::kStaleTopology,
             fmt::format("The member's topology epoch {} is behind the group's topology epoch {}.",
                         member.topology_epoch, topology_->epoch)});
    }
    const bool delayed = maybe_update_target(now_ms, changes, &answer.statuses);
    const bool moved =
        reconcile_member(member, target_for(member, delayed), request.owned, now_ms, changes);
    member.session_deadline_ms = now_ms + settings_.session_timeout_ms;
    if (request.shutdown_application && !shutdown_member_) shutdown_member_ = member.id;

    answer.member_epoch = member.epoch;
    if (joining || moved) {
        answer.tasks = without_epochs(member.assigned);
        if (member.endpoint) ++endpoint_epoch_;
    }
    // Who tells everything is told everything, as in consumer groups: it may have missed an answer,
    // and would else hold on to tasks that it was to give up until it is put out for that.
    if (request.rebalance_timeout_ms && request.owned && request.process_id) {
        answer.tasks = without_epochs(member.assigned);
    }
    if (endpoint_epoch_ != request.endpoint_epoch) answer.endpoints = endpoints();
    answer.endpoint_epoch = endpoint_epoch_;
    if (configured_->fault) {
        answer.to_create = configured_->missing;
        answer.statuses.push_back(*configured_->fault);
    }
    if (shutdown_member_) {
        answer.statuses.push_back(
            {StreamsStatus::Code::kShutdownApplication,
             fmt::format("Streams group member {} encountered a fatal error and requested a "
                         "shutdown for the entire application.",
                         *shutdown_member_)});
    }
    return answer;
}

StreamsHeartbeatAnswer StreamsGroup::leave(const StreamsHeartbeat& request,
                                           StreamsGroupChanges& changes) {
    if (request.shutdown_application && !shutdown_member_) shutdown_member_ = request.member_id;
    if (!members_.contains(request.member_id)) {
        return refused(
            {ErrorCode::kUnknownMemberId,
             fmt::format("Member {} is not a member of group {}.", request.member_id, id_)});
    }
    remove(request.member_id, changes);
    return {.member_id = request.member_id, .member_epoch = request.member_epoch};
}

bool StreamsGroup::update(StreamsMember& member, const StreamsHeartbeat& request) {
    bool changed = false;
    const auto set = [&](auto& field, const auto& value) {
        if (field == value) return;
        field = value;
        changed = true;
    };
    if (request.rack_id) set(member.rack_id, *request.rack_id);
    if (request.rebalance_timeout_ms) {
        set(member.rebalance_timeout_ms, *request.rebalance_timeout_ms);
    }
    if (request.topology) set(member.topology_epoch, request.topology->epoch);
    if (request.process_id) set(member.process_id, *request.process_id);
    if (request.endpoint) set(member.endpoint, *request.endpoint);
    if (request.client_tags) set(member.client_tags, *request.client_tags);
    set(member.client_id, request.client_id);
    set(member.client_host, request.client_host);
    return changed;
}

bool StreamsGroup::take(Look& look, StreamsGroupChanges& changes) {
    topics_seen_ = source_.version();
    if (look.configured) configured_ = std::move(*look.configured);
    bool changed = changes.topology || look.metadata_hash != metadata_hash_;
    metadata_hash_ = look.metadata_hash;
    const std::int32_t validated = configured_->ready() ? topology_->epoch : -1;
    if (std::exchange(validated_topology_epoch_, validated) != validated) changed = true;
    return changed;
}

void StreamsGroup::remove(const std::string& member_id, StreamsGroupChanges& changes) {
    const auto found = members_.find(member_id);
    MR_CHECK(found != members_.end());
    owners_.remove(found->second);
    for (auto* records : {&changes.members, &changes.targets, &changes.currents}) {
        records->insert(member_id);
    }
    targets_.erase(member_id);
    members_.erase(found);
    if (members_.empty()) shutdown_member_.reset();
    ++epoch_;
    changes.epoch = true;
}

// ---- targets ----

StreamsGroup::AssignmentConfigs StreamsGroup::current_configs() const {
    return {{kStandbys, std::to_string(settings_.num_standby_replicas)}};
}

Tasks StreamsGroup::target_for(const StreamsMember& member, bool delayed) const {
    // While the group waits for more members, nobody has anything.
    if (delayed && first_assignment_ms_) return {};
    const auto target = targets_.find(member.id);
    return target == targets_.end() ? Tasks() : target->second;
}

bool StreamsGroup::maybe_update_target(std::int64_t now_ms, StreamsGroupChanges& changes,
                                       std::vector<StreamsStatus>* statuses) {
    const auto delayed_by = [&](const char* what) {
        if (statuses) {
            statuses->push_back(
                {StreamsStatus::Code::kAssignmentDelayed,
                 fmt::format("Assignment delayed due to the configured {}.", what)});
        }
        return true;
    };
    if (first_assignment_ms_) return delayed_by("initial rebalance delay");
    if (target_epoch_ >= epoch_) return false;
    const bool too_soon =
        target_computed_ms_ && now_ms - *target_computed_ms_ < settings_.assignment_interval_ms;
    if (too_soon) return delayed_by("assignment interval");
    update_target(changes);
    target_computed_ms_ = now_ms;
    return false;
}

void StreamsGroup::update_target(StreamsGroupChanges& changes) {
    std::map<std::string, Tasks> target;
    if (configured_->ready()) {
        std::map<std::string, StickyMember> members;
        for (const auto& [id, member] : members_) {
            StickyMember& one = members[id];
            one.process_id = member.process_id;
            const auto before = targets_.find(id);
            if (before != targets_.end()) one.current = before->second;
        }
        std::map<std::string, StickySubtopology> subtopologies;
        for (const auto& [id, subtopology] : configured_->subtopologies) {
            subtopologies[id] = {subtopology.tasks, subtopology.stateful()};
        }
        target = assign_sticky(members, subtopologies, settings_.num_standby_replicas);
    }
    for (const auto& [id, member] : members_) {
        const auto before = targets_.find(id);
        if (before == targets_.end() || before->second != target[id]) changes.targets.insert(id);
    }
    targets_ = std::move(target);
    target_epoch_ = epoch_;
    changes.target_epoch = true;
}

bool StreamsGroup::reconcile_member(StreamsMember& member, const Tasks& target,
                                    const std::optional<Tasks>& owned, std::int64_t now_ms,
                                    StreamsGroupChanges& changes) {
    const StreamsMember before = member;
    const bool changed = reconcile(
        member,
        {.target_epoch = target_epoch_, .target = target, .owned = owned, .owners = owners_});
    if (!changed) return false;
    owners_.remove(before);
    owners_.add(member);
    changes.currents.insert(member.id);
    if (member.state == StreamsMemberState::kUnrevokedTasks) {
        member.revoke_deadline_ms = now_ms + member.rebalance_timeout_ms;
    } else {
        member.revoke_deadline_ms.reset();
    }
    return member.assigned != before.assigned;
}

// ---- endpoints ----

EndpointPartitions::Partitions StreamsGroup::partitions_of(const TaskSet& tasks) const {
    EndpointPartitions::Partitions partitions;
    const auto add = [&](const std::string& name, const std::set<std::int32_t>& indexes) {
        const auto topic = source_.find(name);
        if (!topic) return;
        for (const std::int32_t index : indexes) {
            // A task reads what there is: topics of a subtopology may be of different widths.
            if (index < topic->partitions) partitions[name].insert(index);
        }
    };
    for (const auto& [id, indexes] : tasks) {
        const auto subtopology = configured_->subtopologies.find(id);
        if (subtopology == configured_->subtopologies.end()) continue;
        for (const std::string& name : subtopology->second.source_topics) add(name, indexes);
        for (const auto& [name, topic] : subtopology->second.repartition_sources) {
            add(name, indexes);
        }
    }
    return partitions;
}

std::vector<EndpointPartitions> StreamsGroup::endpoints() const {
    // The threads of a process are members of their own, with one endpoint. Clients keep one entry
    // for each endpoint, the last: it must have the tasks of all.
    std::map<StreamsEndpoint, std::pair<TaskSet, TaskSet>> tasks;
    const auto merge = [](const TaskSet& from, TaskSet& into) {
        for (const auto& [id, partitions] : from) {
            into[id].insert(partitions.begin(), partitions.end());
        }
    };
    for (const auto& [id, member] : members_) {
        if (!member.endpoint) continue;
        auto& [active, standby] = tasks[*member.endpoint];
        merge(without_epochs(member.assigned.active), active);
        merge(member.assigned.standby, standby);
    }
    std::vector<EndpointPartitions> all;
    for (const auto& [endpoint, parts] : tasks) {
        all.push_back({endpoint, partitions_of(parts.first), partitions_of(parts.second)});
    }
    return all;
}

// ---- time ----

void StreamsGroup::tick(std::int64_t now_ms, StreamsGroupChanges& changes) {
    std::vector<std::string> gone;
    for (const auto& [id, member] : members_) {
        if (member.session_deadline_ms <= now_ms ||
            (member.revoke_deadline_ms && *member.revoke_deadline_ms <= now_ms)) {
            gone.push_back(id);
        }
    }
    for (const std::string& id : gone) remove(id, changes);
    if (!first_assignment_ms_ || *first_assignment_ms_ > now_ms) return;
    first_assignment_ms_.reset();
    if (!members_.empty() && configured_) {
        (void)maybe_update_target(now_ms, changes, /*statuses=*/nullptr);
    }
}

std::optional<std::int64_t> StreamsGroup::next_deadline_ms() const {
    std::optional<std::int64_t> next = first_assignment_ms_;
    const auto consider = [&](std::int64_t deadline_ms) {
        if (!next || deadline_ms < *next) next = deadline_ms;
    };
    for (const auto& [id, member] : members_) {
        consider(member.session_deadline_ms);
        if (member.revoke_deadline_ms) consider(*member.revoke_deadline_ms);
    }
    return next;
}

}  // namespace millrace::broker
