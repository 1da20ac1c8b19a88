#include <unicode/basictz.h>
#include <unicode/timezone.h>
#include <unicode/tztrans.h>

#include <charconv>
#include <limits>

#include "columnar/time_zone_internal.h"

namespace millrace::columnar {

using base::Code;
using base::fail;
using base::Result;

struct Zone::Impl {
    std::unique_ptr<icu::TimeZone> zone;  // Null: a fixed offset.
    std::int64_t offset_us = 0;           // In [from_us, to_us).
    std::int64_t from_us = std::numeric_limits<std::int64_t>::min();
    std::int64_t to_us = std::numeric_limits<std::int64_t>::max();
};

namespace {

constexpr std::int64_t kSecond = 1'000'000;

// "+2", "+02", "+0200", "+02:00", "+02:00:30" as seconds; false for anything else.
bool parse_offset(std::string_view text, std::int64_t& seconds) {
    if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return false;
    const int sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
    std::string digits;
    int colons = 0;
    std::size_t since_colon = 0;
    for (const char c : text) {
        if (c == ':') {
            if (since_colon == 1 && colons == 0) digits.insert(digits.begin(), '0');
            ++colons;
            since_colon = 0;
        } else if (c >= '0' && c <= '9') {
            digits.push_back(c);
            ++since_colon;
        } else {
            return false;
        }
    }
    if (colons == 0 && digits.size() == 1) digits.insert(digits.begin(), '0');
    if (digits.size() != 2 && digits.size() != 4 && digits.size() != 6) return false;
    if (colons > 2 || (colons > 0 && digits.size() != static_cast<std::size_t>(2 + 2 * colons))) {
        return false;
    }
    digits.resize(6, '0');
    const auto two = [&](std::size_t at) {
        return (digits[at] - '0') * 10 + (digits[at + 1] - '0');
    };
    if (two(0) > 18 || two(2) > 59 || two(4) > 59) return false;
    seconds = sign * (two(0) * 3600LL + two(2) * 60LL + two(4));
    return true;
}

}  // namespace

Zone::Zone(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Zone::Zone(Zone&&) noexcept = default;
Zone& Zone::operator=(Zone&&) noexcept = default;
Zone::~Zone() = default;

Result<Zone> Zone::find(const std::string& name) {
    auto impl = std::make_unique<Impl>();
    std::string_view rest = name;
    if (rest == "Z" || rest == "UTC" || rest == "GMT" || rest == "UT" || rest == "Etc/UTC") {
        return Zone(std::move(impl));
    }
    for (const std::string_view prefix : {"UTC", "GMT", "UT"}) {
        if (rest.starts_with(prefix) && rest.size() > prefix.size()) {
            rest.remove_prefix(prefix.size());
            break;
        }
    }
    std::int64_t seconds = 0;
    if (parse_offset(rest, seconds)) {
        impl->offset_us = seconds * kSecond;
        return Zone(std::move(impl));
    }
    std::unique_ptr<icu::TimeZone> zone(
        icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(name)));
    if (zone == nullptr || *zone == icu::TimeZone::getUnknown()) {
        return fail(base::Error(
            Code::kInvalidArgument,
            fmt::format(
                "[INVALID_TIMEZONE] The timezone: {} is invalid. The timezone must be either "
                "a region-based zone ID or a zone offset. Region IDs must have the form "
                "'area/city', such as 'America/Los_Angeles'. Zone offsets must be in the "
                "format '(+|-)HH', '(+|-)HH:mm' or '(+|-)HH:mm:ss', e.g '-08' , '+01:00' or "
                "'-13:33:33', and must be in the range from -18:00 to +18:00. 'Z' and 'UTC' "
                "are accepted as synonyms for '+00:00'. SQLSTATE: 22009",
                name),
            {.name = "INVALID_TIMEZONE",
             .sql_state = "22009",
             .parameters = {{"timeZone", name}}}));
    }
    impl->zone = std::move(zone);
    impl->to_us = impl->from_us;  // Nothing known yet.
    return Zone(std::move(impl));
}

std::int64_t Zone::offset_at(std::int64_t instant_us) {
    Impl& impl = *impl_;
    if (instant_us >= impl.from_us && instant_us < impl.to_us) return impl.offset_us;
    const double instant_ms =
        static_cast<double>(instant_us / 1000 - (instant_us % 1000 < 0 ? 1 : 0));
    UErrorCode error = U_ZERO_ERROR;
    std::int32_t raw_ms = 0;
    std::int32_t dst_ms = 0;
    impl.zone->getOffset(instant_ms, false, raw_ms, dst_ms, error);
    impl.offset_us = (std::int64_t{raw_ms} + dst_ms) * 1000;
    impl.from_us = instant_us;
    impl.to_us = instant_us + 1;
    if (const auto* basic = dynamic_cast<const icu::BasicTimeZone*>(impl.zone.get())) {
        icu::TimeZoneTransition transition;
        impl.from_us = std::numeric_limits<std::int64_t>::min();
        impl.to_us = std::numeric_limits<std::int64_t>::max();
        if (basic->getPreviousTransition(instant_ms, true, transition)) {
            impl.from_us = static_cast<std::int64_t>(transition.getTime()) * 1000;
        }
        if (basic->getNextTransition(instant_ms, false, transition)) {
            impl.to_us = static_cast<std::int64_t>(transition.getTime()) * 1000;
        }
    }
    return impl.offset_us;
}

std::int64_t Zone::to_instant(std::int64_t local_us) {
    // The offsets a day before and after enclose every transition near this time.
    constexpr std::int64_t kDay = 86'400 * kSecond;
    const std::int64_t before = offset_at(local_us - kDay);
    const std::int64_t earlier = local_us - before;
    if (offset_at(earlier) == before) return earlier;
    const std::int64_t after = offset_at(local_us + kDay);
    const std::int64_t later = local_us - after;
    if (offset_at(later) == after) return later;
    return earlier;  // In a gap: the offset before it counts, which moves the time on.
}

CivilDate civil_from_days(std::int64_t days) {
    // Howard Hinnant's algorithm: eras of 400 years that begin on 1 March.
    days += 719468;
    const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const auto day_of_era = static_cast<std::uint32_t>(days - era * 146097);
    const std::uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const std::uint32_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::uint32_t shifted_month = (5 * day_of_year + 2) / 153;
    CivilDate date;
    date.day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    date.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    date.year = static_cast<std::int64_t>(year_of_era) + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

std::int64_t days_from_civil(std::int64_t year, int month, int day) {
    year -= month <= 2 ? 1 : 0;
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const std::int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int days_in_month(std::int64_t year, int month) {
    constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : kDays[month - 1];
}

}  // namespace millrace::columnar
