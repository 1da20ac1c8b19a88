#include "broker/keyed_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/append_signals.h"
#include "broker/broker_harness_internal.h"
#include "broker/partition.h"
#include "model/topic_name.h"
#include "storage/log_store.h"

namespace millrace::broker {
namespace {

using base::Bytes;
using base::Result;
using runtime::Task;
using Table = std::map<Bytes, Bytes>;

std::vector<KeyedRecord> state_of(const Table& table) {
    std::vector<KeyedRecord> state;
    for (const auto& [key, value] : table) state.push_back({key, value});
    return state;
}

// A pool that does nothing while it is held: so that no sync ends meanwhile.
class HeldPool final : public runtime::Pool {
public:
    explicit HeldPool(runtime::Pool& pool) : pool_(pool) {}
    std::size_t size() const override { return pool_.size(); }
    void submit(runtime::Work work) override {
        const std::lock_guard lock(mutex_);
        if (held_) {
            waiting_.push_back(std::move(work));
        } else {
            pool_.submit(std::move(work));
        }
    }
    void hold() {
        const std::lock_guard lock(mutex_);
        held_ = true;
    }
    void release() {
        const std::lock_guard lock(mutex_);
        held_ = false;
        for (runtime::Work& work : std::exchange(waiting_, {})) pool_.submit(std::move(work));
    }

private:
    runtime::Pool& pool_;
    std::mutex mutex_;
    bool held_ = false;
    std::vector<runtime::Work> waiting_;
};

// A keyed log in a folder of its own, with the table that its owner would keep.
class KeyedLogTest : public testing::Test {
protected:
    KeyedLogTest() { open(); }
    ~KeyedLogTest() override {
        close();
        loops->stop();
        std::filesystem::remove_all(folder);
    }
    void open() {
        auto opened = storage::LogStore::open(*disk, *clock, held, folder);
        ASSERT_TRUE(opened);
        store = std::move(*opened);
        storage::LogConfig config;
        config.cleanup_compact = true;
        config.cleanup_delete = false;
        config.segment_bytes = 16 << 10;
        auto made =
            store->open_log({*model::TopicName::make("__state"), {0}}, config, loops->first());
        ASSERT_TRUE(made);
        partition = std::make_shared<Partition>(0, loops->first(), std::move(*made),
                                                std::make_shared<AppendSignal>());
        log = std::make_unique<KeyedLog>(partition, *clock, /*rewrite_bytes=*/64 << 10);
        runtime::run_blocking(loops->first(), start(*partition));
    }
    void close() {
        ASSERT_TRUE(runtime::run_blocking(loops->first(), partition->close()));
        log.reset();
        partition.reset();
        store.reset();
    }
    static Task<void> start(Partition& partition) {
        partition.start();
        co_return;
    }
    static Task<Result<void>> put(KeyedLog& log, Table& table, Bytes key,
                                  std::optional<Bytes> value) {
        std::vector<KeyedRecord> records;
        records.push_back({key, value});
        MR_CO_TRY(const model::Offset next, log.append(records));
        if (value) {
            table.insert_or_assign(key, *value);
        } else {
            table.erase(key);
        }
        MR_CO_TRY_VOID(co_await log.wait_durable(next));
        if (log.wants_rewrite()) MR_CO_TRY_VOID(co_await log.rewrite(state_of(table)));
        co_return Result<void>();
    }
    void put(const Bytes& key, std::optional<Bytes> value) {
        ASSERT_TRUE(runtime::run_blocking(loops->first(), put(*log, table, key, std::move(value))));
    }
    static Task<Result<void>> read_all(KeyedLog& log, Table& into) {
        co_return co_await log.load([&into](base::ByteView key, std::optional<base::ByteView> v) {
            if (v) {
                into.insert_or_assign(Bytes(key), Bytes(*v));
            } else {
                into.erase(Bytes(key));
            }
        });
    }
    Table loaded() {
        Table into;
        EXPECT_TRUE(runtime::run_blocking(loops->first(), read_all(*log, into)));
        return into;
    }

    std::unique_ptr<runtime::LoopGroup> loops = runtime::make_system_loops(1);
    std::unique_ptr<runtime::Pool> pool = runtime::make_system_pool("pool", 2);
    HeldPool held{*pool};
    std::unique_ptr<runtime::Disk> disk = runtime::make_system_disk();
    std::unique_ptr<runtime::Clock> clock = runtime::make_system_clock();
    std::string folder = detail::fresh_folder();
    std::unique_ptr<storage::LogStore> store;
    std::shared_ptr<Partition> partition;
    std::unique_ptr<KeyedLog> log;
    Table table;
};

TEST_F(KeyedLogTest, gives_back_the_last_value_of_every_key) {
    put("a", "1");
    put("b", "2");
    put("a", "3");
    put("b", std::nullopt);
    EXPECT_EQ(loaded(), (Table{{"a", "3"}}));
    close();
    open();
    EXPECT_EQ(loaded(), table);
}

TEST_F(KeyedLogTest, never_grows_far_beyond_its_state) {
    for (int i = 0; i < 1000; ++i) {
        put("key" + std::to_string(i % 7), std::to_string(i) + Bytes(500, 'x'));
    }
    EXPECT_LT(partition->log()->size_bytes(), 200u << 10);
    EXPECT_EQ(loaded(), table);
    close();
    open();
    EXPECT_EQ(loaded(), table);
}

TEST_F(KeyedLogTest, loads_also_what_a_crash_has_left_unsynced) {
    put("a", "1");
    held.hold();
    std::vector<KeyedRecord> records{{"a", "2"}, {"b", "3"}};
    runtime::run_blocking(loops->first(), [](KeyedLog& to, auto what) -> Task<void> {
        EXPECT_TRUE(to.append(what));
        co_return;
    }(*log, records));
    // What a killed process leaves behind: the bytes are written, no sync has ended.
    const std::string left = folder + "-left";
    std::filesystem::copy(folder, left, std::filesystem::copy_options::recursive);
    held.release();
    close();
    std::filesystem::remove_all(folder);
    std::filesystem::rename(left, folder);

    held.hold();
    open();
    Table found;
    runtime::run_blocking(
        loops->first(),
        [](runtime::Loop& loop, HeldPool& pool, KeyedLog& from, Table& into) -> Task<void> {
            loop.post([&pool] { pool.release(); });
            EXPECT_TRUE(co_await read_all(from, into));
        }(loops->first(), held, *log, found));
    EXPECT_EQ(found, (Table{{"a", "2"}, {"b", "3"}}));
}

}  // namespace
}  // namespace millrace::broker
