// JoinRows: the kept rows of both sides of a join, found by their equality key.
//
// In the store each is a row of its own under (side, number, key), so that a batch costs what came
// and what went, however many rows share a key. Numbers only grow: in their order the rows came.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "state/store.h"
#include "streaming/row_index_internal.h"

namespace millrace::streaming {

enum class JoinSide : std::uint8_t { kLeft, kRight };

class JoinRows {
public:
    static constexpr std::size_t kMatched = 0;  // Value columns of the store.
    static constexpr std::size_t kRow = 1;
    static std::vector<state::CellKind> values() {
        return {state::CellKind::kInt64, state::CellKind::kText};
    }

    // A row to be kept.
    struct New {
        std::string_view key;
        std::string_view row;
        std::int64_t time_us = 0;
        bool matched = false;
    };

    void load(state::Store& store);
    // The rows of a side with this key, in the order they came; valid until the next call.
    const std::vector<state::Row*>& find(JoinSide side, std::string_view key);
    void append(JoinSide side, const std::vector<New>& rows);
    // Takes the rows with a time at or before `time_us` out, in the order they came, left side
    // first. They stay readable until the batch is committed.
    std::vector<state::Row*> evict(std::int64_t time_us);

    JoinSide side_of(const state::Row& row) const;
    bool matched(const state::Row& row) const;
    void set_matched(state::Row& row);
    std::string_view row(const state::Row& row) const;

private:
    static constexpr std::size_t kPrefix = 9;  // The side's byte and the number, big-endian.
    RowIndex& index(JoinSide side) { return index_[static_cast<std::size_t>(side)]; }

    state::Store* store_ = nullptr;
    RowIndex index_[2] = {RowIndex(kPrefix), RowIndex(kPrefix)};
    std::uint64_t next_number_ = 0;
    std::vector<state::Row*> found_;
    state::KeyBatch keys_;  // Scratch of append().
    std::vector<state::Row*> rows_;
    std::vector<std::uint8_t> inserted_;
};

}  // namespace millrace::streaming
