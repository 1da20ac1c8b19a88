#include "kafka/reader.h"

#include <bit>

namespace millrace::kafka {

void Reader::fail() {
    ok_ = false;
    at_ = end_;
}

double Reader::f64() {
    return std::bit_cast<double>(number<std::uint64_t>());
}

Uuid Reader::uuid() {
    const auto high = number<std::uint64_t>();
    const auto low = number<std::uint64_t>();
    return ok_ ? Uuid{high, low} : Uuid{};
}

std::uint32_t Reader::unsigned_varint() {
    std::uint32_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
        const auto byte = static_cast<std::uint8_t>(i8());
        if (!ok_) return 0;
        if (shift == 28 && byte > 0x0f) break;
        value |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return value;
    }
    fail();
    return 0;
}

std::int64_t Reader::string_length(bool flexible) {
    const std::int64_t length = flexible ? std::int64_t{unsigned_varint()} - 1 : i16();
    if (length < -1 || length > INT16_MAX) fail();
    return ok_ ? length : -1;
}

std::int64_t Reader::bytes_length(bool flexible) {
    const std::int64_t length = flexible ? std::int64_t{unsigned_varint()} - 1 : i32();
    if (length < -1) fail();
    return ok_ ? length : -1;
}

base::ByteView Reader::take(std::int64_t length) {
    if (length < 0 || static_cast<std::uint64_t>(length) > left()) {
        fail();
        return {};
    }
    const base::ByteView taken(at_, static_cast<std::size_t>(length));
    at_ += length;
    return taken;
}

std::string Reader::string(bool flexible) {
    return std::string(take(string_length(flexible)));
}

std::optional<std::string> Reader::nullable_string(bool flexible) {
    const std::int64_t length = string_length(flexible);
    if (length < 0) return std::nullopt;
    return std::string(take(length));
}

base::Bytes Reader::bytes(bool flexible) {
    return base::Bytes(take(bytes_length(flexible)));
}

std::optional<base::Bytes> Reader::nullable_bytes(bool flexible) {
    const std::int64_t length = bytes_length(flexible);
    if (length < 0) return std::nullopt;
    return base::Bytes(take(length));
}

Records Reader::records(bool flexible, bool nullable) {
    const std::int64_t length = bytes_length(flexible);
    if (length < 0) {
        if (!nullable) fail();
        return Records{.null = true};
    }
    const base::ByteView taken = take(length);
    return Records{.data = taken.data(), .size = taken.size()};
}

std::int32_t Reader::array_length(bool flexible, std::size_t least_bytes, bool nullable) {
    const std::int64_t length = bytes_length(flexible);
    if (length < 0) {
        if (!nullable) fail();
        return -1;
    }
    if (static_cast<std::uint64_t>(length) > left() / least_bytes) {
        fail();
        return 0;
    }
    return static_cast<std::int32_t>(length);
}

std::uint32_t Reader::tag_count() {
    const std::uint32_t count = unsigned_varint();
    if (count > left() / 2) fail();  // A tag takes two bytes at least: its number and its size.
    return ok_ ? count : 0;
}

Reader::Tag Reader::begin_tag() {
    Tag tag;
    tag.number = unsigned_varint();
    const std::uint32_t size = unsigned_varint();
    if (size > left()) fail();
    if (!ok_) return Tag{.number = UINT32_MAX, .end = end_, .outer_end = end_};
    tag.end = at_ + size;
    tag.outer_end = end_;
    end_ = tag.end;
    return tag;
}

void Reader::end_tag(const Tag& tag) {
    end_ = tag.outer_end;
    at_ = ok_ ? tag.end : end_;
}

void Reader::skip_tags() {
    for (std::uint32_t count = tag_count(); count > 0 && ok_; --count) end_tag(begin_tag());
}

}  // namespace millrace::kafka
