#include "columnar/time_format_internal.h"

#include <algorithm>
#include <array>

#include "columnar/time_text_internal.h"

namespace millrace::columnar {

using base::Code;
using base::fail;

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDayUs = 86'400 * kSecondUs;
constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};
constexpr std::string_view kKnownLetters = "GyuMLdDEFaHhKkmsSnNAVzOXxZQq";

bool digit(char c) {
    return c >= '0' && c <= '9';
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
               return std::tolower(static_cast<unsigned char>(a)) ==
                      std::tolower(static_cast<unsigned char>(b));
           });
}

void append_padded(std::string& to, std::int64_t value, int width) {
    const bool negative = value < 0;
    const std::string digits = std::to_string(negative ? -value : value);
    if (negative) to.push_back('-');
    if (digits.size() < static_cast<std::size_t>(width)) {
        to.append(static_cast<std::size_t>(width) - digits.size(), '0');
    }
    to += digits;
}

void append_offset(std::string& to, std::int64_t seconds, bool colon, bool minutes,
                   bool seconds_too) {
    to.push_back(seconds < 0 ? '-' : '+');
    if (seconds < 0) seconds = -seconds;
    append_padded(to, seconds / 3600, 2);
    if (minutes || seconds / 60 % 60 != 0) {
        if (colon) to.push_back(':');
        append_padded(to, seconds / 60 % 60, 2);
    }
    if (seconds_too && seconds % 60 != 0) {
        if (colon) to.push_back(':');
        append_padded(to, seconds % 60, 2);
    }
}

// A number field: how many digits it must and may have.
struct Width {
    int least = 0;
    int most = 0;
};
Width width_of(char letter, int count) {
    switch (letter) {
        case 'y':
        case 'u':
            if (count == 2) return {2, 2};
            return {count, 10};
        case 'M':
        case 'L':
        case 'Q':
        case 'q':
            if (count >= 3) return {};
            return count == 1 ? Width{1, 10} : Width{2, 2};
        case 'D': return count == 1 ? Width{1, 10} : count == 2 ? Width{2, 3} : Width{3, 3};
        case 'd':
        case 'H':
        case 'h':
        case 'K':
        case 'k':
        case 'm':
        case 's':
        case 'F': return count == 1 ? Width{1, 10} : Width{2, 2};
        case 'S': return {1, count};
        case 'n':
        case 'N':
        case 'A': return {count, 19};
        default: return {};
    }
}

}  // namespace

struct TimeFormat::Fields {
    std::int64_t year = 1970;
    std::int64_t month = 1;
    std::int64_t day = 1;
    std::optional<std::int64_t> day_of_year;
    std::optional<std::int64_t> weekday;  // 1 Monday … 7 Sunday
    std::int64_t hour = 0;
    std::optional<std::int64_t> hour12;
    std::optional<bool> afternoon;
    std::int64_t minute = 0;
    std::int64_t second = 0;
    std::int64_t microsecond = 0;
    bool before_christ = false;
    std::optional<std::int64_t> offset_s;
    std::string_view zone;

    // Microseconds since the epoch, as the wall clock reads; nothing for a field out of range.
    std::optional<std::int64_t> local() const;
};

