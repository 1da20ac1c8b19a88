#include "broker/group/pending_offsets.h"

namespace millrace::broker {

void PendingOffsets::add(std::int64_t producer_id, Item item) {
    Key key{std::move(item.group), std::move(item.name)};
    auto& held = transactions_[producer_id];
    if (!held.contains(key)) ++counts_[key];
    held.insert_or_assign(std::move(key), Value{std::move(item.offset), item.position});
}

std::vector<PendingOffsets::Item> PendingOffsets::take(std::int64_t producer_id,
                                                       model::Offset marker) {
    std::vector<Item> items;
    const auto found = transactions_.find(producer_id);
    if (found == transactions_.end()) return items;
    std::erase_if(found->second, [&](auto& one) {
        auto& [key, value] = one;
        if (value.position > marker) return false;
        const auto count = counts_.find(key);
        if (--count->second == 0) counts_.erase(count);
        items.push_back({key.first, key.second, std::move(value.offset), value.position});
        return true;
    });
    if (found->second.empty()) transactions_.erase(found);
    return items;
}

void PendingOffsets::forget_topic(const std::string& topic) {
    for (auto& [id, held] : transactions_) {
        std::erase_if(held, [&](const auto& one) { return one.first.second.topic == topic; });
    }
    std::erase_if(counts_, [&](const auto& one) { return one.first.second.topic == topic; });
    std::erase_if(transactions_, [](const auto& one) { return one.second.empty(); });
}

void PendingOffsets::forget(const std::string& group, const OffsetName& name) {
    const Key key{group, name};
    if (counts_.erase(key) == 0) return;
    for (auto& [id, held] : transactions_) held.erase(key);
    std::erase_if(transactions_, [](const auto& one) { return one.second.empty(); });
}

std::vector<OffsetName> PendingOffsets::names(const std::string& group) const {
    std::vector<OffsetName> names;
    for (auto at = counts_.lower_bound({group, OffsetName{"", INT32_MIN}});
         at != counts_.end() && at->first.first == group; ++at) {
        names.push_back(at->first.second);
    }
    return names;
}

bool PendingOffsets::holds(const std::string& group, const OffsetName& name) const {
    return counts_.contains({group, name});
}

bool PendingOffsets::holds(const std::string& group) const {
    const auto first = counts_.lower_bound({group, OffsetName{"", INT32_MIN}});
    return first != counts_.end() && first->first.first == group;
}

}  // namespace millrace::broker
