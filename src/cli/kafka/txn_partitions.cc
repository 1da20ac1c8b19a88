// The commands of `txn` that look at partitions rather than at transactional ids.
#include <algorithm>
#include <memory>
#include <set>

#include "cli/kafka/leaf_internal.h"
#include "cli/offsets/moment.h"
#include "cli/offsets/seek.h"
#include "cli/program.h"
#include "runtime/clock.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::JsonValue;
using base::Result;
using client::Cluster;
using client::Direct;
using topic::TopicPartition;

namespace {

Result<std::vector<ChosenPartitions>> chosen_of(const std::vector<std::string>& topics) {
    std::vector<ChosenPartitions> chosen;
    for (const std::string& text : topics) {
        MR_TRY(auto one, parse_chosen_partitions(text));
        chosen.push_back(std::move(one));
    }
    return chosen;
}

// All partitions of a topic that was named without numbers.
Result<std::vector<TopicPartition>> partitions_of(const Cluster::Overview& overview,
                                                  const std::vector<ChosenPartitions>& chosen) {
    std::vector<TopicPartition> partitions;
    for (const auto& [name, numbers] : chosen) {
        MR_TRY(const auto* const topic, find_topic(overview, name));
        for (const std::int32_t number : numbers) partitions.push_back({name, number});
        if (!numbers.empty()) continue;
        for (const Cluster::Partition& one : topic->partitions) {
            partitions.push_back({name, one.id});
        }
    }
    return partitions;
}

struct DescribeProducers : Leaf {
    std::vector<std::string> topics;
    std::optional<std::int32_t> broker;
    std::vector<ChosenPartitions> chosen;  // Of `topics`.

