// Table: the rows of one bucket, found by key.
//
// Extendible hashing: a directory of segments of kSlots slots each; a full segment splits alone, so
// no insert ever pays for the size of the table. Slots carry one byte of the hash (the tag), 16 of
// which are compared at once. Rows never move, so Row pointers hold until the row is removed and
// the batch committed. Large segments of memory are touched once per operation; prefetch() some
// rows ahead hides that. A batch is: upsert and remove rows, then end_batch(). Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "state/arena.h"
#include "state/row.h"

namespace millrace::state {

class Table {
public:
    explicit Table(const Schema& schema);
    ~Table();
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    const Layout& layout() const { return layout_; }
    std::size_t rows() const { return rows_; }
    std::size_t memory_bytes() const;

    // Bring the segment, then the row, of a hash near.
    void prefetch_segment(std::uint64_t hash) const;
    void prefetch_row(std::uint64_t hash) const;

    Row* find(std::uint64_t hash, std::string_view key) const;
    // The row of the key, marked as written in this batch; a new one has all values null.
    // `time_us` counts for a new row of a timed schema.
    Row* upsert(std::uint64_t hash, std::string_view key, std::int64_t time_us, bool& inserted);
    // Marks a row as written in this batch, for who changes one that it held on to.
    void touch(Row& row);
    // The row stays readable until end_batch().
    void remove(Row& row);
    // Remove every row whose time is at or before `time_us`, earliest first, after `visit`. Costs
    // what is removed.
    void evict(std::int64_t time_us, const std::function<void(Row&)>& visit);

    // The rows with a time in (after_us, until_us], earliest second first.
    void for_each_between(std::int64_t after_us, std::int64_t until_us,
                          const std::function<void(Row&)>& visit) const;

    // Every row, in an order that depends on keys alone.
    void for_each(const std::function<void(Row&)>& visit) const;
    // The rows written in this batch and not removed, in the order of their first write.
    void for_each_changed(const std::function<void(Row&)>& visit) const;
    // The keys of rows that were removed in this batch but are in the version before it.
    const std::vector<Row*>& tombstones() const { return tombstones_; }
    // What was written is no longer new; removed rows are freed.
    void end_batch();

private:
    static constexpr std::size_t kSlots = 512;
    static constexpr std::size_t kFull = 448;
    static constexpr std::uint8_t kEmpty = 0;
    static constexpr std::uint8_t kDeleted = 1;
    static constexpr std::int64_t kTimeSlotUs = 1'000'000;

    struct Segment {
        std::array<std::uint8_t, kSlots> tags{};
        std::array<Row*, kSlots> rows;
        std::uint32_t depth = 0;  // Low bits of the hash that all its rows share.
        std::uint32_t used = 0;   // Rows and deleted slots.
        std::uint32_t count = 0;
    };
    static std::uint8_t tag_of(std::uint64_t hash) {
        return static_cast<std::uint8_t>(0x80 | ((hash >> 33) & 0x7f));
    }
    static std::size_t start_of(std::uint64_t hash) { return ((hash >> 24) & 31) * 16; }
    Segment& segment_of(std::uint64_t hash) const { return *directory_[hash & mask_]; }
    // The slot of the key, or of the first free slot on its way (then `found` is false).
    std::size_t probe(const Segment& segment, std::uint64_t hash, std::string_view key,
                      bool& found) const;
    static void place(Segment& segment, Row* row);
    // Make room in the full segment of `hash`.
    void grow(std::uint64_t hash);
    void note_time(Row& row);
    void forget_time(Row& row);

    const Layout layout_;
    const bool timed_;
    Arena arena_;
    std::vector<std::unique_ptr<Segment>> segments_;
    std::vector<Segment*> directory_;
    std::uint64_t mask_ = 0;
    std::size_t rows_ = 0;
    std::vector<Row*> changed_;
    std::vector<Row*> tombstones_;
    std::vector<Row*> freed_;
    // Timed rows by second, so that eviction finds them without looking at the others.
    std::map<std::int64_t, std::vector<Row*>> by_time_;
    std::int64_t last_time_slot_ = 0;
    std::vector<Row*>* last_time_rows_ = nullptr;
};

}  // namespace millrace::state
