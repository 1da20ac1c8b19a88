// What does it cost to hand work over? Expected: a post within a loop well under 0.1 us, a task
// awaited in a task some tens of ns, and a ping-pong between two loops a few us (two wake-ups of a
// thread), so that work stays on its loop where it can.
#include <benchmark/benchmark.h>

#include "runtime/loop.h"
#include "runtime/pool.h"

namespace millrace::runtime {
namespace {

Task<void> await_posts(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) co_await yield();
}
Task<std::int64_t> one() {
    co_return 1;
}
Task<std::int64_t> await_tasks(std::int64_t count) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += co_await one();
    co_return sum;
}
Task<void> ping_pong(LoopGroup& loops, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        co_await switch_to(loops.at(1));
        co_await switch_to(loops.at(0));
    }
}
Task<void> await_pool(Pool& pool, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) co_await run(pool, [] {});
}

constexpr std::int64_t kBatch = 1000;

void post_within_a_loop(benchmark::State& state) {
    const auto loops = make_system_loops(1);
    for (auto _ : state) run_blocking(loops->first(), await_posts(kBatch));
    state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(post_within_a_loop)->UseRealTime();

void task_in_task(benchmark::State& state) {
    const auto loops = make_system_loops(1);
    for (auto _ : state) {
        benchmark::DoNotOptimize(run_blocking(loops->first(), await_tasks(kBatch)));
    }
    state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(task_in_task)->UseRealTime();

void ping_pong_between_loops(benchmark::State& state) {
    const auto loops = make_system_loops(2);
    for (auto _ : state) run_blocking(loops->first(), ping_pong(*loops, kBatch));
    state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(ping_pong_between_loops)->UseRealTime();

void pool_and_back(benchmark::State& state) {
    const auto loops = make_system_loops(1);
    const auto pool = make_system_pool("bench", 1);
    for (auto _ : state) run_blocking(loops->first(), await_pool(*pool, kBatch));
    state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(pool_and_back)->UseRealTime();

}  // namespace
}  // namespace millrace::runtime
