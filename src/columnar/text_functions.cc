// Functions of text, where Spark and DuckDB differ. Positions count characters, in binary bytes.
#include <unicode/uchar.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "columnar/functions_internal.h"
#include "columnar/json_internal.h"
#include "columnar/json_text_internal.h"

namespace millrace::columnar {

namespace {

bool continues(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::int64_t characters(std::string_view text) {
    return std::ranges::count_if(text, [](char c) { return !continues(c); });
}

// The byte at which character `index` begins; the size past the end.
std::size_t byte_of(std::string_view text, std::int64_t index) {
    std::size_t at = 0;
    while (at < text.size() && index > 0) {
        ++at;
        while (at < text.size() && continues(text[at])) ++at;
        --index;
    }
    return at;
}

std::size_t character_bytes(std::string_view text, std::size_t at) {
    std::size_t end = at + 1;
    while (end < text.size() && continues(text[end])) ++end;
    return end - at;
}

std::int32_t code_point(std::string_view character) {
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

void append_code_point(std::string& to, std::int32_t code) {
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

bool ascii(const Row& row, std::int32_t& out) {
    const std::string_view text = row.text(0);
    out = text.empty() ? 0 : code_point(text.substr(0, character_bytes(text, 0)));
    return true;
}

bool character(const Row& row, std::string& out) {
    const auto code = row.get<std::int64_t>(0);
    if (code >= 0) append_code_point(out, static_cast<std::int32_t>(code & 0xFF));
    return true;
}

bool unbase64(const Row& row, std::string& out) {
    if (decode_base64(row.text(0), out)) return true;
    row.call().fail("CONVERSION_INVALID_INPUT",
                    {{"str", fmt::format("'{}'", row.text(0).substr(0, 100))},
                     {"fmt", "'BASE64'"},
                     {"targetType", "\"BINARY\""},
                     {"suggestion", "`try_to_binary`"}});
    return false;
}

bool concat(const Row& row, std::string& out) {
    for (std::size_t i = 0; i < row.size(); ++i) out += row.text(i);
    return true;
}

bool find(const Row& row, bool& out) {
    out = row.text(0).find(row.text(1)) != std::string_view::npos;
    return true;
}
bool starts(const Row& row, bool& out) {
    out = row.text(0).starts_with(row.text(1));
    return true;
}
bool ends(const Row& row, bool& out) {
    out = row.text(0).ends_with(row.text(1));
    return true;
}

std::string upper(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return result;
}

bool bad_charset(const Row& row, std::string_view function) {
    row.call().fail("INVALID_PARAMETER_VALUE.PATTERN",
                    {{"parameter", "`charset`"},
                     {"functionName", std::string(function)},
                     {"value", fmt::format("'{}'", row.text(1))}});
    return false;
}

// (text, character set) -> bytes
bool encode(const Row& row, std::string& out) {
    const std::string set = upper(row.text(1));
    const std::string_view text = row.text(0);
    if (set == "UTF-8" || set == "UTF8") {
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
            out.push_back(code < (latin ? 0x100 : 0x80) ? static_cast<char>(code) : '?');
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

// (bytes, character set) -> text
bool decode(const Row& row, std::string& out) {
    const std::string set = upper(row.text(1));
    std::string_view bytes = row.text(0);
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    if (set == "UTF-8" || set == "UTF8") {
        out = bytes;
    } else if (set == "US-ASCII" || set == "ISO-8859-1") {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            append_code_point(out, set == "US-ASCII" && byte(i) > 0x7F ? 0xFFFD : byte(i));
        }
    } else if (set == "UTF-32") {
        for (std::size_t i = 0; i + 3 < bytes.size(); i += 4) {
            const std::int32_t code =
                byte(i) << 24 | byte(i + 1) << 16 | byte(i + 2) << 8 | byte(i + 3);
            append_code_point(out, code >= 0 && code < 0x110000 ? code : 0xFFFD);
        }
    } else if (set == "UTF-16" || set == "UTF-16BE" || set == "UTF-16LE") {
        bool little = set == "UTF-16LE";
        if (set == "UTF-16" && bytes.size() >= 2 &&
            (bytes.starts_with("\xFE\xFF") || bytes.starts_with("\xFF\xFE"))) {
            little = bytes[0] == '\xFF';
            bytes.remove_prefix(2);
        }
        std::int32_t high = 0;
        for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
            const std::int32_t unit =
                little ? byte(i + 1) << 8 | byte(i) : byte(i) << 8 | byte(i + 1);
            if (unit >= 0xD800 && unit < 0xDC00) {
                high = unit;
            } else if (unit >= 0xDC00 && unit < 0xE000) {
                append_code_point(
                    out, high == 0 ? 0xFFFD : 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
                high = 0;
            } else {
                append_code_point(out, unit);
            }
        }
    } else {
        return bad_charset(row, "`decode`");
    }
    return true;
}

bool find_in_set(const Row& row, std::int32_t& out) {
    const std::string_view wanted = row.text(0);
    std::string_view rest = row.text(1);
    out = 0;
    if (wanted.find(',') != std::string_view::npos) return true;
    for (std::int32_t place = 1;; ++place) {
        const std::size_t comma = rest.find(',');
        if (rest.substr(0, comma) == wanted) {
            out = place;
            return true;
        }
        if (comma == std::string_view::npos) return true;
        rest.remove_prefix(comma + 1);
    }
}

// (number, digits after the point): "12,345.68"
bool format_number(const Row& row, std::string& out) {
    const auto number = row.get<double>(0);
    const std::int32_t digits = row.number(1);
    if (digits < 0 || digits > 300) return false;
    if (!std::isfinite(number)) {
        out = std::isnan(number) ? "NaN" : number < 0 ? "-∞" : "∞";
        return true;
    }
    const std::string plain = fmt::format("{:.{}f}", std::abs(number), digits);
    const std::size_t whole = std::min(plain.find('.'), plain.size());
    if (number < 0 && plain.find_first_of("123456789") != std::string::npos) out.push_back('-');
    for (std::size_t i = 0; i < plain.size(); ++i) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0) out.push_back(',');
        out.push_back(plain[i]);
    }
    return true;
}

bool initcap(const Row& row, std::string& out) {
    const std::string_view text = row.text(0);
    bool start = true;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t bytes = character_bytes(text, at);
        const std::int32_t code = code_point(text.substr(at, bytes));
        append_code_point(out, start ? u_totitle(code) : u_tolower(code));
        start = code == ' ';
        at += bytes;
    }
    return true;
}

// (wanted, text, from): from 1; 0 when it is not there.
bool locate(const Row& row, std::int32_t& out) {
    const std::string_view wanted = row.text(0);
    const std::string_view text = row.text(1);
    const std::int32_t from = row.number(2);
    out = 0;
    if (from < 1) return true;
    const std::size_t start = byte_of(text, from - 1);
    const std::size_t at = text.find(wanted, start);
    if (at != std::string_view::npos)
        out = static_cast<std::int32_t>(characters(text.substr(0, at))) + 1;
    return true;
}

template <bool left, bool binary>
bool pad(const Row& row, std::string& out) {
    const std::string_view text = row.text(0);
    const std::int64_t length = std::max(0, row.number(1));
    const std::string_view filler = row.text(2);
    const auto count = [](std::string_view of) {
        return binary ? static_cast<std::int64_t>(of.size()) : characters(of);
    };
    const auto cut = [](std::string_view of, std::int64_t to) {
        return of.substr(0, binary ? static_cast<std::size_t>(to) : byte_of(of, to));
    };
    const std::int64_t missing = length - count(text);
    if (missing <= 0) {
        out = cut(text, length);
        return true;
    }
    constexpr std::int64_t kMostPadding = 1 << 26;
    if (missing > kMostPadding) {
        row.call().fail_with(fmt::format("padding to {} characters is more than the limit of {}",
                                         length, kMostPadding));
        return false;
    }
    std::string padding;
    const std::int64_t step = count(filler);
    if (step > 0) {
        for (std::int64_t i = 0; i + step <= missing; i += step) padding += filler;
        padding += cut(filler, missing % step);
    }
    out = left ? padding + std::string(text) : std::string(text) + padding;
    return true;
}

bool luhn(const Row& row, bool& out) {
    const std::string_view text = row.text(0);
    int sum = 0;
    bool twice = false;
    out = false;
    if (text.empty()) return true;
    for (auto c = text.rbegin(); c != text.rend(); ++c) {
        if (*c < '0' || *c > '9') return true;
        int digit = *c - '0';
        if (twice && (digit *= 2) > 9) digit -= 9;
        sum += digit;
        twice = !twice;
    }
    out = sum % 10 == 0;
    return true;
}

// (text, upper, lower, digit, other), each possibly null: keep what it would replace.
void mask(Call& call) {
    const auto texts = call.column<duckdb_string_t>(0);
    std::string out;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (texts.is_null(row)) {
            call.set_null(row);
            continue;
        }
        const std::string_view text = text_of(texts[row]);
        out.clear();
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t bytes = character_bytes(text, at);
            const std::string_view original = text.substr(at, bytes);
            const std::int32_t code = code_point(original);
            const idx_t kind = u_isupper(code) ? 1 : u_islower(code) ? 2 : u_isdigit(code) ? 3 : 4;
            const auto by = call.column<duckdb_string_t>(kind);
            out += by.is_null(row) ? original : text_of(by[row]);
            at += bytes;
        }
        call.set_text(row, out);
    }
}

// (text, replacement, position from 1, length or -1)
template <bool binary>
bool overlay(const Row& row, std::string& out) {
    const std::string_view text = row.text(0);
    const std::string_view with = row.text(1);
    const std::int64_t position = row.number(2);
    const auto count = [](std::string_view of) {
        return binary ? static_cast<std::int64_t>(of.size()) : characters(of);
    };
    const std::int64_t length = row.number(3) >= 0 ? row.number(3) : count(with);
    const auto bytes = [&](std::int64_t index) {
        index = std::max<std::int64_t>(0, index);
        return binary ? std::min(static_cast<std::size_t>(index), text.size())
                      : byte_of(text, index);
    };
    out = text.substr(0, bytes(position - 1));
    out += with;
    out += text.substr(bytes(position - 1 + length));
    return true;
}

// Position from 1, from the end when negative; 0 counts as 1.
template <bool binary>
bool substring(const Row& row, std::string& out) {
    const std::string_view text = row.text(0);
    const std::int64_t position = row.number(1);
    const std::int64_t length = row.number(2);
    const std::int64_t size = binary         ? static_cast<std::int64_t>(text.size())
                              : position < 0 ? characters(text)
                                             : std::int64_t{1} << 40;
    std::int64_t from = position > 0 ? position - 1 : position < 0 ? size + position : 0;
    std::int64_t to =
        length >= std::numeric_limits<std::int32_t>::max() ? std::int64_t{1} << 40 : from + length;
    from = std::max<std::int64_t>(from, 0);
    if (to <= from) return true;
    if (binary) {
        to = std::min(to, size);
        if (from < to)
            out = text.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from));
        return true;
    }
    const std::size_t start = byte_of(text, from);
    const std::string_view rest = text.substr(start);
    out = rest.substr(0, to >= (std::int64_t{1} << 40) ? rest.size() : byte_of(rest, to - from));
    return true;
}

