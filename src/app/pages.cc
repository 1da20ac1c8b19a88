#include "app/pages.h"

#include <fmt/format.h>

#include "base/metrics.h"
#include "broker/view.h"
#include "streaming/view.h"

namespace millrace::app {
namespace {

// Views hold totals; a counter is brought up to them.
void advance(base::MetricsRegistry& metrics, std::string_view name, std::string_view help,
             std::uint64_t total, base::Labels labels = {}) {
    base::Counter& counter = metrics.counter(name, help, std::move(labels));
    if (total > counter.value()) counter.add(total - counter.value());
}

// A query without a name goes by its id.
const std::string& label_of(const streaming::QueryView& query) {
    return query.name.empty() ? query.id : query.name;
}

}  // namespace

void note_broker(base::MetricsRegistry& metrics, const broker::BrokerView& view) {
    metrics.gauge("millrace_topics", "Topics on this server.")
        .set(static_cast<std::int64_t>(view.topics));
    metrics.gauge("millrace_partitions", "Partitions on this server.")
        .set(static_cast<std::int64_t>(view.partitions));
    metrics.gauge("millrace_kafka_connections", "Open Kafka connections.").set(view.connections);
    advance(metrics, "millrace_kafka_connections_total", "Kafka connections since start.",
            static_cast<std::uint64_t>(view.connections_total));
    advance(metrics, "millrace_log_appended_bytes_total", "Bytes appended to logs.",
            view.appended_bytes);
    advance(metrics, "millrace_log_appended_batches_total", "Batches appended to logs.",
            view.appended_batches);
    advance(metrics, "millrace_log_commits_total", "Rounds of group commit.", view.commits);
    advance(metrics, "millrace_log_commit_nanoseconds_total", "Time spent in group commits.",
            view.commit_ns);
    advance(metrics, "millrace_log_failed_syncs_total", "Syncs that the disk refused.",
            view.failed_syncs);
    advance(metrics, "millrace_log_refused_appends_total", "Appends refused by a full disk.",
            view.refused_appends_no_space);
    advance(metrics, "millrace_log_deleted_segments_total",
            "Segments removed by retention and DeleteRecords.", view.deleted_segments);
    advance(metrics, "millrace_log_cleaner_rounds_total", "Rounds of compaction.",
            view.cleaner_rounds);
    advance(metrics, "millrace_log_cleaner_failures_total",
            "Rounds of compaction that ended with damage or a failing disk.",
            view.cleaner_failures);
    advance(metrics, "millrace_log_cleaner_read_bytes_total", "Bytes read by compaction.",
            view.cleaner_bytes_read);
    advance(metrics, "millrace_log_cleaner_written_bytes_total", "Bytes written by compaction.",
            view.cleaner_bytes_written);
    advance(metrics, "millrace_log_cleaner_read_records_total", "Records read by compaction.",
            view.cleaner_records_read);
    advance(metrics, "millrace_log_cleaner_kept_records_total", "Records kept by compaction.",
            view.cleaner_records_kept);
    metrics
        .gauge("millrace_log_cleaner_max_dirty_percent",
               "How much of the dirtiest compacted log is not cleaned yet.")
        .set(view.cleaner_max_dirty_percent);
    metrics
        .gauge("millrace_log_uncleanable_partitions",
               "Compacted logs in which compaction found damage.")
        .set(view.uncleanable_partitions);
}

void note_queries(base::MetricsRegistry& metrics, const std::vector<streaming::QueryView>& views) {
    std::int64_t active = 0;
    for (const streaming::QueryView& query : views) {
        const base::Labels labels{{"query", label_of(query)}};
        active += query.active ? 1 : 0;
        advance(metrics, "millrace_query_input_rows_total", "Rows that queries have read.",
                static_cast<std::uint64_t>(query.input_rows), labels);
        advance(metrics, "millrace_query_output_rows_total", "Rows that queries gave to sinks.",
                static_cast<std::uint64_t>(query.output_rows), labels);
        advance(metrics, "millrace_query_batches_total", "Batches that queries have committed.",
                static_cast<std::uint64_t>(query.batches), labels);
        advance(metrics, "millrace_query_malformed_records_total",
                "Records that did not parse and became nulls.",
                static_cast<std::uint64_t>(query.malformed_records), labels);
        metrics.gauge("millrace_query_state_rows", "Rows that queries keep.", labels)
            .set(query.state_rows);
        metrics.gauge("millrace_query_state_bytes", "Memory that these rows take.", labels)
            .set(query.state_bytes);
        metrics.gauge("millrace_query_watermark_milliseconds", "Event time, since 1970.", labels)
            .set(query.watermark_ms);
        metrics
            .gauge("millrace_query_append_to_visible_p50_microseconds",
                   "From a record's append to its result in the sink.", labels)
            .set(static_cast<std::int64_t>(query.append_to_visible.quantile_us(0.5)));
        metrics
            .gauge("millrace_query_append_to_visible_p99_microseconds",
                   "From a record's append to its result in the sink.", labels)
            .set(static_cast<std::int64_t>(query.append_to_visible.quantile_us(0.99)));
    }
    metrics.gauge("millrace_queries_active", "Streaming queries that run.").set(active);
}

void note_sessions(base::MetricsRegistry& metrics, std::size_t sessions) {
    metrics.gauge("millrace_sessions", "Open Spark sessions.")
        .set(static_cast<std::int64_t>(sessions));
}

std::string front_page(const std::string& version, const cli::RunningServer::Doors& doors,
                       const broker::BrokerView& broker,
                       const std::vector<streaming::QueryView>& queries) {
    std::string page = fmt::format("Millrace {}\n\n", version);
    page += fmt::format("{} topics, {} partitions, {} Kafka connections\n", broker.topics,
                        broker.partitions, broker.connections);
    for (const streaming::QueryView& query : queries) {
        page += fmt::format("query {}: {}, {} rows in, {} rows out", label_of(query),
                            query.active ? "active" : "ended", query.input_rows, query.output_rows);
        if (query.malformed_records > 0) {
            page += fmt::format(", {} malformed records", query.malformed_records);
        }
        page += "\n";
    }
    page += fmt::format("\nKafka          kcat -b {}:{} -L\n", doors.host, doors.kafka_port);
    page +=
        fmt::format("Spark Connect  SparkSession.builder.remote(\"sc://{}:{}\").getOrCreate()\n",
                    doors.host, doors.connect_port);
    page += "/ready          200 once the server answers at every door\n";
    page += "/metrics        for Prometheus\n";
    return page;
}

}  // namespace millrace::app
