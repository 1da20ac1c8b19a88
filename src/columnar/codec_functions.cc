// Bytes as text and text as bytes: character sets, base 64, hexadecimal digits, UTF-8 checked.
#include "base/strings.h"
#include "columnar/functions_internal.h"
#include "columnar/json_internal.h"
#include "columnar/json_text_internal.h"
#include "columnar/utf8_internal.h"

namespace millrace::columnar {

namespace {

bool not_convertible(const Row& row, std::string_view format) {
    row.call().fail("CONVERSION_INVALID_INPUT", {{"str", fmt::format("'{}'", row.text(0))},
                                                 {"fmt", fmt::format("'{}'", format)},
                                                 {"targetType", "\"BINARY\""},
                                                 {"suggestion", "`try_to_binary`"}});
    return false;
}

int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// As Java's MIME decoder: what is no digit is passed over, the text ends at its padding.
bool unbase64(const Row& row, std::string& out) {
    std::uint32_t bits = 0;
    int digits = 0;
    for (const char c : row.text(0)) {
        if (c == '=') break;
        const int value = base64_digit(c);
        if (value < 0) continue;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        if (++digits == 4) {
            for (const int shift : {16, 8, 0}) out.push_back(static_cast<char>(bits >> shift));
            bits = 0;
            digits = 0;
        }
    }
    if (digits == 1) {
        row.call().fail_with("Last unit does not have enough valid bits");
        return false;
    }
    if (digits >= 2) out.push_back(static_cast<char>(bits >> (digits == 2 ? 4 : 10)));
    if (digits == 3) out.push_back(static_cast<char>(bits >> 2));
    return true;
}

// Base 64 with nothing but digits, spaces and, at its end, the padding that is due or none.
bool is_base64(std::string_view text) {
    std::size_t digits = 0;
    std::size_t padding = 0;
    for (const char c : text) {
        if (c == ' ' || (c >= '\t' && c <= '\r')) continue;
        if (c == '=') {
            ++padding;
        } else if (base64_digit(c) < 0 || padding > 0) {
            return false;
        } else {
            ++digits;
        }
    }
    return padding > 0 ? padding <= 2 && (digits + padding) % 4 == 0 : digits % 4 != 1;
}

bool hex_bytes(std::string_view text, std::string& out) {
    if (text.size() % 2 == 1) {
        const int digit = hex_digit(text[0]);
        if (digit < 0) return false;
        out.push_back(static_cast<char>(digit));
        text.remove_prefix(1);
    }
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]);
        const int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) return false;
        out.push_back(static_cast<char>(high * 16 + low));
    }
    return true;
}

// (text, mode)
bool unhex(const Row& row, std::string& out) {
    if (hex_bytes(row.text(0), out)) return true;
    return row.text(1) == "ansi" ? not_convertible(row, "HEX") : false;
}

// (text[, format], mode): 'hex', 'base64', 'utf-8' or 'utf8'.
bool to_binary(const Row& row, std::string& out) {
    const std::string format = row.size() == 2 ? "hex" : base::to_lower(row.text(1));
    const bool raises = row.text(row.size() - 1) == "ansi";
    if (format == "utf-8" || format == "utf8") {
        out = row.text(0);
        return true;
    }
    if (format == "hex") {
        if (hex_bytes(row.text(0), out)) return true;
        return raises ? not_convertible(row, "HEX") : false;
    }
    if (format == "base64") {
        if (is_base64(row.text(0))) return unbase64(row, out);
        return raises ? not_convertible(row, "BASE64") : false;
    }
    if (raises) {
        row.call().fail("INVALID_PARAMETER_VALUE.BINARY_FORMAT",
                        {{"functionName", "`to_binary`"},
                         {"parameter", "`format`"},
                         {"invalidFormat", fmt::format("'{}'", row.text(1))}});
    }
    return false;
}

bool bad_charset(const Row& row, std::string_view function) {
    row.call().fail(
        "INVALID_PARAMETER_VALUE.CHARSET",
        {{"parameter", "`charset`"},
         {"functionName", std::string(function)},
         {"charsets", "iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8"},
         {"charset", std::string(row.text(1))}});
    return false;
}

bool bad_character(const Row& row, std::string_view function) {
    row.call().fail("MALFORMED_CHARACTER_CODING",
                    {{"function", std::string(function)}, {"charset", std::string(row.text(1))}});
    return false;
}

// (text, character set) -> bytes
bool encode(const Row& row, std::string& out) {
    const std::string set = base::to_upper(row.text(1));
    const std::string_view text = row.text(0);
    if (set == "UTF-8") {
        out = text;
        return true;
    }
    const bool latin = set == "ISO-8859-1";
    const bool ascii_only = set == "US-ASCII";
    const bool wide = set == "UTF-16" || set == "UTF-16BE" || set == "UTF-16LE";
    if (!latin && !ascii_only && !wide && set != "UTF-32") return bad_charset(row, "`encode`");
    if (set == "UTF-16") out += "\xFE\xFF";
    const auto unit = [&](std::int32_t value) {
        const auto high = static_cast<char>(value >> 8);
        const auto low = static_cast<char>(value);
        out.push_back(set == "UTF-16LE" ? low : high);
        out.push_back(set == "UTF-16LE" ? high : low);
    };
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t bytes = character_bytes(text, at);
        const std::int32_t code = code_point(text.substr(at, bytes));
        at += bytes;
        if (latin || ascii_only) {
            if (code >= (latin ? 0x100 : 0x80)) return bad_character(row, "`encode`");
            out.push_back(static_cast<char>(code));
        } else if (set == "UTF-32") {
            for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(code >> shift));
        } else if (code >= 0x10000) {
            unit(0xD800 + ((code - 0x10000) >> 10));
            unit(0xDC00 + ((code - 0x10000) & 0x3FF));
        } else {
            unit(code);
        }
    }
    return true;
}

