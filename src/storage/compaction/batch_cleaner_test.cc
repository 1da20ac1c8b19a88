#include "storage/compaction/batch_cleaner.h"

#include <gtest/gtest.h>

#include "storage/compaction/keyed_batch_internal.h"

namespace millrace::storage {
namespace {

constexpr std::int64_t kNow = 1'000'000;
constexpr std::int64_t kRetention = 5'000;

// One batch through a cleaner whose map knows what `latest` says.
struct Setting {
    std::vector<std::pair<std::string, std::int64_t>> latest;
    std::int64_t map_end = 1000;
    std::int64_t round_end = 1000;
    LiveProducers live;
    std::vector<AbortedRange> aborted;
    std::int64_t now_ms = kNow;
    std::int64_t delete_retention_ms = kRetention;
};

std::string clean(const Setting& setting, const std::vector<base::Bytes>& batches,
                  base::Bytes* bytes = nullptr) {
    KeyMap map(1 << 16, 100, {1, 2});
    for (const auto& [key, offset] : setting.latest) map.put(key, {offset});
    TransactionTracker transactions(setting.aborted);
    BatchCleaner cleaner({.now_ms = setting.now_ms,
                          .delete_retention_ms = setting.delete_retention_ms,
                          .map_end = {setting.map_end},
                          .round_end = {setting.round_end}},
                         map, setting.live, transactions);
    base::Bytes into;
    for (const base::Bytes& batch : batches) {
        const auto done = cleaner.clean(*model::RecordBatch::parse(batch), into);
        if (!done) return std::string(base::code_name(done.error().code()));
    }
    if (bytes != nullptr) *bytes = into;
    return describe(into);
}

TEST(BatchCleaner, keeps_the_last_record_of_each_key) {
    const base::Bytes batch = keyed_batch(10, {{"a", "1"}, {"b", "1"}, {"a", "2"}});
    EXPECT_EQ(clean({.latest = {{"a", 12}, {"b", 11}}}, {batch}), "[10-12: 11 b=1, 12 a=2]");
    EXPECT_EQ(clean({.latest = {{"a", 12}, {"b", 20}}}, {batch}), "[10-12: 12 a=2]");
    EXPECT_EQ(clean({.latest = {{"a", 20}, {"b", 20}}}, {batch}), "");
    EXPECT_EQ(clean({}, {batch}), "[10-12: 10 a=1, 11 b=1, 12 a=2]") << "no newer record is known";
}

TEST(BatchCleaner, leaves_alone_what_the_map_does_not_speak_of) {
    const base::Bytes batch = keyed_batch(10, {{"a", "1"}, {"a", "2"}, {"a", "3"}});
    EXPECT_EQ(clean({.latest = {{"a", 12}}, .map_end = 11}, {batch}), "[10-12: 11 a=2, 12 a=3]");
}

TEST(BatchCleaner, drops_records_without_a_key) {
    EXPECT_EQ(clean({}, {keyed_batch(10, {{std::nullopt, "1"}, {"", "2"}})}), "[10-11: 11 =2]");
    EXPECT_EQ(clean({}, {keyed_batch(10, {{std::nullopt, "1"}})}), "");
}

TEST(BatchCleaner, gives_back_the_bytes_that_came_when_all_records_stay) {
    for (const auto codec : {model::Codec::kNone, model::Codec::kZstd}) {
        const base::Bytes batch = keyed_batch(10, {{"a", "1"}, {"b", "2"}}, {.codec = codec});
        base::Bytes kept;
        clean({}, {batch}, &kept);
        EXPECT_EQ(kept, batch);
    }
}

TEST(BatchCleaner, preserves_offsets_sequences_codec_and_times) {
    for (const auto codec : {model::Codec::kNone, model::Codec::kGzip, model::Codec::kSnappy,
                             model::Codec::kLz4, model::Codec::kZstd}) {
        const base::Bytes batch = keyed_batch(
            100, {{"a", "1"}, {"b", "2"}, {"c", "3"}},
            {.codec = codec, .producer = {7, 3}, .base_sequence = 40, .first_timestamp_ms = 500});
        base::Bytes kept;
        EXPECT_EQ(clean({.latest = {{"a", 200}, {"c", 200}}}, {batch}, &kept),
                  "[100-102 p7/3 s40: 101 b=2]");
        const auto read = *model::RecordBatch::parse(kept);
        EXPECT_EQ(read.codec(), codec);
        EXPECT_EQ(read.last_sequence(), 42);
        EXPECT_EQ(read.leader_epoch(), model::LeaderEpoch{9});
        EXPECT_EQ(read.max_timestamp(), model::Timestamp{501}) << "of the records that stay";
        EXPECT_EQ(first_record(read).timestamp, model::Timestamp{501});
        EXPECT_TRUE(read.check_crc());
    }
}

TEST(BatchCleaner, keeps_the_time_of_the_append) {
    const base::Bytes batch =
        keyed_batch(1, {{"a", "1"}, {"b", "2"}},
                    {.type = model::TimestampType::kLogAppendTime, .first_timestamp_ms = 500});
    base::Bytes kept;
    clean({.latest = {{"b", 200}}}, {batch}, &kept);
    EXPECT_EQ(model::RecordBatch::parse(kept)->max_timestamp(), model::Timestamp{501});
}

// Mistake 9a of compatible brokers: attributes that change without a new checksum.
TEST(BatchCleaner, never_changes_attributes_or_times_without_a_new_checksum) {
    const base::Bytes batch = keyed_batch(10, {{"a", std::nullopt}, {"b", "2"}});
    base::Bytes kept;
    EXPECT_EQ(clean({}, {batch}, &kept), "[10-11 h1005000: 10 a, 11 b=2]");
    EXPECT_TRUE(model::RecordBatch::parse(kept)->check_crc());
    base::Bytes empty;
    clean({.latest = {{"a", 50}, {"b", 50}}, .round_end = 12}, {batch}, &empty);
    EXPECT_TRUE(model::RecordBatch::parse(empty)->check_crc());
}

TEST(BatchCleaner, lets_a_tombstone_go_once_its_horizon_has_passed) {
    base::Bytes marked;
    const Setting first{.latest = {{"a", 10}}};
    EXPECT_EQ(clean(first, {keyed_batch(10, {{"a", std::nullopt}, {"b", "2"}})}, &marked),
              "[10-11 h1005000: 10 a, 11 b=2]");
    Setting later = first;
    later.now_ms = kNow + kRetention - 1;
    EXPECT_EQ(clean(later, {marked}), "[10-11 h1005000: 10 a, 11 b=2]")
        << "a second round does not move the horizon";
    later.now_ms = kNow + kRetention;
    EXPECT_EQ(clean(later, {marked}), "[10-11 h1005000: 11 b=2]");
}

TEST(BatchCleaner, keeps_the_times_of_records_where_a_horizon_takes_the_base) {
    base::Bytes marked;
    clean({}, {keyed_batch(10, {{"a", std::nullopt}, {"b", "2"}}, {.first_timestamp_ms = 77})},
          &marked);
    const auto batch = *model::RecordBatch::parse(marked);
    EXPECT_EQ(batch.base_timestamp(), model::Timestamp{kNow + kRetention});
    EXPECT_EQ(first_record(batch).timestamp, model::Timestamp{77});
    EXPECT_EQ(batch.max_timestamp(), model::Timestamp{78});
    // A horizon that lies beyond all time is the end of time.
    clean({.delete_retention_ms = std::numeric_limits<std::int64_t>::max()},
          {keyed_batch(10, {{"a", std::nullopt}}, {.first_timestamp_ms = 77})}, &marked);
    const auto forever = *model::RecordBatch::parse(marked);
    EXPECT_EQ(forever.base_timestamp(), model::Timestamp{std::numeric_limits<std::int64_t>::max()});
    EXPECT_EQ(first_record(forever).timestamp, model::Timestamp{77});
}

TEST(BatchCleaner, keeps_the_last_batch_of_a_live_producer_though_empty) {
    const base::Bytes batch =
        keyed_batch(10, {{"a", "1"}, {"b", "2"}},
                    {.codec = model::Codec::kZstd, .producer = {7, 3}, .base_sequence = 40});
    Setting setting{.latest = {{"a", 50}, {"b", 51}}};
    EXPECT_EQ(clean(setting, {batch}), "") << "the producer is forgotten";
    setting.live[7] = {.last_data_offset = model::Offset{20}, .epoch = 3};
    EXPECT_EQ(clean(setting, {batch}), "") << "it wrote later ones";
    setting.live[7] = {.last_data_offset = model::Offset{11}, .epoch = 3};
    EXPECT_EQ(clean(setting, {batch}), "[10-11 p7/3 s40: ]");
}

TEST(BatchCleaner, keeps_the_last_batch_of_the_round_though_empty) {
    Setting setting{.latest = {{"a", 50}}, .round_end = 11};
    EXPECT_EQ(clean(setting, {keyed_batch(9, {{"a", "1"}}), keyed_batch(10, {{"a", "2"}})}),
              "[10-10: ]");
    EXPECT_EQ(clean({.latest = {{"a", 50}}}, {keyed_batch(10, {{"a", "2"}})}), "");
    // An empty batch may go when it is not the last any more.
    base::Bytes empty;
    clean(setting, {keyed_batch(10, {{"a", "2"}})}, &empty);
    EXPECT_EQ(clean(setting, {empty}), "[10-10: ]");
    setting.round_end = 60;
    EXPECT_EQ(clean(setting, {empty}), "");
}

TEST(BatchCleaner, drops_what_was_aborted_whatever_its_key) {
    const BatchKind open{.producer = {7, 0}, .base_sequence = 0, .transactional = true};
    const Setting setting{.aborted = {{7, {10}, {12}}}};
    EXPECT_EQ(clean(setting, {keyed_batch(10, {{"a", "1"}, {"b", "2"}}, open), marker(12, 7, 0),
                              keyed_batch(13, {{"a", "3"}})}),
              "[12-12 p7/0 tc: abort][13-13: 13 a=3]");
}

// Mistake 5 of compatible brokers.
TEST(BatchCleaner, never_deduplicates_control_batches_by_key) {
    const BatchKind open{.producer = {7, 0}, .base_sequence = 0, .transactional = true};
    // All markers of one kind have the same key.
    EXPECT_EQ(clean({.latest = {{std::string("\0\0\0\1", 4), 500}}},
                    {keyed_batch(10, {{"a", "1"}}, open), marker(11, 7, 1),
                     keyed_batch(12, {{"b", "1"}}, open), marker(13, 7, 1)}),
              "[10-10 p7/0 s0 t: 10 a=1][11-11 p7/0 tc: commit]"
              "[12-12 p7/0 s0 t: 12 b=1][13-13 p7/0 tc: commit]");
}

TEST(BatchCleaner, removes_a_marker_only_after_its_data_and_its_horizon) {
    const BatchKind open{.producer = {7, 0}, .base_sequence = 0, .transactional = true};
    // The data goes by and is dropped: the marker stays as it is.
    Setting setting{.latest = {{"a", 50}}};
    EXPECT_EQ(clean(setting, {keyed_batch(10, {{"a", "1"}}, open), marker(11, 7, 1)}),
              "[11-11 p7/0 tc: commit]");
    // No data is left: it gets its horizon, and goes when that has passed.
    base::Bytes marked;
    EXPECT_EQ(clean(setting, {marker(11, 7, 1)}, &marked), "[11-11 p7/0 tc h1005000: commit]");
    setting.now_ms = kNow + kRetention - 1;
    EXPECT_EQ(clean(setting, {marked}), "[11-11 p7/0 tc h1005000: commit]");
    setting.now_ms = kNow + kRetention;
    EXPECT_EQ(clean(setting, {marked}), "");
    // Unless it is all that is known of its producer, or the last batch of the round.
    setting.live[7] = {.last_data_offset = std::nullopt, .epoch = 0};
    EXPECT_EQ(clean(setting, {marked}), "[11-11 p7/0 tc: ]");
    setting.live.clear();
    setting.round_end = 12;
    EXPECT_EQ(clean(setting, {marked}), "[11-11 p7/0 tc: ]");
}

TEST(BatchCleaner, touches_nothing_that_is_damaged) {
    base::Bytes batch = keyed_batch(10, {{"a", "1"}});
    batch.back() = static_cast<char>(batch.back() ^ 1);
    EXPECT_EQ(clean({}, {batch}), "corrupt");
}

}  // namespace
}  // namespace millrace::storage
