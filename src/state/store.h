// Store: the keyed state of one stateful operator, with versions.
//
// Rows are spread over a fixed number of buckets, each a Table in memory. commit(v) writes what the
// batch changed as one small delta file, durable when it returns; maintain() merges an older
// snapshot and the deltas after it into a new snapshot, out of the files alone, so that it never
// touches the tables nor holds up a batch. Opening a version loads the newest snapshot at or before
// it and the deltas after that. On disk: docs/formats/state_delta.md.
// Thread rule: everything belongs to the operator's thread, but maintain(), which may run on one
// other thread at the same time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "state/table.h"

namespace millrace::runtime {
class Disk;
}

namespace millrace::state {

using base::Result;

struct StoreOptions {
    std::uint32_t buckets = 8;
    int min_versions_to_retain = 100;
    int min_deltas_for_snapshot = 10;
    bool durable = true;  // False: versions count, but nothing is written.
};

// Keys of one batch: key i is bytes [offsets[i], offsets[i + 1]) of `bytes`.
struct KeyBatch {
    std::string bytes;
    std::vector<std::uint64_t> offsets{0};
    std::vector<std::int64_t> times_us;  // One a key when the schema is timed.

    std::size_t size() const { return offsets.size() - 1; }
    std::string_view key(std::size_t i) const {
        return std::string_view(bytes).substr(offsets[i], offsets[i + 1] - offsets[i]);
    }
    void end_key() { offsets.push_back(bytes.size()); }
    void clear();
};

class Store {
public:
    // Version 0 is the empty state before the first batch. Errors: kNotFound when the files of the
    // version are not all there, kCorrupt when one is torn or damaged, kInvalidArgument when they
    // belong to another schema.
    static Result<std::unique_ptr<Store>> open(runtime::Disk& disk, std::string directory,
                                               Schema schema, StoreOptions options,
                                               std::int64_t version);
    ~Store();

    const Layout& layout() const { return layout_; }
    std::int64_t version() const { return version_; }
    std::uint32_t buckets() const { return static_cast<std::uint32_t>(tables_.size()); }

    // The row of each key, made when missing; `inserted[i]` says so. A key may come twice.
    void upsert(const KeyBatch& keys, std::vector<Row*>& rows, std::vector<std::uint8_t>& inserted);
    // The row of each key or null.
    void find(const KeyBatch& keys, std::vector<Row*>& rows) const;
    // Marks a row as changed in this batch: for a caller that kept the pointer.
    void touch(Row& row);
    void remove(Row& row);
    // Remove the rows with a time at or before `time_us`; `visit` sees each before.
    void evict(std::int64_t time_us, const std::function<void(Row&)>& visit);
    // The rows with a time in (after_us, until_us].
    void for_each_between(std::int64_t after_us, std::int64_t until_us,
                          const std::function<void(Row&)>& visit) const;
    void for_each(const std::function<void(Row&)>& visit) const;
    void for_each_changed(const std::function<void(Row&)>& visit) const;

    // Make the batch's changes durable as the next version, version() + 1.
    Result<void> commit();

    // True when maintain() has something to do.
    bool maintenance_due() const;
    // Write a snapshot when one is due and remove files that no retained version needs.
    Result<void> maintain();

    std::size_t rows() const;
    std::size_t memory_bytes() const;
    std::size_t last_commit_bytes() const { return last_commit_bytes_; }

private:
    struct File {  // A delta or snapshot on disk.
        std::int64_t version = 0;
        std::uint64_t bytes = 0;
    };
    Store(runtime::Disk& disk, std::string directory, Schema schema, StoreOptions options);
    Result<void> load(std::int64_t version);
    Result<void> load_file(const std::string& path, std::int64_t version, bool snapshot);
    Result<File> write_snapshot(const std::optional<File>& base, const std::vector<File>& deltas);
    // These two under files_mutex_.
    bool snapshot_due() const;
    std::int64_t oldest_needed() const;  // Files at or before this version are not needed, but its
                                         // snapshot.
    std::string path_of(std::int64_t version, bool snapshot) const;
    Table& table_of(std::uint64_t hash) const { return *tables_[bucket_of(hash)]; }
    std::uint32_t bucket_of(std::uint64_t hash) const;

    runtime::Disk& disk_;
    const std::string directory_;
    const Schema schema_;
    const StoreOptions options_;
    const Layout layout_;
    std::vector<std::unique_ptr<Table>> tables_;
    std::int64_t version_ = 0;
    std::size_t last_commit_bytes_ = 0;
    std::vector<std::uint64_t> hashes_;  // Scratch of upsert.

    mutable std::mutex files_mutex_;  // Guards the two lists, which maintain() shares.
    std::vector<File> deltas_;        // By version.
    std::vector<File> snapshots_;
};

}  // namespace millrace::state
