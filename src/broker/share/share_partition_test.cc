#include "broker/share/share_partition.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace millrace::broker {
namespace {

std::string text(const std::vector<AcquiredBatch>& batches) {
    std::string all;
    for (const AcquiredBatch& batch : batches) {
        if (!all.empty()) all += ", ";
        all += fmt::format("{}-{} {}", batch.first, batch.last, batch.delivery_count);
    }
    return all;
}

std::string text(const ShareWrite& write) {
    std::string all = fmt::format("start {}:", write.start_offset);
    for (const StateBatch& batch : write.batches) {
        all += fmt::format(" {}-{} {} {}", batch.first, batch.last, static_cast<int>(batch.state),
                           batch.delivery_count);
    }
    return all;
}

// A share partition over a log whose batches are given; the only caller of the API here.
class SharePartitions : public testing::Test {
protected:
    void log(std::vector<LogBatch> batches) { batches_ = std::move(batches); }

    std::string acquire(const std::string& member, int max_records = 500, int batch_size = 500,
                        bool record_limit = false) {
        if (!partition.can_acquire()) return "full";
        AcquireRequest request{.member = member,
                               .fetch_offset = partition.next_fetch_offset(),
                               .batches = {},
                               .max_records = max_records,
                               .batch_size = batch_size,
                               .record_limit = record_limit};
        for (const LogBatch& batch : batches_) {
            if (batch.last >= request.fetch_offset) request.batches.push_back(batch);
        }
        return text(partition.acquire(request, now));
    }
    // What is written, or the error.
    std::string acknowledge(const std::string& member, std::vector<AcknowledgeBatch> batches) {
        AcknowledgeOutcome outcome = partition.acknowledge(member, batches, now);
        if (outcome.error != ErrorCode::kNone) {
            return std::string(kafka::error_name(outcome.error)) + ": " + outcome.message;
        }
        if (!outcome.write) return "nothing";
        last_write = outcome.write->id;
        return text(*outcome.write);
    }
    std::string acknowledge(const std::string& member, std::int64_t first, std::int64_t last,
                            AcknowledgeType type) {
        return acknowledge(member, {{first, last, {static_cast<std::int8_t>(type)}}});
    }
    // The same, and durable at once.
    void settle(const std::string& member, std::int64_t first, std::int64_t last,
                AcknowledgeType type) {
        const std::string written = acknowledge(member, first, last, type);
        ASSERT_TRUE(written.starts_with("start")) << written;
        partition.persisted(last_write, true);
    }

