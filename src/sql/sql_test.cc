#include <gtest/gtest.h>

#include "sql/function_table.h"

TEST(FunctionTable, finds_rows_by_name_and_by_id) {
    EXPECT_FALSE(millrace::sql::functions_named("SUM").empty());
    EXPECT_NE(millrace::sql::function_by_id("count"), nullptr);
    EXPECT_EQ(millrace::sql::function_by_id("no_such_function"), nullptr);
}
