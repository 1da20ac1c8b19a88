// RowIndex: rows of a store found by a part of their key: what follows a prefix of fixed width.
//
// The store finds rows by their whole key; an operator that keeps several rows for one key of its
// query gives each a prefix of its own, and finds them all here. Lives in memory alone and is made
// anew when the store is opened. Belongs to the operator.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "state/hash.h"
#include "state/row.h"

namespace millrace::streaming {

class RowIndex {
public:
    explicit RowIndex(std::size_t prefix) : prefix_(prefix) {}

    std::string_view key_of(const state::Layout& layout, const state::Row& row) const {
        return layout.key(row).substr(prefix_);
    }
    void clear() { rows_.clear(); }
    void add(const state::Layout& layout, state::Row& row) {
        rows_[state::hash_key(key_of(layout, row))].push_back(&row);
    }
    // The rows with this key, in the order they were added.
    void find(const state::Layout& layout, std::string_view key,
              std::vector<state::Row*>& found) const {
        found.clear();
        const auto list = rows_.find(state::hash_key(key));
        if (list == rows_.end()) return;
        for (state::Row* row : list->second) {
            if (key_of(layout, *row) == key) found.push_back(row);
        }
    }
    // Forgets rows that were removed from the store; each list is gone through once, however many
    // of its rows go.
    void forget(const state::Layout& layout, const std::vector<state::Row*>& removed) {
        std::unordered_set<std::uint64_t> done;
        for (const state::Row* row : removed) {
            const std::uint64_t hash = state::hash_key(key_of(layout, *row));
            if (!done.insert(hash).second) continue;
            const auto list = rows_.find(hash);
            if (list == rows_.end()) continue;
            std::erase_if(list->second, [](const state::Row* kept) { return kept->removed; });
            if (list->second.empty()) rows_.erase(list);
        }
    }

private:
    const std::size_t prefix_;
    // Rows whose keys have the same hash; nearly always that is one key.
    std::unordered_map<std::uint64_t, std::vector<state::Row*>> rows_;
};

}  // namespace millrace::streaming
