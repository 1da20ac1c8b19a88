// Arrow's side of Batch: what this room's files share about memory layout.
//
// A batch's arrays are always in one canonical layout, whatever they came from, so that ColumnView
// needs no cases: see arrow_type() for the Arrow type of each Spark type. Strings and binary alone
// have two forms, with 32-bit and with 64-bit offsets.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "columnar/batch.h"

namespace arrow {
class DataType;
class RecordBatch;
class Status;
struct ArrayData;
}  // namespace arrow

namespace millrace::columnar {

using base::Code;
using base::fail;
using base::Result;

using ArrayPtr = std::shared_ptr<arrow::ArrayData>;

struct Batch::Impl {
    std::vector<plan::Field> fields;
    std::vector<ArrayPtr> columns;
    std::int64_t rows = 0;
    // What the arrays' memory needs to stay alive: the pool that an IPC stream was read with.
    std::shared_ptr<void> keep_alive;
};

Batch make_batch(std::vector<plan::Field> fields, std::vector<ArrayPtr> columns, std::int64_t rows,
                 std::shared_ptr<void> keep_alive = nullptr);

// The canonical Arrow type: timestamps in zone `time_zone`, 64-bit offsets where `large`.
std::shared_ptr<arrow::DataType> arrow_type(const plan::DataType& type,
                                            const std::string& time_zone, bool large);
// Spark's type for an Arrow type; kUnsupported for types that Spark has not.
Result<plan::DataType> spark_type(const arrow::DataType& type);

// The view of an array in canonical layout.
ColumnView view_of(const arrow::ArrayData& array, const plan::DataType& type);

// Arrow's record batch over the same memory (names as they are, nullability kept).
Result<std::shared_ptr<arrow::RecordBatch>> to_arrow(const Batch& batch, const IpcOptions& options);
// From any Arrow batch: unusual but harmless layouts (other time units, unsigned integers, …) are
// brought into the canonical one. The arrays must have been validated.
Result<Batch> from_arrow(const arrow::RecordBatch& batch,
                         std::shared_ptr<void> keep_alive = nullptr);

// Arrow's status as an error of this project.
base::Error arrow_error(const arrow::Status& status);

}  // namespace millrace::columnar
