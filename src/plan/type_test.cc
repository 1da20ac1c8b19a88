#include "plan/type.h"

#include <gtest/gtest.h>

namespace millrace::plan {
namespace {

DataType page_hits() {
    return DataType::structure(
        {{"window", DataType::structure({{"start", DataType::timestamp()}}), false},
         {"tags", DataType::array(DataType::string(), false)},
         {"by name", DataType::map(DataType::integer(), DataType::decimal(10, 2))}});
}

TEST(DataType, writes_itself_as_spark_does) {
    const DataType type = page_hits();
    EXPECT_EQ(
        type.simple_string(),
        "struct<window:struct<start:timestamp>,tags:array<string>,by name:map<int,decimal(10,2)>>");
    EXPECT_EQ(type.sql(),
              "STRUCT<window: STRUCT<start: TIMESTAMP> NOT NULL, tags: ARRAY<STRING>, `by name`: "
              "MAP<INT, DECIMAL(10,2)>>");
    EXPECT_EQ(type.tree_string(),
              "root\n"
              " |-- window: struct (nullable = false)\n"
              " |    |-- start: timestamp (nullable = true)\n"
              " |-- tags: array (nullable = true)\n"
              " |    |-- element: string (containsNull = false)\n"
              " |-- by name: map (nullable = true)\n"
              " |    |-- key: integer\n"
              " |    |-- value: decimal(10,2) (valueContainsNull = true)\n");
    EXPECT_EQ(DataType::day_time_interval(0, 3).simple_string(), "interval day to second");
    EXPECT_EQ(DataType::year_month_interval(1, 1).sql(), "INTERVAL MONTH");
}

TEST(DataType, limits_the_depth_of_its_tree) {
    EXPECT_EQ(page_hits().tree_string(1),
              "root\n"
              " |-- window: struct (nullable = false)\n"
              " |-- tags: array (nullable = true)\n"
              " |-- by name: map (nullable = true)\n");
}

TEST(DataType, writes_json_that_spark_reads) {
    EXPECT_EQ(DataType::structure({{"a\"b", DataType::long_(), false, R"({"k":1})"}}).json(),
              R"({"type":"struct","fields":[{"name":"a\"b","type":"long","nullable":false,)"
              R"("metadata":{"k":1}}]})");
    EXPECT_EQ(DataType::array(DataType::byte_()).json(),
              R"({"type":"array","elementType":"byte","containsNull":true})");
}

TEST(DataType, reads_back_the_json_that_it_writes) {
    const std::vector<DataType> types = {
        page_hits(), DataType::structure({}),
        DataType::structure({{"a", DataType::char_(3), false, R"({"k":1})"},
                             {"b", DataType::varchar(9)},
                             {"c", DataType::time(6)},
                             {"d", DataType::year_month_interval(0, 1)},
                             {"e", DataType::day_time_interval(1, 1)},
                             {"f", DataType::null()},
                             {"g", DataType::timestamp_ntz()}})};
    for (const DataType& type : types) {
        const auto read = type_from_json(type.json());
        ASSERT_TRUE(read.has_value()) << type.json() << ": " << read.error().message();
        EXPECT_EQ(*read, type) << type.json();
    }
}

TEST(DataType, refuses_json_that_is_no_type) {
    for (const std::string_view json :
         {"", "3", R"x("decimal(39,1)")x", R"x("decimal(2,3)")x", R"x("char(0)")x", R"("text")",
          R"({"type":"array"})", R"({"type":"struct"})",
          R"({"type":"struct","fields":[{"name":"a"}]})", R"("interval second to day")"}) {
        EXPECT_FALSE(type_from_json(json).has_value()) << json;
    }
}

TEST(DataType, compares_by_structure) {
    EXPECT_EQ(page_hits(), page_hits());
    EXPECT_NE(DataType::array(DataType::string(), true),
              DataType::array(DataType::string(), false));
    EXPECT_TRUE(DataType::array(DataType::string(), true)
                    .same_ignoring_nullability(DataType::array(DataType::string(), false)));
    EXPECT_FALSE(DataType::decimal(10, 2).same_ignoring_nullability(DataType::decimal(10, 3)));
}

}  // namespace
}  // namespace millrace::plan
