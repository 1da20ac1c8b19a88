#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace millrace::base {
namespace {

// The text parsed and written again, or what was wrong with it.
std::string again(std::string_view text, const JsonLimits& limits = {}) {
    const auto value = parse_json(text, limits);
    return value ? to_json(*value) : value.error().message();
}

TEST(Json, reads_and_writes_every_kind_of_value) {
    const std::pair<const char*, const char*> cases[] = {
        {"null", "null"},
        {" true ", "true"},
        {"false\n", "false"},
        {"-0", "0"},
        {"9223372036854775807", "9223372036854775807"},
        {"9223372036854775808", "9.223372036854776e+18"},
        {"1.50", "1.5"},
        {"3.0", "3.0"},
        {"1E+2", "100.0"},
        {"-2.5e-3", "-0.0025"},
        {R"("")", R"("")"},
        {R"("a\"\\\/\b\f\n\r\t")", R"("a\"\\/\b\f\n\r\t")"},
        {R"("\u0041\u00e4\u20ac\ud83d\ude00\u0000")",
         "\"A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\\u0000\""},
        {"[ ]", "[]"},
        {"[1, [2, {}], null]", "[1,[2,{}],null]"},
        {R"({ "b" : 1 , "a" : [ ] , "" : {"x":"y"} })", R"({"b":1,"a":[],"":{"x":"y"}})"},
    };
    for (const auto& [text, expected] : cases) {
        EXPECT_EQ(again(text), expected);
        EXPECT_EQ(again(expected), expected);
    }
}

TEST(Json, refuses_what_the_standard_refuses) {
    const char* const cases[] = {
        "",
        " ",
        "nul",
        "True",
        "+1",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "NaN",
        "Infinity",
        "1 2",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "]",
        "{",
        "{}}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u123g\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"a\nb\"",
        "\"\x01\"",
        "\"\xff\"",
        "// x\n1",
        "1e999",
        "[1]x",
        "{\"a\":1,\"a\":2}",
        "\xEF\xBB\xBF[1]",
    };
    for (const auto* const text : cases) EXPECT_FALSE(parse_json(text)) << text;
    EXPECT_EQ(again("[1,"), "JSON: expected a value at byte 3, where the text ends");
    EXPECT_EQ(again("{\"a\" 1}"), "JSON: expected ':' at byte 5");
    EXPECT_EQ(again(R"({"k":1,"j":2,"k":3})"),
              "JSON: the member 'k' stands twice in the object before byte 19");
}

TEST(Json, bounds_depth_and_size) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_EQ(again(nested(4), {.max_depth = 4}), "[[[[]]]]");
    EXPECT_EQ(again(nested(5), {.max_depth = 4}), "JSON: nested too deeply at byte 4");
    EXPECT_EQ(again("[{\"a\":[]},[[]]]", {.max_depth = 3}), "[{\"a\":[]},[[]]]");
    EXPECT_EQ(again(std::string(1'000'000, '[')), "JSON: nested too deeply at byte 128");
    EXPECT_EQ(again("12345", {.max_bytes = 4}), "JSON: 5 bytes, over the limit of 4");
}

TEST(Json, says_what_stands_there_instead) {
    const JsonValue value = parse_json(R"({"rows":"3","at":1.5,"ok":true,"none":null})").value();
    EXPECT_EQ(value.get_int("rows").error().to_string(),
              "corrupt: JSON member 'rows': expected a whole number but found a string");
    EXPECT_EQ(value.get_int("at").error().message(),
              "JSON member 'at': expected a whole number but found a number");
    EXPECT_EQ(value.get_string("lost").error().message(), "JSON member 'lost' is missing");
    EXPECT_EQ(value.get_bool("ok").value(), true);
    EXPECT_EQ(value.get_double("at").value(), 1.5);
    EXPECT_EQ(value.get_string("rows").value(), "3");
    EXPECT_TRUE(value.find("none")->is_null());
    EXPECT_EQ(value.find("lost"), nullptr);
    EXPECT_EQ(JsonValue(3).find("x"), nullptr);
    EXPECT_TRUE(JsonValue(3).items().empty());
    EXPECT_EQ(JsonValue("text").get_int("x").error().message(), "JSON member 'x' is missing");
}

TEST(Json, builds_values) {
    JsonValue value;
    value.set("b", 1).set("a", JsonArray{1.0, "x", nullptr}).set("b", true);
    EXPECT_EQ(to_json(value), R"({"b":true,"a":[1.0,"x",null]})");
    EXPECT_EQ(to_json(JsonValue().push(1).push(JsonObject{{"k", false}})), R"([1,{"k":false}])");
    EXPECT_EQ(parse_json(to_json(value)).value(), value);
    EXPECT_EQ(to_json(JsonValue(std::size_t{5})), "5");
    EXPECT_EQ(to_json(JsonValue(std::numeric_limits<std::uint64_t>::max())),
              "1.8446744073709552e+19");
}

TEST(Json, indents_for_people) {
    EXPECT_EQ(to_json(parse_json(R"({"a":[1,{}],"b":"x,{\"[","c":[]})").value(), 2),
              "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x,{\\\"[\",\n  \"c\": []\n}");
}

TEST(Json, writer_puts_commas_and_escapes) {
    JsonWriter json;
    json.begin_object().key("rows").value(3).key("tags").begin_array().value("a\"").value(2.0);
    json.begin_object().end_object().end_array().key("none").value(nullptr).key("ok").value(true);
    json.key("small")
        .value(7u)
        .key("big")
        .value(std::numeric_limits<std::uint64_t>::max())
        .key("raw")
        .raw("[1]");
    json.end_object();
    EXPECT_EQ(json.text(), R"({"rows":3,"tags":["a\"",2.0,{}],"none":null,"ok":true,"small":7,)"
                           R"("big":18446744073709551615,"raw":[1]})");
    EXPECT_EQ(JsonWriter().value(std::nan("")).take(), "null");
    EXPECT_EQ(json_quote("a\xff\xC3\xA4\xE2\x82"),
              "\"a\xEF\xBF\xBD\xC3\xA4\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace millrace::base
