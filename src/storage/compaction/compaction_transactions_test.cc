// Compaction of a log with transactions: what stays of them, and what readers are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/compaction/compacted_log_internal.h"

namespace millrace::storage {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Compaction, never_goes_past_an_open_transaction) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    log.put_pairs({{"a", "0"}});
    log.put_pairs({{"a", "1"}});
    log.write_in_transaction("b", 0);
    log.put_pairs({{"a", "3"}});
    log.put_pairs({{"a", "4"}});
    EXPECT_EQ(log.clean(), "2->2");
    EXPECT_THAT(log.batches(), HasSubstr("[1-1: 1 a=1][2-2 p7/0 s0 t: 2 b=in transaction]"));
    log.end_transaction(true);
    log.put_pairs({{"a", "6"}});
    EXPECT_EQ(log.clean(), "6->6");
    EXPECT_EQ(log.batches(),
              "[2-2 p7/0 s0 t: 2 b=in transaction][4-4: 4 a=4][5-5 p7/0 tc: "
              "commit][6-6: 6 a=6]");
}

TEST(Compaction, drops_what_was_aborted_and_then_forgets_the_transaction) {
    CompactedLog log;
    ASSERT_EQ(log.open(), "ok");
    log.put_pairs({{"a", "kept"}});
    log.write_in_transaction("a", 0);
    log.write_in_transaction("b", 1);
    log.end_transaction(false);
    log.put_pairs({{"c", "1"}});
    log.put_pairs({{"c", "2"}});
    EXPECT_EQ(log.aborted(), "7:1-3 ");
    ASSERT_EQ(log.clean(), "5->5");
    // The last batch of the producer stays, empty, and with it the marker and what readers are
    // told.
    EXPECT_EQ(log.batches(),
              "[0-0: 0 a=kept][2-2 p7/0 s1 t: ][3-3 p7/0 tc: abort][4-4: 4 c=1][5-5: 5 c=2]");
    EXPECT_EQ(log.aborted(), "7:1-3 ");
    for (const bool with_snapshots : {true, false}) {
        log.crash();
        if (!with_snapshots) log.forget_snapshots();
        ASSERT_EQ(log.open(), "ok");
        log.settle();
        EXPECT_EQ(log.aborted(), with_snapshots ? "7:1-3 " : "7:2-3 ");
        EXPECT_EQ(log.offsets().last_stable, model::Offset{6});
    }
    // The producer is forgotten after a day; then its batch goes, then the marker.
    log.clock.advance(std::int64_t{25} * 3600 * 1000);
    for (int round = 0; round < 3; ++round) {
        log.put_pairs({{"c", fmt::format("more {}", round)}});
        log.clean();
        log.clock.advance(20'000);
    }
    EXPECT_THAT(log.batches(), Not(HasSubstr("p7")));
    EXPECT_EQ(log.aborted(), "");
}

// Mistake 5 of compatible brokers: a marker that ends a segment is compacted away, and a consumer
// of committed records waits below the last stable offset for ever.
TEST(Compaction, never_leaves_a_consumer_hanging_below_the_last_stable_offset) {
    CompactedLog log;
    log.config.cleanup_delete = true;
    log.config.retention_ms = -1;
    log.config.producer_expiration_ms = 1;
    ASSERT_EQ(log.open(), "ok");
    log.write_in_transaction("a", 0);
    log.end_transaction(true);
    log.put_pairs({{"a", "1"}});
    for (int round = 0; round < 4; ++round) {
        log.clock.advance(20'000);
        log.clean();
        const Log::Offsets offsets = log.offsets();
        EXPECT_EQ(offsets.last_stable, offsets.log_end);
        for (model::Offset at; at < offsets.last_stable; at = at + 1) {
            const Slice slice =
                log.on_loop([&] { return *log.log().read(at, 1000, Isolation::kReadCommitted); });
            const auto bytes = slice.load();
            ASSERT_TRUE(bytes);
            const auto batch = model::RecordBatch::parse(*bytes);
            ASSERT_TRUE(batch) << "nothing at " << at.value << " in round " << round;
            EXPECT_GE(batch->last_offset(), at);
        }
        // What was written last is deleted, too: then a marker is the last batch of all.
        log.write_in_transaction("a", 0);
        log.end_transaction(round % 2 == 0);
    }
}

}  // namespace
}  // namespace millrace::storage
