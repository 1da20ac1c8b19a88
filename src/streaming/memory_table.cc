#include "streaming/memory_table.h"

#include <utility>

namespace millrace::streaming {

MemoryTable::MemoryTable(std::string name, std::vector<plan::Field> fields)
    : name_(std::move(name)), fields_(std::move(fields)) {}

columnar::Batches MemoryTable::snapshot() const {
    const std::lock_guard lock(mutex_);
    return rows_;
}

void MemoryTable::append(std::int64_t batch_id, const columnar::Batches& rows) {
    const std::lock_guard lock(mutex_);
    if (batch_id <= last_batch_id_) return;
    last_batch_id_ = batch_id;
    for (const columnar::Batch& batch : rows) {
        if (batch.rows() > 0) rows_.push_back(batch);
    }
}

void MemoryTable::replace(std::int64_t batch_id, columnar::Batches rows) {
    const std::lock_guard lock(mutex_);
    if (batch_id <= last_batch_id_) return;
    last_batch_id_ = batch_id;
    rows_.swap(rows);  // What was there dies after the lock.
}

}  // namespace millrace::streaming
