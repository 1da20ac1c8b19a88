// What parses, what does not, and what hostile text does.
#include "sql/parser.h"

#include <gtest/gtest.h>

#include <random>

namespace {

using namespace millrace;

// "ok" or the condition of the error.
std::string check(std::string_view text) {
    const auto parsed = sql::parse_statement(text);
    if (parsed) return "ok";
    return parsed.error().condition() != nullptr ? parsed.error().condition()->name
                                                 : parsed.error().to_string();
}

TEST(Parser, takes_the_query_language) {
    for (const char* text :
         {"SELECT 1",
          "select a.b, `x y`.c from t as q where not a <=> b;",
          "SELECT * EXCEPT (a) FROM t",
          "SELECT 1 AS `from`, 'it''s', \"x\", r'\\d', X'0F'",
          "SELECT a FROM t ORDER BY a DESC NULLS LAST, 2 LIMIT 10 OFFSET 5",
          "(SELECT 1) UNION ALL (SELECT 2) INTERSECT SELECT 3 EXCEPT SELECT 4",
          "WITH a AS (SELECT 1), b(x) AS (SELECT * FROM a) SELECT * FROM b",
          "SELECT * FROM a LEFT OUTER JOIN b ON a.x = b.x NATURAL JOIN c CROSS JOIN d",
          "SELECT * FROM a, LATERAL (SELECT a.x) AS q, b",
          "SELECT * FROM ((SELECT 1) UNION (SELECT 2)) q",
          "SELECT a FROM t GROUP BY GROUPING SETS ((a), ())",
          "SELECT a FROM t GROUP BY a WITH ROLLUP HAVING count(*) > 1",
          "SELECT sum(x) FILTER (WHERE x > 1) OVER w FROM t WINDOW w AS (PARTITION BY y)",
          "SELECT max(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t",
          "SELECT CAST(a AS DECIMAL(10, 2)), a::int, TRY_CAST(b AS ARRAY<MAP<STRING,INT>>)",
          "SELECT x -> x + 1, (x, y) -> x, f(a => 1)",
          "SELECT :p, ?, a[0].b['c']",
          "SELECT DATE '2020-01-01', TIMESTAMP '2020-01-01 00:00:00', INTERVAL '1' DAY",
          "SELECT a BETWEEN 1 AND 2 AND b NOT IN (1, 2) OR c NOT LIKE 'x%' ESCAPE '!'",
          "SELECT CASE a WHEN 1 THEN 2 ELSE 3 END, CASE WHEN a THEN 1 END",
          "SELECT EXTRACT(YEAR FROM d), TRIM(BOTH 'x' FROM y), POSITION('a' IN b)",
          "SELECT a IS NOT DISTINCT FROM b, a IS TRUE, a RLIKE 'x'",
          "VALUES (1, 2), (3, 4)",
          "SELECT /*+ BROADCAST(t) */ 1 -- comment\n + /* x */ 2",
          "CREATE OR REPLACE TEMP VIEW v AS SELECT 1",
          "DROP VIEW IF EXISTS v",
          "SET spark.sql.ansi.enabled = false",
          "SET",
          "RESET a.b",
          "SHOW TABLES",
          "SHOW FUNCTIONS",
          "DESCRIBE t",
          "DESCRIBE FUNCTION upper",
          "EXPLAIN EXTENDED SELECT 1",
          "SELECT * FROM t TABLESAMPLE (10 PERCENT)",
          "FROM t SELECT a",
          "SELECT date, timestamp, year(date) FROM t",
          "SELECT 1.5, .5, 1e3, 2L, 3S, 4Y, 5D, 6F, 7BD"}) {
        EXPECT_EQ(check(text), "ok") << text;
    }
}

TEST(Parser, refuses_in_sparks_conditions) {
    EXPECT_EQ(check(""), "PARSE_EMPTY_STATEMENT");
    EXPECT_EQ(check("SELECT"), "PARSE_SYNTAX_ERROR");
    EXPECT_EQ(check("SELEC 1"), "PARSE_SYNTAX_ERROR");
    EXPECT_EQ(check("SELECT (1"), "PARSE_SYNTAX_ERROR");
    EXPECT_EQ(check("SELECT 'x"), "PARSE_SYNTAX_ERROR");
    EXPECT_EQ(check("SELECT a FROM t WHERE"), "PARSE_SYNTAX_ERROR");
    EXPECT_EQ(check("SELECT 1 /* open"), "UNCLOSED_BRACKETED_COMMENT");
    EXPECT_EQ(check("SELECT CAST(1 AS NOPE)"), "UNSUPPORTED_DATATYPE");
    EXPECT_EQ(check("SELECT DATE '2020-13-01'"), "INVALID_TYPED_LITERAL");
    EXPECT_EQ(check("SELECT a IN ()"), "INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE");
    EXPECT_EQ(check("SELECT 300Y"), "INVALID_NUMERIC_LITERAL_RANGE");
    EXPECT_EQ(check("INSERT INTO t VALUES (1)"), "UNSUPPORTED_FEATURE");
    EXPECT_EQ(check("SELECT sum(a) OVER w FROM t"),
              "INVALID_SQL_SYNTAX.UNRESOLVED_WINDOW_REFERENCE");
}

TEST(Parser, shows_position_and_caret) {
    const auto parsed = sql::parse_statement("SELECT a\nFROM t WHERE = 1");
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().message(),
              "\n[PARSE_SYNTAX_ERROR] Syntax error at or near '='. SQLSTATE: 42601 (line 2, pos 13)"
              "\n\n== SQL ==\nSELECT a\nFROM t WHERE = 1\n-------------^^^\n");
    EXPECT_EQ(parsed.error().condition()->sql_state, "42601");
}

