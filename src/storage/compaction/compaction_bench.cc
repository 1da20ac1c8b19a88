// How fast does compaction read a log, and what does it cost a producer beside it? Expected: a few
// hundred MB/s of uncompressed log on one thread, about half of that with lz4; and a commit beside
// it waits little longer than without, because rounds work in pieces on a pool of their own.
//
// On the file system of TMPDIR. Fixed content and seeds; rates as bytes/s of log that was read.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "storage/compaction/keyed_batch_internal.h"
#include "storage/log_harness_internal.h"

namespace millrace::storage {
namespace {

using runtime::Task;

constexpr int kRecordsInBatch = 64;

struct Setting {
    std::unique_ptr<runtime::Disk> disk = runtime::make_system_disk();
    std::unique_ptr<runtime::Clock> clock = runtime::make_system_clock();
    std::unique_ptr<runtime::LoopGroup> loops = runtime::make_system_loops(1);
    std::unique_ptr<runtime::Pool> pool = runtime::make_system_pool("sync", 2);
    std::unique_ptr<runtime::Pool> cleaner_pool = runtime::make_system_pool("cleaner", 1);
    TemporaryFolder data;
    std::unique_ptr<LogStore> store = *LogStore::open(*disk, *clock, *pool, data.path());

    std::unique_ptr<Log> open(const char* topic, bool compacted) {
        LogConfig config;
        config.cleanup_delete = !compacted;
        config.cleanup_compact = compacted;
        config.segment_bytes = 32 << 20;
        return *store->open_log({*model::TopicName::make(topic), {0}}, config, loops->first());
    }
    void close(std::unique_ptr<Log>& log) {
        constexpr auto kClose = [](std::unique_ptr<Log>* doomed) -> Task<void> {
            static_cast<void>(co_await (*doomed)->close());
            doomed->reset();
        };
        runtime::run_blocking(loops->first(), kClose(&log));
    }
};

// 256 MiB in values of 1 KB with `keys` different keys, in random order.
Task<void> fill(Log* log, std::uint64_t keys, model::Codec codec) {
    std::mt19937_64 dice(1);
    base::Bytes scratch;
    std::string noise(64 << 10, '\0');
    for (char& letter : noise) letter = static_cast<char>('a' + dice() % 16);
    for (int i = 0; i < (256 << 10) / kRecordsInBatch; ++i) {
        Pairs records(kRecordsInBatch);
        for (auto& [key, value] : records) {
            key = fmt::format("user-{:012}", dice() % keys);
            value = noise.substr(dice() % (63 << 10), 1000);
        }
        base::Bytes batch = keyed_batch(0, records, {.codec = codec});
        const auto appended = log->append(*CheckedBatch::check(
            {batch.data(), batch.size()}, Origin::kClient, log->config(), {0}, scratch));
        static_cast<void>(co_await log->wait_durable({appended->next_offset.value - 6400}));
    }
    static_cast<void>(co_await log->wait_durable(log->offsets().log_end));
}

void compaction(benchmark::State& state) {
    const auto keys = static_cast<std::uint64_t>(state.range(0));
    const auto codec = static_cast<model::Codec>(state.range(1));
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;
    for (auto _ : state) {
        state.PauseTiming();
        Setting setting;
        auto log = setting.open("t", true);
        runtime::run_blocking(setting.loops->first(), fill(log.get(), keys, codec));
        const std::uint64_t before = log->size_bytes();
        state.ResumeTiming();
        const auto done = runtime::run_blocking(
            setting.loops->first(), log->clean({.pool = *setting.cleaner_pool, .seed = {1, 2}}));
        state.PauseTiming();
        bytes += before;
        records += done ? done->records_read : 0;
        state.counters["kept"] =
            done ? static_cast<double>(done->records_kept) / static_cast<double>(done->records_read)
                 : 0;
        setting.close(log);
        state.ResumeTiming();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
    state.SetItemsProcessed(static_cast<std::int64_t>(records));
}
BENCHMARK(compaction)
    ->ArgNames({"keys", "codec"})
    ->Args({1'000, 0})
    ->Args({200'000, 0})
    ->Args({1'000, 3})
    ->Args({1'000, 4})
    ->UseRealTime()
    ->Iterations(2)
    ->Unit(benchmark::kMillisecond);

Task<void> clean_over_and_over(Log* log, Setting* setting, const bool* stop, int* rounds) {
    while (!*stop) {
        const auto done = co_await log->clean({.pool = *setting->cleaner_pool, .seed = {1, 2}});
        if (!done || done->segments_before == 0) co_return;
        ++*rounds;
    }
}

Task<std::vector<double>> time_appends(Log* log, int count) {
    base::Bytes batch = make_batch({std::string(4000, 'x')}, 1);
    base::Bytes scratch;
    const auto checked = CheckedBatch::check({batch.data(), batch.size()}, Origin::kClient,
                                             log->config(), {0}, scratch);
    std::vector<double> microseconds;
    for (int i = 0; i < count; ++i) {
        const auto began = std::chrono::steady_clock::now();
        const auto appended = log->append(*checked);
        static_cast<void>(co_await log->wait_durable(appended->next_offset));
        microseconds.push_back(
            std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began)
                .count());
    }
    co_return microseconds;
}

// One batch of 4 KB after the other, each durable before the next, without and beside a round.
void commit_beside_compaction(benchmark::State& state) {
    Setting setting;
    auto compacted = setting.open("compacted", true);
    auto produced = setting.open("produced", false);
    runtime::run_blocking(setting.loops->first(),
                          fill(compacted.get(), 200'000, model::Codec::kNone));
    const bool beside = state.range(0) == 1;
    bool stop = false;
    int rounds = 0;
    std::vector<double> all;
    for (auto _ : state) {
        if (beside) {
            runtime::spawn(setting.loops->first(),
                           clean_over_and_over(compacted.get(), &setting, &stop, &rounds));
        }
        const auto some =
            runtime::run_blocking(setting.loops->first(), time_appends(produced.get(), 1000));
        all.insert(all.end(), some.begin(), some.end());
    }
    stop = true;
    std::ranges::sort(all);
    state.counters["p50_us"] = all[all.size() / 2];
    state.counters["p99_us"] = all[all.size() * 99 / 100];
    state.counters["max_us"] = all.back();
    setting.close(compacted);
    setting.close(produced);
}
BENCHMARK(commit_beside_compaction)
    ->ArgName("beside")
    ->Arg(0)
    ->Arg(1)
    ->UseRealTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace millrace::storage
