#include "storage/recovery_points.h"

#include <algorithm>

#include "base/check.h"
#include "base/crc32c.h"
#include "runtime/disk.h"

namespace millrace::storage {
namespace {

using base::Result;

constexpr std::size_t kSlotBytes = 32;
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
    return points;
}

void RecoveryPoints::load(base::ByteView bytes) {
    for (; bytes.size() >= kSlotBytes; bytes.remove_prefix(kSlotBytes)) {
        const base::ByteView slot = bytes.substr(0, kSlotBytes);
        Record record;
        if (base::crc32c(slot.substr(0, kCrcAt)) ==
            base::load_big_endian<std::uint32_t>(slot.data() + kCrcAt)) {
            record.name_hash = base::load_big_endian<std::uint64_t>(slot.data());
            record.point.log_start = {base::load_big_endian<std::int64_t>(slot.data() + 8)};
            record.point.durable_end = {base::load_big_endian<std::int64_t>(slot.data() + 16)};
            record.known = true;
        }
        // Two slots of one name cannot be told apart: neither is believed.
        if (record.name_hash != 0) {
            const auto [place, fresh] = by_name_.try_emplace(record.name_hash, records_.size());
            if (!fresh) {
                records_[place->second].known = false;
                record = {};
            }
        }
        if (record.name_hash == 0) free_.push_back(records_.size());
        records_.push_back(record);
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
    records_[slot] = {.name_hash = hash};
    by_name_.emplace(hash, slot);
    return slot;
}

std::optional<RecoveryPoints::Point> RecoveryPoints::get(Slot slot) const {
    const std::lock_guard lock(mutex_);
    if (!records_[slot].known) return std::nullopt;
    return records_[slot].point;
}

void RecoveryPoints::touch(Slot slot) {
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
    records_[slot].point.durable_end = end;
    records_[slot].known = true;
    touch(slot);
}

void RecoveryPoints::set_log_start(Slot slot, model::Offset start) {
    const std::lock_guard lock(mutex_);
    records_[slot].point.log_start = start;
    records_[slot].known = true;
    touch(slot);
}

void RecoveryPoints::release(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto found = by_name_.find(hash_of(name));
    if (found == by_name_.end()) return;
    const Slot slot = found->second;
    records_[slot] = {};
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
        records_[slot] = {};
        touch(slot);
        free_.push_back(slot);
    }
    by_name_ = std::move(kept);
}

Result<void> RecoveryPoints::write() {
    const std::lock_guard lock(mutex_);
    if (dirty_from_ == dirty_to_) return {};
    base::Bytes bytes;
    bytes.reserve((dirty_to_ - dirty_from_) * kSlotBytes);
    for (Slot slot = dirty_from_; slot < dirty_to_; ++slot) {
        const Record& record = records_[slot];
        const std::size_t at = bytes.size();
        // A slot of which nothing is known yet is written as a free one.
        base::append_big_endian(bytes, record.known ? record.name_hash : std::uint64_t{0});
        base::append_big_endian(bytes, record.point.log_start.value);
        base::append_big_endian(bytes, record.point.durable_end.value);
        base::append_big_endian(bytes, std::uint32_t{0});
        base::append_big_endian(bytes, base::crc32c(base::ByteView(bytes).substr(at)));
    }
    MR_TRY_VOID(file_->write_at(dirty_from_ * kSlotBytes, bytes));
    dirty_from_ = dirty_to_ = 0;
    return {};
}

Result<void> RecoveryPoints::sync() {
    MR_TRY_VOID(write());
    return file_->sync();
}

}  // namespace millrace::storage
