// Compaction as a log shows it: what stays, what readers and producers notice, what a restart
// finds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/compaction/cleaner_checkpoint.h"
#include "storage/compaction/compacted_log_internal.h"

namespace millrace::storage {
namespace {

using testing::HasSubstr;

TEST(Compaction, keeps_the_last_value_of_every_key) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    log.put_pairs({{"a", "1"}, {"b", "1"}});
    log.put_pairs({{"a", "2"}});
    log.put_pairs({{"c", "1"}});
    log.put_pairs({{"a", "3"}});  // In the active segment.
    EXPECT_EQ(log.clean(), "3->3");
    EXPECT_EQ(log.batches(), "[0-1: 1 b=1][2-2: 2 a=2][3-3: 3 c=1][4-4: 4 a=3]");
    EXPECT_EQ(log.clean(), "0->0") << "nothing is dirty";
    log.put_pairs({{"d", "1"}});
    EXPECT_EQ(log.clean(), "4->4");
    EXPECT_EQ(log.batches(), "[0-1: 1 b=1][3-3: 3 c=1][4-4: 4 a=3][5-5: 5 d=1]");
}

TEST(Compaction, never_touches_the_active_segment) {
    CompactedLog log(1 << 20);
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 5; ++i) log.put_pairs({{"a", fmt::format("{}", i)}});
    EXPECT_FALSE(log.due());
    EXPECT_EQ(log.clean(), "0->0");
    EXPECT_THAT(log.batches(), HasSubstr("0 a=0"));
}

TEST(Compaction, gives_the_next_batch_at_an_offset_that_is_gone) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 6; ++i) log.put_pairs({{"a", fmt::format("{}", i)}});
    ASSERT_EQ(log.clean(), "5->5");
    for (int from = 0; from <= 4; ++from) {
        EXPECT_EQ(log.batches(from), "[4-4: 4 a=4][5-5: 5 a=5]") << from;
    }
    EXPECT_EQ(log.batches(6), "");
    EXPECT_EQ(log.offsets().log_start, model::Offset{0}) << "the start does not move";
}

TEST(Compaction, merges_segments_up_to_their_size) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 20; ++i) log.put_pairs({{fmt::format("{}", i % 4), std::string(100, 'x')}});
    const std::string before = log.batches(15);
    ASSERT_EQ(log.segments(), 20U);
    const std::uint64_t one = log.on_loop([&] { return log.log().size_bytes(); }) / 20;
    LogConfig larger = log.config;
    larger.segment_bytes = static_cast<std::int64_t>(3 * one + one / 2);
    log.on_loop([&] {
        log.log().set_config(larger);
        return 0;
    });
    EXPECT_EQ(log.clean(), "19->7");
    EXPECT_EQ(log.segments(), 8U);
    EXPECT_EQ(log.batches(), before);
    EXPECT_EQ(log.stop(), "ok");
    log.config = larger;
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.segments(), 8U);
    EXPECT_EQ(log.batches(), before);
    for (int i = 0; i < 5; ++i) log.put_pairs({{"z", std::string(100, 'z')}});
    EXPECT_EQ(log.clean(), "8->3");
    EXPECT_EQ(log.segments(), 4U);
}

TEST(Compaction, removes_tombstones_when_their_time_has_come) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    log.put_pairs({{"a", "1"}, {"b", "1"}});
    log.put_pairs({{"a", std::nullopt}});
    log.put_pairs({{"x", "1"}});
    ASSERT_EQ(log.clean(), "2->2");
    const std::int64_t horizon = log.clock.wall_ms() + 10'000;
    EXPECT_EQ(log.batches(), fmt::format("[0-1: 1 b=1][2-2 h{}: 2 a][3-3: 3 x=1]", horizon));
    log.put_pairs({{"x", "2"}});
    log.clock.advance(9'999);
    ASSERT_EQ(log.clean(), "3->3");
    EXPECT_THAT(log.batches(), HasSubstr("2 a]")) << "not yet";
    log.put_pairs({{"x", "3"}});
    log.clock.advance(1);
    ASSERT_EQ(log.clean(), "4->4");
    EXPECT_EQ(log.batches(), "[0-1: 1 b=1][4-4: 4 x=2][5-5: 5 x=3]");
}