base::Result<TimeFormat> TimeFormat::make(std::string_view pattern) {
    TimeFormat format;
    const auto literal = [&](char c) {
        if (format.items_.empty() || format.items_.back().letter != 0 ||
            format.items_.back().optional_start || format.items_.back().optional_end) {
            format.items_.emplace_back();
        }
        format.items_.back().text.push_back(c);
    };
    int open = 0;
    for (std::size_t i = 0; i < pattern.size();) {
        const char c = pattern[i];
        if (std::isalpha(static_cast<unsigned char>(c))) {
            std::size_t end = i;
            while (end < pattern.size() && pattern[end] == c) ++end;
            if (kKnownLetters.find(c) == std::string_view::npos) {
                return fail(base::Error(
                    Code::kInvalidArgument,
                    fmt::format(
                        "[INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER] Unrecognized datetime "
                        "pattern: {}. Illegal pattern character found in datetime pattern: {}. "
                        "Please provide legal character. SQLSTATE: 22007",
                        pattern, c),
                    {.name = "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER",
                     .sql_state = "22007",
                     .parameters = {{"pattern", std::string(pattern)}, {"c", std::string(1, c)}},
                     .java_class = "org.apache.spark.SparkIllegalArgumentException"}));
            }
            format.items_.push_back({.letter = c, .count = static_cast<int>(end - i)});
            i = end;
        } else if (c == '\'') {
            if (i + 1 < pattern.size() && pattern[i + 1] == '\'') {
                literal('\'');
                i += 2;
                continue;
            }
            for (++i; i < pattern.size(); ++i) {
                if (pattern[i] != '\'') {
                    literal(pattern[i]);
                } else if (i + 1 < pattern.size() && pattern[i + 1] == '\'') {
                    literal('\'');
                    ++i;
                } else {
                    break;
                }
            }
            if (i == pattern.size()) {
                return fail(Code::kInvalidArgument, "the datetime pattern {} has an open quote",
                            pattern);
            }
            ++i;
        } else if (c == '[') {
            ++open;
            format.items_.push_back({.optional_start = true});
            ++i;
        } else if (c == ']') {
            if (open-- == 0) {
                return fail(Code::kInvalidArgument, "the datetime pattern {} has a lone ]",
                            pattern);
            }
            format.items_.push_back({.optional_end = true});
            ++i;
        } else {
            literal(c);
            ++i;
        }
    }
    if (open > 0) {
        return fail(Code::kInvalidArgument, "the datetime pattern {} has an open [", pattern);
    }
    return format;
}

std::optional<std::int64_t> TimeFormat::Fields::local() const {
    std::int64_t days = 0;
    const std::int64_t proleptic = before_christ ? 1 - year : year;
    if (proleptic < -999'999 || proleptic > 999'999) return std::nullopt;
    if (day_of_year) {
        const bool leap = days_in_month(proleptic, 2) == 29;
        if (*day_of_year < 1 || *day_of_year > (leap ? 366 : 365)) return std::nullopt;
        days = days_from_civil(proleptic, 1, 1) + *day_of_year - 1;
    } else {
        if (month < 1 || month > 12 || day < 1) return std::nullopt;
        if (day > days_in_month(proleptic, static_cast<int>(month))) return std::nullopt;
        days = days_from_civil(proleptic, static_cast<int>(month), static_cast<int>(day));
    }
    if (weekday && ((days + 3) % 7 + 7) % 7 + 1 != *weekday) return std::nullopt;
    std::int64_t hours = hour;
    if (hour12) {
        if (*hour12 < 0 || *hour12 > 11) return std::nullopt;
        hours = *hour12 + (afternoon.value_or(false) ? 12 : 0);
    }
    if (hours < 0 || hours > 23 || minute > 59 || second > 59) return std::nullopt;
    return days * kDayUs + ((hours * 60 + minute) * 60 + second) * kSecondUs + microsecond;
}

