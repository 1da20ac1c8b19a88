#include "runtime/disk.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "runtime/clock.h"

namespace millrace::runtime {
namespace {

using base::Code;

class SystemDiskTest : public testing::Test {
protected:
    SystemDiskTest() {
        char name[] = "/tmp/millrace-disk-XXXXXX";
        folder = ::mkdtemp(name);
    }
    ~SystemDiskTest() override { (void)disk->remove_tree(folder); }
    std::string at(const std::string& name) const { return folder + "/" + name; }

    std::string folder;
    std::unique_ptr<Disk> disk = make_system_disk();
};

std::string names(const base::Result<std::vector<Disk::Entry>>& entries) {
    if (!entries) return std::string(code_name(entries.error().code()));
    std::string text;
    for (const auto& entry : *entries) {
        text += entry.name + (entry.is_directory ? "/ " : fmt::format("={} ", entry.size_bytes));
    }
    return text;
}

TEST_F(SystemDiskTest, reads_what_was_written_wherever_it_was) {
    const auto file = disk->open(at("a"), OpenMode::kCreate).value();
    ASSERT_TRUE(file->write_at(0, "hello world"));
    ASSERT_TRUE(file->write_at(6, "there"));
    ASSERT_TRUE(file->sync());
    EXPECT_EQ(file->size_bytes().value(), 11u);
    char into[8] = {};
    EXPECT_EQ(file->read_at(6, into, sizeof(into)).value(), 5u) << "short at the end of the file";
    EXPECT_EQ(std::string_view(into, 5), "there");
    EXPECT_EQ(file->read_at(100, into, sizeof(into)).value(), 0u);
    ASSERT_TRUE(file->truncate(5));
    EXPECT_EQ(read_file(*disk, at("a")).value(), "hello");
    ASSERT_TRUE(file->write_at(7, "!"));
    EXPECT_EQ(read_file(*disk, at("a")).value(), std::string_view("hello\0\0!", 8));
}

TEST_F(SystemDiskTest, opens_only_as_the_mode_says) {
    EXPECT_EQ(disk->open(at("none"), OpenMode::kRead).error().code(), Code::kNotFound);
    EXPECT_EQ(disk->open(at("none"), OpenMode::kReadWrite).error().code(), Code::kNotFound);
    EXPECT_EQ(disk->open(at("no/folder"), OpenMode::kCreate).error().code(), Code::kNotFound);
    EXPECT_FALSE(disk->open(folder, OpenMode::kRead));
    ASSERT_TRUE(write_file_durably(*disk, at("a"), "content"));
    EXPECT_EQ(disk->open(at("a"), OpenMode::kCreate).value()->size_bytes().value(), 7u);
    EXPECT_FALSE(disk->open(at("a"), OpenMode::kRead).value()->write_at(0, "x"));
    EXPECT_EQ(disk->open(at("a"), OpenMode::kCreateFresh).value()->size_bytes().value(), 0u);
}

TEST_F(SystemDiskTest, keeps_directories) {
    ASSERT_TRUE(disk->make_directories(at("b/c")));
    ASSERT_TRUE(disk->make_directories(at("b/c")));
    ASSERT_TRUE(write_file_durably(*disk, at("b/z"), "12"));
    ASSERT_TRUE(write_file_durably(*disk, at("b/a"), "123"));
    EXPECT_EQ(names(disk->list(at("b"))), "a=3 c/ z=2 ");
    EXPECT_EQ(names(disk->list(at("none"))), "not found");
    EXPECT_FALSE(disk->remove(at("b"))) << "not empty";
    ASSERT_TRUE(disk->rename(at("b/a"), at("b/z")));
    EXPECT_EQ(read_file(*disk, at("b/z")).value(), "123");
    ASSERT_TRUE(disk->sync_directory(at("b")));
    EXPECT_EQ(disk->remove(at("b/a")).error().code(), Code::kNotFound);
    EXPECT_TRUE(disk->exists(at("b/c")));
    ASSERT_TRUE(disk->remove_tree(at("b")));
    EXPECT_EQ(disk->remove_tree(at("b")).error().code(), Code::kNotFound);
    EXPECT_FALSE(disk->exists(at("b/c")));
}

TEST_F(SystemDiskTest, syncs_a_file_system_and_knows_its_space) {
    EXPECT_TRUE(disk->sync_all(folder));
    EXPECT_TRUE(disk->sync_all(folder));
    EXPECT_EQ(disk->sync_all(at("none")).error().code(), Code::kNotFound);
    const auto space = disk->space(folder).value();
    EXPECT_GT(space.total_bytes, 0u);
    EXPECT_LE(space.available_bytes, space.total_bytes);
}

TEST_F(SystemDiskTest, a_lock_has_one_holder_and_names_it) {
    auto held = disk->lock(at("lock"));
    ASSERT_TRUE(held);
    const auto refused = make_system_disk()->lock(at("lock"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kConflict);
    EXPECT_EQ(refused.error().message(),
              fmt::format("{} is held by process {}", at("lock"), ::getpid()));
    held->reset();
    EXPECT_TRUE(disk->lock(at("lock")));
}

TEST(Random, gives_the_same_numbers_for_the_same_seed) {
    const auto first = make_seeded_random(7);
    const auto second = make_seeded_random(7);
    const auto other = make_seeded_random(8);
    const std::uint64_t number = first->next();
    EXPECT_EQ(number, second->next());
    EXPECT_NE(number, other->next());
    EXPECT_NE(make_system_random()->next(), make_system_random()->next());
}

TEST(Random, makes_version_4_uuids) {
    const auto random = make_seeded_random(1);
    for (int i = 0; i < 50; ++i) {
        const std::string uuid = make_uuid(*random);
        ASSERT_EQ(uuid.size(), 36u);
        EXPECT_EQ(uuid[14], '4') << uuid;
        EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos) << uuid;
    }
}

TEST(SystemClock, goes_forward) {
    const auto clock = make_system_clock();
    const std::int64_t start_ns = clock->monotonic_ns();
    EXPECT_GE(clock->monotonic_ns(), start_ns);
    EXPECT_GT(clock->wall_ms(), 1'700'000'000'000);
}

}  // namespace
}  // namespace millrace::runtime