bool substring_index(const Row& row, std::string& out) {
    const std::string_view text = row.text(0);
    const std::string_view delimiter = row.text(1);
    std::int32_t count = row.number(2);
    if (count == 0 || delimiter.empty()) return true;
    if (count > 0) {
        std::size_t at = 0;
        while (true) {
            const std::size_t found = text.find(delimiter, at);
            if (found == std::string_view::npos) {
                out = text;
                return true;
            }
            if (--count == 0) {
                out = text.substr(0, found);
                return true;
            }
            at = found + 1;
        }
    }
    std::size_t end = text.size();
    while (true) {
        const std::size_t found =
            end == 0 ? std::string_view::npos : text.rfind(delimiter, end - 1);
        if (found == std::string_view::npos) {
            out = text;
            return true;
        }
        if (++count == 0) {
            out = text.substr(found + delimiter.size());
            return true;
        }
        end = found;
    }
}

bool translate(const Row& row, std::string& out) {
    const std::string_view text = row.text(0);
    const std::string_view from = row.text(1);
    const std::string_view to = row.text(2);
    for (std::size_t at = 0; at < text.size();) {
        const std::string_view character_text = text.substr(at, character_bytes(text, at));
        at += character_text.size();
        std::int64_t place = -1;
        std::int64_t index = 0;
        for (std::size_t f = 0; f < from.size() && place < 0; ++index) {
            const std::size_t bytes = character_bytes(from, f);
            if (from.substr(f, bytes) == character_text) place = index;
            f += bytes;
        }
        if (place < 0) {
            out += character_text;
        } else {
            const std::size_t start = byte_of(to, place);
            if (start < to.size()) out += to.substr(start, character_bytes(to, start));
        }
    }
    return true;
}

