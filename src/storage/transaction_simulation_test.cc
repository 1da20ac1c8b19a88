// Transactions on a simulated disk: producers write, commit and abort, and the power fails at any
// moment. Whatever of the log has survived, what is known of its transactions is exactly what a
// walk through its batches gives: the last stable offset, the aborted ones, the producers.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

#include "runtime/sim/sim_disk.h"
#include "runtime/sim/simulation.h"
#include "storage/log_harness_internal.h"

namespace millrace::storage {
namespace {

using runtime::SimDisk;
using runtime::Simulation;
using runtime::Task;

// What a walk through the batches gives.
struct Walk {
    struct Producer {
        std::int64_t transaction_start = -1;
        std::int16_t epoch = -1;
    };
    std::map<std::int64_t, Producer> producers;
    std::string aborted;    // "producer:first-last " by the offsets of the markers.
    std::string committed;  // Base offsets of what is not aborted, below the last stable offset.
    std::int64_t stable = 0;

    void see(const model::RecordBatch& batch) {
        Producer& producer = producers[batch.producer().id];
        producer.epoch = batch.producer().epoch;
        const std::int64_t offset = batch.base_offset().value;
        if (const auto marker = model::parse_end_marker(batch)) {
            const std::int64_t first = std::exchange(producer.transaction_start, -1);
            if (first < 0) return;
            for (auto& [at, open] : batches_) {
                if (open.producer == batch.producer().id && open.undecided) {
                    open.undecided = false;
                    open.aborted = !marker->commit;
                }
            }
            if (!marker->commit) {
                aborted += fmt::format("{}:{}-{} ", batch.producer().id, first, offset);
            }
            return;
        }
        batches_[offset] = {batch.producer().id, true, false};
        if (producer.transaction_start < 0) producer.transaction_start = offset;
    }
    void finish(std::int64_t high_watermark) {
        stable = high_watermark;
        for (const auto& [id, producer] : producers) {
            if (producer.transaction_start >= 0) {
                stable = std::min(stable, producer.transaction_start);
            }
        }
        for (const auto& [offset, batch] : batches_) {
            if (offset < stable && !batch.aborted) committed += fmt::format("{} ", offset);
        }
    }

private:
    struct Batch {
        std::int64_t producer = -1;
        bool undecided = true;
        bool aborted = false;
    };
    std::map<std::int64_t, Batch> batches_;
};

class World {
public:
    explicit World(std::uint64_t seed) : sim_(seed), disk_(seed, &sim_.clock()) {
        config_.segment_bytes = sim_.dice().between(200, 1500);
        config_.index_interval_bytes = sim_.dice().between(0, 300);
    }

    void start() {
        loops_ = sim_.make_loops(1);
        pool_ = sim_.make_pool(2);
        auto store = LogStore::open(disk_, sim_.clock(), *pool_, "/data");
        ASSERT_TRUE(store) << store.error().to_string();
        store_ = std::move(*store);
        auto log = store_->open_log(LogHarness::partition(), config_, loops_->first());
        ASSERT_TRUE(log) << log.error().to_string();
        log_ = std::move(*log);
        ASSERT_TRUE(sim_.run(loops_->first(), log_->wait_durable(log_->offsets().log_end)));
        check();
        for (const auto& known : log_->producers()) {
            producers_[known.id] = {known.epoch, known.last_sequence + 1};
        }
    }

    void work() {
        for (int step = 0; step < 60; ++step) {
            const std::uint64_t dice = sim_.dice().below(100);
            if (dice < 75) {
                on_loop([&] { append(); });
            } else if (dice < 95) {
                sim_.run_for(std::chrono::microseconds(sim_.dice().below(3000)));
            } else {
                ASSERT_TRUE(sim_.run(loops_->first(), log_->wait_durable(log_->offsets().log_end)));
                check();
            }
            if (testing::Test::HasFatalFailure()) return;
        }
    }

    void stop(bool cleanly) {
        if (cleanly) {
            const auto closed = sim_.run(loops_->first(), log_->close());
            EXPECT_TRUE(closed) << closed.error().to_string();
        }
        disk_.crash();
        loops_->stop();
        log_.reset();
        store_.reset();
        pool_.reset();
        loops_.reset();
        disk_.restart();
        producers_.clear();
    }

private:
    template <class Fn>
    void on_loop(Fn fn) {
        constexpr auto kCall = [](Fn* call) -> Task<void> {
            (*call)();
            co_return;
        };
        sim_.run(loops_->first(), kCall(&fn));
    }

