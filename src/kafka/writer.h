// Writer puts the primitive types of Kafka's protocol into bytes to send.
//
// Large record batches are not copied: the writer notes where they belong (pieces()), and the
// connection sends them from where they lie, or from the file. `flexible` picks the compact
// encoding of KIP-482. What is given must outlive the writer. Not thread-safe.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "kafka/types.h"

namespace millrace::kafka {

class Writer {
public:
    // Records of up to this size are copied into the bytes around them.
    static constexpr std::size_t kCopyBytes = 512;

    void boolean(bool value) { i8(value ? 1 : 0); }
    void i8(std::int8_t value) { head_.push_back(static_cast<char>(value)); }
    void i16(std::int16_t value) { base::append_big_endian(head_, value); }
    void u16(std::uint16_t value) { base::append_big_endian(head_, value); }
    void i32(std::int32_t value) { base::append_big_endian(head_, value); }
    void u32(std::uint32_t value) { base::append_big_endian(head_, value); }
    void i64(std::int64_t value) { base::append_big_endian(head_, value); }
    void f64(double value) { base::append_big_endian(head_, std::bit_cast<std::uint64_t>(value)); }
    void uuid(const Uuid& value);
    void error(ErrorCode value) { i16(static_cast<std::int16_t>(value)); }
    void unsigned_varint(std::uint32_t value);

    // A string longer than Kafka allows (32 767 bytes) is cut there.
    void string(std::string_view value, bool flexible);
    void null_string(bool flexible);
    void bytes(base::ByteView value, bool flexible);
    void null_bytes(bool flexible);
    void records(const Records& value, bool flexible);
    void array_length(std::size_t length, bool flexible);
    void null_array(bool flexible) { null_bytes(flexible); }
    // Bytes as they are.
    void raw(base::ByteView value) { head_.append(value); }

    // Around the content of a tagged field, which holds no records.
    void begin_tag(std::uint32_t number);
    void end_tag();

    // A frame begins with the number of bytes behind that number.
    void begin_frame() { head_.append(4, '\0'); }
    void end_frame();

    // What is written, without the records that lie elsewhere...
    const base::Bytes& head() const { return head_; }
    // ... which belong before the byte `at` of it, in this order.
    struct Piece {
        std::size_t at = 0;
        Records records;
    };
    const std::vector<Piece>& pieces() const { return pieces_; }
    std::size_t size_bytes() const { return head_.size() + piece_bytes_; }

    // Everything in one string; no piece may be external.
    base::Bytes take_all();

private:
    void length(std::size_t value, bool flexible);

    base::Bytes head_;
    std::vector<Piece> pieces_;
    std::size_t piece_bytes_ = 0;
    std::vector<std::size_t> tags_;  // Where the content of each open tag begins.
};

}  // namespace millrace::kafka
