#include "runtime/sim/sim_disk.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/check.h"

namespace millrace::runtime {
namespace {

using base::ByteView;
using base::Code;
using base::Result;

constexpr std::uint64_t kSectorBytes = 512;
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 50;

// One name for one place: "a//b/./c/" is "a/b/c".
std::string normal(const std::string& path) {
    std::string result = path.starts_with('/') ? "/" : "";
    std::size_t at = 0;
    while (at < path.size()) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view part(path.data() + at, end - at);
        if (!part.empty() && part != ".") {
            if (!result.empty() && !result.ends_with('/')) result += '/';
            result += part;
        }
        at = end + 1;
    }
    return result.empty() ? "." : result;
}

std::string parent_path(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string inside(const std::string& directory) {
    return directory == "/" ? directory : directory + "/";
}

std::unexpected<base::Error> system_fail(int error_number, std::string_view what,
                                         const std::string& path) {
    return base::fail(base::system_error(error_number, fmt::format("{} {}", what, path)));
}

std::string_view call_name(SimDisk::Call call) {
    constexpr std::string_view kNames[] = {"open", "read", "write", "truncate", "sync", "rename"};
    return kNames[static_cast<std::size_t>(call)];
}

}  // namespace

class SimDisk::SimFile final : public File {
public:
    SimFile(SimDisk& disk, std::string path, NodeRef node, bool writable)
        : disk_(&disk),
          path_(std::move(path)),
          node_(std::move(node)),
          writable_(writable),
          life_(disk.life_),
          seen_losses_(node_->lost_writes) {}
    ~SimFile() override {
        if (locked_.empty()) return;
        const std::lock_guard lock(disk_->mutex_);
        if (life_ == disk_->life_) disk_->locked_.erase(locked_);
    }
    void hold_lock(std::string name) { locked_ = std::move(name); }

    const std::string& path() const override { return path_; }
    int native_handle() const override { return -1; }

    Result<std::uint64_t> size_bytes() const override {
        const std::lock_guard lock(disk_->mutex_);
        if (dead()) return died();
        return node_->content.size();
    }

    Result<std::size_t> read_at(std::uint64_t offset, char* into,
                                std::size_t length) const override {
        const std::lock_guard lock(disk_->mutex_);
        if (dead()) return died();
        MR_TRY_VOID(disk_->check(Call::kRead, path_));
        const std::string& content = node_->content;
        if (offset >= content.size()) return std::size_t{0};
        return content.copy(into, length, offset);
    }

    Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
        const std::lock_guard lock(disk_->mutex_);
        if (dead()) return died();
        if (!writable_) return system_fail(EBADF, "write", path_);
        Result<void> outcome = disk_->check(Call::kWrite, path_);
        // A write that fails has still written some prefix.
        if (!outcome) bytes = bytes.substr(0, disk_->dice_.below(bytes.size() + 1));
        const std::uint64_t end = offset + bytes.size();
        const std::uint64_t old_size = node_->content.size();
        const std::uint64_t free_bytes = disk_->free_bytes();
        if (outcome && end > old_size + free_bytes) {
            outcome = system_fail(ENOSPC, "write", path_);
            const std::uint64_t fitting = old_size + free_bytes;
            bytes = bytes.substr(0, fitting > offset ? fitting - offset : 0);
        }
        if (!bytes.empty()) record({.offset = offset, .bytes = std::string(bytes)});
        return outcome;
    }

    Result<void> truncate(std::uint64_t size_bytes) override {
        const std::lock_guard lock(disk_->mutex_);
        if (dead()) return died();
        if (!writable_) return system_fail(EBADF, "truncate", path_);
        MR_TRY_VOID(disk_->check(Call::kTruncate, path_));
        record({.offset = size_bytes, .is_truncate = true});
        return {};
    }

