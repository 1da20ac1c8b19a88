#include "columnar/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::columnar {
namespace {

using plan::Attribute;
using plan::DataType;
using plan::Field;
using plan::LogicalPtr;
using plan::make_logical;
using plan::TypedExpr;
using plan::TypedExprPtr;

Engine& engine() {
    // Never destroyed: DuckDB's close touches thread-locals, which are gone when statics end.
    static Engine* const kEngine = Engine::make({.threads = 2}).value().release();
    return *kEngine;
}

// Rows as show() prints them, one line a row.
std::vector<std::string> rows_of(const Batches& batches, const std::string& zone = "UTC") {
    std::vector<std::string> rows;
    for (const Batch& batch : batches) {
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            std::string line;
            for (std::size_t i = 0; i < batch.fields().size(); ++i) {
                line += (i == 0 ? "" : "|") + to_display(batch.column(i), row, zone);
            }
            rows.push_back(line);
        }
    }
    return rows;
}

std::vector<std::string> run(const LogicalPtr& plan, const ScanInputs& inputs = {}) {
    const auto batches = collect(engine(), *plan, inputs, {});
    if (!batches) return {batches.error().to_string()};
    return rows_of(*batches);
}

Attribute attribute(plan::AttributeId id, std::string name, DataType type) {
    return {.id = id, .name = std::move(name), .type = std::move(type)};
}
TypedExprPtr ref(const Attribute& of) {
    return std::make_shared<TypedExpr>(
        TypedExpr{.node = plan::AttributeRef{of.id}, .type = of.type});
}
TypedExprPtr constant(plan::Literal literal) {
    const DataType type = literal.type;
    const bool null = literal.is_null();
    return std::make_shared<TypedExpr>(
        TypedExpr{.node = std::move(literal), .type = type, .nullable = null});
}
TypedExprPtr call(std::string name, std::vector<TypedExprPtr> args, DataType type,
                  plan::EvalMode mode = plan::EvalMode::kAnsi) {
    return std::make_shared<TypedExpr>(
        TypedExpr{.node = plan::FunctionCall{.name = std::move(name),
                                             .args = std::move(args),
                                             .mode = mode,
                                             .session_time_zone = "UTC"},
                  .type = std::move(type)});
}
TypedExprPtr aggregate(std::string name, std::vector<TypedExprPtr> args, DataType type) {
    return std::make_shared<TypedExpr>(
        TypedExpr{.node = plan::AggregateCall{.name = std::move(name), .args = std::move(args)},
                  .type = std::move(type)});
}
TypedExprPtr cast(TypedExprPtr child, DataType type, plan::EvalMode mode = plan::EvalMode::kAnsi) {
    return std::make_shared<TypedExpr>(TypedExpr{
        .node =
            plan::TypedCast{.child = std::move(child), .mode = mode, .session_time_zone = "UTC"},
        .type = std::move(type)});
}
// One row with one value.
LogicalPtr value(const TypedExprPtr& expression) {
    return make_logical(plan::ProjectNode{
        .columns = {{.output = attribute(900, "v", expression->type), .expression = expression}}});
}
std::string eval(const TypedExprPtr& expression) {
    return run(value(expression)).at(0);
}

// A table of users and hits.
const Attribute kUser = attribute(1, "user", DataType::string());
const Attribute kHits = attribute(2, "hits", DataType::long_());
const Attribute kTime = attribute(3, "time", DataType::timestamp());

LogicalPtr scan() {
    return make_logical(plan::ScanNode{.scan_id = 7, .output = {kUser, kHits, kTime}});
}
ScanInputs table(std::int64_t copies = 1) {
    BatchBuilder builder({{.name = "user", .type = kUser.type},
                          {.name = "hits", .type = kHits.type},
                          {.name = "time", .type = kTime.type}});
    Batches batches;
    for (std::int64_t copy = 0; copy < copies; ++copy) {
        const char* users[] = {"a user with a long name", "bo", nullptr, "bo"};
        for (std::int64_t i = 0; i < 4; ++i) {
            if (users[i] == nullptr) {
                builder.column(0).append_null();
            } else {
                builder.column(0).append_text(users[i]);
            }
            builder.column(1).append_int(i + 1);
            if (i == 2) {
                builder.column(2).append_null();
            } else {
                builder.column(2).append_int((i * 7 - 3) * 60'000'000);
            }
        }
    }
    batches.push_back(builder.finish().value());
    return {{7, batches}};
}

