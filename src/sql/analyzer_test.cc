// Queries to schemas and plans. Each line: SQL text, and the schema that Spark gives it, or the
// error condition. check() is the only caller of the analyzer.
#include "sql/analyzer.h"

#include <gtest/gtest.h>

#include "sql/test_session_internal.h"

namespace {

using millrace::sql::TestSession;

// "name: type, name: type not null", or "CONDITION" of the error.
std::string schema(const std::string& text, TestSession session = {}) {
    const auto plan = session.query(text);
    if (!plan) {
        return plan.error().condition() != nullptr ? plan.error().condition()->name
                                                   : plan.error().to_string();
    }
    std::string result;
    for (const auto& column : output_of(**plan)) {
        if (!result.empty()) result += ", ";
        result += column.name + ": " + column.type.simple_string();
        if (!column.nullable) result += " not null";
    }
    return result;
}

struct Case {
    const char* text;
    const char* expected;
};

void check(std::initializer_list<Case> cases) {
    for (const Case& one : cases) EXPECT_EQ(schema(one.text), one.expected) << one.text;
}

TEST(Analyzer, names_columns_as_spark_does) {
    check({
        {"SELECT 1", "1: int not null"},
        {"SELECT a, A FROM t", "a: int, A: int"},
        {"SELECT a + 1 FROM t", "(a + 1): int"},
        {"SELECT -a, - 1 FROM t", "(- a): int, -1: int not null"},
        {"SELECT count(*) FROM t", "count(1): bigint not null"},
        {"SELECT count(DISTINCT a) FROM t", "count(DISTINCT a): bigint not null"},
        {"SELECT sum(a), avg(a), max(c) FROM t", "sum(a): bigint, avg(a): double, max(c): string"},
        {"SELECT CAST(a AS BIGINT) FROM t", "a: bigint"},
        {"SELECT CAST(10 AS BIGINT)", "CAST(10 AS BIGINT): bigint not null"},
        {"SELECT c LIKE '%x' FROM t", "c LIKE %x: boolean"},
        {"SELECT a IS NULL, NOT a = 1 FROM t",
         "(a IS NULL): boolean not null, (NOT (a = 1)): boolean"},
        {"SELECT a IN (1, 2) FROM t", "(a IN (1, 2)): boolean"},
        {"SELECT CASE WHEN a > 1 THEN 'x' ELSE 'y' END FROM t",
         "CASE WHEN (a > 1) THEN x ELSE y END: string not null"},
        {"SELECT st.x, st FROM t", "x: int, st: struct<x:int,y:string>"},
        {"SELECT arr[0], m['k'] FROM t", "arr[0]: int, m[k]: int"},
        {"SELECT upper(c), substring(c, 2) FROM t",
         "upper(c): string, substring(c, 2, 2147483647): string"},
        {"SELECT split(c, ','), regexp_extract(c, 'x', 0) FROM t",
         "split(c, ,, -1): array<string>, regexp_extract(c, x, 0): string"},
        {"SELECT struct(a, c AS z) FROM t", "struct(a, c AS z): struct<a:int,z:string> not null"},
        {"SELECT date_add(day, 1), year(ts) FROM t", "date_add(day, 1): date, year(ts): int"},
        {"SELECT DATE '2020-01-01', INTERVAL 5 DAYS 3 HOURS 7 MINUTES",
         "DATE '2020-01-01': date not null, INTERVAL '5 03:07' DAY TO MINUTE: interval day to "
         "minute not null"},
        {"SELECT transform(arr, x -> x + 1) FROM t",
         "transform(arr, lambdafunction((namedlambdavariable() + 1), namedlambdavariable())): "
         "array<int>"},
        {"SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM t",
         "row_number() OVER (PARTITION BY a ORDER BY b ASC NULLS FIRST ROWS BETWEEN UNBOUNDED "
         "PRECEDING AND CURRENT ROW): int not null"},
    });
}

TEST(Analyzer, coerces_types) {
    check({
        {"SELECT 1 + 1L, 1 + 1.5, 1 / 2, 7 div 2",
         "(1 + 1): bigint not null, (1 + 1.5): decimal(3,1) not null, (1 / 2): double not null, (7 "
         "div 2): bigint not null"},
        {"SELECT e * e, e / e, e + 1 FROM t",
         "(e * e): decimal(21,4), (e / e): decimal(23,13), (e + 1): decimal(11,2)"},
        {"SELECT '1' + 1", "(1 + 1): bigint not null"},
        {"SELECT coalesce(a, b), coalesce(a, 1.5) FROM t",
         "coalesce(a, b): bigint, coalesce(a, 1.5): decimal(11,1) not null"},
        {"SELECT day - day, ts - INTERVAL 1 HOUR, day + 1 FROM t",
         "(day - day): interval day, (ts - INTERVAL '1' HOUR): timestamp, date_add(day, 1): date"},
        {"SELECT sum(e), avg(e) FROM t", "sum(e): decimal(20,2), avg(e): decimal(14,6)"},
        {"SELECT array(1, 2L, NULL), map('a', 1)",
         "array(1, 2, NULL): array<bigint> not null, map(a, 1): map<string,int> not null"},
        {"SELECT if(a > 1, 1, 2.5) FROM t", "(IF((a > 1), 1, 2.5)): decimal(11,1) not null"},
    });
}

TEST(Analyzer, resolves_queries) {
    check({
        {"SELECT * FROM t JOIN u ON t.a = u.a WHERE x = 'k'",
         "a: int, b: bigint, c: string, d: double, e: decimal(10,2), ts: timestamp, day: date, "
         "arr: array<int>, m: map<string,int>, st: struct<x:int,y:string>, v: binary, a: int, x: "
         "string"},
        {"SELECT x, count(*) AS n FROM u GROUP BY x HAVING n > 1 ORDER BY n DESC, x LIMIT 3",
         "x: string, n: bigint not null"},
        {"SELECT x FROM u GROUP BY x ORDER BY count(*)", "x: string"},
        {"SELECT upper(x) AS k, sum(a) FROM u GROUP BY k", "k: string, sum(a): bigint"},
        {"SELECT x, a FROM u GROUP BY 1, 2", "x: string, a: int"},
        {"WITH q AS (SELECT a + 1 AS b FROM u) SELECT b, b * 2 AS c, c + 1 AS dd FROM q",
         "b: int, c: int, dd: int"},
        {"SELECT a FROM u UNION ALL SELECT b FROM t", "a: bigint"},
        {"SELECT q.a, n FROM (SELECT a, count(*) n FROM u GROUP BY a) q",
         "a: int, n: bigint not null"},
        {"SELECT a FROM u WHERE a IN (SELECT a FROM t) AND EXISTS (SELECT 1 FROM t WHERE t.a = "
         "u.a)",
         "a: int"},
        {"SELECT (SELECT max(b) FROM t WHERE t.a = u.a) FROM u", "scalarsubquery(a): bigint"},
        {"SELECT u.a, k FROM u LATERAL VIEW explode(array(1, 2)) e AS k",
         "a: int, k: int not null"},
        {"SELECT explode(m) FROM t", "key: string not null, value: int"},
        {"SELECT * FROM u JOIN t USING (a)",
         "a: int, x: string, b: bigint, c: string, d: double, e: decimal(10,2), ts: timestamp, "
         "day: date, "
         "arr: array<int>, m: map<string,int>, st: struct<x:int,y:string>, v: binary"},
        {"SELECT id FROM range(3)", "id: bigint not null"},
        {"SELECT * FROM VALUES (1, 'a'), (2, NULL) AS q(n, s)", "n: int not null, s: string"},
        {"SELECT sum(sum(a)) OVER (ORDER BY x) FROM u GROUP BY x",
         "sum(sum(a)) OVER (ORDER BY x ASC NULLS FIRST RANGE BETWEEN UNBOUNDED PRECEDING AND "
         "CURRENT ROW): bigint"},
        {"SELECT x, grouping(x), sum(a) FROM u GROUP BY ROLLUP(x)",
         "x: string, grouping(x): tinyint not null, sum(a): bigint"},
        {"SELECT * FROM (SELECT x, a FROM u) PIVOT (sum(a) FOR x IN ('p', 'q'))",
         "p: bigint, q: bigint"},
    });
}

TEST(Analyzer, prefers_columns_to_functions_without_parentheses) {
    check({
        {"SELECT user, current_date FROM VALUES (1, 2L) AS q(user, current_date)",
         "user: int not null, current_date: bigint not null"},
        {"SELECT user FROM VALUES (1) AS q(user) GROUP BY user", "user: int not null"},
        {"SELECT user FROM t", "current_user(): string not null"},
        {"SELECT current_date, Current_Timestamp FROM t",
         "current_date(): date not null, current_timestamp(): timestamp not null"},
        {"SELECT current_time", "current_time(6): time(6) not null"},
        {"SELECT 1 AS user, user", "user: int not null, current_user(): string not null"},
        {"SELECT localtimestamp", "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION"},
    });
}

TEST(Analyzer, groups_by_time_windows) {
    check({
        {"SELECT window, c, count(*) AS hits FROM s GROUP BY window(ts, '1 hour', '10 minutes'), c",
         "window: struct<start:timestamp,end:timestamp> not null, c: string, hits: bigint not "
         "null"},
        {"SELECT window.start, sum(a) FROM s GROUP BY window(ts, '5 minutes')",
         "start: timestamp, sum(a): bigint"},
        {"SELECT window(ts, '1 month') FROM s", "CANNOT_PARSE_INTERVAL"},
        {"SELECT window(a, '1 hour') FROM s", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"},
    });
    TestSession session;
    const auto plan = session.query(
        "SELECT window.start, c, count(*) AS n FROM s GROUP BY window(ts, '1 hour', '10 minutes'), "
        "c");
    ASSERT_TRUE(plan.has_value()) << plan.error().to_string();
    const std::string text = to_text(**plan);
    EXPECT_NE(text.find("TimeWindow"), std::string::npos) << text;
    EXPECT_LT(text.find("Aggregate"), text.find("TimeWindow")) << text;
}

TEST(Analyzer, reads_and_writes_json) {
    check({
        {"SELECT from_json(c, 'host STRING, bytes BIGINT') FROM t",
         "from_json(c): struct<host:string,bytes:bigint>"},
        {"SELECT from_json(c, 'array<int>').x FROM t", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"},
        {"SELECT a.x FROM t", "INVALID_EXTRACT_BASE_FIELD_TYPE"},
        {"SELECT from_json(c, 'a INT').a FROM t", "from_json(c).a: int"},
        {"SELECT to_json(struct(a, c)) FROM t", "to_json(struct(a, c)): string not null"},
        {"SELECT get_json_object(c, '$.a') FROM t", "get_json_object(c, $.a): string"},
        {"SELECT json_tuple(c, 'a', 'b') FROM t", "c0: string, c1: string"},
        {"SELECT from_json(c, 'a INT', map('Mode', 'dropmalformed')) FROM t",
         "PARSE_MODE_UNSUPPORTED"},
        {"SELECT from_json(c, 'a INT', map('mode', 'FAILFAST')) FROM t",
         "from_json(c): struct<a:int>"},
        {"SELECT from_json(c, a) FROM t", "INVALID_SCHEMA.NON_STRING_LITERAL"},
    });
}

TEST(Analyzer, tells_errors_in_sparks_words) {
    check({
        {"SELECT nope FROM u", "UNRESOLVED_COLUMN.WITH_SUGGESTION"},
        {"SELECT nope", "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION"},
        {"SELECT * FROM missing", "TABLE_OR_VIEW_NOT_FOUND"},
        {"SELECT nope(1)", "UNRESOLVED_ROUTINE"},
        {"SELECT a FROM t JOIN u", "AMBIGUOUS_REFERENCE"},
        {"SELECT a, count(*) FROM u", "MISSING_GROUP_BY"},
        {"SELECT a, count(*) FROM u GROUP BY x", "MISSING_AGGREGATION"},
        {"SELECT upper()", "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"},
        {"SELECT 1 FROM u WHERE count(*) > 1", "INVALID_WHERE_CONDITION"},
        {"SELECT sum(count(*)) FROM u", "NESTED_AGGREGATE_FUNCTION"},
        {"SELECT a FROM u GROUP BY count(*)", "GROUP_BY_AGGREGATE"},
        {"SELECT a FROM u GROUP BY 3", "GROUP_BY_POS_OUT_OF_RANGE"},
        {"SELECT a FROM u ORDER BY 3", "ORDER_BY_POS_OUT_OF_RANGE"},
        {"SELECT a FROM u UNION SELECT a, x FROM u", "NUM_COLUMNS_MISMATCH"},
        {"SELECT arr FROM t UNION SELECT a FROM t", "INCOMPATIBLE_COLUMN_TYPE"},
        {"SELECT arr + 1 FROM t", "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES"},
        {"SELECT true + true", "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE"},
        {"SELECT CAST(arr AS INT) FROM t", "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION"},
        {"SELECT abs(arr) FROM t", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"},
        {"SELECT 1 FROM u WHERE a + 1", "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN"},
        {"SELECT st.nope FROM t", "FIELD_NOT_FOUND"},
        {"SELECT a FROM u LIMIT -1", "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE"},
        {"SELECT row_number()", "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE"},
        {"SELECT z.* FROM u", "CANNOT_RESOLVE_STAR_EXPAND"},
        {"SELECT explode(arr) + 1 FROM t", "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS"},
        {"SELECT :p", "UNBOUND_SQL_PARAMETER"},
    });
}

TEST(Analyzer, words_an_unknown_column_with_its_place) {
    TestSession session;
    const auto plan = session.query("SELECT hots, a FROM u");
    ASSERT_FALSE(plan.has_value());
    EXPECT_EQ(plan.error().message(),
              "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with "
              "name `hots` cannot be resolved. Did you mean one of the following? [`a`, `x`]. "
              "SQLSTATE: 42703; line 1 pos 7");
    EXPECT_EQ(plan.error().condition()->query_start, 7);
    EXPECT_EQ(plan.error().condition()->query_stop, 10);
    EXPECT_EQ(plan.error().condition()->query_fragment, "hots");
}

TEST(Analyzer, legacy_mode_is_lenient) {
    TestSession session;
    session.settings["spark.sql.ansi.enabled"] = "false";
    EXPECT_EQ(schema("SELECT '1' + 1, 1 / 0", session), "(1 + 1): double, (1 / 0): double");
}

}  // namespace
