#include "streaming/query_execution.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <set>

#include "base/log.h"
#include "columnar/engine.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/pool.h"
#include "streaming/file_source.h"
#include "streaming/json.h"
#include "streaming/memory_table.h"
#include "streaming/rate_source.h"
#include "streaming/topic_offsets.h"
#include "streaming/topic_source.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using columnar::Batch;
using columnar::Batches;
using columnar::ScanInputs;

namespace {

constexpr std::string_view kPartitionsKey = "spark.sql.shuffle.partitions";
constexpr std::string_view kWatermarkPolicyKey = "spark.sql.streaming.multipleWatermarkPolicy";
constexpr std::int64_t kDefaultBuckets = 8;

// Scans that a plan reads.
void collect_scans(const plan::LogicalNode& node, std::vector<std::int64_t>& scans) {
    if (const auto* scan = node.as<plan::ScanNode>()) scans.push_back(scan->scan_id);
    for (const auto& input : plan::inputs_of(node)) collect_scans(*input, scans);
}

std::int64_t floor_ms(std::int64_t us) {
    return us / 1000 - (us % 1000 < 0 ? 1 : 0);
}

// Adds the time since it was made to a duration of the progress.
class Stopwatch {
public:
    Stopwatch(runtime::Clock& clock, Progress& progress, std::string name)
        : clock_(clock),
          progress_(progress),
          name_(std::move(name)),
          start_(clock.monotonic_ns()) {}
    ~Stopwatch() { progress_.duration_ms[name_] += elapsed_ms(); }
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;
    std::int64_t elapsed_ms() const { return (clock_.monotonic_ns() - start_) / 1'000'000; }

private:
    runtime::Clock& clock_;
    Progress& progress_;
    const std::string name_;
    const std::int64_t start_;
};

}  // namespace

struct QueryExecution::RunnableStage {
    struct Input {
        std::unique_ptr<columnar::Prepared> prepared;  // Null: the plan is one scan, passed on.
        std::vector<std::int64_t> scans;
    };
    Stage stage;
    std::vector<Input> inputs;                  // One for each of the stage's.
    std::unique_ptr<columnar::Prepared> inner;  // Null when the stage has none.
    // Where a watermark is observed: the largest event time so far in this run, ms.
    std::optional<std::int64_t> largest_ms;

    bool watches_time() const {
        return stage.kind == Stage::Kind::kWatermark || stage.observed.has_value();
    }
};

// Background work on the stores; one piece at a time.
struct QueryExecution::Maintenance {
    std::mutex mutex;
    std::condition_variable idle;
    bool running = false;
};

QueryExecution::QueryExecution(const Services& services, QuerySpec spec, Options options)
    : services_(services),
      spec_(std::move(spec)),
      options_(std::move(options)),
      checkpoint_(options_.checkpoint_disk, options_.checkpoint_directory),
      maintenance_(std::make_shared<Maintenance>()) {}

QueryExecution::~QueryExecution() {
    // The stores must outlive what runs on them.
    std::unique_lock lock(maintenance_->mutex);
    maintenance_->idle.wait(lock, [this] { return !maintenance_->running; });
}

Result<std::unique_ptr<QueryExecution>> QueryExecution::make(const Services& services,
                                                             QuerySpec spec, Options options) {
    std::unique_ptr<QueryExecution> execution(
        new QueryExecution(services, std::move(spec), std::move(options)));
    MR_TRY_VOID(execution->prepare());
    return execution;
}

std::optional<std::string> QueryExecution::conf(const std::string& key) const {
    // What a checkpoint pinned counts more than the session.
    if (const auto pinned = planned_.conf.find(key); pinned != planned_.conf.end()) {
        return pinned->second;
    }
    const auto set = spec_.conf.find(key);
    return set == spec_.conf.end() ? std::nullopt : std::optional(set->second);
}

