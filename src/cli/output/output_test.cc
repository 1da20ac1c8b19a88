#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/output/exit_code.h"
#include "cli/output/report.h"
#include "cli/output/table.h"
#include "cli/output/yaml.h"

namespace millrace::cli {
namespace {

using base::JsonValue;

JsonValue parsed(std::string_view text) {
    return *base::parse_json(text);
}

TEST(ExitCode, follows_the_kind_of_the_error) {
    const auto code = [](base::Code code) { return to_int(exit_code_of({code, "words"})); };
    EXPECT_EQ(code(base::Code::kNotFound), 4);
    EXPECT_EQ(code(base::Code::kPermissionDenied), 5);
    EXPECT_EQ(code(base::Code::kTimeout), 6);
    EXPECT_EQ(code(base::Code::kUnavailable), 6);
    EXPECT_EQ(code(base::Code::kConflict), 1);
}

TEST(Tally, tells_all_some_and_none_apart) {
    const auto code = [](std::vector<ExitCode> outcomes) {
        Tally tally;
        for (const ExitCode outcome : outcomes) tally.add(outcome);
        return tally.code();
    };
    using enum ExitCode;
    EXPECT_EQ(code({}), kDone);
    EXPECT_EQ(code({kDone, kDone}), kDone);
    EXPECT_EQ(code({kDone, kNotFound}), kPartial);
    EXPECT_EQ(code({kNotFound, kNotFound}), kNotFound);
    EXPECT_EQ(code({kNotFound, kDenied}), kFailed);
    EXPECT_EQ(code({kNotFound, kDenied, kNotFound}), kFailed);
}

TEST(Table, aligns_by_what_stands_in_it) {
    Table table({"NAME", "SIZE"});
    table.add({"a", 5});
    table.add({"längstes", 12345});
    EXPECT_EQ(table.to_text(),
              "NAME       SIZE\n"
              "a             5\n"
              "längstes  12345\n");
}

TEST(Table, shows_null_as_a_dash_and_never_a_control_character) {
    Table table({"A", "B"});
    table.add({nullptr, "red\x1b[31m\n"});
    EXPECT_EQ(table.to_text(), "A  B\n-  red\\x1b[31m\\x0a\n");
    EXPECT_EQ(to_cell(parsed("[1,2]")), "1,2");
    EXPECT_EQ(to_cell(parsed("[]")), "-");
    EXPECT_EQ(to_cell(true), "true");
}

TEST(Yaml, quotes_what_could_be_something_else) {
    EXPECT_EQ(to_yaml(parsed(R"({"a":"weblog","b":"no","c":"12","d":"","e":"x: y","f":null,
                                 "g":"2024-05-31","h":true,"i":"-","j":"retention.ms"})")),
              "a: weblog\nb: \"no\"\nc: \"12\"\nd: \"\"\ne: \"x: y\"\nf: null\n"
              "g: \"2024-05-31\"\nh: true\ni: \"-\"\nj: retention.ms\n");
}

TEST(Yaml, nests_lists_and_objects) {
    EXPECT_EQ(to_yaml(parsed(R"([{"name":"a","list":[1,[2,3],[]],"map":{"k":{}}},"b"])")),
              "- name: a\n"
              "  list:\n"
              "    - 1\n"
              "    - - 2\n"
              "      - 3\n"
              "    - []\n"
              "  map:\n"
              "    k: {}\n"
              "- b\n");
}

const Shape kTableShape{.fields = {{"name", "string", {}}, {"log_end_offset", "int?", {}}}};
const Shape kDetailShape{.layout = Layout::kDetails,
                         .fields = {{"group", "string", {}},
                                    {"partitions", "", {{"id", "int", {}}}},
                                    {"members", "", {{"host", "string", {}}}}}};

std::string rendered(Format format, const Shape& shape, const std::vector<JsonValue>& documents) {
    Report report(format, shape);
    for (const JsonValue& document : documents) report.add(document);
    return report.render();
}

TEST(Report, is_a_table_json_yaml_or_lines) {
    const std::vector<JsonValue> documents{parsed(R"({"name":"a","log_end_offset":7})"),
                                           parsed(R"({"name":"b","log_end_offset":null})")};
    const auto as = [&](Format format) { return rendered(format, kTableShape, documents); };
    EXPECT_EQ(as(Format::kText),
              "NAME  LOG-END-OFFSET\na                  7\nb                  -\n");
    EXPECT_EQ(as(Format::kJsonLines),
              "{\"name\":\"a\",\"log_end_offset\":7}\n{\"name\":\"b\",\"log_end_offset\":null}\n");
    EXPECT_EQ(as(Format::kYaml),
              "- name: a\n  log_end_offset: 7\n- name: b\n  log_end_offset: null\n");
    JsonValue list;
    for (const JsonValue& document : documents) list.push(document);
    EXPECT_EQ(parsed(as(Format::kJson)), list);
}

TEST(Report, has_a_column_of_errors_only_where_there_are_some) {
    const Shape shape{.fields = {{"name", "string", {}}, {"error", "string?", {}}}};
    const JsonValue good = parsed(R"({"name":"a","error":null})");
    const JsonValue bad = parsed(R"({"name":"b","error":"gone"})");
    EXPECT_EQ(rendered(Format::kText, shape, {good}), "NAME\na\n");
    EXPECT_EQ(rendered(Format::kText, shape, {good, bad}), "NAME  ERROR\na     -\nb     gone\n");
    EXPECT_EQ(rendered(Format::kJsonLines, shape, {good}), "{\"name\":\"a\",\"error\":null}\n");
}

TEST(Report, without_documents_is_an_empty_list) {
    EXPECT_EQ(rendered(Format::kJson, kTableShape, {}), "[]\n");
    EXPECT_EQ(rendered(Format::kJsonLines, kTableShape, {}), "");
    EXPECT_EQ(rendered(Format::kText, kTableShape, {}), "NAME  LOG-END-OFFSET\n");
}

TEST(Report, prints_details_with_their_lists) {
    EXPECT_EQ(rendered(Format::kText, kDetailShape,
                       {parsed(R"({"group":"g","partitions":[{"id":0},{"id":1}],"members":[]})"),
                        parsed(R"({"group":"h","partitions":[],"members":[{"host":"x"}]})")}),
              "GROUP  g\n\nPARTITIONS\nID\n 0\n 1\n\nGROUP  h\n\nMEMBERS\nHOST\nx\n");
}

TEST(Report, tells_its_shape) {
    EXPECT_EQ(parsed(rendered(Format::kHelp, kDetailShape, {})),
              parsed(R"([{"group":"string","partitions":[{"id":"int"}],
                          "members":[{"host":"string"}]}])"));
    Shape one = kTableShape;
    one.is_list = false;
    EXPECT_EQ(parsed(describe_shape(one)), parsed(R"({"name":"string","log_end_offset":"int?"})"));
}

TEST(Format, is_one_of_five_words) {
    EXPECT_EQ(parse_format("jsonl").value(), Format::kJsonLines);
    EXPECT_EQ(parse_format("xml").error().code(), base::Code::kInvalidArgument);
}

}  // namespace
}  // namespace millrace::cli
