#include "storage/snapshot.h"

#include "base/crc32c.h"

namespace millrace::storage {
namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr base::ByteView kMagic = "MRSNAP02";
constexpr std::size_t kCrcAt = 8;
constexpr std::size_t kBodyAt = 12;
constexpr std::size_t kCountAt = kBodyAt + 9 * 8;
constexpr std::size_t kAbortedAt = kCountAt + 4;
constexpr std::size_t kAbortedBytes = 16;

}  // namespace

base::Bytes Snapshot::encode() const {
    base::Bytes bytes(kMagic);
    base::append_big_endian(bytes, std::uint32_t{0});
    base::append_big_endian(bytes, end.value);
    base::append_big_endian(bytes, segment_base.value);
    base::append_big_endian(bytes, progress.size_bytes);
    base::append_big_endian(bytes, progress.offset_entries);
    base::append_big_endian(bytes, progress.time_entries);
    base::append_big_endian(bytes, progress.max_timestamp.ms);
    base::append_big_endian(bytes, progress.max_timestamp_offset.value);
    base::append_big_endian(bytes, progress.indexed_timestamp.ms);
    base::append_big_endian(bytes, progress.bytes_since_index);
    base::append_big_endian(bytes, static_cast<std::uint32_t>(aborted.size()));
    for (const auto& [base, count] : aborted) {
        base::append_big_endian(bytes, base.value);
        base::append_big_endian(bytes, count);
    }
    producers.encode(bytes);
    base::store_big_endian(bytes.data() + kCrcAt,
                           base::crc32c(base::ByteView(bytes).substr(kBodyAt)));
    return bytes;
}

Result<Snapshot> Snapshot::decode(base::ByteView bytes) {
    if (bytes.size() < kAbortedAt || !bytes.starts_with(kMagic)) {
        return fail(Code::kCorrupt, "not a log snapshot");
    }
    if (base::crc32c(bytes.substr(kBodyAt)) !=
        base::load_big_endian<std::uint32_t>(bytes.data() + kCrcAt)) {
        return fail(Code::kCorrupt, "log snapshot fails its checksum");
    }
    const auto word = [&](std::size_t index) {
        return base::load_big_endian<std::int64_t>(bytes.data() + kBodyAt + 8 * index);
    };
    const auto count = [&](std::size_t index) { return static_cast<std::uint64_t>(word(index)); };
    Snapshot snapshot{.end = {word(0)},
                      .segment_base = {word(1)},
                      .progress = {.size_bytes = count(2),
                                   .offset_entries = count(3),
                                   .time_entries = count(4),
                                   .max_timestamp = {word(5)},
                                   .max_timestamp_offset = {word(6)},
                                   .indexed_timestamp = {word(7)},
                                   .bytes_since_index = count(8)}};
    bytes.remove_prefix(kCountAt);
    const auto segments = base::load_big_endian<std::uint32_t>(bytes.data());
    bytes.remove_prefix(4);
    if (bytes.size() / kAbortedBytes < segments) {
        return fail(Code::kCorrupt, "log snapshot is cut off");
    }
    for (std::uint32_t i = 0; i < segments; ++i, bytes.remove_prefix(kAbortedBytes)) {
        snapshot.aborted.emplace_back(
            model::Offset{base::load_big_endian<std::int64_t>(bytes.data())},
            base::load_big_endian<std::uint64_t>(bytes.data() + 8));
    }
    MR_TRY(snapshot.producers, ProducerState::decode(bytes));
    return snapshot;
}

}  // namespace millrace::storage
