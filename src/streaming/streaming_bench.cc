// What does a trigger cost, from an append to the row being visible? Expected: live p50 below 10 ms
// at 10 000 events a second with everything synced, and most of a batch's time in the engine's own
// work.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "base/log.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "streaming/forgetful_disk.h"
#include "streaming/memory_table.h"
#include "streaming/page_plans_internal.h"
#include "streaming/query_execution.h"
#include "topic/in_memory_topics.h"

namespace millrace::streaming {
namespace {

enum Kind : std::int64_t { kProject, kComplete, kWindows };

// Arguments: kind of query, rows of a batch, synced checkpoint or not.
void trigger(benchmark::State& state) {
    base::set_log_level(base::LogLevel::kOff);
    const auto disk = runtime::make_system_disk();
    const auto forgetful = make_forgetful_disk();
    const auto clock = runtime::make_system_clock();
    const auto random = runtime::make_seeded_random(1);
    auto topics = std::make_shared<topic::InMemoryTopics>(*clock);
    if (!topics->create({.name = "in", .partitions = 4, .configs = {}})) return;
    char name[] = "millrace-streaming-bench-XXXXXX";
    const std::string root = ::mkdtemp(name);

    test::Plans plans({{"subscribe", "in"}, {"startingoffsets", "earliest"}});
    QuerySpec spec;
    switch (state.range(0)) {
        case kProject: spec.plan = plans.views(); break;
        case kComplete:
            spec.plan = plans.top(20);
            spec.mode = OutputMode::kComplete;
            break;
        default: spec.plan = plans.hits_per_window(60, 10); break;
    }
    spec.sink.format = "noop";
    const Services services{
        test::engine(),
        *disk,
        *clock,
        *random,
        [&](const plan::Options&) -> Result<std::shared_ptr<topic::Topics>> { return topics; },
        root,
        {}};
    auto made = QueryExecution::make(services, spec,
                                     {.checkpoint_directory = root + "/c",
                                      .checkpoint_disk = state.range(2) != 0 ? *disk : *forgetful,
                                      .durable_state = state.range(2) != 0});
    if (!made) {
        state.SkipWithError(made.error().to_string().c_str());
        return;
    }
    std::int64_t sent = 0;
    std::map<std::string, std::int64_t> times;
    for (auto _ : state) {
        state.PauseTiming();
        for (std::int32_t partition = 0; partition < 4; ++partition) {
            std::vector<topic::NewRecord> records;
            for (std::int64_t i = 0; i < state.range(1) / 4; ++i, ++sent) {
                records.push_back({.key = std::nullopt,
                                   .value = fmt::format("/page/{}.html", sent * 7919 % 5000),
                                   .timestamp_ms = 1'700'000'000'000 + sent,
                                   .headers = {}});
            }
            if (!topics->append({"in", partition}, records)) return;
        }
        state.ResumeTiming();
        const auto progress = (*made)->run_trigger();
        if (!progress || !*progress) {
            state.SkipWithError("no batch");
            return;
        }
        for (const auto& [part, ms] : (*progress)->duration_ms) times[part] += ms;
    }
    for (const auto& [part, ms] : times) {
        state.counters[part] = static_cast<double>(ms) / static_cast<double>(state.iterations());
    }
    state.SetItemsProcessed(state.iterations() * state.range(1));
    made = base::fail(base::Code::kCancelled, "done");
    static_cast<void>(disk->remove_tree(root));
}
BENCHMARK(trigger)
    ->ArgNames({"kind", "rows", "synced"})
    ->ArgsProduct({{kProject, kComplete, kWindows}, {100, 10'000, 200'000}, {0, 1}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinTime(0.3);

}  // namespace
}  // namespace millrace::streaming
