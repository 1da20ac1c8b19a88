#include "state/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "runtime/sim/sim_disk.h"

namespace millrace::state {
namespace {

using base::Code;

class StoreTest : public testing::Test {
protected:
    StoreTest() { open(0); }

    Result<void> try_open(std::int64_t version, StoreOptions options = {}) {
        store_.reset();
        auto opened = Store::open(*disk_, root_ + "/0", schema_, options, version);
        if (!opened) return std::unexpected(opened.error());
        store_ = std::move(*opened);
        return {};
    }
    void open(std::int64_t version, StoreOptions options = {}) {
        const auto outcome = try_open(version, options);
        ASSERT_TRUE(outcome) << outcome.error().to_string();
    }
    // Adds `value` to the count of `key`.
    void add(const std::string& key, std::int64_t value, std::int64_t time_us = 0) {
        KeyBatch keys;
        keys.bytes = key;
        keys.end_key();
        keys.times_us.push_back(time_us);
        std::vector<Row*> rows;
        std::vector<std::uint8_t> inserted;
        store_->upsert(keys, rows, inserted);
        const Layout& layout = store_->layout();
        layout.set_null(*rows[0], 0, false);
        layout.cell<std::int64_t>(*rows[0], 0) += value;
        if (schema_.values.size() > 1) layout.set_text(*rows[0], 1, key + "!");
    }
    void remove(const std::string& key) {
        KeyBatch keys;
        keys.bytes = key;
        keys.end_key();
        std::vector<Row*> rows;
        store_->find(keys, rows);
        ASSERT_NE(rows[0], nullptr);
        store_->remove(*rows[0]);
    }
    std::map<std::string, std::int64_t> content() const {
        std::map<std::string, std::int64_t> all;
        store_->for_each([&](Row& row) {
            all[std::string(store_->layout().key(row))] =
                store_->layout().cell<std::int64_t>(row, 0);
        });
        return all;
    }
    std::vector<std::string> evict(std::int64_t time_us) {
        std::vector<std::string> keys;
        store_->evict(time_us, [&](Row& row) { keys.emplace_back(store_->layout().key(row)); });
        std::ranges::sort(keys);
        return keys;
    }
    void commit() {
        const auto outcome = store_->commit();
        ASSERT_TRUE(outcome) << outcome.error().to_string();
    }
    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& entry : *disk_->list(root_ + "/0")) names.push_back(entry.name);
        return names;
    }

    std::unique_ptr<runtime::SimDisk> disk_ = std::make_unique<runtime::SimDisk>(1);
    const std::string root_ = "/state";
    Schema schema_{{CellKind::kInt64}, false, "count"};
    std::unique_ptr<Store> store_;
};

using Content = std::map<std::string, std::int64_t>;

TEST_F(StoreTest, keeps_each_version) {
    add("a", 1);
    add("b", 2);
    commit();
    add("a", 10);
    remove("b");
    commit();
    add("b", 7);
    commit();
    EXPECT_EQ(content(), (Content{{"a", 11}, {"b", 7}}));
    open(3);
    EXPECT_EQ(content(), (Content{{"a", 11}, {"b", 7}}));
}

TEST_F(StoreTest, opening_an_older_version_forgets_the_later_ones) {
    add("a", 1);
    commit();
    add("a", 1);
    commit();
    open(1);
    EXPECT_EQ(content(), (Content{{"a", 1}}));
    EXPECT_THAT(files(), testing::ElementsAre("1.delta"));
    open(0);
    EXPECT_EQ(content(), Content());
}

TEST_F(StoreTest, a_row_removed_and_made_again_in_one_batch_starts_afresh) {
    add("a", 5);
    commit();
    remove("a");
    add("a", 1);
    commit();
    open(2);
    EXPECT_EQ(content(), (Content{{"a", 1}}));
}

TEST_F(StoreTest, a_row_made_and_removed_in_one_batch_leaves_nothing) {
    add("a", 5);
    remove("a");
    commit();
    open(1);
    EXPECT_EQ(content(), Content());
}

TEST_F(StoreTest, evicts_at_or_before_the_time) {
    schema_.timed = true;
    open(0);
    add("early", 1, -5'000'000);
    add("at", 1, 2'000'000);
    add("just after", 1, 2'000'001);
    add("late", 1, 9'000'000);
    EXPECT_EQ(evict(2'000'000), (std::vector<std::string>{"at", "early"}));
    EXPECT_EQ(evict(2'000'000), std::vector<std::string>());
    commit();
    open(1);
    EXPECT_EQ(content(), (Content{{"just after", 1}, {"late", 1}}));
    EXPECT_EQ(evict(2'000'001), (std::vector<std::string>{"just after"}));
}

