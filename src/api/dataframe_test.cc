#include "millrace/dataframe.h"

#include <gtest/gtest.h>

#include "api/backend.h"
#include "millrace/functions.h"
#include "millrace/session.h"
#include "millrace/streaming.h"
#include "plan/relation.h"

namespace millrace {
namespace {

using functions::col;
using functions::count;
using functions::expr;

// Keeps what it is given; answers with one row.
class RecordingBackend final : public api::Backend {
public:
    base::Result<Rows> collect(const plan::RelationPtr& relation) override {
        seen = relation;
        columnar::BatchBuilder builder(fields());
        builder.column(0).append_int(7);
        MR_TRY(columnar::Batch batch, builder.finish());
        return Rows{plan::DataType::structure(fields()), {std::move(batch)}};
    }
    base::Result<plan::DataType> schema(const plan::RelationPtr&) override {
        return plan::DataType::structure(fields());
    }
    base::Result<std::string> explain(const plan::RelationPtr&, bool) override { return "plan"; }
    base::Result<bool> is_streaming(const plan::RelationPtr&) override { return false; }
    base::Result<plan::RelationPtr> sql(std::string_view text) override {
        return base::fail(base::Error(base::Code::kParse, "no " + std::string(text),
                                      {.name = "PARSE_SYNTAX_ERROR", .sql_state = "42601"}));
    }
    base::Result<void> execute(const plan::Command& command) override {
        executed.push_back(command);
        return {};
    }
    base::Result<std::shared_ptr<api::QueryHandle>> start(
        const plan::StartStreamCommand& command) override {
        executed.emplace_back(command);
        return base::fail(base::Code::kUnsupported, "no streams here");
    }
    base::Result<void> set_conf(const std::string&, const std::string&) override { return {}; }
    base::Result<std::string> conf(const std::string& key) override { return key; }
    base::Result<std::string> version() override { return "test"; }
    base::Result<void> stop() override { return {}; }

    static std::vector<plan::Field> fields() {
        return {{"count", plan::DataType::long_(), false, {}}};
    }
    plan::RelationPtr seen;
    std::vector<plan::Command> executed;
};

struct DataFrameTest : testing::Test {
    std::shared_ptr<RecordingBackend> backend = std::make_shared<RecordingBackend>();
    Session session{backend};
    DataFrame hits = session.table("page_hits");

