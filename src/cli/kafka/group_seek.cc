#include <algorithm>
#include <memory>

#include "cli/kafka/group_types_internal.h"
#include "cli/kafka/leaf_internal.h"
#include "cli/offsets/seek.h"
#include "cli/program.h"
#include "runtime/clock.h"
#include "runtime/disk.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::JsonValue;
using base::Result;
using client::Cluster;
using topic::TopicPartition;

namespace {

using Offsets = std::map<TopicPartition, std::int64_t>;

struct Seek : Leaf {
    std::string group;
    std::string to;
    std::string to_file;
    std::string to_group;
    std::vector<std::string> topics;
    bool allow_new_topics = false;
    bool dry_run = false;
    SeekTarget target;   // Of `to`.
    Offsets from_lines;  // Of `to_file`.

    Result<void> prepare(const Program& program) {
        if (!to.empty()) {
            MR_TRY(target, parse_seek_target(to, program.clock.wall_ms()));
        }
        if (!to_file.empty()) {
            MR_TRY(const auto text, runtime::read_file(program.disk, to_file));
            const auto lines = parse_offset_lines(text);
            if (!lines) return fail(lines.error().with(to_file));
            from_lines = *lines;
        }
        return {};
    }

    Shape shape() const {
        return {.fields = {{"topic", "string", {}},
                           {"partition", "int", {}},
                           {"prior_offset", "int?", {}},
                           {"current_offset", "int?", {}},
                           {"error", "string?", {}}}};
    }

    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        MR_TRY(const std::string type, type_of_group(cluster, group));
        MR_TRY(const auto answered, offsets_of_group(cluster, group, type));
        Offsets prior;
        for (const auto& [partition, offset] : answered) {
            if (offset && *offset >= 0) prior[partition] = *offset;
        }
        MR_TRY(const auto wanted, wanted_offsets(cluster, overview, prior));
        if (wanted.empty()) {
            return fail(Code::kNotFound,
                        "group {} has no offsets to move; name topics and --allow-new-topics to "
                        "give it some",
                        group);
        }
        Offsets moved;
        for (const auto& [partition, offset] : wanted) {
            if (offset) moved[partition] = *offset;
        }
        Cluster::Offsets outcomes;
        if (!dry_run && !moved.empty()) {
            auto answer = move_group(cluster, group, type, moved);
            if (!answer) return fail(explained(answer.error()));
            outcomes = std::move(*answer);
        }
        Tally tally;
        for (const auto& [partition, offset] : wanted) {
            const auto answer = outcomes.find(partition);
            Result<std::int64_t> outcome = offset;
            if (outcome && answer != outcomes.end() && !answer->second) {
                outcome = fail(explained(answer->second.error()));
            }
            tally.add(outcome);
            const auto before = prior.find(partition);
            JsonValue row;
            row.set("topic", partition.topic).set("partition", partition.partition);
            row.set("prior_offset",
                    before != prior.end() ? JsonValue(before->second) : JsonValue());
            row.set("current_offset", outcome ? JsonValue(*outcome) : JsonValue());
            row.set("error", outcome ? JsonValue() : JsonValue(outcome.error().message()));
            report.add(std::move(row));
        }
        if (dry_run) notice("dry run: nothing was changed");
        return tally.code();
    }

private:
    bool is_chosen(const TopicPartition& partition) const {
        return topics.empty() || std::ranges::find(topics, partition.topic) != topics.end();
    }

    // Only members may commit while there are some.
    static base::Error explained(const base::Error& error) {
        if (error.code() != Code::kConflict) return error;
        return error.with("the group has members: stop its consumers first");
    }

    // Where each partition shall go, or why it cannot.
    Result<Cluster::Offsets> wanted_offsets(Cluster& cluster, const Cluster::Overview& overview,
                                            const Offsets& prior) const {
        Offsets named = from_lines;
        if (!to_group.empty()) {
            MR_TRY(const std::string type, type_of_group(cluster, to_group));
            MR_TRY(const auto others, offsets_of_group(cluster, to_group, type));
            for (const auto& [partition, offset] : others) {
                if (offset && *offset >= 0) named[partition] = *offset;
            }
            if (named.empty()) return fail(Code::kNotFound, "group {} has no offsets", to_group);
        }
        Cluster::Offsets wanted;
        if (to.empty()) {
            for (const auto& [partition, offset] : named) {
                if (!is_chosen(partition)) continue;
                if (exists(overview, partition)) {
                    wanted.emplace(partition, offset);
                } else {
                    wanted.emplace(partition, missing(partition));
                }
            }
            return wanted;
        }
        return resolved(cluster, overview, prior);
    }

