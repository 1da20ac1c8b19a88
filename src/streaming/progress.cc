#include "streaming/progress.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "streaming/json.h"

namespace millrace::streaming {

namespace {

// `"name":value,` pairs of one object, in order.
class Object {
public:
    void add(std::string_view name, std::string_view json) {
        text_ += (text_.empty() ? "{" : ",") + json_quote(name) + ":";
        text_ += json;
    }
    void add(std::string_view name, std::int64_t value) { add(name, std::to_string(value)); }
    // Left out when it is no number.
    void add(std::string_view name, double value) {
        if (!std::isfinite(value)) return;
        add(name, value == std::floor(value) && std::abs(value) < 1e15
                      ? fmt::format("{:.1f}", value)
                      : fmt::format("{}", value));
    }
    void add_text(std::string_view name, std::string_view text) { add(name, json_quote(text)); }
    std::string take() { return text_.empty() ? "{}" : text_ + "}"; }

private:
    std::string text_;
};

template <class Items, class ToJson>
std::string array(const Items& items, ToJson to_json) {
    std::string text = "[";
    for (const auto& item : items) {
        if (text.size() > 1) text.push_back(',');
        text += to_json(item);
    }
    return text + "]";
}

std::string offset_json(const std::optional<std::string>& offset) {
    if (!offset) return "null";
    return parse_json(*offset) ? *offset : json_quote(*offset);
}

std::string operator_json(const std::pair<std::string, OperatorMetrics>& entry) {
    const OperatorMetrics& metrics = entry.second;
    Object object;
    object.add_text("operatorName", entry.first);
    object.add("numRowsTotal", metrics.rows_total);
    object.add("numRowsUpdated", metrics.rows_updated);
    object.add("allUpdatesTimeMs", metrics.updates_ms);
    object.add("numRowsRemoved", metrics.rows_removed);
    object.add("allRemovalsTimeMs", metrics.removals_ms);
    object.add("commitTimeMs", metrics.commit_ms);
    object.add("memoryUsedBytes", metrics.memory_bytes);
    object.add("numRowsDroppedByWatermark", metrics.rows_dropped_by_watermark);
    object.add("numShufflePartitions", metrics.buckets);
    object.add("numStateStoreInstances", metrics.stores);
    return object.take();
}

std::string event_time_json(const Progress& progress) {
    Object object;
    const EventTimeStats& stats = progress.event_time;
    if (stats.count > 0) {
        const double mean = stats.sum_ms / static_cast<double>(stats.count);
        object.add_text("avg", iso_time(static_cast<std::int64_t>(mean)));
        object.add_text("max", iso_time(stats.max_ms));
        object.add_text("min", iso_time(stats.min_ms));
    }
    if (progress.watermark_ms) object.add_text("watermark", iso_time(*progress.watermark_ms));
    return object.take();
}

}  // namespace

void EventTimeStats::note(std::int64_t ms) {
    min_ms = count == 0 ? ms : std::min(min_ms, ms);
    max_ms = count == 0 ? ms : std::max(max_ms, ms);
    sum_ms += static_cast<double>(ms);
    ++count;
}

void EventTimeStats::add(const EventTimeStats& others) {
    if (others.count == 0) return;
    min_ms = count == 0 ? others.min_ms : std::min(min_ms, others.min_ms);
    max_ms = count == 0 ? others.max_ms : std::max(max_ms, others.max_ms);
    sum_ms += others.sum_ms;
    count += others.count;
}

std::int64_t Progress::input_rows() const {
    std::int64_t rows = 0;
    for (const SourceProgress& source : sources) rows += source.rows;
    return rows;
}

std::int64_t Progress::malformed_records() const {
    std::int64_t records = 0;
    for (const SourceProgress& source : sources) records += source.malformed_records;
    return records;
}

std::string iso_time(std::int64_t ms) {
    using namespace std::chrono;
    const sys_time<milliseconds> time{milliseconds(ms)};
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss<milliseconds> clock(time - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

std::string progress_json(const Progress& progress, const QueryIds& ids, std::int64_t previous_ms) {
    const double since_s = previous_ms < 0
                               ? std::numeric_limits<double>::infinity()
                               : static_cast<double>(progress.timestamp_ms - previous_ms) / 1000;
    const double took_s = static_cast<double>(progress.trigger_us) / 1e6;
    const auto input_rate = [&](std::int64_t rows) { return static_cast<double>(rows) / since_s; };
    const auto processed_rate = [&](std::int64_t rows) {
        return static_cast<double>(rows) / took_s;
    };

    Object durations;
    for (const auto& [name, ms] : progress.duration_ms) durations.add(name, ms);
    const auto trigger = progress.duration_ms.find("triggerExecution");

    Object object;
    object.add_text("id", ids.id);
    object.add_text("runId", ids.run_id);
    object.add("name", ids.name.empty() ? "null" : json_quote(ids.name));
    object.add_text("timestamp", iso_time(progress.timestamp_ms));
    object.add("batchId", progress.batch_id);
    object.add("batchDuration", trigger == progress.duration_ms.end() ? 0 : trigger->second);
    object.add("numInputRows", progress.input_rows());
    object.add("inputRowsPerSecond", input_rate(progress.input_rows()));
    object.add("processedRowsPerSecond", processed_rate(progress.input_rows()));
    object.add("durationMs", durations.take());
    if (const std::string times = event_time_json(progress); times != "{}") {
        object.add("eventTime", times);
    }
    object.add("stateOperators", array(progress.operators, operator_json));
    object.add("sources", array(progress.sources, [&](const SourceProgress& source) {
                   Object one;
                   one.add_text("description", source.description);
                   one.add("startOffset", offset_json(source.start_offset));
                   one.add("endOffset", offset_json(source.end_offset));
                   one.add("latestOffset", offset_json(source.latest_offset));
                   one.add("numInputRows", source.rows);
                   one.add("inputRowsPerSecond", input_rate(source.rows));
                   one.add("processedRowsPerSecond", processed_rate(source.rows));
                   plan::Options metrics = source.metrics;
                   if (source.malformed_records > 0) {
                       metrics["malformedRecords"] = std::to_string(source.malformed_records);
                   }
                   if (!metrics.empty()) {
                       Object map;
                       for (const auto& [name, value] : metrics) map.add_text(name, value);
                       one.add("metrics", map.take());
                   }
                   return one.take();
               }));
    Object sink;
    sink.add_text("description", progress.sink);
    sink.add("numOutputRows", progress.output_rows);
    object.add("sink", sink.take());
    return object.take();
}

}  // namespace millrace::streaming
