// LogHarness: one log in a temporary folder, for tests. Opens, crashes and restarts it, and turns
// calls on its loop into plain values and strings.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "model/batch_builder.h"
#include "model/records.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "storage/checked_batch.h"
#include "storage/log.h"
#include "storage/log_store.h"

namespace millrace::storage {

class TestClock final : public runtime::Clock {
public:
    std::int64_t wall_ms() const override { return wall_ms_; }
    std::int64_t monotonic_ns() const override { return wall_ms_ * 1'000'000; }
    void set(std::int64_t wall_ms) { wall_ms_ = wall_ms; }
    void advance(std::int64_t ms) { wall_ms_ += ms; }

private:
    std::atomic<std::int64_t> wall_ms_ = 1'700'000'000'000;
};

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string path = std::filesystem::temp_directory_path() / "millrace-test-XXXXXX";
        MR_CHECK(::mkdtemp(path.data()) != nullptr);
        path_ = path;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

inline std::string read_text(const std::string& path) {
    return runtime::read_file(*runtime::make_system_disk(), path).value_or("");
}
inline void write_text(const std::string& path, std::string_view content) {
    const auto file = runtime::make_system_disk()->open(path, runtime::OpenMode::kCreateFresh);
    MR_CHECK(file && (*file)->write_at(0, content));
}

struct TestProducer {
    std::int64_t id = -1;
    std::int16_t epoch = -1;
    std::int32_t sequence = -1;
};

inline base::Bytes make_batch(const std::vector<std::string>& values, std::int64_t timestamp_ms,
                              const TestProducer& producer = {},
                              model::Codec codec = model::Codec::kNone) {
    model::BatchBuilder builder({.codec = codec,
                                 .producer = {producer.id, producer.epoch},
                                 .base_sequence = producer.sequence});
    for (const std::string& value : values) {
        builder.add({timestamp_ms}, std::nullopt, base::ByteView(value));
    }
    return builder.build();
}

class LogHarness {
public:
    explicit LogHarness(const LogConfig& log_config = {}, runtime::Disk* on_disk = nullptr)
        : config(log_config),
          own_disk_(runtime::make_system_disk()),
          disk_(on_disk != nullptr ? on_disk : own_disk_.get()),
          loops_(runtime::make_system_loops(1)),
          pool_(runtime::make_system_pool("test", 2)) {}
    ~LogHarness() { crash(); }

    runtime::Loop& loop() { return loops_->first(); }
    runtime::Pool& pool() { return *pool_; }
    Log& log() { return *log_; }
    LogStore& store() { return *store_; }
    std::string folder() const { return data.path() + "/t-0"; }
    std::string file(const std::string& name) const { return folder() + "/" + name; }
    static PartitionName partition() { return {*model::TopicName::make("t"), {0}}; }

    template <class Fn>
    auto on_loop(Fn fn) {
        constexpr auto kCall = [](Fn* call) -> runtime::Task<decltype(fn())> {
            co_return (*call)();
        };
        return runtime::run_blocking(loop(), kCall(&fn));
    }

    // "ok" or the error.
    std::string open() {
        auto store = LogStore::open(*disk_, clock, *pool_, data.path());
        if (!store) return store.error().to_string();
        store_ = std::move(*store);
        auto log = store_->open_log(partition(), config, loop());
        if (!log) {
            const std::string words = log.error().to_string();
            store_.reset();
            return words;
        }
        log_ = std::move(*log);
        return "ok";
    }
    // As when the process dies: nothing is written, but the page cache stays.
    void crash() {
        if (log_) {
            on_loop([&] {
                log_.reset();
                return 0;
            });
        }
        store_.reset();
        // The jobs that were under way.
        pool_ = runtime::make_system_pool("test", 2);
    }
    std::string stop() {
        const auto closed = runtime::run_blocking(loop(), log_->close());
        crash();
        return closed ? "ok" : closed.error().to_string();
    }

    base::Result<Log::Appended> try_append(base::Bytes batch) {
        return on_loop([&]() -> base::Result<Log::Appended> {
            base::Bytes scratch;
            MR_TRY(const auto checked,
                   CheckedBatch::check({batch.data(), batch.size()}, Origin::kClient,
                                       log_->config(), {clock.wall_ms()}, scratch));
            return log_->append(checked);
        });
    }
    // Appends and waits until durable: "offset", "offset again" for a retry, or the error's code.
    std::string put(base::Bytes batch) {
        const auto appended = try_append(std::move(batch));
        if (!appended) return std::string(base::code_name(appended.error().code()));
        const auto durable =
            runtime::run_blocking(loop(), log_->wait_durable(appended->next_offset));
        if (!durable) return std::string(base::code_name(durable.error().code()));
        return fmt::format("{}{}", appended->base_offset, appended->duplicate ? " again" : "");
    }
    std::string append(const std::vector<std::string>& values) {
        return put(make_batch(values, clock.wall_ms()));
    }

    Log::Offsets offsets() {
        return on_loop([&] { return log_->offsets(); });
    }
    // Waits until all that was appended is durable.
    void settle() {
        static_cast<void>(runtime::run_blocking(loop(), log_->wait_durable(offsets().log_end)));
    }

    // "offset=value offset=value ..." from `from` to the high watermark, read by slices.
    std::string records(std::int64_t from = -1, std::size_t max_bytes = 4096) {
        std::string text;
        model::Offset at{from >= 0 ? from : offsets().log_start.value};
        while (true) {
            const auto bytes = on_loop([&]() -> base::Result<base::Bytes> {
                MR_TRY(const Slice slice, log_->read(at, max_bytes, Isolation::kReadUncommitted));
                return slice.load();
            });
            if (!bytes) return text + "! " + std::string(base::code_name(bytes.error().code()));
            if (bytes->empty()) return text;
            const model::Offset before = at;
            for (base::ByteView rest = *bytes; !rest.empty();) {
                const auto batch = model::RecordBatch::parse(rest);
                if (!batch) break;  // Cut off: the next slice has it.
                if (!batch->check_crc()) return text + "! bad crc";
                rest.remove_prefix(batch->size_bytes());
                base::Bytes scratch;
                const auto payload = model::unpack(*batch, scratch);
                model::RecordIterator iterator(*batch, *payload);
                model::RecordView record;
                while (*iterator.next(record)) {
                    if (record.offset < at) continue;
                    text += fmt::format("{}={} ", record.offset, record.value.value_or("null"));
                }
                at = std::max(at, batch->next_offset());
            }
            if (at == before) return text + "! no progress";
        }
    }

    LogConfig config;
    TestClock clock;
    TemporaryFolder data;

private:
    std::unique_ptr<runtime::Disk> own_disk_;
    runtime::Disk* disk_;
    std::unique_ptr<runtime::LoopGroup> loops_;
    std::unique_ptr<runtime::Pool> pool_;
    std::unique_ptr<LogStore> store_;
    std::unique_ptr<Log> log_;
};

}  // namespace millrace::storage
