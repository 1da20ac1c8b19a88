#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/kafka/leaf_internal.h"
#include "cli/offsets/range.h"
#include "cli/offsets/seek.h"
#include "cli/program.h"
#include "runtime/clock.h"
#include "runtime/disk.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;
using client::Cluster;
using topic::TopicPartition;

namespace {

struct TrimPrefix : Leaf {
    std::string topic;
    std::string offset;
    std::string partitions;
    std::string from_file;
    bool dry_run = false;
    Edge edge;                                          // Of `offset`.
    std::vector<std::int32_t> ids;                      // Of `partitions`.
    std::map<TopicPartition, std::int64_t> from_lines;  // Of `from_file`.

    Result<void> prepare(const Program& program) {
        if (!from_file.empty()) {
            MR_TRY(const auto text, runtime::read_file(program.disk, from_file));
            const auto lines = parse_offset_lines(text);
            if (!lines) return fail(lines.error().with(from_file));
            from_lines = *lines;
            return {};
        }
        MR_TRY(const Range range, parse_range(offset, program.clock.wall_ms()));
        if (!range.from || range.to) {
            return fail(Code::kInvalidArgument, "--offset {}: one place is wanted, not a range",
                        offset);
        }
        edge = *range.from;
        if (!partitions.empty()) {
            MR_TRY(ids, parse_partitions(partitions));
        }
        return {};
    }

    Shape shape() const {
        return {.fields = {{"topic", "string", {}},
                           {"partition", "int", {}},
                           {"prior_start_offset", "int?", {}},
                           {"new_start_offset", "int?", {}},
                           {"error", "string?", {}}}};
    }

    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        MR_TRY(const auto wanted, wanted_offsets(cluster, overview));
        std::map<TopicPartition, std::int64_t> places;
        for (const auto& [partition, before] : wanted) places[partition] = Cluster::kEarliest;
        MR_TRY(const auto starts, cluster.offsets_at(places));
        Cluster::Offsets after;
        if (dry_run) {
            for (const auto& [partition, before] : wanted) after.emplace(partition, before);
        } else if (!wanted.empty()) {
            MR_TRY(after, cluster.delete_records(wanted));
        }
        Tally tally;
        for (const auto& [partition, before] : wanted) {
            const auto prior = starts.find(partition);
            const auto found = after.find(partition);
            const Result<std::int64_t> outcome =
                found != after.end()
                    ? found->second
                    : Result<std::int64_t>(fail(Code::kRuntime, "the server's answer left it out"));
            tally.add(outcome);
            base::JsonValue row;
            row.set("topic", partition.topic).set("partition", partition.partition);
            row.set("prior_start_offset", prior != starts.end() && prior->second
                                              ? base::JsonValue(*prior->second)
                                              : base::JsonValue());
            row.set("new_start_offset", outcome ? base::JsonValue(*outcome) : base::JsonValue());
            row.set("error",
                    outcome ? base::JsonValue() : base::JsonValue(outcome.error().message()));
            report.add(std::move(row));
        }
        return tally.code();
    }

private:
    Result<std::map<TopicPartition, std::int64_t>> wanted_offsets(
        Cluster& cluster, const Cluster::Overview& overview) const {
        MR_TRY(const auto* const found, find_topic(overview, topic));
        std::map<TopicPartition, std::int64_t> wanted;
        if (!from_file.empty()) {
            for (const auto& [partition, before] : from_lines) {
                if (partition.topic == topic) wanted[partition] = before;
            }
            MR_TRY_VOID(check(*found, wanted));
            return wanted;
        }
        std::map<TopicPartition, std::int64_t> starts;
        for (const std::int32_t id : chosen_partitions(*found))
            starts[{topic, id}] = Cluster::kEarliest;
        MR_TRY_VOID(check(*found, starts));
        auto ends = starts;
        for (auto& [partition, place] : ends) place = Cluster::kLatest;
        auto moments = starts;
        if (edge.kind == Edge::Kind::kMoment) {
            for (auto& [partition, place] : moments) place = std::max<std::int64_t>(edge.value, 0);
        }
        MR_TRY(const auto first, cluster.offsets_at(starts));
        MR_TRY(const auto next, cluster.offsets_at(ends));
        MR_TRY(const auto at_moment, cluster.offsets_at(moments));
        for (const auto& [partition, place] : starts) {
            MR_TRY(const std::int64_t start, first.at(partition));
            MR_TRY(const std::int64_t end, next.at(partition));
            MR_TRY(const std::int64_t moment, at_moment.at(partition));
            wanted[partition] = resolve(edge, {.start = start, .end = end}, moment);
        }
        return wanted;
    }

    std::vector<std::int32_t> chosen_partitions(const Cluster::Topic& found) const {
        if (!ids.empty()) return ids;
        std::vector<std::int32_t> all;
        for (const Cluster::Partition& partition : found.partitions) all.push_back(partition.id);
        return all;
    }

    static Result<void> check(const Cluster::Topic& found,
                              const std::map<TopicPartition, std::int64_t>& wanted) {
        for (const auto& [partition, place] : wanted) {
            if (std::ranges::find(found.partitions, partition.partition, &Cluster::Partition::id) ==
                found.partitions.end()) {
                return fail(Code::kNotFound, "topic {} has no partition {}", partition.topic,
                            partition.partition);
            }
        }
        return {};
    }
};

}  // namespace

void add_trim_prefix(CLI::App& group, const Program& program, Action& action) {
    auto [app, trim] = add_leaf<TrimPrefix>(
        group, program, action, "trim-prefix", "Delete the records before an offset",
        "Examples:\n"
        "  millrace topic trim-prefix weblog --offset 1000 --partitions 0\n"
        "  millrace topic trim-prefix weblog --offset @-24h --dry-run\n"
        "  millrace topic trim-prefix weblog --offset end",
        ShortO::kOffset);
    add_topic(*app, trim->topic);
    CLI::Option_group* const place = app->add_option_group("place");
    place->add_option("-o,--offset", trim->offset,
                      "The first offset to keep: a number, end, -10 (the last 10), @MOMENT");
    place->add_option("-f,--from-file", trim->from_file,
                      "File of lines \"<topic> <partition> <offset>\"");
    place->require_option(1);
    app->add_option("-p,--partitions", trim->partitions, "Only these: 0,3 or 0-3 (else all)");
    add_dry_run(*app, trim->dry_run);
}

}  // namespace millrace::cli