bool split_part(const Row& row, std::string& out) {
    const std::string_view text = row.text(0);
    const std::string_view delimiter = row.text(1);
    const std::int32_t wanted = row.number(2);
    if (wanted == 0) {
        row.call().fail("INVALID_INDEX_OF_ZERO");
        return false;
    }
    std::vector<std::string_view> parts;
    if (delimiter.empty()) {
        parts.push_back(text);
    } else {
        std::size_t at = 0;
        for (std::size_t found = text.find(delimiter); found != std::string_view::npos;
             found = text.find(delimiter, at)) {
            parts.push_back(text.substr(at, found - at));
            at = found + delimiter.size();
        }
        parts.push_back(text.substr(at));
    }
    const auto count = static_cast<std::int64_t>(parts.size());
    const std::int64_t index = wanted > 0 ? wanted - 1 : count + wanted;
    if (index >= 0 && index < count) out = parts[static_cast<std::size_t>(index)];
    return true;
}

bool soundex(const Row& row, std::string& out) {
    constexpr std::string_view kCodes = "01230127022455012623017202";
    const std::string_view text = row.text(0);
    if (text.empty() || std::isalpha(static_cast<unsigned char>(text[0])) == 0) {
        out = text;
        return true;
    }
    const auto code = [&](char c) {
        return kCodes[static_cast<std::size_t>(std::toupper(static_cast<unsigned char>(c)) - 'A')];
    };
    out.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(text[0]))));
    char last = code(text[0]);
    for (std::size_t i = 1; i < text.size() && out.size() < 4; ++i) {
        if (std::isalpha(static_cast<unsigned char>(text[i])) == 0) {
            last = '0';
            continue;
        }
        const char now = code(text[i]);
        if (now == '7') continue;  // H and W do not part equal codes.
        if (now != '0' && now != last) out.push_back(now);
        last = now;
    }
    out.resize(4, '0');
    return true;
}

