// A compacted log on a simulated disk against a plain map: random keyed appends, tombstones,
// transactions that commit or abort, rolls, rounds of cleaning, restarts and power cuts at any
// call. Whatever happens, the last committed value of every key is what the map says, each record
// is as it was written, and no acknowledged one is missing.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "runtime/sim/sim_disk.h"
#include "runtime/sim/simulation.h"
#include "storage/aborted_index.h"
#include "storage/compaction/key_map.h"
#include "storage/compaction/keyed_batch_internal.h"
#include "storage/log_harness_internal.h"

namespace millrace::storage {
namespace {

using runtime::SimDisk;
using runtime::Simulation;
using runtime::Task;

struct Written {
    std::string key;
    std::optional<std::string> value;
    int transaction = -1;
};

struct Transaction {
    std::int64_t producer = -1;
    bool ended = false;
    bool commit = false;
    std::int64_t marker = -1;
};

struct Producer {
    std::int16_t epoch = 0;
    std::int32_t sequence = 0;
    int transaction = -1;  // The open one.
};

Task<void> await_durable(Log& log, model::Offset next, std::int64_t* acknowledged) {
    if (co_await log.wait_durable(next)) *acknowledged = std::max(*acknowledged, next.value);
}

Task<void> clean_once(Log& log, Log::CleanOptions options, int* rounds, bool* busy) {
    const auto done = co_await log.clean(options);
    *rounds += done && done->segments_before > 0 ? 1 : 0;
    *busy = false;
}

class World {
public:
    explicit World(std::uint64_t seed) : sim_(seed), disk_(seed, &sim_.clock()) {
        config_.segment_bytes = sim_.dice().between(200, 1500);
        config_.index_interval_bytes = sim_.dice().between(0, 600);
        config_.cleanup_delete = false;
        config_.cleanup_compact = true;
        config_.delete_retention_ms = sim_.dice().between(0, 40);
        config_.min_compaction_lag_ms = sim_.dice().chance(0.3) ? sim_.dice().between(1, 20) : 0;
        keys_ = sim_.dice().between(1, 12);
        transactional_ = sim_.dice().chance(0.6);
        map_bytes_ = static_cast<std::size_t>(sim_.dice().between(6, 40)) * KeyMap::kSlotBytes;
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
        const Log::Offsets offsets = log_->offsets();
        ASSERT_GE(offsets.log_end.value, promised_);
        // Later records than were promised may have survived, as they were written.
        std::erase_if(written_,
                      [&](const auto& entry) { return entry.first >= offsets.log_end.value; });
        promised_ = offsets.log_end.value;
        cleaning_ = false;
        // Whose marker is lost is open again; what its producer began later is lost as well.
        for (std::size_t i = transactions_.size(); i-- > 0;) {
            Transaction& one = transactions_[i];
            if (one.marker < offsets.log_end.value) continue;
            one.ended = false;
            one.marker = -1;
            producers_[one.producer].transaction = static_cast<int>(i);
        }
        check();
        // As a coordinator does after a crash: what was open is aborted, by a newer epoch.
        for (auto& [id, producer] : producers_) {
            ++producer.epoch;
            producer.sequence = 0;
            if (producer.transaction < 0) continue;
            Transaction& open = transactions_[static_cast<std::size_t>(producer.transaction)];
            if (!open.ended) on_loop([&] { end(id, producer, false); });
            producer.transaction = -1;
        }
    }

    // False when the power went.
    bool work(int steps) {
        for (int step = 0; step < steps && disk_.has_power(); ++step) {
            const std::uint64_t dice = sim_.dice().below(100);
            if (dice < 35) {
                append();
            } else if (dice < 45) {
                if (transactional_) append_in_transaction();
            } else if (dice < 75) {
                sim_.run_for(std::chrono::microseconds(sim_.dice().below(6000)));
            } else if (dice < 90) {
                if (!cleaning_) start_cleaning();
            } else if (dice < 93) {
                change_segment_size();
            } else if (disk_.has_power()) {
                on_loop([&] {
                    if (!log_->offline()) check();
                });
            }
            promised_ = std::max(promised_, log_->offsets().high_watermark.value);
            if (testing::Test::HasFatalFailure()) return false;
        }
        return disk_.has_power();
    }

    // All there is to clean is cleaned: then every key occurs once in the part that is clean.
    void clean_fully() {
        for (auto& [id, producer] : producers_) {
            if (producer.transaction < 0) continue;
            on_loop([&] { end(id, producer, true); });
        }
        sim_.run_for(std::chrono::milliseconds(200));
        for (int round = 0; round < 50; ++round) {
            const auto done = sim_.run(loops_->first(), log_->clean(options()));
            ASSERT_TRUE(done) << done.error().to_string();
            if (done->segments_before == 0) break;
            ASSERT_LT(round, 49) << "cleaning gets nowhere";
        }
        const auto range = *log_->cleanable();
        ASSERT_EQ(range.dirty_bytes, 0U);
        std::set<std::string> seen;
        for (const auto& [offset, record] : read_all()) {
            if (offset >= range.first_dirty.value) break;
            EXPECT_TRUE(seen.insert(record.key).second) << "key " << record.key << " occurs twice";
        }
        check();
    }