bool decode_utf16(std::string_view bytes, bool little, std::string& out) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    if (bytes.size() % 2 != 0) return false;
    std::int32_t high = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        const std::int32_t unit = little ? byte(i + 1) << 8 | byte(i) : byte(i) << 8 | byte(i + 1);
        const bool low = unit >= 0xDC00 && unit < 0xE000;
        if (low != (high != 0)) return false;
        if (unit >= 0xD800 && unit < 0xDC00) {
            high = unit;
        } else if (low) {
            append_code_point(out, 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
            high = 0;
        } else {
            append_code_point(out, unit);
        }
    }
    return high == 0;
}

// (bytes, character set) -> text
bool decode(const Row& row, std::string& out) {
    const std::string set = base::to_upper(row.text(1));
    std::string_view bytes = row.text(0);
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    bool good = true;
    if (set == "UTF-8") {
        good = valid_utf8(bytes);
        out = bytes;
    } else if (set == "US-ASCII" || set == "ISO-8859-1") {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            good = good && (set == "ISO-8859-1" || byte(i) < 0x80);
            append_code_point(out, byte(i));
        }
    } else if (set == "UTF-32") {
        good = bytes.size() % 4 == 0;
        for (std::size_t i = 0; i + 3 < bytes.size(); i += 4) {
            const std::int32_t code =
                byte(i) << 24 | byte(i + 1) << 16 | byte(i + 2) << 8 | byte(i + 3);
            good = good && code >= 0 && code < 0x110000 && (code < 0xD800 || code > 0xDFFF);
            append_code_point(out, good ? code : 0xFFFD);
        }
    } else if (set == "UTF-16" || set == "UTF-16BE" || set == "UTF-16LE") {
        bool little = set == "UTF-16LE";
        if (set == "UTF-16" && bytes.size() >= 2 &&
            (bytes.starts_with("\xFE\xFF") || bytes.starts_with("\xFF\xFE"))) {
            little = bytes[0] == '\xFF';
            bytes.remove_prefix(2);
        }
        good = decode_utf16(bytes, little, out);
    } else {
        return bad_charset(row, "`decode`");
    }
    return good || bad_character(row, "`decode`");
}

bool hex_number(const Row& row, std::string& out) {
    out = fmt::format("{:X}", static_cast<std::uint64_t>(row.get<std::int64_t>(0)));
    return true;
}
bool hex_text(const Row& row, std::string& out) {
    for (const char c : row.text(0)) {
        out.push_back(kHexDigits[static_cast<unsigned char>(c) >> 4]);
        out.push_back(kHexDigits[static_cast<unsigned char>(c) & 15]);
    }
    return true;
}

bool is_utf8(const Row& row, bool& out) {
    out = valid_utf8(row.text(0));
    return true;
}
// (bytes, mode)
bool validate_utf8(const Row& row, std::string& out) {
    if (valid_utf8(row.text(0))) {
        out = row.text(0);
        return true;
    }
    if (row.text(1) == "ansi") {
        std::string digits;
        for (const char c : row.text(0)) {
            digits += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
        }
        row.call().fail("INVALID_UTF8_STRING", {{"str", std::move(digits)}});
    }
    return false;
}

}  // namespace

void add_codec_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    constexpr auto kBlob = DUCKDB_TYPE_BLOB;
    constexpr auto kBool = DUCKDB_TYPE_BOOLEAN;
    list.add("mr_unbase64", {{kText}, kBlob, text_rows<unbase64>});
    list.add("mr_unhex", {{kText, kText}, kBlob, text_rows<unhex>});
    list.add("mr_to_binary", {{kText, kText}, kBlob, text_rows<to_binary>});
    list.add("mr_to_binary", {{kText, kText, kText}, kBlob, text_rows<to_binary>});
    list.add("mr_encode", {{kText, kText}, kBlob, text_rows<encode>});
    list.add("mr_decode", {{kBlob, kText}, kText, text_rows<decode>});
    list.add("mr_hex", {{DUCKDB_TYPE_BIGINT}, kText, text_rows<hex_number>});
    for (const auto type : {kText, kBlob}) {
        list.add("mr_hex", {{type}, kText, text_rows<hex_text>});
        list.add("mr_is_valid_utf8", {{type}, kBool, value_rows<bool, is_utf8>});
        list.add("mr_validate_utf8", {{type, kText}, kText, text_rows<validate_utf8>});
    }
}

}  // namespace millrace::columnar
