#include "streaming/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/sim/sim_disk.h"
#include "streaming/compact_log.h"

namespace millrace::streaming {
namespace {

// Files of Spark's own releases: sql/core/src/test/resources/structured-streaming.
constexpr std::string_view kSpark210 =
    "v1\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":1480981499528}\n0\n{\"topic-0\":{\"0\":1}}";
constexpr std::string_view kSpark320 =
    "v1\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":1645693802625,\"conf\":{"
    "\"spark.sql.streaming.multipleWatermarkPolicy\":\"min\",\"spark.sql.shuffle.partitions\":"
    "\"5\"}}"
    "\n1";

TEST(OffsetEntry, reads_what_spark_wrote) {
    const auto old = OffsetEntry::parse(kSpark210);
    ASSERT_TRUE(old);
    EXPECT_EQ(old->batch_timestamp_ms, 1480981499528);
    EXPECT_THAT(old->offsets, testing::ElementsAre("0", "{\"topic-0\":{\"0\":1}}"));

    const auto newer = OffsetEntry::parse(kSpark320);
    ASSERT_TRUE(newer);
    EXPECT_EQ(newer->conf.at("spark.sql.shuffle.partitions"), "5");
    EXPECT_THAT(newer->offsets, testing::ElementsAre("1"));
}

TEST(OffsetEntry, writes_what_spark_reads) {
    OffsetEntry entry;
    entry.batch_watermark_ms = 7;
    entry.batch_timestamp_ms = 8;
    entry.conf["a\"b"] = "c";
    entry.offsets = {"{\"t\":{\"0\":1}}", std::nullopt};
    EXPECT_EQ(entry.to_text(),
              "v1\n{\"batchWatermarkMs\":7,\"batchTimestampMs\":8,\"conf\":{\"a\\\"b\":\"c\"}}\n"
              "{\"t\":{\"0\":1}}\n-");
    const auto again = OffsetEntry::parse(entry.to_text());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->offsets, entry.offsets);
    EXPECT_EQ(again->conf, entry.conf);
}

TEST(OffsetEntry, refuses_what_is_no_offset_log) {
    for (const std::string_view text : {"", "v1", "v9\n{}\n0", "v1\nnot json\n0", "v1\n{\n0"}) {
        EXPECT_FALSE(OffsetEntry::parse(text)) << text;
    }
}

TEST(Checkpoint, keeps_the_query_id) {
    runtime::SimDisk disk(1);
    Checkpoint checkpoint(disk, "/c");
    EXPECT_EQ(*checkpoint.query_id("first"), "first");
    EXPECT_EQ(*checkpoint.query_id("second"), "first");
}

TEST(Checkpoint, a_planned_batch_survives_a_power_cut) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        runtime::SimDisk disk(seed);
        Checkpoint checkpoint(disk, "/c");
        OffsetEntry entry;
        entry.offsets = {"5"};
        ASSERT_TRUE(checkpoint.write_offsets(0, entry));
        ASSERT_TRUE(checkpoint.write_commit(0, 11));
        entry.offsets = {"6"};
        ASSERT_TRUE(checkpoint.write_offsets(1, entry));
        ASSERT_TRUE(checkpoint.write_commit(1, 12));
        disk.crash();
        disk.restart();
        EXPECT_EQ(*checkpoint.latest_offsets(), 1);
        EXPECT_EQ(checkpoint.offsets(1)->offsets, entry.offsets);
        // The last commit may be lost, but is never half there.
        const auto commit = *checkpoint.latest_commit();
        if (commit == 1) EXPECT_EQ(*checkpoint.next_watermark_ms(1), 12);
        if (commit == 0) EXPECT_EQ(*checkpoint.next_watermark_ms(0), 11);
    }
}

TEST(Checkpoint, a_torn_last_commit_counts_as_none) {
    runtime::SimDisk disk(1);
    Checkpoint checkpoint(disk, "/c");
    ASSERT_TRUE(checkpoint.write_commit(0, 5));
    for (const std::string_view torn : {"", "v1", "v1\n", "v1\n{\"nextBatch"}) {
        ASSERT_TRUE(runtime::write_file_durably(disk, "/c/commits/1", torn));
        EXPECT_EQ(*checkpoint.latest_commit(), 0) << torn;
    }
    ASSERT_TRUE(runtime::write_file_durably(disk, "/c/commits/1", "v1\n{}"));
    EXPECT_EQ(*checkpoint.latest_commit(), 1);
    EXPECT_EQ(*checkpoint.next_watermark_ms(1), 0) << "old releases wrote no watermark";
}

TEST(Checkpoint, keeps_the_last_hundred_batches) {
    runtime::SimDisk disk(1);
    Checkpoint checkpoint(disk, "/c");
    for (std::int64_t batch = 0; batch < 130; ++batch) {
        ASSERT_TRUE(checkpoint.write_offsets(batch, {}));
        ASSERT_TRUE(checkpoint.write_commit(batch, 0));
        ASSERT_TRUE(checkpoint.purge(batch));
    }
    EXPECT_EQ(disk.list("/c/offsets")->size(), 101U);
    EXPECT_FALSE(disk.exists("/c/commits/28"));
    EXPECT_TRUE(disk.exists("/c/commits/29"));
}

TEST(CompactLog, every_tenth_file_holds_all_lines) {
    runtime::SimDisk disk(1);
    CompactLog log(disk, "/l");
    ASSERT_TRUE(log.load());
    for (std::int64_t i = 0; i < 12; ++i) ASSERT_TRUE(log.write(i, {"line" + std::to_string(i)}));
    EXPECT_TRUE(disk.exists("/l/9.compact"));
    EXPECT_FALSE(disk.exists("/l/9"));
    EXPECT_EQ(*runtime::read_file(disk, "/l/11"), "v1\nline11");
    CompactLog again(disk, "/l");
    ASSERT_TRUE(again.load());
    EXPECT_EQ(again.latest(), 11);
    EXPECT_EQ(again.lines().size(), 12U);
    ASSERT_TRUE(again.write(11, {"instead"}));
    EXPECT_EQ(again.lines().back(), "instead");
    EXPECT_EQ(again.lines().size(), 12U);
}

}  // namespace
}  // namespace millrace::streaming