    void lose_power_in(int calls) { disk_.lose_power_in(calls); }

    void stop(bool cleanly) {
        if (cleanly) {
            const auto closed = sim_.run(loops_->first(), log_->close());
            EXPECT_TRUE(closed || !disk_.has_power()) << closed.error().to_string();
            if (closed) promised_ = log_->offsets().log_end.value;
        }
        if (sim_.dice().chance(0.7)) {
            disk_.crash();
        } else {
            disk_.kill();
        }
        loops_->stop();
        log_.reset();
        store_.reset();
        pool_.reset();
        loops_.reset();
        disk_.restart();
    }

    int rounds() const { return rounds_; }

private:
    Log::CleanOptions options() {
        return {.pool = *pool_, .map_bytes = map_bytes_, .seed = {sim_.dice().below(1 << 30), 5}};
    }

    template <class Fn>
    void on_loop(Fn fn) {
        constexpr auto kCall = [](Fn* call) -> Task<void> {
            (*call)();
            co_return;
        };
        sim_.run(loops_->first(), kCall(&fn));
    }

    void start_cleaning() {
        cleaning_ = true;
        runtime::spawn(loops_->first(), clean_once(*log_, options(), &rounds_, &cleaning_));
    }

    void change_segment_size() {
        on_loop([&] {
            LogConfig config = log_->config();
            config.segment_bytes = sim_.dice().between(200, 4000);
            log_->set_config(config);
        });
    }

    Pairs some_records() {
        Pairs records(static_cast<std::size_t>(sim_.dice().between(1, 3)));
        for (auto& [key, value] : records) {
            key = fmt::format("k{}", sim_.dice().below(static_cast<std::uint64_t>(keys_)));
            if (sim_.dice().chance(0.25)) continue;
            value = fmt::format("{}", sim_.dice().below(1'000'000));
            value->resize(value->size() + sim_.dice().below(120), '.');
        }
        return records;
    }

    // Writes some records of a producer, or ends its transaction.
    void append_in_transaction() {
        on_loop([&] {
            const auto id = static_cast<std::int64_t>(1 + sim_.dice().below(3));
            Producer& producer = producers_[id];
            if (producer.transaction >= 0 && sim_.dice().chance(0.4)) {
                end(id, producer, sim_.dice().chance(0.5));
                return;
            }
            const Pairs records = some_records();
            base::Bytes batch = keyed_batch(0, records,
                                            {.producer = {id, producer.epoch},
                                             .base_sequence = producer.sequence,
                                             .transactional = true,
                                             .first_timestamp_ms = sim_.clock().wall_ms()});
            base::Bytes scratch;
            const auto checked = CheckedBatch::check({batch.data(), batch.size()}, Origin::kClient,
                                                     config_, {0}, scratch);
            std::int64_t offset = log_->offsets().log_end.value;
            const auto token = log_->start_verification({id, producer.epoch}, producer.sequence);
            const auto appended = log_->append(*checked, {.verification = token});
            if (!appended && disk_.has_power()) return;
            if (producer.transaction < 0) {
                producer.transaction = static_cast<int>(transactions_.size());
                transactions_.push_back({.producer = id});
            }
            for (const auto& [key, value] : records) {
                written_[offset++] = {*key, value, producer.transaction};
            }
            producer.sequence += static_cast<std::int32_t>(records.size());
        });
    }

    void end(std::int64_t id, Producer& producer, bool commit) {
        Transaction& open = transactions_[static_cast<std::size_t>(producer.transaction)];
        const std::int64_t offset = log_->offsets().log_end.value;
        const auto marked = log_->append_marker({id, producer.epoch}, {commit, 0}, false);
        if (!marked && disk_.has_power()) return;
        open = {.producer = id, .ended = true, .commit = commit, .marker = offset};
        producer.transaction = -1;
    }