std::int64_t QueryExecution::conf_number(const std::string& key, std::int64_t fallback) const {
    const auto text = conf(key);
    std::int64_t value = 0;
    if (!text ||
        std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc()) {
        value = fallback;
    }
    return std::clamp<std::int64_t>(value, 1, 100'000);
}

std::map<std::string, std::string> QueryExecution::pinned_conf() const {
    if (!planned_.conf.empty()) return planned_.conf;
    return {{std::string(kPartitionsKey), std::to_string(store_options_.buckets)},
            {std::string(kWatermarkPolicyKey), max_watermark_policy_ ? "max" : "min"},
            {"spark.sql.streaming.aggregation.stateFormatVersion", "2"},
            {"spark.sql.streaming.flatMapGroupsWithState.stateFormatVersion", "2"},
            {"spark.sql.streaming.join.stateFormatVersion", "2"},
            {"spark.sql.streaming.stateStore.compression.codec", "lz4"},
            {"spark.sql.streaming.stateStore.providerClass",
             "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider"},
            {"spark.sql.streaming.stateStore.rocksdb.formatVersion", "5"}};
}

Result<void> QueryExecution::prepare() {
    MR_TRY(plan_, make_incremental_plan(spec_.plan, spec_.mode));
    MR_TRY(query_id_, checkpoint_.query_id(runtime::make_uuid(services_.random)));
    MR_TRY_VOID(make_sources());
    MR_TRY_VOID(make_stages());
    MR_TRY(sink_, make_sink({services_, spec_, plan_.output, options_.table}));
    return recover();
}

Result<void> QueryExecution::make_sources() {
    for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
        const plan::ScanNode& scan = plan_.sources[i];
        const std::string& format = scan.source.format;
        const std::string directory = checkpoint_.source_directory(i);
        std::unique_ptr<MicroBatchSource> source;
        if (format == "kafka") {
            MR_TRY(source,
                   make_topic_source(scan, services_.topics, options_.checkpoint_disk, directory));
        } else if (format == "rate") {
            MR_TRY(source,
                   make_rate_source(scan, services_.clock, options_.checkpoint_disk, directory));
        } else if (format == "rate-micro-batch") {
            MR_TRY(source, make_rate_micro_batch_source(scan));
        } else if (is_file_format(format)) {
            MR_TRY(source, make_file_source(scan, services_.engine, services_.disk,
                                            options_.checkpoint_disk, directory, spec_.time_zone));
        } else {
            return fail(Code::kUnsupported, "Data source {} does not support streamed reading",
                        format);
        }
        sources_.push_back(std::move(source));
    }
    return {};
}

Result<void> QueryExecution::make_stages() {
    for (Stage& stage : plan_.stages) {
        auto runnable = std::make_unique<RunnableStage>();
        for (const Stage::Input& input : stage.inputs) {
            RunnableStage::Input& made = runnable->inputs.emplace_back();
            collect_scans(*input.plan, made.scans);
            if (input.plan->as<plan::ScanNode>() == nullptr) {
                MR_TRY(made.prepared, services_.engine.prepare(*input.plan));
            }
        }
        if (stage.inner != nullptr) {
            MR_TRY(runnable->inner, services_.engine.prepare(*stage.inner));
        }
        runnable->stage = std::move(stage);
        stages_.push_back(std::move(runnable));
    }
    return {};
}

