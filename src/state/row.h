// Row and Layout: how one keyed row of an operator's state lies in memory.
//
// A row is one block: the Row header, one bit a value column that is set when the column is null,
// the value cells, then the key's bytes. Int64 and Double take 8 bytes, Int128 16, and Text 8: a
// pointer to a blob of its own, so that rows never move. What the key's bytes mean is the caller's
// business. Not thread-safe.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::state {

enum class CellKind : std::uint8_t { kInt64, kDouble, kInt128, kText };

struct Int128 {
    std::uint64_t low = 0;
    std::int64_t high = 0;
    bool operator==(const Int128&) const = default;
};

// What the rows of a store hold. Timed rows carry an event time by which they are evicted.
struct Schema {
    std::vector<CellKind> values;
    bool timed = false;
    // Says in words what the columns are; a store of another description is refused.
    std::string description;
    bool operator==(const Schema&) const = default;
};

struct Row {
    std::uint64_t hash = 0;
    std::int64_t time_us = 0;  // Timed rows only.
    std::uint32_t key_bytes = 0;
    std::uint32_t time_index = 0;  // Where the time index holds it.
    bool dirty = false;            // Written in this batch.
    bool fresh = false;            // Made in this batch: no earlier version holds it.
    bool removed = false;          // Freed when the batch is committed.
};

class Layout {
public:
    explicit Layout(const Schema& schema);

    std::size_t columns() const { return kinds_.size(); }
    CellKind kind(std::size_t column) const { return kinds_[column]; }
    std::size_t bytes_without_key() const { return key_offset_; }
    // Nothing but fixed-width cells, so that a row's values are copied as one block.
    bool has_text() const { return has_text_; }

    bool is_null(const Row& row, std::size_t column) const {
        return (nulls(row)[column / 64] >> (column % 64) & 1) != 0;
    }
    void set_null(Row& row, std::size_t column, bool null) const {
        const std::uint64_t bit = std::uint64_t{1} << (column % 64);
        if (null) {
            nulls(row)[column / 64] |= bit;
        } else {
            nulls(row)[column / 64] &= ~bit;
        }
    }
    // T is int64_t, double or Int128 as the column's kind says.
    template <class T>
    T& cell(Row& row, std::size_t column) const {
        return *reinterpret_cast<T*>(reinterpret_cast<char*>(&row) + offsets_[column]);
    }
    template <class T>
    const T& cell(const Row& row, std::size_t column) const {
        return *reinterpret_cast<const T*>(reinterpret_cast<const char*>(&row) + offsets_[column]);
    }
    std::string_view text(const Row& row, std::size_t column) const;
    void set_text(Row& row, std::size_t column, std::string_view text) const;
    void free_texts(Row& row) const;
    // Bytes that the row's texts take outside of it.
    std::size_t text_bytes(const Row& row) const;

    std::string_view key(const Row& row) const {
        return {reinterpret_cast<const char*>(&row) + key_offset_, row.key_bytes};
    }
    char* key_data(Row& row) const { return reinterpret_cast<char*>(&row) + key_offset_; }
    // All values null; for a new row, whose cells hold anything.
    void clear_values(Row& row) const;
    // All values null; frees texts.
    void clear_cells(Row& row) const {
        free_texts(row);
        clear_values(row);
    }

    // The value part of an entry on disk: docs/formats/state_delta.md.
    void append_values(const Row& row, std::string& to) const;
    // False when `bytes` are not such a part. The row's values must be clear.
    bool read_values(std::string_view bytes, Row& row) const;

private:
    std::uint64_t* nulls(Row& row) const {
        return reinterpret_cast<std::uint64_t*>(reinterpret_cast<char*>(&row) + sizeof(Row));
    }
    const std::uint64_t* nulls(const Row& row) const {
        return reinterpret_cast<const std::uint64_t*>(reinterpret_cast<const char*>(&row) +
                                                      sizeof(Row));
    }

    std::vector<CellKind> kinds_;
    std::vector<std::uint32_t> offsets_;
    std::size_t key_offset_ = 0;
    bool timed_ = false;
    bool has_text_ = false;
};

}  // namespace millrace::state
