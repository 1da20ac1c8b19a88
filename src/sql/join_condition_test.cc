// How conditions of joins are taken apart, and what ranges of time say of a side's state. `w` is a
// stream with a watermark on ts, `s` one without.
#include "sql/join_condition.h"

#include <gtest/gtest.h>

#include "sql/test_session_internal.h"

namespace {

using namespace millrace;
using sql::TestSession;

const plan::JoinNode* join_in(const plan::LogicalNode& node) {
    if (const auto* join = node.as<plan::JoinNode>()) return join;
    for (const auto& input : plan::inputs_of(node)) {
        if (const auto* join = join_in(*input)) return join;
    }
    return nullptr;
}

class JoinConditionTest : public testing::Test {
protected:
    plan::JoinNode join(const std::string& text) {
        plan::SqlRel all;
        all.text = "SELECT * FROM s";
        const auto view = session_.analyze(plan::make_relation(
            plan::WithWatermarkRel{plan::make_relation(all), "ts", "10 minutes"}));
        EXPECT_TRUE(view.has_value());
        session_.views["w"] = *view;
        const auto analyzed = session_.query("SELECT x.a FROM " + text);
        EXPECT_TRUE(analyzed.has_value()) << analyzed.error().to_string();
        return *join_in(**analyzed);
    }
    // "left offset, right offset" in ms.
    std::string offsets(const std::string& condition) {
        const auto node = join("w x JOIN w y ON x.a = y.a AND " + condition);
        const auto show = [](const std::optional<std::int64_t>& offset) {
            return offset ? std::to_string(*offset) : "-";
        };
        return show(sql::state_offset_ms(node, true)) + ", " +
               show(sql::state_offset_ms(node, false));
    }
    TestSession session_;
};

TEST_F(JoinConditionTest, conjuncts_go_where_they_look) {
    const auto node = join(
        "w x JOIN s y ON x.a = y.a AND y.b <=> x.a + 1 AND x.c = 'k' AND y.d > 1 AND x.b < y.b "
        "AND x.a = x.b AND x.a + y.a = 3");
    const auto parts = sql::split_join(node);
    ASSERT_EQ(parts.keys.size(), 2U);
    EXPECT_FALSE(parts.keys[0].null_safe);
    EXPECT_TRUE(parts.keys[1].null_safe);
    EXPECT_EQ(parts.left.size(), 2U);
    EXPECT_EQ(parts.right.size(), 1U);
    EXPECT_EQ(parts.both.size(), 2U);
    EXPECT_FALSE(sql::watermarked_key(node, parts));
}

TEST_F(JoinConditionTest, a_column_with_a_watermark_among_the_keys_is_found_on_either_side) {
    for (const char* text : {"w x JOIN s y ON x.a = y.a AND x.ts = y.ts",
                             "s x JOIN w y ON x.a = y.a AND y.ts = x.ts"}) {
        const auto node = join(text);
        EXPECT_EQ(sql::watermarked_key(node, sql::split_join(node)), std::optional<std::size_t>(1));
    }
}

TEST_F(JoinConditionTest, a_range_bounds_the_greater_side_and_its_own_bound_is_not_final) {
    EXPECT_EQ(offsets("x.ts > y.ts"), "0, -");
    EXPECT_EQ(offsets("x.ts >= y.ts"), "-1, -");
    EXPECT_EQ(offsets("y.ts < x.ts"), "0, -");
    EXPECT_EQ(offsets("x.ts < y.ts + INTERVAL 1 MINUTE"), "-, -60000");
    EXPECT_EQ(offsets("x.ts - INTERVAL 1 MINUTE <= y.ts"), "-, -60001");
    EXPECT_EQ(offsets("x.ts + INTERVAL 1 MINUTE <= y.ts"), "-, 59999");
    EXPECT_EQ(offsets("y.ts BETWEEN x.ts AND x.ts + INTERVAL 1 HOUR"), "-3600001, -1");
    // Of several bounds the one that keeps longest.
    EXPECT_EQ(offsets("x.ts > y.ts - INTERVAL 1 SECOND AND x.ts > y.ts - INTERVAL 5 SECOND"),
              "-5000, -");
    EXPECT_EQ(offsets("x.ts > y.ts - INTERVAL '0.0005' SECOND"), "-1, -");
    EXPECT_EQ(offsets("CAST(x.ts AS BIGINT) > CAST(y.ts AS BIGINT) - 10"), "-10000, -");
}

TEST_F(JoinConditionTest, what_is_no_range_of_time_bounds_nothing) {
    EXPECT_EQ(offsets("x.ts > y.ts - INTERVAL 1 MONTH"), "-, -");
    EXPECT_EQ(offsets("x.ts > y.ts OR x.ts > y.ts"), "-, -");
    EXPECT_EQ(offsets("x.ts > TIMESTAMP '2024-01-01 00:00:00'"), "-, -");
    EXPECT_EQ(offsets("x.b > y.b"), "-, -");
    EXPECT_EQ(offsets("date_trunc('hour', x.ts) > y.ts"), "-, -");
    EXPECT_EQ(offsets("x.ts <> y.ts"), "-, -");
}

}  // namespace
