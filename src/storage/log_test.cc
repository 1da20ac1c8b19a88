#include "storage/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "storage/log_harness_internal.h"
#include "storage/segment.h"

namespace millrace::storage {
namespace {

using testing::HasSubstr;

TEST(Log, gives_offsets_and_reads_them_back) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.append({"a", "b"}), "0");
    EXPECT_EQ(log.append({"c"}), "2");
    EXPECT_EQ(log.records(), "0=a 1=b 2=c ");
    EXPECT_EQ(log.records(1), "1=b 2=c ");
    EXPECT_EQ(log.records(3), "");
    EXPECT_EQ(log.records(4), "! out of range");
    EXPECT_EQ(log.offsets().high_watermark, model::Offset{3});
}

TEST(Log, shows_a_record_only_once_it_is_durable) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    const auto seen = log.on_loop([&] {
        base::Bytes batch = make_batch({"a"}, 1);
        base::Bytes scratch;
        const auto checked =
            CheckedBatch::check({batch.data(), batch.size()}, Origin::kClient, {}, {1}, scratch);
        EXPECT_TRUE(log.log().append(*checked));
        // The sync may have ended, but its news cannot have reached this loop yet.
        EXPECT_EQ(log.log().offsets().log_end, model::Offset{1});
        EXPECT_EQ(log.log().offsets().high_watermark, model::Offset{0});
        return log.log().read({0}, 100, Isolation::kReadUncommitted)->size_bytes;
    });
    EXPECT_EQ(seen, 0U);
    log.settle();
    EXPECT_EQ(log.records(), "0=a ");
}

TEST(Log, tells_listeners_of_what_became_visible) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    int calls = 0;
    auto listener = log.on_loop([&] { return log.log().listen([&] { ++calls; }); });
    log.append({"a"});
    log.append({"b"});
    EXPECT_EQ(log.on_loop([&] { return calls; }), 2);
    log.on_loop([&] {
        listener.reset();
        return 0;
    });
    log.append({"c"});
    EXPECT_EQ(log.on_loop([&] { return calls; }), 2);
}

TEST(Log, gives_at_least_the_first_batch_whatever_the_limit) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 5; ++i) log.append({std::string(1000, 'x'), "y"});
    for (const std::int64_t from : {0, 1, 4, 9}) {
        const auto slice =
            log.on_loop([&] { return log.log().read({from}, 1, Isolation::kReadUncommitted); });
        const auto bytes = slice->load();
        const auto batch = model::RecordBatch::parse(*bytes);
        ASSERT_TRUE(batch);
        EXPECT_EQ(batch->size_bytes(), bytes->size());
        EXPECT_LE(batch->base_offset(), model::Offset{from});
        EXPECT_GE(batch->last_offset(), model::Offset{from});
    }
    EXPECT_EQ(log.records(0, 1), log.records(0, 1 << 20));
}

TEST(Log, refuses_what_was_not_one_good_batch) {
    LogHarness log;
    log.config.max_message_bytes = 500;
    ASSERT_EQ(log.open(), "ok");
    base::Bytes flipped = make_batch({"a"}, 1);
    flipped.back() = static_cast<char>(flipped.back() ^ 1);
    EXPECT_EQ(log.put(flipped), "corrupt");
    EXPECT_EQ(log.put(make_batch({"a"}, 1).substr(0, 40)), "corrupt");
    EXPECT_EQ(log.put(make_batch({"a"}, 1) + make_batch({"b"}, 1)), "invalid argument");
    EXPECT_EQ(log.put(make_batch({std::string(500, 'x')}, 1)), "too large");
    EXPECT_EQ(log.put(make_batch({"a"}, 1, {7, 0, -1})), "invalid argument");
    model::BatchBuilder control({.control = true});
    control.add({1}, "k", "v");
    EXPECT_EQ(log.put(control.build()), "invalid argument");
    model::BatchBuilder log_time({.timestamp_type = model::TimestampType::kLogAppendTime});
    log_time.add({1}, "k", "v");
    EXPECT_EQ(log.put(log_time.build()), "invalid argument");
    EXPECT_EQ(log.offsets().log_end, model::Offset{0});
    EXPECT_EQ(log.append({"still fine"}), "0");
}

TEST(Log, requires_keys_where_the_topic_is_compacted) {
    LogHarness log;
    log.config.cleanup_compact = true;
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.append({"no key"}), "invalid argument");
}

