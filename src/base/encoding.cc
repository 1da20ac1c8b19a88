#include "base/encoding.h"

#include <array>

namespace millrace::base {
namespace {

constexpr std::string_view kUsual =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kForUrls =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kHexDigits = "0123456789abcdef";

std::uint32_t byte_at(ByteView bytes, std::size_t at) {
    return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
}

std::string encode(ByteView bytes, std::string_view alphabet, bool padded) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::uint32_t bits =
            byte_at(bytes, at) << 16 | byte_at(bytes, at + 1) << 8 | byte_at(bytes, at + 2);
        const std::size_t digits = std::min<std::size_t>(4, bytes.size() - at + 1);
        for (std::size_t i = 0; i < 4; ++i) {
            if (i < digits) {
                text += alphabet[(bits >> (18 - 6 * i)) & 63];
            } else if (padded) {
                text += '=';
            }
        }
    }
    return text;
}

Result<Bytes> decode(std::string_view text, std::string_view alphabet, bool padded) {
    std::string_view digits = text;
    if (padded) {
        if (text.size() % 4 != 0) {
            return fail(Code::kInvalidArgument, "base64 text of {} characters, not a multiple of 4",
                        text.size());
        }
        for (int i = 0; i < 2 && digits.ends_with('='); ++i) digits.remove_suffix(1);
    }
    Bytes bytes;
    bytes.reserve(digits.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned pending = 0;  // How many of the low `bits` are not written yet.
    for (std::size_t at = 0; at < digits.size(); ++at) {
        const std::size_t value = alphabet.find(digits[at]);
        if (value == std::string_view::npos) {
            return fail(Code::kInvalidArgument,
                        "character {} of base64 text is not in its alphabet", at);
        }
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        pending += 6;
        if (pending >= 8) {
            pending -= 8;
            bytes += static_cast<char>(bits >> pending);
        }
    }
    if (pending >= 6 || (bits & ((1U << pending) - 1)) != 0) {
        return fail(Code::kInvalidArgument, "base64 text ends inside a byte");
    }
    return bytes;
}

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

}  // namespace

std::string to_base64(ByteView bytes) {
    return encode(bytes, kUsual, true);
}
std::string to_base64_url(ByteView bytes) {
    return encode(bytes, kForUrls, false);
}
Result<Bytes> from_base64(std::string_view text) {
    return decode(text, kUsual, true);
}
Result<Bytes> from_base64_url(std::string_view text) {
    return decode(text, kForUrls, false);
}

std::string to_hex(ByteView bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char byte : bytes) {
        text += kHexDigits[static_cast<unsigned char>(byte) >> 4];
        text += kHexDigits[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

Result<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return fail(Code::kInvalidArgument, "an odd number of hex digits");
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t at = 0; at < text.size(); at += 2) {
        const int high = hex_value(text[at]);
        const int low = hex_value(text[at + 1]);
        if (high < 0 || low < 0) {
            return fail(Code::kInvalidArgument, "character {} is not a hex digit",
                        high < 0 ? at : at + 1);
        }
        bytes += static_cast<char>(high << 4 | low);
    }
    return bytes;
}

Bytes Uuid::bytes() const {
    Bytes bytes;
    append_big_endian(bytes, high);
    append_big_endian(bytes, low);
    return bytes;
}

std::string Uuid::to_string() const {
    std::string text = to_hex(bytes());
    for (const std::size_t at : {8, 13, 18, 23}) text.insert(at, 1, '-');
    return text;
}

Result<Uuid> Uuid::parse(std::string_view text) {
    std::string digits;
    for (std::size_t at = 0; at < text.size() && text.size() == 36; ++at) {
        if (at == 8 || at == 13 || at == 18 || at == 23) {
            if (text[at] != '-') break;
        } else {
            digits += text[at];
        }
    }
    const auto bytes = from_hex(digits);
    if (digits.size() != 32 || !bytes) {
        return fail(Code::kInvalidArgument, "'{}' is not a UUID", text.substr(0, 64));
    }
    return from_bytes(*bytes);
}

Result<Uuid> Uuid::from_bytes(ByteView bytes) {
    if (bytes.size() != 16) {
        return fail(Code::kInvalidArgument, "a UUID of {} bytes instead of 16", bytes.size());
    }
    return Uuid{.high = load_big_endian<std::uint64_t>(bytes.data()),
                .low = load_big_endian<std::uint64_t>(bytes.data() + 8)};
}

}  // namespace millrace::base
