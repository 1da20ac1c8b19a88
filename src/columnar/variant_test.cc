#include "columnar/variant_internal.h"

#include <gtest/gtest.h>

namespace millrace::columnar {
namespace {

// A variant with its bytes, from JSON.
struct Built {
    std::string value;
    std::string metadata;
    VariantView view() const { return {value, metadata}; }
};
Built build(std::string_view json) {
    VariantBuilder builder;
    EXPECT_FALSE(builder.parse_json(json)) << json;
    return {builder.value(), builder.metadata()};
}
std::string again(std::string_view json) {
    std::string text;
    EXPECT_TRUE(build(json).view().append_json(text, nullptr));
    return text;
}
std::string refusal(std::string_view json) {
    VariantBuilder builder;
    const auto failure = builder.parse_json(json);
    return failure ? failure->condition : "none";
}
std::string schema(std::string_view json) {
    const auto type = build(json).view().schema();
    return type ? variant_schema_text(*type) : "none";
}
std::string at(std::string_view json, std::string_view path) {
    const auto steps = variant_path(path);
    if (!steps) return "no path";
    const Built built = build(json);
    const auto found = variant_at(built.view(), *steps);
    if (!found) return "nothing";
    std::string text;
    EXPECT_TRUE(found->append_json(text, nullptr));
    return text;
}

TEST(Variant, is_encoded_as_in_spark) {
    EXPECT_EQ(build("1").value, "\x0C\x01");
    EXPECT_EQ(build("null").value, std::string("\0", 1));
    EXPECT_EQ(build("300").value, "\x10\x2C\x01");
    EXPECT_EQ(build("\"ab\"").value,
              "\x09"
              "ab");
    EXPECT_EQ(build("0.8").value, std::string("\x20\x01\x08\0\0\0", 6));
    EXPECT_EQ(build("1").metadata, std::string("\x01\0\0", 3));
    EXPECT_EQ(build("{\"b\":1,\"a\":2}").metadata, std::string("\x01\x02\0\x01\x02"
                                                               "ba",
                                                               7));
    // Ids in the order of their names, offsets where each part was written.
    EXPECT_EQ(build("{\"b\":1,\"a\":2}").value,
              std::string("\x02\x02\x01\0\x02\0\x04\x0C\x01\x0C\x02", 11));
}

TEST(Variant, comes_back_as_json_with_sorted_keys) {
    EXPECT_EQ(again("{\"b\":true,\"a\":[1,2.50,\"x\",null,1e3,{}]}"),
              "{\"a\":[1,2.5,\"x\",null,1000.0,{}],\"b\":true}");
    EXPECT_EQ(again("-9223372036854775808"), "-9223372036854775808");
    EXPECT_EQ(again("9223372036854775808"), "9223372036854775808");
    EXPECT_EQ(again("0.00000000000000000000000000000000000001"),
              "0.00000000000000000000000000000000000001");
    EXPECT_EQ(again("1e400"), "\"Infinity\"");
    EXPECT_EQ(again("\"q\\\"\\u00e9\""), "\"q\\\"\u00e9\"");
    const std::string text(100, 'x');
    EXPECT_EQ(again("\"" + text + "\""), "\"" + text + "\"");
    std::string many = "[0";
    for (int i = 1; i < 300; ++i) many += "," + std::to_string(i);
    many += "]";
    EXPECT_EQ(again(many), many);
    std::string wide = "{\"k0\":0";
    for (int i = 1; i < 300; ++i) wide += fmt::format(",\"k{}\":{}", i, i);
    wide += "}";
    EXPECT_EQ(at(wide, "$.k299"), "299");
    EXPECT_EQ(at(wide, "$.k300"), "nothing");
}

TEST(Variant, refuses_what_is_no_json) {
    EXPECT_EQ(refusal("{\"a\":1,"), "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION");
    EXPECT_EQ(refusal("1 2"), "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION");
    EXPECT_EQ(refusal(""), "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION");
    EXPECT_EQ(refusal("{\"a\":1,\"a\":2}"), "VARIANT_DUPLICATE_KEY");
    EXPECT_EQ(refusal(std::string(100'000, '[')), "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION");
}

TEST(Variant, tells_its_schema) {
    EXPECT_EQ(schema("null"), "VOID");
    EXPECT_EQ(schema("[1, 2.5]"), "ARRAY<DECIMAL(21,1)>");
    EXPECT_EQ(schema("[1, \"a\"]"), "ARRAY<VARIANT>");
    EXPECT_EQ(schema("[]"), "ARRAY<VOID>");
    EXPECT_EQ(schema("{\"a\":[{\"b\":true},{\"c\":1e2}],\"x-y\":null}"),
              "OBJECT<a: ARRAY<OBJECT<b: BOOLEAN, c: DOUBLE>>, `x-y`: VOID>");
}

TEST(Variant, is_walked_by_paths) {
    constexpr auto kText = "{\"a\":{\"b\":[1,{\"c d\":\"x\"}]}}";
    EXPECT_EQ(at(kText, "$"), "{\"a\":{\"b\":[1,{\"c d\":\"x\"}]}}");
    EXPECT_EQ(at(kText, "$.a.b[0]"), "1");
    EXPECT_EQ(at(kText, "$['a'].b[1][\"c d\"]"), "\"x\"");
    EXPECT_EQ(at(kText, "$.a.b[2]"), "nothing");
    EXPECT_EQ(at(kText, "$.a[0]"), "nothing");
    EXPECT_EQ(at(kText, "a"), "no path");
    EXPECT_EQ(at(kText, "$.."), "no path");
    EXPECT_EQ(at(kText, "$[x]"), "no path");
}

TEST(Variant, survives_any_bytes) {
    const Built whole = build("{\"key\":[1,\"text\",2.5,{\"inner\":null}]}");
    std::string text;
    for (std::size_t cut = 0; cut < whole.value.size(); ++cut) {
        text.clear();
        VariantView(whole.value.substr(0, cut), whole.metadata).append_json(text, nullptr);
        for (int byte = 0; byte < 256; byte += 5) {
            std::string changed = whole.value;
            changed[cut] = static_cast<char>(byte);
            text.clear();
            const VariantView view(changed, whole.metadata);
            view.append_json(text, nullptr);
            view.schema();
        }
    }
    EXPECT_EQ(VariantView("", "").kind(), VariantKind::kInvalid);
    EXPECT_FALSE(VariantView("\xFF", "").append_json(text, nullptr));
}

}  // namespace
}  // namespace millrace::columnar
