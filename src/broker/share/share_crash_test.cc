// Positions of a share group on a simulated disk: crashes at any moment, with writes and syncs that
// fail. What was told to be acknowledged never comes again; what was not always does.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "broker/append_signals.h"
#include "broker/partition.h"
#include "broker/share/share_state.h"
#include "model/topic_name.h"
#include "runtime/sim/sim_disk.h"
#include "runtime/sim/simulation.h"
#include "storage/log_store.h"

namespace millrace::broker {
namespace {

using base::Result;
using runtime::SimDisk;
using runtime::Simulation;
using runtime::Task;

const ShareKey kKey{"g", {0, 7}, 3};

class World {
public:
    explicit World(std::uint64_t seed) : sim_(seed), disk_(seed, &sim_.clock()) {
        config_.segment_bytes = sim_.dice().between(2000, 20'000);
    }

    void start(bool faults) {
        loops_ = sim_.make_loops(1);
        pool_ = sim_.make_pool(2);
        auto store = storage::LogStore::open(disk_, sim_.clock(), *pool_, "/data");
        ASSERT_TRUE(store) << store.error().to_string();
        store_ = std::move(*store);
        auto log = store_->open_log({*model::TopicName::make("__share_group_state"), {0}}, config_,
                                    loops_->first());
        ASSERT_TRUE(log) << log.error().to_string();
        partition_ = std::make_shared<Partition>(0, loops_->first(), std::move(*log),
                                                 std::make_shared<AppendSignal>());
        shard_ = std::make_unique<ShareStateShard>(partition_, loops_->first(), sim_.clock());
        on_loop([&] { partition_->start(); });
        const auto loaded = sim_.run(loops_->first(), shard_->load());
        ASSERT_TRUE(loaded) << loaded.error().to_string();
        begin();
        check();
        begin();
        if (!faults) return;
        disk_.set_fault_rate(SimDisk::Call::kSync, 0.02);
        disk_.set_fault_rate(SimDisk::Call::kWrite, 0.02);
    }

    void work(int steps) {
        for (int step = 0; step < steps; ++step) {
            const std::uint64_t dice = sim_.dice().below(100);
            if (dice < 25) {
                on_loop([&] { acquire(); });
            } else if (dice < 70) {
                on_loop([&] { acknowledge(); });
            } else if (dice < 75) {
                on_loop([&] { release(); });
            } else {
                sim_.run_for(std::chrono::microseconds(sim_.dice().below(4000)));
            }
        }
    }

    void stop(bool cleanly) {
        if (cleanly) {
            sim_.run(loops_->first(), shard_->stop());
            (void)sim_.run(loops_->first(), partition_->close());
        }
        disk_.set_fault_rate(SimDisk::Call::kSync, 0);
        disk_.set_fault_rate(SimDisk::Call::kWrite, 0);
        disk_.crash();
        loops_->stop();
        shard_.reset();
        partition_.reset();
        store_.reset();
        pool_.reset();
        loops_.reset();
        disk_.restart();
        held_.clear();
    }

    std::size_t acknowledged() const { return told_.size(); }

private:
    template <class Fn>
    void on_loop(Fn fn) {
        constexpr auto kCall = [](Fn* call) -> Task<void> {
            (*call)();
            co_return;
        };
        sim_.run(loops_->first(), kCall(&fn));
    }

    void begin() {
        const ShareState state = shard_->read(kKey);
        share_ = SharePartition({.lock_duration_ms = 1'000'000,
                                 .delivery_count_limit = 30'000,
                                 .max_record_locks = 100'000});
        share_.begin(std::max<std::int64_t>(state.start_offset, 0), state.batches);
    }

    AcquireRequest everything(std::int32_t max_records) const {
        const std::int64_t from = share_.next_fetch_offset();
        AcquireRequest request{.member = "m",
                               .fetch_offset = from,
                               .batches = {},
                               .max_records = max_records,
                               .batch_size = 10,
                               .record_limit = true};
        for (std::int64_t at = from; at < from + 500; at += 5) {
            request.batches.push_back({at, at + 4});
        }
        return request;
    }

    // What comes again after a start.
    void check() {
        const std::string before = share_.to_string();
        std::set<std::int64_t> delivered;
        const std::int64_t end = std::max(seen_, share_.end_offset()) + 1;
        while (share_.next_fetch_offset() < end) {
            for (const auto& batch : share_.acquire(everything(1000), 0)) {
                for (auto at = batch.first; at <= batch.last; ++at) delivered.insert(at);
            }
        }
        for (const std::int64_t at : told_) {
            ASSERT_FALSE(delivered.contains(at)) << at << " of " << before;
        }
        for (std::int64_t at = 0; at < seen_; ++at) {
            ASSERT_TRUE(delivered.contains(at) || tried_.contains(at)) << at;
        }
    }

    void acquire() {
        const auto count = static_cast<std::int32_t>(sim_.dice().between(1, 20));
        for (const auto& batch : share_.acquire(everything(count), 0)) {
            for (auto at = batch.first; at <= batch.last; ++at) held_.insert(at);
            seen_ = std::max(seen_, batch.last + 1);
        }
    }

    void acknowledge() {
        if (held_.empty()) return;
        const auto first =
            std::next(held_.begin(), static_cast<std::ptrdiff_t>(sim_.dice().below(held_.size())));
        const std::int64_t at = *first;
        std::int64_t last = at;
        while (held_.contains(last + 1) && sim_.dice().below(3) != 0) ++last;
        auto outcome = share_.acknowledge("m", {{at, last, {1}}}, 0);
        ASSERT_EQ(outcome.error, ErrorCode::kNone) << outcome.message;
        std::set<std::int64_t> offsets;
        for (std::int64_t one = at; one <= last; ++one) {
            offsets.insert(one);
            tried_.insert(one);
            held_.erase(one);
        }
        runtime::spawn(loops_->first(),
                       persist(*this, std::move(*outcome.write), std::move(offsets), true));
    }

    void release() {
        auto write = share_.release("m");
        if (!write) return;
        std::set<std::int64_t> offsets;
        for (const auto& batch : write->batches) {
            for (auto at = batch.first; at <= batch.last; ++at) offsets.insert(at);
        }
        held_.clear();
        runtime::spawn(loops_->first(),
                       persist(*this, std::move(*write), std::move(offsets), false));
    }

    static Task<void> persist(World& world, ShareWrite write, std::set<std::int64_t> offsets,
                              bool acknowledged) {
        const std::uint64_t id = write.id;
        const Result<void> durable = co_await world.shard_->write(kKey, 0, std::move(write));
        world.share_.persisted(id, durable.has_value());
        if (!durable) {
            world.held_.insert(offsets.begin(), offsets.end());
        } else if (acknowledged) {
            world.told_.insert(offsets.begin(), offsets.end());
        }
    }

    Simulation sim_;
    SimDisk disk_;
    storage::LogConfig config_;
    std::unique_ptr<runtime::LoopGroup> loops_;
    std::unique_ptr<runtime::Pool> pool_;
    std::unique_ptr<storage::LogStore> store_;
    std::shared_ptr<Partition> partition_;
    std::unique_ptr<ShareStateShard> shard_;
    SharePartition share_{{}};
    std::int64_t seen_ = 0;         // Behind the last offset that was ever delivered.
    std::set<std::int64_t> held_;   // Delivered, and neither acknowledged nor given back.
    std::set<std::int64_t> tried_;  // Acknowledgements that were sent...
    std::set<std::int64_t> told_;   // ... and those that were confirmed.
};

std::uint64_t seed_of(int round) {
    const char* given = std::getenv("MILLRACE_SEED");
    if (given) return std::strtoull(given, nullptr, 10);
    return static_cast<std::uint64_t>(std::random_device{}()) + static_cast<std::uint64_t>(round);
}

TEST(ShareCrash, what_was_confirmed_never_comes_again_and_nothing_else_is_lost) {
    for (int round = 0; round < 60; ++round) {
        const std::uint64_t seed = seed_of(round);
        SCOPED_TRACE(fmt::format("MILLRACE_SEED={}", seed));
        World world(seed);
        for (int life = 0; life < 6; ++life) {
            world.start(/*faults=*/life % 3 == 1);
            if (testing::Test::HasFatalFailure()) return;
            world.work(60);
            if (testing::Test::HasFatalFailure()) return;
            world.stop(/*cleanly=*/life % 4 == 3);
        }
    }
}

// So many that snapshots come between them.
TEST(ShareCrash, a_long_history_is_read_back_whole) {
    World world(seed_of(0));
    for (int life = 0; life < 3; ++life) {
        world.start(false);
        if (testing::Test::HasFatalFailure()) return;
        world.work(4000);
        world.stop(life == 1);
    }
    world.start(false);
    EXPECT_GT(world.acknowledged(), 1000U);
    world.stop(true);
}

}  // namespace
}  // namespace millrace::broker
