#include "state/table.h"

#include <new>

#include "base/check.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millrace::state {

namespace {

// Bit i is set when tags[i] == tag, for 16 tags.
inline std::uint32_t match(const std::uint8_t* tags, std::uint8_t tag) {
#if defined(__SSE2__)
    const __m128i group = _mm_loadu_si128(reinterpret_cast<const __m128i*>(tags));
    const __m128i equal = _mm_cmpeq_epi8(group, _mm_set1_epi8(static_cast<char>(tag)));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(equal));
#else
    std::uint32_t bits = 0;
    for (unsigned i = 0; i < 16; ++i) bits |= static_cast<std::uint32_t>(tags[i] == tag) << i;
    return bits;
#endif
}

// Floor division, for times before the epoch.
std::int64_t time_slot(std::int64_t time_us, std::int64_t width) {
    return time_us / width - (time_us % width < 0 ? 1 : 0);
}

}  // namespace

Table::Table(const Schema& schema) : layout_(schema), timed_(schema.timed) {
    segments_.push_back(std::make_unique<Segment>());
    directory_.push_back(segments_.front().get());
}

Table::~Table() {
    if (!layout_.has_text() && arena_.large_blocks() == 0) return;
    const auto free = [this](Row& row) {
        layout_.free_texts(row);
        arena_.free(&row, layout_.bytes_without_key() + row.key_bytes);
    };
    for_each(free);
    for (Row* row : freed_) free(*row);
}

std::size_t Table::memory_bytes() const {
    return arena_.memory_bytes() + segments_.size() * sizeof(Segment) +
           directory_.size() * sizeof(Segment*) + (timed_ ? rows_ * sizeof(Row*) : 0);
}

void Table::prefetch_segment(std::uint64_t hash) const {
    const Segment& segment = segment_of(hash);
    __builtin_prefetch(&segment.tags[start_of(hash)]);
}

void Table::prefetch_row(std::uint64_t hash) const {
    const Segment& segment = segment_of(hash);
    const std::size_t start = start_of(hash);
    const std::uint32_t hits = match(&segment.tags[start], tag_of(hash));
    if (hits == 0) return;
    const Row* row = segment.rows[start + static_cast<std::size_t>(__builtin_ctz(hits))];
    __builtin_prefetch(row, 1);
    __builtin_prefetch(reinterpret_cast<const char*>(row) + 64, 1);
}

std::size_t Table::probe(const Segment& segment, std::uint64_t hash, std::string_view key,
                         bool& found) const {
    const std::uint8_t tag = tag_of(hash);
    std::size_t group = start_of(hash);
    std::size_t free = kSlots;
    for (std::size_t looked = 0; looked < kSlots; looked += 16, group = (group + 16) % kSlots) {
        for (std::uint32_t hits = match(&segment.tags[group], tag); hits != 0; hits &= hits - 1) {
            const std::size_t slot = group + static_cast<std::size_t>(__builtin_ctz(hits));
            const Row& row = *segment.rows[slot];
            if (row.hash == hash && layout_.key(row) == key) {
                found = true;
                return slot;
            }
        }
        if (free == kSlots) {
            const std::uint32_t open =
                match(&segment.tags[group], kEmpty) | match(&segment.tags[group], kDeleted);
            if (open != 0) free = group + static_cast<std::size_t>(__builtin_ctz(open));
        }
        if (match(&segment.tags[group], kEmpty) != 0) break;
    }
    found = false;
    return free;
}

Row* Table::find(std::uint64_t hash, std::string_view key) const {
    const Segment& segment = segment_of(hash);
    bool found = false;
    const std::size_t slot = probe(segment, hash, key, found);
    return found ? segment.rows[slot] : nullptr;
}

void Table::place(Segment& segment, Row* row) {
    std::size_t group = start_of(row->hash);
    for (;; group = (group + 16) % kSlots) {
        const std::uint32_t open = match(&segment.tags[group], kEmpty);
        if (open == 0) continue;
        const std::size_t slot = group + static_cast<std::size_t>(__builtin_ctz(open));
        segment.tags[slot] = tag_of(row->hash);
        segment.rows[slot] = row;
        ++segment.used;
        ++segment.count;
        return;
    }
}

void Table::grow(std::uint64_t hash) {
    Segment& full = segment_of(hash);
    std::vector<Row*> rows;
    rows.reserve(full.count);
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
        if (full.tags[slot] >= 0x80) rows.push_back(full.rows[slot]);
    }
    full.tags.fill(kEmpty);
    full.used = 0;
    full.count = 0;
    if (rows.size() <= kFull / 2) {  // Mostly deleted slots: the same segment is large enough.
        for (Row* row : rows) place(full, row);
        return;
    }
    if ((std::uint64_t{1} << full.depth) == directory_.size()) {
        MR_CHECK(directory_.size() < (std::uint64_t{1} << 31));
        directory_.reserve(directory_.size() * 2);
        directory_.insert(directory_.end(), directory_.begin(), directory_.end());
        mask_ = directory_.size() - 1;
    }
    segments_.push_back(std::make_unique<Segment>());
    Segment& sibling = *segments_.back();
    const std::uint64_t bit = std::uint64_t{1} << full.depth;
    sibling.depth = ++full.depth;
    for (std::uint64_t at = (hash & (bit - 1)) | bit; at < directory_.size(); at += bit * 2) {
        directory_[at] = &sibling;
    }
    for (Row* row : rows) place((row->hash & bit) != 0 ? sibling : full, row);
}

