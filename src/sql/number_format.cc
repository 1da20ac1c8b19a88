#include "sql/number_format.h"

#include <algorithm>

namespace millrace::sql {

NumberFormat::NumberFormat(std::string_view format) : format_(format) {
    bool after_point = false;
    for (std::size_t i = 0; i < format.size(); ++i) {
        const char c = format[i];
        const std::string_view pair = format.substr(i, 2);
        if (c == '0' || c == '9') {
            const std::size_t end = std::min(format.find_first_not_of("09", i), format.size());
            tokens_.push_back({.kind = Kind::kDigits,
                               .digits = static_cast<int>(end - i),
                               .exact = c == '0' && !after_point});
            i = end - 1;
        } else if (c == '.' || c == 'D') {
            tokens_.push_back({.kind = Kind::kPoint});
            after_point = true;
        } else if (c == ',' || c == 'G') {
            tokens_.push_back({.kind = Kind::kComma});
        } else if (c == '$') {
            tokens_.push_back({.kind = Kind::kDollar});
        } else if (c == 'S') {
            tokens_.push_back({.kind = Kind::kSign});
        } else if (pair == "MI") {
            tokens_.push_back({.kind = Kind::kMinus});
            ++i;
        } else if (pair == "PR") {
            tokens_.insert(tokens_.begin(), {.kind = Kind::kOpen});
            tokens_.push_back({.kind = Kind::kClose});
            ++i;
        } else {
            tokens_.push_back({.kind = Kind::kUnknown, .character = c});
        }
    }
}

std::string NumberFormat::shown(const Token& token) {
    switch (token.kind) {
        case Kind::kDigits:
        case Kind::kComma: return "digit sequence";
        case Kind::kPoint: return ". or D";
        case Kind::kDollar: return "$";
        case Kind::kSign: return "S";
        case Kind::kMinus: return "MI";
        case Kind::kOpen:
        case Kind::kClose: return "PR";
        case Kind::kUnknown: break;
    }
    return std::string("character '") + token.character + "''";
}

NumberFormat::Groups NumberFormat::groups() const {
    Groups result;
    const auto in_run = [](const Token& token) {
        return token.kind == Kind::kDigits || token.kind == Kind::kComma;
    };
    for (const Token& token : tokens_) {
        if (in_run(token) && !result.empty() && in_run(result.back().back())) {
            result.back().push_back(token);
        } else {
            result.push_back({token});
        }
    }
    return result;
}

std::optional<std::pair<std::string, std::string>> NumberFormat::error() const {
    using Error = std::pair<std::string, std::string>;
    const Groups all = groups();
    const auto is_run = [](const std::vector<Token>& group) {
        return group[0].kind == Kind::kDigits || group[0].kind == Kind::kComma;
    };
    const auto place = [&](auto test) {
        const auto found = std::ranges::find_if(all, test);
        return found == all.end() ? -1 : static_cast<int>(found - all.begin());
    };
    const auto place_of = [&](Kind kind) {
        return place([kind](const auto& group) { return group[0].kind == kind; });
    };
    if (format_.empty()) return Error("EMPTY", "");
    const int first_digits = place(is_run);
    if (first_digits < 0) return Error("WRONG_NUM_DIGIT", "");
    const int dollar = place_of(Kind::kDollar);
    const int point = place_of(Kind::kPoint);
    if (first_digits < dollar) return Error("CUR_MUST_BEFORE_DIGIT", "");
    if (point >= 0 && point < dollar) return Error("CUR_MUST_BEFORE_DEC", "");
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!is_run(all[i])) continue;
        const bool after = point >= 0 && static_cast<int>(i) > point;
        const auto& run = all[i];
        for (std::size_t j = 0; j < run.size(); ++j) {
            if (run[j].kind != Kind::kComma) continue;
            if (after) return Error("THOUSANDS_SEPS_MUST_BEFORE_DEC", "");
            if (j == 0 || j + 1 == run.size() || run[j - 1].kind == Kind::kComma ||
                run[j + 1].kind == Kind::kComma) {
                return Error("CONT_THOUSANDS_SEPS", "");
            }
        }
    }
    for (const Kind once : {Kind::kPoint, Kind::kSign, Kind::kMinus, Kind::kDollar, Kind::kClose}) {
        if (std::ranges::count(tokens_, once, &Token::kind) > 1) {
            return Error("WRONG_NUM_TOKEN", shown({.kind = once}));
        }
    }
    // The order of the grammar, each place of which may be empty.
    const std::vector<std::vector<Kind>> order = {
        {Kind::kOpen},   {Kind::kMinus, Kind::kSign},
        {Kind::kDollar}, {Kind::kDigits},
        {Kind::kPoint},  {Kind::kDigits},
        {Kind::kDollar}, {Kind::kMinus, Kind::kSign, Kind::kClose}};
    std::size_t next = 0;
    for (const std::vector<Kind>& allowed : order) {
        if (next == all.size()) break;
        const Kind kind = is_run(all[next]) ? Kind::kDigits : all[next][0].kind;
        if (std::ranges::find(allowed, kind) != allowed.end()) ++next;
    }
    if (next < all.size()) return Error("UNEXPECTED_TOKEN", shown(all[next][0]));
    return std::nullopt;
}

int NumberFormat::digits(bool after_point) const {
    int count = 0;
    bool after = false;
    for (const Token& token : tokens_) {
        if (token.kind == Kind::kPoint) after = true;
        if (token.kind == Kind::kDigits && after == after_point) count += token.digits;
    }
    return count;
}

int NumberFormat::precision() const {
    return digits(false) + digits(true);
}
int NumberFormat::scale() const {
    return digits(true);
}

