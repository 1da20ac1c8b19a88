// Base64, hexadecimal and UUIDs as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace millrace::base {

// RFC 4648: the usual alphabet with padding, or the one for URLs without padding, in which Kafka
// writes its topic and cluster ids.
std::string to_base64(ByteView bytes);
std::string to_base64_url(ByteView bytes);
// Strict: the right alphabet, padding exactly as the writer gives it, no stray bits, no white
// space.
Result<Bytes> from_base64(std::string_view text);
Result<Bytes> from_base64_url(std::string_view text);

std::string to_hex(ByteView bytes);
Result<Bytes> from_hex(std::string_view text);

struct Uuid {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    friend auto operator<=>(const Uuid&, const Uuid&) = default;

    Bytes bytes() const;            // 16, big-endian.
    std::string to_string() const;  // 8-4-4-4-12, lower case.
    // Any letter case, the dashes at their places and nothing around.
    static Result<Uuid> parse(std::string_view text);
    static Result<Uuid> from_bytes(ByteView bytes);
};

}  // namespace millrace::base