TEST(Log, refuses_times_too_far_from_now) {
    LogHarness log;
    log.config.timestamp_after_max_ms = 1000;
    log.config.timestamp_before_max_ms = 5000;
    ASSERT_EQ(log.open(), "ok");
    const std::int64_t now = log.clock.wall_ms();
    EXPECT_EQ(log.put(make_batch({"a"}, now + 1000)), "0");
    EXPECT_EQ(log.put(make_batch({"a"}, now - 5000)), "1");
    EXPECT_EQ(log.put(make_batch({"a"}, now + 1001)), "invalid argument");
    EXPECT_EQ(log.put(make_batch({"a"}, now - 5001)), "invalid argument");
    EXPECT_EQ(log.put(make_batch({"a"}, -1)), "2");
    EXPECT_EQ(log.put(make_batch({"a"}, std::numeric_limits<std::int64_t>::max())),
              "invalid argument");
}

TEST(Log, stamps_log_append_time_with_a_new_checksum) {
    LogHarness log;
    log.config.timestamp_type = model::TimestampType::kLogAppendTime;
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.put(make_batch({"a"}, 5)), "0");
    EXPECT_EQ(log.records(), "0=a ");  // Checks the checksum too.
    const auto match = log.on_loop([&] { return log.log().offset_at({6}); });
    EXPECT_EQ((*match)->timestamp.ms, log.clock.wall_ms());
}

TEST(Log, corrects_a_header_that_lies_about_the_largest_timestamp) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    base::Bytes batch = make_batch({"a"}, 1000);
    model::stamp_timestamps({batch.data(), batch.size()}, model::TimestampType::kCreateTime,
                            {999'999});
    EXPECT_EQ(log.put(batch), "0");
    const auto match = log.on_loop([&] { return log.log().latest_timestamp(); });
    EXPECT_EQ((*match)->timestamp, model::Timestamp{1000});
}

TEST(Log, rolls_by_size_and_reads_across_segments) {
    LogHarness log;
    log.config.segment_bytes = 500;
    ASSERT_EQ(log.open(), "ok");
    std::string expected;
    for (int i = 0; i < 40; ++i) {
        log.append({fmt::format("value {}", i)});
        expected += fmt::format("{}=value {} ", i, i);
    }
    EXPECT_GT(log.on_loop([&] { return log.log().segment_count(); }), 5U);
    EXPECT_EQ(log.records(), expected);
    EXPECT_EQ(log.stop(), "ok");
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.records(), expected);
    EXPECT_EQ(log.append({"on"}), "40");
}