TEST(Compaction, waits_for_the_least_age_and_does_not_let_records_get_too_old) {
    CompactedLog log;
    log.config.min_compaction_lag_ms = 1000;
    ASSERT_EQ(log.open(), "ok");
    log.put_pairs({{"a", "1"}});
    log.clock.advance(500);
    log.put_pairs({{"a", "2"}});
    log.put_pairs({{"a", "3"}});
    EXPECT_EQ(log.clean(), "0->0");
    log.clock.advance(600);
    EXPECT_EQ(log.clean(), "1->1") << "the first alone is old enough";
    EXPECT_THAT(log.batches(), HasSubstr("0 a=1")) << "a newer one is not counted yet";
    log.clock.advance(500);
    EXPECT_EQ(log.clean(), "2->2");
    EXPECT_EQ(log.batches(), "[1-1: 1 a=2][2-2: 2 a=3]");

    LogConfig lag = log.config;
    lag.min_compaction_lag_ms = 0;
    lag.min_cleanable_dirty_ratio = 0.99;
    lag.max_compaction_lag_ms = 5000;
    log.on_loop([&] {
        log.log().set_config(lag);
        return 0;
    });
    log.put_pairs({{"b", "1"}});
    EXPECT_FALSE(log.due());
    log.clock.advance(5001);
    EXPECT_TRUE(log.due()) << "whatever the dirty ratio";
}

TEST(Compaction, is_due_when_enough_is_dirty) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    EXPECT_FALSE(log.due()) << "an empty log";
    for (int i = 0; i < 4; ++i) log.put_pairs({{fmt::format("{}", i), "1"}});
    EXPECT_TRUE(log.due());
    ASSERT_EQ(log.clean(), "3->3");
    EXPECT_FALSE(log.due());
    log.put_pairs({{"x", "1"}});
    EXPECT_FALSE(log.due()) << "one of four segments is dirty";
    for (int i = 0; i < 4; ++i) log.put_pairs({{fmt::format("{}", i), "2"}});
    EXPECT_TRUE(log.due());
    const auto range = log.on_loop([&] { return *log.log().cleanable(); });
    EXPECT_EQ(range.first_dirty, model::Offset{3});
    EXPECT_EQ(range.end, model::Offset{8});
    EXPECT_DOUBLE_EQ(range.dirty_ratio(), 5.0 / 8);
}

TEST(Compaction, leaves_slices_of_old_segments_readable) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 4; ++i) log.put_pairs({{"a", fmt::format("{}", i)}});
    const Slice slice =
        log.on_loop([&] { return *log.log().read({1}, 1000, Isolation::kReadUncommitted); });
    ASSERT_EQ(log.clean(), "3->3");
    EXPECT_EQ(describe(*slice.load()), "[1-1: 1 a=1]");
}

TEST(Compaction, remembers_the_end_of_what_was_cleaned) {
    CompactedLog log;
    log.config.cleanup_delete = true;
    ASSERT_EQ(log.open(), "ok");
    log.put_pairs({{"a", "1"}});
    log.put_pairs({{"b", "1"}, {"a", std::nullopt}});
    log.put_pairs({{"a", std::nullopt}});
    log.put_pairs({{"c", "1"}});
    ASSERT_EQ(log.clean(), "3->3");
    log.clock.advance(20'000);
    log.put_pairs({{"c", "2"}});
    ASSERT_EQ(log.clean(), "4->4");
    log.forget_snapshots();
    log.crash();
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.batches(), "[1-2: 1 b=1][4-4: 4 c=1][5-5: 5 c=2]");
    EXPECT_EQ(log.offsets().log_end, model::Offset{6});
    EXPECT_EQ(log.put_pairs({{"d", "1"}}), "6");
}

TEST(Compaction, absorbs_the_retry_of_a_batch_that_was_cleaned_away) {
    for (const bool with_snapshots : {true, false}) {
        CompactedLog log;
        ASSERT_EQ(log.open(), "ok");
        const BatchKind first{.producer = {7, 0}, .base_sequence = 0};
        BatchKind second = first;
        second.base_sequence = 2;
        EXPECT_EQ(log.put_pairs({{"a", "1"}, {"b", "1"}}, first), "0");
        EXPECT_EQ(log.put_pairs({{"a", "2"}, {"b", "2"}}, second), "2");
        EXPECT_EQ(log.put_pairs({{"a", "3"}, {"b", "3"}}), "4");
        EXPECT_EQ(log.put_pairs({{"a", "4"}}), "6");
        ASSERT_EQ(log.clean(), "3->3");
        EXPECT_EQ(log.batches(), "[2-3 p7/0 s2: ][4-5: 4 a=3, 5 b=3][6-6: 6 a=4]");
        log.crash();
        if (!with_snapshots) log.forget_snapshots();
        ASSERT_EQ(log.open(), "ok");
        EXPECT_EQ(log.put_pairs({{"a", "2"}, {"b", "2"}}, second), "2 again");
        BatchKind gap = first;
        gap.base_sequence = 5;
        EXPECT_EQ(log.put_pairs({{"a", "9"}}, gap), "out of order");
        gap.base_sequence = 4;
        EXPECT_EQ(log.put_pairs({{"a", "9"}}, gap), "7");
    }
}