Result<void> QueryExecution::recover() {
    MR_TRY(const auto latest, checkpoint_.latest_offsets());
    MR_TRY(const auto commit, checkpoint_.latest_commit());
    committed_.assign(sources_.size(), std::nullopt);
    if (latest) {
        MR_TRY(planned_, checkpoint_.offsets(*latest));
        if (planned_.offsets.size() != sources_.size()) {
            return fail(Code::kInvalidArgument,
                        "There are [{}] sources in the checkpoint offsets and now there are [{}] "
                        "sources requested by the query. Cannot continue.",
                        planned_.offsets.size(), sources_.size());
        }
    }
    store_options_.buckets =
        static_cast<std::uint32_t>(conf_number(std::string(kPartitionsKey), kDefaultBuckets));
    store_options_.min_versions_to_retain = static_cast<int>(
        conf_number("spark.sql.streaming.minBatchesToRetain", Checkpoint::kBatchesToRetain));
    store_options_.min_deltas_for_snapshot =
        static_cast<int>(conf_number("spark.sql.streaming.stateStore.minDeltasForSnapshot", 10));
    no_data_batches_ =
        conf("spark.sql.streaming.noDataMicroBatches.enabled").value_or("true") != "false";
    max_watermark_policy_ = conf(std::string(kWatermarkPolicyKey)).value_or("min") == "max";
    if (latest) {
        const bool done = commit && *commit >= *latest;
        watermark_ms_ = planned_.batch_watermark_ms;
        if (done) {
            MR_TRY(const std::int64_t next, checkpoint_.next_watermark_ms(*latest));
            previous_watermark_ms_ = planned_.batch_watermark_ms;
            watermark_ms_ = std::max(watermark_ms_, next);
            committed_ = planned_.offsets;
            batch_id_ = *latest + 1;
        } else {
            if (*latest > 0) {
                MR_TRY(const OffsetEntry before, checkpoint_.offsets(*latest - 1));
                committed_ = before.offsets;
                committed_.resize(sources_.size());
                previous_watermark_ms_ = before.batch_watermark_ms;
            }
            batch_id_ = *latest;
            batch_is_planned_ = true;
        }
    }
    MR_TRY_VOID(check_operators());
    return open_state(batch_id_);
}

Result<void> QueryExecution::open_state(std::int64_t version) {
    store_options_.durable = options_.durable_state;
    for (const auto& stage : stages_) {
        if (stage->stage.stateful == nullptr) continue;
        MR_TRY_VOID(stage->stage.stateful->open(
            options_.checkpoint_disk, checkpoint_.state_directory(stage->stage.operator_id),
            store_options_, version));
    }
    return {};
}

bool QueryExecution::watch(const std::function<void()>& wake) {
    bool all = true;
    for (const auto& source : sources_) all = source->watch(wake) && all;
    return all;
}

Result<void> QueryExecution::prepare_for_available_now() {
    for (const auto& source : sources_) MR_TRY_VOID(source->prepare_for_available_now());
    return {};
}

bool QueryExecution::operators_want_batch() const {
    // Also after a restart, which Spark leaves to the next data: what a batch closed is not held
    // back.
    if (!no_data_batches_ || batch_id_ == 0) return false;
    return std::ranges::any_of(stages_, [this](const auto& stage) {
        return stage->stage.stateful != nullptr &&
               stage->stage.stateful->wants_batch(
                   (watermark_ms_ - stage->stage.watermark_lag_ms) * 1000,
                   (previous_watermark_ms_ - stage->stage.watermark_lag_ms) * 1000, spec_.mode);
    });
}

Result<std::optional<Progress>> QueryExecution::run_trigger(const ReadLimit& limit) {
    Progress progress;
    progress.timestamp_ms = services_.clock.wall_ms();
    const std::int64_t start = services_.clock.monotonic_ns();
    if (!batch_is_planned_) {
        MR_TRY(const bool planned, plan_batch(limit, progress));
        if (!planned) return std::nullopt;
    }
    MR_TRY_VOID(run_batch(progress));
    progress.trigger_us = (services_.clock.monotonic_ns() - start) / 1000;
    progress.duration_ms["triggerExecution"] = progress.trigger_us / 1000;
    return progress;
}

