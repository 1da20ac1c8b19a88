// The log under faults: writers, readers and retention on some partitions, over several lives of
// the process that end in a power cut, a kill or a clean stop, on a disk that fails, fills up and
// tears.
//
// Promised: an acknowledged record stays at its offset with its bytes; nothing is read that was not
// appended there; what a reader was shown never goes; an idempotent producer's retries make no
// second copy; recovery cuts at batch boundaries; a full disk is over when there is room again.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "model/batch_builder.h"
#include "runtime/gate.h"
#include "runtime/sim/sim_disk.h"
#include "runtime/sim/simulation.h"
#include "sim/log_model.h"
#include "sim/scenario.h"
#include "storage/checked_batch.h"
#include "storage/log.h"
#include "storage/log_store.h"

namespace millrace::sim {
namespace {

using base::Code;
using base::fail;
using base::Result;
using runtime::SimDisk;
using runtime::Task;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr auto kFolder = "/data/logs";

// Which faults a seed has.
struct Faults {
    bool power_cuts = false;
    bool kills = false;
    bool sudden = false;  // Lives end in the middle of a call of the disk, starts too.
    bool full_disk = false;
    bool failing_syncs = false;
    bool failing_writes = false;
    bool failing_reads = false;
};

Faults draw_faults(runtime::Dice& dice) {
    return {.power_cuts = dice.chance(0.8),
            .kills = dice.chance(0.5),
            .sudden = dice.chance(0.4),
            .full_disk = dice.chance(0.25),
            .failing_syncs = dice.chance(0.25),
            .failing_writes = dice.chance(0.2),
            .failing_reads = dice.chance(0.1)};
}

storage::LogConfig draw_config(runtime::Dice& dice) {
    storage::LogConfig config;
    config.segment_bytes = std::int64_t{1} << dice.between(11, 16);
    config.index_interval_bytes = std::int64_t{1} << dice.between(7, 12);
    if (dice.chance(0.2)) config.segment_ms = dice.between(5, 100);
    if (dice.chance(0.3)) config.retention_bytes = std::int64_t{1} << dice.between(12, 17);
    if (dice.chance(0.3)) config.timestamp_type = model::TimestampType::kLogAppendTime;
    return config;
}

// A producer that sends again what it does not know to be stored, until it does.
struct RetryingProducer {
    std::int64_t id = 0;
    std::int32_t next_sequence = 0;
    std::vector<std::string> unanswered;  // The values of the batch that is to be sent.
};

struct Partition {
    explicit Partition(std::int32_t number)
        : name{*model::TopicName::make("topic"), {number}}, producer{.id = 100 + number} {}

    storage::PartitionName name;
    storage::LogConfig config;
    LogModel model;
    RetryingProducer producer;
    std::unique_ptr<storage::Log> log;
    std::int64_t last_end = 0;  // Where the log ended when the last life did.
};

class LogScenario {
public:
    LogScenario(std::uint64_t seed, const Options& options, Totals& totals)
        : sim_(seed),
          dice_(sim_.dice()),
          disk_(seed, &sim_.clock()),
          options_(options),
          totals_(totals) {}

    Result<void> run() {
        faults_ = draw_faults(dice_);
        const std::int64_t count = dice_.between(1, 5);
        for (std::int32_t i = 0; i < count; ++i) {
            partitions_.push_back(std::make_unique<Partition>(i));
            partitions_.back()->config = draw_config(dice_);
        }
        MR_TRY_VOID(disk_.make_directories("/data"));
        MR_TRY_VOID(disk_.sync_all("/"));
        const std::int64_t lives = dice_.between(2, 6);
        for (std::int64_t life = 0; life < lives; ++life) {
            tell("life {}", life);
            totals_.lives += 1;
            if (auto outcome = live(life + 1 == lives); !outcome) {
                end_life();
                return outcome;
            }
        }
        totals_.disk_faults += disk_.faults();
        return {};
    }

private:
    template <class... Args>
    void tell(fmt::format_string<Args...> format, Args&&... args) const {
        if (!options_.verbose) return;
        fmt::print(stderr, "{:>10.3f} ms  {}\n", static_cast<double>(sim_.now_ns()) / 1e6,
                   fmt::format(format, std::forward<Args>(args)...));
    }
    // The first broken promise; everything stops at it.
    void broken(const base::Error& error) {
        if (!failure_ && disk_.has_power()) failure_ = error;
    }
    bool stopped() const { return stopping_ || failure_.has_value(); }