TEST(Compaction, finds_offsets_by_time_among_what_is_left) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    const std::int64_t t0 = log.clock.wall_ms();
    const BatchKind live{.producer = {7, 0}, .base_sequence = 0};
    for (int i = 0; i < 4; ++i) {
        log.put_pairs({{i % 2 == 0 ? "a" : "b", fmt::format("{}", i)}});
        log.clock.advance(100);
    }
    log.clock.advance(1'000'000);
    log.put_pairs({{"a", "late"}}, live);  // Stays, empty, with the largest time of all.
    log.clock.set(t0 + 1000);
    log.put_pairs({{"a", "4"}});
    log.put_pairs({{"a", "5"}});
    ASSERT_EQ(log.clean(), "6->6");
    EXPECT_EQ(log.batches(), "[3-3: 3 b=3][4-4 p7/0 s0: ][5-5: 5 a=4][6-6: 6 a=5]");
    const auto at = [&](std::int64_t ms) {
        const auto match = log.on_loop([&] { return *log.log().offset_at({ms}); });
        return match ? match->offset.value : -1;
    };
    EXPECT_EQ(at(t0), 3);
    EXPECT_EQ(at(t0 + 301), 5);
    EXPECT_EQ(at(t0 + 1001), -1);
    const auto latest = log.on_loop([&] { return *log.log().latest_timestamp(); });
    ASSERT_TRUE(latest);
    EXPECT_EQ(latest->offset, model::Offset{5}) << "the first of the records with the largest time";
}

TEST(Compaction, takes_several_rounds_where_memory_is_short) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 60; ++i) {
        log.put_pairs({{fmt::format("{}", i % 30), fmt::format("{}", i)}});
    }
    // Room for nine keys at a time.
    int rounds = 0;
    while (log.clean(10 * KeyMap::kSlotBytes) != "0->0") ++rounds;
    EXPECT_GE(rounds, 4);
    std::string expected;
    for (int i = 29; i < 60; ++i) expected += fmt::format("[{0}-{0}: {0} {1}={0}]", i, i % 30);
    EXPECT_EQ(log.batches(), expected);
    // One batch with more keys than there is room for ends the matter, loudly.
    Pairs many;
    for (int i = 0; i < 20; ++i) many.emplace_back(fmt::format("m{}", i), "1");
    log.put_pairs(many);
    log.put_pairs({{"x", "1"}});
    log.put_pairs({{"x", "2"}});
    while (log.clean(10 * KeyMap::kSlotBytes) == "61->61") {
    }
    EXPECT_EQ(log.clean(10 * KeyMap::kSlotBytes), "resource exhausted");
    EXPECT_FALSE(log.due());
}

TEST(Compaction, follows_the_policy_as_it_changes) {
    CompactedLog log;
    log.config.cleanup_compact = false;
    log.config.cleanup_delete = true;
    ASSERT_EQ(log.open(), "ok");
    log.append({"without key"});
    log.put_pairs({{"a", "1"}});
    log.put_pairs({{"a", "2"}});
    log.put_pairs({{"a", "3"}});
    EXPECT_FALSE(log.due());
    EXPECT_EQ(log.clean(), "cancelled");
    const auto change = [&](bool compact) {
        log.config.cleanup_compact = compact;
        log.config.cleanup_delete = !compact;
        log.on_loop([&] {
            log.log().set_config(log.config);
            return 0;
        });
    };
    change(true);
    EXPECT_TRUE(log.due());
    EXPECT_EQ(log.append({"without key"}), "invalid argument");
    EXPECT_EQ(log.clean(), "3->3");
    EXPECT_EQ(log.batches(), "[2-2: 2 a=2][3-3: 3 a=3]");
    change(false);
    EXPECT_EQ(log.append({"without key"}), "4");
    // The gaps that compaction left are none of a broken log, with any policy.
    log.forget_snapshots();
    log.crash();
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.batches(), "[2-2: 2 a=2][3-3: 3 a=3][4-4: 4 (none)=without key]");
}

