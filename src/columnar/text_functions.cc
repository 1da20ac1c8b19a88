// Functions of text, where Spark and DuckDB differ. Positions count characters, in binary bytes.
#include <unicode/uchar.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/strings.h"
#include "columnar/functions_internal.h"
#include "columnar/utf8_internal.h"

namespace millrace::columnar {

namespace {

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
    out += base::to_upper(digits);
    return true;
}

bool reverse_bytes(const Row& row, std::string& out) {
    out.assign(row.text(0).rbegin(), row.text(0).rend());
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
    }
    list.add("mr_reverse_bytes", {{kBlob}, kBlob, text_rows<reverse_bytes>});
    list.add("mr_find_in_set", {{kText, kText}, kInt, value_rows<std::int32_t, find_in_set>});
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
    list.add("mr_bin", {{kLong}, kText, text_rows<binary_digits>});
    list.add("mr_conv", {{kText, kInt, kInt, kText}, kText, text_rows<conv>});
}

}  // namespace millrace::columnar
