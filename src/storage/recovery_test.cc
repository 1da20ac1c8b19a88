// What a crash, a power cut or a failing disk leaves behind, byte by byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/log_harness_internal.h"

namespace millrace::storage {
namespace {

using testing::HasSubstr;

constexpr const char* kFirst = "00000000000000000000.log";

// A log of three batches, whose recovery point is what it was before the last of them.
struct Torn {
    LogHarness log;
    std::string whole;       // The file with all batches.
    std::size_t last_bytes;  // Size of the last batch.
    std::string points;

    Torn() {
        EXPECT_EQ(log.open(), "ok");
        log.append({"a", "b"});
        log.append({"c"});
        log.crash();
        points = read_text(log.data.path() + "/recovery-points");
        EXPECT_EQ(log.open(), "ok");
        const base::Bytes last = make_batch({"d", "e"}, log.clock.wall_ms(), {9, 0, 0});
        last_bytes = last.size();
        log.put(last);
        log.crash();
        whole = read_text(log.file(kFirst));
    }
    void put(std::string_view content) {
        write_text(log.file(kFirst), content);
        write_text(log.data.path() + "/recovery-points", points);
        for (const auto& entry : std::filesystem::directory_iterator(log.folder())) {
            if (entry.path().extension() == ".cut") std::filesystem::remove(entry.path());
        }
    }
};

TEST(Recovery, cuts_a_last_batch_that_was_torn_at_any_byte) {
    Torn torn;
    const std::size_t start = torn.whole.size() - torn.last_bytes;
    for (std::size_t length = start; length <= torn.whole.size(); ++length) {
        for (const bool zero_filled : {false, true}) {
            std::string content = torn.whole.substr(0, length);
            if (zero_filled) content.resize(torn.whole.size(), '\0');
            torn.put(content);
            ASSERT_EQ(torn.log.open(), "ok") << length;
            torn.log.settle();
            // Trailing zero bytes of the batch itself may make a zero-filled tear whole again.
            const bool whole = content == torn.whole;
            EXPECT_EQ(torn.log.records(), whole ? "0=a 1=b 2=c 3=d 4=e " : "0=a 1=b 2=c ");
            EXPECT_EQ(torn.log.append({"next"}), whole ? "5" : "3");
            torn.log.crash();
        }
    }
}

TEST(Recovery, refuses_a_flip_of_any_bit_below_the_durable_end) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    log.append({"a"});
    log.append({"b"});
    log.append({"c"});
    log.crash();
    const std::string good = read_text(log.file(kFirst));
    for (std::size_t at = 0; at < good.size(); ++at) {
        const std::size_t in_batch = at % (good.size() / 3);
        // The leader epoch is under no checksum: it is stamped after the producer made it.
        if (in_batch >= 12 && in_batch < 16) continue;
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
        write_text(log.file(kFirst), bad);
        EXPECT_THAT(log.open(), HasSubstr("is damaged at byte")) << at;
        EXPECT_EQ(read_text(log.file(kFirst)), bad) << "nothing may be changed";
    }
    write_text(log.file(kFirst), good);
    EXPECT_EQ(log.open(), "ok");
}

TEST(Recovery, refuses_a_log_that_is_shorter_than_what_was_durable) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    log.append({"a"});
    log.append({"b"});
    ASSERT_EQ(log.stop(), "ok");
    const std::string good = read_text(log.file(kFirst));
    write_text(log.file(kFirst), good.substr(0, good.size() / 2));
    EXPECT_THAT(log.open(), HasSubstr("records up to offset 2 were durable"));
    std::filesystem::remove(log.file(kFirst));
    EXPECT_THAT(log.open(), HasSubstr("holds no log file"));
    write_text(log.file(kFirst), good);
    EXPECT_EQ(log.open(), "ok");
}

TEST(Recovery, keeps_what_lies_beyond_a_hole_that_was_not_durable) {
    Torn torn;
    // The disk wrote the last batch but not the one before it, and neither was acknowledged.
    base::Bytes more = make_batch({"f"}, 5);
    model::stamp_position({more.data(), more.size()}, {5}, {0});
    std::string content = torn.whole + more;
    for (std::size_t at = torn.whole.size() - 20; at < torn.whole.size(); ++at) content[at] = '\0';
    torn.put(content);
    ASSERT_EQ(torn.log.open(), "ok");
    torn.log.settle();
    EXPECT_EQ(torn.log.records(), "0=a 1=b 2=c ");
    bool kept = false;
    for (const auto& entry : std::filesystem::directory_iterator(torn.log.folder())) {
        if (entry.path().extension() != ".cut") continue;
        kept = true;
        EXPECT_EQ(read_text(entry.path()), content.substr(torn.whole.size() - torn.last_bytes));
    }
    EXPECT_TRUE(kept);
}

