#include "storage/time_index.h"

namespace millrace::storage {

using base::Result;

void TimeIndex::note(const Entry& entry) {
    char raw[kEntryBytes];
    base::store_big_endian(raw, entry.timestamp.ms);
    base::store_big_endian(raw + 8, static_cast<std::int32_t>(entry.offset - base_));
    file_.append({raw, sizeof(raw)});
}

Result<TimeIndex::Entry> TimeIndex::at(std::uint64_t index) const {
    char raw[kEntryBytes];
    MR_TRY_VOID(file_.read(index, raw));
    return Entry{{base::load_big_endian<std::int64_t>(raw)},
                 base_ + base::load_big_endian<std::int32_t>(raw + 8)};
}

Result<std::optional<TimeIndex::Entry>> TimeIndex::find_before(model::Timestamp timestamp) const {
    std::optional<Entry> best;
    std::uint64_t low = 0;
    std::uint64_t high = file_.entries();
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        MR_TRY(const Entry entry, at(middle));
        if (entry.timestamp < timestamp) {
            best = entry;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return best;
}

Result<std::optional<TimeIndex::Entry>> TimeIndex::last() const {
    if (file_.entries() == 0) return std::nullopt;
    MR_TRY(const Entry entry, at(file_.entries() - 1));
    return entry;
}

}  // namespace millrace::storage
