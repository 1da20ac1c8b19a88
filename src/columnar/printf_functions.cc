// format_string and printf: java.util.Formatter over values of Spark's types.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/strings.h"
#include "columnar/functions_internal.h"
#include "columnar/utf8_internal.h"

namespace millrace::columnar {

namespace {

constexpr int kMostWidth = 1 << 20;

// One "%[index$][flags][width][.precision]conversion".
struct Directive {
    int index = 0;  // From 1; 0: the next one; -1: the one before.
    bool left = false;
    bool alternate = false;
    bool plus = false;
    bool space = false;
    bool zero = false;
    bool group = false;
    bool parentheses = false;
    int width = -1;
    int precision = -1;
    char conversion = 0;
    std::string text;
};

// The directive behind a '%' at `at`, which moves past it; nothing when it is none.
std::optional<Directive> directive(std::string_view format, std::size_t& at) {
    Directive result;
    const std::size_t start = at++;
    const auto number = [&](int& value) {
        const auto [end, error] =
            std::from_chars(format.data() + at, format.data() + format.size(), value);
        if (error != std::errc()) return false;
        at = static_cast<std::size_t>(end - format.data());
        return true;
    };
    const std::size_t digits = at;
    int value = 0;
    if (at < format.size() && format[at] >= '0' && format[at] <= '9' && number(value) &&
        at < format.size() && format[at] == '$') {
        result.index = value == 0 ? -2 : value;
        ++at;
    } else {
        at = digits;
    }
    for (; at < format.size(); ++at) {
        const char c = format[at];
        if (c == '-') {
            result.left = true;
        } else if (c == '#') {
            result.alternate = true;
        } else if (c == '+') {
            result.plus = true;
        } else if (c == ' ') {
            result.space = true;
        } else if (c == '0') {
            result.zero = true;
        } else if (c == ',') {
            result.group = true;
        } else if (c == '(') {
            result.parentheses = true;
        } else if (c == '<') {
            result.index = -1;
        } else {
            break;
        }
    }
    if (at < format.size() && format[at] >= '1' && format[at] <= '9' && !number(result.width)) {
        return std::nullopt;
    }
    if (at < format.size() && format[at] == '.') {
        ++at;
        if (!number(result.precision) || result.precision < 0) return std::nullopt;
    }
    if (at == format.size()) return std::nullopt;
    result.conversion = format[at++];
    result.text = format.substr(start, at - start);
    if (result.width > kMostWidth || result.precision > kMostWidth) return std::nullopt;
    return result;
}

void append_padded(std::string& to, std::string_view text, const Directive& how) {
    const std::int64_t missing = how.width - characters(text);
    const auto spaces = static_cast<std::size_t>(std::max<std::int64_t>(missing, 0));
    if (!how.left) to.append(spaces, ' ');
    to += text;
    if (how.left) to.append(spaces, ' ');
}

// Digits with their sign, grouping and zeros, as the flags say.
void append_signed(std::string& to, std::string digits, bool negative, const Directive& how) {
    if (how.group) {
        std::size_t at = std::min(digits.find_first_of(".e"), digits.size());
        while (at > 3) {
            at -= 3;
            digits.insert(at, 1, ',');
        }
    }
    std::string before = negative    ? how.parentheses ? "(" : "-"
                         : how.plus  ? "+"
                         : how.space ? " "
                                     : "";
    const std::string after = negative && how.parentheses ? ")" : "";
    const int size = static_cast<int>(before.size() + digits.size() + after.size());
    if (how.zero && size < how.width) {
        digits.insert(0, static_cast<std::size_t>(how.width - size), '0');
    }
    append_padded(to, before + digits + after, how);
}

// d, x, o: of an integer of so many bits.
void append_integer(std::string& to, std::int64_t value, int bits, const Directive& how) {
    if (how.conversion == 'd') {
        const auto size =
            value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
        append_signed(to, std::to_string(size), value < 0, how);
        return;
    }
    auto raw = static_cast<std::uint64_t>(value);
    if (bits < 64) raw &= (std::uint64_t{1} << bits) - 1;
    const bool octal = how.conversion == 'o';
    std::string digits = octal ? fmt::format("{:o}", raw) : fmt::format("{:x}", raw);
    std::string before = !how.alternate ? "" : octal ? "0" : "0x";
    const int size = static_cast<int>(before.size() + digits.size());
    if (how.zero && size < how.width) {
        digits.insert(0, static_cast<std::size_t>(how.width - size), '0');
    }
    digits = before + digits;
    append_padded(to, how.conversion == 'X' ? base::to_upper(digits) : digits, how);
}

// e, f, g: Java rounds half up, on the digits that the number is printed with.
void append_real(std::string& to, double value, const Directive& how) {
    if (std::isnan(value) || std::isinf(value)) {
        Directive plain = how;
        plain.zero = false;
        plain.group = false;
        if (std::isnan(value)) {
            append_padded(to, "NaN", plain);
        } else {
            append_signed(to, "Infinity", value < 0, plain);
        }
        return;
    }
    const int precision = how.precision < 0 ? 6 : how.precision;
    const double size = std::abs(value);
    const char conversion = static_cast<char>(std::tolower(how.conversion));
    std::string digits;
    const auto fixed = [&](int places) {
        // The shortest digits that mean this number, then rounded half up.
        std::string text = fmt::format("{:.{}f}", size, places);
        char shortest[400];
        const auto end =
            std::to_chars(shortest, shortest + sizeof(shortest), size, std::chars_format::fixed);
        const std::string_view full(shortest, static_cast<std::size_t>(end.ptr - shortest));
        const std::size_t dot = full.find('.');
        if (dot != std::string_view::npos &&
            full.size() == dot + 2 + static_cast<std::size_t>(places) && full.back() == '5') {
            // A tie in decimal digits, which the binary value may miss on either side.
            std::string up(full.substr(0, places == 0 ? dot : full.size() - 1));
            std::size_t i = up.size();
            while (i > 0) {
                char& c = up[--i];
                if (c == '.') continue;
                if (c != '9') {
                    ++c;
                    return up;
                }
                c = '0';
            }
            return "1" + up;
        }
        return text;
    };
    if (conversion == 'f') {
        digits = fixed(precision);
    } else if (conversion == 'e') {
        digits = fmt::format("{:.{}e}", size, precision);
    } else {
        const int significant = precision == 0 ? 1 : precision;
        if (size != 0 && (size < 1e-4 || size >= std::pow(10, significant))) {
            digits = fmt::format("{:.{}e}", size, significant - 1);
        } else {
            const int whole = size == 0 ? 1 : static_cast<int>(std::floor(std::log10(size))) + 1;
            digits = fixed(std::max(significant - whole, 0));
        }
    }
    if (how.alternate && digits.find('.') == std::string::npos) digits.push_back('.');
    std::string text;
    append_signed(text, digits, std::signbit(value), how);
    to +=
        std::isupper(static_cast<unsigned char>(how.conversion)) != 0 ? base::to_upper(text) : text;
}

// Types of the arguments as one letter each: b boolean, 1 2 4 8 integers by bytes, f real,
// d decimal, s anything else. Values come as Spark's text of them.
class Formatter {
public:
    Formatter(Call& call, idx_t row) : call_(call), row_(row) {}