TEST(Log, rolls_by_age_in_the_records_own_time) {
    LogHarness log;
    log.config.segment_ms = 1000;
    ASSERT_EQ(log.open(), "ok");
    log.put(make_batch({"a"}, 10'000));
    log.put(make_batch({"b"}, 11'000));
    EXPECT_EQ(log.on_loop([&] { return log.log().segment_count(); }), 1U);
    log.put(make_batch({"c"}, 11'001));
    EXPECT_EQ(log.on_loop([&] { return log.log().segment_count(); }), 2U);
}

TEST(Log, rolls_when_an_index_is_full) {
    LogHarness log;
    log.config.index_interval_bytes = 0;
    log.config.segment_index_bytes = 80;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 30; ++i) log.append({"v"});
    EXPECT_GE(log.on_loop([&] { return log.log().segment_count(); }), 3U);
}

// The first match in offset order, as ListOffsets answers; "none" when nothing is that late.
std::string offset_at(LogHarness& log, std::int64_t timestamp_ms) {
    const auto match = log.on_loop([&] { return log.log().offset_at({timestamp_ms}); });
    if (!match) return match.error().to_string();
    if (!*match) return "none";
    return fmt::format("{}@{}", (*match)->offset, (*match)->timestamp);
}

TEST(Log, finds_the_first_record_at_or_after_a_time) {
    for (const std::int64_t segment_bytes : {100, 400, 1 << 20}) {
        for (const std::int64_t interval : {0, 200}) {
            LogHarness log;
            log.config.segment_bytes = segment_bytes;
            log.config.index_interval_bytes = interval;
            ASSERT_EQ(log.open(), "ok");
            // Out of order: 500 comes before 300 and 400.
            for (const std::int64_t time : {100, 200, 500, 300, 400, 600, 600, 700}) {
                log.put(make_batch({"x"}, time));
            }
            for (const bool restarted : {false, true}) {
                EXPECT_EQ(offset_at(log, 0), "0@100");
                EXPECT_EQ(offset_at(log, 100), "0@100");
                EXPECT_EQ(offset_at(log, 101), "1@200");
                EXPECT_EQ(offset_at(log, 300), "2@500");
                EXPECT_EQ(offset_at(log, 501), "5@600");
                EXPECT_EQ(offset_at(log, 600), "5@600");
                EXPECT_EQ(offset_at(log, 700), "7@700");
                EXPECT_EQ(offset_at(log, 701), "none");
                const auto latest = log.on_loop([&] { return log.log().latest_timestamp(); });
                EXPECT_EQ((*latest)->offset, model::Offset{7});
                if (restarted) break;
                log.stop();
                ASSERT_EQ(log.open(), "ok");
            }
        }
    }
}

TEST(Log, finds_times_inside_compressed_batches_and_before_the_epoch) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    model::BatchBuilder builder({.codec = model::Codec::kLz4});
    for (const std::int64_t time : {-50, 10, 30, 20}) builder.add({time}, std::nullopt, "v");
    log.put(builder.build());
    EXPECT_EQ(offset_at(log, 15), "2@30");
    EXPECT_EQ(offset_at(log, -100), "0@-50");
    EXPECT_EQ(offset_at(log, 31), "none");
}

TEST(Log, deletes_expired_segments_and_the_active_one_too) {
    LogHarness log;
    log.config.segment_bytes = 300;
    log.config.retention_ms = 10'000;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 10; ++i) {
        log.append({fmt::format("{}", i)});
        log.clock.advance(1000);
    }
    const auto enforce = [&] {
        return *log.on_loop([&] { return log.log().enforce_retention(); });
    };
    EXPECT_EQ(enforce(), 0U);
    log.clock.advance(5000);
    EXPECT_GT(enforce(), 0U);
    EXPECT_GT(log.offsets().log_start, model::Offset{0});
    EXPECT_EQ(log.records(0), "! out of range");
    EXPECT_THAT(log.records(), HasSubstr("9=9"));
    log.clock.advance(20'000);
    EXPECT_GT(enforce(), 0U);
    EXPECT_EQ(log.offsets().log_start, model::Offset{10});
    EXPECT_EQ(log.records(), "");
    EXPECT_EQ(enforce(), 0U) << "an empty segment stays";
    EXPECT_EQ(log.append({"next"}), "10");
    // The start survives a crash.
    log.crash();
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.offsets().log_start, model::Offset{10});
}

TEST(Log, deletes_the_oldest_segments_beyond_its_size) {
    LogHarness log;
    log.config.segment_bytes = 300;
    log.config.retention_bytes = 700;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 30; ++i) log.append({"0123456789"});
    ASSERT_TRUE(log.on_loop([&] { return log.log().enforce_retention(); }));
    const auto size = log.on_loop([&] { return log.log().size_bytes(); });
    EXPECT_LE(size, 1000U);
    EXPECT_GE(size, 700U);
    EXPECT_EQ(log.offsets().log_end, model::Offset{30});
}

TEST(Log, keeps_compacted_topics_for_ever) {
    LogHarness log;
    log.config.segment_bytes = 100;
    log.config.retention_ms = 1;
    log.config.cleanup_delete = false;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 5; ++i) log.append({"0123456789"});
    log.clock.advance(1'000'000);
    EXPECT_EQ(*log.on_loop([&] { return log.log().enforce_retention(); }), 0U);
}

TEST(Log, deletes_records_up_to_an_offset_and_remembers) {
    LogHarness log;
    log.config.segment_bytes = 200;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 10; ++i) log.append({"0123456789"});
    const auto remove = [&](std::int64_t before) {
        const auto start = runtime::run_blocking(log.loop(), log.log().delete_records({before}));
        return start ? fmt::format("{}", *start)
                     : std::string(base::code_name(start.error().code()));
    };
    EXPECT_EQ(remove(5), "5");
    EXPECT_EQ(remove(3), "5");
    EXPECT_EQ(remove(11), "out of range");
    EXPECT_EQ(log.records(4), "! out of range");
    log.crash();
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.offsets().log_start, model::Offset{5});
    EXPECT_EQ(remove(-1), "10");
}

TEST(Log, keeps_slices_readable_after_their_segment_is_gone) {
    LogHarness log;
    log.config.segment_bytes = 100;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 4; ++i) log.append({"0123456789"});
    const auto slice =
        log.on_loop([&] { return log.log().read({0}, 1000, Isolation::kReadUncommitted); });
    ASSERT_TRUE(runtime::run_blocking(log.loop(), log.log().delete_records({4})));
    EXPECT_TRUE(model::RecordBatch::parse(*slice->load())->check_crc());
}