Result<bool> QueryExecution::plan_batch(const ReadLimit& limit, Progress& progress) {
    OffsetEntry entry;
    bool has_data = false;
    {
        const Stopwatch watch(services_.clock, progress, "latestOffset");
        for (std::size_t i = 0; i < sources_.size(); ++i) {
            std::optional<std::string> start = committed_[i];
            if (!start) {
                MR_TRY(start, sources_[i]->initial_offset());
            }
            MR_TRY(auto end, sources_[i]->next_offset(start, limit));
            has_data = has_data || (end && end != start);
            entry.offsets.push_back(end ? std::move(end) : std::move(start));
        }
    }
    if (!has_data && !operators_want_batch()) return false;
    entry.batch_watermark_ms = watermark_ms_;
    entry.batch_timestamp_ms = services_.clock.wall_ms();
    entry.conf = pinned_conf();
    const Stopwatch watch(services_.clock, progress, "walCommit");
    MR_TRY_VOID(checkpoint_.write_offsets(batch_id_, entry));
    // The batch before is whole, now and after any crash.
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (committed_[i]) MR_TRY_VOID(sources_[i]->commit(*committed_[i]));
    }
    MR_TRY_VOID(checkpoint_.purge(batch_id_));
    planned_ = std::move(entry);
    batch_is_planned_ = true;
    return true;
}

Result<void> QueryExecution::run_batch(Progress& progress) {
    progress.batch_id = batch_id_;
    for (const auto& stage : stages_) {
        if (stage->watches_time()) {
            progress.watermark_ms = planned_.batch_watermark_ms;
        }
    }
    MR_TRY(ScanInputs inputs, read_sources(progress));
    Batches output;
    {
        const Stopwatch watch(services_.clock, progress, "addBatch");
        MR_TRY_VOID(run_stages(inputs, progress, output));
        MR_TRY_VOID(commit_state(progress));
        progress.sink = sink_->description();
        MR_TRY(progress.output_rows, sink_->write(batch_id_, output));
    }
    previous_watermark_ms_ = planned_.batch_watermark_ms;
    advance_watermark();
    {
        const Stopwatch watch(services_.clock, progress, "commitOffsets");
        MR_TRY_VOID(checkpoint_.write_commit(batch_id_, watermark_ms_));
    }
    committed_ = planned_.offsets;
    ++batch_id_;
    batch_is_planned_ = false;
    maintain();
    return {};
}

Result<ScanInputs> QueryExecution::read_sources(Progress& progress) {
    const Stopwatch watch(services_.clock, progress, "getBatch");
    ScanInputs inputs;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        MicroBatchSource& source = *sources_[i];
        std::optional<std::string> start = committed_[i];
        if (!start) {
            MR_TRY(start, source.initial_offset());
        }
        const auto& end = planned_.offsets[i];
        Batches& rows = inputs[plan_.sources[i].scan_id];
        if (end && end != start) {
            auto read = source.read(start, *end);
            if (!read) return fail(std::move(read).error());
            rows = std::move(*read);
            const std::int64_t oldest = source.oldest_append_ms();
            if (oldest > 0 &&
                (progress.oldest_append_ms == 0 || oldest < progress.oldest_append_ms)) {
                progress.oldest_append_ms = oldest;
            }
        }
        progress.sources.push_back({source.description(), start, end, source.latest_offset(),
                                    columnar::total_rows(rows), source.metrics(),
                                    rows.empty() ? 0 : source.malformed_records()});
        progress.has_new_data = progress.has_new_data || !rows.empty();
    }
    for (const plan::ScanNode& scan : plan_.statics) {
        if (scan.source.format == "kafka") {
            MR_TRY(inputs[scan.scan_id], read_topics(scan.source, services_.topics));
        } else if (services_.table) {
            MR_TRY(inputs[scan.scan_id], services_.table(scan));
        }
    }
    return inputs;
}

// What a stage parses came from the sources that it reads; where that is none, or several, the
// first one of all, or of these, answers for it.
std::size_t QueryExecution::source_of(const std::vector<std::int64_t>& scans) const {
    for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
        if (std::ranges::find(scans, plan_.sources[i].scan_id) != scans.end()) return i;
    }
    return 0;
}

