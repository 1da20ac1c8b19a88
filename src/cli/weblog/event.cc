#include "cli/weblog/event.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>

namespace millrace::cli {
namespace {

// The length of the UTF-8 sequence that `text` begins with; 0 when it is none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    std::size_t length = 0;
    if (byte(0) < 0x80) return 1;
    if (byte(0) >= 0xC2 && byte(0) <= 0xDF) length = 2;
    if (byte(0) >= 0xE0 && byte(0) <= 0xEF) length = 3;
    if (byte(0) >= 0xF0 && byte(0) <= 0xF4) length = 4;
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
    }
    // Overlong forms, surrogates and code points beyond Unicode.
    if (byte(0) == 0xE0 && byte(1) < 0xA0) return 0;
    if (byte(0) == 0xED && byte(1) > 0x9F) return 0;
    if (byte(0) == 0xF0 && byte(1) < 0x90) return 0;
    if (byte(0) == 0xF4 && byte(1) > 0x8F) return 0;
    return length;
}

// A JSON string. Old logs hold bytes that are not UTF-8: each counts as a Latin-1 character.
void append_string(std::string& json, std::string_view text) {
    json += '"';
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const auto byte = static_cast<unsigned char>(text[0]);
        if (length == 0) {
            json += static_cast<char>(0xC0 | byte >> 6);
            json += static_cast<char>(0x80 | (byte & 0x3F));
        } else if (byte == '"' || byte == '\\') {
            json += '\\';
            json += text[0];
        } else if (byte < 0x20) {
            fmt::format_to(std::back_inserter(json), "\\u{:04x}", byte);
        } else {
            json += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    json += '"';
}

template <class Number>
void append_number(std::string& json, const std::optional<Number>& number) {
    json += number ? std::to_string(*number) : "null";
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
    std::string json = "{\"host\":";
    append_string(json, event.host);
    json += ",\"timestamp\":";
    if (event.timestamp_ms) {
        json += '"';
        json += iso_time(*event.timestamp_ms);
        json += '"';
    } else {
        json += "null";
    }
    json += ",\"request\":";
    append_string(json, event.request);
    json += ",\"http_reply\":";
    append_number(json, event.http_reply);
    json += ",\"bytes\":";
    append_number(json, event.bytes);
    json += '}';
    return json;
}

}  // namespace millrace::cli