TEST(Log, remembers_leader_epochs) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    log.append({"a"});
    const auto begin = [&](std::int32_t epoch) {
        return log.on_loop([&] { return log.log().begin_leader_epoch({epoch}).has_value(); });
    };
    EXPECT_TRUE(begin(3));
    EXPECT_FALSE(begin(2));
    log.append({"b"});
    log.stop();
    ASSERT_EQ(log.open(), "ok");
    const auto end = [&](std::int32_t epoch) {
        const auto found = log.on_loop([&] { return log.log().end_of_epoch({epoch}); });
        return found ? fmt::format("{}:{}", found->epoch, found->end) : "none";
    };
    EXPECT_EQ(end(-1), "none");
    EXPECT_EQ(end(0), "0:1");
    EXPECT_EQ(end(2), "0:1");
    EXPECT_EQ(end(3), "3:2");
    EXPECT_EQ(end(9), "3:2");
}

TEST(Log, refuses_appends_once_it_closes) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    log.append({"a"});
    ASSERT_TRUE(runtime::run_blocking(log.loop(), log.log().close()));
    EXPECT_EQ(log.append({"b"}), "cancelled");
}

TEST(Log, finds_batches_though_its_index_lies_at_any_bit) {
    LogHarness log;
    log.config.segment_bytes = 1500;
    log.config.index_interval_bytes = 100;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 40; ++i) log.put(make_batch({fmt::format("{}", i)}, 1000 + i));
    const std::string expected = log.records();
    ASSERT_EQ(log.stop(), "ok");
    const std::string names[] = {"00000000000000000000.index", "00000000000000000000.timeindex"};
    const std::string contents[] = {read_text(log.file(names[0])), read_text(log.file(names[1]))};
    for (const int which : {0, 1}) {
        const std::string& name = names[which];
        const std::string& good = contents[which];
        ASSERT_GT(good.size(), 24U);
        for (std::size_t at = 0; at < good.size(); ++at) {
            std::string bad = good;
            bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
            write_text(log.file(name), bad);
            ASSERT_EQ(log.open(), "ok");
            for (const std::int64_t time : {1000, 1005, 1011, 1039}) {
                EXPECT_EQ(offset_at(log, time), fmt::format("{}@{}", time - 1000, time))
                    << name << " byte " << at;
            }
            EXPECT_EQ(log.records(), expected) << name << " byte " << at;
            ASSERT_EQ(log.stop(), "ok");
            // Broken indexes were built again, in another shape.
            for (const int restored : {0, 1})
                write_text(log.file(names[restored]), contents[restored]);
        }
        std::filesystem::remove(log.file(name));
        ASSERT_EQ(log.open(), "ok");
        EXPECT_EQ(offset_at(log, 1007), "7@1007");
        EXPECT_EQ(log.records(), expected);
        ASSERT_EQ(log.stop(), "ok");
    }
}

// Random operations against a plain model of what a log is.
TEST(Log, behaves_like_a_plain_list_of_records) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    LogHarness log;
    log.config.segment_bytes = 2000;
    log.config.index_interval_bytes = 300;
    ASSERT_EQ(log.open(), "ok");
    std::map<std::int64_t, std::string> model;
    std::int64_t start = 0;
    std::int64_t end = 0;
    for (int step = 0; step < 400; ++step) {
        const unsigned dice = random() % 100;
        if (dice < 70) {
            std::vector<std::string> values(1 + random() % 4);
            for (std::string& value : values) {
                value = fmt::format("{}", random() % 1000);
                value.resize(value.size() + random() % 60, '.');
            }
            const auto codec = static_cast<model::Codec>(random() % 5);
            ASSERT_EQ(log.put(make_batch(values, 1000 + step, {}, codec)), fmt::format("{}", end));
            for (const std::string& value : values) model[end++] = value;
        } else if (dice < 85) {
            const std::int64_t from =
                start +
                static_cast<std::int64_t>(random() % static_cast<unsigned>(end - start + 1));
            std::string expected;
            for (auto at = model.lower_bound(from); at != model.end(); ++at) {
                expected += fmt::format("{}={} ", at->first, at->second);
            }
            ASSERT_EQ(log.records(from, 1 + random() % 5000), expected);
        } else if (dice < 90) {
            log.crash();
            ASSERT_EQ(log.open(), "ok");
            log.settle();
        } else if (dice < 95) {
            ASSERT_EQ(log.stop(), "ok");
            ASSERT_EQ(log.open(), "ok");
        } else {
            const std::int64_t before = start + static_cast<std::int64_t>(random() % 5);
            if (before > end) continue;
            ASSERT_TRUE(runtime::run_blocking(log.loop(), log.log().delete_records({before})));
            start = before;
        }
        const auto offsets = log.offsets();
        ASSERT_EQ(offsets.log_start, model::Offset{start});
        ASSERT_EQ(offsets.high_watermark, model::Offset{end});
    }
}

}  // namespace
}  // namespace millrace::storage
