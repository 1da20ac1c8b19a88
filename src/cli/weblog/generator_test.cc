#include "cli/weblog/generator.h"

#include <gtest/gtest.h>

#include <map>

namespace millrace::cli {
namespace {

std::vector<WebLogRecord> generate(const WebLogSettings& settings) {
    GeneratedWebLog log(settings);
    std::vector<WebLogRecord> records;
    while (const auto record = log.next().value()) records.push_back(*record);
    return records;
}

std::string request_of(const std::string& json) {
    const auto begin = json.find("\"request\":\"");
    if (begin == std::string::npos) return "";
    return json.substr(begin + 11, json.find('"', begin + 11) - begin - 11);
}

TEST(GeneratedWebLog, is_the_same_for_the_same_settings) {
    const auto first = generate({.seed = 7, .records = 1000});
    const auto second = generate({.seed = 7, .records = 1000});
    const auto other = generate({.seed = 8, .records = 1000});
    ASSERT_EQ(first.size(), 1000u);
    bool differs = false;
    for (std::size_t i = 0; i < first.size(); ++i) {
        EXPECT_EQ(first[i].value, second[i].value);
        differs |= first[i].value != other[i].value;
    }
    EXPECT_TRUE(differs);
}

// Fixes the very bytes: a change here changes what every user and benchmark has seen.
TEST(GeneratedWebLog, begins_as_it_always_began) {
    EXPECT_EQ(generate({.seed = 1, .records = 1})[0].value,
              R"({"host":"host79.example.net","timestamp":"2026-01-01T00:00:00.000Z",)"
              R"("request":"GET /history/apollo/page7.html","http_reply":200,"bytes":4057})");
}

TEST(GeneratedWebLog, has_few_pages_with_most_of_the_hits) {
    std::map<std::string, int> hits;
    for (const WebLogRecord& record : generate({.records = 20'000, .malformed_permille = 0})) {
        ++hits[request_of(record.value)];
    }
    EXPECT_GT(hits["GET /index.html"], 20 * hits["GET /news/page30.html"]);
    EXPECT_GT(hits.size(), 300u);
}

TEST(GeneratedWebLog, has_records_out_of_order_late_and_malformed) {
    std::int64_t newest_ms = 0;
    int out_of_order = 0;
    int late = 0;
    int malformed = 0;
    for (const WebLogRecord& record : generate({.records = 50'000})) {
        if (!record.event_ms) {
            ++malformed;
            continue;
        }
        newest_ms = std::max(newest_ms, *record.event_ms);
        const std::int64_t behind_ms = newest_ms - *record.event_ms;
        if (behind_ms > 600'000) {
            ++late;
        } else if (behind_ms > 0) {
            ++out_of_order;
        }
    }
    EXPECT_GT(out_of_order, 3000);
    EXPECT_GT(late, 50);
    EXPECT_LT(late, 200);
    EXPECT_GT(malformed, 20);
    EXPECT_LT(malformed, 100);
}

TEST(GeneratedWebLog, spreads_its_event_time_evenly) {
    const auto records = generate({.records = 3601,
                                   .start_ms = 0,
                                   .events_per_second = 1,
                                   .out_of_order_permille = 0,
                                   .late_permille = 0,
                                   .malformed_permille = 0});
    EXPECT_EQ(records.front().event_ms, 0);
    EXPECT_EQ(records.back().event_ms, 3'600'000);
}

TEST(GeneratedWebLog, tells_its_progress_where_it_has_an_end) {
    GeneratedWebLog bounded({.records = 2});
    EXPECT_EQ(bounded.progress(), 0.0);
    ASSERT_TRUE(bounded.next());
    EXPECT_EQ(bounded.progress(), 0.5);
    EXPECT_EQ(GeneratedWebLog({.records = 0}).progress(), std::nullopt);
}

}  // namespace
}  // namespace millrace::cli
