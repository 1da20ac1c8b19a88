#include "state/store.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "runtime/disk.h"
#include "state/hash.h"
#include "state/state_file_internal.h"

namespace millrace::state {

using base::Code;
using base::fail;

namespace {

constexpr std::size_t kPrefetchRows = 12;
// A snapshot is written when the deltas since the last one weigh half of it, so that writing
// snapshots costs a small multiple of writing deltas; the bounds keep tiny states from being
// rewritten all the time and the memory of a merge small.
constexpr std::uint64_t kLeastDeltaBytes = 512 << 10;
constexpr std::uint64_t kMostDeltaBytes = 64 << 20;
constexpr std::uint64_t kBytesPerFile = 1024;  // What opening one more file weighs at recovery.

// "17.delta" -> 17; nullopt for any other name.
std::optional<std::int64_t> version_of(std::string_view name, std::string_view suffix) {
    if (!name.ends_with(suffix)) return std::nullopt;
    name.remove_suffix(suffix.size());
    std::int64_t version = 0;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), version);
    if (problem != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return version;
}

}  // namespace

void KeyBatch::clear() {
    bytes.clear();
    offsets.assign(1, 0);
    times_us.clear();
}

Store::Store(runtime::Disk& disk, std::string directory, Schema schema, StoreOptions options)
    : disk_(disk),
      directory_(std::move(directory)),
      schema_(std::move(schema)),
      options_(options),
      layout_(schema_) {
    for (std::uint32_t i = 0; i < std::max<std::uint32_t>(options_.buckets, 1); ++i) {
        tables_.push_back(std::make_unique<Table>(schema_));
    }
}

Store::~Store() = default;

std::uint32_t Store::bucket_of(std::uint64_t hash) const {
    return state::bucket_of(hash, static_cast<std::uint32_t>(tables_.size()));
}

std::string Store::path_of(std::int64_t version, bool snapshot) const {
    return fmt::format("{}/{}.{}", directory_, version, snapshot ? "snapshot" : "delta");
}

Result<std::unique_ptr<Store>> Store::open(runtime::Disk& disk, std::string directory,
                                           Schema schema, StoreOptions options,
                                           std::int64_t version) {
    std::unique_ptr<Store> store(new Store(disk, std::move(directory), std::move(schema), options));
    if (!options.durable) return store;
    MR_TRY_VOID(runtime::make_directories_durably(disk, store->directory_));
    MR_TRY_VOID(store->load(version));
    return store;
}

Result<void> Store::load(std::int64_t version) {
    MR_TRY(const auto entries, disk_.list(directory_));
    std::map<std::int64_t, File> deltas;
    std::map<std::int64_t, File> snapshots;
    bool removed = false;
    for (const auto& entry : entries) {
        const auto delta = version_of(entry.name, ".delta");
        const auto snapshot = version_of(entry.name, ".snapshot");
        if (!delta && !snapshot && !entry.name.ends_with(".tmp")) continue;
        const std::int64_t of = delta ? *delta : snapshot.value_or(version + 1);
        if (of > version) {
            // Of a batch that was not committed: it will run again and write its own.
            MR_TRY_VOID(disk_.remove(directory_ + "/" + entry.name));
            removed = true;
            continue;
        }
        (delta ? deltas : snapshots)[of] = {of, entry.size_bytes};
    }
    if (removed) MR_TRY_VOID(disk_.sync_directory(directory_));

    // The newest snapshot; an older one when that is damaged and the deltas still reach.
    std::vector<std::int64_t> bases;
    for (const auto& [of, _] : snapshots) bases.insert(bases.begin(), of);
    bases.push_back(0);
    const auto load_from = [&](std::int64_t base) -> Result<void> {
        for (std::int64_t v = base + 1; v <= version; ++v) {
            if (!deltas.contains(v)) {
                return fail(Code::kNotFound, "state version {} cannot be loaded: {} is missing",
                            version, path_of(v, false));
            }
        }
        if (base > 0) MR_TRY_VOID(load_file(path_of(base, true), base, true));
        for (std::int64_t v = base + 1; v <= version; ++v) {
            MR_TRY_VOID(load_file(path_of(v, false), v, false));
        }
        return {};
    };
    std::optional<base::Error> problem;
    for (const std::int64_t base : bases) {
        const auto outcome = load_from(base);
        if (outcome) {
            problem.reset();
            break;
        }
        if (!problem) problem = outcome.error();
        snapshots.erase(base);
        for (auto& table : tables_) table = std::make_unique<Table>(schema_);
    }
    if (problem) return fail(*problem);
    version_ = version;
    for (const auto& [_, file] : deltas) deltas_.push_back(file);
    for (const auto& [_, file] : snapshots) snapshots_.push_back(file);
    return {};
}