TEST(Recovery, refuses_a_hole_when_nothing_is_known_of_the_durable_end) {
    Torn torn;
    std::string content = torn.whole;
    content[100] = static_cast<char>(content[100] ^ 1);
    torn.put(content);
    std::filesystem::remove(torn.log.data.path() + "/recovery-points");
    EXPECT_THAT(torn.log.open(), HasSubstr("good records follow it"));
}

TEST(Recovery, needs_neither_recovery_points_nor_snapshots_nor_indexes) {
    LogHarness log;
    log.config.segment_bytes = 300;
    log.config.index_interval_bytes = 50;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 20; ++i) {
        log.put(make_batch({fmt::format("{}", i)}, 1000 + i, {7, 0, i}));
    }
    const std::string expected = log.records();
    log.stop();
    std::filesystem::remove(log.data.path() + "/recovery-points");
    for (const auto& entry : std::filesystem::directory_iterator(log.folder())) {
        if (entry.path().extension() != ".log") std::filesystem::remove(entry.path());
    }
    ASSERT_EQ(log.open(), "ok");
    log.settle();
    EXPECT_EQ(log.records(), expected);
    EXPECT_EQ(log.put(make_batch({"19"}, 1019, {7, 0, 19})), "19 again");
    EXPECT_EQ(log.put(make_batch({"x"}, 1, {7, 0, 25})), "out of order");
}

TEST(Recovery, passes_over_a_snapshot_that_is_broken_at_any_byte) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    for (int i = 0; i < 3; ++i) log.put(make_batch({"v"}, 1, {7, 0, i}));
    ASSERT_EQ(log.stop(), "ok");
    const std::string path = log.file("00000000000000000003.snapshot");
    const std::string good = read_text(path);
    ASSERT_FALSE(good.empty());
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 4);
        write_text(path, bad);
        ASSERT_EQ(log.open(), "ok") << at;
        EXPECT_EQ(log.put(make_batch({"v"}, 1, {7, 0, 2})), "2 again") << at;
        log.crash();
    }
}

TEST(Recovery, removes_what_a_deletion_left_behind) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    log.append({"a"});
    log.stop();
    write_text(log.file("00000000000000000000.log.deleted"), "x");
    std::filesystem::create_directory(log.data.path() + "/1.0-delete");
    ASSERT_EQ(log.open(), "ok");
    EXPECT_FALSE(std::filesystem::exists(log.file("00000000000000000000.log.deleted")));
    EXPECT_EQ(log.records(), "0=a ");
    log.crash();
    EXPECT_FALSE(std::filesystem::exists(log.data.path() + "/1.0-delete"));
}

TEST(Recovery, lends_nothing_of_a_deleted_partition_to_one_of_the_same_name) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    log.put(make_batch({"a"}, 1, {7, 3, 5}));
    // Deleted behind the store's back, and through it.
    log.stop();
    std::filesystem::remove_all(log.folder());
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.put(make_batch({"b"}, 1, {7, 0, 0})), "0");
    ASSERT_TRUE(runtime::run_blocking(log.loop(), log.log().close()));
    ASSERT_TRUE(log.store().remove_log(LogHarness::partition()));
    EXPECT_FALSE(log.store().remove_log(LogHarness::partition()));
    EXPECT_TRUE(log.store().list()->empty());
    log.crash();
    ASSERT_EQ(log.open(), "ok");
    EXPECT_EQ(log.append({"c"}), "0");
    EXPECT_EQ(log.store().list()->size(), 1U);
}

TEST(Recovery, says_who_holds_the_data_folder) {
    LogHarness log;
    ASSERT_EQ(log.open(), "ok");
    const auto disk = runtime::make_system_disk();
    const auto pool = runtime::make_system_pool("other", 1);
    const auto other = LogStore::open(*disk, log.clock, *pool, log.data.path());
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code(), base::Code::kConflict);
    EXPECT_THAT(other.error().message(), HasSubstr("is in use"));
}

}  // namespace
}  // namespace millrace::storage