Row* Table::upsert(std::uint64_t hash, std::string_view key, std::int64_t time_us, bool& inserted) {
    bool found = false;
    Segment* segment = &segment_of(hash);
    std::size_t slot = probe(*segment, hash, key, found);
    if (found) {
        Row* row = segment->rows[slot];
        inserted = false;
        touch(*row);
        return row;
    }
    while (segment->used >= kFull) {
        grow(hash);
        segment = &segment_of(hash);
        slot = probe(*segment, hash, key, found);
    }
    Row* row = new (arena_.allocate(layout_.bytes_without_key() + key.size())) Row();
    row->hash = hash;
    row->time_us = time_us;
    row->key_bytes = static_cast<std::uint32_t>(key.size());
    row->dirty = true;
    row->fresh = true;
    layout_.clear_values(*row);
    std::memcpy(layout_.key_data(*row), key.data(), key.size());
    if (segment->tags[slot] == kEmpty) ++segment->used;
    segment->tags[slot] = tag_of(hash);
    segment->rows[slot] = row;
    ++segment->count;
    ++rows_;
    changed_.push_back(row);
    if (timed_) note_time(*row);
    inserted = true;
    return row;
}

void Table::touch(Row& row) {
    if (row.dirty) return;
    row.dirty = true;
    changed_.push_back(&row);
}

void Table::remove(Row& row) {
    Segment& segment = segment_of(row.hash);
    bool found = false;
    const std::size_t slot = probe(segment, row.hash, layout_.key(row), found);
    MR_CHECK(found && segment.rows[slot] == &row);
    const std::size_t group = slot / 16 * 16;
    // A probe that would have passed this slot ends in this group anyway when it has an empty one.
    if (match(&segment.tags[group], kEmpty) != 0) {
        segment.tags[slot] = kEmpty;
        --segment.used;
    } else {
        segment.tags[slot] = kDeleted;
    }
    --segment.count;
    --rows_;
    if (timed_) forget_time(row);
    row.removed = true;
    if (!row.fresh) tombstones_.push_back(&row);
    freed_.push_back(&row);
}

void Table::note_time(Row& row) {
    const std::int64_t slot = time_slot(row.time_us, kTimeSlotUs);
    if (last_time_rows_ == nullptr || slot != last_time_slot_) {
        last_time_rows_ = &by_time_[slot];
        last_time_slot_ = slot;
    }
    row.time_index = static_cast<std::uint32_t>(last_time_rows_->size());
    last_time_rows_->push_back(&row);
}

void Table::forget_time(Row& row) {
    const auto entry = by_time_.find(time_slot(row.time_us, kTimeSlotUs));
    MR_CHECK(entry != by_time_.end() && entry->second[row.time_index] == &row);
    Row* last = entry->second.back();
    entry->second[row.time_index] = last;
    last->time_index = row.time_index;
    entry->second.pop_back();
    if (entry->second.empty()) {
        last_time_rows_ = nullptr;
        by_time_.erase(entry);
    }
}

void Table::evict(std::int64_t time_us, const std::function<void(Row&)>& visit) {
    std::vector<Row*> due;
    for (const auto& [slot, rows] : by_time_) {
        if (slot > time_slot(time_us, kTimeSlotUs)) break;
        for (Row* row : rows) {
            if (row->time_us <= time_us) due.push_back(row);
        }
    }
    for (Row* row : due) {
        visit(*row);
        remove(*row);
    }
}

void Table::for_each_between(std::int64_t after_us, std::int64_t until_us,
                             const std::function<void(Row&)>& visit) const {
    const auto first = by_time_.lower_bound(time_slot(after_us, kTimeSlotUs));
    const auto last = by_time_.upper_bound(time_slot(until_us, kTimeSlotUs));
    for (auto slot = first; slot != last; ++slot) {
        for (Row* row : slot->second) {
            if (row->time_us > after_us && row->time_us <= until_us) visit(*row);
        }
    }
}

void Table::for_each(const std::function<void(Row&)>& visit) const {
    for (const auto& segment : segments_) {
        for (std::size_t slot = 0; slot < kSlots; ++slot) {
            if (segment->tags[slot] >= 0x80) visit(*segment->rows[slot]);
        }
    }
}

void Table::for_each_changed(const std::function<void(Row&)>& visit) const {
    for (Row* row : changed_) {
        if (!row->removed) visit(*row);
    }
}

void Table::end_batch() {
    for (Row* row : changed_) {
        row->dirty = false;
        row->fresh = false;
    }
    changed_.clear();
    tombstones_.clear();
    for (Row* row : freed_) {
        layout_.free_texts(*row);
        arena_.free(row, layout_.bytes_without_key() + row->key_bytes);
    }
    freed_.clear();
}

}  // namespace millrace::state