bool TimeFormat::read(std::string_view text, std::size_t& at, std::size_t from, std::size_t to,
                      Fields& fields) const {
    for (std::size_t i = from; i < to; ++i) {
        const Item& item = items_[i];
        if (item.optional_end) continue;
        if (item.optional_start) {
            int depth = 0;
            std::size_t end = i;
            for (; end < to; ++end) {
                if (items_[end].optional_start) ++depth;
                if (items_[end].optional_end && --depth == 0) break;
            }
            // All of it, or nothing of it.
            Fields tried = fields;
            std::size_t tried_at = at;
            if (read(text, tried_at, i + 1, end, tried)) {
                fields = tried;
                at = tried_at;
            }
            i = end;
            continue;
        }
        const std::string_view rest = text.substr(at);
        if (item.letter == 0) {
            if (!starts_with_ignoring_case(rest, item.text)) return false;
            at += item.text.size();
            continue;
        }
        const Width width = width_of(item.letter, item.count);
        if (width.most > 0) {
            // Numbers that follow at once keep their digits: yyyyMMdd.
            int reserved = 0;
            if (width.most > width.least) {
                for (std::size_t next = i + 1; next < to && items_[next].letter != 0; ++next) {
                    const Width following = width_of(items_[next].letter, items_[next].count);
                    if (following.most == 0 || following.least != following.most) break;
                    reserved += following.most;
                }
            }
            bool negative = false;
            if ((item.letter == 'y' || item.letter == 'u') && item.count != 2 && at < text.size() &&
                (text[at] == '-' || text[at] == '+')) {
                negative = text[at] == '-';
                ++at;
            }
            int available = 0;
            while (at + static_cast<std::size_t>(available) < text.size() &&
                   digit(text[at + static_cast<std::size_t>(available)])) {
                ++available;
            }
            int take = std::min(width.most, available - reserved);
            // A plain yyyy takes four digits; more only with a sign.
            if (item.letter != 'S' && reserved > 0) take = std::max(take, width.least);
            if (take < width.least || take > available) return false;
            std::int64_t value = 0;
            for (int d = 0; d < take; ++d) value = value * 10 + (text[at++] - '0');
            if (negative) value = -value;
            switch (item.letter) {
                case 'y':
                case 'u': fields.year = item.count == 2 ? 2000 + value : value; break;
                case 'M':
                case 'L': fields.month = value; break;
                case 'Q':
                case 'q':
                    if (value < 1 || value > 4) return false;
                    fields.month = 3 * value - 2;
                    break;
                case 'd': fields.day = value; break;
                case 'D': fields.day_of_year = value; break;
                case 'H': fields.hour = value; break;
                case 'k':
                    if (value < 1 || value > 24) return false;
                    fields.hour = value % 24;
                    break;
                case 'h':
                    if (value < 1 || value > 12) return false;
                    fields.hour12 = value % 12;
                    break;
                case 'K': fields.hour12 = value; break;
                case 'm': fields.minute = value; break;
                case 's': fields.second = value; break;
                case 'S':
                    for (int d = take; d < 6; ++d) value *= 10;
                    for (int d = take; d > 6; --d) value /= 10;
                    fields.microsecond = value;
                    break;
                case 'n': fields.microsecond = value / 1000; break;
                default: break;
            }
            continue;
        }
        const auto name_from = [&](const auto& names, bool full) -> std::optional<std::int64_t> {
            for (std::size_t n = 0; n < names.size(); ++n) {
                const std::string_view name = full ? names[n] : names[n].substr(0, 3);
                if (starts_with_ignoring_case(rest, name)) {
                    at += name.size();
                    return static_cast<std::int64_t>(n) + 1;
                }
            }
            return std::nullopt;
        };
        switch (item.letter) {
            case 'M':
            case 'L': {
                const auto month = name_from(kMonths, item.count >= 4);
                if (!month) return false;
                fields.month = *month;
                break;
            }
            case 'E': {
                fields.weekday = name_from(kDays, item.count >= 4);
                if (!fields.weekday) return false;
                break;
            }
            case 'a':
                if (starts_with_ignoring_case(rest, "AM")) {
                    fields.afternoon = false;
                } else if (starts_with_ignoring_case(rest, "PM")) {
                    fields.afternoon = true;
                } else {
                    return false;
                }
                at += 2;
                break;
            case 'G':
                if (starts_with_ignoring_case(rest, "BC")) {
                    fields.before_christ = true;
                } else if (!starts_with_ignoring_case(rest, "AD")) {
                    return false;
                }
                at += 2;
                break;
            case 'X':
                if (starts_with_ignoring_case(rest, "Z")) {
                    fields.offset_s = 0;
                    ++at;
                    break;
                }
                [[fallthrough]];
            case 'x':
            case 'Z':
            case 'O': {
                std::size_t end = at;
                if (item.letter == 'O' || (item.letter == 'Z' && item.count == 4)) {
                    if (!starts_with_ignoring_case(rest, "GMT")) return false;
                    end += 3;
                    at += 3;
                    if (end == text.size() || (text[end] != '+' && text[end] != '-')) {
                        fields.offset_s = 0;
                        break;
                    }
                }
                if (item.letter == 'Z' && item.count == 5 && end < text.size() &&
                    text[end] == 'Z') {
                    fields.offset_s = 0;
                    ++at;
                    break;
                }
                if (end >= text.size() || (text[end] != '+' && text[end] != '-')) return false;
                const bool minus = text[end++] == '-';
                std::array<std::int64_t, 3> parts{};
                for (std::size_t part = 0; part < parts.size(); ++part) {
                    std::size_t place = end;
                    if (part > 0 && place < text.size() && text[place] == ':') ++place;
                    if (place + 1 >= text.size() || !digit(text[place]) ||
                        !digit(text[place + 1])) {
                        if (part == 0) return false;
                        break;
                    }
                    parts[part] = (text[place] - '0') * 10 + (text[place + 1] - '0');
                    end = place + 2;
                }
                const std::int64_t seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
                if (seconds > 18 * 3600) return false;
                fields.offset_s = minus ? -seconds : seconds;
                at = end;
                break;
            }
            case 'V':
            case 'z': {
                std::size_t end = at;
                while (end < text.size() &&
                       (std::isalnum(static_cast<unsigned char>(text[end])) ||
                        std::string_view("/_+-:").find(text[end]) != std::string_view::npos)) {
                    ++end;
                }
                if (end == at) return false;
                fields.zone = text.substr(at, end - at);
                at = end;
                break;
            }
            default: return false;
        }
    }
    return true;
}