    void append() {
        const std::int64_t id = sim_.dice().between(1, 5);
        auto& [epoch, sequence] = producers_[id];
        if (epoch < 0) epoch = 0;
        if (sim_.dice().chance(0.4)) {
            // As the second protocol does, or as the first.
            if (sim_.dice().chance(0.5)) {
                ++epoch;
                sequence = 0;
            }
            const auto marked = log_->append_marker(
                {id, epoch}, {sim_.dice().chance(0.5), static_cast<std::int32_t>(id)}, false);
            ASSERT_TRUE(marked) << marked.error().to_string();
            return;
        }
        model::BatchBuilder builder(
            {.producer = {id, epoch}, .base_sequence = sequence, .transactional = true});
        const auto count = static_cast<std::int32_t>(sim_.dice().between(1, 3));
        for (std::int32_t i = 0; i < count; ++i) {
            builder.add({sim_.clock().wall_ms()}, std::nullopt, base::ByteView("value"));
        }
        base::Bytes bytes = builder.build();
        base::Bytes scratch;
        const auto checked = CheckedBatch::check({bytes.data(), bytes.size()}, Origin::kClient,
                                                 config_, {0}, scratch);
        const auto token = log_->start_verification({id, epoch}, sequence);
        const auto appended = log_->append(*checked, {.verification = token});
        ASSERT_TRUE(appended) << appended.error().to_string();
        sequence += count;
    }

    template <class See>
    void read(Isolation isolation, See see) {
        model::Offset at = log_->offsets().log_start;
        while (true) {
            const auto slice = log_->read(at, 300, isolation);
            ASSERT_TRUE(slice) << slice.error().to_string();
            const auto bytes = slice->load();
            ASSERT_TRUE(bytes);
            if (bytes->empty()) return;
            AbortedFilter filter(log_->aborted_transactions(at, slice->bound));
            for (base::ByteView rest = *bytes; !rest.empty();) {
                const auto batch = model::RecordBatch::parse(rest);
                if (!batch) break;
                rest.remove_prefix(batch->size_bytes());
                see(*batch, filter.leaves_out(*batch));
                at = batch->next_offset();
            }
        }
    }

    void check() {
        on_loop([&] {
            const Log::Offsets offsets = log_->offsets();
            ASSERT_EQ(offsets.high_watermark, offsets.log_end);
            Walk walk;
            read(Isolation::kReadUncommitted,
                 [&](const model::RecordBatch& batch, bool) { walk.see(batch); });
            walk.finish(offsets.high_watermark.value);
            EXPECT_EQ(offsets.last_stable.value, walk.stable);
            std::string aborted;
            for (const auto& one : log_->aborted_transactions({0}, offsets.log_end)) {
                aborted +=
                    fmt::format("{}:{}-{} ", one.producer_id, one.first_offset, one.last_offset);
            }
            ASSERT_EQ(aborted, walk.aborted);
            std::string committed;
            read(Isolation::kReadCommitted, [&](const model::RecordBatch& batch, bool left_out) {
                if (!left_out) committed += fmt::format("{} ", batch.base_offset());
            });
            ASSERT_EQ(committed, walk.committed);
            const auto producers = log_->producers();
            ASSERT_EQ(producers.size(), walk.producers.size());
            for (const auto& known : producers) {
                ASSERT_EQ(known.transaction_start.value,
                          walk.producers[known.id].transaction_start);
                ASSERT_EQ(known.epoch, walk.producers[known.id].epoch);
            }
        });
    }

    Simulation sim_;
    SimDisk disk_;
    LogConfig config_;
    std::unique_ptr<runtime::LoopGroup> loops_;
    std::unique_ptr<runtime::Pool> pool_;
    std::unique_ptr<LogStore> store_;
    std::unique_ptr<Log> log_;
    std::map<std::int64_t, std::pair<std::int16_t, std::int32_t>> producers_;
};

TEST(TransactionSimulation, a_crash_never_changes_what_is_open_or_aborted) {
    const char* const one = std::getenv("MILLRACE_SEED");
    const char* const many = std::getenv("MILLRACE_SEEDS");
    const std::uint64_t first =
        one != nullptr ? std::strtoull(one, nullptr, 10) : std::random_device{}();
    const std::uint64_t count = one != nullptr    ? 1
                                : many != nullptr ? std::strtoull(many, nullptr, 10)
                                                  : 100;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        SCOPED_TRACE(fmt::format("MILLRACE_SEED={}", seed));
        World world(seed);
        runtime::Dice lives(seed);
        for (int life = 0; life < 6; ++life) {
            world.start();
            if (testing::Test::HasFailure()) return;
            world.work();
            if (testing::Test::HasFailure()) return;
            world.stop(lives.chance(0.3));
        }
    }
}

}  // namespace
}  // namespace millrace::storage
