#include "cli/records/unpack.h"

#include <bit>
#include <cstdint>
#include <type_traits>

#include "base/encoding.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;

namespace {

constexpr std::string_view kLetters = " <>bBhHiIqQcs$";

// The number that the first bytes are, as decimal text.
template <class Integer>
Result<std::string> take_number(base::ByteView& data, bool is_little) {
    if (data.size() < sizeof(Integer)) {
        return fail(Code::kCorrupt, "{} bytes are wanted, {} are left", sizeof(Integer),
                    data.size());
    }
    std::make_unsigned_t<Integer> bits = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
        const std::size_t shift = 8 * (is_little ? i : sizeof(Integer) - 1 - i);
        const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(data[i]));
        bits = static_cast<decltype(bits)>(bits | (byte << shift));
    }
    data.remove_prefix(sizeof(Integer));
    return std::to_string(std::bit_cast<Integer>(bits));
}

Result<std::string> take(char letter, base::ByteView& data, bool is_little) {
    switch (letter) {
        case 'b': return take_number<std::int8_t>(data, is_little);
        case 'B': return take_number<std::uint8_t>(data, is_little);
        case 'h': return take_number<std::int16_t>(data, is_little);
        case 'H': return take_number<std::uint16_t>(data, is_little);
        case 'i': return take_number<std::int32_t>(data, is_little);
        case 'I': return take_number<std::uint32_t>(data, is_little);
        case 'q': return take_number<std::int64_t>(data, is_little);
        case 'Q': return take_number<std::uint64_t>(data, is_little);
        case 'c': {
            if (data.empty()) return fail(Code::kCorrupt, "1 byte is wanted, 0 are left");
            std::string text(data.substr(0, 1));
            data.remove_prefix(1);
            return text;
        }
        case 's': {
            std::string text(data);
            data = {};
            return text;
        }
        case '$':
            if (data.empty()) return std::string();
            return fail(Code::kCorrupt, "{} bytes are left where the data should end", data.size());
        default: return std::string(1, letter);
    }
}

}  // namespace

Result<Unpacker> Unpacker::parse(std::string_view text) {
    if (text == "hex" || text == "base64" || text == "string") return Unpacker(std::string(text));
    if (text.empty()) return fail(Code::kInvalidArgument, "the format of -s is empty");
    const auto wrong = text.find_first_not_of(kLetters);
    if (wrong == std::string_view::npos) return Unpacker(std::string(text));
    return fail(Code::kInvalidArgument,
                "'{}' means nothing in the format of -s: there are < > b B h H i I q Q c s $ and "
                "space, or the words hex, base64 and string",
                text.substr(wrong, 1));
}

Result<std::string> Unpacker::unpack(base::ByteView data) const {
    if (format_ == "hex") return base::to_hex(data);
    if (format_ == "base64") return base::to_base64(data);
    if (format_ == "string") return std::string(data);
    std::string text;
    bool is_little = false;
    for (const char letter : format_) {
        if (letter == '<' || letter == '>') {
            is_little = letter == '<';
            continue;
        }
        MR_TRY(const std::string part, take(letter, data, is_little));
        text += part;
    }
    return text;
}

}  // namespace millrace::cli