Result<Batches> QueryExecution::run_input(RunnableStage& stage, std::size_t index,
                                          const ScanInputs& inputs, Progress& progress) {
    RunnableStage::Input& input = stage.inputs[index];
    bool empty = true;
    ScanInputs bound;
    for (const std::int64_t scan : input.scans) {
        const auto rows = inputs.find(scan);
        if (rows == inputs.end()) continue;
        bound[scan] = rows->second;
        empty = empty && columnar::total_rows(rows->second) == 0;
    }
    if (empty && stage.stage.inputs[index].empty_on_empty) return Batches();
    if (input.prepared == nullptr) return bound.begin()->second;
    return run_plan(*input.prepared, bound,
                    progress.sources.empty()
                        ? nullptr
                        : &progress.sources[source_of(input.scans)].malformed_records);
}

Result<Batches> QueryExecution::run_plan(columnar::Prepared& prepared, const ScanInputs& bound,
                                         std::int64_t* malformed_records) {
    Batches rows;
    MR_TRY_VOID(prepared.run(bound,
                             {.time_zone = spec_.time_zone,
                              .now_us = planned_.batch_timestamp_ms * 1000,
                              .cancelled = options_.cancelled,
                              .malformed_records = malformed_records},
                             [&](Batch batch) -> Result<void> {
                                 if (batch.rows() > 0) rows.push_back(std::move(batch));
                                 return {};
                             }));
    return rows;
}

Result<void> QueryExecution::run_stages(ScanInputs& inputs, Progress& progress, Batches& output) {
    for (const auto& stage : stages_) {
        std::vector<Batches> given;
        for (std::size_t i = 0; i < stage->inputs.size(); ++i) {
            MR_TRY(given.emplace_back(), run_input(*stage, i, inputs, progress));
        }
        Batches rows;
        switch (stage->stage.kind) {
            case Stage::Kind::kWatermark:
                rows = std::move(given[0]);
                observe(*stage, rows, progress);
                break;
            case Stage::Kind::kStateful: {
                if (stage->stage.observed) observe_partials(*stage, given[0], progress);
                MR_TRY(rows, run_stateful(*stage, given));
                break;
            }
            case Stage::Kind::kOutput: output = std::move(given[0]); return {};
        }
        inputs[stage->stage.output_scan] = std::move(rows);
    }
    return {};
}

Result<Batches> QueryExecution::run_stateful(RunnableStage& stage,
                                             const std::vector<Batches>& given) {
    const std::int64_t lag_ms = stage.stage.watermark_lag_ms;
    OperatorContext context{.mode = spec_.mode,
                            .late_us = (previous_watermark_ms_ - lag_ms) * 1000,
                            .evict_us = (planned_.batch_watermark_ms - lag_ms) * 1000};
    if (stage.inner != nullptr) {
        context.run_inner = [this, &stage](const Batches& rows) {
            return run_plan(*stage.inner, {{stage.stage.inner_scan, rows}}, nullptr);
        };
    }
    StatefulOperator& stateful = *stage.stage.stateful;
    stateful.metrics() = {};
    const std::int64_t start = services_.clock.monotonic_ns();
    MR_TRY(Batches rows, stateful.process(given, context));
    stateful.metrics().updates_ms = (services_.clock.monotonic_ns() - start) / 1'000'000;
    return rows;
}

void QueryExecution::observe(RunnableStage& stage, const Batches& rows, Progress& progress) {
    for (const Batch& batch : rows) {
        columnar::ColumnView time = batch.column(stage.stage.event_time);
        // A window column's time is its end.
        if (time.type.is(plan::TypeKind::kStruct)) time = columnar::ColumnView(time.children[1]);
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            if (time.is_null(row)) continue;
            const std::int64_t ms = floor_ms(time.value<std::int64_t>(row));
            progress.event_time.note(ms);
            stage.largest_ms = std::max(stage.largest_ms.value_or(ms), ms);
        }
    }
}

