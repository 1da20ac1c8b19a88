// A log on a simulated disk: crashes at any moment, with writes and names kept, lost or torn by a
// seed. What was acknowledged or seen is there afterwards; everything else is there or not, but
// never out of order and never half.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

#include "runtime/sim/sim_disk.h"
#include "runtime/sim/simulation.h"
#include "storage/log_harness_internal.h"

namespace millrace::storage {
namespace {

using base::Result;
using runtime::SimDisk;
using runtime::Simulation;
using runtime::Task;

Task<void> await_durable(Log& log, model::Offset next, std::int64_t* acknowledged) {
    if (co_await log.wait_durable(next)) *acknowledged = std::max(*acknowledged, next.value);
}

class World {
public:
    explicit World(std::uint64_t seed) : sim_(seed), disk_(seed, &sim_.clock()) {
        config_.segment_bytes = sim_.dice().between(300, 3000);
        config_.index_interval_bytes = sim_.dice().between(0, 600);
    }

    // Opens the log and compares it with what must be there.
    void start(bool faults) {
        loops_ = sim_.make_loops(1);
        pool_ = sim_.make_pool(2);
        auto store = LogStore::open(disk_, sim_.clock(), *pool_, "/data");
        ASSERT_TRUE(store) << store.error().to_string();
        store_ = std::move(*store);
        auto log = store_->open_log(LogHarness::partition(), config_, loops_->first());
        ASSERT_TRUE(log) << log.error().to_string();
        log_ = std::move(*log);
        ASSERT_TRUE(sim_.run(loops_->first(), log_->wait_durable(log_->offsets().log_end)));
        const Log::Offsets offsets = log_->offsets();
        ASSERT_GE(offsets.log_end.value, promised_);
        ASSERT_GE(offsets.log_start.value, start_);
        ASSERT_LE(offsets.log_start.value, offsets.log_end.value);
        start_ = offsets.log_start.value;
        // Later records than were promised may have survived, as they were written.
        std::erase_if(written_,
                      [&](const auto& entry) { return entry.first >= offsets.log_end.value; });
        promised_ = offsets.log_end.value;
        check_content();
        faults_ = faults;
        if (faults) {
            disk_.set_fault_rate(SimDisk::Call::kSync, 0.05);
            disk_.set_fault_rate(SimDisk::Call::kWrite, 0.03);
        }
    }

    void work() {
        for (int step = 0; step < 40; ++step) {
            const std::uint64_t dice = sim_.dice().below(100);
            if (dice < 60) {
                append();
            } else if (dice < 90) {
                sim_.run_for(std::chrono::microseconds(sim_.dice().below(3000)));
            } else if (dice < 95) {
                on_loop([&] {
                    if (!log_->offline()) check_content();
                });
            } else if (!log_->offline() && start_ + 3 < log_->offsets().high_watermark.value) {
                // A failing disk may refuse; what it has confirmed stays deleted.
                if (sim_.run(loops_->first(), log_->delete_records({start_ + 3}))) start_ += 3;
            }
            // Whoever has read a record may rely on it.
            promised_ = std::max(promised_, log_->offsets().high_watermark.value);
        }
    }

    void stop(bool cleanly) {
        if (cleanly) {
            const auto closed = sim_.run(loops_->first(), log_->close());
            EXPECT_TRUE(closed || faults_) << closed.error().to_string();
            if (closed) promised_ = log_->offsets().log_end.value;
        }
        disk_.set_fault_rate(SimDisk::Call::kSync, 0);
        disk_.set_fault_rate(SimDisk::Call::kWrite, 0);
        // A clean stop may be followed by a power cut as well.
        disk_.crash();
        loops_->stop();
        log_.reset();
        store_.reset();
        pool_.reset();
        loops_.reset();
        disk_.restart();
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
        on_loop([&] {
            std::vector<std::string> values(1 + sim_.dice().below(3));
            for (std::string& value : values) {
                value = fmt::format("{}", sim_.dice().below(1'000'000));
                value.resize(value.size() + sim_.dice().below(300), '.');
            }
            base::Bytes batch = make_batch(values, sim_.clock().wall_ms());
            base::Bytes scratch;
            const auto checked = CheckedBatch::check({batch.data(), batch.size()}, Origin::kClient,
                                                     config_, {0}, scratch);
            const auto appended = log_->append(*checked);
            if (!appended) return;
            std::int64_t offset = appended->base_offset.value;
            for (const std::string& value : values) written_[offset++] = value;
            runtime::spawn(loops_->first(),
                           await_durable(*log_, appended->next_offset, &promised_));
        });
    }

