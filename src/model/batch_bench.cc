// How fast do batches become columns, and what do checksums and codecs cost? Expected: tens of
// millions of small records a second, checksums at memory speed.
#include <benchmark/benchmark.h>

#include <fmt/format.h>

#include <limits>

#include "base/crc32c.h"
#include "model/batch_builder.h"
#include "model/records.h"

namespace millrace::model {
namespace {

base::Bytes web_log(Codec codec, int records) {
    BatchBuilder builder({.codec = codec});
    for (int i = 0; i < records; ++i) {
        const std::string value = fmt::format(
            R"({{"host":"host{}.example.net","timestamp":{},)"
            R"("request":"GET /page/{}.html HTTP/1.0",)"
            R"("http_reply":200,"bytes":{}}})",
            i * 7919 % 1000, 807256800 + i, i * 104729 % 500, i * 31 % 9000);
        builder.add({807256800000LL + i}, std::nullopt, base::ByteView(value));
    }
    return builder.build();
}

void checksum(benchmark::State& state) {
    const base::Bytes bytes(static_cast<std::size_t>(state.range(0)), 'x');
    for (auto _ : state) benchmark::DoNotOptimize(base::crc32c(bytes));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum)->Arg(1024)->Arg(65536);

void into_columns(benchmark::State& state) {
    constexpr int kRecords = 500;
    const base::Bytes bytes = web_log(static_cast<Codec>(state.range(0)), kRecords);
    const RecordBatch batch = *RecordBatch::parse(bytes);
    base::Bytes scratch;
    RecordColumns columns;
    for (auto _ : state) {
        if (columns.rows() > 100'000) columns = {};
        benchmark::DoNotOptimize(decode_into(
            batch, {{0}, {std::numeric_limits<std::int64_t>::max()}}, scratch, columns));
    }
    state.SetItemsProcessed(state.iterations() * kRecords);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
    state.SetLabel(std::string(codec_name(batch.codec())));
}
BENCHMARK(into_columns)->DenseRange(0, 4);

void iterate(benchmark::State& state) {
    constexpr int kRecords = 500;
    const base::Bytes bytes = web_log(Codec::kNone, kRecords);
    const RecordBatch batch = *RecordBatch::parse(bytes);
    base::Bytes scratch;
    for (auto _ : state) benchmark::DoNotOptimize(check_records(batch, {}, scratch));
    state.SetItemsProcessed(state.iterations() * kRecords);
}
BENCHMARK(iterate);

void build(benchmark::State& state) {
    constexpr int kRecords = 500;
    for (auto _ : state) {
        benchmark::DoNotOptimize(web_log(static_cast<Codec>(state.range(0)), kRecords));
    }
    state.SetItemsProcessed(state.iterations() * kRecords);
    state.SetLabel(std::string(codec_name(static_cast<Codec>(state.range(0)))));
}
BENCHMARK(build)->DenseRange(0, 4);

}  // namespace
}  // namespace millrace::model