    Result<void> sync() override {
        const std::lock_guard lock(disk_->mutex_);
        if (dead()) return died();
        if (sync_failed_) return system_fail(EIO, "an earlier sync failed: sync", path_);
        if (node_->lost_writes != seen_losses_) {
            sync_failed_ = true;
            return system_fail(EIO, "sync", path_);
        }
        if (auto outcome = disk_->check(Call::kSync, path_); !outcome) {
            disk_->lose_some(*node_);
            sync_failed_ = true;
            return outcome;
        }
        for (const Change& change : node_->pending) apply(node_->durable, change);
        node_->pending.clear();
        ++disk_->syncs_;
        return {};
    }

private:
    bool dead() const { return life_ != disk_->life_ || !disk_->powered_ || disk_->tripped_; }
    std::unexpected<base::Error> died() const {
        return base::fail(Code::kIo, "{}: the simulated machine has lost its power", path_);
    }
    void record(Change change) {
        apply(node_->content, change);
        node_->modified_ms = disk_->now_ms();
        node_->pending.push_back(std::move(change));
    }

    SimDisk* disk_;
    std::string path_;
    NodeRef node_;
    bool writable_;
    std::uint64_t life_;
    std::uint64_t seen_losses_;
    bool sync_failed_ = false;
    std::string locked_;
};

SimDisk::SimDisk(std::uint64_t seed, const Clock* clock)
    : dice_(seed ^ 0xD15C), clock_(clock), capacity_bytes_(kNoLimit) {
    for (const char* const root : {"/", "."}) {
        const auto node = std::make_shared<Node>(Node{.is_directory = true});
        tree_.emplace(root, node);
        durable_tree_.emplace(root, node);
    }
}
SimDisk::~SimDisk() = default;

void SimDisk::apply(std::string& content, const Change& change) {
    if (change.is_truncate) {
        content.resize(change.offset, '\0');
        return;
    }
    const std::uint64_t end = change.offset + change.bytes.size();
    if (content.size() < end) content.resize(end, '\0');
    content.replace(change.offset, change.bytes.size(), change.bytes);
}

void SimDisk::apply(Tree& tree, const NameChange& change) {
    if (!change.from.empty()) {
        const NodeRef node = change.node;
        // A directory takes along what lies in it.
        Tree moved;
        const std::string prefix = inside(change.from);
        for (auto at = tree.lower_bound(prefix);
             at != tree.end() && at->first.starts_with(prefix);) {
            if (!change.to.empty()) {
                moved.emplace(inside(change.to) + at->first.substr(prefix.size()), at->second);
            }
            at = tree.erase(at);
        }
        tree.erase(change.from);
        tree.merge(moved);
    }
    if (!change.to.empty()) tree[change.to] = change.node;
}

// What becomes of writes that were never synced: each stays, goes, or stays in part.
void SimDisk::lose_some(Node& node) {
    const std::uint64_t manner = dice_.below(4);  // All kept, all lost, a prefix, or by chance.
    const std::uint64_t prefix = dice_.below(node.pending.size() + 1);
    for (std::size_t i = 0; i < node.pending.size(); ++i) {
        const Change& change = node.pending[i];
        const bool torn = (manner == 2 && i == prefix) || (manner == 3 && dice_.chance(0.3));
        const bool kept =
            manner == 0 || (manner == 2 && i < prefix) || (manner == 3 && dice_.chance(0.6));
        if (torn && !change.is_truncate) {
            std::uint64_t at = change.offset;
            const std::uint64_t end = change.offset + change.bytes.size();
            const bool in_order = dice_.chance(0.5);
            while (at < end) {
                const std::uint64_t next = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
                if (dice_.chance(0.6)) {
                    apply(node.durable,
                          {.offset = at,
                           .bytes = change.bytes.substr(at - change.offset, next - at)});
                } else if (in_order) {
                    break;
                }
                at = next;
            }
        } else if (kept) {
            apply(node.durable, change);
        }
    }
    node.pending.clear();
}