TEST(Engine, scans_what_is_bound) {
    EXPECT_THAT(run(scan(), table()),
                testing::ElementsAre("a user with a long name|1|1969-12-31 23:57:00",
                                     "bo|2|1970-01-01 00:04:00", "NULL|3|NULL",
                                     "bo|4|1970-01-01 00:18:00"));
}

TEST(Engine, a_scan_without_input_is_an_error) {
    EXPECT_THAT(run(scan()).at(0), testing::StartsWith("unsupported"));
}

TEST(Engine, projects_and_filters) {
    const auto twice =
        call("*", {ref(kHits), constant(plan::Literal::long_(2))}, DataType::long_());
    const auto filter = make_logical(plan::LogicalFilter{
        scan(), call(">", {ref(kHits), constant(plan::Literal::long_(2))}, DataType::boolean())});
    EXPECT_THAT(run(make_logical(plan::ProjectNode{
                        filter, {{attribute(10, "twice", DataType::long_()), twice}}}),
                    table()),
                testing::ElementsAre("6", "8"));
}

TEST(Engine, aggregates_sorts_and_limits) {
    const auto total = attribute(11, "total", DataType::long_());
    const auto rows = attribute(12, "rows", DataType::long_());
    const auto grouped = make_logical(
        plan::AggregateNode{scan(),
                            {{kUser, ref(kUser)}},
                            {{total, aggregate("sum", {ref(kHits)}, DataType::long_())},
                             {rows, aggregate("count", {}, DataType::long_())}}});
    const auto sorted = make_logical(plan::LogicalSort{
        grouped, {{.expression = ref(kUser), .ascending = true, .nulls_first = true}}});
    EXPECT_THAT(run(sorted, table()),
                testing::ElementsAre("NULL|3|1", "a user with a long name|1|1", "bo|6|2"));
    EXPECT_THAT(run(make_logical(plan::LogicalLimit{sorted, 1, 1}), table()),
                testing::ElementsAre("a user with a long name|1|1"));
    EXPECT_THAT(run(make_logical(plan::LogicalLimit{sorted, 1, 0, true}), table()),
                testing::ElementsAre("bo|6|2"));
}

TEST(Engine, an_aggregate_without_keys_has_one_row) {
    const auto total = attribute(11, "total", DataType::long_());
    EXPECT_THAT(run(make_logical(plan::AggregateNode{
                        scan(), {}, {{total, aggregate("sum", {ref(kHits)}, DataType::long_())}}}),
                    {{7, {}}}),
                testing::ElementsAre("NULL"));
}

TEST(Engine, joins_of_every_kind) {
    const auto join = [&](plan::JoinType type, bool both) {
        const Attribute a = attribute(21, "a", DataType::long_());
        const Attribute b = attribute(22, "b", DataType::long_());
        const auto left = make_logical(plan::RangeNode{0, 3, 1, a});
        const auto right = make_logical(plan::RangeNode{1, 5, 2, b});
        const auto joined = make_logical(
            plan::JoinNode{left, right, type, call("==", {ref(a), ref(b)}, DataType::boolean()),
                           false, both ? std::vector{a, b} : std::vector{a}});
        std::vector<plan::TypedOrder> orders = {{ref(a)}};
        if (both) orders.push_back({ref(b)});
        return run(make_logical(plan::LogicalSort{joined, orders}));
    };
    EXPECT_THAT(join(plan::JoinType::kInner, true), testing::ElementsAre("1|1"));
    EXPECT_THAT(join(plan::JoinType::kLeftOuter, true),
                testing::ElementsAre("0|NULL", "1|1", "2|NULL"));
    EXPECT_THAT(join(plan::JoinType::kRightOuter, true), testing::ElementsAre("NULL|3", "1|1"));
    EXPECT_THAT(join(plan::JoinType::kFullOuter, true),
                testing::ElementsAre("NULL|3", "0|NULL", "1|1", "2|NULL"));
    EXPECT_THAT(join(plan::JoinType::kLeftSemi, false), testing::ElementsAre("1"));
    EXPECT_THAT(join(plan::JoinType::kLeftAnti, false), testing::ElementsAre("0", "2"));
}