    void append() {
        on_loop([&] {
            const Pairs records = some_records();
            const auto codec = sim_.dice().chance(0.3) ? model::Codec::kLz4 : model::Codec::kNone;
            base::Bytes batch = keyed_batch(
                0, records, {.codec = codec, .first_timestamp_ms = sim_.clock().wall_ms()});
            base::Bytes scratch;
            const auto checked = CheckedBatch::check({batch.data(), batch.size()}, Origin::kClient,
                                                     config_, {0}, scratch);
            ASSERT_TRUE(checked);
            std::int64_t offset = log_->offsets().log_end.value;
            const auto appended = log_->append(*checked);
            // What was being written when the power went may be there or not.
            if (!appended && disk_.has_power()) return;
            for (const auto& [key, value] : records) written_[offset++] = {*key, value, -1};
            if (!appended) return;
            runtime::spawn(loops_->first(),
                           await_durable(*log_, appended->next_offset, &promised_));
        });
    }

    // What a consumer of committed records is shown, by offset, read in small slices.
    std::map<std::int64_t, Written> read_all() {
        std::map<std::int64_t, Written> all;
        model::Offset at = log_->offsets().log_start;
        const model::Offset end = log_->offsets().last_stable;
        while (at < end) {
            const auto slice = log_->read(at, 500, Isolation::kReadCommitted);
            if (!disk_.has_power()) break;
            EXPECT_TRUE(slice) << slice.error().to_string();
            if (!slice) break;
            EXPECT_GT(slice->size_bytes, 0U) << "a consumer would hang at " << at.value;
            if (slice->size_bytes == 0) break;
            const auto bytes = slice->load();
            if (!disk_.has_power()) break;
            EXPECT_TRUE(bytes);
            const model::Offset before = at;
            AbortedFilter filter(log_->aborted_transactions(at, slice->bound));
            for (base::ByteView rest = *bytes; !rest.empty();) {
                const auto batch = model::RecordBatch::parse(rest);
                if (!batch) break;
                EXPECT_TRUE(batch->check_crc());
                EXPECT_GE(batch->last_offset(), at);
                rest.remove_prefix(batch->size_bytes());
                if (filter.leaves_out(*batch)) {
                    at = batch->next_offset();
                    continue;
                }
                base::Bytes scratch;
                const auto payload = model::unpack(*batch, scratch);
                model::RecordIterator records(*batch, *payload);
                model::RecordView record;
                while (*records.next(record)) {
                    if (record.offset < before) continue;
                    Written one{std::string(*record.key), std::nullopt, -1};
                    if (record.value) one.value = std::string(*record.value);
                    EXPECT_TRUE(all.emplace(record.offset.value, std::move(one)).second);
                }
                at = batch->next_offset();
            }
            EXPECT_LT(before, at);
            if (before >= at) break;
        }
        return all;
    }

    void check() {
        const std::int64_t end = log_->offsets().last_stable.value;
        std::map<std::string, std::string> expected;
        for (const auto& [offset, record] : written_) {
            if (offset >= end) break;
            if (record.transaction >= 0) {
                const Transaction& one =
                    transactions_[static_cast<std::size_t>(record.transaction)];
                ASSERT_TRUE(one.ended) << "open at " << offset << ", below " << end;
                if (!one.commit) continue;
            }
            if (record.value) {
                expected[record.key] = *record.value;
            } else {
                expected.erase(record.key);
            }
        }
        std::map<std::string, std::string> found;
        const auto all = read_all();
        if (!disk_.has_power()) return;
        for (const auto& [offset, record] : all) {
            const auto known = written_.find(offset);
            ASSERT_NE(known, written_.end()) << offset;
            const int transaction = known->second.transaction;
            ASSERT_TRUE(transaction < 0 ||
                        transactions_[static_cast<std::size_t>(transaction)].commit)
                << "what was aborted is shown, at " << offset;
            ASSERT_EQ(known->second.key, record.key) << offset;
            ASSERT_EQ(known->second.value, record.value) << offset;
            if (record.value) {
                found[record.key] = *record.value;
            } else {
                found.erase(record.key);
            }
        }
        ASSERT_EQ(found, expected);
    }

