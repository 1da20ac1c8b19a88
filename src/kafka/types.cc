#include "kafka/types.h"

namespace millrace::kafka {

std::string Uuid::to_string() const {
    static constexpr char kAlphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char raw[18] = {};  // 16 bytes and two of padding, so that the last group of three is whole.
    base::store_big_endian(raw, high);
    base::store_big_endian(raw + 8, low);
    std::string text;
    for (int at = 0; at < 18; at += 3) {
        const std::uint32_t bits = static_cast<std::uint8_t>(raw[at]) << 16 |
                                   static_cast<std::uint8_t>(raw[at + 1]) << 8 |
                                   static_cast<std::uint8_t>(raw[at + 2]);
        for (int shift = 18; shift >= 0; shift -= 6) text += kAlphabet[bits >> shift & 63];
    }
    text.resize(22);
    return text;
}

}  // namespace millrace::kafka