    bool run(std::string_view format, std::string_view types, std::string& out) {
        int next = 0;
        int last = -1;
        for (std::size_t at = 0; at < format.size();) {
            if (format[at] != '%') {
                out.push_back(format[at++]);
                continue;
            }
            const std::size_t start = at;
            const auto how = directive(format, at);
            if (!how) {
                return refuse(fmt::format("Conversion = '{}'", start + 1 < format.size()
                                                                   ? format.substr(start + 1, 1)
                                                                   : "%"));
            }
            if (how->conversion == 'n') {
                out.push_back('\n');
                continue;
            }
            if (how->conversion == '%') {
                append_padded(out, "%", *how);
                continue;
            }
            if (how->index == -2) {
                call_.fail("INVALID_PARAMETER_VALUE.ZERO_INDEX",
                           {{"parameter", "`strfmt`"}, {"functionName", "`format_string`"}});
                return false;
            }
            const int index = how->index > 0 ? how->index - 1 : how->index == -1 ? last : next++;
            last = index;
            if (index < 0 || index >= static_cast<int>(types.size())) {
                return refuse(fmt::format("Format specifier '{}'", how->text));
            }
            const auto column = static_cast<idx_t>(index) + 2;
            const bool is_null =
                vector_is_null(duckdb_vector_get_validity(call_.argument(column)), row_);
            const std::string_view value =
                is_null ? std::string_view() : text_of(call_.column<duckdb_string_t>(column)[row_]);
            if (!one(*how, types[static_cast<std::size_t>(index)], is_null, value, out)) {
                return false;
            }
        }
        return true;
    }

private:
    bool refuse(const std::string& message) {
        call_.fail_with(message);
        return false;
    }