    Simulation sim_;
    SimDisk disk_;
    LogConfig config_;
    std::int64_t keys_ = 1;
    std::size_t map_bytes_ = 0;
    std::unique_ptr<runtime::LoopGroup> loops_;
    std::unique_ptr<runtime::Pool> pool_;
    std::unique_ptr<LogStore> store_;
    std::unique_ptr<Log> log_;
    std::map<std::int64_t, Written> written_;
    bool transactional_ = false;
    std::vector<Transaction> transactions_;
    std::map<std::int64_t, Producer> producers_;
    std::int64_t promised_ = 0;
    int rounds_ = 0;
    bool cleaning_ = false;
};

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(CompactionModel, agrees_with_a_map_through_cleanings_and_crashes) {
    const std::uint64_t one = number_from("MILLRACE_SEED", 0);
    const std::uint64_t first = one != 0 ? one : std::random_device{}();
    const std::uint64_t count = one != 0 ? 1 : number_from("MILLRACE_SEEDS", 120);
    int rounds = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        SCOPED_TRACE(fmt::format("MILLRACE_SEED={}", seed));
        World world(seed);
        runtime::Dice lives(seed);
        for (int life = 0; life < 6; ++life) {
            world.start();
            if (testing::Test::HasFatalFailure()) return;
            // In some lives the power goes at a certain call of the disk, in others afterwards.
            if (lives.chance(0.5)) world.lose_power_in(static_cast<int>(lives.between(20, 600)));
            const bool powered = world.work(80);
            if (testing::Test::HasFatalFailure()) return;
            world.stop(powered && lives.chance(0.3));
        }
        world.start();
        if (testing::Test::HasFatalFailure()) return;
        world.clean_fully();
        world.stop(true);
        if (testing::Test::HasFailure()) return;
        rounds += world.rounds();
    }
    if (count > 20) EXPECT_GT(rounds, 50) << "the test cleans too seldom to mean anything";
}

// Every single call of a round of cleaning as the last one before the power goes.
TEST(CompactionModel, finds_old_or_new_segments_after_a_crash_at_any_step) {
    int outcomes[2] = {0, 0};
    for (int calls = 1;; ++calls) {
        SCOPED_TRACE(fmt::format("power goes at call {}", calls));
        Simulation sim(static_cast<std::uint64_t>(calls));
        SimDisk disk(static_cast<std::uint64_t>(calls), &sim.clock());
        LogConfig config;
        config.cleanup_delete = false;
        config.cleanup_compact = true;
        config.segment_bytes = 1;
        bool ended = false;
        for (const bool second_life : {false, true}) {
            const auto loops = sim.make_loops(1);
            auto pool = sim.make_pool(2);
            auto store = LogStore::open(disk, sim.clock(), *pool, "/data");
            ASSERT_TRUE(store) << store.error().to_string();
            auto log = (*store)->open_log(LogHarness::partition(), config, loops->first());
            ASSERT_TRUE(log) << log.error().to_string();
            const auto in_loop = [&](auto fn) {
                constexpr auto kCall = [](decltype(fn)* call) -> Task<void> {
                    (*call)();
                    co_return;
                };
                sim.run(loops->first(), kCall(&fn));
            };
            if (!second_life) {
                in_loop([&] {
                    for (int i = 0; i < 7; ++i) {
                        base::Bytes batch =
                            keyed_batch(0, {{fmt::format("k{}", i % 3), fmt::format("{}", i)}});
                        base::Bytes scratch;
                        ASSERT_TRUE((*log)->append(*CheckedBatch::check(
                            {batch.data(), batch.size()}, Origin::kClient, config, {0}, scratch)));
                    }
                });
                ASSERT_TRUE(sim.run(loops->first(), (*log)->wait_durable({7})));
                LogConfig larger = config;
                larger.segment_bytes = 250;
                in_loop([&] { (*log)->set_config(larger); });
                disk.lose_power_in(calls);
                bool busy = true;
                int rounds = 0;
                runtime::spawn(loops->first(),
                               clean_once(**log, {.pool = *pool, .seed = {1, 2}}, &rounds, &busy));
                sim.run_for(std::chrono::seconds(1));
                ended = disk.has_power();
                disk.crash();
            } else {
                ASSERT_EQ((*log)->offsets().log_end, model::Offset{7});
                ASSERT_TRUE(sim.run(loops->first(), (*log)->wait_durable({7})));
                std::string all;
                model::Offset at{0};
                while (at < model::Offset{7}) {
                    Slice slice;
                    in_loop([&] {
                        const auto read = (*log)->read(at, 1000, Isolation::kReadUncommitted);
                        ASSERT_TRUE(read);
                        slice = *read;
                    });
                    ASSERT_GT(slice.size_bytes, 0U);
                    const auto bytes = *slice.load();
                    const auto batch = *model::RecordBatch::parse(bytes);
                    all += describe(batch.bytes());
                    at = batch.next_offset();
                }
                const bool old_first = all.starts_with("[0-0: 0 k0=0]");
                // Keys in the part that was cleaned: k0 and k1 have their last value at 3 and 4.
                EXPECT_TRUE(all.ends_with("[3-3: 3 k0=3][4-4: 4 k1=4][5-5: 5 k2=5][6-6: 6 k0=6]"))
                    << all;
                ++outcomes[old_first ? 0 : 1];
            }
            loops->stop();
            log->reset();
            store->reset();
            pool.reset();
            if (!second_life) disk.restart();
        }
        if (testing::Test::HasFailure() || ended) break;
        ASSERT_LT(calls, 1000);
    }
    EXPECT_GT(outcomes[0], 3) << "crashes before the swap";
    EXPECT_GT(outcomes[1], 3) << "and after it";
}

}  // namespace
}  // namespace millrace::storage