bool quote(const Row& row, std::string& out) {
    out.push_back('\'');
    for (const char c : row.text(0)) {
        if (c == '\'' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    out.push_back('\'');
    return true;
}

constexpr char kHex[] = "0123456789ABCDEF";

bool url_encode(const Row& row, std::string& out) {
    for (const char c : row.text(0)) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || c == '.' || c == '-' || c == '*' || c == '_') {
            out.push_back(c);
        } else if (c == ' ') {
            out.push_back('+');
        } else {
            out.push_back('%');
            out.push_back(kHex[byte >> 4]);
            out.push_back(kHex[byte & 15]);
        }
    }
    return true;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// (text, mode)
bool url_decode(const Row& row, std::string& out) {
    const std::string_view text = row.text(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out.push_back(' ');
        } else if (text[i] == '%') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                if (row.text(1) == "ansi")
                    row.call().fail("INVALID_URL", {{"url", std::string(text)}});
                return false;
            }
            out.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return true;
}

// (mode, url, part [, key])
bool parse_url(const Row& row, std::string& out) {
    const std::string_view url = row.text(1);
    const std::string_view part = row.text(2);
    if (url.find(' ') != std::string_view::npos) {
        if (row.text(0) == "ansi") row.call().fail("INVALID_URL", {{"url", std::string(url)}});
        return false;
    }
    std::string_view rest = url;
    const std::size_t fragment = rest.find('#');
    const std::string_view reference =
        fragment == std::string_view::npos ? "" : rest.substr(fragment + 1);
    const bool has_reference = fragment != std::string_view::npos;
    rest = rest.substr(0, fragment);
    const std::size_t mark = rest.find('?');
    const bool has_query = mark != std::string_view::npos;
    const std::string_view query = has_query ? rest.substr(mark + 1) : "";
    rest = rest.substr(0, mark);
    const std::size_t colon = rest.find(':');
    const bool has_scheme = colon != std::string_view::npos && colon < rest.find('/');
    const std::string_view scheme = has_scheme ? rest.substr(0, colon) : "";
    if (has_scheme) rest.remove_prefix(colon + 1);
    std::string_view authority;
    if (rest.starts_with("//")) {
        rest.remove_prefix(2);
        const std::size_t slash = rest.find('/');
        authority = rest.substr(0, slash);
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
    }
    const std::size_t at = authority.rfind('@');
    std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
    const std::size_t port = host.starts_with('[') ? host.find("]:") : host.rfind(':');
    if (port != std::string_view::npos)
        host = host.substr(0, host.starts_with('[') ? port + 1 : port);
    const auto give = [&](bool there, std::string_view value) {
        out = value;
        return there;
    };
    if (row.size() == 4) {
        if (part != "QUERY" || !has_query) return false;
        const std::string wanted = std::string(row.text(3)) + "=";
        std::string_view pairs = query;
        while (!pairs.empty()) {
            const std::string_view pair = pairs.substr(0, pairs.find('&'));
            if (pair.starts_with(wanted)) return give(true, pair.substr(wanted.size()));
            if (pair.size() == pairs.size()) break;
            pairs.remove_prefix(pair.size() + 1);
        }
        return false;
    }
    if (part == "HOST") return give(!host.empty(), host);
    if (part == "PATH") return give(true, rest);
    if (part == "QUERY") return give(has_query, query);
    if (part == "REF") return give(has_reference, reference);
    if (part == "PROTOCOL") return give(has_scheme, scheme);
    if (part == "AUTHORITY") return give(!authority.empty(), authority);
    if (part == "USERINFO") return give(at != std::string_view::npos, authority.substr(0, at));
    if (part == "FILE") {
        out = rest;
        if (has_query) out += "?" + std::string(query);
        return true;
    }
    return false;
}