Result<void> Store::load_file(const std::string& path, std::int64_t version, bool snapshot) {
    const FileHeader expected{
        .snapshot = snapshot, .version = version, .schema_sum = schema_checksum(schema_)};
    MR_TRY_VOID(read_state_file(
        disk_, path, expected, [&](std::uint32_t, const Entry& entry) -> Result<void> {
            // The bucket follows from the key, so that files of another number of buckets load too.
            const std::uint64_t hash = hash_key(entry.key);
            Table& table = table_of(hash);
            if (entry.removed) {
                if (Row* row = table.find(hash, entry.key)) table.remove(*row);
                return {};
            }
            std::int64_t time_us = 0;
            if (schema_.timed) {
                if (entry.values.size() < 8) return fail(Code::kCorrupt, "a row has no time");
                std::memcpy(&time_us, entry.values.data(), 8);
            }
            bool inserted = false;
            Row* row = table.upsert(hash, entry.key, time_us, inserted);
            if (!inserted) layout_.clear_cells(*row);
            if (!layout_.read_values(entry.values, *row)) {
                return fail(Code::kCorrupt, "a row does not have the columns of its operator");
            }
            return {};
        }));
    for (auto& table : tables_) table->end_batch();
    return {};
}

void Store::upsert(const KeyBatch& keys, std::vector<Row*>& rows,
                   std::vector<std::uint8_t>& inserted) {
    const std::size_t count = keys.size();
    rows.resize(count);
    inserted.resize(count);
    hashes_.resize(count);
    for (std::size_t i = 0; i < count; ++i) hashes_[i] = hash_key(keys.key(i));
    for (std::size_t i = 0; i < count; ++i) {
        if (i + 2 * kPrefetchRows < count) {
            const std::uint64_t ahead = hashes_[i + 2 * kPrefetchRows];
            table_of(ahead).prefetch_segment(ahead);
        }
        if (i + kPrefetchRows < count) {
            const std::uint64_t ahead = hashes_[i + kPrefetchRows];
            table_of(ahead).prefetch_row(ahead);
        }
        bool is_new = false;
        rows[i] =
            table_of(hashes_[i])
                .upsert(hashes_[i], keys.key(i), schema_.timed ? keys.times_us[i] : 0, is_new);
        inserted[i] = is_new ? 1 : 0;
    }
}

void Store::find(const KeyBatch& keys, std::vector<Row*>& rows) const {
    rows.resize(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::uint64_t hash = hash_key(keys.key(i));
        rows[i] = table_of(hash).find(hash, keys.key(i));
    }
}

void Store::touch(Row& row) {
    table_of(row.hash).touch(row);
}

void Store::remove(Row& row) {
    table_of(row.hash).remove(row);
}

void Store::evict(std::int64_t time_us, const std::function<void(Row&)>& visit) {
    for (auto& table : tables_) table->evict(time_us, visit);
}

void Store::for_each_between(std::int64_t after_us, std::int64_t until_us,
                             const std::function<void(Row&)>& visit) const {
    for (const auto& table : tables_) table->for_each_between(after_us, until_us, visit);
}

void Store::for_each(const std::function<void(Row&)>& visit) const {
    for (const auto& table : tables_) table->for_each(visit);
}

void Store::for_each_changed(const std::function<void(Row&)>& visit) const {
    for (const auto& table : tables_) table->for_each_changed(visit);
}

Result<void> Store::commit() {
    const std::int64_t version = version_ + 1;
    if (!options_.durable) {
        for (auto& table : tables_) table->end_batch();
        version_ = version;
        return {};
    }
    FileWriter writer(
        disk_, path_of(version, false),
        {.version = version, .buckets = buckets(), .schema_sum = schema_checksum(schema_)});
    for (std::uint32_t bucket = 0; bucket < buckets(); ++bucket) {
        Table& table = *tables_[bucket];
        for (const Row* row : table.tombstones()) {
            MR_TRY_VOID(writer.remove(bucket, layout_.key(*row)));
        }
        Result<void> outcome;
        table.for_each_changed([&](Row& row) {
            if (!outcome) return;
            outcome = writer.put(bucket, layout_.key(row),
                                 [&](std::string& to) { layout_.append_values(row, to); });
        });
        MR_TRY_VOID(outcome);
    }
    MR_TRY(last_commit_bytes_, writer.finish());
    for (auto& table : tables_) table->end_batch();
    version_ = version;
    const std::lock_guard lock(files_mutex_);
    deltas_.push_back({version, last_commit_bytes_});
    return {};
}

