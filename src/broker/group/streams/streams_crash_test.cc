// A streams group on a simulated disk whose power fails at any moment. Whatever a member was told
// holds afterwards: it goes on in its epoch with its tasks, and no task is ever with two of them.
// Only who missed an answer may have to begin anew, as in Kafka: the group may be a step ahead.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "broker/append_signals.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/live_options.h"
#include "broker/services.h"
#include "config/server_options.h"
#include "runtime/sim/sim_disk.h"
#include "runtime/sim/simulation.h"
#include "storage/log_store.h"

namespace millrace::broker {
namespace {

using runtime::SimDisk;
using runtime::Simulation;
using runtime::Task;

constexpr int kMembers = 4;

GroupLimits quick_limits() {
    GroupLimits limits;
    limits.streams.settings.initial_rebalance_delay_ms = 0;
    limits.streams.settings.assignment_interval_ms = 0;
    limits.streams.settings.num_standby_replicas = 1;
    return limits;
}

class World {
public:
    explicit World(std::uint64_t seed) : sim_(seed), disk_(seed, &sim_.clock()) {}

    void start() {
        loops_ = sim_.make_loops(2);
        pool_ = sim_.make_pool(2);
        auto store = storage::LogStore::open(disk_, sim_.clock(), *pool_, "/data");
        ASSERT_TRUE(store) << store.error().to_string();
        store_ = std::move(*store);
        catalog_ = std::make_unique<Catalog>(
            Catalog::Environment{*store_, *loops_, *pool_, sim_.clock(), sim_.dice().random(),
                                 signals_, options_, kNodeId, [](const ClusterState&) {}});
        groups_ = std::make_unique<Coordinator>(*catalog_, sim_.clock(), quick_limits(), 2,
                                                std::int64_t{16} << 20);
        ASSERT_TRUE(sim_.run(loops_->first(), open()));
    }