TEST(Parser, reads_types_and_schemas) {
    const auto type = [](std::string_view text) {
        const auto parsed = sql::parse_schema(text);
        return parsed ? parsed->simple_string() : std::string("error");
    };
    EXPECT_EQ(type("int"), "int");
    EXPECT_EQ(type("a INT, b STRING NOT NULL COMMENT 'x'"), "struct<a:int,b:string>");
    EXPECT_EQ(type("struct<a: array<map<string, decimal(10,2)>>>"),
              "struct<a:array<map<string,decimal(10,2)>>>");
    EXPECT_EQ(type("`a b` timestamp, c interval day to second"),
              "struct<a b:timestamp,c:interval day to second>");
    EXPECT_EQ(type("\"long\""), "bigint");
    EXPECT_EQ(type("{\"type\":\"struct\",\"fields\":[]}"), "struct<>");
    EXPECT_EQ(type("decimal(39,0)"), "error");
    EXPECT_EQ(type("decimal(2222222222,0)"), "error");
    EXPECT_EQ(type("array<int"), "error");
}

TEST(Parser, reads_intervals) {
    const auto micros = [](std::string_view text) {
        return sql::parse_interval_us(text).value_or(-1);
    };
    EXPECT_EQ(micros("10 minutes"), 600'000'000);
    EXPECT_EQ(micros("interval 1 hour 30 minutes"), 5'400'000'000);
    EXPECT_EQ(micros("1 day"), 86'400'000'000);
    EXPECT_EQ(micros("1.5 seconds"), 1'500'000);
    EXPECT_EQ(micros("1 month"), -1);
    EXPECT_EQ(micros("soon"), -1);
    EXPECT_EQ(micros(""), -1);
}

TEST(Parser, survives_depth_and_length) {
    for (const std::string& unit :
         {std::string("("), std::string("-"), std::string("NOT "), std::string("CASE WHEN "),
          std::string("(SELECT "), std::string("f("), std::string("ARRAY<")}) {
        std::string deep = "SELECT ";
        for (int i = 0; i < 10'000; ++i) deep += unit;
        EXPECT_NE(check(deep), "ok");
        // A row of minus signs is a comment, and no text is an empty list of columns.
        if (unit != "-") EXPECT_FALSE(sql::parse_type(deep.substr(7)).has_value());
    }
    std::string chain = "SELECT 1";
    for (int i = 0; i < 10'000; ++i) chain += " + 1";
    EXPECT_EQ(check(chain), "FAILED_TO_PARSE_TOO_COMPLEX");
    std::string conditions = "SELECT a = 0";
    for (int i = 0; i < 10'000; ++i) conditions += " OR a = 1";
    EXPECT_EQ(check(conditions), "ok");
    std::string list = "SELECT 1 IN (0";
    while (list.size() < 10'000'000) list += ", 123456789";
    EXPECT_EQ(check(list + ")"), "ok");
    EXPECT_EQ(check(std::string(10'000'000, 'x')), "PARSE_SYNTAX_ERROR");
}

TEST(Parser, refuses_what_is_not_utf8) {
    EXPECT_EQ(sql::parse_schema("a\xff\xff int").error().code(), base::Code::kParse);
    EXPECT_EQ(sql::parse_statement("SELECT '\xc0\x80'").error().code(), base::Code::kParse);
    EXPECT_EQ(sql::parse_expression("`\xed\xa0\x80`").error().code(), base::Code::kParse);
}

TEST(Parser, random_words_never_crash) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const std::vector<std::string> words = {
        "SELECT", "FROM",  "t",        "(",    ")",    ",",       "a",     ".",    "*",
        "WHERE",  "1",     "'x'",      "AND",  "NOT",  "IN",      "CASE",  "WHEN", "END",
        "->",     "::",    "INT",      "OVER", "JOIN", "ON",      "GROUP", "BY",   "[",
        "]",      "-",     "INTERVAL", "DAY",  "LIKE", "BETWEEN", "UNION", "WITH", "AS",
        "ORDER",  "LIMIT", "<",        ">",    "`q`"};
    for (int round = 0; round < 3000; ++round) {
        std::string text = "SELECT";
        const int length = static_cast<int>(random() % 25);
        for (int i = 0; i < length; ++i) text += " " + words[random() % words.size()];
        check(text);
    }
}

}  // namespace
