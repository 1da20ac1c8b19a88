// MemoryTable: what a memory sink holds, readable by batch queries while the stream runs.
//
// A snapshot is the table between two batches, never within one: batches replace or extend it as a
// whole. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "columnar/batch.h"

namespace millrace::streaming {

class MemoryTable {
public:
    MemoryTable(std::string name, std::vector<plan::Field> fields);
    const std::string& name() const { return name_; }
    const std::vector<plan::Field>& fields() const { return fields_; }

    // The rows now. Cheap: batches are shared.
    columnar::Batches snapshot() const;

    // For the sink. A batch that is already in (batch_id <= the last one) changes nothing.
    void append(std::int64_t batch_id, const columnar::Batches& rows);
    void replace(std::int64_t batch_id, columnar::Batches rows);

private:
    const std::string name_;
    const std::vector<plan::Field> fields_;
    mutable std::mutex mutex_;
    std::int64_t last_batch_id_ = -1;
    columnar::Batches rows_;
};

}  // namespace millrace::streaming
