#include "storage/log_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/pool.h"
#include "storage/log_internal.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;

namespace {

constexpr std::string_view kDeletedSuffix = "-delete";

std::optional<PartitionName> parse_folder(std::string_view folder) {
    const std::size_t dash = folder.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const std::string_view digits = folder.substr(dash + 1);
    model::PartitionId partition;
    const char* const end = digits.data() + digits.size();
    const auto [rest, code] = std::from_chars(digits.data(), end, partition.value);
    auto topic = model::TopicName::make(folder.substr(0, dash));
    if (code != std::errc() || rest != end || partition.value < 0 || !topic) return std::nullopt;
    return PartitionName{std::move(*topic), partition};
}

}  // namespace

std::string PartitionName::folder() const {
    return fmt::format("{}-{}", topic.str(), partition);
}

struct LogStore::Impl {
    std::string folder;
    std::unique_ptr<runtime::File> lock;
    std::shared_ptr<LogShared> shared;
    std::atomic<std::uint64_t> deletions = 0;

    // Removes a renamed folder in the background.
    void remove_later(std::string path) {
        shared->pool.submit([state = shared, doomed = std::move(path)] {
            // What stays is removed when the store is opened next.
            static_cast<void>(state->disk.remove_tree(doomed));
        });
    }
};

LogStore::LogStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

LogStore::~LogStore() {
    static_cast<void>(impl_->shared->points->sync());
}

const std::string& LogStore::folder() const {
    return impl_->folder;
}

Result<std::unique_ptr<LogStore>> LogStore::open(runtime::Disk& disk, runtime::Clock& clock,
                                                 runtime::Pool& pool, std::string folder) {
    MR_TRY_VOID(runtime::make_directories_durably(disk, folder));
    auto lock = disk.lock(folder + "/.lock");
    if (!lock) {
        return fail(lock.error().with(fmt::format("the data folder {} is in use", folder)));
    }
    auto impl = std::make_unique<Impl>();
    impl->folder = folder;
    impl->lock = std::move(*lock);
    const std::string points_path = folder + "/recovery-points";
    MR_TRY(auto opened, RecoveryPoints::open(disk, points_path));
    std::shared_ptr<RecoveryPoints> points = std::move(opened);
    // Also for the names that an earlier process made, and died before it synced them.
    MR_TRY_VOID(disk.sync_directory(folder));
    auto commits = std::make_shared<GroupCommit>(disk, clock, pool, points, folder);
    impl->shared = std::make_shared<LogShared>(disk, clock, pool, points, std::move(commits));

    MR_TRY(const auto entries, disk.list(folder));
    std::vector<std::string> partitions;
    for (const auto& entry : entries) {
        if (!entry.is_directory) continue;
        if (entry.name.ends_with(kDeletedSuffix)) {
            impl->remove_later(folder + "/" + entry.name);
        } else if (parse_folder(entry.name)) {
            partitions.push_back(entry.name);
        }
    }
    // A partition that was deleted just before a crash must not lend its numbers to a new one.
    points->retain_only(partitions);
    return std::unique_ptr<LogStore>(new LogStore(std::move(impl)));
}

Result<std::vector<PartitionName>> LogStore::list() const {
    MR_TRY(const auto entries, impl_->shared->disk.list(impl_->folder));
    std::vector<PartitionName> partitions;
    for (const auto& entry : entries) {
        if (!entry.is_directory) continue;
        if (auto name = parse_folder(entry.name)) partitions.push_back(std::move(*name));
    }
    std::ranges::sort(partitions);
    return partitions;
}

Result<std::vector<std::unique_ptr<Log>>> LogStore::open_logs(
    const std::vector<OpenRequest>& requests, const LogConfig& config) {
    runtime::Disk& disk = impl_->shared->disk;
    std::vector<std::unique_ptr<Log>> logs;
    bool new_folders = false;
    bool fresh = false;
    for (const OpenRequest& request : requests) {
        const std::string name = request.partition.folder();
        const std::string path = impl_->folder + "/" + name;
        if (!disk.exists(path)) {
            impl_->shared->points->release(name);
            MR_TRY_VOID(disk.make_directories(path));
            new_folders = true;
        }
        auto log = Log::Impl::open(impl_->shared, name, path, config, *request.loop);
        if (!log) return fail(log.error().with(fmt::format("open partition {}", name)));
        fresh = fresh || (*log)->fresh;
        logs.push_back(std::unique_ptr<Log>(new Log(std::move(*log))));
    }
    // Once for all. What a folder holds is synced by the log's first commit; until then a power cut
    // may take it, and the next opening makes it again.
    if (fresh) MR_TRY_VOID(impl_->shared->points->sync());
    if (new_folders) MR_TRY_VOID(disk.sync_directory(impl_->folder));
    return logs;
}

Result<std::unique_ptr<Log>> LogStore::open_log(const PartitionName& partition,
                                                const LogConfig& config, runtime::Loop& loop) {
    MR_TRY(auto logs, open_logs({{partition, &loop}}, config));
    return std::move(logs.front());
}

Result<void> LogStore::remove_log(const PartitionName& partition) {
    runtime::Disk& disk = impl_->shared->disk;
    const std::string name = partition.folder();
    const std::string path = impl_->folder + "/" + name;
    if (!disk.exists(path)) return fail(Code::kNotFound, "there is no partition {}", name);
    const std::string doomed =
        fmt::format("{}/{}.{}{}", impl_->folder, impl_->shared->clock.wall_ms(),
                    impl_->deletions.fetch_add(1), kDeletedSuffix);
    MR_TRY_VOID(disk.rename(path, doomed));
    MR_TRY_VOID(disk.sync_directory(impl_->folder));
    impl_->shared->points->release(name);
    MR_TRY_VOID(impl_->shared->points->write());
    impl_->remove_later(doomed);
    return {};
}

LogStore::Stats LogStore::stats() const {
    const LogShared& shared = *impl_->shared;
    const GroupCommit::Stats& commits = shared.commits->stats();
    return {.appended_bytes = shared.appended_bytes,
            .appended_batches = shared.appended_batches,
            .commits = commits.rounds,
            .synced_logs = commits.logs,
            .commit_ns = commits.nanoseconds,
            .failed_syncs = commits.failures,
            .refused_appends_no_space = shared.no_space,
            .deleted_segments = shared.deleted_segments,
            .cleaner_rounds = shared.cleaner_rounds,
            .cleaner_failures = shared.cleaner_failures,
            .cleaner_bytes_read = shared.cleaner_bytes_read,
            .cleaner_bytes_written = shared.cleaner_bytes_written,
            .cleaner_records_read = shared.cleaner_records_read,
            .cleaner_records_kept = shared.cleaner_records_kept};
}

}  // namespace millrace::storage