std::optional<TimeFormat::Fields> TimeFormat::parse(std::string_view text) const {
    Fields fields;
    std::size_t at = 0;
    if (!read(text, at, 0, items_.size(), fields) || at != text.size()) return std::nullopt;
    return fields;
}

std::optional<std::int32_t> TimeFormat::parse_date(std::string_view text) const {
    const auto local = parse_local(text);
    if (!local) return std::nullopt;
    return static_cast<std::int32_t>(*local / kDayUs - (*local % kDayUs < 0 ? 1 : 0));
}

std::optional<std::int64_t> TimeFormat::parse_local(std::string_view text) const {
    const auto fields = parse(text);
    return fields ? fields->local() : std::nullopt;
}

std::optional<std::int64_t> TimeFormat::parse_instant(std::string_view text, Zone& zone) const {
    const auto fields = parse(text);
    if (!fields) return std::nullopt;
    const auto local = fields->local();
    if (!local) return std::nullopt;
    if (fields->offset_s) return *local - *fields->offset_s * kSecondUs;
    if (fields->zone.empty()) return zone.to_instant(*local);
    Zone* named = thread_zone(fields->zone);
    if (named == nullptr) return std::nullopt;
    return named->to_instant(*local);
}

void TimeFormat::append(std::string& to, std::int64_t local_us, std::int64_t offset_us,
                        std::string_view zone_name) const {
    const std::int64_t days = local_us / kDayUs - (local_us % kDayUs < 0 ? 1 : 0);
    const std::int64_t within = local_us - days * kDayUs;
    const CivilDate date = civil_from_days(days);
    const std::int64_t hour = within / (3600 * kSecondUs);
    const std::int64_t microsecond = within % kSecondUs;
    const std::int64_t offset_s = offset_us / kSecondUs;
    const auto weekday = static_cast<std::size_t>(((days + 3) % 7 + 7) % 7);
    for (const Item& item : items_) {
        if (item.letter == 0) {
            to += item.text;
            continue;
        }
        const int width = item.count;
        switch (item.letter) {
            case 'G': to += date.year > 0 ? "AD" : "BC"; break;
            case 'y':
            case 'u': {
                const std::int64_t year =
                    item.letter == 'y' && date.year <= 0 ? 1 - date.year : date.year;
                if (width == 2) {
                    append_padded(to, (year % 100 + 100) % 100, 2);
                } else {
                    if (width >= 4 && year > 9999) to.push_back('+');
                    append_padded(to, year, width);
                }
                break;
            }
            case 'M':
            case 'L':
                if (width >= 4) {
                    to += kMonths[static_cast<std::size_t>(date.month - 1)];
                } else if (width == 3) {
                    to += kMonths[static_cast<std::size_t>(date.month - 1)].substr(0, 3);
                } else {
                    append_padded(to, date.month, width);
                }
                break;
            case 'Q':
            case 'q': {
                const int quarter = (date.month - 1) / 3 + 1;
                if (width >= 4) {
                    static constexpr const char* kQuarters[] = {"1st", "2nd", "3rd", "4th"};
                    to += kQuarters[quarter - 1];
                    to += " quarter";
                } else if (width == 3) {
                    to += "Q" + std::to_string(quarter);
                } else {
                    append_padded(to, quarter, width);
                }
                break;
            }
            case 'd': append_padded(to, date.day, width); break;
            case 'D': append_padded(to, days - days_from_civil(date.year, 1, 1) + 1, width); break;
            case 'F': append_padded(to, (date.day - 1) % 7 + 1, width); break;
            case 'E': to += width >= 4 ? kDays[weekday] : kDays[weekday].substr(0, 3); break;
            case 'a': to += hour < 12 ? "AM" : "PM"; break;
            case 'H': append_padded(to, hour, width); break;
            case 'k': append_padded(to, hour == 0 ? 24 : hour, width); break;
            case 'h': append_padded(to, hour % 12 == 0 ? 12 : hour % 12, width); break;
            case 'K': append_padded(to, hour % 12, width); break;
            case 'm': append_padded(to, within / (60 * kSecondUs) % 60, width); break;
            case 's': append_padded(to, within / kSecondUs % 60, width); break;
            case 'S': {
                std::string fraction;
                append_padded(fraction, microsecond * 1000, 9);
                to += fraction.substr(0, static_cast<std::size_t>(std::min(width, 9)));
                break;
            }
            case 'n': append_padded(to, microsecond * 1000, width); break;
            case 'N': append_padded(to, within * 1000, width); break;
            case 'A': append_padded(to, within / 1000, width); break;
            case 'V':
            case 'z': to += zone_name; break;
            case 'X':
                if (offset_s == 0) {
                    to.push_back('Z');
                    break;
                }
                [[fallthrough]];
            case 'x':
                append_offset(to, offset_s, width == 3 || width == 5, width >= 2, width >= 4);
                break;
            case 'Z':
                if (width == 5 && offset_s == 0) {
                    to.push_back('Z');
                } else {
                    if (width == 4) to += "GMT";
                    if (width != 4 || offset_s != 0)
                        append_offset(to, offset_s, width >= 4, true, width == 5);
                }
                break;
            case 'O':
                to += "GMT";
                if (offset_s != 0) {
                    if (width >= 4) {
                        append_offset(to, offset_s, true, true, true);
                    } else {
                        to.push_back(offset_s < 0 ? '-' : '+');
                        const std::int64_t magnitude = offset_s < 0 ? -offset_s : offset_s;
                        to += std::to_string(magnitude / 3600);
                        if (magnitude / 60 % 60 != 0) {
                            to.push_back(':');
                            append_padded(to, magnitude / 60 % 60, 2);
                        }
                    }
                }
                break;
            default: break;
        }
    }
}

}  // namespace millrace::columnar
