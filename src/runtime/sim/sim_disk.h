// SimDisk: a disk in memory that keeps apart what was written from what would survive a power cut.
//
// crash() decides, by the seed, the fate of everything that was not synced: each write is kept,
// lost or torn into its 512-byte sectors; of the names that were made, renamed or removed in a
// directory since it was synced, the first so many are kept and the later ones forgotten. A failed
// sync does as Linux does: it throws away some of the unsynced writes, and the next sync "succeeds"
// without them.
//
// Thread rule: thread-safe, so that it also serves tests on real threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "runtime/disk.h"
#include "runtime/sim/simulation.h"

namespace millrace::runtime {

class SimDisk final : public Disk {
public:
    // `clock` dates the files, when there is one.
    explicit SimDisk(std::uint64_t seed, const Clock* clock = nullptr);
    ~SimDisk() override;

    // The power goes: every call, on the disk and on open files, fails from now on. Names and bytes
    // are what a restart will find.
    void crash();
    // The process dies, the machine stays up: as crash(), but everything written is still there,
    // and what was not synced may still be lost by a later crash.
    void kill();
    // The power goes in the middle of something: at the `calls`-th call from now, which fails as
    // all do after it. Then call crash() (or kill(), as if the process alone had died).
    void lose_power_in(int calls);
    bool has_power() const;
    // Power (or the process) is back. Files that were open before stay dead, locks are free.
    void restart();

    enum class Call : std::uint8_t { kOpen, kRead, kWrite, kTruncate, kSync, kRename, kCount };
    // The `nth` call of that kind from now (1: the next) fails with EIO; a write may leave a part
    // behind.
    void fail(Call call, int nth = 1);
    // Every such call fails with this probability.
    void set_fault_rate(Call call, double probability);
    // Bytes that all files together may hold; writes beyond it give kNoSpace after filling it.
    void set_capacity_bytes(std::uint64_t capacity);
    // Damages what lies on the disk, and what is read: kNotFound, kOutOfRange.
    base::Result<void> flip_bit(const std::string& path, std::uint64_t byte, int bit);

    // Faults given so far, and successful syncs (of files, directories or all).
    std::uint64_t faults() const;
    std::uint64_t syncs() const;
    std::uint64_t used_bytes() const;

    base::Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
    base::Result<std::vector<Entry>> list(const std::string& directory) const override;
    bool exists(const std::string& path) const override;
    base::Result<void> make_directories(const std::string& directory) override;
    base::Result<void> rename(const std::string& from, const std::string& to) override;
    base::Result<void> remove(const std::string& path) override;
    base::Result<void> remove_tree(const std::string& path) override;
    base::Result<void> sync_directory(const std::string& directory) override;
    base::Result<void> sync_all(const std::string& path) override;
    base::Result<Space> space(const std::string& path) const override;
    base::Result<std::unique_ptr<File>> lock(const std::string& path) override;

private:
    class SimFile;
    // A change of a file that no sync has covered: bytes at an offset, or a new size.
    struct Change {
        std::uint64_t offset = 0;
        std::string bytes;
        bool is_truncate = false;
    };
    struct Node {
        bool is_directory = false;
        std::string content;          // What a reader sees.
        std::string durable;          // What a power cut leaves, without `pending`.
        std::vector<Change> pending;  // In their order.
        std::int64_t modified_ms = 0;
        std::uint64_t lost_writes = 0;  // By a failed sync_all: files that are open will tell.
    };
    using NodeRef = std::shared_ptr<Node>;
    using Tree = std::map<std::string, NodeRef>;  // By full path.
    // A change of names. `to` is made (or replaced) and `from` goes; either may be empty.
    struct NameChange {
        std::string from;
        std::string to;
        NodeRef node;
        NodeRef directory;  // Whose sync makes it durable.
        bool synced = false;
    };

    base::Result<void> check(Call call, const std::string& path) const;
    void lose_power();
    bool fault(Call call) const;
    base::Result<NodeRef> find(const std::string& path) const;
    base::Result<NodeRef> parent_of(const std::string& path) const;
    void change_name(NameChange change);
    void settle_names();
    static void apply(Tree& tree, const NameChange& change);
    static void apply(std::string& content, const Change& change);
    void lose_some(Node& node);
    std::uint64_t count_bytes() const;
    std::uint64_t free_bytes() const;
    std::int64_t now_ms() const { return clock_ != nullptr ? clock_->wall_ms() : 0; }

    mutable std::mutex mutex_;  // Guards everything below.
    mutable Dice dice_;
    const Clock* clock_;
    bool powered_ = true;
    mutable bool tripped_ = false;   // lose_power_in() has struck; crash() or kill() follow.
    mutable int calls_to_trip_ = 0;  // 0: never.
    std::uint64_t life_ = 1;         // Counts restarts: files of an earlier one are dead.
    Tree tree_;                      // What is seen,
    Tree durable_tree_;              // and what survives, without the changes in
    std::vector<NameChange> name_changes_;
    std::set<std::string> locked_;
    std::uint64_t capacity_bytes_;
    mutable std::uint64_t faults_ = 0;
    std::uint64_t syncs_ = 0;
    mutable int fail_in_[static_cast<std::size_t>(Call::kCount)] = {};
    double fault_rate_[static_cast<std::size_t>(Call::kCount)] = {};
};

}  // namespace millrace::runtime