TEST(Compaction, goes_with_retention_where_the_policy_says_both) {
    CompactedLog log;
    log.config.cleanup_delete = true;
    log.config.retention_ms = 5000;
    ASSERT_EQ(log.open(), "ok");
    log.put_pairs({{"old", "1"}});
    log.clock.advance(6000);
    log.put_pairs({{"a", "1"}});
    log.put_pairs({{"a", "2"}});
    log.put_pairs({{"a", "3"}});
    EXPECT_EQ(log.on_loop([&] { return *log.log().enforce_retention(); }), 1U);
    EXPECT_EQ(log.offsets().log_start, model::Offset{1});
    ASSERT_EQ(log.clean(), "2->2");
    EXPECT_EQ(log.batches(), "[2-2: 2 a=2][3-3: 3 a=3]");
    EXPECT_EQ(log.offsets().log_start, model::Offset{1}) << "cleaning does not move the start";
    log.clock.advance(5001);
    EXPECT_EQ(log.on_loop([&] { return *log.log().enforce_retention(); }), 3U);
    EXPECT_EQ(log.batches(), "");
    EXPECT_EQ(log.offsets().log_start, model::Offset{4});
}

TEST(Compaction, changes_nothing_of_a_log_that_is_damaged) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 4; ++i) log.put_pairs({{"a", fmt::format("{}", i)}});
    const std::string path = log.file("00000000000000000001.log");
    std::string bytes = read_text(path);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    write_text(path, bytes);
    EXPECT_EQ(log.clean(), "corrupt");
    EXPECT_EQ(log.clean(), "corrupt");
    EXPECT_FALSE(log.due());
    EXPECT_NE(log.on_loop([&] { return log.log().uncleanable(); }), nullptr);
    EXPECT_EQ(log.store().stats().cleaner_failures, 1U);
    EXPECT_EQ(read_text(path), bytes);
    EXPECT_FALSE(std::filesystem::exists(log.file("00000000000000000000.log.cleaned")));
    EXPECT_EQ(log.put_pairs({{"b", "1"}}), "4") << "the rest goes on";
}

TEST(Compaction, counts_what_it_did) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 4; ++i) log.put_pairs({{"a", fmt::format("{}", i)}, {"b", "1"}});
    ASSERT_EQ(log.clean(), "3->3");
    const LogStore::Stats stats = log.store().stats();
    EXPECT_EQ(stats.cleaner_rounds, 1U);
    EXPECT_EQ(stats.cleaner_records_read, 6U);
    EXPECT_EQ(stats.cleaner_records_kept, 2U);
    EXPECT_GT(stats.cleaner_bytes_read, stats.cleaner_bytes_written);
    EXPECT_EQ(stats.cleaner_failures, 0U);
}

TEST(Compaction, keeps_to_the_pace_it_is_given) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 4; ++i) log.put_pairs({{"a", std::string(1000, 'x')}});
    const auto began = std::chrono::steady_clock::now();
    const auto done = runtime::run_blocking(
        log.loop(),
        log.log().clean({.pool = log.pool(), .seed = {3, 4}, .bytes_per_second = 100'000}));
    ASSERT_TRUE(done);
    const auto bytes = static_cast<double>(done->bytes_read + done->bytes_written);
    EXPECT_GE(std::chrono::steady_clock::now() - began,
              std::chrono::duration<double>(bytes / 100'000 * 0.9));
}

TEST(CleanerCheckpoint, reads_what_it_writes_and_nothing_else) {
    const CleanerCheckpoint checkpoint{{70}, {50}};
    EXPECT_EQ(checkpoint.format(), "0\n70 50\n");
    EXPECT_EQ(*CleanerCheckpoint::parse("0\n70 50\n"), checkpoint);
    for (const char* wrong : {"", "0\n", "0\n70 50", "1\n70 50\n", "0\n50 70\n", "0\n70 50\nx",
                              "0\n-1 -1\n", "0\n70\n50\n", "0\na b\n"}) {
        EXPECT_FALSE(CleanerCheckpoint::parse(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace millrace::storage