TEST(Engine, set_operations) {
    const Attribute a = attribute(21, "a", DataType::long_());
    const Attribute b = attribute(22, "b", DataType::long_());
    const Attribute c = attribute(23, "c", DataType::long_());
    const auto run_set = [&](plan::SetOpType type, bool all) {
        const auto sets = make_logical(plan::SetOpNode{
            {make_logical(plan::RangeNode{0, 3, 1, a}), make_logical(plan::RangeNode{2, 4, 1, b})},
            type,
            all,
            {c}});
        return run(make_logical(plan::LogicalSort{sets, {{ref(c)}}}));
    };
    EXPECT_THAT(run_set(plan::SetOpType::kUnion, true),
                testing::ElementsAre("0", "1", "2", "2", "3"));
    EXPECT_THAT(run_set(plan::SetOpType::kUnion, false), testing::ElementsAre("0", "1", "2", "3"));
    EXPECT_THAT(run_set(plan::SetOpType::kIntersect, false), testing::ElementsAre("2"));
    EXPECT_THAT(run_set(plan::SetOpType::kExcept, false), testing::ElementsAre("0", "1"));
}

TEST(Engine, time_windows_begin_at_the_epoch) {
    const auto window_type = DataType::structure({{.name = "start", .type = DataType::timestamp()},
                                                  {.name = "end", .type = DataType::timestamp()}});
    const Attribute window = attribute(30, "window", window_type);
    const auto windows = [&](std::int64_t minutes, std::int64_t slide) {
        const auto node = make_logical(plan::TimeWindowNode{
            scan(), ref(kTime), minutes * 60'000'000, slide * 60'000'000, 0, window});
        return run(
            make_logical(plan::LogicalSort{
                make_logical(plan::ProjectNode{node, {{kHits, ref(kHits)}, {window, ref(window)}}}),
                {{ref(kHits)}, {ref(window)}}}),
            table());
    };
    EXPECT_THAT(windows(10, 10),
                testing::ElementsAre("1|{1969-12-31 23:50:00, 1970-01-01 00:00:00}",
                                     "2|{1970-01-01 00:00:00, 1970-01-01 00:10:00}",
                                     "4|{1970-01-01 00:10:00, 1970-01-01 00:20:00}"));
    EXPECT_THAT(windows(10, 5),
                testing::ElementsAre("1|{1969-12-31 23:50:00, 1970-01-01 00:00:00}",
                                     "1|{1969-12-31 23:55:00, 1970-01-01 00:05:00}",
                                     "2|{1969-12-31 23:55:00, 1970-01-01 00:05:00}",
                                     "2|{1970-01-01 00:00:00, 1970-01-01 00:10:00}",
                                     "4|{1970-01-01 00:10:00, 1970-01-01 00:20:00}",
                                     "4|{1970-01-01 00:15:00, 1970-01-01 00:25:00}"));
    // Windows with gaps: a time in a gap is in none.
    EXPECT_THAT(windows(5, 10),
                testing::ElementsAre("2|{1970-01-01 00:00:00, 1970-01-01 00:05:00}"));
}

TEST(Engine, a_prepared_plan_runs_again_on_other_rows) {
    const auto total = attribute(11, "total", DataType::long_());
    const auto plan = make_logical(plan::AggregateNode{
        scan(), {}, {{total, aggregate("sum", {ref(kHits)}, DataType::long_())}}});
    const auto prepared = engine().prepare(*plan).value();
    for (const std::int64_t copies : {1, 3, 0, 5000}) {
        Batches result;
        ASSERT_TRUE(prepared->run(table(copies), {}, [&](Batch batch) -> base::Result<void> {
            result.push_back(std::move(batch));
            return {};
        }));
        EXPECT_THAT(rows_of(result),
                    testing::ElementsAre(copies == 0 ? "NULL" : std::to_string(copies * 10)));
    }
}