void QueryExecution::observe_partials(RunnableStage& stage, const Batches& rows,
                                      Progress& progress) {
    const std::size_t first = *stage.stage.observed;
    for (const Batch& batch : rows) {
        const auto latest = batch.column(first);
        const auto earliest = batch.column(first + 1);
        const auto count = batch.column(first + 2);
        const auto sum = batch.column(first + 3);
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            if (latest.is_null(row)) continue;
            EventTimeStats stats;
            stats.count = count.value<std::int64_t>(row);
            stats.min_ms = floor_ms(earliest.value<std::int64_t>(row));
            stats.max_ms = floor_ms(latest.value<std::int64_t>(row));
            stats.sum_ms = sum.value<double>(row) / 1000;
            progress.event_time.add(stats);
            stage.largest_ms = std::max(stage.largest_ms.value_or(stats.max_ms), stats.max_ms);
        }
    }
}

void QueryExecution::advance_watermark() {
    std::optional<std::int64_t> next;
    for (const auto& stage : stages_) {
        if (!stage->watches_time()) continue;
        const std::int64_t own = stage->largest_ms ? *stage->largest_ms - stage->stage.delay_ms : 0;
        if (!next) {
            next = own;
        } else {
            next = max_watermark_policy_ ? std::max(*next, own) : std::min(*next, own);
        }
    }
    watermark_ms_ = std::max(watermark_ms_, next.value_or(0));
}

Result<void> QueryExecution::commit_state(Progress& progress) {
    for (const auto& stage : stages_) {
        if (stage->stage.stateful == nullptr) continue;
        StatefulOperator& stateful = *stage->stage.stateful;
        const std::int64_t start = services_.clock.monotonic_ns();
        MR_TRY_VOID(stateful.store()->commit());
        OperatorMetrics& metrics = stateful.metrics();
        metrics.commit_ms = (services_.clock.monotonic_ns() - start) / 1'000'000;
        metrics.rows_total = static_cast<std::int64_t>(stateful.store()->rows());
        metrics.memory_bytes = static_cast<std::int64_t>(stateful.store()->memory_bytes());
        metrics.buckets = store_options_.buckets;
        metrics.stores = metrics.buckets * stateful.stores_per_bucket();
        progress.operators.emplace_back(std::string(stateful.name()), metrics);
    }
    return {};
}

void QueryExecution::maintain() {
    std::vector<state::Store*> due;
    for (const auto& stage : stages_) {
        if (stage->stage.stateful != nullptr && stage->stage.stateful->store()->maintenance_due()) {
            due.push_back(stage->stage.stateful->store());
        }
    }
    if (due.empty()) return;
    const auto work = [due] {
        for (state::Store* store : due) {
            // The deltas are still there: a failed snapshot costs time at the next start, no more.
            if (const auto outcome = store->maintain(); !outcome) {
                base::log_warning("state maintenance: {}", outcome.error().to_string());
            }
        }
    };
    if (options_.maintenance == nullptr) {
        work();
        return;
    }
    {
        const std::lock_guard lock(maintenance_->mutex);
        if (maintenance_->running) return;
        maintenance_->running = true;
    }
    options_.maintenance->submit([work, shared = maintenance_] {
        work();
        const std::lock_guard lock(shared->mutex);
        shared->running = false;
        shared->idle.notify_all();
    });
}

std::string QueryExecution::explain() const {
    std::string text;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
        const Stage& stage = stages_[i]->stage;
        text += fmt::format("== Stage {}: ", i);
        switch (stage.kind) {
            case Stage::Kind::kWatermark:
                text += fmt::format("observe the event time, delay {} ms ==\n", stage.delay_ms);
                break;
            case Stage::Kind::kStateful:
                text += fmt::format("{}, state {} ==\n", stage.stateful->name(), stage.operator_id);
                break;
            case Stage::Kind::kOutput: text += "result ==\n"; break;
        }
        for (const Stage::Input& input : stage.inputs) text += plan::to_text(*input.plan) + "\n";
        if (stage.inner != nullptr) {
            text += "-- within --\n" + plan::to_text(*stage.inner) + "\n";
        }
    }
    return text;
}

}  // namespace millrace::streaming
