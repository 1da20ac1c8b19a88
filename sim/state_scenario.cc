// A stateful streaming query under faults: checkpoint and state store, driven in the order in which
// a query drives them, over lives that end in power cuts, kills and failed calls of the disk.
//
// Promised: whatever happens, every event counts once. A batch whose offsets are durable runs again
// with the same offsets and gives the sink the very same rows; a batch that has another one after
// it is whole; the state of a version is what the events up to there come to.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/strings.h"
#include "runtime/sim/sim_disk.h"
#include "runtime/sim/simulation.h"
#include "sim/scenario.h"
#include "state/store.h"
#include "streaming/checkpoint.h"

namespace millrace::sim {
namespace {

using base::Code;
using base::fail;
using base::Result;
using runtime::SimDisk;

constexpr auto kCheckpoint = "/checkpoints/query";
constexpr std::int64_t kWindowMs = 50;
constexpr std::int64_t kDelayMs = 40;

struct Event {
    std::string key;
    std::int64_t time_ms = 0;
};

// Key to count and text, as the state holds them.
using Rows = std::map<std::string, std::pair<std::int64_t, std::string>>;

// What the query must come to, computed without files: one entry per batch that was planned.
struct Expected {
    std::int64_t end = 0;           // The events before it have been read,
    std::int64_t watermark_ms = 0;  // with this watermark,
    std::int64_t next_watermark_ms = 0;
    Rows state;   // and leave this state
    Rows output;  // after this was given out.
};

class StateScenario {
public:
    StateScenario(std::uint64_t seed, const Options& options, Totals& totals)
        : seed_(seed),
          sim_(seed),
          dice_(sim_.dice()),
          disk_(seed, &sim_.clock()),
          options_(options),
          totals_(totals) {}

    Result<void> run() {
        store_options_.buckets = static_cast<std::uint32_t>(dice_.between(1, 5));
        store_options_.min_deltas_for_snapshot = static_cast<int>(dice_.between(2, 6));
        store_options_.min_versions_to_retain = static_cast<int>(dice_.between(2, 8));
        keys_ = dice_.between(1, 40);
        MR_TRY_VOID(disk_.make_directories("/checkpoints"));
        MR_TRY_VOID(disk_.sync_all("/"));
        const std::int64_t lives = dice_.between(3, 9);
        for (std::int64_t life = 0; life < lives; ++life) {
            totals_.lives += 1;
            const bool last = life + 1 == lives;
            if (!last) start_faults();
            const std::uint64_t faults_before = disk_.faults();
            tell("life {}", life);
            auto outcome = live(last);
            store_.reset();
            checkpoint_.reset();
            // A call of the disk that failed ends a query; its next start must be right.
            const bool excused = disk_.faults() != faults_before || !disk_.has_power() || full_;
            if (!outcome && (!excused || is_broken_promise(outcome.error()))) return outcome;
            if (!outcome) tell("ended by {}", outcome.error().message());
            end_life();
        }
        totals_.disk_faults += disk_.faults();
        return {};
    }

private:
    template <class... Args>
    void tell(fmt::format_string<Args...> format, Args&&... args) const {
        if (options_.verbose) {
            fmt::print(stderr, "{}\n", fmt::format(format, std::forward<Args>(args)...));
        }
    }
    static std::unexpected<base::Error> broken(std::string words) {
        return fail(Code::kInternal, "{}", words);
    }
    static bool is_broken_promise(const base::Error& error) {
        return error.code() == Code::kInternal || error.code() == Code::kCorrupt;
    }

    void start_faults() {
        if (dice_.chance(0.6)) disk_.lose_power_in(static_cast<int>(dice_.between(1, 250)));
        if (dice_.chance(0.2)) {
            disk_.fail(SimDisk::Call::kSync, static_cast<int>(dice_.between(1, 40)));
        }
        if (dice_.chance(0.1)) {
            disk_.fail(SimDisk::Call::kWrite, static_cast<int>(dice_.between(1, 40)));
        }
        if (dice_.chance(0.1)) {
            disk_.fail(SimDisk::Call::kRename, static_cast<int>(dice_.between(1, 20)));
        }
        full_ = dice_.chance(0.1);
        if (full_) {
            disk_.set_capacity_bytes(disk_.used_bytes() +
                                     static_cast<std::uint64_t>(dice_.between(0, 5000)));
        }
    }