void SimDisk::crash() {
    const std::lock_guard lock(mutex_);
    lose_power();
    // Names: file systems keep the order within a directory, so that each keeps a prefix of its
    // changes; those of several directories know nothing of each other.
    std::map<Node*, std::uint64_t> open_changes;
    for (const NameChange& change : name_changes_) {
        if (!change.synced) ++open_changes[change.directory.get()];
    }
    // Drawn in the order of the changes: that of addresses differs from run to run.
    std::set<Node*> drawn;
    for (const NameChange& change : name_changes_) {
        if (change.synced || !drawn.insert(change.directory.get()).second) continue;
        std::uint64_t& kept = open_changes[change.directory.get()];
        kept = dice_.below(kept + 1);
    }
    for (const NameChange& change : name_changes_) {
        std::uint64_t& kept = open_changes[change.directory.get()];
        if (change.synced || kept > 0) apply(durable_tree_, change);
        if (!change.synced && kept > 0) --kept;
    }
    name_changes_.clear();
    // What has lost its directory is gone with it.
    std::erase_if(durable_tree_, [&](const auto& entry) {
        if (entry.first == "/" || entry.first == ".") return false;
        std::string path = entry.first;
        while (path != "/" && path != ".") {
            path = parent_path(path);
            const auto parent = durable_tree_.find(path);
            if (parent == durable_tree_.end() || !parent->second->is_directory) return true;
        }
        return false;
    });
    tree_ = durable_tree_;
    std::set<Node*> seen;
    for (auto& [path, node] : tree_) {
        if (!seen.insert(node.get()).second) continue;
        lose_some(*node);
        node->content = node->durable;
    }
}

void SimDisk::kill() {
    const std::lock_guard lock(mutex_);
    lose_power();
}

void SimDisk::lose_power_in(int calls) {
    const std::lock_guard lock(mutex_);
    calls_to_trip_ = calls;
}
bool SimDisk::has_power() const {
    const std::lock_guard lock(mutex_);
    return powered_ && !tripped_;
}

void SimDisk::lose_power() {
    MR_CHECK(powered_);
    powered_ = false;
    tripped_ = false;
    calls_to_trip_ = 0;
}

void SimDisk::restart() {
    const std::lock_guard lock(mutex_);
    MR_CHECK(!powered_);
    powered_ = true;
    ++life_;
    locked_.clear();
}

void SimDisk::fail(Call call, int nth) {
    const std::lock_guard lock(mutex_);
    fail_in_[static_cast<std::size_t>(call)] = nth;
}
void SimDisk::set_fault_rate(Call call, double probability) {
    const std::lock_guard lock(mutex_);
    fault_rate_[static_cast<std::size_t>(call)] = probability;
}
void SimDisk::set_capacity_bytes(std::uint64_t capacity) {
    const std::lock_guard lock(mutex_);
    capacity_bytes_ = capacity;
}

Result<void> SimDisk::flip_bit(const std::string& path, std::uint64_t byte, int bit) {
    const std::lock_guard lock(mutex_);
    const auto at = tree_.find(normal(path));
    if (at == tree_.end()) return system_fail(ENOENT, "damage", path);
    Node& node = *at->second;
    if (byte >= node.content.size()) {
        return base::fail(Code::kOutOfRange, "{} has {} bytes", path, node.content.size());
    }
    for (std::string* content : {&node.content, &node.durable}) {
        if (byte < content->size()) {
            (*content)[byte] = static_cast<char>((*content)[byte] ^ (1 << bit));
        }
    }
    return {};
}

std::uint64_t SimDisk::faults() const {
    const std::lock_guard lock(mutex_);
    return faults_;
}
std::uint64_t SimDisk::syncs() const {
    const std::lock_guard lock(mutex_);
    return syncs_;
}
std::uint64_t SimDisk::used_bytes() const {
    const std::lock_guard lock(mutex_);
    return count_bytes();
}

std::uint64_t SimDisk::count_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [path, node] : tree_) sum += node->content.size();
    return sum;
}

std::uint64_t SimDisk::free_bytes() const {
    if (capacity_bytes_ == kNoLimit) return kNoLimit;
    return capacity_bytes_ - std::min(capacity_bytes_, count_bytes());
}

bool SimDisk::fault(Call call) const {
    int& fail_in = fail_in_[static_cast<std::size_t>(call)];
    if (fail_in > 0 && --fail_in == 0) return true;
    const double rate = fault_rate_[static_cast<std::size_t>(call)];
    return rate > 0 && dice_.chance(rate);
}