    Result<void> prepare(const Program&) {
        MR_TRY(chosen, chosen_of(topics));
        return {};
    }
    Shape shape() const {
        return {.fields = {{"topic", "string", {}},
                           {"partition", "int", {}},
                           {"producer_id", "int?", {}},
                           {"producer_epoch", "int?", {}},
                           {"coordinator_epoch", "int?", {}},
                           {"last_sequence", "int?", {}},
                           {"last_timestamp_ms", "int?", {}},
                           {"transaction_start_offset", "int?", {}},
                           {"error", "string?", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        MR_TRY(const auto partitions, partitions_of(overview, chosen));
        MR_TRY(Direct* const direct, cluster.direct());
        MR_TRY(const auto answers, direct->producers(partitions, broker));
        Tally tally;
        for (const auto& [partition, producers] : answers) {
            tally.add(producers);
            if (!producers) {
                report.add(row_of(partition, std::nullopt, producers.error().message()));
                continue;
            }
            for (const auto& one : *producers) report.add(row_of(partition, one, {}));
        }
        return tally.code();
    }

private:
    static JsonValue row_of(const TopicPartition& partition,
                            const std::optional<Direct::ProducerState>& state, JsonValue error) {
        const auto number = [&](auto member) -> JsonValue {
            return state ? JsonValue((*state).*member) : JsonValue();
        };
        JsonValue row;
        row.set("topic", partition.topic).set("partition", partition.partition);
        row.set("producer_id", number(&Direct::ProducerState::id));
        row.set("producer_epoch", number(&Direct::ProducerState::epoch));
        row.set("coordinator_epoch", number(&Direct::ProducerState::coordinator_epoch));
        row.set("last_sequence", number(&Direct::ProducerState::last_sequence));
        row.set("last_timestamp_ms", number(&Direct::ProducerState::last_timestamp_ms));
        row.set("transaction_start_offset",
                state ? or_null(state->transaction_start) : JsonValue());
        row.set("error", std::move(error));
        return row;
    }
};

// A transaction hangs when its partition waits for a marker that no coordinator will send: the
// coordinators know no transactional id of its producer, or one whose transaction is elsewhere.
struct FindHanging : Leaf {
    std::vector<std::string> topics;
    std::optional<std::int32_t> broker;
    std::string max_timeout = "15m";
    std::vector<ChosenPartitions> chosen;  // Of `topics`.
    std::int64_t before_ms = 0;            // Whoever wrote later may still go on.
    std::int64_t now_ms = 0;

    Result<void> prepare(const Program& program) {
        MR_TRY(chosen, chosen_of(topics));
        MR_TRY(const std::int64_t allowed_ms, parse_duration_ms(max_timeout));
        now_ms = program.clock.wall_ms();
        before_ms = now_ms - allowed_ms;
        return {};
    }
    Shape shape() const {
        return {.fields = {{"topic", "string", {}},
                           {"partition", "int", {}},
                           {"producer_id", "int", {}},
                           {"producer_epoch", "int", {}},
                           {"coordinator_epoch", "int", {}},
                           {"start_offset", "int", {}},
                           {"last_timestamp_ms", "int", {}},
                           {"idle_ms", "int", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        MR_TRY(const auto partitions, asked_partitions(overview));
        MR_TRY(Direct* const direct, cluster.direct());
        MR_TRY(const auto answers, direct->producers(partitions, broker));
        Tally tally;
        std::vector<std::pair<TopicPartition, Direct::ProducerState>> open;
        for (const auto& [partition, producers] : answers) {
            tally.add(producers);
            if (!producers) {
                notice(producers.error().message());
                continue;
            }
            for (const auto& one : *producers) {
                if (one.transaction_start && one.last_timestamp_ms < before_ms) {
                    open.emplace_back(partition, one);
                }
            }
        }
        MR_TRY(const auto expected, expected_markers(*direct, open));
        for (const auto& [partition, state] : open) {
            if (expected.contains({state.id, partition})) continue;
            JsonValue row;
            row.set("topic", partition.topic).set("partition", partition.partition);
            row.set("producer_id", state.id).set("producer_epoch", state.epoch);
            row.set("coordinator_epoch", state.coordinator_epoch);
            row.set("start_offset", *state.transaction_start);
            row.set("last_timestamp_ms", state.last_timestamp_ms);
            row.set("idle_ms", now_ms - state.last_timestamp_ms);
            report.add(std::move(row));
        }
        return tally.code();
    }

private:
    Result<std::vector<TopicPartition>> asked_partitions(const Cluster::Overview& overview) const {
        std::vector<TopicPartition> partitions;
        if (!chosen.empty()) {
            MR_TRY(partitions, partitions_of(overview, chosen));
        } else {
            for (const auto& [name, topic] : overview.topics) {
                for (const auto& one : topic.partitions) partitions.push_back({name, one.id});
            }
        }
        if (!broker) return partitions;
        std::erase_if(partitions, [&](const TopicPartition& partition) {
            const auto& known = overview.topics.at(partition.topic).partitions;
            const auto found =
                std::ranges::find(known, partition.partition, &Cluster::Partition::id);
            return found != known.end() &&
                   std::ranges::find(found->replicas, *broker) == found->replicas.end();
        });
        return partitions;
    }

    // Which producers' transactions include which partitions, as the coordinators see it.
    static Result<std::set<std::pair<std::int64_t, TopicPartition>>> expected_markers(
        Direct& direct, const std::vector<std::pair<TopicPartition, Direct::ProducerState>>& open) {
        std::set<std::pair<std::int64_t, TopicPartition>> expected;
        if (open.empty()) return expected;
        std::set<std::int64_t> producers;
        for (const auto& [partition, state] : open) producers.insert(state.id);
        Direct::TransactionFilter filter;
        filter.producer_ids = {producers.begin(), producers.end()};
        MR_TRY(const auto listed, direct.transactions(filter));
        for (const auto& one : listed.transactions) {
            const auto described = direct.describe_transaction(one.id);
            if (!described) {
                if (described.error().code() == Code::kNotFound) continue;
                return fail(described.error());
            }
            for (const TopicPartition& partition : described->partitions) {
                expected.emplace(described->producer_id, partition);
            }
        }
        return expected;
    }
};

struct Abort : Leaf {
    std::string place;
    std::optional<std::int64_t> start_offset;
    std::optional<std::int64_t> producer_id;
    std::optional<std::int32_t> producer_epoch;
    std::int32_t coordinator_epoch = 0;
    bool dry_run = false;
    TopicPartition partition;  // Of `place`.

    Result<void> prepare(const Program&) {
        MR_TRY(const auto chosen, parse_chosen_partitions(place));
        if (chosen.partitions.size() != 1) {
            return fail(Code::kInvalidArgument, "'{}' is not one partition: name it as TOPIC:0",
                        place);
        }
        if (!start_offset && !(producer_id && producer_epoch)) {
            return fail(Code::kInvalidArgument,
                        "say which transaction: --start-offset, or --producer-id and "
                        "--producer-epoch");
        }
        partition = {chosen.topic, chosen.partitions.front()};
        return {};
    }
    Shape shape() const {
        return {.fields = {{"topic", "string", {}},
                           {"partition", "int", {}},
                           {"producer_id", "int", {}},
                           {"producer_epoch", "int", {}},
                           {"coordinator_epoch", "int", {}},
                           {"status", "string", {}},
                           {"error", "string?", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(Direct* const direct, cluster.direct());
        MR_TRY(const auto marker, marker_for(*direct));
        Result<void> outcome;
        if (!dry_run) outcome = direct->abort_transaction(partition, marker);
        JsonValue row;
        row.set("topic", partition.topic).set("partition", partition.partition);
        row.set("producer_id", marker.producer_id).set("producer_epoch", marker.producer_epoch);
        row.set("coordinator_epoch", marker.coordinator_epoch);
        row.set("status", !outcome ? "failed" : dry_run ? "would be done" : "ok");
        row.set("error", outcome ? JsonValue() : JsonValue(outcome.error().message()));
        report.add(std::move(row));
        return outcome ? ExitCode::kDone : exit_code_of(outcome.error());
    }

private:
    Result<Direct::AbortMarker> marker_for(Direct& direct) const {
        if (!start_offset) {
            return Direct::AbortMarker{.producer_id = *producer_id,
                                       .producer_epoch = static_cast<std::int16_t>(*producer_epoch),
                                       .coordinator_epoch = coordinator_epoch};
        }
        MR_TRY(const auto answers, direct.producers({partition}));
        const auto found = answers.find(partition);
        if (found == answers.end()) {
            return fail(Code::kNotFound, "there is no partition {}", place);
        }
        MR_TRY(const auto producers, found->second);
        for (const auto& one : producers) {
            if (one.transaction_start != start_offset) continue;
            return Direct::AbortMarker{.producer_id = one.id,
                                       .producer_epoch = static_cast<std::int16_t>(one.epoch),
                                       .coordinator_epoch = std::max(one.coordinator_epoch, 0)};
        }
        return fail(Code::kNotFound, "no open transaction of {} began at offset {}", place,
                    *start_offset);
    }
};

void add_topic_choice(CLI::App& app, std::vector<std::string>& topics, bool required) {
    app.add_option("-t,--topics", topics,
                   required ? "Topics, or some partitions of them"
                            : "Only these topics, or some partitions of them (else all)")
        ->required(required)
        ->allow_extra_args(false)
        ->type_name("TOPIC[:PARTITIONS]");
}

}  // namespace

void add_txn_partitions(CLI::App& group, const Program& program, Action& action) {
    auto [describes, describe] = add_leaf<DescribeProducers>(
        group, program, action, "describe-producers",
        "Print who has written to partitions, and whose transaction is open there",
        "Example:\n  millrace txn describe-producers -t weblog:0");
    add_topic_choice(*describes, describe->topics, /*required=*/true);
    describes->add_option("--broker", describe->broker, "Ask this broker, not the leaders")
        ->type_name("ID");

    auto [finds, find] = add_leaf<FindHanging>(
        group, program, action, "find-hanging",
        "Print open transactions that nobody will end: what is behind them is never read committed",
        "Examples:\n"
        "  millrace txn find-hanging\n"
        "  millrace txn find-hanging -t weblog --max-transaction-timeout 1h");
    add_topic_choice(*finds, find->topics, /*required=*/false);
    finds->add_option("--broker", find->broker, "Only partitions with a replica on this broker")
        ->type_name("ID");
    finds
        ->add_option("--max-transaction-timeout", find->max_timeout,
                     "How long a transaction may last: younger ones are no suspects")
        ->capture_default_str()
        ->type_name("DURATION");

    auto [aborts, abort] =
        add_leaf<Abort>(group, program, action, "abort",
                        "Write an abort marker into a partition where a transaction hangs",
                        "Examples:\n"
                        "  millrace txn abort weblog:0 --start-offset 4711 --dry-run\n"
                        "  millrace txn abort weblog:0 --producer-id 7 --producer-epoch 2");
    aborts->add_option("partition", abort->place, "The partition: its topic and number")
        ->required()
        ->type_name("TOPIC:PARTITION");
    auto* const start = aborts->add_option("--start-offset", abort->start_offset,
                                           "Offset at which the transaction began");
    aborts->add_option("--producer-id", abort->producer_id, "Who wrote it")
        ->excludes(start)
        ->type_name("ID");
    aborts->add_option("--producer-epoch", abort->producer_epoch, "The producer's epoch")
        ->excludes(start)
        ->check(CLI::Range(0, 32767))
        ->type_name("EPOCH");
    aborts
        ->add_option("--coordinator-epoch", abort->coordinator_epoch,
                     "The epoch of the last marker's coordinator")
        ->excludes(start)
        ->capture_default_str()
        ->type_name("EPOCH");
    add_dry_run(*aborts, abort->dry_run);
}

}  // namespace millrace::cli
