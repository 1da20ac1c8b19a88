#include <gtest/gtest.h>

#include "session/catalog.h"
#include "session/session.h"

namespace millrace::session {

namespace {

using plan::DataType;
using plan::Literal;

std::string show(std::vector<std::string> texts, plan::ShowStringRel options,
                 const std::string& column = "name") {
    Table table{{{column, DataType::string(), true, {}}}, {}};
    for (auto& text : texts) {
        table.rows.push_back({text == "null" ? Literal::null(DataType::string())
                                             : Literal::string(std::move(text))});
    }
    const auto batches = to_batches(table);
    EXPECT_TRUE(batches);
    return show_string(table.fields, *batches, options, "UTC");
}

}  // namespace

TEST(ShowString, pads_to_the_widest_cell_and_aligns_right) {
    EXPECT_EQ(show({"a", "null"}, {}, "n"),
              "+----+\n"
              "|   n|\n"
              "+----+\n"
              "|   a|\n"
              "|NULL|\n"
              "+----+\n");
}

TEST(ShowString, is_at_least_three_wide) {
    EXPECT_EQ(show({}, {}, "n"), "+---+\n|  n|\n+---+\n+---+\n");
}

TEST(ShowString, cuts_long_cells_and_says_that_there_is_more) {
    EXPECT_EQ(show({"abcdefgh", "x", "y"}, {.rows = 2, .truncate = 6}),
              "+------+\n"
              "|  name|\n"
              "+------+\n"
              "|abc...|\n"
              "|     x|\n"
              "+------+\n"
              "only showing top 2 rows\n");
    EXPECT_EQ(show({"abcdefgh", "b"}, {.rows = 1, .truncate = 3}, "n"),
              "+---+\n|  n|\n+---+\n|abc|\n+---+\nonly showing top 1 row\n");
}

TEST(ShowString, aligns_left_without_truncation) {
    EXPECT_EQ(show({"abcdefghijklmnopqrstuvwxyz", "b"}, {.truncate = 0}, "n"),
              "+--------------------------+\n"
              "|n                         |\n"
              "+--------------------------+\n"
              "|abcdefghijklmnopqrstuvwxyz|\n"
              "|b                         |\n"
              "+--------------------------+\n");
}

TEST(ShowString, shows_records_one_field_a_line) {
    EXPECT_EQ(show({"ab", "c"}, {.truncate = 20, .vertical = true}),
              "-RECORD 0---\n"
              " name | ab  \n"
              "-RECORD 1---\n"
              " name | c   \n");
    EXPECT_EQ(show({}, {.truncate = 20, .vertical = true}), "(0 rows)\n");
}

TEST(ShowString, escapes_what_would_break_the_table_and_counts_wide_characters_twice) {
    EXPECT_EQ(show({"a\nb\tc"}, {}, "n"),
              "+-------+\n|      n|\n+-------+\n|a\\nb\\tc|\n+-------+\n");
    EXPECT_EQ(show({"東京"}, {}, "n"), "+----+\n|   n|\n+----+\n|東京|\n+----+\n");
    // Truncation counts characters, not bytes.
    EXPECT_EQ(show({"東京東京"}, {.truncate = 4}, "n"),
              "+--------+\n|       n|\n+--------+\n|東京東京|\n+--------+\n");
}

TEST(MatchesPattern, knows_stars_and_alternatives_without_regard_to_case) {
    EXPECT_TRUE(matches_pattern("Orders", "ord*"));
    EXPECT_TRUE(matches_pattern("orders", "x|*ers"));
    EXPECT_TRUE(matches_pattern("orders", ""));
    EXPECT_FALSE(matches_pattern("orders", "ord"));
    EXPECT_FALSE(matches_pattern("orders", std::string(200, '*') + "z"));
}

}  // namespace millrace::session
