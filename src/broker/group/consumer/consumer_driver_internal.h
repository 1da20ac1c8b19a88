// Drives one consumer group and tells what came out as text: for tests. Topics are single letters.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/group/consumer/consumer_group.h"

namespace millrace::broker {

class FakeTopics : public TopicSource {
public:
    std::uint64_t version() const override { return version_; }
    std::optional<Info> find(const std::string& name) const override {
        const auto found = topics_.find(name);
        if (found == topics_.end()) return std::nullopt;
        return found->second;
    }
    std::optional<std::string> name_of(const kafka::Uuid& id) const override {
        for (const auto& [name, info] : topics_) {
            if (info.id == id) return name;
        }
        return std::nullopt;
    }
    std::vector<std::string> names() const override {
        std::vector<std::string> names;
        for (const auto& [name, info] : topics_) names.push_back(name);
        return names;
    }
    void set(const std::string& name, std::int32_t partitions) {
        Info& info = topics_[name];
        if (info.id.is_zero()) info.id = {0, ++last_id_};
        info.partitions = partitions;
        ++version_;
    }
    void remove(const std::string& name) {
        topics_.erase(name);
        ++version_;
    }

private:
    std::map<std::string, Info> topics_;
    std::uint64_t version_ = 1;
    std::uint64_t last_id_ = 0;
};

class ConsumerDriver {
public:
    ConsumerDriver() { topics.set("t", 4); }

    // Answers read "1: t0,1", epoch and assignment ("-": none in the answer), or an error.
    std::string join(const std::string& member, std::vector<std::string> names = {"t"},
                     std::optional<std::string> instance = std::nullopt) {
        ConsumerHeartbeat request{.member_id = member,
                                  .instance_id = std::move(instance),
                                  .rebalance_timeout_ms = 60'000,
                                  .topics = std::move(names),
                                  .owned = TopicPartitions()};
        return run(std::move(request));
    }
    // A heartbeat in the member's own epoch; `owned` "t0,1" says what it has.
    std::string beat(const std::string& member, std::optional<std::string> owned = std::nullopt,
                     std::optional<std::int32_t> epoch = std::nullopt) {
        ConsumerHeartbeat request{.member_id = member, .member_epoch = epoch_of(member, epoch)};
        if (owned) request.owned = parse(*owned);
        return run(std::move(request));
    }
    std::string subscribe(const std::string& member, std::vector<std::string> names) {
        return run({.member_id = member,
                    .member_epoch = epoch_of(member, std::nullopt),
                    .topics = std::move(names)});
    }
    std::string leave(const std::string& member, std::int32_t epoch = ConsumerMember::kLeaving,
                      std::optional<std::string> instance = std::nullopt) {
        return run(
            {.member_id = member, .member_epoch = epoch, .instance_id = std::move(instance)});
    }
    std::string run(ConsumerHeartbeat request) {
        request.client_id = "client";
        request.client_host = "/127.0.0.1";
        ConsumerGroupChanges changes;
        const ConsumerHeartbeatAnswer answer = group.heartbeat(request, now_ms, changes);
        note(changes);
        if (answer.error != ErrorCode::kNone) return std::string(error_name(answer.error));
        return std::to_string(answer.member_epoch) + ": " +
               (answer.assignment ? to_text(*answer.assignment) : "-");
    }
    void pass(std::int64_t ms) {
        now_ms += ms;
        ConsumerGroupChanges changes;
        group.tick(now_ms, changes);
        note(changes);
    }
    // What the last event changed: "epoch member a target a" ...
    std::string changed() const { return changed_; }
    std::string state() const { return std::string(state_name(group.state())); }

    TopicPartitions parse(const std::string& text) const {
        TopicPartitions result;
        std::string name;
        for (const char c : text) {
            if (c >= 'a' && c <= 'z') name = c;
            if (c >= '0' && c <= '9') result[topics.find(name)->id].insert(c - '0');
        }
        return result;
    }
    std::string to_text(const TopicPartitions& partitions) const {
        std::string text;
        for (const auto& [id, indexes] : partitions) {
            if (!text.empty()) text += ' ';
            text += topics.name_of(id).value_or("?");
            bool first = true;
            for (const std::int32_t index : indexes) {
                if (!std::exchange(first, false)) text += ',';
                text += std::to_string(index);
            }
        }
        return text;
    }

    FakeTopics topics;
    ConsumerGroupLimits limits{.timeouts = {.assignment_interval_ms = 0}};
    ConsumerGroup group{"g", limits, topics};
    std::int64_t now_ms = 1000;

private:
    std::int32_t epoch_of(const std::string& member, std::optional<std::int32_t> epoch) const {
        const auto known = group.members().find(member);
        return epoch.value_or(known == group.members().end() ? 1 : known->second.epoch);
    }
    void note(const ConsumerGroupChanges& changes) {
        changed_.clear();
        const auto add = [this](const std::string& word) {
            changed_ += (changed_.empty() ? "" : " ") + word;
        };
        for (const std::string& name : changes.members) add("member " + name);
        for (const std::string& name : changes.regexes) add("regex " + name);
        if (changes.epoch) add("epoch");
        for (const std::string& name : changes.targets) add("target " + name);
        if (changes.target_epoch) add("target-epoch");
        for (const std::string& name : changes.currents) add("current " + name);
    }
    std::string changed_;
};

}  // namespace millrace::broker