    // All that is visible is what was written, without a gap.
    void check_content() {
        const Log::Offsets offsets = log_->offsets();
        model::Offset at = offsets.log_start;
        while (at < offsets.high_watermark) {
            const auto slice = log_->read(at, 700, Isolation::kReadUncommitted);
            ASSERT_TRUE(slice) << slice.error().to_string();
            const auto bytes = slice->load();
            ASSERT_TRUE(bytes);
            const model::Offset before = at;
            for (base::ByteView rest = *bytes; !rest.empty();) {
                const auto batch = model::RecordBatch::parse(rest);
                if (!batch) break;
                ASSERT_TRUE(batch->check_crc());
                rest.remove_prefix(batch->size_bytes());
                ASSERT_LE(batch->base_offset(), at);
                base::Bytes scratch;
                const auto payload = model::unpack(*batch, scratch);
                model::RecordIterator records(*batch, *payload);
                model::RecordView record;
                while (*records.next(record)) {
                    const auto known = written_.find(record.offset.value);
                    ASSERT_NE(known, written_.end()) << record.offset.value;
                    ASSERT_EQ(known->second, *record.value);
                }
                at = batch->next_offset();
            }
            ASSERT_LT(before, at);
        }
        ASSERT_EQ(at, offsets.high_watermark);
    }

    Simulation sim_;
    SimDisk disk_;
    LogConfig config_;
    std::unique_ptr<runtime::LoopGroup> loops_;
    std::unique_ptr<runtime::Pool> pool_;
    std::unique_ptr<LogStore> store_;
    std::unique_ptr<Log> log_;
    std::map<std::int64_t, std::string> written_;
    std::int64_t promised_ = 0;  // Everything before it was acknowledged or could be seen.
    std::int64_t start_ = 0;
    bool faults_ = false;
};

// MILLRACE_SEED=n runs that seed alone, MILLRACE_SEEDS=n that many.
std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(Simulation, loses_nothing_that_was_acknowledged_or_seen) {
    const std::uint64_t one = number_from("MILLRACE_SEED", 0);
    const std::uint64_t first = one != 0 ? one : std::random_device{}();
    const std::uint64_t count = one != 0 ? 1 : number_from("MILLRACE_SEEDS", 150);
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        SCOPED_TRACE(fmt::format("MILLRACE_SEED={}", seed));
        World world(seed);
        runtime::Dice lives(seed);
        for (int life = 0; life < 6; ++life) {
            const bool faults = lives.chance(0.3);
            world.start(faults);
            if (testing::Test::HasFatalFailure()) return;
            world.work();
            if (testing::Test::HasFatalFailure()) return;
            world.stop(lives.chance(0.3));
        }
        if (testing::Test::HasFailure()) return;
    }
}

TEST(Simulation, refuses_appends_while_the_disk_is_full_and_goes_on_once_there_is_room) {
    Simulation sim(7);
    SimDisk disk(7, &sim.clock());
    LogConfig config;
    config.segment_bytes = 2000;
    LogHarness log(config, &disk);
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.append({"a"}), "0");
    disk.set_capacity_bytes(disk.used_bytes() + 1000);
    std::int64_t appended = 1;
    std::string outcome;
    for (int i = 0; i < 100; ++i) {
        outcome = log.append({std::string(100, 'x')});
        if (outcome == "no space") break;
        ++appended;
    }
    EXPECT_EQ(outcome, "no space");
    EXPECT_EQ(log.append({std::string(100, 'x')}), "no space");
    EXPECT_TRUE(log.records().starts_with("0=a ")) << "reads go on";
    EXPECT_EQ(log.offsets().log_end, model::Offset{appended});
    EXPECT_GE(log.store().stats().refused_appends_no_space, 2U);
    disk.set_capacity_bytes(1 << 30);
    EXPECT_EQ(log.append({"b"}), fmt::format("{}", appended));
    EXPECT_TRUE(log.records().ends_with("=b "));
}

TEST(Simulation, takes_a_log_offline_when_a_sync_fails_and_never_tries_again) {
    Simulation sim(7);
    SimDisk disk(7, &sim.clock());
    LogHarness log({}, &disk);
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.append({"a"}), "0");
    disk.fail(SimDisk::Call::kSync);
    EXPECT_EQ(log.append({"b"}), "offline");
    const std::uint64_t syncs = disk.syncs();
    EXPECT_EQ(log.append({"c"}), "offline");
    EXPECT_EQ(log.records(0), "! offline");
    EXPECT_EQ(disk.syncs(), syncs);
    EXPECT_EQ(log.store().stats().failed_syncs, 1U);
    const std::string words = log.on_loop([&] { return log.log().offline()->message(); });
    EXPECT_NE(words.find("make records durable"), std::string::npos) << words;
    // A restart reads what is really there.
    log.crash();
    ASSERT_EQ(log.open(), "ok");
    EXPECT_TRUE(log.records().starts_with("0=a "));
}

TEST(Simulation, cuts_a_write_that_failed_half_way_before_anything_follows_it) {
    Simulation sim(7);
    SimDisk disk(7, &sim.clock());
    LogHarness log({}, &disk);
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.append({"a"}), "0");
    disk.fail(SimDisk::Call::kWrite);
    EXPECT_EQ(log.append({"b"}), "offline");
    log.crash();
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.records(), "0=a ");
    EXPECT_EQ(log.append({"c"}), "1");
}

}  // namespace
}  // namespace millrace::storage