bool Store::snapshot_due() const {
    const std::int64_t base = snapshots_.empty() ? 0 : snapshots_.back().version;
    std::uint64_t weight = 0;
    int files = 0;
    for (auto delta = deltas_.rbegin(); delta != deltas_.rend() && delta->version > base; ++delta) {
        weight += delta->bytes + kBytesPerFile;
        ++files;
    }
    const std::uint64_t snapshot = snapshots_.empty() ? 0 : snapshots_.back().bytes;
    return files >= options_.min_deltas_for_snapshot &&
           weight >= std::clamp(snapshot / 2, kLeastDeltaBytes, kMostDeltaBytes);
}

std::int64_t Store::oldest_needed() const {
    const std::int64_t newest = deltas_.empty() ? 0 : deltas_.back().version;
    const std::int64_t retained = newest - options_.min_versions_to_retain;
    std::int64_t base = 0;  // The snapshot from which the oldest retained version is loaded.
    for (const File& snapshot : snapshots_) {
        if (snapshot.version <= retained) base = snapshot.version;
    }
    return base;
}

bool Store::maintenance_due() const {
    const std::lock_guard lock(files_mutex_);
    const std::int64_t base = oldest_needed();
    return snapshot_due() || (!deltas_.empty() && deltas_.front().version <= base);
}

Result<void> Store::maintain() {
    std::vector<File> merged;
    std::optional<File> base;
    {
        const std::lock_guard lock(files_mutex_);
        if (snapshot_due()) {
            if (!snapshots_.empty()) base = snapshots_.back();
            for (const File& delta : deltas_) {
                if (delta.version > (base ? base->version : 0)) merged.push_back(delta);
            }
        }
    }
    if (!merged.empty()) {
        MR_TRY(const File written, write_snapshot(base, merged));
        const std::lock_guard lock(files_mutex_);
        snapshots_.push_back(written);
    }
    std::vector<std::string> unneeded;
    {
        const std::lock_guard lock(files_mutex_);
        const std::int64_t needed = oldest_needed();
        std::erase_if(deltas_, [&](const File& file) {
            if (file.version > needed) return false;
            unneeded.push_back(path_of(file.version, false));
            return true;
        });
        std::erase_if(snapshots_, [&](const File& file) {
            if (file.version >= needed) return false;
            unneeded.push_back(path_of(file.version, true));
            return true;
        });
    }
    for (const std::string& path : unneeded) MR_TRY_VOID(disk_.remove(path));
    return {};
}

Result<Store::File> Store::write_snapshot(const std::optional<File>& base,
                                          const std::vector<File>& deltas) {
    const std::uint32_t schema_sum = schema_checksum(schema_);
    const std::int64_t version = deltas.back().version;
    // The last word on each key that changed since the base.
    struct Change {
        std::uint32_t bucket = 0;
        bool removed = false;
        std::string values;
    };
    std::unordered_map<std::string, Change> changes;
    for (const File& delta : deltas) {
        MR_TRY_VOID(read_state_file(disk_, path_of(delta.version, false),
                                    {.version = delta.version, .schema_sum = schema_sum},
                                    [&](std::uint32_t bucket, const Entry& entry) -> Result<void> {
                                        Change& change = changes[std::string(entry.key)];
                                        change.bucket = bucket;
                                        change.removed = entry.removed;
                                        change.values = entry.values;
                                        return {};
                                    }));
    }
    FileWriter writer(
        disk_, path_of(version, true),
        {.snapshot = true, .version = version, .buckets = buckets(), .schema_sum = schema_sum});
    std::string key;
    if (base) {
        MR_TRY_VOID(
            read_state_file(disk_, path_of(base->version, true),
                            {.snapshot = true, .version = base->version, .schema_sum = schema_sum},
                            [&](std::uint32_t bucket, const Entry& entry) -> Result<void> {
                                key = entry.key;
                                const auto change = changes.find(key);
                                if (change == changes.end())
                                    return writer.put_bytes(bucket, key, entry.values);
                                Result<void> outcome;
                                if (!change->second.removed) {
                                    outcome = writer.put_bytes(bucket, key, change->second.values);
                                }
                                changes.erase(change);
                                return outcome;
                            }));
    }
    std::vector<const std::pair<const std::string, Change>*> added;
    for (const auto& change : changes) {
        if (!change.second.removed) added.push_back(&change);
    }
    std::ranges::sort(added, {}, [](const auto* change) { return change->second.bucket; });
    for (const auto* change : added) {
        MR_TRY_VOID(writer.put_bytes(change->second.bucket, change->first, change->second.values));
    }
    MR_TRY(const std::uint64_t bytes, writer.finish());
    return File{version, bytes};
}

std::size_t Store::rows() const {
    std::size_t total = 0;
    for (const auto& table : tables_) total += table->rows();
    return total;
}

std::size_t Store::memory_bytes() const {
    std::size_t total = 0;
    for (const auto& table : tables_) total += table->memory_bytes();
    return total;
}

}  // namespace millrace::state
