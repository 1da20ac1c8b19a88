#include "storage/recovery_points.h"

#include <algorithm>

#include "base/check.h"
#include "base/crc32c.h"
#include "runtime/disk.h"

namespace millrace::storage {
namespace {

using base::Result;

constexpr std::size_t kSlotBytes = 64;
constexpr std::size_t kRecordBytes = 32;
constexpr std::size_t kCrcAt = 28;

std::uint64_t hash_of(std::string_view name) {  // FNV-1a; 0 is kept for free slots.
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char letter : name) {
        hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3ULL;
    }
    return hash == 0 ? 1 : hash;
}

}  // namespace

RecoveryPoints::RecoveryPoints(std::unique_ptr<runtime::File> file) : file_(std::move(file)) {}
RecoveryPoints::~RecoveryPoints() = default;

Result<std::unique_ptr<RecoveryPoints>> RecoveryPoints::open(runtime::Disk& disk,
                                                             const std::string& path) {
    MR_TRY(auto file, disk.open(path, runtime::OpenMode::kCreate));
    MR_TRY(const std::uint64_t size, file->size_bytes());
    base::Bytes bytes(static_cast<std::size_t>(size), '\0');
    MR_TRY(const std::size_t got, file->read_at(0, bytes.data(), bytes.size()));
    bytes.resize(got);
    std::unique_ptr<RecoveryPoints> points(new RecoveryPoints(std::move(file)));
    points->load(bytes);
    points->image_ = std::move(bytes);
    points->image_.resize(points->records_.size() * kSlotBytes, '\0');
    return points;
}

void RecoveryPoints::load(base::ByteView bytes) {
    for (; bytes.size() >= kSlotBytes; bytes.remove_prefix(kSlotBytes)) {
        Record newest;
        for (const std::size_t at : {std::size_t{0}, kRecordBytes}) {
            const base::ByteView record = bytes.substr(at, kRecordBytes);
            if (base::crc32c(record.substr(0, kCrcAt)) !=
                base::load_big_endian<std::uint32_t>(record.data() + kCrcAt)) {
                continue;
            }
            const auto turn = base::load_big_endian<std::uint64_t>(record.data() + 16);
            if (newest.known && turn < newest.turn) continue;
            newest = {.name_hash = base::load_big_endian<std::uint64_t>(record.data()),
                      .durable_end = {base::load_big_endian<std::int64_t>(record.data() + 8)},
                      .turn = turn,
                      .known = true};
        }
        // Two slots of one name cannot be told apart: neither is believed.
        if (newest.name_hash != 0) {
            const auto [place, fresh] = by_name_.try_emplace(newest.name_hash, records_.size());
            if (!fresh) {
                records_[place->second].known = false;
                newest.name_hash = 0;
            }
        }
        if (newest.name_hash == 0) {
            newest.known = false;
            free_.push_back(records_.size());
        }
        records_.push_back(newest);
    }
}

RecoveryPoints::Slot RecoveryPoints::acquire(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t hash = hash_of(name);
    const auto found = by_name_.find(hash);
    if (found != by_name_.end()) return found->second;
    Slot slot = records_.size();
    if (!free_.empty()) {
        slot = free_.back();
        free_.pop_back();
    } else {
        records_.emplace_back();
    }
    records_[slot] = {.name_hash = hash, .turn = records_[slot].turn};
    by_name_.emplace(hash, slot);
    return slot;
}

std::optional<model::Offset> RecoveryPoints::durable_end(Slot slot) const {
    const std::lock_guard lock(mutex_);
    if (!records_[slot].known) return std::nullopt;
    return records_[slot].durable_end;
}

void RecoveryPoints::touch(Slot slot) {
    Record& record = records_[slot];
    ++record.turn;
    image_.resize(records_.size() * kSlotBytes, '\0');
    char* const to = image_.data() + slot * kSlotBytes + (record.turn % 2) * kRecordBytes;
    base::store_big_endian(to, record.known ? record.name_hash : std::uint64_t{0});
    base::store_big_endian(to + 8, record.durable_end.value);
    base::store_big_endian(to + 16, record.turn);
    base::store_big_endian(to + 24, std::uint32_t{0});
    base::store_big_endian(to + kCrcAt, base::crc32c({to, kCrcAt}));
    if (dirty_from_ == dirty_to_) {
        dirty_from_ = slot;
        dirty_to_ = slot + 1;
    } else {
        dirty_from_ = std::min(dirty_from_, slot);
        dirty_to_ = std::max(dirty_to_, slot + 1);
    }
}

void RecoveryPoints::set_durable_end(Slot slot, model::Offset end) {
    const std::lock_guard lock(mutex_);
    records_[slot].durable_end = end;
    records_[slot].known = true;
    touch(slot);
}

void RecoveryPoints::release(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto found = by_name_.find(hash_of(name));
    if (found == by_name_.end()) return;
    const Slot slot = found->second;
    records_[slot] = {.turn = records_[slot].turn};
    touch(slot);
    free_.push_back(slot);
    by_name_.erase(found);
}

void RecoveryPoints::retain_only(const std::vector<std::string>& names) {
    const std::lock_guard lock(mutex_);
    std::unordered_map<std::uint64_t, Slot> kept;
    for (const std::string& name : names) {
        if (const auto found = by_name_.find(hash_of(name)); found != by_name_.end()) {
            kept.insert(*found);
            by_name_.erase(found);
        }
    }
    for (const auto& [hash, slot] : by_name_) {
        records_[slot] = {.turn = records_[slot].turn};
        touch(slot);
        free_.push_back(slot);
    }
    by_name_ = std::move(kept);
}

Result<void> RecoveryPoints::write() {
    const std::lock_guard lock(mutex_);
    if (dirty_from_ == dirty_to_) return {};
    const std::size_t from = dirty_from_ * kSlotBytes;
    MR_TRY_VOID(file_->write_at(
        from, base::ByteView(image_).substr(from, (dirty_to_ - dirty_from_) * kSlotBytes)));
    dirty_from_ = dirty_to_ = 0;
    return {};
}

Result<void> RecoveryPoints::sync() {
    MR_TRY_VOID(write());
    auto synced = file_->sync();
    if (!synced) {
        // What was written may be lost although the next sync succeeds: all of it is written again.
        const std::lock_guard lock(mutex_);
        dirty_from_ = 0;
        dirty_to_ = image_.size() / kSlotBytes;
    }
    return synced;
}

}  // namespace millrace::storage