    void end_life() {
        for (const auto call :
             {SimDisk::Call::kSync, SimDisk::Call::kWrite, SimDisk::Call::kRename}) {
            disk_.fail(call, 0);
        }
        full_ = false;
        disk_.set_capacity_bytes(std::uint64_t{1} << 50);
        if (disk_.has_power() && dice_.chance(0.3)) return;  // The query alone has ended.
        if (dice_.chance(0.6)) {
            totals_.power_cuts += 1;
            tell("power cut");
            disk_.crash();
        } else {
            disk_.kill();
        }
        disk_.restart();
    }

    Result<void> live(bool last) {
        checkpoint_ = std::make_unique<streaming::Checkpoint>(disk_, kCheckpoint);
        MR_TRY(const std::string id, checkpoint_->query_id(fmt::format("query-{}", totals_.lives)));
        if (!query_id_.empty() && id != query_id_) return broken("the query has another id now");
        query_id_ = id;
        MR_TRY_VOID(recover());
        const std::int64_t batches = last ? 3 : dice_.between(1, 25);
        for (std::int64_t i = 0; i < batches; ++i) {
            if (!planned_) MR_TRY_VOID(plan());
            MR_TRY_VOID(run_batch());
            if (store_->maintenance_due() && dice_.chance(0.7)) MR_TRY_VOID(store_->maintain());
        }
        return {};
    }

    // --- what a query does

    Result<void> recover() {
        MR_TRY(const auto latest, checkpoint_->latest_offsets());
        MR_TRY(const auto commit, checkpoint_->latest_commit());
        const std::int64_t found = latest.value_or(-1);
        if (found < durable_offsets_) {
            return broken(fmt::format("LOST: offsets of batch {} are durable, {} is the last found",
                                      durable_offsets_, found));
        }
        if (found >= static_cast<std::int64_t>(expected_.size())) {
            return broken(fmt::format("INVENTED: batch {} was never planned", found));
        }
        const bool done = latest && commit && *commit >= *latest;
        planned_ = latest && !done;
        batch_ = planned_ ? *latest : found + 1;
        // A batch that was never planned durably is planned anew.
        expected_.resize(static_cast<std::size_t>(found + 1));
        if (latest) {
            MR_TRY(const auto entry, checkpoint_->offsets(*latest));
            const Expected& wanted = expected_.back();
            if (entry.offsets.size() != 1 || entry.offsets[0] != std::to_string(wanted.end) ||
                entry.batch_watermark_ms != wanted.watermark_ms) {
                return broken(fmt::format("CHANGED: batch {} has other offsets now", *latest));
            }
        }
        if (done) {
            MR_TRY(const std::int64_t next, checkpoint_->next_watermark_ms(*latest));
            if (next != expected_.back().next_watermark_ms) return broken("another watermark");
        }
        tell("recovered: {} batch {}", planned_ ? "again" : "next", batch_);
        MR_TRY(store_,
               state::Store::open(disk_, checkpoint_->state_directory(0) + "/0",
                                  {.values = {state::CellKind::kInt64, state::CellKind::kText},
                                   .timed = true,
                                   .description = "counts"},
                                  store_options_, batch_));
        return check_state(batch_);
    }

    // The state at `version`: what the batches before it have left.
    Result<void> check_state(std::int64_t version) {
        static const Rows kNone;
        const Rows& wanted =
            version == 0 ? kNone : expected_[static_cast<std::size_t>(version) - 1].state;
        Rows found;
        store_->for_each([&](state::Row& row) { found.insert(read(row)); });
        totals_.verified += found.size();
        if (found != wanted) {
            return broken(fmt::format("WRONG STATE at version {}: {} rows where {} are due",
                                      version, found.size(), wanted.size()));
        }
        return {};
    }
    Rows::value_type read(state::Row& row) const {
        const state::Layout& layout = store_->layout();
        return {std::string(layout.key(row)),
                {layout.cell<std::int64_t>(row, 0), std::string(layout.text(row, 1))}};
    }

    Result<void> plan() {
        const std::int64_t start = expected_.empty() ? 0 : expected_.back().end;
        const std::int64_t watermark = expected_.empty() ? 0 : expected_.back().next_watermark_ms;
        expected_.push_back(expect(start, start + dice_.between(0, 60), watermark));
        const Expected& batch = expected_.back();
        streaming::OffsetEntry entry;
        entry.batch_watermark_ms = batch.watermark_ms;
        entry.batch_timestamp_ms = sim_.clock().wall_ms();
        entry.offsets.emplace_back(std::to_string(batch.end));
        MR_TRY_VOID(checkpoint_->write_offsets(batch_, entry));
        durable_offsets_ = batch_;
        totals_.acknowledged += 1;
        planned_ = true;
        return checkpoint_->purge(batch_);
    }

