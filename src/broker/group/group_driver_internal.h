// Drives one classic group and tells what came out as text: for tests, which name members as they
// like and read answers line by line.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "broker/group/group.h"

namespace millrace::broker {

class GroupDriver {
public:
    explicit GroupDriver(std::int64_t initial_delay_ms = 0) {
        limits_.initial_rebalance_delay_ms = initial_delay_ms;
    }

    // A member of its own choice of name joins: the id handed out is its name.
    void join(const std::string& name, std::vector<std::string> protocols = {"range"},
              std::optional<std::string> instance = std::nullopt) {
        JoinRequest request = base_request(name, std::move(protocols));
        request.instance_id = std::move(instance);
        if (group.members().contains(name)) request.member_id = name;
        run(request, "join " + name);
    }
    // As clients from JoinGroup 4 on do: the first time an id is asked for.
    void join_asking(const std::string& name, bool with_id) {
        JoinRequest request = base_request(name, {"range"});
        request.require_known_member_id = true;
        if (with_id) request.member_id = name;
        run(request, "join " + name);
    }
    void run(const JoinRequest& request, const std::string& label) {
        labels_[++token_] = label;
        GroupActions actions;
        group.join(request, token_, now_ms, actions);
        take(actions);
    }
    void sync(const std::string& member, std::map<std::string, base::Bytes> assignments = {},
              std::optional<std::int32_t> generation = std::nullopt,
              std::optional<std::string> instance = std::nullopt) {
        labels_[++token_] = "sync " + member;
        GroupActions actions;
        SyncRequest request{.generation = generation.value_or(group.generation()),
                            .member_id = member,
                            .instance_id = std::move(instance),
                            .assignments = std::move(assignments)};
        group.sync(request, token_, now_ms, actions);
        take(actions);
    }
    void written(ErrorCode outcome = ErrorCode::kNone) {
        GroupActions actions;
        group.assignment_written(group.generation(), outcome, now_ms, actions);
        take(actions);
    }
    std::string heartbeat(const std::string& member,
                          std::optional<std::int32_t> generation = std::nullopt) {
        return std::string(error_name(group.heartbeat(
            member, std::nullopt, generation.value_or(group.generation()), now_ms)));
    }
    std::string commit(const std::string& member, std::int32_t generation) {
        return std::string(error_name(group.may_commit(member, std::nullopt, generation, now_ms)));
    }
    std::string leave(const std::string& member,
                      std::optional<std::string> instance = std::nullopt) {
        GroupActions actions;
        const ErrorCode error = group.leave(member, instance, now_ms, actions);
        take(actions);
        return std::string(error_name(error));
    }
    // Lets time pass, one deadline after another.
    void pass(std::int64_t ms) {
        const std::int64_t until = now_ms + ms;
        for (int rounds = 0; rounds < 1000; ++rounds) {
            const auto next = group.next_deadline_ms();
            if (!next || *next > until) break;
            now_ms = std::max(now_ms, *next);
            GroupActions actions;
            group.tick(now_ms, actions);
            take(actions);
        }
        now_ms = until;
    }
    // What was answered since the last call, one answer a line.
    std::string heard() { return std::exchange(heard_, ""); }
    std::string state() const { return std::string(state_name(group.state())); }
    // Two members with assignments, stable.
    void make_stable() {
        join("a");
        join("b");
        join("a");
        sync("a", {{"a", "1"}, {"b", "2"}});
        sync("b");
        written();
        heard();
    }

    static JoinRequest base_request(const std::string& name, std::vector<std::string> protocols) {
        JoinRequest request{.client_id = name,
                            .client_host = "/127.0.0.1",
                            .protocol_type = "consumer",
                            .session_timeout_ms = 10'000,
                            .rebalance_timeout_ms = 60'000,
                            .new_member_id = name};
        for (std::string& protocol : protocols) {
            request.protocols.push_back({protocol, protocol + " of " + name});
        }
        return request;
    }

    GroupLimits limits_;
    Group group{"g", limits_};
    std::int64_t now_ms = 1000;

private:
    void hear_joins(const std::vector<std::pair<Token, JoinAnswer>>& joins) {
        for (const auto& [token, answer] : joins) {
            std::string line = labels_.at(token) + ": ";
            if (answer.error != ErrorCode::kNone) {
                line += error_name(answer.error);
            } else {
                line += fmt::format("generation {} of {}", answer.generation, answer.leader);
                if (answer.skip_assignment) line += " skip";
                for (const auto& member : answer.members) line += " +" + member.id;
            }
            heard_ += line + "\n";
        }
    }
    void take(const GroupActions& actions) {
        hear_joins(actions.joins);
        for (const auto& [token, answer] : actions.syncs) {
            heard_ += labels_.at(token) + ": " +
                      (answer.error == ErrorCode::kNone ? "[" + answer.assignment + "]"
                                                        : std::string(error_name(answer.error))) +
                      "\n";
        }
        if (actions.assignment) {
            heard_ += "write assignment\n";
        } else if (actions.write) {
            heard_ += "write\n";
        }
        hear_joins(actions.joins_when_written);
    }

    Token token_ = 0;
    std::map<Token, std::string> labels_;
    std::string heard_;
};

}  // namespace millrace::broker
