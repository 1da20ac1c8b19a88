// The table is whole: every row can be parsed, found, lowered, merged, and its example analyzed.
#include "sql/function_table.h"

#include <gtest/gtest.h>

#include <set>

#include "sql/signature_internal.h"
#include "sql/test_session_internal.h"

namespace {

using namespace millrace::sql;
using millrace::plan::DataType;
using millrace::plan::EvalMode;

TEST(FunctionTable, every_row_has_a_signature_that_reads) {
    for (const FunctionRow* row : all_functions()) {
        EXPECT_FALSE(signatures_of(*row).empty()) << row->id;
        EXPECT_EQ(function_by_id(row->id), row);
        EXPECT_FALSE(row->group.empty()) << row->id;
    }
}

TEST(FunctionTable, every_named_function_is_documented) {
    std::set<std::string_view> documented;
    for (const FunctionRow* row : all_functions()) {
        if (row->summary.empty()) continue;
        std::string_view rest = row->names;
        while (!rest.empty()) {
            const auto space = rest.find(' ');
            documented.insert(rest.substr(0, space));
            rest = space == std::string_view::npos ? "" : rest.substr(space + 1);
        }
    }
    for (const std::string& name : function_names()) EXPECT_TRUE(documented.contains(name)) << name;
}

TEST(FunctionTable, examples_analyze) {
    TestSession session;
    for (const FunctionRow* row : all_functions()) {
        if (row->example.empty()) continue;
        const auto plan = session.query(std::string(row->example));
        EXPECT_TRUE(plan.has_value()) << row->id << ": " << row->example << "\n"
                                      << (plan ? "" : plan.error().message());
    }
}

TEST(FunctionTable, merge_rules_name_rows_that_exist) {
    for (const FunctionRow* row : all_functions()) {
        const MergeRule* rule = merge_rule(*row);
        EXPECT_EQ(rule == nullptr, row->merge.empty()) << row->id;
        if (rule == nullptr) continue;
        EXPECT_FALSE(rule->state.empty()) << row->id;
        for (const auto& column : rule->state) {
            if (column.partial.empty()) continue;
            const FunctionRow* partial = function_by_id(column.partial);
            ASSERT_NE(partial, nullptr) << row->id;
            EXPECT_EQ(partial->kind, FunctionKind::kAggregate) << row->id;
        }
        if (!rule->finish.empty()) EXPECT_NE(function_by_id(rule->finish), nullptr) << row->id;
    }
}

TEST(FunctionTable, expands_lowerings) {
    const auto expand = [](std::string_view pattern, std::vector<std::string> texts) {
        const std::vector<DataType> types(texts.size(), DataType::integer());
        LoweringArguments arguments{.texts = texts,
                                    .types = types,
                                    .result = DataType::long_(),
                                    .mode = EvalMode::kTry,
                                    .time_zone = "UTC",
                                    .duckdb_type = [](const DataType&) { return "BIGINT"; }};
        return expand_lowering(pattern, arguments);
    };
    EXPECT_EQ(expand("sum({0})", {"x"}), "sum(x)");
    EXPECT_EQ(expand("f({*})", {"x", "y"}), "f(x, y)");
    EXPECT_EQ(expand("f({0}{if1:, {1*}})", {"x"}), "f(x)");
    EXPECT_EQ(expand("f({0}{if1:, {1*}})", {"x", "y", "z"}), "f(x, y, z)");
    EXPECT_EQ(expand("CAST({0} AS {type}) {mode} {tz}", {"x"}), "CAST(x AS BIGINT) 'try' 'UTC'");
}

}  // namespace
