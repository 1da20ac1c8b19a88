// Reader takes the primitive types of Kafka's protocol from bytes that a peer sent.
//
// It trusts nothing: every length and count is compared with the bytes that are left before
// anything is allocated. The first thing that does not fit makes it fail for good: it then answers
// zeros and empty values, ok() turns false, and the caller asks once, at the end. `flexible` picks
// the compact encoding of KIP-482. The bytes must outlive the reader and any Records taken from it.
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "kafka/types.h"

namespace millrace::kafka {

class Reader {
public:
    explicit Reader(base::ByteView from) : at_(from.data()), end_(from.data() + from.size()) {}

    bool ok() const { return ok_; }
    void fail();
    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

    bool boolean() { return i8() != 0; }
    std::int8_t i8() { return number<std::int8_t>(); }
    std::int16_t i16() { return number<std::int16_t>(); }
    std::uint16_t u16() { return number<std::uint16_t>(); }
    std::int32_t i32() { return number<std::int32_t>(); }
    std::uint32_t u32() { return number<std::uint32_t>(); }
    std::int64_t i64() { return number<std::int64_t>(); }
    double f64();
    Uuid uuid();
    ErrorCode error() { return ErrorCode{i16()}; }
    std::uint32_t unsigned_varint();

    // Where null may not stand, a null fails.
    std::string string(bool flexible);
    std::optional<std::string> nullable_string(bool flexible);
    base::Bytes bytes(bool flexible);
    std::optional<base::Bytes> nullable_bytes(bool flexible);
    Records records(bool flexible, bool nullable);
    // The number of elements, each of at least `least_bytes`; -1 for null.
    std::int32_t array_length(bool flexible, std::size_t least_bytes, bool nullable);

    // Tagged fields: tag_count(), then begin_tag() and end_tag() around each.
    struct Tag {
        std::uint32_t number = 0;
        const char* end = nullptr;
        const char* outer_end = nullptr;
    };
    std::uint32_t tag_count();
    // Confines reading to this tag's bytes.
    Tag begin_tag();
    // Passes over what was not read of it.
    void end_tag(const Tag& tag);
    void skip_tags();

private:
    template <class Integer>
    Integer number() {
        if (left() < sizeof(Integer)) {
            fail();
            return 0;
        }
        const Integer value = base::load_big_endian<Integer>(at_);
        at_ += sizeof(Integer);
        return value;
    }
    // A length of string (16 bits when not flexible) or bytes (32); -1 for null.
    std::int64_t string_length(bool flexible);
    std::int64_t bytes_length(bool flexible);
    base::ByteView take(std::int64_t length);

    const char* at_;
    const char* end_;
    bool ok_ = true;
};

}  // namespace millrace::kafka
