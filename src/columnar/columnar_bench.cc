// What does a micro-batch cost before its first row, and how fast is JSON read into columns?
// Expected: a prepared plan over 1 000 rows below 0.5 ms; from_json above 1 GB/s on one core; a
// sliding window (6 windows a row) above 10 million rows a second.
#include <benchmark/benchmark.h>

#include <random>

#include "columnar/engine.h"

namespace millrace::columnar {
namespace {

using plan::Attribute;
using plan::DataType;
using plan::LogicalPtr;
using plan::make_logical;
using plan::TypedExpr;
using plan::TypedExprPtr;

Engine& engine(int threads) {
    // Never destroyed: DuckDB's close touches thread-locals, which are gone when statics end.
    static auto* const engines = new std::map<int, std::unique_ptr<Engine>>;
    auto& made = (*engines)[threads];
    if (made == nullptr) made = Engine::make({.threads = threads}).value();
    return *made;
}

const Attribute kValue{.id = 1, .name = "value", .type = DataType::binary()};
const Attribute kTime{.id = 2, .name = "time", .type = DataType::timestamp()};
const Attribute kKey{.id = 3, .name = "key", .type = DataType::long_()};

TypedExprPtr ref(const Attribute& of) {
    return std::make_shared<TypedExpr>(
        TypedExpr{.node = plan::AttributeRef{of.id}, .type = of.type});
}
TypedExprPtr aggregate(std::string name, std::vector<TypedExprPtr> args, DataType type) {
    return std::make_shared<TypedExpr>(
        TypedExpr{.node = plan::AggregateCall{.name = std::move(name), .args = std::move(args)},
                  .type = std::move(type)});
}
LogicalPtr scan() {
    return make_logical(plan::ScanNode{.scan_id = 1, .output = {kValue, kTime, kKey}});
}

// Web-log events as the main job reads them, about 150 bytes each.
ScanInputs events(std::int64_t rows, std::int64_t& bytes) {
    std::mt19937_64 random(42);
    BatchBuilder builder({{.name = "value", .type = kValue.type},
                          {.name = "time", .type = kTime.type},
                          {.name = "key", .type = kKey.type}});
    bytes = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
        const auto draw = random();
        const std::string event = fmt::format(
            R"({{"host":"host{}.example.org","timestamp":"2024-05-01T{:02}:{:02}:{:02}.000Z",)"
            R"("request":"GET /pages/{}/index.html HTTP/1.0","http_reply":200,"bytes":{}}})",
            draw % 1000, draw / 7 % 24, draw / 11 % 60, draw / 13 % 60, draw / 17 % 5000,
            draw % 100000);
        bytes += static_cast<std::int64_t>(event.size());
        builder.column(0).append_text(event);
        builder.column(1).append_int(static_cast<std::int64_t>(draw % 86'400'000'000));
        builder.column(2).append_int(static_cast<std::int64_t>(draw % 1000));
    }
    return {{1, {builder.finish().value()}}};
}

void run(benchmark::State& state, const LogicalPtr& plan, const ScanInputs& inputs, int threads) {
    const auto prepared = engine(threads).prepare(*plan).value();
    for (auto _ : state) {
        const auto outcome =
            prepared->run(inputs, {}, [](const Batch& batch) -> base::Result<void> {
                benchmark::DoNotOptimize(batch.rows());
                return {};
            });
        if (!outcome) state.SkipWithError(outcome.error().message().c_str());
    }
}

void prepared_group_by(benchmark::State& state) {
    std::int64_t bytes = 0;
    const auto inputs = events(state.range(0), bytes);
    const auto plan =
        make_logical(plan::AggregateNode{scan(),
                                         {{kKey, ref(kKey)}},
                                         {{{.id = 10, .name = "count", .type = DataType::long_()},
                                           aggregate("count", {}, DataType::long_())}}});
    run(state, plan, inputs, 2);
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(prepared_group_by)->Arg(1)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMicrosecond);

void from_json(benchmark::State& state) {
    std::int64_t bytes = 0;
    const auto inputs = events(200'000, bytes);
    const auto type = DataType::structure({{.name = "host", .type = DataType::string()},
                                           {.name = "timestamp", .type = DataType::timestamp()},
                                           {.name = "request", .type = DataType::string()},
                                           {.name = "http_reply", .type = DataType::integer()},
                                           {.name = "bytes", .type = DataType::long_()}});
    const auto parsed = std::make_shared<TypedExpr>(
        TypedExpr{.node = plan::FunctionCall{.name = "from_json",
                                             .args = {std::make_shared<TypedExpr>(TypedExpr{
                                                 .node = plan::TypedCast{.child = ref(kValue)},
                                                 .type = DataType::string()})},
                                             .session_time_zone = "UTC"},
                  .type = type});
    const Attribute event{.id = 20, .name = "event", .type = type};
    const auto field = [&](int index) {
        return std::make_shared<TypedExpr>(
            TypedExpr{.node = plan::GetField{.child = ref(event), .index = index},
                      .type = type.fields()[static_cast<std::size_t>(index)].type});
    };
    // All columns are used, none is kept: the cost is that of reading.
    const auto plan =
        make_logical(plan::AggregateNode{make_logical(plan::ProjectNode{scan(), {{event, parsed}}}),
                                         {},
                                         {{{.id = 30, .name = "a", .type = DataType::long_()},
                                           aggregate("count", {field(0)}, DataType::long_())},
                                          {{.id = 31, .name = "b", .type = DataType::timestamp()},
                                           aggregate("max", {field(1)}, DataType::timestamp())},
                                          {{.id = 32, .name = "c", .type = DataType::long_()},
                                           aggregate("count", {field(2)}, DataType::long_())},
                                          {{.id = 33, .name = "d", .type = DataType::long_()},
                                           aggregate("sum", {field(4)}, DataType::long_())}}});
    run(state, plan, inputs, static_cast<int>(state.range(0)));
    state.SetBytesProcessed(state.iterations() * bytes);
    state.SetItemsProcessed(state.iterations() * 200'000);
}
BENCHMARK(from_json)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

void sliding_windows(benchmark::State& state) {
    std::int64_t bytes = 0;
    const auto inputs = events(200'000, bytes);
    const Attribute window{
        .id = 40,
        .name = "window",
        .type = DataType::structure({{.name = "start", .type = DataType::timestamp()},
                                     {.name = "end", .type = DataType::timestamp()}})};
    const auto plan = make_logical(
        plan::AggregateNode{make_logical(plan::TimeWindowNode{scan(), ref(kTime), 3'600'000'000,
                                                              600'000'000, 0, window}),
                            {{window, ref(window)}, {kKey, ref(kKey)}},
                            {{{.id = 50, .name = "count", .type = DataType::long_()},
                              aggregate("count", {}, DataType::long_())}}});
    run(state, plan, inputs, static_cast<int>(state.range(0)));
    state.SetItemsProcessed(state.iterations() * 200'000);
}
BENCHMARK(sliding_windows)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

void open_engine(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(Engine::make({.threads = 2}).value());
}
BENCHMARK(open_engine)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace millrace::columnar