    bool one(const Directive& how, char type, bool is_null, std::string_view value,
             std::string& out) {
        const bool upper = std::isupper(static_cast<unsigned char>(how.conversion)) != 0;
        const auto text = [&](std::string_view of) {
            std::string_view cut = of;
            if (how.precision >= 0) cut = of.substr(0, byte_of(of, how.precision));
            append_padded(out, upper ? base::to_upper(cut) : std::string(cut), how);
            return true;
        };
        const char conversion = static_cast<char>(std::tolower(how.conversion));
        switch (conversion) {
            case 's': return text(is_null ? "null" : value);
            case 'b':
                return text(is_null ? "false" : type == 'b' ? value : std::string_view("true"));
            case 'h':
                if (is_null) return text("null");
                return text(fmt::format("{:x}", hash(type, value)));
            case 'c':
            case 'd':
            case 'o':
            case 'x':
            case 'e':
            case 'f':
            case 'g': break;
            default: return refuse(fmt::format("Conversion = '{}'", how.conversion));
        }
        if (is_null) return text("null");
        const bool integer = type >= '1' && type <= '8';
        const bool integer_wanted = conversion == 'd' || conversion == 'o' || conversion == 'x';
        if (conversion == 'c') {
            std::int64_t code = 0;
            if (!integer || type == '8' || !parse(value, code) || code < 0 || code > 0x10FFFF) {
                return refuse(fmt::format("c != {}", java_class(type)));
            }
            std::string character;
            append_code_point(character, static_cast<std::int32_t>(code));
            return text(character);
        }
        std::int64_t number = 0;
        if (integer_wanted && integer && parse(value, number)) {
            append_integer(out, number, 8 * (type - '0'), how);
            return true;
        }
        double real = 0;
        if (!integer_wanted && (type == 'f' || type == 'd') && parse_real(value, real)) {
            append_real(out, real, how);
            return true;
        }
        return refuse(fmt::format("{} != {}", how.conversion, java_class(type)));
    }

    static bool parse(std::string_view text, std::int64_t& value) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc() && end == text.data() + text.size();
    }
    static bool parse_real(std::string_view text, double& value) {
        if (text == "NaN" || text.ends_with("Infinity")) {
            value = text == "NaN" ? std::nan("") : text[0] == '-' ? -INFINITY : INFINITY;
            return true;
        }
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc();
    }
    static std::string_view java_class(char type) {
        switch (type) {
            case 'b': return "java.lang.Boolean";
            case '1': return "java.lang.Byte";
            case '2': return "java.lang.Short";
            case '4': return "java.lang.Integer";
            case '8': return "java.lang.Long";
            case 'f': return "java.lang.Double";
            case 'd': return "org.apache.spark.sql.types.Decimal";
            default: return "java.lang.String";
        }
    }
    // Java's hashCode of a text or a small integer.
    static std::uint32_t hash(char type, std::string_view text) {
        std::int64_t number = 0;
        if (type >= '1' && type <= '4' && parse(text, number)) {
            return static_cast<std::uint32_t>(number);
        }
        std::uint32_t result = 0;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t bytes = character_bytes(text, at);
            result = 31 * result + static_cast<std::uint32_t>(code_point(text.substr(at, bytes)));
            at += bytes;
        }
        return result;
    }

    Call& call_;
    idx_t row_;
};

// (format, types, value, …)
void format_string(Call& call) {
    const auto formats = call.column<duckdb_string_t>(0);
    const std::string types(call.constant(1));
    std::string out;
    for (idx_t row = 0; row < call.rows() && !call.failed(); ++row) {
        if (formats.is_null(row)) {
            call.set_null(row);
            continue;
        }
        out.clear();
        if (Formatter(call, row).run(text_of(formats[row]), types, out)) call.set_text(row, out);
    }
}

}  // namespace

void add_printf_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    list.add("mr_format_string", {.arguments = {kText, kText, kText},
                                  .result = kText,
                                  .body = format_string,
                                  .sees_nulls = true,
                                  .varargs = true});
}

}  // namespace millrace::columnar
