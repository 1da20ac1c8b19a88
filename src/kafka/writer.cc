#include "kafka/writer.h"

#include <utility>

#include "base/check.h"

namespace millrace::kafka {

void Writer::uuid(const Uuid& value) {
    base::append_big_endian(head_, value.high);
    base::append_big_endian(head_, value.low);
}

void Writer::unsigned_varint(std::uint32_t value) {
    while (value >= 0x80) {
        head_.push_back(static_cast<char>(value | 0x80));
        value >>= 7;
    }
    head_.push_back(static_cast<char>(value));
}

void Writer::length(std::size_t value, bool flexible) {
    MR_CHECK(value < INT32_MAX);
    if (flexible) {
        unsigned_varint(static_cast<std::uint32_t>(value) + 1);
    } else {
        i32(static_cast<std::int32_t>(value));
    }
}

void Writer::string(std::string_view value, bool flexible) {
    value = value.substr(0, INT16_MAX);
    if (flexible) {
        unsigned_varint(static_cast<std::uint32_t>(value.size()) + 1);
    } else {
        i16(static_cast<std::int16_t>(value.size()));
    }
    head_.append(value);
}

void Writer::null_string(bool flexible) {
    if (flexible) {
        unsigned_varint(0);
    } else {
        i16(-1);
    }
}

void Writer::bytes(base::ByteView value, bool flexible) {
    length(value.size(), flexible);
    head_.append(value);
}

void Writer::null_bytes(bool flexible) {
    if (flexible) {
        unsigned_varint(0);
    } else {
        i32(-1);
    }
}

void Writer::records(const Records& value, bool flexible) {
    if (value.null) return null_bytes(flexible);
    length(value.size, flexible);
    if (value.is_external() || value.size > kCopyBytes) {
        MR_CHECK(tags_.empty());
        pieces_.push_back({head_.size(), value});
        piece_bytes_ += value.size;
    } else {
        head_.append(value.view());
    }
}

void Writer::array_length(std::size_t value, bool flexible) {
    length(value, flexible);
}

void Writer::begin_tag(std::uint32_t number) {
    unsigned_varint(number);
    tags_.push_back(head_.size());
}

void Writer::end_tag() {
    const base::Bytes content = head_.substr(tags_.back());
    head_.resize(tags_.back());
    tags_.pop_back();
    unsigned_varint(static_cast<std::uint32_t>(content.size()));
    head_.append(content);
}

void Writer::end_frame() {
    base::store_big_endian(head_.data(), static_cast<std::int32_t>(size_bytes() - 4));
}

base::Bytes Writer::take_all() {
    if (pieces_.empty()) return std::exchange(head_, {});
    base::Bytes all;
    all.reserve(size_bytes());
    std::size_t done = 0;
    for (const Piece& piece : pieces_) {
        MR_CHECK(!piece.records.is_external());
        all.append(head_, done, piece.at - done);
        all.append(piece.records.view());
        done = piece.at;
    }
    all.append(head_, done);
    return all;
}

}  // namespace millrace::kafka
