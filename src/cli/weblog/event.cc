#include "cli/weblog/event.h"

#include <fmt/format.h>

#include <chrono>

#include "base/json.h"
#include "base/strings.h"

namespace millrace::cli {
namespace {

// Old logs hold bytes that are not UTF-8: each byte of such a text counts as a Latin-1 character.
std::string to_utf8(std::string_view text) {
    if (base::is_valid_utf8(text)) return std::string(text);
    std::string converted;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            converted += c;
        } else {
            converted += static_cast<char>(0xC0 | byte >> 6);
            converted += static_cast<char>(0x80 | (byte & 0x3F));
        }
    }
    return converted;
}

template <class Number>
void add_number(base::JsonWriter& json, std::string_view key, std::optional<Number> number) {
    json.key(key);
    number ? json.value(*number) : json.value(nullptr);
}

}  // namespace

std::string iso_time(std::int64_t epoch_ms) {
    using namespace std::chrono;
    const sys_time<milliseconds> time{milliseconds(epoch_ms)};
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

std::string to_json(const WebLogEvent& event) {
    base::JsonWriter json;
    json.begin_object().key("host").value(to_utf8(event.host)).key("timestamp");
    event.timestamp_ms ? json.value(iso_time(*event.timestamp_ms)) : json.value(nullptr);
    json.key("request").value(to_utf8(event.request));
    add_number(json, "http_reply", event.http_reply);
    add_number(json, "bytes", event.bytes);
    return json.end_object().take();
}

}  // namespace millrace::cli
