#include "broker/share/simple_assignor.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace millrace::broker {
namespace {

using TopicPartition = std::pair<kafka::Uuid, std::int32_t>;
constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

// Gives each of `many` one of `few`, so that each of the few has about as many as the others.
// `wished(i)` calls back with what i would like to have, best first.
template <class Wishes>
std::vector<std::size_t> match(std::size_t many, std::size_t few, Wishes wished) {
    std::vector<std::size_t> matches(many, kNone);
    std::vector<std::size_t> load(few, 0);
    const std::size_t least = many / few;
    std::size_t extra = many % few;  // So many of the few may have one more than `least`.
    const auto take = [&](std::size_t one, std::size_t of) {
        if (load[of] > least || (load[of] == least && extra == 0)) return false;
        if (load[of] == least) --extra;
        ++load[of];
        matches[one] = of;
        return true;
    };
    for (std::size_t one = 0; one < many; ++one) {
        wished(one, [&](std::size_t of) { return matches[one] == kNone && take(one, of); });
    }
    std::size_t next = 0;
    for (std::size_t one = 0; one < many; ++one) {
        if (matches[one] != kNone) continue;
        // First those with room below `least`, then those that take one more.
        std::size_t tried = 0;
        while (tried < few && load[next] >= least) {
            next = (next + 1) % few;
            ++tried;
        }
        while (!take(one, next)) next = (next + 1) % few;
        next = (next + 1) % few;
    }
    return matches;
}

// Spreads `partitions` over the members with the given numbers.
void spread(const std::vector<TopicPartition>& partitions, const std::vector<std::size_t>& who,
            const std::vector<ShareSubscription>& members, std::vector<ShareAssignment>& into) {
    if (partitions.empty() || who.empty()) return;
    const auto had = [&](std::size_t member, const TopicPartition& partition) {
        const auto topic = members[who[member]].before.find(partition.first);
        return topic != members[who[member]].before.end() &&
               std::ranges::binary_search(topic->second, partition.second);
    };
    const auto give = [&](std::size_t member, std::size_t partition) {
        const auto& [topic, index] = partitions[partition];
        into[who[member]][topic].push_back(index);
    };
    if (who.size() > partitions.size()) {
        const auto matches =
            match(who.size(), partitions.size(), [&](std::size_t member, const auto& want) {
                for (std::size_t p = 0; p < partitions.size(); ++p) {
                    if (had(member, partitions[p]) && want(p)) return;
                }
            });
        for (std::size_t member = 0; member < who.size(); ++member) give(member, matches[member]);
        return;
    }
    const auto matches =
        match(partitions.size(), who.size(), [&](std::size_t partition, const auto& want) {
            for (std::size_t member = 0; member < who.size(); ++member) {
                if (had(member, partitions[partition]) && want(member)) return;
            }
        });
    for (std::size_t p = 0; p < partitions.size(); ++p) give(matches[p], p);
}

}  // namespace

std::vector<ShareAssignment> assign_simply(const std::vector<ShareSubscription>& members,
                                           const std::map<kafka::Uuid, ShareTopic>& topics) {
    std::vector<ShareAssignment> assignments(members.size());
    const bool alike = std::ranges::all_of(members, [&](const ShareSubscription& one) {
        return one.topics == members.front().topics;
    });
    std::vector<TopicPartition> partitions;
    std::vector<std::size_t> who;
    const auto add = [&](const ShareTopic& topic) {
        for (std::int32_t p = 0; p < topic.partitions; ++p) partitions.emplace_back(topic.id, p);
    };
    if (alike && !members.empty()) {
        for (std::size_t i = 0; i < members.size(); ++i) who.push_back(i);
        for (const kafka::Uuid& id : members.front().topics) {
            const auto topic = topics.find(id);
            if (topic != topics.end()) add(topic->second);
        }
        spread(partitions, who, members, assignments);
    } else {
        for (const auto& [id, topic] : topics) {
            partitions.clear();
            who.clear();
            add(topic);
            for (std::size_t i = 0; i < members.size(); ++i) {
                if (std::ranges::find(members[i].topics, id) != members[i].topics.end()) {
                    who.push_back(i);
                }
            }
            spread(partitions, who, members, assignments);
        }
    }
    for (ShareAssignment& assignment : assignments) {
        for (auto& [id, list] : assignment) std::ranges::sort(list);
    }
    return assignments;
}

}  // namespace millrace::broker
