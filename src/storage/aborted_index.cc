#include "storage/aborted_index.h"

#include <algorithm>

#include "base/crc32c.h"
#include "model/end_marker.h"

namespace millrace::storage {
namespace {

using base::Code;
using base::fail;
using base::Result;
using model::Offset;

constexpr base::ByteView kMagic = "MRABRT01";
constexpr std::size_t kCrcAt = 8;
constexpr std::size_t kEntriesAt = 12;
constexpr std::size_t kEntryBytes = 32;

}  // namespace

void AbortedIndex::note(const AbortedTransaction& transaction) {
    entries_.push_back(transaction);
    changed_ = true;
}

bool AbortedIndex::collect(Offset from, Offset to, std::vector<AbortedTransaction>& into) const {
    for (const AbortedTransaction& entry : entries_) {
        if (entry.last_offset >= from && entry.first_offset < to) into.push_back(entry);
        if (entry.last_stable_offset >= to) return true;
    }
    return false;
}

base::Bytes AbortedIndex::take_content() {
    base::Bytes content(kMagic);
    base::append_big_endian(content, std::uint32_t{0});
    for (const AbortedTransaction& entry : entries_) {
        base::append_big_endian(content, entry.producer_id);
        base::append_big_endian(content, entry.first_offset.value);
        base::append_big_endian(content, entry.last_offset.value);
        base::append_big_endian(content, entry.last_stable_offset.value);
    }
    base::store_big_endian(content.data() + kCrcAt,
                           base::crc32c(base::ByteView(content).substr(kEntriesAt)));
    changed_ = false;
    return content;
}

Result<AbortedIndex> AbortedIndex::parse(base::ByteView content, std::uint64_t count) {
    if (content.size() < kEntriesAt || !content.starts_with(kMagic)) {
        return fail(Code::kCorrupt, "not an index of aborted transactions");
    }
    const base::ByteView entries = content.substr(kEntriesAt);
    if (base::crc32c(entries) != base::load_big_endian<std::uint32_t>(content.data() + kCrcAt)) {
        return fail(Code::kCorrupt, "the index of aborted transactions fails its checksum");
    }
    if (entries.size() / kEntryBytes < count) {
        return fail(Code::kCorrupt, "{} aborted transactions where {} were written",
                    entries.size() / kEntryBytes, count);
    }
    AbortedIndex index;
    for (std::uint64_t i = 0; i < count; ++i) {
        const char* const at = entries.data() + i * kEntryBytes;
        index.entries_.push_back({base::load_big_endian<std::int64_t>(at),
                                  {base::load_big_endian<std::int64_t>(at + 8)},
                                  {base::load_big_endian<std::int64_t>(at + 16)},
                                  {base::load_big_endian<std::int64_t>(at + 24)}});
    }
    return index;
}

AbortedFilter::AbortedFilter(std::vector<AbortedTransaction> transactions)
    : transactions_(std::move(transactions)) {
    std::ranges::sort(transactions_, std::ranges::greater{}, &AbortedTransaction::first_offset);
}

bool AbortedFilter::leaves_out(const model::RecordBatch& batch) {
    const std::int64_t producer_id = batch.producer().id;
    while (!transactions_.empty() && transactions_.back().first_offset <= batch.last_offset()) {
        open_.insert(transactions_.back().producer_id);
        transactions_.pop_back();
    }
    if (batch.control()) {
        const auto marker = model::parse_end_marker(batch);
        if (marker && !marker->commit) open_.erase(producer_id);
        return true;
    }
    return batch.transactional() && open_.contains(producer_id);
}

}  // namespace millrace::storage