bool hex_number(const Row& row, std::string& out) {
    out = fmt::format("{:X}", static_cast<std::uint64_t>(row.get<std::int64_t>(0)));
    return true;
}
bool hex_text(const Row& row, std::string& out) {
    for (const char c : row.text(0)) {
        out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
        out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
    }
    return true;
}
bool unhex(const Row& row, std::string& out) {
    std::string_view text = row.text(0);
    const auto refuse = [&] {
        if (row.text(1) == "ansi") {
            row.call().fail("CONVERSION_INVALID_INPUT",
                            {{"str", fmt::format("'{}'", row.text(0).substr(0, 100))},
                             {"fmt", "'HEX'"},
                             {"targetType", "\"BINARY\""},
                             {"suggestion", "`try_to_binary`"}});
        }
        return false;
    };
    if (text.size() % 2 == 1) {
        const int digit = hex_digit(text[0]);
        if (digit < 0) return refuse();
        out.push_back(static_cast<char>(digit));
        text.remove_prefix(1);
    }
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]);
        const int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) return refuse();
        out.push_back(static_cast<char>(high * 16 + low));
    }
    return true;
}
bool binary_digits(const Row& row, std::string& out) {
    out = fmt::format("{:b}", static_cast<std::uint64_t>(row.get<std::int64_t>(0)));
    return true;
}

// (digits, from base, to base, mode): as Hive's conv, on unsigned 64 bits.
bool conv(const Row& row, std::string& out) {
    std::string_view text = row.text(0);
    const int from = row.number(1);
    const int to = row.number(2);
    if (from < 2 || from > 36 || std::abs(to) < 2 || std::abs(to) > 36) return false;
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (text.empty()) return false;
    const bool negative = text[0] == '-';
    if (negative) text.remove_prefix(1);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, from);
    if (error == std::errc::result_out_of_range) {
        if (row.text(3) == "ansi") {
            row.call().fail("ARITHMETIC_OVERFLOW", {{"message", "Overflow in function conv()"}});
            return false;
        }
        value = ~std::uint64_t{0};
    }
    if (negative && to > 0) value = ~value + 1;
    std::string digits(66, '\0');
    const bool show_sign = to < 0 && (negative || static_cast<std::int64_t>(value) < 0);
    if (to < 0 && !negative && static_cast<std::int64_t>(value) < 0) value = ~value + 1;
    const auto written =
        std::to_chars(digits.data(), digits.data() + digits.size(), value, std::abs(to));
    digits.resize(static_cast<std::size_t>(written.ptr - digits.data()));
    if (show_sign) out.push_back('-');
    out += upper(digits);
    return true;
}

bool reverse_bytes(const Row& row, std::string& out) {
    out.assign(row.text(0).rbegin(), row.text(0).rend());
    return true;
}
bool is_utf8(const Row& row, bool& out) {
    out = valid_utf8(row.text(0));
    return true;
}

template <bool binary>
bool size_of(const Row& row, std::int32_t& out) {
    out = static_cast<std::int32_t>(binary ? static_cast<std::int64_t>(row.text(0).size())
                                           : characters(row.text(0)));
    return true;
}

}  // namespace

