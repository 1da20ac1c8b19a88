// Does a batch cost what the batch is, not what the state is? Expected: a batch of 1 000 rows,
// merged and durable, costs the same within a factor of three from 1 000 to 5 000 000 keys.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <random>

#include "runtime/disk.h"
#include "state/store.h"

namespace millrace::state {
namespace {

Schema counts() {
    return {{CellKind::kInt64, CellKind::kInt64}, true, "bench"};
}

void fill(KeyBatch& keys, std::int64_t key) {
    const std::string text = fmt::format("/pages/of/the/site/{:08}.html", key);
    keys.bytes.append(text);
    keys.end_key();
    keys.times_us.push_back(key % 100 * 1'000'000);
}

void merge(Store& store, const KeyBatch& keys) {
    std::vector<Row*> rows;
    std::vector<std::uint8_t> inserted;
    store.upsert(keys, rows, inserted);
    const Layout& layout = store.layout();
    for (Row* row : rows) {
        layout.set_null(*row, 0, false);
        layout.set_null(*row, 1, false);
        layout.cell<std::int64_t>(*row, 0) += 1;
        layout.cell<std::int64_t>(*row, 1) += 1000;
    }
}

// Arguments: keys in the state, rows of a batch.
void merge_and_commit(benchmark::State& state) {
    const auto disk = runtime::make_system_disk();
    char name[] = "millrace-state-bench-XXXXXX";
    const std::string root = ::mkdtemp(name);
    auto store = std::move(*Store::open(*disk, root + "/0", counts(), {}, 0));
    KeyBatch keys;
    for (std::int64_t from = 0; from < state.range(0); from += 100'000) {
        keys.clear();
        for (std::int64_t key = from; key < std::min(state.range(0), from + 100'000); ++key) {
            fill(keys, key);
        }
        merge(*store, keys);
    }
    if (!store->commit()) state.SkipWithError("commit");
    std::mt19937_64 random(7);
    for (auto _ : state) {
        state.PauseTiming();
        keys.clear();
        for (std::int64_t i = 0; i < state.range(1); ++i) {
            fill(keys,
                 static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(state.range(0))));
        }
        state.ResumeTiming();
        merge(*store, keys);
        if (!store->commit()) state.SkipWithError("commit");
    }
    state.SetItemsProcessed(state.iterations() * state.range(1));
    state.counters["bytes_a_key"] =
        static_cast<double>(store->memory_bytes()) / static_cast<double>(store->rows());
    store.reset();
    static_cast<void>(disk->remove_tree(root));
}
BENCHMARK(merge_and_commit)
    ->ArgNames({"keys", "rows"})
    ->ArgsProduct({{1'000, 100'000, 1'000'000, 5'000'000}, {1'000, 20'000}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinTime(0.5);

// How long until a state of so many keys is back after a restart?
void recover(benchmark::State& state) {
    const auto disk = runtime::make_system_disk();
    char name[] = "millrace-state-bench-XXXXXX";
    const std::string root = ::mkdtemp(name);
    {
        auto store = std::move(*Store::open(*disk, root + "/0", counts(), {}, 0));
        KeyBatch keys;
        for (std::int64_t key = 0; key < state.range(0); ++key) fill(keys, key);
        merge(*store, keys);
        if (!store->commit()) state.SkipWithError("commit");
    }
    for (auto _ : state) {
        auto opened = Store::open(*disk, root + "/0", counts(), {}, 1);
        if (!opened) state.SkipWithError("open");
        benchmark::DoNotOptimize(opened);
        state.PauseTiming();
        opened = base::fail(base::Code::kCancelled, "done");
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
    static_cast<void>(disk->remove_tree(root));
}
BENCHMARK(recover)
    ->ArgName("keys")
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace millrace::state