std::optional<std::string> NumberFormat::read(std::string_view text) const {
    std::string whole;
    std::string fraction;
    std::size_t at = 0;
    bool after_point = false;
    bool opened = false;
    bool closed = false;
    bool negative = false;
    const auto take = [&](char c) {
        if (at == text.size() || text[at] != c) return false;
        ++at;
        return true;
    };
    // The sizes of the groups between commas are compared from the right: those on the left may be
    // missing.
    const auto take_run = [&](const std::vector<Token>& run) {
        std::vector<int> sizes = {0};
        for (; at < text.size(); ++at) {
            const char c = text[at];
            if (c >= '0' && c <= '9') {
                ++sizes.back();
                (after_point ? fraction : whole).push_back(c);
            } else if (c == ',') {
                sizes.push_back(0);
            } else if (c != ' ' && (c < '\t' || c > '\r')) {
                break;
            }
        }
        std::size_t taken = 0;
        for (std::size_t i = run.size(); i > 0; --i) {
            const Token& wanted = run[i - 1];
            if (wanted.kind != Kind::kDigits) continue;
            const int size = taken < sizes.size() ? sizes[sizes.size() - 1 - taken] : 0;
            if (wanted.exact ? size != wanted.digits : size > wanted.digits) return false;
            ++taken;
        }
        return sizes.size() <= taken;
    };
    for (const std::vector<Token>& group : groups()) {
        switch (group[0].kind) {
            case Kind::kDigits:
            case Kind::kComma:
                if (!take_run(group)) return std::nullopt;
                break;
            case Kind::kPoint: after_point = take('.') || after_point; break;
            case Kind::kDollar:
                if (at < text.size() && !take('$')) return std::nullopt;
                break;
            case Kind::kSign:
                if (!take('+') && take('-')) negative = !negative;
                break;
            case Kind::kMinus:
                if (take('-')) negative = !negative;
                break;
            case Kind::kOpen: opened = take('<') || opened; break;
            case Kind::kClose:
                if (take('>')) {
                    closed = true;
                    negative = !negative;
                }
                break;
            case Kind::kUnknown: return std::nullopt;
        }
    }
    if (at < text.size() || opened != closed || (whole.empty() && fraction.empty())) {
        return std::nullopt;
    }
    std::string result = negative ? "-" : "";
    result += whole.empty() ? "0" : whole;
    return fraction.empty() ? result : result + "." + fraction;
}

namespace {

// A sign goes before the spaces that it follows.
void append_before_spaces(std::string& to, char c) {
    const std::size_t end = to.find_last_not_of(' ');
    to.insert(end == std::string::npos ? 0 : end + 1, 1, c);
}

// A space goes before the signs that it follows.
void append_space(std::string& to) {
    std::size_t at = to.size();
    while (at > 0 && (to[at - 1] == '+' || to[at - 1] == '-' || to[at - 1] == '<')) --at;
    to.insert(at, 1, ' ');
}

// A point with nothing behind it.
void blank_lone_point(std::string& text) {
    const std::size_t at = text.find('.');
    if (at != std::string::npos && (at + 1 == text.size() || text[at + 1] == ' ')) text[at] = ' ';
}

}  // namespace

std::string NumberFormat::write(std::string_view decimal) const {
    bool negative = decimal.starts_with('-');
    if (negative) decimal.remove_prefix(1);
    const std::size_t dot = decimal.find('.');
    std::string whole(decimal.substr(0, dot));
    std::string fraction(dot == std::string_view::npos ? "" : decimal.substr(dot + 1));
    whole.erase(0, whole.find_first_not_of('0'));
    fraction.erase(fraction.find_last_not_of('0') + 1);
    negative = negative && !(whole.empty() && fraction.empty());
    const auto before = static_cast<std::size_t>(digits(false));
    const auto after = static_cast<std::size_t>(digits(true));
    if (whole.size() > before || fraction.size() > after) {
        whole.assign(before, '#');
        fraction.assign(after, '#');
    }
    whole.insert(0, before - whole.size(), ' ');
    fraction.append(after - fraction.size(), '0');

    std::string result;
    std::size_t next_whole = 0;
    std::size_t next_fraction = 0;
    bool after_point = false;
    for (const Token& token : tokens_) {
        switch (token.kind) {
            case Kind::kDigits:
                for (int i = 0; i < token.digits; ++i) {
                    if (after_point) {
                        result.push_back(fraction[next_fraction++]);
                        continue;
                    }
                    const char c = whole[next_whole++];
                    if (c != ' ') {
                        result.push_back(c);
                    } else if (token.exact) {
                        result.push_back('0');
                    } else {
                        append_space(result);
                    }
                }
                break;
            case Kind::kComma:
                if (!result.empty() && result.back() >= '0' && result.back() <= '9') {
                    result.push_back(',');
                } else {
                    append_space(result);
                }
                break;
            case Kind::kPoint:
                if (!result.empty() && result.back() == ' ') result.back() = '0';
                result.push_back('.');
                after_point = true;
                break;
            case Kind::kDollar: result.push_back('$'); break;
            case Kind::kSign:
                blank_lone_point(result);
                append_before_spaces(result, negative ? '-' : '+');
                break;
            case Kind::kMinus:
                if (negative) {
                    blank_lone_point(result);
                    append_before_spaces(result, '-');
                } else {
                    result.push_back(' ');
                }
                break;
            case Kind::kOpen:
                if (negative) result.push_back('<');
                break;
            case Kind::kClose:
                blank_lone_point(result);
                if (negative) {
                    append_before_spaces(result, '>');
                } else {
                    result += "  ";
                }
                break;
            case Kind::kUnknown: break;
        }
    }
    blank_lone_point(result);
    return result.empty() || result == "+" || result == "-" ? "0" : result;
}

}  // namespace millrace::sql