TEST_F(StoreTest, texts_survive) {
    schema_ = {{CellKind::kInt64, CellKind::kText}, false, "text"};
    open(0);
    add("a", 1);
    add("a", 1);
    commit();
    open(1);
    std::string text;
    store_->for_each([&](Row& row) { text = store_->layout().text(row, 1); });
    EXPECT_EQ(text, "a!");
    EXPECT_EQ(content(), (Content{{"a", 2}}));
}

TEST_F(StoreTest, another_schema_is_refused_in_words) {
    add("a", 1);
    commit();
    schema_.description = "other";
    const auto outcome = try_open(1);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(outcome.error().message(), testing::HasSubstr("the query has changed"));
}

TEST_F(StoreTest, a_missing_delta_is_named) {
    add("a", 1);
    commit();
    add("a", 1);
    commit();
    ASSERT_TRUE(disk_->remove(root_ + "/0/1.delta"));
    const auto outcome = try_open(2);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code(), Code::kNotFound);
    EXPECT_THAT(outcome.error().message(), testing::HasSubstr("1.delta is missing"));
}

TEST_F(StoreTest, every_damaged_byte_and_every_torn_length_is_refused) {
    schema_ = {{CellKind::kInt64, CellKind::kText}, true, "all"};
    open(0);
    add("a", 1, 3);
    add("bb", 2, 4);
    commit();
    const std::string path = root_ + "/0/1.delta";
    const std::string whole = *runtime::read_file(*disk_, path);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        ASSERT_TRUE(runtime::write_file_durably(*disk_, path, whole.substr(0, length)));
        EXPECT_FALSE(try_open(1)) << "torn at " << length;
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
        ASSERT_TRUE(runtime::write_file_durably(*disk_, path, damaged));
        EXPECT_FALSE(try_open(1)) << "damaged at " << at;
    }
}

TEST_F(StoreTest, random_batches_with_snapshots_equal_a_map) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    schema_ = {{CellKind::kInt64, CellKind::kText}, true, "random"};
    const StoreOptions options{.buckets = 3, .min_versions_to_retain = 5};
    open(0, options);
    Content expected;
    for (int batch = 0; batch < 120; ++batch) {
        for (int i = 0; i < 300; ++i) {
            const std::string key(1 + random() % 40, static_cast<char>('a' + random() % 26));
            const std::string full = key + std::to_string(random() % 200);
            if (random() % 4 == 0 && expected.contains(full)) {
                remove(full);
                expected.erase(full);
            } else {
                add(full, 3, static_cast<std::int64_t>(random() % 10'000'000));
                expected[full] += 3;
            }
        }
        commit();
        ASSERT_TRUE(store_->maintain());
        if (random() % 10 == 0) open(store_->version(), options);
        ASSERT_EQ(content(), expected) << "after batch " << batch;
    }
    EXPECT_LT(files().size(), 110U) << "old versions are removed";
    // Every retained version loads.
    for (int back = 0; back < 5; ++back) open(store_->version() - 1, options);
}

TEST_F(StoreTest, a_damaged_snapshot_is_passed_over_while_the_deltas_reach) {
    const StoreOptions options{.min_deltas_for_snapshot = 1};
    open(0, options);
    for (int i = 0; i < 600; ++i) {
        add("key" + std::to_string(i), i);
        commit();
    }
    ASSERT_TRUE(store_->maintain());
    const std::string path = root_ + "/0/600.snapshot";
    ASSERT_TRUE(disk_->exists(path));
    ASSERT_TRUE(runtime::write_file_durably(*disk_, path, "torn"));
    open(600, options);
    EXPECT_EQ(content().size(), 600U);
}

TEST_F(StoreTest, a_committed_version_survives_a_power_cut_and_a_half_written_one_is_forgotten) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        store_.reset();
        disk_ = std::make_unique<runtime::SimDisk>(seed);
        open(0);
        for (int i = 0; i < 5; ++i) {
            add("a", 1);
            commit();
        }
        add("a", 100);
        using Call = runtime::SimDisk::Call;
        disk_->fail(seed % 2 == 0 ? Call::kSync : Call::kRename);
        EXPECT_FALSE(store_->commit());
        disk_->crash();
        disk_->restart();
        open(5);
        EXPECT_EQ(content(), (Content{{"a", 5}}));
        add("a", 1);
        commit();
        open(6);
        EXPECT_EQ(content(), (Content{{"a", 6}}));
    }
}

TEST_F(StoreTest, changed_rows_are_those_of_this_batch) {
    add("a", 1);
    add("b", 1);
    commit();
    add("b", 1);
    add("c", 1);
    remove("c");
    std::vector<std::string> changed;
    store_->for_each_changed([&](Row& row) { changed.emplace_back(store_->layout().key(row)); });
    EXPECT_EQ(changed, (std::vector<std::string>{"b"}));
}

}  // namespace
}  // namespace millrace::state
