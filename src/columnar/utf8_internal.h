// Characters of UTF-8 text: what functions of text count by.
//
// Text that is not well formed does no harm: every byte that continues nothing is a character.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::columnar {

inline bool continues(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

inline std::int64_t characters(std::string_view text) {
    return std::ranges::count_if(text, [](char c) { return !continues(c); });
}

// The byte at which character `index` begins; the size past the end.
inline std::size_t byte_of(std::string_view text, std::int64_t index) {
    std::size_t at = 0;
    while (at < text.size() && index > 0) {
        ++at;
        while (at < text.size() && continues(text[at])) ++at;
        --index;
    }
    return at;
}

inline std::size_t character_bytes(std::string_view text, std::size_t at) {
    std::size_t end = at + 1;
    while (end < text.size() && continues(text[end])) ++end;
    return end - at;
}

inline std::int32_t code_point(std::string_view character) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
    switch (character.size()) {
        case 1: return byte(0);
        case 2: return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
        case 3: return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
        case 4:
            return (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 |
                   (byte(3) & 0x3F);
        default: return 0xFFFD;
    }
}

inline void append_code_point(std::string& to, std::int32_t code) {
    if (code < 0x80) {
        to.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        to.push_back(static_cast<char>(0xC0 | code >> 6));
        to.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        to.push_back(static_cast<char>(0xE0 | code >> 12));
        to.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
        to.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    } else {
        to.push_back(static_cast<char>(0xF0 | code >> 18));
        to.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
        to.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
        to.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    }
}

// The value of a hexadecimal digit; -1 when it is none.
inline int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

inline constexpr char kHexDigits[] = "0123456789ABCDEF";

}  // namespace millrace::columnar