Result<void> SimDisk::check(Call call, const std::string& path) const {
    if (calls_to_trip_ > 0 && --calls_to_trip_ == 0) tripped_ = true;
    if (!powered_ || tripped_) {
        return base::fail(Code::kIo, "{}: the simulated machine has lost its power", path);
    }
    if (!fault(call)) return {};
    ++faults_;
    return system_fail(EIO, call_name(call), path);
}

Result<SimDisk::NodeRef> SimDisk::find(const std::string& path) const {
    const auto at = tree_.find(path);
    if (at == tree_.end()) return system_fail(ENOENT, "find", path);
    return at->second;
}

Result<SimDisk::NodeRef> SimDisk::parent_of(const std::string& path) const {
    MR_TRY(NodeRef parent, find(parent_path(path)));
    if (!parent->is_directory) return system_fail(ENOTDIR, "find", path);
    return parent;
}

void SimDisk::change_name(NameChange change) {
    apply(tree_, change);
    name_changes_.push_back(std::move(change));
}

// Changes that are durable in any case need not be remembered, as far as none before them is open.
void SimDisk::settle_names() {
    const auto open = std::ranges::find(name_changes_, false, &NameChange::synced);
    for (auto at = name_changes_.begin(); at != open; ++at) apply(durable_tree_, *at);
    name_changes_.erase(name_changes_.begin(), open);
}

Result<std::unique_ptr<File>> SimDisk::open(const std::string& given, OpenMode mode) {
    const std::string path = normal(given);
    const std::lock_guard lock(mutex_);
    MR_TRY_VOID(check(Call::kOpen, path));
    auto at = tree_.find(path);
    if (at == tree_.end()) {
        if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) {
            return system_fail(ENOENT, "open", path);
        }
        MR_TRY(NodeRef parent, parent_of(path));
        auto node = std::make_shared<Node>(Node{.modified_ms = now_ms()});
        change_name({.to = path, .node = node, .directory = std::move(parent)});
        return std::make_unique<SimFile>(*this, given, std::move(node), true);
    }
    const NodeRef node = at->second;
    if (node->is_directory) {
        return base::fail(Code::kInvalidArgument, "open {}: it is a directory", path);
    }
    if (mode == OpenMode::kCreateFresh && !node->content.empty()) {
        node->content.clear();
        node->pending.push_back({.offset = 0, .is_truncate = true});
    }
    return std::make_unique<SimFile>(*this, given, node, mode != OpenMode::kRead);
}

Result<std::vector<Disk::Entry>> SimDisk::list(const std::string& given) const {
    const std::string directory = normal(given);
    const std::lock_guard lock(mutex_);
    MR_TRY_VOID(check(Call::kRead, directory));
    MR_TRY(const NodeRef node, find(directory));
    if (!node->is_directory) return system_fail(ENOTDIR, "list", directory);
    std::vector<Entry> entries;
    const std::string prefix = directory == "." ? "" : inside(directory);
    for (auto at = tree_.lower_bound(prefix); at != tree_.end(); ++at) {
        if (!at->first.starts_with(prefix)) break;
        const std::string name = at->first.substr(prefix.size());
        if (name.empty() || name == "." || name.find('/') != std::string::npos) continue;
        entries.push_back({.name = name,
                           .is_directory = at->second->is_directory,
                           .size_bytes = at->second->content.size(),
                           .modified_ms = at->second->modified_ms});
    }
    return entries;
}

bool SimDisk::exists(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    return powered_ && !tripped_ && tree_.contains(normal(path));
}

Result<void> SimDisk::make_directories(const std::string& given) {
    const std::string path = normal(given);
    const std::lock_guard lock(mutex_);
    MR_TRY_VOID(check(Call::kOpen, path));
    std::vector<std::string> missing;
    for (std::string at = path; !tree_.contains(at); at = parent_path(at)) missing.push_back(at);
    for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
        MR_TRY(NodeRef parent, parent_of(*at));
        change_name(
            {.to = *at,
             .node = std::make_shared<Node>(Node{.is_directory = true, .modified_ms = now_ms()}),
             .directory = std::move(parent)});
    }
    if (!tree_.at(path)->is_directory) return system_fail(EEXIST, "make directory", path);
    return {};
}

