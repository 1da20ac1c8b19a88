#include "app/pages.h"

#include <fmt/format.h>

#include "base/metrics.h"
#include "broker/view.h"

namespace millrace::app {
namespace {

// Views hold totals; a counter is brought up to them.
void advance(base::MetricsRegistry& metrics, std::string_view name, std::string_view help,
             std::uint64_t total) {
    base::Counter& counter = metrics.counter(name, help);
    if (total > counter.value()) counter.add(total - counter.value());
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
}

std::string front_page(const std::string& version, const cli::RunningServer::Doors& doors,
                       const broker::BrokerView& view) {
    std::string page = fmt::format("Millrace {}\n\n", version);
    page += fmt::format("{} topics, {} partitions, {} Kafka connections\n\n", view.topics,
                        view.partitions, view.connections);
    page += fmt::format("Kafka          kcat -b {}:{} -L\n", doors.host, doors.kafka_port);
    if (doors.connect_port != 0) {
        page += fmt::format("Spark Connect  SparkSession.builder.remote(\"sc://{}:{}\")\n",
                            doors.host, doors.connect_port);
    }
    page += "/ready          200 once the server answers at every door\n";
    page += "/metrics        for Prometheus\n";
    return page;
}

}  // namespace millrace::app