    Result<void> live(bool last) {
        stopping_ = false;
        loops_ = sim_.make_loops(static_cast<std::size_t>(dice_.between(1, 2)));
        pool_ = sim_.make_pool(static_cast<std::size_t>(dice_.between(1, 3)),
                               milliseconds(dice_.between(0, 10)));
        if (!last && faults_.sudden && dice_.chance(0.7)) {
            disk_.lose_power_in(static_cast<int>(dice_.between(1, 600)));
        }
        // With the power gone any failure is right; what is left must be right at the next start.
        auto outcome = work(last);
        if (!outcome && disk_.has_power()) return outcome;

        const bool fallen = !disk_.has_power();
        const bool power_cut = !last && faults_.power_cuts && dice_.chance(0.7);
        const bool kill = !last && !power_cut && (faults_.kills || fallen);
        if (!power_cut && !kill) outcome = stop_cleanly();
        if (!outcome && disk_.has_power()) return outcome;
        if (power_cut) {
            tell("power cut");
            totals_.power_cuts += 1;
            disk_.crash();
        } else {
            tell("{}", kill ? "kill" : "end");
            disk_.kill();
        }
        end_life();
        disk_.restart();
        return {};
    }

    Result<void> work(bool last) {
        failure_.reset();
        MR_TRY_VOID(open_all());
        if (!last) start_faults();
        gate_ = std::make_unique<runtime::Gate>();
        for (std::size_t i = 0; i < partitions_.size(); ++i) start_work(*partitions_[i], i);
        (void)sim_.run_until([&] { return failure_.has_value() || !disk_.has_power(); },
                             microseconds(dice_.between(1, 100'000)));
        if (failure_) return fail(*failure_);
        return {};
    }

    void end_life() {
        tell("faults of the disk so far: {}", disk_.faults());
        stop_faults();
        if (loops_) loops_->stop();
        for (auto& partition : partitions_) {
            if (partition->log) partition->last_end = partition->log->offsets().log_end.value;
            partition->log.reset();
        }
        store_.reset();
        pool_.reset();
        gate_.reset();
        loops_.reset();
    }

    // --- starting

    Result<void> open_all() {
        const bool faulty = faults_.failing_reads && dice_.chance(0.3);
        if (faulty) disk_.set_fault_rate(SimDisk::Call::kRead, 0.02);
        auto outcome = open_with_faults();
        // An administrator tries again once the disk is well.
        disk_.set_fault_rate(SimDisk::Call::kRead, 0);
        if (!outcome && faulty && disk_.has_power()) {
            tell("opening failed as it may: {}", outcome.error().message());
            for (auto& partition : partitions_) partition->log.reset();
            store_.reset();
            outcome = open_with_faults();
        }
        if (!outcome) return fail(outcome.error().with("the store must open"));
        for (auto& partition : partitions_) MR_TRY_VOID(check_recovered(*partition));
        return {};
    }

    Result<void> open_with_faults() {
        if (options_.verbose) {
            for (const auto& partition : partitions_) tell_files(*partition);
        }
        MR_TRY(store_, storage::LogStore::open(disk_, sim_.clock(), *pool_, kFolder));
        for (std::size_t i = 0; i < partitions_.size(); ++i) {
            Partition& partition = *partitions_[i];
            MR_TRY(partition.log, store_->open_log(partition.name, partition.config, loop_of(i)));
        }
        return {};
    }
    runtime::Loop& loop_of(std::size_t partition) { return loops_->at(partition % loops_->size()); }

    void tell_files(const Partition& partition) {
        const std::string folder = fmt::format("{}/{}", kFolder, partition.name.folder());
        const auto entries = disk_.list(folder);
        std::string files;
        for (const auto& entry : entries ? *entries : std::vector<SimDisk::Entry>()) {
            files += fmt::format(" {}={}", entry.name, entry.size_bytes);
        }
        tell("{}:{}", folder, files);
    }

    Result<void> check_recovered(Partition& partition) {
        const auto offsets = partition.log->offsets();
        if (options_.verbose) tell_files(partition);
        tell("{}: from {} to {} (durable {}), promised {}", partition.name.folder(),
             offsets.log_start, offsets.log_end, offsets.high_watermark,
             partition.model.promised_end());
        if (partition.config.retention_bytes >= 0) {
            // Retention may have moved the start to any segment.
            partition.model.note_start_requested(offsets.log_start.value);
        }
        totals_.cut_by_crash += static_cast<std::uint64_t>(
            std::max<std::int64_t>(partition.last_end - offsets.log_end.value, 0));
        MR_TRY_VOID(partition.model.check_offsets(offsets.log_start.value, offsets.log_end.value));
        const std::size_t index = static_cast<std::size_t>(partition.name.partition.value);
        MR_TRY_VOID(sim_.run(loop_of(index), settle(*partition.log)));
        return read_all(partition, partition.log->offsets().log_start.value);
    }

    static Task<Result<void>> settle(storage::Log& log) {
        co_return co_await log.wait_durable(log.offsets().log_end);
    }

    // Reads from `from` to the high watermark and compares. A log that is offline serves nobody.
    Result<void> read_all(Partition& partition, std::int64_t from) {
        while (partition.log->offline() == nullptr &&
               from < partition.log->offsets().high_watermark.value) {
            MR_TRY(const auto slice,
                   partition.log->read({from}, static_cast<std::size_t>(dice_.between(1, 8000)),
                                       storage::Isolation::kReadUncommitted));
            MR_TRY(const auto bytes, slice.load());
            MR_TRY(const std::int64_t next,
                   partition.model.check_read(bytes, from, totals_.verified));
            if (next <= from) {
                return fail(Code::kInternal, "STUCK: nothing is read at {} of {}", from,
                            partition.log->offsets().high_watermark);
            }
            from = next;
        }
        return {};
    }

    // --- working

    void start_faults() {
        if (faults_.failing_syncs && dice_.chance(0.5)) {
            disk_.fail(SimDisk::Call::kSync, static_cast<int>(dice_.between(1, 30)));
        }
        if (faults_.failing_writes && dice_.chance(0.5)) {
            disk_.fail(SimDisk::Call::kWrite, static_cast<int>(dice_.between(1, 100)));
        }
        if (faults_.full_disk && dice_.chance(0.6)) {
            disk_.set_capacity_bytes(disk_.used_bytes() +
                                     static_cast<std::uint64_t>(dice_.between(0, 60'000)));
        }
    }
    void stop_faults() {
        for (const auto call : {SimDisk::Call::kSync, SimDisk::Call::kWrite}) disk_.fail(call, 0);
        disk_.set_capacity_bytes(std::uint64_t{1} << 50);
    }

    void start_work(Partition& partition, std::size_t index) {
        runtime::Loop& loop = loop_of(index);
        const auto pass = [&] { return std::move(gate_->enter()).value(); };
        const std::int64_t writers = dice_.between(1, 3);
        for (std::int64_t i = 0; i < writers; ++i) {
            runtime::spawn(loop, write_on(*this, partition, pass()));
        }
        runtime::spawn(loop, write_idempotently(*this, partition, pass()));
        runtime::spawn(loop, read_on(*this, partition, pass()));
        if (dice_.chance(0.3)) runtime::spawn(loop, delete_some(*this, partition, pass()));
    }

    runtime::Duration pause() { return microseconds(dice_.between(0, 3000)); }

    std::string new_value() {
        std::string value = fmt::format("{}:", next_value_++);
        const std::int64_t length =
            dice_.chance(0.05) ? dice_.between(0, 9000) : dice_.between(0, 300);
        value.resize(value.size() + static_cast<std::size_t>(length),
                     static_cast<char>('a' + dice_.below(26)));
        return value;
    }
    std::vector<std::string> new_values() {
        std::vector<std::string> values(static_cast<std::size_t>(dice_.between(1, 5)));
        for (auto& value : values) value = new_value();
        return values;
    }

    // What an append came to: the log's answer, and the records as the model sees them.
    struct Sent {
        Result<storage::Log::Appended> answer;
        std::vector<std::uint64_t> records;
    };
    Sent send(Partition& partition, const std::vector<std::string>& values,
              const RetryingProducer* producer) {
        model::BatchBuilder::Options options{.codec = dice_.chance(0.2) ? model::Codec::kLz4
                                                                        : model::Codec::kNone};
        if (producer != nullptr) {
            options.producer = {producer->id, 0};
            options.base_sequence = producer->next_sequence;
        }
        model::BatchBuilder builder(options);
        Sent sent{fail(Code::kInternal, "not sent"), {}};
        for (const auto& value : values) {
            builder.add({sim_.clock().wall_ms()}, std::nullopt, base::ByteView(value));
            sent.records.push_back(record_hash(value));
        }
        base::Bytes batch = builder.build();
        const auto checked = storage::CheckedBatch::check(
            {batch.data(), batch.size()}, storage::Origin::kClient, partition.log->config(),
            {sim_.clock().wall_ms()}, scratch_);
        const std::int64_t end_before = partition.log->offsets().log_end.value;
        sent.answer = checked ? partition.log->append(*checked) : fail(checked.error());
        // What failed may still have reached the disk: the answer promises nothing.
        if (!sent.answer) partition.model.note_appended(end_before, sent.records);
        if (sent.answer && !sent.answer->duplicate) {
            partition.model.note_appended(sent.answer->base_offset.value, sent.records);
        }
        return sent;
    }
    // Only the faults of this seed may refuse an append.
    void check_refusal(const base::Error& error) {
        const bool full = error.code() == Code::kNoSpace && faults_.full_disk;
        const bool failing = faults_.failing_syncs || faults_.failing_writes;
        const bool offline = error.code() == Code::kOffline && failing;
        const bool index = error.code() == Code::kIo && faults_.failing_writes;
        if (!full && !offline && !index) broken(error.with("an append was refused"));
    }
    void acknowledge(Partition& partition, const Sent& sent) {
        if (auto outcome =
                partition.model.note_acknowledged(sent.answer->base_offset.value, sent.records);
            !outcome) {
            broken(outcome.error());
        }
        totals_.acknowledged += sent.records.size();
    }

    static Task<void> write_on(LogScenario& me, Partition& partition, runtime::Gate::Holder) {
        while (!me.stopped()) {
            const Sent sent = me.send(partition, me.new_values(), nullptr);
            if (!sent.answer) {
                me.check_refusal(sent.answer.error());
                if (sent.answer.error().code() == Code::kOffline) co_return;
            } else if ((co_await partition.log->wait_durable(sent.answer->next_offset))) {
                me.acknowledge(partition, sent);
            } else if (!partition.log->offline()) {
                me.broken({Code::kInternal, "a wait failed though the log is in service"});
            }
            co_await runtime::Loop::current()->sleep(me.pause());
        }
    }

    static Task<void> write_idempotently(LogScenario& me, Partition& partition,
                                         runtime::Gate::Holder) {
        RetryingProducer& producer = partition.producer;
        while (!me.stopped()) {
            if (producer.unanswered.empty()) producer.unanswered = me.new_values();
            const Sent sent = me.send(partition, producer.unanswered, &producer);
            if (!sent.answer) {
                me.check_refusal(sent.answer.error());
                if (sent.answer.error().code() == Code::kOffline) co_return;
            } else if ((co_await partition.log->wait_durable(sent.answer->next_offset))) {
                me.acknowledge(partition, sent);
                producer.next_sequence += static_cast<std::int32_t>(producer.unanswered.size());
                producer.unanswered.clear();
            }
            co_await runtime::Loop::current()->sleep(me.pause());
        }
    }

    static Task<void> read_on(LogScenario& me, Partition& partition, runtime::Gate::Holder) {
        while (!me.stopped()) {
            const auto offsets = partition.log->offsets();
            const std::int64_t from =
                me.dice_.between(offsets.log_start.value, offsets.high_watermark.value);
            if (auto outcome = me.read_all(partition, from); !outcome) me.broken(outcome.error());
            co_await runtime::Loop::current()->sleep(me.pause() * 4);
        }
    }

    static Task<void> delete_some(LogScenario& me, Partition& partition, runtime::Gate::Holder) {
        while (!me.stopped()) {
            co_await runtime::Loop::current()->sleep(me.pause() * 8);
            const auto offsets = partition.log->offsets();
            if (partition.config.retention_bytes >= 0 && me.dice_.chance(0.5)) {
                partition.model.note_start_requested(offsets.high_watermark.value);
                (void)partition.log->enforce_retention();
                continue;
            }
            const std::int64_t before =
                me.dice_.between(offsets.log_start.value, offsets.high_watermark.value);
            partition.model.note_start_requested(before);
            const auto start = co_await partition.log->delete_records({before});
            if (start) partition.model.note_start_durable(start->value);
            me.tell("{}: start moved to {}", partition.name.folder(), before);
        }
    }

    // --- stopping

    Result<void> stop_cleanly() {
        tell("clean stop");
        stop_faults();
        MR_TRY_VOID(sim_.run(loops_->first(), probe(*this)));
        stopping_ = true;
        sim_.run(loops_->first(), close_gate(*this));
        if (failure_) return fail(*failure_);
        for (std::size_t i = 0; i < partitions_.size(); ++i) {
            Partition& partition = *partitions_[i];
            const auto closed = sim_.run(loop_of(i), partition.log->close());
            if (!closed && !partition.log->offline()) return closed;
            if (closed) MR_TRY_VOID(read_all(partition, partition.log->offsets().log_start.value));
        }
        return {};
    }

    static Task<void> close_gate(LogScenario& me) { co_await me.gate_->close(); }

    // With room on the disk again, every log that is in service takes appends.
    static Task<Result<void>> probe(LogScenario& me) {
        for (std::size_t i = 0; i < me.partitions_.size(); ++i) {
            Partition& partition = *me.partitions_[i];
            MR_CO_TRY_VOID(co_await runtime::call_on(
                me.loop_of(i), [&me, &partition] { return probe_one(me, partition); }));
        }
        co_return Result<void>();
    }
    static Task<Result<void>> probe_one(LogScenario& me, Partition& partition) {
        const bool may_be_offline = me.faults_.failing_syncs || me.faults_.failing_writes;
        if (partition.log->offline() != nullptr && may_be_offline) co_return Result<void>();
        const Sent sent = me.send(partition, me.new_values(), nullptr);
        if (!sent.answer) co_return fail(sent.answer.error().with("append to a healthy disk"));
        const auto durable = co_await partition.log->wait_durable(sent.answer->next_offset);
        if (durable) me.acknowledge(partition, sent);
        // A sync that failed before the faults were stopped may be told only now.
        if (!durable && may_be_offline && partition.log->offline() != nullptr) {
            co_return Result<void>();
        }
        co_return durable;
    }

    runtime::Simulation sim_;
    runtime::Dice& dice_;
    SimDisk disk_;
    Options options_;
    Totals& totals_;
    Faults faults_;
    std::vector<std::unique_ptr<Partition>> partitions_;
    std::unique_ptr<runtime::LoopGroup> loops_;
    std::unique_ptr<runtime::Pool> pool_;
    std::unique_ptr<storage::LogStore> store_;
    std::unique_ptr<runtime::Gate> gate_;
    std::optional<base::Error> failure_;
    bool stopping_ = false;
    std::uint64_t next_value_ = 0;
    base::Bytes scratch_;
};

}  // namespace

Result<void> run_log_scenario(std::uint64_t seed, const Options& options, Totals& totals) {
    return LogScenario(seed, options, totals).run();
}

}  // namespace millrace::sim