    template <class T>
    static T top(const DataFrame& frame) {
        const T* node = frame.plan()->as<T>();
        EXPECT_NE(node, nullptr);
        return *node;
    }
};

TEST_F(DataFrameTest, transformations_only_build_plans) {
    const DataFrame pages = hits.where(col("reply") == 200).select({col("page"), col("bytes") * 2});
    const auto project = top<plan::ProjectRel>(pages);
    EXPECT_EQ(project.expressions.size(), 2U);
    const auto* filter = project.input->as<plan::FilterRel>();
    ASSERT_NE(filter, nullptr);
    EXPECT_EQ(filter->condition->as<plan::FunctionExpr>()->name, "==");
    EXPECT_EQ(backend->seen, nullptr);
}

TEST_F(DataFrameTest, own_columns_tell_the_sides_of_a_self_join_apart) {
    const DataFrame other = hits.filter("bytes > 0");
    const auto join = top<plan::JoinRel>(
        other.join(other.alias("b"), other["page"] == col("b.page"), "LEFT_outer"));
    EXPECT_EQ(join.type, plan::JoinType::kLeftOuter);
    const auto& sides = join.condition->as<plan::FunctionExpr>()->args;
    EXPECT_EQ(sides[0]->as<plan::AttributeExpr>()->plan_id, other.plan()->plan_id);
    EXPECT_EQ(sides[1]->as<plan::AttributeExpr>()->plan_id, std::nullopt);
    EXPECT_EQ(sides[1]->as<plan::AttributeExpr>()->parts, (std::vector<std::string>{"b", "page"}));
}

TEST_F(DataFrameTest, groups_count_and_pivot) {
    const auto counted = top<plan::AggregateRel>(hits.group_by({"page"}).count());
    EXPECT_EQ(counted.group_type, plan::GroupType::kGroupBy);
    EXPECT_EQ(counted.aggregates[0]->as<plan::AliasExpr>()->names[0], "count");
    const auto& pivoted =
        top<plan::AggregateRel>(hits.group_by({"page"}).pivot("reply", {200, 404}).sum({"bytes"}));
    EXPECT_EQ(pivoted.group_type, plan::GroupType::kPivot);
    EXPECT_EQ(pivoted.pivot_values.size(), 2U);
}

TEST_F(DataFrameTest, sorts_ascending_unless_told) {
    const auto& sort =
        top<plan::SortRel>(hits.order_by({col("page"), col("hits").desc_nulls_first()}));
    EXPECT_TRUE(sort.orders[0]->as<plan::SortOrderExpr>()->ascending);
    EXPECT_FALSE(sort.orders[1]->as<plan::SortOrderExpr>()->ascending);
    EXPECT_EQ(sort.orders[1]->as<plan::SortOrderExpr>()->nulls_first, true);
}

TEST_F(DataFrameTest, actions_run_the_plan_and_give_values) {
    EXPECT_EQ(hits.count().value(), 7);
    EXPECT_NE(backend->seen->as<plan::AggregateRel>(), nullptr);
    const auto rows = hits.collect();
    EXPECT_EQ(rows->at(0).get<std::int64_t>("count"), 7);
    EXPECT_TRUE(rows->at(0)["absent"].is_null());
    EXPECT_EQ(hits.schema().value(), "struct<count:bigint>");
}

TEST_F(DataFrameTest, errors_carry_the_condition) {
    const auto failed = session.sql("nonsense");
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().condition, "PARSE_SYNTAX_ERROR");
    EXPECT_EQ(failed.error().sql_state, "42601");
}

TEST_F(DataFrameTest, writers_say_what_to_write_and_how) {
    ASSERT_TRUE(
        hits.write().mode("overwrite").option("compression", "zstd").parquet("/out").has_value());
    const auto& write = std::get<plan::WriteCommand>(backend->executed.at(0));
    EXPECT_EQ(write.format, "parquet");
    EXPECT_EQ(write.mode, plan::SaveMode::kOverwrite);
    EXPECT_EQ(write.options.at("compression"), "zstd");
    EXPECT_EQ(hits.write().mode("upsert").parquet("/out").error().condition, "INVALID_SAVE_MODE");
    EXPECT_EQ(backend->executed.size(), 1U);
}

TEST_F(DataFrameTest, stream_writers_carry_trigger_mode_and_options) {
    const auto started = session.read_stream()
                             .format("kafka")
                             .option("subscribe", "weblog")
                             .load()
                             .write_stream()
                             .format("Memory")
                             .query_name("top")
                             .output_mode("Complete")
                             .option("checkpointLocation", "/c")
                             .trigger(Trigger::processing_time("5 seconds"))
                             .start();
    EXPECT_EQ(started.error().message, "no streams here");
    const auto& command = std::get<plan::StartStreamCommand>(backend->executed.at(0));
    EXPECT_TRUE(command.input->as<plan::DataSourceRel>()->is_streaming);
    EXPECT_EQ(command.format, "memory");
    EXPECT_EQ(command.output_mode, "complete");
    EXPECT_EQ(command.options.at("checkpointlocation"), "/c");
    EXPECT_EQ(command.trigger.interval, "5 seconds");
}

TEST_F(DataFrameTest, rows_of_constants_must_fit_their_schema) {
    EXPECT_TRUE(session.create_dataframe({{"/a", 3}, {nullptr, 4}}, "page STRING, hits BIGINT")
                    .has_value());
    EXPECT_EQ(session.create_dataframe({{"/a", "b"}}, "page STRING, hits BIGINT").error().message,
              "row 0, column 'hits': b is no bigint");
    EXPECT_EQ(session.create_dataframe({{"/a"}}, "page STRING, hits BIGINT").error().message,
              "row 0 has 1 values, but the schema has 2 columns");
    EXPECT_FALSE(session.create_dataframe({{300}}, "small TINYINT").has_value());
}

TEST(Value, shows_itself_as_spark_does) {
    EXPECT_EQ(Value().to_string(), "NULL");
    EXPECT_EQ(Value(1.0).to_string(), "1.0");
    EXPECT_EQ(Value(Timestamp{1'500'000}).to_string(), "1970-01-01 00:00:01.5");
    EXPECT_EQ(Value(Array{1, nullptr, "a"}).to_string(), "[1, NULL, a]");
    EXPECT_EQ(Value(Map{{"a", 1}}).to_string(), "{a -> 1}");
}

}  // namespace
}  // namespace millrace
