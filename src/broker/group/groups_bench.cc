// What do groups cost the processor: 1,000 groups of 10 members that send heartbeats, and a
// rebalance of 100 members? At the state machines themselves, in C++: without socket and log.
// Expected: a million heartbeats a second, and a rebalance within a few milliseconds, so that the
// network and the disk are what a server with many groups is bound by.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "broker/group/consumer/consumer_driver_internal.h"
#include "broker/group/group.h"

namespace millrace::broker {
namespace {

std::string member_name(int index) {
    return "consumer-" + std::to_string(index) + "-8a7b3c52-6f1d-4e0a-9b1e-3d5c7f9a1b2c";
}

ConsumerHeartbeat beat(const std::string& member, std::int32_t epoch) {
    return {.member_id = member,
            .member_epoch = epoch,
            .client_id = "client",
            .client_host = "/127.0.0.1"};
}

ConsumerHeartbeat join(const std::string& member) {
    ConsumerHeartbeat request = beat(member, ConsumerMember::kJoining);
    request.rebalance_timeout_ms = 60'000;
    request.topics = {"t"};
    request.owned.emplace();
    return request;
}

// Heartbeats, with what each says that it owns, until nothing moves any more.
int settle(ConsumerGroup& group) {
    int beats = 0;
    while (group.state() != ConsumerGroup::State::kStable) {
        std::vector<ConsumerHeartbeat> requests;
        for (const auto& [id, member] : group.members()) {
            ConsumerHeartbeat request = beat(id, member.epoch);
            request.owned.emplace();
            for (const auto& [topic, partitions] : member.assigned) {
                for (const auto& [index, since] : partitions) (*request.owned)[topic].insert(index);
            }
            requests.push_back(std::move(request));
        }
        for (const ConsumerHeartbeat& request : requests) {
            ConsumerGroupChanges changes;
            group.heartbeat(request, 0, changes);
            ++beats;
        }
    }
    return beats;
}

void heartbeats_of_consumer_groups(benchmark::State& state) {
    const auto groups = static_cast<int>(state.range(0));
    const auto members = static_cast<int>(state.range(1));
    FakeTopics topics;
    topics.set("t", 100);
    const ConsumerGroupLimits limits{.timeouts = {.assignment_interval_ms = 0}};
    std::vector<std::unique_ptr<ConsumerGroup>> all;
    std::vector<std::pair<ConsumerGroup*, ConsumerHeartbeat>> requests;
    for (int g = 0; g < groups; ++g) {
        all.push_back(
            std::make_unique<ConsumerGroup>("group-" + std::to_string(g), limits, topics));
        ConsumerGroupChanges changes;
        for (int m = 0; m < members; ++m) all.back()->heartbeat(join(member_name(m)), 0, changes);
        settle(*all.back());
        for (const auto& [id, member] : all.back()->members()) {
            requests.emplace_back(all.back().get(), beat(id, member.epoch));
        }
    }
    std::size_t next = 0;
    std::int64_t now_ms = 0;
    for (auto _ : state) {
        auto& [group, request] = requests[next];
        if (++next == requests.size()) next = 0, now_ms += 5000;
        ConsumerGroupChanges changes;
        const auto answer = group->heartbeat(request, now_ms, changes);
        MR_CHECK(answer.error == ErrorCode::kNone && !changes.any());
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(heartbeats_of_consumer_groups)->Args({1000, 10})->Args({1, 100});

std::unique_ptr<Group> stable_classic_group(const GroupLimits& limits, int members) {
    auto group = std::make_unique<Group>("g", limits);
    GroupActions actions;
    const auto join_all = [&] {
        for (int m = 0; m < members; ++m) {
            JoinRequest request{.client_id = "client",
                                .client_host = "/127.0.0.1",
                                .protocol_type = "consumer",
                                .protocols = {{"range", std::string(200, 's')}},
                                .session_timeout_ms = 45'000,
                                .rebalance_timeout_ms = 300'000,
                                .new_member_id = member_name(m)};
            if (group->members().contains(member_name(m))) request.member_id = member_name(m);
            group->join(request, static_cast<Token>(m), 0, actions);
        }
    };
    join_all();
    join_all();
    return group;
}

void sync_all(Group& group) {
    GroupActions actions;
    for (const auto& [id, member] : group.members()) {
        SyncRequest request{.generation = group.generation(), .member_id = id};
        if (id == group.snapshot().leader) {
            for (const auto& [other, unused] : group.members()) {
                request.assignments[other] = std::string(100, 'a');
            }
        }
        group.sync(request, 0, 0, actions);
    }
    group.assignment_written(group.generation(), ErrorCode::kNone, 0, actions);
    MR_CHECK(group.state() == Group::State::kStable);
}

void heartbeats_of_classic_groups(benchmark::State& state) {
    const GroupLimits limits{.initial_rebalance_delay_ms = 0};
    std::vector<std::unique_ptr<Group>> groups;
    std::vector<std::pair<Group*, std::string>> requests;
    for (int g = 0; g < state.range(0); ++g) {
        groups.push_back(stable_classic_group(limits, static_cast<int>(state.range(1))));
        sync_all(*groups.back());
        for (const auto& [id, member] : groups.back()->members()) {
            requests.emplace_back(groups.back().get(), id);
        }
    }
    std::size_t next = 0;
    for (auto _ : state) {
        const auto& [group, member] = requests[next];
        if (++next == requests.size()) next = 0;
        MR_CHECK(group->heartbeat(member, std::nullopt, group->generation(), 0) ==
                 ErrorCode::kNone);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(heartbeats_of_classic_groups)->Args({1000, 10});

// One more member comes to a group of so many, and goes again.
void rebalance_of_a_consumer_group(benchmark::State& state) {
    FakeTopics topics;
    topics.set("t", 1000);
    const ConsumerGroupLimits limits{.timeouts = {.assignment_interval_ms = 0}};
    ConsumerGroup group("g", limits, topics);
    ConsumerGroupChanges changes;
    for (int m = 1; m < state.range(0); ++m) group.heartbeat(join(member_name(m)), 0, changes);
    settle(group);
    int beats = 0;
    for (auto _ : state) {
        group.heartbeat(join(member_name(0)), 0, changes);
        beats += settle(group);
        group.heartbeat(beat(member_name(0), ConsumerMember::kLeaving), 0, changes);
        beats += settle(group);
    }
    state.SetItemsProcessed(2 * state.iterations());
    state.counters["beats"] = benchmark::Counter(beats, benchmark::Counter::kAvgIterations);
}
BENCHMARK(rebalance_of_a_consumer_group)->Arg(100)->Unit(benchmark::kMillisecond);

// Everybody is called back, joins and syncs.
void rebalance_of_a_classic_group(benchmark::State& state) {
    const GroupLimits limits{.initial_rebalance_delay_ms = 0};
    const auto group = stable_classic_group(limits, static_cast<int>(state.range(0)));
    sync_all(*group);
    std::vector<std::pair<std::string, std::vector<GroupProtocol>>> members;
    for (const auto& [id, member] : group->members()) members.emplace_back(id, member.protocols);
    for (auto _ : state) {
        GroupActions actions;
        group->rebalance(0, actions);
        for (const auto& [id, protocols] : members) {
            group->join({.client_id = "client",
                         .client_host = "/127.0.0.1",
                         .member_id = id,
                         .protocol_type = "consumer",
                         .protocols = protocols,
                         .session_timeout_ms = 45'000,
                         .rebalance_timeout_ms = 300'000},
                        0, 0, actions);
        }
        sync_all(*group);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(rebalance_of_a_classic_group)->Arg(100)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace millrace::broker