TEST(Engine, results_come_in_batches_of_the_wanted_size) {
    const Attribute a = attribute(21, "a", DataType::long_());
    const auto plan = make_logical(plan::RangeNode{0, 10000, 1, a});
    std::vector<std::int64_t> sizes;
    ASSERT_TRUE(engine().run(*plan, {}, {.batch_rows = 3000},
                             [&](const Batch& batch) -> base::Result<void> {
                                 sizes.push_back(batch.rows());
                                 return {};
                             }));
    EXPECT_THAT(sizes, testing::ElementsAre(3000, 3000, 3000, 1000));
}

TEST(Engine, a_sink_that_fails_ends_the_run) {
    const auto plan =
        make_logical(plan::RangeNode{0, 1'000'000, 1, attribute(21, "a", DataType::long_())});
    const auto outcome = engine().run(*plan, {}, {}, [](const Batch&) -> base::Result<void> {
        return base::fail(base::Code::kNoSpace, "full");
    });
    EXPECT_EQ(outcome.error().message(), "full");
}

TEST(Engine, a_cancelled_run_stops) {
    const std::atomic<bool> cancelled = true;
    const auto plan =
        make_logical(plan::RangeNode{0, 1LL << 40, 1, attribute(21, "a", DataType::long_())});
    const auto batches = collect(engine(), *plan, {}, {.cancelled = &cancelled});
    ASSERT_FALSE(batches);
    EXPECT_EQ(batches.error().code(), base::Code::kCancelled);
}

TEST(Engine, reads_json_into_structs) {
    const auto type =
        DataType::structure({{.name = "a", .type = DataType::long_()},
                             {.name = "b", .type = DataType::string()},
                             {.name = "t", .type = DataType::timestamp()},
                             {.name = "l", .type = DataType::array(DataType::integer())}});
    const auto read = [&](const char* text) {
        return eval(call("from_json", {constant(plan::Literal::string(text))}, type));
    };
    EXPECT_EQ(read(R"({"a":1,"b":"x","t":"2024-01-02T03:04:05Z","l":[1,null,3]})"),
              "{1, x, 2024-01-02 03:04:05, [1, NULL, 3]}");
    EXPECT_EQ(read(R"({"b":"tab\t\"q\" \u00e9","a":null})"), "{NULL, tab\t\"q\" é, NULL, NULL}");
    EXPECT_EQ(read(R"({"unknown":{"x":[1,{"y":2}]},"a":5})"), "{5, NULL, NULL, NULL}");
    EXPECT_EQ(read(R"({"a":"text","b":7.50})"), "{NULL, 7.50, NULL, NULL}");
    EXPECT_EQ(read(R"({"a":1,"b":{"k": [1, 2]}})"), "{1, {\"k\": [1, 2]}, NULL, NULL}");
    EXPECT_EQ(read(R"({"a":1)"), "{NULL, NULL, NULL, NULL}");
    EXPECT_EQ(read("no json"), "{NULL, NULL, NULL, NULL}");
    EXPECT_EQ(read("[1,2]"), "{NULL, NULL, NULL, NULL}");
    EXPECT_EQ(read("  "), "NULL");
    EXPECT_EQ(read(R"({"x":tru,"a":1})"), "{NULL, NULL, NULL, NULL}");
}

// Texts, "json" of them, as a scan with id 8.
const Attribute kText = attribute(31, "text", DataType::string());
LogicalPtr texts_scan() {
    return make_logical(plan::ScanNode{.scan_id = 8, .output = {kText}});
}
ScanInputs texts(const std::vector<std::string>& lines) {
    BatchBuilder builder({{.name = "text", .type = kText.type}});
    for (const std::string& line : lines) builder.column(0).append_text(line);
    return {{8, {builder.finish().value()}}};
}
TypedExprPtr field(const Attribute& of, int index) {
    return std::make_shared<TypedExpr>(
        TypedExpr{.node = plan::GetField{ref(of), index},
                  .type = of.type.fields()[static_cast<std::size_t>(index)].type});
}
const DataType kEvent = DataType::structure({{.name = "n", .type = DataType::long_()},
                                             {.name = "page", .type = DataType::string()},
                                             {.name = "size", .type = DataType::double_()}});
const Attribute kParsed = attribute(32, "event", kEvent);
LogicalPtr parsed(std::vector<TypedExprPtr> options = {}) {
    std::vector<TypedExprPtr> args = {ref(kText)};
    args.insert(args.end(), options.begin(), options.end());
    return make_logical(
        plan::ProjectNode{texts_scan(), {{kParsed, call("from_json", args, kEvent)}}});
}
TypedExprPtr mode(const char* name) {
    return call("map",
                {constant(plan::Literal::string("mode")), constant(plan::Literal::string(name))},
                DataType::map(DataType::string(), DataType::string()));
}

