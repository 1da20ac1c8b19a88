#include "storage/offset_index.h"

namespace millrace::storage {

using base::Result;

void OffsetIndex::note(model::Offset offset, std::uint32_t position_bytes) {
    char entry[kEntryBytes];
    base::store_big_endian(entry, static_cast<std::int32_t>(offset - base_));
    base::store_big_endian(entry + 4, position_bytes);
    file_.append({entry, sizeof(entry)});
}

Result<OffsetIndex::Entry> OffsetIndex::at(std::uint64_t index) const {
    char entry[kEntryBytes];
    MR_TRY_VOID(file_.read(index, entry));
    return Entry{base_ + base::load_big_endian<std::int32_t>(entry),
                 base::load_big_endian<std::uint32_t>(entry + 4)};
}

Result<OffsetIndex::Entry> OffsetIndex::find(model::Offset offset) const {
    Entry best{base_, 0};
    std::uint64_t low = 0;
    std::uint64_t high = file_.entries();
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        MR_TRY(const Entry entry, at(middle));
        if (entry.offset <= offset) {
            best = entry;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return best;
}

Result<std::optional<OffsetIndex::Entry>> OffsetIndex::find_position(
    std::uint64_t position_bytes) const {
    std::optional<Entry> best;
    std::uint64_t low = 0;
    std::uint64_t high = file_.entries();
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        MR_TRY(const Entry entry, at(middle));
        if (entry.position_bytes >= position_bytes) {
            best = entry;
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return best;
}

}  // namespace millrace::storage
