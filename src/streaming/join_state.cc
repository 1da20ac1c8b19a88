#include <algorithm>
#include <unordered_set>

#include "state/hash.h"
#include "streaming/join_state_internal.h"

namespace millrace::streaming {

using state::Row;

namespace {

constexpr std::size_t kPrefix = 9;  // The side's byte and the number, big-endian.

std::uint64_t number_of(std::string_view key) {
    std::uint64_t number = 0;
    for (std::size_t i = 1; i < kPrefix; ++i) {
        number = number << 8 | static_cast<std::uint8_t>(key[i]);
    }
    return number;
}

}  // namespace

std::string_view JoinRows::key_of(const Row& row) const {
    return store_->layout().key(row).substr(kPrefix);
}

JoinSide JoinRows::side_of(const Row& row) const {
    return store_->layout().key(row)[0] == 0 ? JoinSide::kLeft : JoinSide::kRight;
}

bool JoinRows::matched(const Row& row) const {
    return store_->layout().cell<std::int64_t>(row, kMatched) != 0;
}

void JoinRows::set_matched(Row& row) {
    store_->layout().cell<std::int64_t>(row, kMatched) = 1;
    store_->touch(row);
}

std::string_view JoinRows::row(const Row& row) const {
    return store_->layout().text(row, kRow);
}

void JoinRows::load(state::Store& store) {
    store_ = &store;
    next_number_ = 0;
    for (Index& side : index_) side.clear();
    std::vector<Row*> rows;
    store.for_each([&](Row& row) { rows.push_back(&row); });
    const state::Layout& layout = store.layout();
    std::ranges::sort(rows, {}, [&](const Row* row) { return layout.key(*row); });
    for (Row* row : rows) {
        index(side_of(*row))[state::hash_key(key_of(*row))].push_back(row);
        next_number_ = std::max(next_number_, number_of(layout.key(*row)) + 1);
    }
}

const std::vector<Row*>* JoinRows::find(JoinSide side, std::string_view key) {
    const auto found = index(side).find(state::hash_key(key));
    if (found == index(side).end()) return nullptr;
    const auto same = [&](const Row* row) { return key_of(*row) == key; };
    if (std::ranges::all_of(found->second, same)) return &found->second;
    found_.clear();
    std::ranges::copy_if(found->second, std::back_inserter(found_), same);
    return found_.empty() ? nullptr : &found_;
}

void JoinRows::append(JoinSide side, const std::vector<New>& rows) {
    keys_.clear();
    for (const New& row : rows) {
        keys_.bytes.push_back(static_cast<char>(side));
        for (int shift = 56; shift >= 0; shift -= 8) {
            keys_.bytes.push_back(static_cast<char>(next_number_ >> shift));
        }
        ++next_number_;
        keys_.bytes += row.key;
        keys_.end_key();
        keys_.times_us.push_back(row.time_us);
    }
    store_->upsert(keys_, rows_, inserted_);
    const state::Layout& layout = store_->layout();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        Row& kept = *rows_[i];
        layout.set_null(kept, kMatched, false);
        layout.cell<std::int64_t>(kept, kMatched) = rows[i].matched ? 1 : 0;
        layout.set_null(kept, kRow, false);
        layout.set_text(kept, kRow, rows[i].row);
        index(side)[state::hash_key(rows[i].key)].push_back(&kept);
    }
}

std::vector<Row*> JoinRows::evict(std::int64_t time_us) {
    std::vector<Row*> gone;
    store_->evict(time_us, [&](Row& row) { gone.push_back(&row); });
    // Each list of the index is gone through once, however many of its rows go.
    std::unordered_set<std::uint64_t> done[2];
    for (const Row* row : gone) {
        const JoinSide side = side_of(*row);
        const std::uint64_t hash = state::hash_key(key_of(*row));
        if (!done[static_cast<std::size_t>(side)].insert(hash).second) continue;
        const auto list = index(side).find(hash);
        std::erase_if(list->second, [](const Row* kept) { return kept->removed; });
        if (list->second.empty()) index(side).erase(list);
    }
    const state::Layout& layout = store_->layout();
    std::ranges::sort(gone, {}, [&](const Row* row) { return layout.key(*row); });
    return gone;
}

std::size_t JoinRows::index_bytes() const {
    std::size_t bytes = 0;
    for (const Index& side : index_) {
        // A list and its node, and a pointer a row, which the store counts.
        bytes += side.size() * (sizeof(Index::value_type) + 2 * sizeof(void*));
    }
    return bytes + (store_ == nullptr ? 0 : store_->rows() * sizeof(void*));
}

}  // namespace millrace::streaming