Result<void> SimDisk::rename(const std::string& given_from, const std::string& given_to) {
    const std::string from = normal(given_from);
    const std::string to = normal(given_to);
    const std::lock_guard lock(mutex_);
    MR_TRY_VOID(check(Call::kRename, to));
    MR_TRY(NodeRef node, find(from));
    MR_TRY(NodeRef parent, parent_of(to));
    if (from == to) return {};
    if (to.starts_with(inside(from))) return system_fail(EINVAL, "rename to", to);
    if (const auto replaced = tree_.find(to); replaced != tree_.end()) {
        if (replaced->second->is_directory != node->is_directory) {
            return system_fail(node->is_directory ? ENOTDIR : EISDIR, "rename to", to);
        }
        const auto below = tree_.lower_bound(inside(to));
        if (below != tree_.end() && below->first.starts_with(inside(to))) {
            return system_fail(ENOTEMPTY, "rename to", to);
        }
    }
    change_name({.from = from, .to = to, .node = std::move(node), .directory = std::move(parent)});
    return {};
}

Result<void> SimDisk::remove(const std::string& given) {
    const std::string path = normal(given);
    const std::lock_guard lock(mutex_);
    MR_TRY_VOID(check(Call::kRename, path));
    MR_TRY(NodeRef node, find(path));
    const auto below = tree_.lower_bound(inside(path));
    if (below != tree_.end() && below->first.starts_with(inside(path))) {
        return system_fail(ENOTEMPTY, "remove", path);
    }
    MR_TRY(NodeRef parent, parent_of(path));
    change_name({.from = path, .node = std::move(node), .directory = std::move(parent)});
    return {};
}

Result<void> SimDisk::remove_tree(const std::string& given) {
    const std::string path = normal(given);
    std::vector<std::string> names;
    {
        const std::lock_guard lock(mutex_);
        MR_TRY_VOID(check(Call::kRename, path));
        MR_TRY(const NodeRef node, find(path));
        names.push_back(path);
        const std::string prefix = inside(path);
        for (auto at = tree_.lower_bound(prefix); at != tree_.end(); ++at) {
            if (!at->first.starts_with(prefix)) break;
            names.push_back(at->first);
        }
    }
    // Children come after their directory in the order of names: go backwards.
    for (auto name = names.rbegin(); name != names.rend(); ++name) MR_TRY_VOID(remove(*name));
    return {};
}

Result<void> SimDisk::sync_directory(const std::string& given) {
    const std::string path = normal(given);
    const std::lock_guard lock(mutex_);
    MR_TRY_VOID(check(Call::kSync, path));
    MR_TRY(const NodeRef node, find(path));
    if (!node->is_directory) return system_fail(ENOTDIR, "sync directory", path);
    for (NameChange& change : name_changes_) {
        if (change.directory == node) change.synced = true;
    }
    settle_names();
    ++syncs_;
    return {};
}

Result<void> SimDisk::sync_all(const std::string& given) {
    const std::string path = normal(given);
    const std::lock_guard lock(mutex_);
    MR_TRY(const NodeRef node, find(path));
    if (auto outcome = check(Call::kSync, path); !outcome) {
        for (auto& [name, file] : tree_) {
            if (!file->pending.empty()) ++file->lost_writes;
            lose_some(*file);
        }
        return outcome;
    }
    for (auto& [name, file] : tree_) {
        for (const Change& change : file->pending) apply(file->durable, change);
        file->pending.clear();
    }
    for (NameChange& change : name_changes_) change.synced = true;
    settle_names();
    ++syncs_;
    return {};
}

Result<Disk::Space> SimDisk::space(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    MR_TRY(const NodeRef node, find(normal(path)));
    return Space{.total_bytes = capacity_bytes_, .available_bytes = free_bytes()};
}

Result<std::unique_ptr<File>> SimDisk::lock(const std::string& given) {
    const std::string path = normal(given);
    MR_TRY(auto file, open(path, OpenMode::kCreate));
    const std::lock_guard lock(mutex_);
    if (!locked_.insert(path).second) {
        return base::fail(Code::kConflict, "{} is held by another process", path);
    }
    static_cast<SimFile&>(*file).hold_lock(path);
    return file;
}

}  // namespace millrace::runtime