    Result<void> run_batch() {
        const Expected& batch = expected_[static_cast<std::size_t>(batch_)];
        const std::int64_t start =
            batch_ == 0 ? 0 : expected_[static_cast<std::size_t>(batch_) - 1].end;
        std::vector<std::string> texts;
        state::KeyBatch keys;
        for (std::int64_t i = start; i < batch.end; ++i) {
            const Event event = event_at(i);
            if (event.time_ms <= batch.watermark_ms) continue;
            keys.bytes += event.key;
            keys.end_key();
            keys.times_us.push_back(event.time_ms * 1000);
            texts.push_back(text_of(i));
        }
        std::vector<state::Row*> rows;
        std::vector<std::uint8_t> inserted;
        store_->upsert(keys, rows, inserted);
        const state::Layout& layout = store_->layout();
        for (std::size_t i = 0; i < rows.size(); ++i) {
            layout.set_null(*rows[i], 0, false);
            if (inserted[i] != 0) layout.cell<std::int64_t>(*rows[i], 0) = 0;
            layout.cell<std::int64_t>(*rows[i], 0) += 1;
            layout.set_text(*rows[i], 1, texts[i]);
        }
        Rows output;
        store_->evict(batch.watermark_ms * 1000,
                      [&](state::Row& row) { output.insert(read(row)); });
        if (output != batch.output) {
            return broken(fmt::format("WRONG OUTPUT of batch {}: {} rows where {} are due", batch_,
                                      output.size(), batch.output.size()));
        }
        totals_.verified += output.size();
        MR_TRY_VOID(store_->commit());
        MR_TRY_VOID(check_state(batch_ + 1));
        MR_TRY_VOID(checkpoint_->write_commit(batch_, batch.next_watermark_ms));
        ++batch_;
        planned_ = false;
        return {};
    }

    // --- what it must come to

    // Event `i`, the same whenever it is read; its key names the window that it falls into.
    Event event_at(std::int64_t i) const {
        const std::uint64_t hash = base::hash64(static_cast<std::uint64_t>(i), seed_);
        const std::int64_t time_ms = i + 200 - static_cast<std::int64_t>(hash >> 32) % 80;
        const std::int64_t window_end = (time_ms / kWindowMs + 1) * kWindowMs;
        return {fmt::format("{}@{}", hash % static_cast<std::uint64_t>(keys_), window_end),
                window_end};
    }
    std::string text_of(std::int64_t i) const {
        return std::string(base::hash64(static_cast<std::uint64_t>(i), ~seed_) % 30, 't');
    }

    Expected expect(std::int64_t start, std::int64_t end, std::int64_t watermark_ms) const {
        Expected batch{.end = end, .watermark_ms = watermark_ms, .next_watermark_ms = watermark_ms};
        if (!expected_.empty()) batch.state = expected_.back().state;
        for (std::int64_t i = start; i < end; ++i) {
            const Event event = event_at(i);
            batch.next_watermark_ms = std::max(batch.next_watermark_ms, event.time_ms - kDelayMs);
            if (event.time_ms <= watermark_ms) continue;
            auto& [count, text] = batch.state[event.key];
            ++count;
            text = text_of(i);
        }
        std::erase_if(batch.state, [&](const auto& row) {
            const std::string_view key = row.first;
            if (*base::parse_int64(key.substr(key.find('@') + 1)) > watermark_ms) return false;
            batch.output.insert(row);
            return true;
        });
        return batch;
    }

    std::uint64_t seed_;
    runtime::Simulation sim_;
    runtime::Dice& dice_;
    SimDisk disk_;
    Options options_;
    Totals& totals_;
    state::StoreOptions store_options_;
    std::int64_t keys_ = 1;
    bool full_ = false;
    std::unique_ptr<streaming::Checkpoint> checkpoint_;
    std::unique_ptr<state::Store> store_;
    std::string query_id_;
    std::vector<Expected> expected_;     // By batch.
    std::int64_t durable_offsets_ = -1;  // The last batch whose offsets were promised.
    std::int64_t batch_ = 0;             // The one to run,
    bool planned_ = false;               // whose offsets are there already.
};

}  // namespace

Result<void> run_state_scenario(std::uint64_t seed, const Options& options, Totals& totals) {
    return StateScenario(seed, options, totals).run();
}

}  // namespace millrace::sim
