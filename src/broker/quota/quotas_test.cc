#include "broker/quota/quotas.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/quota/quota_rules.h"

namespace millrace::broker {
namespace {

constexpr SampledRate::Windows kWindows{.count = 11, .size_ms = 1000};
const std::optional<std::string> kAny;

// ---- the rate ----

TEST(SampledRate, divides_by_all_windows_but_one_at_least) {
    SampledRate rate(kWindows);
    rate.record(1000, 0);
    EXPECT_DOUBLE_EQ(rate.per_second(0), 100);  // Ten seconds, though it was just now.
    EXPECT_DOUBLE_EQ(rate.per_second(9'999), 100 * 10 / 10.999);
}

TEST(SampledRate, forgets_what_is_older_than_its_windows) {
    SampledRate rate(kWindows);
    rate.record(1000, 0);
    EXPECT_GT(rate.per_second(10'999), 0);
    EXPECT_DOUBLE_EQ(rate.per_second(11'000), 0);
}

TEST(SampledRate, tells_how_long_to_pause) {
    SampledRate rate(kWindows);
    rate.record(1000, 0);
    EXPECT_EQ(rate.wait_ms(100, 0), 0);      // Just what is allowed.
    EXPECT_EQ(rate.wait_ms(50, 0), 10'000);  // Twice as much: as long again.
    EXPECT_EQ(rate.wait_ms(80, 0), 2'500);
    rate.unrecord(1000, 0);
    EXPECT_EQ(rate.wait_ms(1, 0), 0);
}

TEST(SampledRate, of_a_steady_client_at_its_limit_never_pauses_it) {
    SampledRate rate(kWindows);
    for (std::int64_t now = 0; now < 60'000; now += 100) {
        rate.record(100, now);  // 1000 a second.
        EXPECT_EQ(rate.wait_ms(1100, now), 0) << now;
    }
    EXPECT_NEAR(rate.per_second(59'900), 1000, 100);
}

// A client that pauses as it is told gets its limit in the long run, and not more.
TEST(SampledRate, holds_a_client_that_pauses_to_its_limit) {
    SampledRate rate(kWindows);
    double sent = 0;
    std::int64_t now = 0;
    while (now < 120'000) {
        rate.record(5000, now);
        sent += 5000;
        now += 10 + rate.wait_ms(1000, now);
    }
    EXPECT_NEAR(sent / 120, 1000, 150);
}

// ---- the bucket ----

TEST(TokenBucket, admits_a_burst_and_then_as_much_as_comes_in) {
    TokenBucket bucket(kWindows);
    EXPECT_EQ(bucket.wait_ms(2, 0), 0);
    bucket.take(22, 2, 0);  // The whole burst: 11 windows of a second.
    EXPECT_EQ(bucket.wait_ms(2, 0), 0);
    bucket.take(4, 2, 0);
    EXPECT_EQ(bucket.wait_ms(2, 0), 2000);
    EXPECT_EQ(bucket.wait_ms(2, 1500), 500);
    EXPECT_EQ(bucket.wait_ms(2, 2000), 0);
}

TEST(TokenBucket, never_saves_more_than_its_burst) {
    TokenBucket bucket(kWindows);
    bucket.take(1, 2, 0);
    EXPECT_EQ(bucket.wait_ms(2, 1'000'000), 0);
    bucket.take(24, 2, 1'000'000);
    EXPECT_EQ(bucket.wait_ms(2, 1'000'000), 1000);
}

TEST(Quotas, on_changes_of_partitions_refuse_or_only_delay) {
    Quotas quotas(kWindows);
    quotas.set_limits({{{{"user", "u"}}, {{"controller_mutation_rate", 1}}}});
    EXPECT_EQ(quotas.take_mutations("u", "c", 111, /*strict=*/true, 0), 0);
    EXPECT_EQ(quotas.take_mutations("u", "c", 1, /*strict=*/true, 0), 100'000);
    EXPECT_EQ(quotas.take_mutations("u", "c", 1, /*strict=*/false, 0), 101'000);
    EXPECT_EQ(quotas.take_mutations("v", "c", 1, /*strict=*/true, 0), 0);
}

TEST(Quotas, on_connections_are_for_each_address) {
    Quotas quotas(kWindows);
    quotas.set_limits({{{{"ip", kAny}}, {{"connection_creation_rate", 1}}},
                       {{{"ip", "10.0.0.1"}}, {{"connection_creation_rate", 100}}}});
    for (int i = 0; i < 10; ++i) EXPECT_EQ(quotas.take_connection("10.0.0.2", 0), 0);
    EXPECT_GT(quotas.take_connection("10.0.0.2", 0), 0);
    EXPECT_EQ(quotas.take_connection("10.0.0.3", 0), 0);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(quotas.take_connection("10.0.0.1", 0), 0);
}

// ---- whom a limit is for ----

std::string limit_for(const Quotas& quotas, const std::string& user, const std::string& client) {
    const auto limit = quotas.find(QuotaKind::kProduce, user, client);
    return limit ? std::to_string(static_cast<int>(limit->per_second)) : "none";
}

TEST(Quotas, of_the_most_exact_entity_count) {
    // In the order of Kafka, from the last resort on.
    const std::pair<QuotaEntity, double> table[] = {
        {{{"client-id", kAny}}, 1},
        {{{"client-id", "c"}}, 2},
        {{{"user", kAny}}, 3},
        {{{"user", kAny}, {"client-id", kAny}}, 4},
        {{{"user", kAny}, {"client-id", "c"}}, 5},
        {{{"user", "u"}}, 6},
        {{{"user", "u"}, {"client-id", kAny}}, 7},
        {{{"user", "u"}, {"client-id", "c"}}, 8},
    };
    std::map<QuotaEntity, QuotaValues> limits;
    Quotas quotas(kWindows);
    EXPECT_EQ(limit_for(quotas, "u", "c"), "none");
    for (const auto& [entity, limit] : table) {
        limits[entity]["producer_byte_rate"] = limit;
        quotas.set_limits(limits);
        EXPECT_EQ(limit_for(quotas, "u", "c"), std::to_string(static_cast<int>(limit)));
    }
    EXPECT_EQ(limit_for(quotas, "u", "other"), "7");
    EXPECT_EQ(limit_for(quotas, "other", "c"), "5");
    EXPECT_EQ(limit_for(quotas, "other", "other"), "4");
}

TEST(Quotas, of_another_kind_do_not_count) {
    Quotas quotas(kWindows);
    quotas.set_limits({{{{"client-id", "c"}}, {{"consumer_byte_rate", 1}}}});
    EXPECT_EQ(limit_for(quotas, "u", "c"), "none");
    EXPECT_EQ(quotas.record(QuotaKind::kProduce, "u", "c", 1e9, 0), 0);
    EXPECT_GT(quotas.record(QuotaKind::kConsume, "u", "c", 1e9, 0), 0);
}

TEST(Quotas, of_requests_pause_no_longer_than_a_window) {
    Quotas quotas(kWindows);
    quotas.set_limits({{{{"client-id", "c"}}, {{"request_percentage", 50}}}});
    EXPECT_EQ(quotas.record(QuotaKind::kRequest, "u", "c", 500, 0), 0);  // 5 s within 10 s: half.
    EXPECT_EQ(quotas.record(QuotaKind::kRequest, "u", "c", 25, 0), 500);
    EXPECT_EQ(quotas.record(QuotaKind::kRequest, "u", "c", 1000, 0), 1000);
}

TEST(Quotas, of_a_default_give_each_client_its_own_rate) {
    Quotas quotas(kWindows);
    quotas.set_limits({{{{"client-id", kAny}}, {{"producer_byte_rate", 100}}}});
    EXPECT_GT(quotas.record(QuotaKind::kProduce, "u", "greedy", 1e6, 0), 0);
    EXPECT_EQ(quotas.record(QuotaKind::kProduce, "u", "modest", 10, 0), 0);
}

TEST(Quotas, of_a_user_are_shared_by_the_users_clients) {
    Quotas quotas(kWindows);
    quotas.set_limits({{{{"user", "u"}}, {{"producer_byte_rate", 100}}}});
    EXPECT_GT(quotas.record(QuotaKind::kProduce, "u", "a", 1e6, 0), 0);
    EXPECT_GT(quotas.record(QuotaKind::kProduce, "u", "b", 1, 0), 0);
    EXPECT_EQ(quotas.record(QuotaKind::kProduce, "v", "b", 1e6, 0), 0);
}

TEST(Quotas, that_are_removed_let_everybody_go) {
    Quotas quotas(kWindows);
    quotas.set_limits({{{{"user", "u"}}, {{"producer_byte_rate", 100}}}});
    EXPECT_TRUE(quotas.any());
    quotas.set_limits({});
    EXPECT_FALSE(quotas.any());
    EXPECT_EQ(quotas.record(QuotaKind::kProduce, "u", "a", 1e6, 0), 0);
    EXPECT_EQ(quotas.burst(QuotaKind::kProduce, "u", "a"), std::nullopt);
}

TEST(Quotas, allow_at_once_what_all_windows_but_one_hold) {
    Quotas quotas(kWindows);
    quotas.set_limits({{{{"user", "u"}}, {{"consumer_byte_rate", 100}}}});
    EXPECT_EQ(quotas.burst(QuotaKind::kConsume, "u", "a"), 1000);
}

// ---- what may be set, and asked for ----

std::string set(const QuotaEntity& entity, const std::string& key, double value) {
    return check_quota_changes(entity, {{key, value}}).message;
}

TEST(QuotaRules, refuse_what_makes_no_sense) {
    const QuotaEntity client = {{"client-id", "c"}}, address = {{"ip", "10.0.0.1"}};
    EXPECT_EQ(set(client, "producer_byte_rate", 1), "");
    EXPECT_EQ(set(client, "request_percentage", 0.5), "");
    EXPECT_EQ(set(address, "connection_creation_rate", 5), "");
    EXPECT_EQ(set(client, "producer_byte_rate", 0),
              "Quota producer_byte_rate must be greater than 0");
    EXPECT_EQ(set(client, "producer_byte_rate", 0.5),
              "producer_byte_rate cannot be a fractional value.");
    EXPECT_NE(set(client, "producer_byte_rate", std::nan("")), "");
    EXPECT_NE(set(client, "producer_byte_rate", INFINITY), "");
    EXPECT_EQ(set(client, "nothing", 1), "Invalid configuration key nothing");
    EXPECT_EQ(set(client, "connection_creation_rate", 1),
              "Invalid configuration key connection_creation_rate");
    EXPECT_EQ(set(address, "producer_byte_rate", 1),
              "Invalid configuration key producer_byte_rate");
    EXPECT_EQ(set({}, "producer_byte_rate", 1), "Invalid empty client quota entity");
    EXPECT_EQ(set({{"user", ""}}, "producer_byte_rate", 1), "Empty user not supported");
    EXPECT_EQ(set({{"planet", "x"}}, "producer_byte_rate", 1),
              "Unhandled client quota entity type: planet");
    EXPECT_NE(set({{"ip", "1.2.3.4"}, {"user", "u"}}, "connection_creation_rate", 1), "");
    EXPECT_NE(set({{"ip", "not an address"}}, "connection_creation_rate", 1), "");
}

TEST(QuotaRules, find_entities_by_filters) {
    const QuotaEntity both = {{"user", "u"}, {"client-id", kAny}}, client = {{"client-id", "c"}};
    const auto filter = [](std::vector<QuotaFilter::Part> parts, bool strict = false) {
        return QuotaFilter{std::move(parts), strict};
    };
    EXPECT_TRUE(matches(filter({}), both));
    EXPECT_FALSE(matches(filter({}, true), both));
    EXPECT_TRUE(matches(filter({{"user", 0, "u"}}), both));
    EXPECT_FALSE(matches(filter({{"user", 0, "u"}}, true), both));
    EXPECT_FALSE(matches(filter({{"user", 0, "v"}}), both));
    EXPECT_TRUE(matches(filter({{"client-id", 1, kAny}}), both));
    EXPECT_FALSE(matches(filter({{"client-id", 1, kAny}}), client));
    EXPECT_TRUE(matches(filter({{"client-id", 2, kAny}}, true), client));
    EXPECT_FALSE(matches(filter({{"user", 2, kAny}}), client));
}

}  // namespace
}  // namespace millrace::broker
