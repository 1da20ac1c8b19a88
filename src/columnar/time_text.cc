#include "columnar/time_text_internal.h"

#include <limits>
#include <map>

namespace millrace::columnar {

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

bool digit(char c) {
    return c >= '0' && c <= '9';
}

// Digits at `at`, at most `most` of them; how many there were.
int read_digits(std::string_view text, std::size_t& at, int most, std::int64_t& value) {
    int count = 0;
    value = 0;
    while (at < text.size() && count < most && digit(text[at])) {
        value = value * 10 + (text[at] - '0');
        ++at;
        ++count;
    }
    return count;
}

struct DatePart {
    std::int64_t days = 0;
};

// [+-]yyyy*[-[m]m[-[d]d]]; leaves `at` behind it.
bool read_date(std::string_view text, std::size_t& at, std::int64_t& days) {
    int sign = 1;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
        sign = text[at] == '-' ? -1 : 1;
        ++at;
    }
    std::int64_t year = 0;
    std::int64_t month = 1;
    std::int64_t day = 1;
    const int year_digits = read_digits(text, at, 7, year);
    if (year_digits < 4 || (at < text.size() && digit(text[at]))) return false;
    if (at < text.size() && text[at] == '-') {
        ++at;
        if (read_digits(text, at, 2, month) == 0) return false;
        if (at < text.size() && text[at] == '-') {
            ++at;
            if (read_digits(text, at, 2, day) == 0) return false;
        }
    }
    year *= sign;
    if (month < 1 || month > 12 || day < 1) return false;
    if (day > days_in_month(year, static_cast<int>(month))) return false;
    days = days_from_civil(year, static_cast<int>(month), static_cast<int>(day));
    return days >= std::numeric_limits<std::int32_t>::min() &&
           days <= std::numeric_limits<std::int32_t>::max();
}

// Exactly yyyy-mm-dd, the form that nearly all data has; -1 for any other.
std::int64_t common_date(const char* text) {
    static constexpr int kPlaces[] = {0, 1, 2, 3, 5, 6, 8, 9};
    for (const int place : kPlaces) {
        if (!digit(text[place])) return -1;
    }
    if (text[4] != '-' || text[7] != '-') return -1;
    const auto number = [&](int at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
    const std::int64_t year = number(0) * 100 + number(2);
    const int month = number(5);
    const int day = number(8);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return -1;
    return days_from_civil(year, month, day);
}

}  // namespace

std::string_view trim_all(std::string_view text) {
    const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7F'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

std::optional<std::int32_t> parse_date(std::string_view text) {
    text = trim_all(text);
    if (text.size() == 10) {
        const std::int64_t days = common_date(text.data());
        if (days >= 0) return static_cast<std::int32_t>(days);
    }
    std::size_t at = 0;
    std::int64_t days = 0;
    if (!read_date(text, at, days)) return std::nullopt;
    if (at < text.size() && text[at] != ' ' && text[at] != 'T') return std::nullopt;
    return static_cast<std::int32_t>(days);
}

std::optional<ParsedTime> parse_local_time(std::string_view text) {
    text = trim_all(text);
    ParsedTime parsed;
    std::size_t at = 0;
    std::int64_t days = 0;
    if (text.size() >= 19 && (days = common_date(text.data())) >= 0 &&
        (text[10] == ' ' || text[10] == 'T')) {
        at = 10;
    } else if (days = 0; !read_date(text, at, days)) {
        return std::nullopt;
    }
    std::int64_t within = 0;
    if (at < text.size() && (text[at] == ' ' || text[at] == 'T')) {
        ++at;
        std::int64_t hour = 0;
        std::int64_t minute = 0;
        std::int64_t second = 0;
        std::int64_t fraction = 0;
        if (read_digits(text, at, 2, hour) == 0) return std::nullopt;
        if (at < text.size() && text[at] == ':') {
            ++at;
            if (read_digits(text, at, 2, minute) == 0) return std::nullopt;
            if (at < text.size() && text[at] == ':') {
                ++at;
                if (read_digits(text, at, 2, second) == 0) return std::nullopt;
                if (at < text.size() && text[at] == '.') {
                    ++at;
                    int digits = read_digits(text, at, 6, fraction);
                    for (; digits < 6; ++digits) fraction *= 10;
                    while (at < text.size() && digit(text[at])) ++at;  // Finer than microseconds.
                }
            }
        }
        if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
        within = ((hour * 60 + minute) * 60 + second) * kSecondUs + fraction;
        while (at < text.size() && text[at] == ' ') ++at;
        if (at < text.size()) {
            parsed.has_zone = true;
            parsed.zone = text.substr(at);
        }
    } else if (at < text.size()) {
        return std::nullopt;
    }
    if (__builtin_mul_overflow(days, std::int64_t{86'400} * kSecondUs, &parsed.local_us) ||
        __builtin_add_overflow(parsed.local_us, within, &parsed.local_us)) {
        return std::nullopt;
    }
    return parsed;
}

std::optional<std::int64_t> parse_timestamp(std::string_view text, Zone& zone) {
    const auto parsed = parse_local_time(text);
    if (!parsed) return std::nullopt;
    if (!parsed->has_zone) return zone.to_instant(parsed->local_us);
    if (parsed->zone == "Z") return parsed->local_us;
    Zone* named = thread_zone(parsed->zone);
    if (named == nullptr) return std::nullopt;
    return named->to_instant(parsed->local_us);
}

Zone* thread_zone(std::string_view name) {
    // Names come from data too: the memory is bounded, and a wrong name is remembered as wrong.
    constexpr std::size_t kMostZones = 1000;
    thread_local std::map<std::string, std::optional<Zone>, std::less<>> zones;
    thread_local std::string last_name;
    thread_local Zone* last = nullptr;
    if (last != nullptr && name == last_name) return last;
    auto found = zones.find(name);
    if (found == zones.end()) {
        if (zones.size() >= kMostZones) {
            zones.clear();
            last = nullptr;
        }
        auto zone = Zone::find(std::string(name));
        found = zones.emplace(std::string(name), std::nullopt).first;
        if (zone) found->second = std::move(*zone);
    }
    if (!found->second) return nullptr;
    last_name = name;
    last = &*found->second;
    return last;
}

}  // namespace millrace::columnar