void add_text_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    constexpr auto kBlob = DUCKDB_TYPE_BLOB;
    constexpr auto kInt = DUCKDB_TYPE_INTEGER;
    constexpr auto kLong = DUCKDB_TYPE_BIGINT;
    constexpr auto kBool = DUCKDB_TYPE_BOOLEAN;
    list.add("mr_ascii", {{kText}, kInt, value_rows<std::int32_t, ascii>});
    list.add("mr_chr", {{kLong}, kText, text_rows<character>});
    list.add("mr_unbase64", {{kText}, kBlob, text_rows<unbase64>});
    list.add("mr_length", {{kText}, kInt, value_rows<std::int32_t, size_of<false>>});
    list.add("mr_length", {{kBlob}, kInt, value_rows<std::int32_t, size_of<true>>});
    list.add("mr_octet_length", {{kText}, kInt, value_rows<std::int32_t, size_of<true>>});
    list.add("mr_octet_length", {{kBlob}, kInt, value_rows<std::int32_t, size_of<true>>});
    for (const auto type : {kText, kBlob}) {
        list.add("mr_concat",
                 {.arguments = {type}, .result = type, .body = text_rows<concat>, .varargs = true});
        list.add("mr_contains", {{type, type}, kBool, value_rows<bool, find>});
        list.add("mr_starts_with", {{type, type}, kBool, value_rows<bool, starts>});
        list.add("mr_ends_with", {{type, type}, kBool, value_rows<bool, ends>});
        list.add("mr_hex", {{type}, kText, text_rows<hex_text>});
    }
    list.add("mr_hex", {{kLong}, kText, text_rows<hex_number>});
    list.add("mr_reverse_bytes", {{kBlob}, kBlob, text_rows<reverse_bytes>});
    list.add("mr_is_valid_utf8", {{kText}, kBool, value_rows<bool, is_utf8>});
    list.add("mr_is_valid_utf8", {{kBlob}, kBool, value_rows<bool, is_utf8>});
    list.add("mr_decode", {{kBlob, kText}, kText, text_rows<decode>});
    list.add("mr_encode", {{kText, kText}, kBlob, text_rows<encode>});
    list.add("mr_find_in_set", {{kText, kText}, kInt, value_rows<std::int32_t, find_in_set>});
    list.add("mr_format_number", {{DUCKDB_TYPE_DOUBLE, kInt}, kText, text_rows<format_number>});
    list.add("mr_initcap", {{kText}, kText, text_rows<initcap>});
    list.add("mr_locate", {{kText, kText, kInt}, kInt, value_rows<std::int32_t, locate>});
    list.add("mr_lpad", {{kText, kInt, kText}, kText, text_rows<pad<true, false>>});
    list.add("mr_lpad", {{kBlob, kInt, kBlob}, kBlob, text_rows<pad<true, true>>});
    list.add("mr_rpad", {{kText, kInt, kText}, kText, text_rows<pad<false, false>>});
    list.add("mr_rpad", {{kBlob, kInt, kBlob}, kBlob, text_rows<pad<false, true>>});
    list.add("mr_luhn_check", {{kText}, kBool, value_rows<bool, luhn>});
    list.add("mr_mask", {.arguments = {kText, kText, kText, kText, kText},
                         .result = kText,
                         .body = mask,
                         .sees_nulls = true});
    list.add("mr_overlay", {{kText, kText, kInt, kInt}, kText, text_rows<overlay<false>>});
    list.add("mr_overlay", {{kBlob, kBlob, kInt, kInt}, kBlob, text_rows<overlay<true>>});
    list.add("mr_substring", {{kText, kInt, kInt}, kText, text_rows<substring<false>>});
    list.add("mr_substring", {{kBlob, kInt, kInt}, kBlob, text_rows<substring<true>>});
    list.add("mr_substring_index", {{kText, kText, kInt}, kText, text_rows<substring_index>});
    list.add("mr_translate", {{kText, kText, kText}, kText, text_rows<translate>});
    list.add("mr_split_part", {{kText, kText, kInt}, kText, text_rows<split_part>});
    list.add("mr_soundex", {{kText}, kText, text_rows<soundex>});
    list.add("mr_quote", {{kText}, kText, text_rows<quote>});
    list.add("mr_url_encode", {{kText}, kText, text_rows<url_encode>});
    list.add("mr_url_decode", {{kText, kText}, kText, text_rows<url_decode>});
    list.add("mr_parse_url", {{kText, kText, kText}, kText, text_rows<parse_url>});
    list.add("mr_parse_url", {{kText, kText, kText, kText}, kText, text_rows<parse_url>});
    list.add("mr_unhex", {{kText, kText}, kBlob, text_rows<unhex>});
    list.add("mr_bin", {{kLong}, kText, text_rows<binary_digits>});
    list.add("mr_conv", {{kText, kInt, kInt, kText}, kText, text_rows<conv>});
}

}  // namespace millrace::columnar
