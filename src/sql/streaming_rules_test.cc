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
