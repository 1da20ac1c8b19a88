// Drives one streams group and tells what came out as text: for tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/group/consumer/consumer_driver_internal.h"
#include "broker/group/streams/streams_group.h"

namespace millrace::broker {

// The application counts words: subtopology 0 reads "in" and writes "by-word", subtopology 1 reads
// that and keeps "counts".
class StreamsDriver {
public:
    StreamsDriver() {
        topics.set("in", 2);
        limits.settings.initial_rebalance_delay_ms = 0;
        limits.settings.assignment_interval_ms = 0;
        group.set_settings(limits.settings);
    }
    void make_internal_topics() {
        topics.set("by-word", 2);
        topics.set("counts", 2);
    }
    static StreamsTopology topology() {
        StreamsTopology topology;
        topology.subtopologies["0"] = {.source_topics = {"in"}, .repartition_sinks = {"by-word"}};
        topology.subtopologies["1"] = {.changelogs = {{.name = "counts"}},
                                       .repartition_sources = {{.name = "by-word"}}};
        return topology;
    }
    // Answers read "2: 00,01|10 status 3": epoch, active tasks, standbys behind the bar ("-": none
    // in the answer), then the codes of statuses; or an error.
    std::string join(const std::string& member, const std::string& process = "") {
        StreamsHeartbeat request{.member_id = member,
                                 .rebalance_timeout_ms = 60'000,
                                 .topology = topology(),
                                 .owned = Tasks(),
                                 .process_id = process.empty() ? "process-" + member : process};
        return run(std::move(request));
    }
    // A heartbeat in the member's own epoch; `owned` "00,01|10" says what it has.
    std::string beat(const std::string& member, std::optional<std::string> owned = std::nullopt,
                     std::optional<std::int32_t> epoch = std::nullopt) {
        StreamsHeartbeat request{.member_id = member, .member_epoch = epoch_of(member, epoch)};
        if (owned) request.owned = parse(*owned);
        return run(std::move(request));
    }
    std::string leave(const std::string& member) {
        return run({.member_id = member, .member_epoch = StreamsMember::kLeaving});
    }
    std::string run(StreamsHeartbeat request) {
        request.client_id = "client";
        request.client_host = "/127.0.0.1";
        StreamsGroupChanges changes;
        last = group.heartbeat(request, now_ms, changes);
        note(changes);
        if (last.error != ErrorCode::kNone) return std::string(error_name(last.error));
        std::string text =
            std::to_string(last.member_epoch) + ": " + (last.tasks ? to_text(*last.tasks) : "-");
        for (const StreamsStatus& status : last.statuses) {
            text += " status " + std::to_string(static_cast<int>(status.code));
        }
        return text;
    }
    void pass(std::int64_t ms) {
        now_ms += ms;
        StreamsGroupChanges changes;
        group.tick(now_ms, changes);
        note(changes);
    }
    // What the last event changed: "topology member a epoch target a current a" ...
    std::string changed() const { return changed_; }
    std::string state() const { return std::string(state_name(group.state())); }

    static Tasks parse(const std::string& text) {
        Tasks tasks;
        TaskSet* into = &tasks.active;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '|') into = &tasks.standby;
            if (text[i] < '0' || text[i] > '9') continue;
            (*into)[std::string(1, text[i])].insert(text[i + 1] - '0');
            ++i;
        }
        return tasks;
    }
    static std::string to_text(const TaskSet& tasks) {
        std::string text;
        for (const auto& [subtopology, partitions] : tasks) {
            for (const std::int32_t partition : partitions) {
                text += (text.empty() ? "" : ",") + subtopology + std::to_string(partition);
            }
        }
        return text;
    }
    static std::string to_text(const Tasks& tasks) {
        std::string text = to_text(tasks.active);
        if (!tasks.standby.empty()) text += "|" + to_text(tasks.standby);
        return text;
    }

    FakeTopics topics;
    StreamsGroupLimits limits;
    StreamsGroup group{"g", limits, topics};
    StreamsHeartbeatAnswer last;
    std::int64_t now_ms = 1000;

private:
    std::int32_t epoch_of(const std::string& member, std::optional<std::int32_t> epoch) const {
        const auto known = group.members().find(member);
        return epoch.value_or(known == group.members().end() ? 1 : known->second.epoch);
    }
    void note(const StreamsGroupChanges& changes) {
        changed_.clear();
        const auto add = [this](const std::string& word) {
            changed_ += (changed_.empty() ? "" : " ") + word;
        };
        if (changes.topology) add("topology");
        for (const std::string& name : changes.members) add("member " + name);
        if (changes.epoch) add("epoch");
        for (const std::string& name : changes.targets) add("target " + name);
        if (changes.target_epoch) add("target-epoch");
        for (const std::string& name : changes.currents) add("current " + name);
    }
    std::string changed_;
};

}  // namespace millrace::broker
