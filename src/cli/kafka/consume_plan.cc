#include "cli/kafka/consume_plan.h"

#include <algorithm>

#include "cli/kafka/run_report.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;
using client::Cluster;
using topic::TopicPartition;

namespace {

using Places = std::map<TopicPartition, std::int64_t>;

Result<Places> chosen(Cluster& cluster, const std::vector<std::string>& topics,
                      const std::vector<std::int32_t>& partitions) {
    MR_TRY(const auto overview, cluster.overview());
    Places places;
    for (const std::string& name : topics) {
        MR_TRY(const Cluster::Topic* const topic, find_topic(overview, name));
        for (const std::int32_t wanted : partitions) {
            if (std::ranges::find(topic->partitions, wanted, &Cluster::Partition::id) ==
                topic->partitions.end()) {
                return fail(Code::kNotFound, "topic {} has no partition {}", name, wanted);
            }
            places[{name, wanted}] = Cluster::kEarliest;
        }
        if (!partitions.empty()) continue;
        for (const Cluster::Partition& partition : topic->partitions) {
            places[{name, partition.id}] = Cluster::kEarliest;
        }
    }
    return places;
}

// Where an edge of each partition is.
Result<Places> places_of(Cluster& cluster, const Edge& edge, const Cluster::Offsets& starts,
                         const Cluster::Offsets& ends) {
    Places moments;
    for (const auto& [partition, start] : starts) {
        // Times before 1970 mean other things to a server.
        moments[partition] =
            edge.kind == Edge::Kind::kMoment ? std::max<std::int64_t>(edge.value, 0) : 0;
    }
    Cluster::Offsets at_moment = starts;
    if (edge.kind == Edge::Kind::kMoment) {
        MR_TRY(at_moment, cluster.offsets_at(moments));
    }
    Places places;
    for (const auto& [partition, start] : starts) {
        MR_TRY(const std::int64_t first, start);
        MR_TRY(const std::int64_t next, ends.at(partition));
        MR_TRY(const std::int64_t moment, at_moment.at(partition));
        places[partition] = resolve(edge, {.start = first, .end = next}, moment);
    }
    return places;
}

}  // namespace

Result<std::map<TopicPartition, Consumption::Span>> plan_consumption(
    Cluster& cluster, const std::vector<std::string>& topics,
    const std::vector<std::int32_t>& partitions, const Range& range) {
    MR_TRY(Places places, chosen(cluster, topics, partitions));
    MR_TRY(const auto starts, cluster.offsets_at(places));
    for (auto& [partition, place] : places) place = Cluster::kLatest;
    MR_TRY(const auto ends, cluster.offsets_at(places));
    MR_TRY(const Places from, places_of(cluster, range.from.value_or(Edge{}), starts, ends));
    Places to;
    if (range.to) {
        MR_TRY(to, places_of(cluster, *range.to, starts, ends));
    }
    std::map<TopicPartition, Consumption::Span> spans;
    for (const auto& [partition, begin] : from) {
        Consumption::Span span{
            .from = std::max(begin, *starts.at(partition)), .to = {}, .end = *ends.at(partition)};
        if (range.to) span.to = to.at(partition);
        spans[partition] = span;
    }
    return spans;
}

}  // namespace millrace::cli
