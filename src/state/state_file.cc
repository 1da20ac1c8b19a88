#include <cstring>
#include <utility>

#include "base/crc32c.h"
#include "base/varint.h"
#include "state/state_file_internal.h"

namespace millrace::state {

using base::Code;
using base::fail;

namespace {

constexpr std::uint32_t kMagic = 0x5352524d;     // "MRRS"
constexpr std::uint32_t kEndMagic = 0x4552524d;  // "MRRE"
constexpr std::uint16_t kFormat = 1;
constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kBlockHeaderBytes = 20;
constexpr std::size_t kFooterBytes = 24;
constexpr std::size_t kFlushBytes = 4 << 20;

template <class T>
void put_number(std::string& to, T value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
template <class T>
T get_number(const char* from) {
    T value;
    std::memcpy(&value, from, sizeof(value));
    return value;
}

std::string header_bytes(const FileHeader& header) {
    std::string bytes;
    put_number(bytes, kMagic);
    put_number(bytes, kFormat);
    put_number<std::uint16_t>(bytes, header.snapshot ? 1 : 0);
    put_number(bytes, header.version);
    put_number(bytes, header.buckets);
    put_number(bytes, header.schema_sum);
    put_number<std::uint32_t>(bytes, 0);
    put_number(bytes, base::crc32c(bytes));
    return bytes;
}

// Gives the bytes of a file in order, reading ahead in large pieces.
class Reader {
public:
    Reader(const runtime::File& file, std::uint64_t size) : file_(file), left_(size) {}
    std::uint64_t left() const { return left_ + (buffer_.size() - at_); }
    // The next `bytes` bytes, valid until the next call; the caller has compared with left().
    Result<const char*> take(std::size_t bytes) {
        if (buffer_.size() - at_ < bytes) {
            buffer_.erase(0, at_);
            at_ = 0;
            const std::size_t had = buffer_.size();
            const std::size_t want =
                std::max(bytes - had, std::min<std::uint64_t>(left_, kFlushBytes));
            buffer_.resize(had + want);
            MR_TRY(const std::size_t got, file_.read_at(position_, buffer_.data() + had, want));
            if (got < bytes - had)
                return fail(Code::kCorrupt, "it became shorter while it was read");
            buffer_.resize(had + got);
            position_ += got;
            left_ -= std::min<std::uint64_t>(left_, got);
        }
        const char* start = buffer_.data() + at_;
        at_ += bytes;
        return start;
    }

private:
    const runtime::File& file_;
    std::uint64_t left_;
    std::uint64_t position_ = 0;
    std::string buffer_;
    std::size_t at_ = 0;
};

Result<void> check_header(const char* bytes, const FileHeader& expected) {
    if (get_number<std::uint32_t>(bytes) != kMagic)
        return fail(Code::kCorrupt, "it is no state file");
    if (get_number<std::uint32_t>(bytes + 28) != base::crc32c({bytes, 28})) {
        return fail(Code::kCorrupt, "the header fails its checksum");
    }
    const auto format = get_number<std::uint16_t>(bytes + 4);
    if (format != kFormat) {
        return fail(Code::kUnsupported, "it has format {}, this program reads {}", format, kFormat);
    }
    const auto version = get_number<std::int64_t>(bytes + 8);
    const bool snapshot = get_number<std::uint16_t>(bytes + 6) == 1;
    if (version != expected.version || snapshot != expected.snapshot) {
        return fail(Code::kCorrupt, "it holds {} {} instead of {}", snapshot ? "snapshot" : "delta",
                    version, expected.version);
    }
    if (get_number<std::uint32_t>(bytes + 20) != expected.schema_sum) {
        return fail(
            Code::kInvalidArgument,
            "it was written by an operator with other columns: the query has changed. Restart "
            "it with a new checkpoint location or with the query that made this one");
    }
    return {};
}

Result<void> read_block(std::uint32_t bucket, std::uint32_t entries, const char* at,
                        const char* end,
                        const std::function<Result<void>(std::uint32_t, const Entry&)>& visit) {
    for (std::uint32_t i = 0; i < entries; ++i) {
        std::uint64_t key_bytes = 0;
        std::uint64_t value_bytes = 0;
        at = base::read_varint_u64(at, end, key_bytes);
        if (at == nullptr || key_bytes > static_cast<std::uint64_t>(end - at)) break;
        Entry entry;
        entry.key = {at, static_cast<std::size_t>(key_bytes)};
        at = base::read_varint_u64(at + key_bytes, end, value_bytes);
        if (at == nullptr) break;
        entry.removed = value_bytes == 0;
        if (!entry.removed) {
            if (value_bytes - 1 > static_cast<std::uint64_t>(end - at)) {
                at = nullptr;
                break;
            }
            entry.values = {at, static_cast<std::size_t>(value_bytes - 1)};
            at += value_bytes - 1;
        }
        MR_TRY_VOID(visit(bucket, entry));
    }
    if (at != end) return fail(Code::kCorrupt, "a block does not hold the entries it names");
    return {};
}

}  // namespace

std::uint32_t schema_checksum(const Schema& schema) {
    std::string bytes = schema.description;
    bytes.push_back(schema.timed ? 't' : 'u');
    for (const CellKind kind : schema.values) bytes.push_back(static_cast<char>('0' + int(kind)));
    return base::crc32c(bytes);
}

FileWriter::FileWriter(runtime::Disk& disk, std::string path, const FileHeader& header)
    : disk_(disk), path_(std::move(path)), pending_(header_bytes(header)) {}

Result<void> FileWriter::begin_entry(std::uint32_t bucket) {
    if (bucket != bucket_ || block_.size() >= kBlockBytes) MR_TRY_VOID(close_block());
    bucket_ = bucket;
    ++entries_;
    return {};
}

Result<void> FileWriter::put(std::uint32_t bucket, std::string_view key,
                             const std::function<void(std::string&)>& append_values) {
    scratch_.clear();
    append_values(scratch_);
    return put_bytes(bucket, key, scratch_);
}

Result<void> FileWriter::put_bytes(std::uint32_t bucket, std::string_view key,
                                   std::string_view values) {
    MR_TRY_VOID(begin_entry(bucket));
    base::append_varint(block_, key.size());
    block_.append(key);
    base::append_varint(block_, values.size() + 1);
    block_.append(values);
    return {};
}

Result<void> FileWriter::remove(std::uint32_t bucket, std::string_view key) {
    MR_TRY_VOID(begin_entry(bucket));
    base::append_varint(block_, key.size());
    block_.append(key);
    base::append_varint(block_, 0);
    return {};
}

Result<void> FileWriter::close_block() {
    if (entries_ == 0) return {};
    const std::size_t start = pending_.size();
    put_number(pending_, bucket_);
    put_number(pending_, entries_);
    put_number<std::uint64_t>(pending_, block_.size());
    const std::uint32_t sum = base::crc32c(std::string_view(pending_).substr(start));
    put_number(pending_, base::crc32c(block_, sum));
    pending_.append(block_);
    block_.clear();
    total_entries_ += std::exchange(entries_, 0);
    ++blocks_;
    return pending_.size() >= kFlushBytes ? flush() : Result<void>();
}

Result<void> FileWriter::flush() {
    if (file_ == nullptr) {
        MR_TRY(file_, disk_.open(path_ + ".tmp", runtime::OpenMode::kCreateFresh));
    }
    MR_TRY_VOID(file_->write_at(written_, pending_));
    written_ += pending_.size();
    pending_.clear();
    return {};
}

Result<std::uint64_t> FileWriter::finish() {
    MR_TRY_VOID(close_block());
    std::string footer;
    put_number(footer, kEndMagic);
    put_number(footer, blocks_);
    put_number(footer, total_entries_);
    put_number(footer, base::crc32c(footer));
    pending_.append(footer);
    MR_TRY_VOID(flush());
    MR_TRY_VOID(file_->sync());
    file_.reset();
    MR_TRY_VOID(disk_.rename(path_ + ".tmp", path_));
    MR_TRY_VOID(disk_.sync_directory(path_.substr(0, path_.rfind('/'))));
    return written_;
}

Result<void> read_state_file(
    runtime::Disk& disk, const std::string& path, const FileHeader& expected,
    const std::function<Result<void>(std::uint32_t, const Entry&)>& visit) {
    MR_TRY(const auto file, disk.open(path, runtime::OpenMode::kRead));
    const auto read = [&]() -> Result<void> {
        MR_TRY(const std::uint64_t size, file->size_bytes());
        if (size < kHeaderBytes + kFooterBytes) {
            return fail(Code::kCorrupt, "it is torn: {} bytes are too few", size);
        }
        Reader reader(*file, size);
        MR_TRY(const char* header, reader.take(kHeaderBytes));
        MR_TRY_VOID(check_header(header, expected));
        std::uint64_t blocks = 0;
        std::uint64_t entries = 0;
        while (reader.left() > kFooterBytes) {
            if (reader.left() < kBlockHeaderBytes) return fail(Code::kCorrupt, "it is torn");
            MR_TRY(const char* start, reader.take(kBlockHeaderBytes));
            const auto bucket = get_number<std::uint32_t>(start);
            const auto count = get_number<std::uint32_t>(start + 4);
            const auto bytes = get_number<std::uint64_t>(start + 8);
            const auto sum = get_number<std::uint32_t>(start + 16);
            const std::uint32_t header_sum = base::crc32c({start, 16});
            if (bytes > reader.left()) return fail(Code::kCorrupt, "it is torn");
            MR_TRY(const char* block, reader.take(static_cast<std::size_t>(bytes)));
            if (base::crc32c({block, static_cast<std::size_t>(bytes)}, header_sum) != sum) {
                return fail(Code::kCorrupt, "block {} fails its checksum", blocks);
            }
            MR_TRY_VOID(read_block(bucket, count, block, block + bytes, visit));
            ++blocks;
            entries += count;
        }
        if (reader.left() != kFooterBytes) return fail(Code::kCorrupt, "it is torn");
        MR_TRY(const char* footer, reader.take(kFooterBytes));
        if (get_number<std::uint32_t>(footer) != kEndMagic ||
            get_number<std::uint32_t>(footer + 20) != base::crc32c({footer, 20}) ||
            get_number<std::uint64_t>(footer + 4) != blocks ||
            get_number<std::uint64_t>(footer + 12) != entries) {
            return fail(Code::kCorrupt, "it is torn: its end is missing or wrong");
        }
        return {};
    };
    auto outcome = read();
    if (!outcome) return fail(outcome.error().with("read state file " + path));
    return {};
}

}  // namespace millrace::state
