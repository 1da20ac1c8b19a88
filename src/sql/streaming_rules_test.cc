// Which streaming queries are refused, and in which words. `s` is a streaming table.
#include "sql/streaming_rules.h"

#include <gtest/gtest.h>

#include "sql/test_session_internal.h"

namespace {

using namespace millrace;
using sql::TestSession;

plan::RelationPtr query(const std::string& text) {
    plan::SqlRel sql;
    sql.text = text;
    return plan::make_relation(std::move(sql));
}

// "ok" or the condition's name; `watermark` puts one on `ts` of s.
std::string check(const std::string& text, const std::string& mode, bool watermark = false) {
    TestSession session;
    if (watermark) {
        plan::WithWatermarkRel marked{query("SELECT * FROM s"), "ts", "10 minutes"};
        const auto view = session.analyze(plan::make_relation(std::move(marked)));
        EXPECT_TRUE(view.has_value());
        session.views["s"] = *view;
    }
    const auto analyzed = session.analyze(query(text));
    if (!analyzed) return analyzed.error().to_string();
    const auto outcome = sql::check_streaming(**analyzed, mode);
    if (outcome) return "ok";
    EXPECT_NE(outcome.error().condition(), nullptr);
    return outcome.error().condition()->name;
}

const char* kHits = "SELECT window, c, count(*) n FROM s GROUP BY window(ts, '1 hour'), c";

TEST(StreamingRules, output_modes_follow_the_plan) {
    EXPECT_EQ(check("SELECT a FROM s", "append"), "ok");
    EXPECT_EQ(check("SELECT a FROM s", "update"), "ok");
    EXPECT_EQ(check("SELECT a FROM s", ""), "ok");
    EXPECT_EQ(check("SELECT a FROM s", "complete"), "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION");
    EXPECT_EQ(check("SELECT a FROM s", "sideways"), "STREAMING_OUTPUT_MODE.INVALID");
    EXPECT_EQ(check(kHits, "append"), "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION");
    EXPECT_EQ(check(kHits, "append", true), "ok");
    EXPECT_EQ(check(kHits, "update"), "ok");
    EXPECT_EQ(check(kHits, "Complete"), "ok");
    EXPECT_EQ(check("SELECT a FROM t", "append"), "WRITE_STREAM_NOT_ALLOWED");
}

TEST(StreamingRules, refuses_what_streams_do_not_have) {
    const char* refused = "_LEGACY_ERROR_TEMP_3102";
    EXPECT_EQ(check("SELECT a FROM s ORDER BY a", "append"), refused);
    EXPECT_EQ(check("SELECT c, count(*) n FROM s GROUP BY c ORDER BY n DESC LIMIT 20", "complete"),
              "ok");
    EXPECT_EQ(check("SELECT c, count(*) n FROM s GROUP BY c ORDER BY n DESC", "update"), refused);
    EXPECT_EQ(check("SELECT a FROM s LIMIT 1", "update"), refused);
    EXPECT_EQ(check("SELECT a FROM s OFFSET 1", "append"), refused);
    EXPECT_EQ(check("SELECT c, count(DISTINCT a) FROM s GROUP BY c", "complete"), refused);
    EXPECT_EQ(check("SELECT c, count(*) FROM s GROUP BY CUBE(c)", "complete"), refused);
    EXPECT_EQ(check("SELECT a FROM s UNION ALL SELECT a FROM t", "append"), refused);
    EXPECT_EQ(check("SELECT s.a FROM s LEFT JOIN t ON s.a = t.a", "append"), "ok");
    EXPECT_EQ(check("SELECT s.a FROM s RIGHT JOIN t ON s.a = t.a", "append"), refused);
    EXPECT_EQ(check("SELECT row_number() OVER (ORDER BY a) FROM s", "append"),
              "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING");
}

// `w` is `s` with a watermark on ts.
std::string check_join(const std::string& text, const std::string& mode = "append") {
    TestSession session;
    const auto view = session.analyze(
        plan::make_relation(plan::WithWatermarkRel{query("SELECT * FROM s"), "ts", "10 minutes"}));
    EXPECT_TRUE(view.has_value());
    session.views["w"] = *view;
    const auto analyzed = session.analyze(query(text));
    if (!analyzed) return analyzed.error().to_string();
    const auto outcome = sql::check_streaming(**analyzed, mode);
    return outcome ? "ok" : outcome.error().message();
}

TEST(StreamingRules, streams_join_in_the_modes_of_their_type) {
    const std::string joined = "SELECT x.a FROM s x JOIN s y ON x.a = y.a";
    EXPECT_EQ(check_join(joined), "ok");
    EXPECT_EQ(check_join(joined, "update"), "ok");
    EXPECT_EQ(check_join("SELECT x.a FROM w x LEFT SEMI JOIN w y ON x.ts = y.ts", "update"), "ok");
    EXPECT_EQ(check_join("SELECT x.a FROM w x FULL JOIN w y ON x.ts = y.ts", "update"),
              "FullOuter join between two streaming DataFrames/Datasets is not supported in Update "
              "output mode, only in Append output mode");
    EXPECT_EQ(
        check_join("SELECT x.a, count(*) FROM s x JOIN s y ON x.a = y.a GROUP BY x.a", "complete"),
        "Inner join between two streaming DataFrames/Datasets is not supported in Complete "
        "output mode, only in Append and Update output modes");
}

TEST(StreamingRules, nothing_with_state_stands_above_an_aggregation_that_changes_its_rows) {
    const std::string joined =
        "SELECT x.w FROM (SELECT window(ts, '1 hour') w, count(*) n FROM w GROUP BY 1) x JOIN "
        "(SELECT window(ts, '1 hour') w FROM w) y ON x.w = y.w";
    EXPECT_EQ(check_join(joined), "ok");
    EXPECT_EQ(check_join(joined, "update").substr(0, 40),
              "Detected pattern of possible 'correctnes");
}

TEST(StreamingRules, outer_joins_of_streams_need_an_end_of_their_state) {
    const std::string refused =
        "Stream-stream {} join between two streaming DataFrame/Datasets is not supported without a "
        "watermark in the join keys, or a watermark on the nullable side and an appropriate range "
        "condition";
    const auto words = [&](const std::string& type) {
        return std::string(refused).replace(refused.find("{}"), 2, type);
    };
    struct Case {
        const char* join;  // Between its two sides and the condition.
        const char* type;
        bool ok;
    };
    const Case cases[] = {
        {"s x LEFT JOIN s y ON x.a = y.a", "LeftOuter", false},
        {"w x LEFT JOIN w y ON x.a = y.a", "LeftOuter", false},
        {"w x LEFT JOIN s y ON x.ts = y.ts", "LeftOuter", true},
        {"s x LEFT JOIN w y ON x.ts = y.ts", "LeftOuter", true},
        {"s x LEFT JOIN s y ON x.ts = y.ts", "LeftOuter", false},
        // The range must bound the side that is kept, by the watermark of the other.
        {"s x LEFT JOIN w y ON x.a = y.a AND x.ts > y.ts - INTERVAL 1 HOUR", "LeftOuter", true},
        {"s x LEFT JOIN w y ON x.a = y.a AND x.ts < y.ts + INTERVAL 1 HOUR", "LeftOuter", false},
        {"w x LEFT JOIN s y ON x.a = y.a AND x.ts > y.ts - INTERVAL 1 HOUR", "LeftOuter", false},
        {"w x LEFT JOIN w y ON x.a = y.a AND y.ts BETWEEN x.ts AND x.ts + INTERVAL 1 HOUR",
         "LeftOuter", true},
        {"w x LEFT JOIN w y ON x.a = y.a AND x.ts > y.ts - INTERVAL 1 MONTH", "LeftOuter", false},
        {"w x LEFT JOIN w y ON x.a = y.a AND x.b > y.b - 10", "LeftOuter", false},
        {"w x RIGHT JOIN s y ON x.a = y.a AND x.ts < y.ts + INTERVAL 1 HOUR", "RightOuter", true},
        {"w x RIGHT JOIN s y ON x.a = y.a AND x.ts > y.ts + INTERVAL 1 HOUR", "RightOuter", false},
        {"w x FULL JOIN s y ON x.a = y.a AND x.ts < y.ts + INTERVAL 1 HOUR", "FullOuter", true},
        {"s x FULL JOIN w y ON x.a = y.a AND x.ts > y.ts + INTERVAL 1 HOUR", "FullOuter", true},
        {"w x FULL JOIN w y ON x.a = y.a", "FullOuter", false},
        {"s x LEFT SEMI JOIN w y ON x.a = y.a AND x.ts >= y.ts", "LeftSemi", true},
        {"s x LEFT SEMI JOIN s y ON x.a = y.a AND x.ts >= y.ts", "LeftSemi", false},
    };
    for (const Case& test : cases) {
        EXPECT_EQ(check_join("SELECT x.a FROM " + std::string(test.join)),
                  test.ok ? "ok" : words(test.type))
            << test.join;
    }
    EXPECT_EQ(check_join("SELECT x.a FROM w x LEFT ANTI JOIN w y ON x.ts = y.ts"),
              "LeftAnti joins with a streaming DataFrame/Dataset on the right are not supported");
}

TEST(StreamingRules, batch_queries_hold_no_stream) {
    TestSession session;
    const auto stream = session.query("SELECT a FROM s");
    const auto table = session.query("SELECT a FROM t");
    ASSERT_TRUE(stream.has_value() && table.has_value());
    EXPECT_TRUE(sql::check_batch(**table).has_value());
    const auto refused = sql::check_batch(**stream);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().message(),
              "Queries with streaming sources must be executed with writeStream.start()");
}

}  // namespace
