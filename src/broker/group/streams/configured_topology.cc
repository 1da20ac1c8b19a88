#include "broker/group/streams/configured_topology.h"

#include <algorithm>
#include <expected>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace millrace::broker {
namespace {

using base::Code;
using base::fail;
using base::Result;
using Subtopology = StreamsTopology::Subtopology;
using Counts = std::map<std::string, std::int32_t>;
using Fault = std::optional<StreamsStatus>;

// A chain of repartition topics is followed to this depth: no application comes near it.
constexpr int kMaxPasses = 1000;

StreamsStatus badly_partitioned(std::string detail) {
    return {StreamsStatus::Code::kIncorrectlyPartitionedTopics, std::move(detail)};
}

std::string summarize(const std::set<std::string>& topics) {
    constexpr std::size_t kShown = 3;
    std::vector<std::string> shown;
    for (const std::string& topic : topics) {
        if (shown.size() < kShown) shown.push_back(topic);
    }
    std::string text = fmt::format("{}", fmt::join(shown, ", "));
    if (topics.size() > kShown) {
        text += fmt::format(" and {} additional topics", topics.size() - kShown);
    }
    return text;
}

// As Java prints a sorted map.
std::string to_text(const Counts& counts) {
    std::vector<std::string> parts;
    for (const auto& [topic, count] : counts) parts.push_back(fmt::format("{}={}", topic, count));
    return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

class Configuration {
public:
    Configuration(const StreamsTopology& topology, const TopicSource& topics)
        : topology_(topology), topics_(topics) {}

    Result<ConfiguredTopology> run() {
        MR_TRY_VOID(check());
        if (Fault missing = missing_sources()) return faulty(std::move(*missing));
        MR_TRY_VOID(decide_repartition_topics());
        MR_TRY(Fault fault, enforce_copartitioning());
        if (fault) return faulty(std::move(*fault));
        MR_TRY_VOID(decide_changelogs());
        ConfiguredTopology configured;
        for (const auto& [id, subtopology] : topology_.subtopologies) {
            configured.subtopologies.emplace(id, configured_of(subtopology));
        }
        if (Fault wrong = find_missing(configured)) return faulty(std::move(*wrong));
        return configured;
    }

private:
    static ConfiguredTopology faulty(StreamsStatus fault) {
        ConfiguredTopology configured;
        configured.fault = std::move(fault);
        return configured;
    }

    // What Kafka would fail on without a name for it.
    Result<void> check() const {
        const auto fits = [](const std::vector<std::int16_t>& indexes, std::size_t size) {
            return std::ranges::all_of(indexes, [size](std::int16_t index) {
                return index >= 0 && static_cast<std::size_t>(index) < size;
            });
        };
        if (topology_.epoch < 0) {
            return fail(Code::kInvalidArgument, "Topology epoch must be non-negative.");
        }
        for (const auto& [id, subtopology] : topology_.subtopologies) {
            for (const auto& group : subtopology.copartition_groups) {
                if (fits(group.source_topics, subtopology.source_topics.size()) &&
                    fits(group.repartition_source_topics, subtopology.repartition_sources.size())) {
                    continue;
                }
                return fail(Code::kInvalidArgument,
                            "A copartition group of subtopology {} names a topic that it has not.",
                            id);
            }
            for (const auto& topic : subtopology.repartition_sources) {
                if (topic.partitions >= 0) continue;
                return fail(Code::kInvalidArgument, "Number of partitions must be at least 1.");
            }
        }
        return {};
    }

    // What there is counts more than what was decided.
    std::optional<std::int32_t> count_of(const std::string& topic) const {
        if (const auto found = topics_.find(topic)) return found->partitions;
        const auto decided = decided_.find(topic);
        if (decided == decided_.end()) return std::nullopt;
        return decided->second;
    }

    Fault missing_sources() const {
        std::set<std::string> missing;
        for (const auto& [id, subtopology] : topology_.subtopologies) {
            for (const std::string& topic : subtopology.source_topics) {
                if (!topics_.find(topic)) missing.insert(topic);
            }
        }
        if (missing.empty()) return std::nullopt;
        return StreamsStatus{StreamsStatus::Code::kMissingSourceTopics,
                             "Source topics " + summarize(missing) + " are missing."};
    }

    // The greatest number of partitions of what the subtopology reads, as far as it is known.
    std::optional<std::int32_t> widest_input(const Subtopology& subtopology) const {
        std::optional<std::int32_t> widest;
        const auto consider = [&](std::optional<std::int32_t> count) {
            if (count && (!widest || *count > *widest)) widest = count;
        };
        for (const auto& topic : subtopology.repartition_sources) {
            const auto decided = decided_.find(topic.name);
            if (decided != decided_.end()) consider(decided->second);
        }
        for (const std::string& topic : subtopology.source_topics) consider(count_of(topic));
        return widest;
    }

    Result<void> decide_repartition_topics() {
        for (const auto& [id, subtopology] : topology_.subtopologies) {
            for (const auto& topic : subtopology.repartition_sources) {
                (topic.partitions != 0 ? fixed_ : flexible_).insert(topic.name);
                if (topic.partitions != 0) decided_[topic.name] = topic.partitions;
            }
        }
        bool again = true;
        for (int pass = 0; again; ++pass) {
            again = false;
            bool progress = false;
            for (const auto& [id, subtopology] : topology_.subtopologies) {
                for (const std::string& sink : subtopology.repartition_sinks) {
                    if (decided_.contains(sink)) continue;
                    const auto count = widest_input(subtopology);
                    again = again || !count;
                    if (!count) continue;
                    decided_[sink] = *count;
                    progress = true;
                }
            }
            if (again && (!progress || pass == kMaxPasses)) {
                return fail(Code::kInvalidArgument,
                            "Failed to compute number of partitions for all repartition topics. "
                            "There may be loops in the topology that cannot be resolved.");
            }
        }
        for (const auto& [id, subtopology] : topology_.subtopologies) {
            for (const auto& topic : subtopology.repartition_sources) {
                if (decided_.contains(topic.name)) continue;
                return fail(Code::kInvalidArgument,
                            "Failed to compute number of partitions for all repartition topics, "
                            "because a repartition source topic is never used as a sink topic.");
            }
        }
        return {};
    }

    Result<Fault> enforce_copartitioning() {
        for (const auto& [id, subtopology] : topology_.subtopologies) {
            for (const auto& group : subtopology.copartition_groups) {
                std::set<std::string> topics;
                for (const std::int16_t index : group.source_topics) {
                    topics.insert(subtopology.source_topics[static_cast<std::size_t>(index)]);
                }
                for (const std::int16_t index : group.repartition_source_topics) {
                    topics.insert(
                        subtopology.repartition_sources[static_cast<std::size_t>(index)].name);
                }
                MR_TRY(Fault fault, enforce(topics));
                if (fault) return fault;
            }
        }
        return Fault();
    }

    Result<Fault> enforce(const std::set<std::string>& topics) {
        Counts made, others, told;  // By the server; not by it; by the application.
        for (const std::string& topic : topics) {
            const auto count = count_of(topic);
            if (!count) {
                return fail(Code::kInvalidArgument, "Number of partitions is not set for topic: {}",
                            topic);
            }
            const bool ours = fixed_.contains(topic) || flexible_.contains(topic);
            (ours ? made : others)[topic] = *count;
            if (fixed_.contains(topic)) told[topic] = *count;
        }
        const auto differ = [](const Counts& counts) {
            return std::ranges::any_of(
                counts, [&](const auto& one) { return one.second != counts.begin()->second; });
        };
        const auto unequal = [](const Counts& counts) -> Result<Fault> {
            return Fault(
                badly_partitioned("Following topics do not have the same number of partitions: [" +
                                  to_text(counts) + "]"));
        };
        if (topics.empty()) return Fault();
        if (differ(others)) return unequal(others);
        if (others.empty() && differ(told)) return unequal(made);
        const auto by_count = [](const auto& a, const auto& b) { return a.second < b.second; };
        const std::int32_t count = !others.empty() ? others.begin()->second
                                   : !told.empty()
                                       ? told.begin()->second
                                       : std::ranges::max_element(made, by_count)->second;
        if (count == 0) {
            return fail(Code::kInvalidArgument,
                        "All topics in the copartition group had undefined partition number: [{}]",
                        fmt::join(topics, ", "));
        }
        for (const auto& [topic, had] : made) {
            decided_[topic] = count;
            if (!fixed_.contains(topic) || had == count) continue;
            return Fault(badly_partitioned(
                fmt::format("Number of partitions [{}] of repartition topic [{}] doesn't match "
                            "number of partitions [{}] of the source topic.",
                            had, topic, count)));
        }
        return Fault();
    }

    // As many as the subtopology has tasks.
    std::int32_t tasks_of(const Subtopology& subtopology) const {
        std::int32_t tasks = 0;
        for (const std::string& topic : subtopology.source_topics) {
            tasks = std::max(tasks, count_of(topic).value_or(0));
        }
        for (const auto& topic : subtopology.repartition_sources) {
            tasks = std::max(tasks, count_of(topic.name).value_or(0));
        }
        return tasks;
    }

    Result<void> decide_changelogs() {
        for (const auto& [id, subtopology] : topology_.subtopologies) {
            const std::int32_t tasks = tasks_of(subtopology);
            if (tasks == 0) {
                return fail(Code::kInvalidArgument, "No source topics found for subtopology {}",
                            id);
            }
            for (const auto& topic : subtopology.changelogs) decided_[topic.name] = tasks;
        }
        return {};
    }

    ConfiguredTopology::Subtopology configured_of(const Subtopology& subtopology) const {
        ConfiguredTopology::Subtopology configured;
        configured.tasks = tasks_of(subtopology);
        configured.source_topics = {subtopology.source_topics.begin(),
                                    subtopology.source_topics.end()};
        configured.repartition_sinks = {subtopology.repartition_sinks.begin(),
                                        subtopology.repartition_sinks.end()};
        const auto add = [this](const StreamsTopology::Topic& topic, auto& into) {
            const auto [added, is_new] = into.emplace(topic.name, topic);
            if (topic.partitions == 0) added->second.partitions = decided_.at(topic.name);
        };
        for (const auto& topic : subtopology.repartition_sources) {
            add(topic, configured.repartition_sources);
        }
        for (const auto& topic : subtopology.changelogs) add(topic, configured.changelogs);
        return configured;
    }

    Fault find_missing(ConfiguredTopology& configured) const {
        std::map<std::string, StreamsTopology::Topic> wanted;
        for (const auto& [id, subtopology] : configured.subtopologies) {
            for (const auto* topics : {&subtopology.repartition_sources, &subtopology.changelogs}) {
                for (const auto& [name, topic] : *topics) wanted.insert_or_assign(name, topic);
            }
        }
        std::set<std::string> names;
        for (auto& [name, topic] : wanted) {
            const auto found = topics_.find(name);
            if (found && found->partitions != topic.partitions) {
                return badly_partitioned(
                    fmt::format("Existing topic {} has different number of partitions: expected "
                                "{}, found {}",
                                name, topic.partitions, found->partitions));
            }
            if (found) continue;
            names.insert(name);
            configured.missing.push_back(std::move(topic));
        }
        if (!names.empty()) {
            configured.fault = {StreamsStatus::Code::kMissingInternalTopics,
                                "Internal topics are missing: " + summarize(names)};
        }
        return std::nullopt;
    }

    const StreamsTopology& topology_;
    const TopicSource& topics_;
    std::set<std::string> fixed_;     // Repartition topics whose number the application tells.
    std::set<std::string> flexible_;  // The others.
    Counts decided_;
};

}  // namespace

Result<ConfiguredTopology> configure(const StreamsTopology& topology, const TopicSource& topics) {
    return Configuration(topology, topics).run();
}

}  // namespace millrace::broker
