#include "cli/weblog/event.h"

#include <gtest/gtest.h>

namespace millrace::cli {
namespace {

std::string json_of_request(std::string request) {
    return to_json({.request = std::move(request)});
}

TEST(WebLogEvent, is_one_json_object) {
    EXPECT_EQ(to_json({.host = "a.b",
                       .timestamp_ms = 807'256'804'000,
                       .request = "GET /x.html",
                       .http_reply = 200,
                       .bytes = 8677}),
              R"({"host":"a.b","timestamp":"1995-08-01T06:00:04.000Z","request":"GET /x.html",)"
              R"("http_reply":200,"bytes":8677})");
}

TEST(WebLogEvent, shows_what_is_missing_as_null) {
    EXPECT_EQ(json_of_request("GET /"),
              R"({"host":"","timestamp":null,"request":"GET /","http_reply":null,"bytes":null})");
}

TEST(WebLogEvent, escapes_text_into_valid_utf8) {
    const auto request = [](std::string text) {
        const std::string json = json_of_request(std::move(text));
        const auto begin = json.find("\"request\":") + 10;
        return json.substr(begin, json.find(",\"http_reply\"") - begin);
    };
    EXPECT_EQ(request("a\"b\\c"), R"("a\"b\\c")");
    EXPECT_EQ(request("tab\tnul" + std::string(1, '\0')), R"("tab\tnul\u0000")");
    EXPECT_EQ(request("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
    EXPECT_EQ(request("caf\xe9"), "\"caf\xc3\xa9\"");
    EXPECT_EQ(request("\xed\xa0\x80"), "\"\xc3\xad\xc2\xa0\xc2\x80\"");
    EXPECT_EQ(request("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"");
    EXPECT_EQ(request("cut\xf0\x9f"), "\"cut\xc3\xb0\xc2\x9f\"");
}

TEST(WebLogEvent, writes_times_of_any_age) {
    EXPECT_EQ(iso_time(0), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(iso_time(-1), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(iso_time(1'767'225'600'123), "2026-01-01T00:00:00.123Z");
}

}  // namespace
}  // namespace millrace::cli