    Result<Cluster::Offsets> resolved(Cluster& cluster, const Cluster::Overview& overview,
                                      const Offsets& prior) const {
        Cluster::Offsets wanted;
        Offsets starts;
        for (const auto& [partition, offset] : prior) {
            if (!is_chosen(partition)) continue;
            if (exists(overview, partition)) {
                starts[partition] = Cluster::kEarliest;
            } else {
                wanted.emplace(partition, missing(partition));
            }
        }
        for (const std::string& name : topics) {
            MR_TRY(const auto* const topic, find_topic(overview, name));
            const bool is_new = std::ranges::none_of(
                prior, [&](const auto& entry) { return entry.first.topic == name; });
            if (is_new && !allow_new_topics) {
                return fail(Code::kNotFound,
                            "group {} has no offsets of topic {}; --allow-new-topics gives it some",
                            group, name);
            }
            for (const Cluster::Partition& partition : topic->partitions) {
                starts[{name, partition.id}] = Cluster::kEarliest;
            }
        }
        Offsets ends = starts;
        for (auto& [partition, place] : ends) place = Cluster::kLatest;
        Offsets moments = starts;
        if (target.kind == SeekTarget::Kind::kMoment) {
            for (auto& [partition, place] : moments) {
                place = std::max<std::int64_t>(target.value, 0);
            }
        }
        MR_TRY(const auto first, cluster.offsets_at(starts));
        MR_TRY(const auto next, cluster.offsets_at(ends));
        MR_TRY(const auto at_moment, cluster.offsets_at(moments));
        for (const auto& [partition, place] : starts) {
            wanted.emplace(partition, [&]() -> Result<std::int64_t> {
                SeekFrom from;
                MR_TRY(from.start, first.at(partition));
                MR_TRY(from.end, next.at(partition));
                MR_TRY(from.at_moment, at_moment.at(partition));
                const auto committed = prior.find(partition);
                if (committed != prior.end()) from.committed = committed->second;
                return resolve(target, from);
            }());
        }
        return wanted;
    }

    static bool exists(const Cluster::Overview& overview, const TopicPartition& partition) {
        const auto topic = overview.topics.find(partition.topic);
        return topic != overview.topics.end() && partition.partition >= 0 &&
               static_cast<std::size_t>(partition.partition) < topic->second.partitions.size();
    }
    static Result<std::int64_t> missing(const TopicPartition& partition) {
        return fail(Code::kNotFound, "there is no partition {} of a topic {}", partition.partition,
                    partition.topic);
    }
};

}  // namespace

void add_group_seek(CLI::App& group, const Program& program, Action& action) {
    auto [app, seek] = add_leaf<Seek>(
        group, program, action, "seek", "Move the offsets of a group that has no members",
        "Examples:\n"
        "  millrace group seek readers --to start --topics weblog --dry-run\n"
        "  millrace group seek readers --to @2024-05-31T18:00:00Z\n"
        "  millrace group seek readers --to=-15m\n"
        "  millrace group seek readers --to-file offsets.txt");
    add_group(*app, seek->group);
    CLI::Option_group* const place = app->add_option_group("place");
    place->add_option("--to", seek->to,
                      "start, end, current, 47, +10, -10, @MOMENT, or -15m (that long ago)");
    place->add_option("--to-file", seek->to_file, "File of lines \"<topic> <partition> <offset>\"");
    place->add_option("--to-group", seek->to_group, "The offsets of another group")
        ->type_name("GROUP");
    place->require_option(1);
    app->add_option("-t,--topics", seek->topics, "Only these topics (else all with offsets)")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("TOPIC");
    app->add_flag("--allow-new-topics", seek->allow_new_topics,
                  "Topics of --topics that the group has no offsets of too");
    add_dry_run(*app, seek->dry_run);
}

}  // namespace millrace::cli
