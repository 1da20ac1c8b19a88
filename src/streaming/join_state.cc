#include <algorithm>

#include "streaming/join_state_internal.h"

namespace millrace::streaming {

using state::Row;

namespace {

std::uint64_t number_of(std::string_view key) {
    std::uint64_t number = 0;
    for (std::size_t i = 1; i <= sizeof(number); ++i) {
        number = number << 8 | static_cast<std::uint8_t>(key[i]);
    }
    return number;
}

}  // namespace

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
    for (RowIndex& side : index_) side.clear();
    std::vector<Row*> rows;
    store.for_each([&](Row& row) { rows.push_back(&row); });
    const state::Layout& layout = store.layout();
    std::ranges::sort(rows, {}, [&](const Row* row) { return layout.key(*row); });
    for (Row* row : rows) {
        index(side_of(*row)).add(layout, *row);
        next_number_ = std::max(next_number_, number_of(layout.key(*row)) + 1);
    }
}

const std::vector<Row*>& JoinRows::find(JoinSide side, std::string_view key) {
    index(side).find(store_->layout(), key, found_);
    return found_;
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
        index(side).add(layout, kept);
    }
}

std::vector<Row*> JoinRows::evict(std::int64_t time_us) {
    std::vector<Row*> gone;
    store_->evict(time_us, [&](Row& row) { gone.push_back(&row); });
    const state::Layout& layout = store_->layout();
    for (RowIndex& side : index_) side.forget(layout, gone);
    std::ranges::sort(gone, {}, [&](const Row* row) { return layout.key(*row); });
    return gone;
}

}  // namespace millrace::streaming