TEST(Engine, counts_each_malformed_record_once) {
    const auto input = texts(
        {R"({"n":1,"page":"/a"})", "{", R"({"n":"x","page":"/b"})", R"({"n":3,"page":"/c"})", " "});
    std::int64_t malformed = 0;
    const auto count = [&](const LogicalPtr& plan) {
        malformed = 0;
        const auto rows = collect(engine(), *plan, input, {.malformed_records = &malformed});
        return rows ? rows_of(*rows) : std::vector<std::string>{rows.error().to_string()};
    };
    EXPECT_THAT(count(parsed()), testing::ElementsAre("{1, /a, NULL}", "{NULL, NULL, NULL}",
                                                      "{NULL, /b, NULL}", "{3, /c, NULL}", "NULL"));
    EXPECT_EQ(malformed, 2);

    // Filters and projections above look at the struct three times; it is parsed once.
    const Attribute n = attribute(33, "n", DataType::long_());
    const Attribute page = attribute(34, "page", DataType::string());
    const auto fields = make_logical(
        plan::ProjectNode{parsed(), {{n, field(kParsed, 0)}, {page, field(kParsed, 1)}}});
    const auto positive =
        call(">", {ref(n), constant(plan::Literal::long_(0))}, DataType::boolean());
    const auto not_c =
        call("<", {ref(page), constant(plan::Literal::string("/c"))}, DataType::boolean());
    const auto filtered = make_logical(
        plan::LogicalFilter{make_logical(plan::LogicalFilter{fields, positive}), not_c});
    EXPECT_THAT(count(filtered), testing::ElementsAre("1|/a"));
    EXPECT_EQ(malformed, 2);

    // Within one node too.
    const auto twice = make_logical(plan::LogicalFilter{
        texts_scan(),
        call("and",
             {call("isnotnull", {call("from_json", {ref(kText)}, kEvent)}, DataType::boolean()),
              call("isnotnull", {call("from_json", {ref(kText)}, kEvent)}, DataType::boolean())},
             DataType::boolean())});
    EXPECT_THAT(count(twice), testing::SizeIs(4));
    EXPECT_EQ(malformed, 2);
}

