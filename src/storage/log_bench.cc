// How much does group commit cost as more partitions are written, and how fast does a log take
// bytes? Expected: a round over 1 000 partitions costs little more per partition than over 100, and
// one partition takes several hundred MB/s. Recovery of a large log: well under a second.
//
// On the file system of TMPDIR. Fixed content; rates as items/s (appends) and bytes/s.
#include <benchmark/benchmark.h>

#include "storage/log_harness_internal.h"

namespace millrace::storage {
namespace {

using runtime::Task;

base::Bytes batch_of(std::size_t value_bytes, int records) {
    return make_batch(
        std::vector<std::string>(static_cast<std::size_t>(records), std::string(value_bytes, 'x')),
        1'700'000'000'000);
}

struct Logs {
    explicit Logs(std::size_t count)
        : disk(runtime::make_system_disk()),
          clock(runtime::make_system_clock()),
          loops(runtime::make_system_loops(1)),
          pool(runtime::make_system_pool("sync", 2)),
          store(*LogStore::open(*disk, *clock, *pool, data.path())) {
        for (std::size_t i = 0; i < count; ++i) {
            logs.push_back(
                *store->open_log({*model::TopicName::make("t"), {static_cast<std::int32_t>(i)}}, {},
                                 loops->first()));
        }
    }
    ~Logs() {
        constexpr auto kDrop = [](std::vector<std::unique_ptr<Log>>* doomed) -> Task<void> {
            for (const auto& log : *doomed) static_cast<void>(co_await log->close());
            doomed->clear();
        };
        runtime::run_blocking(loops->first(), kDrop(&logs));
    }
    Logs(const Logs&) = delete;
    Logs& operator=(const Logs&) = delete;

    TemporaryFolder data;
    std::unique_ptr<runtime::Disk> disk;
    std::unique_ptr<runtime::Clock> clock;
    std::unique_ptr<runtime::LoopGroup> loops;
    std::unique_ptr<runtime::Pool> pool;
    std::unique_ptr<LogStore> store;
    std::vector<std::unique_ptr<Log>> logs;
};

CheckedBatch checked(base::Bytes& batch) {
    base::Bytes scratch;
    return *CheckedBatch::check({batch.data(), batch.size()}, Origin::kClient, {}, {0}, scratch);
}

Task<void> append_to_all(Logs* logs, base::Bytes* batch) {
    const CheckedBatch good = checked(*batch);
    std::vector<model::Offset> ends;
    for (const auto& log : logs->logs) ends.push_back(log->append(good)->next_offset);
    for (std::size_t i = 0; i < ends.size(); ++i) {
        static_cast<void>(co_await logs->logs[i]->wait_durable(ends[i]));
    }
}

// One 4 KiB batch to every partition, all durable before the next round.
void commit_round(benchmark::State& state) {
    Logs logs(static_cast<std::size_t>(state.range(0)));
    base::Bytes batch = batch_of(1000, 4);
    for (auto _ : state) {
        runtime::run_blocking(logs.loops->first(), append_to_all(&logs, &batch));
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
    state.SetBytesProcessed(state.iterations() * state.range(0) *
                            static_cast<std::int64_t>(batch.size()));
    const auto stats = logs.store->stats();
    state.counters["commits/round"] =
        static_cast<double>(stats.commits) / static_cast<double>(state.iterations());
}
BENCHMARK(commit_round)->Arg(1)->Arg(2)->Arg(4)->Arg(10)->Arg(100)->Arg(1000)->UseRealTime();

Task<void> append_in_flight(Logs* logs, base::Bytes* batch, int batches, int in_flight) {
    Log& log = *logs->logs.front();
    const CheckedBatch good = checked(*batch);
    const std::int64_t records = good.view().record_count();
    for (int i = 0; i < batches; ++i) {
        const auto appended = log.append(good);
        const std::int64_t before = appended->next_offset.value - in_flight * records;
        static_cast<void>(co_await log.wait_durable({before}));
        co_await runtime::yield();  // The answers of other requests have their turn.
    }
    static_cast<void>(co_await log.wait_durable(log.offsets().log_end));
}

// Batches of 64 records of 1 KB to one partition, five in flight as of an idempotent producer.
void append_throughput(benchmark::State& state) {
    Logs logs(1);
    base::Bytes batch = batch_of(1024, 64);
    constexpr int kBatches = 500;
    for (auto _ : state) {
        runtime::run_blocking(
            logs.loops->first(),
            append_in_flight(&logs, &batch, kBatches, static_cast<int>(state.range(0))));
    }
    state.SetBytesProcessed(state.iterations() * kBatches *
                            static_cast<std::int64_t>(batch.size()));
    state.SetItemsProcessed(state.iterations() * kBatches * 64);
}
BENCHMARK(append_throughput)->Arg(1)->Arg(5)->Arg(20)->UseRealTime();

// The check that every produced batch passes: checksum and records.
void check_batch(benchmark::State& state) {
    base::Bytes batch = batch_of(static_cast<std::size_t>(state.range(0)), 100);
    for (auto _ : state) benchmark::DoNotOptimize(checked(batch));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch.size()));
}
BENCHMARK(check_batch)->Arg(100)->Arg(1024);

// Opening a log of 1 GiB after the process died: with snapshots, and with nothing but the log.
void recover_gibibyte(benchmark::State& state) {
    const bool with_snapshots = state.range(0) == 1;
    Logs logs(1);
    base::Bytes batch = batch_of(1024, 16);
    runtime::run_blocking(logs.loops->first(), append_in_flight(&logs, &batch, 63'000, 200));
    constexpr auto kDrop = [](std::vector<std::unique_ptr<Log>>* doomed) -> Task<void> {
        doomed->clear();
        co_return;
    };
    for (auto _ : state) {
        state.PauseTiming();
        runtime::run_blocking(logs.loops->first(), kDrop(&logs.logs));
        if (!with_snapshots) {
            const std::string folder = logs.data.path() + "/t-0";
            for (const auto& entry : std::filesystem::directory_iterator(folder)) {
                if (entry.path().extension() != ".log") std::filesystem::remove(entry.path());
            }
        }
        state.ResumeTiming();
        logs.logs.push_back(
            *logs.store->open_log({*model::TopicName::make("t"), {0}}, {}, logs.loops->first()));
    }
}
BENCHMARK(recover_gibibyte)
    ->Arg(1)
    ->Arg(0)
    ->UseRealTime()
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

// Opening many small partitions after a clean stop.
void open_partitions(benchmark::State& state) {
    const auto count = static_cast<std::int32_t>(state.range(0));
    Logs logs(static_cast<std::size_t>(count));
    base::Bytes batch = batch_of(1000, 4);
    runtime::run_blocking(logs.loops->first(), append_to_all(&logs, &batch));
    constexpr auto kDrop = [](std::vector<std::unique_ptr<Log>>* doomed) -> Task<void> {
        for (const auto& log : *doomed) static_cast<void>(co_await log->close());
        doomed->clear();
    };
    for (auto _ : state) {
        state.PauseTiming();
        runtime::run_blocking(logs.loops->first(), kDrop(&logs.logs));
        state.ResumeTiming();
        for (std::int32_t i = 0; i < count; ++i) {
            logs.logs.push_back(*logs.store->open_log({*model::TopicName::make("t"), {i}}, {},
                                                      logs.loops->first()));
        }
    }
    state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(open_partitions)->Arg(1000)->UseRealTime()->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace millrace::storage
