#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "broker/group/consumer/assignor.h"

namespace millrace::broker {
namespace {

using kafka::Uuid;

// ---- all members subscribe to the same topics ----

// Each member has its share, the first ones one partition more where it does not come out even. It
// keeps what it has up to that, and what is then free fills up those that have less.
TargetAssignment assign_alike(const AssignorMembers& members, const PartitionCounts& partitions) {
    const std::set<Uuid>& topics = members.begin()->second.topics;
    TopicPartitions free;
    std::size_t total = 0;
    for (const Uuid& topic : topics) {
        const std::int32_t count = partitions.at(topic);
        total += static_cast<std::size_t>(count);
        for (std::int32_t index = 0; index < count; ++index) free[topic].insert(index);
    }
    std::vector<std::pair<Uuid, std::int32_t>> unassigned;
    for (const auto& [id, member] : members) {
        for (const auto& [topic, indexes] : member.current) {
            const auto left = free.find(topic);
            if (left == free.end()) continue;
            for (const std::int32_t index : indexes) left->second.erase(index);
        }
    }
    for (const auto& [topic, indexes] : free) {
        for (const std::int32_t index : indexes) unassigned.emplace_back(topic, index);
    }

    const std::size_t share = total / members.size();
    std::size_t larger_shares = total % members.size();
    TargetAssignment target;
    std::vector<std::pair<TopicPartitions*, std::size_t>> unfilled;
    for (const auto& [id, member] : members) {
        std::size_t quota = share;
        if (larger_shares > 0) {
            ++quota;
            --larger_shares;
        }
        TopicPartitions& assigned = target[id];
        for (const auto& [topic, indexes] : member.current) {
            if (!topics.contains(topic)) continue;
            for (const std::int32_t index : indexes) {
                if (index >= partitions.at(topic)) continue;
                if (quota > 0) {
                    assigned[topic].insert(index);
                    --quota;
                } else {
                    unassigned.emplace_back(topic, index);
                }
            }
        }
        if (quota > 0) unfilled.emplace_back(&assigned, quota);
    }
    std::size_t next = 0;
    for (const auto& [assigned, quota] : unfilled) {
        for (std::size_t i = 0; i < quota && next < unassigned.size(); ++i, ++next) {
            (*assigned)[unassigned[next].first].insert(unassigned[next].second);
        }
    }
    MR_CHECK(next == unassigned.size());
    return target;
}

// ---- members subscribe to different topics ----

// Gives what nobody has to those who have least, topic by topic, hardest topics first; then moves
// partitions of a topic from those of its subscribers who have most to those who have least, as
// long as that evens them out.
class Balancer {
public:
    Balancer(const AssignorMembers& members, const PartitionCounts& partitions) {
        for (const auto& [id, member] : members) {
            const std::size_t index = ids_.size();
            ids_.push_back(id);
            for (const Uuid& topic : member.topics) topics_[topic].subscribers.push_back(index);
        }
        sizes_.resize(ids_.size());
        for (auto& [id, topic] : topics_) {
            topic.owners.assign(static_cast<std::size_t>(partitions.at(id)), kNobody);
            order_.push_back(id);
        }
        std::ranges::sort(order_, [this](const Uuid& a, const Uuid& b) { return harder(a, b); });
        std::size_t index = 0;
        for (const auto& [id, member] : members) {
            for (const auto& [topic, indexes] : member.current) {
                if (!member.topics.contains(topic)) continue;
                for (const std::int32_t partition : indexes) {
                    auto& owners = topics_.at(topic).owners;
                    const auto at = static_cast<std::size_t>(partition);
                    if (partition < 0 || at >= owners.size() || owners[at] != kNobody) continue;
                    owners[at] = index;
                    ++sizes_[index];
                }
            }
            ++index;
        }
    }

    TargetAssignment assign() {
        for (const Uuid& id : order_) assign_rest(topics_.at(id));
        balance();
        TargetAssignment target;
        for (const std::string& id : ids_) target[id];
        for (const auto& [id, topic] : topics_) {
            for (std::size_t index = 0; index < topic.owners.size(); ++index) {
                if (topic.owners[index] == kNobody) continue;
                target[ids_[topic.owners[index]]][id].insert(static_cast<std::int32_t>(index));
            }
        }
        return target;
    }

private:
    static constexpr std::size_t kNobody = SIZE_MAX;
    static constexpr int kMaxRounds = 16;
    struct Topic {
        std::vector<std::size_t> subscribers;
        std::vector<std::size_t> owners;  // Of each partition.
    };

    // Those with more partitions for each subscriber, then those with fewer subscribers.
    bool harder(const Uuid& a, const Uuid& b) const {
        const Topic& one = topics_.at(a);
        const Topic& other = topics_.at(b);
        // a / b > c / d, without rounding.
        const std::size_t left = one.owners.size() * other.subscribers.size();
        const std::size_t right = other.owners.size() * one.subscribers.size();
        if (left != right) return left > right;
        if (one.subscribers.size() != other.subscribers.size()) {
            return one.subscribers.size() < other.subscribers.size();
        }
        return a < b;
    }
    bool has_less(std::size_t a, std::size_t b) const {
        return sizes_[a] != sizes_[b] ? sizes_[a] < sizes_[b] : a < b;
    }
    void assign_rest(Topic& topic) {
        std::set<std::pair<std::size_t, std::size_t>> by_size;  // Partitions of a member, member.
        for (const std::size_t member : topic.subscribers) by_size.emplace(sizes_[member], member);
        for (std::size_t& owner : topic.owners) {
            if (owner != kNobody) continue;
            owner = by_size.begin()->second;
            by_size.erase(by_size.begin());
            by_size.emplace(++sizes_[owner], owner);
        }
    }
    void balance() {
        for (int round = 0; round < kMaxRounds; ++round) {
            bool moved = false;
            for (const Uuid& id : order_) moved = balance(topics_.at(id)) || moved;
            if (!moved) return;
        }
    }
    bool balance(Topic& topic) {
        if (topic.subscribers.size() < 2) return false;
        std::map<std::size_t, std::vector<std::size_t>>
            owned;  // By member; the last one goes first.
        for (std::size_t index = 0; index < topic.owners.size(); ++index) {
            if (topic.owners[index] != kNobody) owned[topic.owners[index]].push_back(index);
        }
        bool moved = false;
        std::vector<std::size_t> givers = topic.subscribers;
        while (true) {
            std::erase_if(givers, [&](std::size_t member) { return owned[member].empty(); });
            if (givers.empty()) return moved;
            const auto less = [this](std::size_t a, std::size_t b) { return has_less(a, b); };
            const std::size_t most = *std::ranges::max_element(givers, less);
            const std::size_t least = *std::ranges::min_element(topic.subscribers, less);
            if (sizes_[most] <= sizes_[least] + 1) return moved;
            const std::size_t partition = owned[most].back();
            owned[most].pop_back();
            topic.owners[partition] = least;
            --sizes_[most];
            ++sizes_[least];
            moved = true;
        }
    }

    std::vector<std::string> ids_;
    std::vector<std::size_t> sizes_;  // Partitions of each member, of all topics.
    std::map<Uuid, Topic> topics_;
    std::vector<Uuid> order_;
};

}  // namespace

TargetAssignment assign_uniform(const AssignorMembers& members, const PartitionCounts& partitions) {
    if (members.empty()) return {};
    const auto& first = members.begin()->second.topics;
    const bool alike = std::ranges::all_of(
        members, [&](const auto& member) { return member.second.topics == first; });
    if (alike) return assign_alike(members, partitions);
    return Balancer(members, partitions).assign();
}

}  // namespace millrace::broker