TEST(Engine, a_prepared_plan_counts_each_run_by_itself) {
    const auto prepared = engine().prepare(*parsed()).value();
    const auto count = [&](const std::vector<std::string>& lines) {
        std::int64_t malformed = 0;
        EXPECT_TRUE(prepared->run(texts(lines), {.malformed_records = &malformed},
                                  [](const Batch&) -> base::Result<void> { return {}; }));
        return malformed;
    };
    EXPECT_EQ(count({"{", "{", "{}"}), 2);
    EXPECT_EQ(count({"{}"}), 0);
    EXPECT_EQ(count(std::vector<std::string>(100'000, "x")), 100'000);
}

TEST(Engine, only_the_fields_that_are_looked_at_are_made) {
    std::int64_t malformed = 0;
    const Attribute n = attribute(33, "n", DataType::long_());
    const auto plan = make_logical(plan::ProjectNode{parsed(), {{n, field(kParsed, 0)}}});
    const auto input = texts({R"({"n":1,"page":2,"size":"big"})", R"({"n":2,"size":{"a":[1]}})",
                              R"({"size":1,"n":3,"page":"})"});
    const auto rows = collect(engine(), *plan, input, {.malformed_records = &malformed});
    ASSERT_TRUE(rows);
    // What nobody looks at may be of any type, but must be JSON.
    EXPECT_THAT(rows_of(*rows), testing::ElementsAre("1", "2", "NULL"));
    EXPECT_EQ(malformed, 1);
    EXPECT_THAT(rows_of(collect(engine(), *parsed(), input, {}).value()),
                testing::ElementsAre("{1, 2, NULL}", "{2, NULL, NULL}", "{NULL, NULL, NULL}"));
}

TEST(Engine, long_strings_of_json_outlive_what_is_done_with_them) {
    // Longer than what a string holds inline; with and without escapes, before and after operators
    // that keep rows of their own.
    const std::string page = "/a/page/with/a/name/that/is/long";
    std::vector<std::string> lines;
    for (int i = 0; i < 5000; ++i) {
        lines.push_back(fmt::format(R"({{"n":{},"page":"{}{}{}"}})", i, page,
                                    i % 2 == 0 ? "" : R"(\t)", i % 100));
    }
    const Attribute n = attribute(33, "n", DataType::long_());
    const Attribute name = attribute(34, "page", DataType::string());
    const auto fields = make_logical(
        plan::ProjectNode{parsed(), {{n, field(kParsed, 0)}, {name, field(kParsed, 1)}}});
    const auto sorted = make_logical(plan::LogicalSort{
        fields, {{.expression = ref(n), .ascending = false, .nulls_first = true}}});
    const auto rows = run(make_logical(plan::LogicalLimit{sorted, 2}), texts(lines));
    EXPECT_THAT(rows, testing::ElementsAre("4999|" + page + "\t99", "4998|" + page + "98"));

    const Attribute hits = attribute(35, "hits", DataType::long_());
    const auto counted = make_logical(plan::AggregateNode{
        fields, {{name, ref(name)}}, {{hits, aggregate("count", {}, DataType::long_())}}});
    EXPECT_THAT(run(counted, texts(lines)),
                testing::AllOf(testing::SizeIs(100), testing::Contains(page + "98|50"),
                               testing::Contains(page + "\t99|50")));
    // What is parsed twice: the second text is made by the query itself.
    const Attribute again = attribute(36, "again", kEvent);
    const auto text = call("to_json", {ref(kParsed)}, DataType::string());
    const auto reparsed =
        make_logical(plan::ProjectNode{parsed(), {{again, call("from_json", {text}, kEvent)}}});
    EXPECT_THAT(run(reparsed, texts(lines)), testing::Contains("{98, " + page + "98, NULL}"));
}

TEST(Engine, fail_fast_ends_the_run_in_sparks_words) {
    const auto error = [&](const char* text) {
        const auto rows = collect(engine(), *parsed({mode("FAILFAST")}), texts({"{}", text}), {});
        return rows ? rows_of(*rows).back() : rows.error().message();
    };
    EXPECT_EQ(error(R"({"n":1})"), "{1, NULL, NULL}");
    EXPECT_EQ(error("{"),
              "[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed records are detected in "
              "record parsing: [null,null,null].\nParse Mode: FAILFAST. To process malformed "
              "records as null result, try setting the option 'mode' as 'PERMISSIVE'. SQLSTATE: "
              "22023");
    EXPECT_THAT(error(R"({"n":"x","page":"/b","size":1.5})"),
                testing::HasSubstr("record parsing: [null,/b,1.5]."));
    EXPECT_THAT(error(R"({"n":1,"size":"big"})"),
                testing::AllOf(testing::HasSubstr("[MALFORMED_RECORD_IN_PARSING.CANNOT_PARSE_"
                                                  "STRING_AS_DATATYPE]"),
                               testing::HasSubstr("Cannot parse the value 'big' of the field "
                                                  "`size` as target spark data type DoubleType "
                                                  "from the input type StringType.")));
    EXPECT_THAT(error("[1]"),
                testing::HasSubstr("MALFORMED_RECORD_IN_PARSING.CANNOT_PARSE_JSON_ARRAYS_AS_"
                                   "STRUCTS"));
}

TEST(Engine, casts_strings_as_spark) {
    const auto text = [](const char* value) { return constant(plan::Literal::string(value)); };
    EXPECT_EQ(eval(cast(text(" 12 "), DataType::integer())), "12");
    EXPECT_EQ(eval(cast(text("1.9"), DataType::integer(), plan::EvalMode::kLegacy)), "1");
    EXPECT_EQ(eval(cast(text("x"), DataType::integer(), plan::EvalMode::kTry)), "NULL");
    EXPECT_THAT(
        eval(cast(text("1.5"), DataType::integer())),
        testing::HasSubstr("[CAST_INVALID_INPUT] The value '1.5' of the type \"STRING\" cannot "
                           "be cast to \"INT\""));
    EXPECT_EQ(eval(cast(text("1e3"), DataType::double_())), "1000.0");
    EXPECT_EQ(eval(cast(text("-Infinity"), DataType::double_())), "-Infinity");
    EXPECT_EQ(eval(cast(text("12.345"), DataType::decimal(5, 2))), "12.35");
    EXPECT_THAT(eval(cast(text("12345"), DataType::decimal(5, 2))),
                testing::HasSubstr("[NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION]"));
    EXPECT_EQ(eval(cast(text("2024-02-30"), DataType::date(), plan::EvalMode::kTry)), "NULL");
    EXPECT_EQ(eval(cast(text("2024-2-9 more"), DataType::date())), "2024-02-09");
    EXPECT_EQ(eval(cast(text("2024-01-02 03:04:05.678+02:00"), DataType::timestamp())),
              "2024-01-02 01:04:05.678");
    EXPECT_EQ(eval(cast(text("yes"), DataType::boolean())), "true");
}

TEST(Engine, casts_numbers_as_spark) {
    const auto real = [](double value) { return constant(plan::Literal::double_(value)); };
    EXPECT_EQ(eval(cast(real(2.9), DataType::integer())), "2");
    EXPECT_EQ(eval(cast(real(-2.9), DataType::long_())), "-2");
    EXPECT_EQ(eval(cast(real(1e10), DataType::string())), "1.0E10");
    EXPECT_EQ(eval(cast(real(1.005), DataType::decimal(10, 2))), "1.01");
    EXPECT_EQ(eval(cast(real(3e9), DataType::integer(), plan::EvalMode::kLegacy)), "2147483647");
    EXPECT_THAT(
        eval(cast(constant(plan::Literal::long_(300)), DataType::byte_())),
        testing::HasSubstr("[CAST_OVERFLOW] The value 300L of the type \"BIGINT\" cannot be "
                           "cast to \"TINYINT\""));
    EXPECT_EQ(
        eval(cast(constant(plan::Literal::long_(300)), DataType::byte_(), plan::EvalMode::kLegacy)),
        "44");
}

TEST(Engine, arithmetic_errors_are_sparks) {
    const auto number = [](std::int32_t value) { return constant(plan::Literal::integer(value)); };
    const auto outcome = collect(
        engine(), *value(call("+", {number(2147483647), number(1)}, DataType::integer())), {}, {});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code(), base::Code::kArithmetic);
    ASSERT_NE(outcome.error().condition(), nullptr);
    EXPECT_EQ(outcome.error().condition()->name, "ARITHMETIC_OVERFLOW");
    EXPECT_EQ(outcome.error().condition()->sql_state, "22003");
    const auto real = [](double value) { return constant(plan::Literal::double_(value)); };
    EXPECT_THAT(eval(call("/", {real(1), real(0)}, DataType::double_())),
                testing::HasSubstr("[DIVIDE_BY_ZERO]"));
    EXPECT_EQ(eval(call("/", {real(1), real(0)}, DataType::double_(), plan::EvalMode::kLegacy)),
              "NULL");
}

TEST(Engine, local_data_comes_from_arrow) {
    const std::string ipc = to_ipc(table().at(7)[0], {}).value();
    EXPECT_THAT(run(make_logical(plan::LocalDataNode{
                    .arrow_ipc = ipc,
                    .output = {kUser, attribute(2, "hits", DataType::integer()), kTime}})),
                testing::Contains("bo|2|1970-01-01 00:04:00"));
    EXPECT_THAT(
        run(make_logical(plan::LocalDataNode{.arrow_ipc = "junk", .output = {kUser}})).at(0),
        testing::StartsWith("corrupt"));
}

TEST(Engine, plans_that_are_too_deep_are_refused) {
    LogicalPtr plan = scan();
    for (int i = 0; i < 100'000; ++i) plan = make_logical(plan::LogicalLimit{plan, 1, 0});
    EXPECT_THAT(run(plan, table()).at(0), testing::StartsWith("too large"));
    // Taken apart from the top, so that the test itself does not recurse.
    while (plan != nullptr) {
        const auto* limit = plan->as<plan::LogicalLimit>();
        plan = limit == nullptr ? nullptr : LogicalPtr(limit->input);
    }
}

}  // namespace
}  // namespace millrace::columnar