    SharePartition partition{{.lock_duration_ms = 1000,
                              .delivery_count_limit = 5,
                              .max_record_locks = 100,
                              .renew = true}};
    std::vector<LogBatch> batches_{{0, 9}, {10, 19}, {20, 29}};
    std::int64_t now = 0;
    std::uint64_t last_write = 0;
};

using enum AcknowledgeType;

TEST_F(SharePartitions, whole_batches_are_acquired_until_there_are_enough_records) {
    EXPECT_EQ(acquire("a", 5), "0-9 1");
    EXPECT_EQ(acquire("b", 11), "10-29 1");
    EXPECT_EQ(acquire("c"), "");
    EXPECT_EQ(partition.next_fetch_offset(), 30);
}

TEST_F(SharePartitions, a_record_limit_cuts_a_batch) {
    EXPECT_EQ(acquire("a", 5, 500, true), "0-4 1");
    EXPECT_EQ(acquire("b", 7, 500, true), "5-11 1");
    EXPECT_EQ(partition.next_fetch_offset(), 12);
}

TEST_F(SharePartitions, acquired_batches_end_where_batches_of_the_log_end) {
    EXPECT_EQ(acquire("a", 500, 15), "0-19 1, 20-29 1");
}

TEST_F(SharePartitions, the_start_moves_behind_what_is_acknowledged_in_order) {
    acquire("a");
    EXPECT_EQ(acknowledge("a", 5, 9, kAccept), "start 0: 5-9 2 1");
    EXPECT_EQ(partition.start_offset(), 0);
    partition.persisted(last_write, true);
    EXPECT_EQ(partition.start_offset(), 0);
    EXPECT_EQ(acknowledge("a", 0, 4, kAccept), "start 10:");
    EXPECT_EQ(partition.start_offset(), 0) << "not before it is durable";
    partition.persisted(last_write, true);
    EXPECT_EQ(partition.start_offset(), 10);
    EXPECT_EQ(partition.to_string(), "10-29 acquired 1 by a");
}

TEST_F(SharePartitions, a_released_record_comes_again_with_a_higher_count) {
    acquire("a");
    settle("a", 3, 5, kRelease);
    EXPECT_EQ(partition.next_fetch_offset(), 3);
    EXPECT_EQ(acquire("b"), "3-5 2");
    EXPECT_EQ(acquire("b"), "");
}

TEST_F(SharePartitions, a_rejected_record_never_comes_again) {
    acquire("a");
    settle("a", 0, 29, kReject);
    EXPECT_EQ(partition.start_offset(), 30);
    EXPECT_EQ(acquire("b"), "");
}

TEST_F(SharePartitions, types_may_be_given_for_each_offset) {
    acquire("a");
    EXPECT_EQ(acknowledge("a", {{0, 5, {1, 1, 0, 2, 3, 4}}}), "start 3: 3-3 0 1 4-4 4 1");
    partition.persisted(last_write, true);
    EXPECT_EQ(partition.to_string(), "3-3 available 1, 4-4 archived 1, 5-29 acquired 1 by a");
}

TEST_F(SharePartitions, an_acknowledgement_is_all_or_nothing) {
    log({{0, 9}});
    acquire("a");
    log({{0, 9}, {10, 19}});
    acquire("b");
    const std::string before = partition.to_string();
    EXPECT_EQ(acknowledge("a", {{0, 4, {1}}, {5, 12, {1}}}),
              "INVALID_RECORD_STATE: Member is not the owner of batch record");
    EXPECT_EQ(partition.to_string(), before);
}

TEST_F(SharePartitions, what_cannot_be_acknowledged_is_refused) {
    acquire("a", 10);
    struct Case {
        std::vector<AcknowledgeBatch> batches;
        std::string error;
    };
    const std::vector<Case> cases{
        {{{0, 9, {5}}}, "INVALID_REQUEST: "},
        {{{0, 9, {-1}}}, "INVALID_REQUEST: "},
        {{{0, 9, {}}}, "INVALID_REQUEST: "},
        {{{0, 9, {1, 1}}}, "INVALID_REQUEST: "},
        {{{9, 0, {1}}}, "INVALID_REQUEST: "},
        {{{0, 9, {1}}, {8, 9, {1}}}, "INVALID_REQUEST: "},
        {{{0, 9, {1}}, {9, 9, {2}}},
         "INVALID_RECORD_STATE: The offset cannot be acknowledged. The offset is not acquired."},
        {{{0, 10, {1}}},
         "INVALID_REQUEST: Batch record not found. The last offset in request is past acquired "
         "records."},
        {{{10, 12, {1}}},
         "INVALID_REQUEST: Batch record not found. The first offset in request is past acquired "
         "records."},
    };
    for (const Case& one : cases) EXPECT_EQ(acknowledge("a", one.batches), one.error);
    EXPECT_EQ(acknowledge("b", 0, 9, kAccept),
              "INVALID_RECORD_STATE: Member is not the owner of batch record");
    settle("a", 2, 3, kRelease);
    EXPECT_EQ(acknowledge("a", 0, 9, kAccept),
              "INVALID_RECORD_STATE: The batch cannot be acknowledged. The batch is not in the "
              "acquired state.");
    settle("a", 0, 1, kAccept);
    EXPECT_EQ(acknowledge("a", 0, 1, kAccept), "nothing") << "done with, before the start";
}

TEST_F(SharePartitions, a_transition_under_way_admits_no_other) {
    acquire("a");
    acknowledge("a", 0, 9, kAccept);
    EXPECT_EQ(acknowledge("a", 0, 9, kRelease).substr(0, 20), "INVALID_RECORD_STATE");
    now = 5000;
    EXPECT_EQ(text(*partition.tick(now)), "start 0: 10-29 0 1");
    EXPECT_EQ(partition.to_string(), "0-9 acquired 1 by a to be acknowledged, 10-29 available 1");
}

TEST_F(SharePartitions, a_write_that_fails_leaves_the_records_with_their_member) {
    acquire("a");
    acknowledge("a", 0, 29, kAccept);
    EXPECT_FALSE(partition.persisted(last_write, false));
    EXPECT_EQ(partition.to_string(), "0-29 acquired 1 by a");
    EXPECT_EQ(acknowledge("a", 0, 29, kAccept), "start 30:");
}

TEST_F(SharePartitions, a_lock_runs_out) {
    acquire("a", 10);
    now = 500;
    acquire("b", 10);
    EXPECT_EQ(*partition.next_deadline_ms(), 1000);
    now = 1000;
    EXPECT_EQ(text(*partition.tick(now)), "start 0: 0-9 0 1");
    EXPECT_EQ(*partition.next_deadline_ms(), 1500);
    EXPECT_EQ(acknowledge("a", 0, 9, kAccept).substr(0, 20), "INVALID_RECORD_STATE");
    EXPECT_EQ(acquire("b", 10), "0-9 2");
    EXPECT_FALSE(partition.tick(now));
}

TEST_F(SharePartitions, renewing_moves_the_deadline_and_writes_nothing) {
    acquire("a", 10);
    now = 900;
    EXPECT_EQ(acknowledge("a", 0, 4, kRenew), "nothing");
    now = 1000;
    EXPECT_EQ(text(*partition.tick(now)), "start 0: 5-9 0 1");
    EXPECT_EQ(*partition.next_deadline_ms(), 1900);
    ShareLimits limits = partition.limits();
    limits.renew = false;
    partition.set_limits(limits);
    EXPECT_EQ(acknowledge("a", 0, 4, kRenew),
              "INVALID_RECORD_STATE: Renewing acquisition locks is not enabled for the group.");
}

TEST_F(SharePartitions, the_last_delivery_ends_in_the_archive) {
    log({{0, 0}});
    for (int delivery = 1; delivery <= 5; ++delivery) {
        EXPECT_EQ(acquire("a"), fmt::format("0-0 {}", delivery));
        settle("a", 0, 0, kRelease);
    }
    EXPECT_EQ(acquire("a"), "");
    EXPECT_EQ(partition.start_offset(), 1);
}

TEST_F(SharePartitions, records_that_come_often_come_with_fewer_others) {
    log({{0, 15}});
    std::vector<std::string> deliveries;
    for (int i = 0; i < 5; ++i) {
        deliveries.push_back(acquire("a"));
        const auto write = partition.release("a");
        ASSERT_TRUE(write);
        partition.persisted(write->id, true);
    }
    EXPECT_EQ(deliveries,
              (std::vector<std::string>{"0-15 1", "0-15 2", "0-15 3", "0-7 4", "0-0 5"}));
    EXPECT_EQ(partition.to_string(), "1-7 available 4, 8-15 available 3");
}

TEST_F(SharePartitions, release_gives_back_all_that_a_member_holds_and_nothing_else) {
    acquire("a", 10);
    acquire("b", 10);
    acquire("a", 10);
    const auto write = partition.release("a");
    ASSERT_TRUE(write);
    EXPECT_EQ(text(*write), "start 0: 0-9 0 1 20-29 0 1");
    EXPECT_TRUE(partition.persisted(write->id, true));
    EXPECT_EQ(partition.to_string(), "0-9 available 1, 10-19 acquired 1 by b, 20-29 available 1");
    EXPECT_FALSE(partition.release("a"));
    EXPECT_FALSE(partition.idle());
}

TEST_F(SharePartitions, no_more_records_than_the_limit_are_in_flight) {
    log({{0, 59}, {60, 119}, {120, 179}});
    EXPECT_EQ(acquire("a"), "0-119 1") << "the batch at the limit comes whole";
    EXPECT_EQ(acquire("a"), "full");
    settle("a", 60, 119, kAccept);
    EXPECT_EQ(acquire("a"), "full") << "the start holds everything up";
    acknowledge("a", 0, 59, kAccept);
    EXPECT_TRUE(partition.persisted(last_write, true)) << "there is room again";
    EXPECT_EQ(acquire("a"), "120-179 1");
}

TEST_F(SharePartitions, at_the_limit_available_records_still_come) {
    log({{0, 59}, {60, 119}, {120, 179}});
    acquire("a");
    settle("a", 10, 19, kRelease);
    EXPECT_EQ(acquire("b"), "10-19 2");
}

TEST_F(SharePartitions, offsets_without_records_are_passed_over) {
    log({{5, 9}, {10, 10, false}, {15, 19}});
    EXPECT_EQ(acquire("a"), "5-9 1, 15-19 1");
    EXPECT_EQ(partition.start_offset(), 5);
    settle("a", 5, 9, kAccept);
    EXPECT_EQ(partition.start_offset(), 15);
    log({{0, 9, false}});
    partition.begin(0, {});
    EXPECT_EQ(acquire("a"), "");
    EXPECT_EQ(partition.start_offset(), 10);
}

TEST_F(SharePartitions, what_was_with_members_at_a_crash_is_available_again) {
    partition.begin(3, {{0, 4, DeliveryState::kAcknowledged, 1},
                        {7, 8, DeliveryState::kAcknowledged, 1},
                        {10, 12, DeliveryState::kAvailable, 2},
                        {15, 16, DeliveryState::kArchived, 5}});
    EXPECT_EQ(partition.start_offset(), 5);
    EXPECT_EQ(partition.to_string(),
              "5-6 available 0, 7-8 acknowledged 1, 9-9 available 0, 10-12 available 2, 13-14 "
              "available 0, 15-16 archived 5");
    EXPECT_EQ(partition.next_fetch_offset(), 5);
    EXPECT_EQ(acquire("a"), "5-6 1, 9-9 1, 10-12 3, 13-14 1, 17-29 1");
}

TEST_F(SharePartitions, the_start_follows_the_log) {
    acquire("a", 10);
    partition.move_start(5);
    EXPECT_EQ(partition.to_string(), "5-9 acquired 1 by a");
    EXPECT_EQ(acknowledge("a", 0, 9, kAccept), "start 10:");
    partition.move_start(25);
    EXPECT_EQ(partition.start_offset(), 25);
    EXPECT_EQ(partition.end_offset(), 25);
    partition.persisted(last_write, true);
    EXPECT_EQ(partition.to_string(), "");
    partition.move_start(3);
    EXPECT_EQ(partition.start_offset(), 25);
}

// Whatever happens in whatever order: a record that was acknowledged durably never comes again,
// every other one does in the end, and no record is with two members at once.
TEST_F(SharePartitions, random_histories_lose_nothing_and_repeat_nothing) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    const auto below = [&](int limit) {
        return static_cast<int>(std::uniform_int_distribution<>(0, limit - 1)(random));
    };
    for (int round = 0; round < 50; ++round) {
        constexpr std::int64_t kEnd = 200;
        partition = SharePartition({.lock_duration_ms = 50,
                                    .delivery_count_limit = 30'000,
                                    .max_record_locks = 60,
                                    .renew = true});
        partition.begin(0, {});
        batches_.clear();
        for (std::int64_t at = 0; at < kEnd;) {
            const std::int64_t last = std::min<std::int64_t>(at + below(15), kEnd - 1);
            batches_.push_back({at, last});
            at = last + 1;
        }
        std::map<std::int64_t, std::string> holders;
        std::set<std::int64_t> done;
        struct Write {
            std::uint64_t id = 0;
            std::vector<std::int64_t> offsets;
            bool final = false;  // Acknowledged or archived.
        };
        std::vector<Write> writes;
        for (int step = 0; step < 4000 && partition.start_offset() < kEnd; ++step) {
            const std::string member(1, static_cast<char>('a' + below(3)));
            switch (below(5)) {
                case 0: {
                    if (!partition.can_acquire()) break;
                    AcquireRequest request{.member = member,
                                           .fetch_offset = partition.next_fetch_offset(),
                                           .batches = batches_,
                                           .max_records = 1 + below(30),
                                           .batch_size = 10,
                                           .record_limit = below(2) == 0};
                    for (const auto& batch : partition.acquire(request, now)) {
                        for (auto at = batch.first; at <= batch.last; ++at) {
                            ASSERT_FALSE(done.contains(at)) << at;
                            ASSERT_TRUE(holders.emplace(at, member).second) << at;
                        }
                    }
                    break;
                }
                case 1: {
                    if (holders.empty()) break;
                    const auto [at, holder] =
                        *std::next(holders.begin(), below(static_cast<int>(holders.size())));
                    const auto type = static_cast<std::int8_t>(1 + below(4));
                    const auto outcome = partition.acknowledge(holder, {{at, at, {type}}}, now);
                    const bool final = type != static_cast<std::int8_t>(kRelease);
                    if (outcome.write) writes.push_back({outcome.write->id, {at}, final});
                    break;
                }
                case 2: {
                    if (const auto write = partition.release(member)) {
                        Write& one = writes.emplace_back(Write{write->id, {}, false});
                        for (const auto& batch : write->batches) {
                            for (auto at = batch.first; at <= batch.last; ++at) {
                                one.offsets.push_back(at);
                            }
                        }
                    }
                    break;
                }
                case 3: {
                    now += below(40);
                    if (const auto write = partition.tick(now)) {
                        for (const auto& batch : write->batches) {
                            for (auto at = batch.first; at <= batch.last; ++at) holders.erase(at);
                        }
                    }
                    break;
                }
                default: {
                    if (writes.empty()) break;
                    const Write write = writes.back();
                    writes.pop_back();
                    const bool durable = below(4) != 0;
                    partition.persisted(write.id, durable);
                    if (!durable) break;
                    for (const std::int64_t at : write.offsets) {
                        holders.erase(at);
                        if (write.final) done.insert(at);
                    }
                }
            }
        }
        for (std::int64_t at = 0; at < partition.start_offset(); ++at) {
            ASSERT_TRUE(done.contains(at)) << at;
        }
    }
}

}  // namespace
}  // namespace millrace::broker