    // Members come, live and go until the power fails.
    void work() {
        for (int m = 0; m < kMembers; ++m) {
            runtime::spawn(loops_->at(sim_.dice().below(2)), live(m));
        }
        sim_.run_for(std::chrono::microseconds(sim_.dice().between(0, 60'000)));
    }

    void crash() {
        disk_.crash();
        // What the pool was given runs to its end, on a disk that is gone: as long as there are the
        // coroutines that wait for it.
        pool_.reset();
        loops_->stop();
        groups_.reset();
        catalog_.reset();
        store_.reset();
        loops_.reset();
        disk_.restart();
    }

    // Everybody who is in the group goes on as if nothing had happened.
    void check() {
        for (int m = 0; m < kMembers; ++m) {
            if (known_.contains(m)) sim_.run(loops_->first(), beat(m, /*anew=*/true));
        }
    }
    int moves() const { return moves_; }

private:
    struct Known {
        std::int32_t epoch = 0;
        Tasks tasks;
    };

    static std::string process_of(int m) { return fmt::format("process {}", m); }

    Task<bool> open() {
        if (!co_await catalog_->open()) co_return false;
        if (!co_await groups_->open()) co_return false;
        for (const char* topic : {"in", "store"}) {
            if (catalog_->find(topic)) continue;
            if (!co_await catalog_->create(topic, 6, {})) co_return false;
        }
        co_return true;
    }

    Task<StreamsHeartbeatAnswer> send(StreamsHeartbeat request) {
        const auto shard = co_await groups_->shard("g");
        MR_CHECK(shard);
        co_return co_await runtime::call_on(
            (*shard)->loop(), [&] { return (*shard)->streams_heartbeat("g", std::move(request)); });
    }

    Task<void> live(int m) {
        while (true) {
            if (!known_.contains(m)) {
                co_await join(m);
            } else if (sim_.dice().chance(0.1)) {
                co_await leave(m);
            } else {
                co_await beat(m, /*anew=*/false);
            }
            co_await runtime::Loop::current()->sleep(
                std::chrono::microseconds(sim_.dice().between(0, 1000)));
        }
    }
    Task<void> join(int m) {
        StreamsHeartbeat request{.member_id = fmt::format("{}-{}", m, ++joined_),
                                 .rebalance_timeout_ms = 60'000,
                                 .topology = StreamsTopology(),
                                 .owned = Tasks(),
                                 .process_id = process_of(m)};
        request.topology->subtopologies["0"] = {.source_topics = {"in"},
                                                .changelogs = {{.name = "store"}}};
        ids_[m] = request.member_id;
        const auto answer = co_await send(std::move(request));
        EXPECT_EQ(answer.error, ErrorCode::kNone) << answer.message;
        take(m, answer);
    }
    // After a broken connection clients tell everything anew.
    Task<void> beat(int m, bool anew) {
        const Known& known = known_.at(m);
        StreamsHeartbeat request{
            .member_id = ids_.at(m), .member_epoch = known.epoch, .owned = known.tasks};
        if (anew) {
            request.rebalance_timeout_ms = 60'000;
            request.process_id = process_of(m);
        }
        const bool missed_one = waiting_.contains(m);
        waiting_.insert(m);
        const auto answer = co_await send(std::move(request));
        waiting_.erase(m);
        if (missed_one && answer.error == ErrorCode::kFencedMemberEpoch) {
            known_.erase(m);
            co_return;
        }
        EXPECT_EQ(answer.error, ErrorCode::kNone) << ids_.at(m) << ": " << answer.message;
        take(m, answer);
    }
    // It gives up its tasks first, and is then a stranger, whether or not it is answered.
    Task<void> leave(int m) {
        known_.erase(m);
        waiting_.erase(m);
        co_await send({.member_id = ids_.at(m), .member_epoch = StreamsMember::kLeaving});
    }

    void take(int m, const StreamsHeartbeatAnswer& answer) {
        if (answer.error != ErrorCode::kNone) return;
        Known& known = known_[m];
        known.epoch = answer.member_epoch;
        if (!answer.tasks) return;
        known.tasks = *answer.tasks;
        ++moves_;
        std::map<TaskId, int> owners;
        for (const auto& [member, one] : known_) {
            for (const auto& [subtopology, partitions] : one.tasks.active) {
                for (const std::int32_t partition : partitions) {
                    const auto [owner, is_new] =
                        owners.emplace(TaskId{subtopology, partition}, member);
                    EXPECT_TRUE(is_new) << "task " << partition << " is with " << owner->second
                                        << " and " << member;
                }
            }
        }
    }

    Simulation sim_;
    SimDisk disk_;
    AppendSignals signals_;
    LiveOptions options_{config::ServerOptions{}};
    std::unique_ptr<runtime::LoopGroup> loops_;
    std::unique_ptr<runtime::Pool> pool_;
    std::unique_ptr<storage::LogStore> store_;
    std::unique_ptr<Catalog> catalog_;
    std::unique_ptr<Coordinator> groups_;
    std::map<int, Known> known_;  // What members were told, and the tasks they work on.
    std::map<int, std::string> ids_;
    std::set<int> waiting_;  // For the answer to a heartbeat.
    int joined_ = 0;
    int moves_ = 0;
};

TEST(StreamsCrash, a_power_cut_takes_nothing_back_that_a_member_was_told) {
    const char* const one = std::getenv("MILLRACE_SEED");
    const char* const many = std::getenv("MILLRACE_SEEDS");
    const std::uint64_t first =
        one != nullptr ? std::strtoull(one, nullptr, 10) : std::random_device{}();
    const std::uint64_t count = one != nullptr    ? 1
                                : many != nullptr ? std::strtoull(many, nullptr, 10)
                                                  : 40;
    int moves = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        SCOPED_TRACE(fmt::format("MILLRACE_SEED={}", seed));
        World world(seed);
        for (int life = 0; life < 5; ++life) {
            world.start();
            if (testing::Test::HasFailure()) return;
            world.check();
            world.work();
            world.crash();
            if (testing::Test::HasFailure()) return;
        }
        moves += world.moves();
    }
    EXPECT_TRUE(one != nullptr || moves > static_cast<int>(count)) << "tasks must move";
}

}  // namespace
}  // namespace millrace::broker
