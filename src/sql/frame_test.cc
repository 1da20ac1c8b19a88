// DataFrame plans: relation trees as the Connect door builds them.
#include <gtest/gtest.h>

#include "sql/test_session_internal.h"

namespace {

using namespace millrace::plan;
using millrace::sql::TestSession;

RelationPtr table(const char* name, std::int64_t id) {
    return make_relation(NamedTableRel{.parts = {name}}, id);
}
ExprPtr of(std::int64_t plan_id, const char* name) {
    return make_expr(AttributeExpr{{name}, plan_id});
}
ExprPtr text(const char* value) {
    return literal(Literal::string(value));
}

// The columns, or the error's condition.
std::string check(const RelationPtr& relation) {
    TestSession session;
    const auto plan = session.analyze(relation);
    if (!plan) {
        return plan.error().condition() != nullptr ? plan.error().condition()->name
                                                   : plan.error().to_string();
    }
    return schema_of(**plan).simple_string();
}

TEST(Frames, resolve_columns_of_the_frame_they_came_from) {
    JoinRel join{.left = table("t", 1), .right = table("u", 2)};
    join.condition = call("==", {of(1, "a"), of(2, "a")});
    const RelationPtr joined = make_relation(join, 3);
    EXPECT_EQ(check(make_relation(ProjectRel{joined, {of(1, "a"), of(2, "x"), column({"b"})}})),
              "struct<a:int,x:string,b:bigint>");
    EXPECT_EQ(check(make_relation(ProjectRel{joined, {column({"a"})}})), "AMBIGUOUS_REFERENCE");
    DropRel drop{.input = joined, .columns = {of(2, "a")}};
    EXPECT_EQ(check(make_relation(ProjectRel{make_relation(drop), {column({"a"}), column({"x"})}})),
              "struct<a:int,x:string>");
    EXPECT_EQ(check(make_relation(ProjectRel{table("t", 1), {of(9, "zzz")}})),
              "CANNOT_RESOLVE_DATAFRAME_COLUMN");
}

TEST(Frames, filter_and_sort_by_what_a_select_left_out) {
    const RelationPtr selected = make_relation(ProjectRel{table("t", 1), {column({"a"})}}, 2);
    EXPECT_EQ(check(make_relation(
                  FilterRel{selected, call(">", {of(1, "b"), literal(Literal::integer(1))})})),
              "struct<a:int>");
    SortRel sort{selected, {make_expr(SortOrderExpr{of(1, "b"), false, {}})}};
    EXPECT_EQ(check(make_relation(sort)), "struct<a:int>");
}

// hits and bytes per page and window, as the example program writes it.
RelationPtr page_hits(bool streaming) {
    DataSourceRel source{.format = "kafka"};
    source.is_streaming = streaming;
    RelationPtr events = make_relation(source, 1);
    CastExpr cast{.child = column({"value"}), .type = DataType::string()};
    events = make_relation(
        ProjectRel{
            events,
            {alias(call("from_json", {make_expr(cast), text("host STRING, timestamp STRING, "
                                                            "request STRING, http_reply INT, "
                                                            "bytes BIGINT")}),
                   "e")}},
        2);
    events = make_relation(ProjectRel{events, {make_expr(StarExpr{.qualifier = {"e"}})}}, 3);
    events = make_relation(
        WithColumnsRel{events,
                       {alias(call("to_timestamp", {column({"timestamp"})}), "time"),
                        alias(call("regexp_extract", {column({"request"}), text("GET ([^ ]+)"),
                                                      literal(Literal::integer(1))}),
                              "page")}},
        4);
    events = make_relation(
        FilterRel{events,
                  call("and", {call("==", {column({"http_reply"}), literal(Literal::integer(200))}),
                               call("not", {call("endswith", {column({"page"}), text(".gif")})})})},
        5);
    events = make_relation(WithWatermarkRel{events, "time", "10 minutes"}, 6);
    AggregateRel hits{.input = events};
    hits.grouping = {call("window", {column({"time"}), text("1 hour"), text("10 minutes")}),
                     column({"page"})};
    hits.aggregates = {alias(call("count", {make_expr(StarExpr{})}), "hits"),
                       alias(call("sum", {column({"bytes"})}), "bytes")};
    return make_relation(hits, 7);
}

TEST(Frames, analyze_the_main_job) {
    EXPECT_EQ(check(page_hits(true)),
              "struct<window:struct<start:timestamp,end:timestamp>,page:string,hits:bigint,"
              "bytes:bigint>");
    const RelationPtr json = make_relation(
        ProjectRel{page_hits(true),
                   {alias(column({"page"}), "key"),
                    alias(call("to_json", {call("struct", {column({"window", "start"}),
                                                           column({"page"}), column({"hits"})})}),
                          "value")}});
    EXPECT_EQ(check(json), "struct<key:string,value:string>");
    SortRel sort{page_hits(false), {make_expr(SortOrderExpr{column({"hits"}), false, {}})}};
    const RelationPtr top =
        make_relation(LimitRel{make_relation(sort), literal(Literal::integer(20))});
    EXPECT_EQ(check(top),
              "struct<window:struct<start:timestamp,end:timestamp>,page:string,hits:bigint,"
              "bytes:bigint>");
    TestSession session;
    const auto plan = session.analyze(page_hits(true));
    ASSERT_TRUE(plan.has_value());
    EXPECT_TRUE(is_streaming(**plan));
    // The window inherits the watermark of its time.
    EXPECT_EQ(output_of(**plan)[0].watermark_delay_ms, 600'000);
}

TEST(Frames, watermarks_want_a_timestamp) {
    EXPECT_EQ(check(make_relation(WithWatermarkRel{table("t", 1), "a", "1 minute"})),
              "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE");
    EXPECT_EQ(check(make_relation(WithWatermarkRel{table("t", 1), "ts", "soon"})),
              "CANNOT_PARSE_INTERVAL");
    EXPECT_EQ(check(make_relation(WithWatermarkRel{table("t", 1), "nope", "1 minute"})),
              "UNRESOLVED_COLUMN.WITH_SUGGESTION");
}

TEST(Frames, change_columns) {
    const RelationPtr u = table("u", 1);
    EXPECT_EQ(
        check(make_relation(WithColumnsRel{
            u, {alias(call("+", {column({"a"}), column({"a"})}), "A"), alias(text("k"), "z")}})),
        "struct<A:int,x:string,z:string>");
    EXPECT_EQ(check(make_relation(WithColumnsRenamedRel{u, {{"a", "b"}, {"nope", "c"}}})),
              "struct<b:int,x:string>");
    EXPECT_EQ(check(make_relation(ToDfRel{u, {"p", "q"}})), "struct<p:int,q:string>");
    EXPECT_EQ(check(make_relation(ToDfRel{u, {"p"}})), "ASSIGNMENT_ARITY_MISMATCH");
    EXPECT_EQ(check(make_relation(DropRel{u, {}, {"x", "nope"}})), "struct<a:int>");
    EXPECT_EQ(check(make_relation(DeduplicateRel{u, {"nope"}, false, false})),
              "UNRESOLVED_COLUMN.WITH_SUGGESTION");
    EXPECT_EQ(check(make_relation(DescribeRel{.input = u})),
              "struct<summary:string,a:string,x:string>");
    EXPECT_EQ(check(make_relation(NaFillRel{u, {}, {Literal::long_(0)}})),
              "struct<a:int,x:string>");
    UnpivotRel unpivot{
        .input = u, .ids = {column({"x"})}, .variable_column = "n", .value_column = "v"};
    EXPECT_EQ(check(make_relation(unpivot)), "struct<x:string,n:string,v:int>");
    SetOpRel by_name{
        .left = u, .right = make_relation(ToDfRel{u, {"x", "a"}}), .all = true, .by_name = true};
    EXPECT_EQ(check(make_relation(by_name)), "struct<a:bigint,x:bigint>");
}

TEST(Frames, select_columns_by_a_pattern) {
    const auto by = [](const char* pattern) {
        return check(make_relation(ProjectRel{table("u", 1), {make_expr(RegexExpr{pattern, {}})}}));
    };
    EXPECT_EQ(by("`(a)?+.+`"), "struct<x:string>");
    EXPECT_EQ(by("[A-C]|x"), "struct<a:int,x:string>");
    EXPECT_EQ(by("^(?!a)"), "UNSUPPORTED_FEATURE");
}

TEST(Frames, hostile_depth_is_refused) {
    RelationPtr deep = table("u", 1);
    for (int i = 0; i < 10'000; ++i)
        deep = make_relation(LimitRel{deep, literal(Literal::integer(1))});
    EXPECT_NE(check(deep).find("nested deeper"), std::string::npos);
    ExprPtr sum = column({"a"});
    for (int i = 0; i < 10'000; ++i) sum = call("+", {sum, column({"a"})});
    EXPECT_NE(check(make_relation(ProjectRel{table("u", 1), {sum}})).find("nested deeper"),
              std::string::npos);
}

}  // namespace
