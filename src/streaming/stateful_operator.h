// StatefulOperator: one operator of a streaming query that remembers rows from batch to batch.
//
// process() takes the rows of a batch, one list for each input of the operator, and gives what the
// operator emits; commit() makes the state of that batch durable as the next version. Most have one
// input; a join has two, left and right. Kinds: aggregate_operator.h, deduplicate_operator.h,
// join_operator.h, session_operator.h, limit_operator.h. Belongs to the query's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/batch.h"
#include "state/store.h"
#include "streaming/query.h"

namespace millrace::streaming {

// The watermarks of a batch. Late rows are those at or before `late_us` (the watermark of the batch
// before, so that what an operator below evicts is not late for the one above); state at or before
// `evict_us` is final.
struct OperatorContext {
    OutputMode mode = OutputMode::kAppend;
    std::int64_t late_us = 0;
    std::int64_t evict_us = 0;
    // Runs the stage's `inner` plan over rows that the operator made itself.
    std::function<Result<columnar::Batches>(const columnar::Batches&)> run_inner = nullptr;
};

// Spark's fields of stateOperators in progress.
struct OperatorMetrics {
    std::int64_t rows_total = 0;
    std::int64_t rows_updated = 0;
    std::int64_t updates_ms = 0;
    std::int64_t rows_removed = 0;
    std::int64_t removals_ms = 0;
    std::int64_t commit_ms = 0;
    std::int64_t memory_bytes = 0;
    std::int64_t rows_dropped_by_watermark = 0;
    std::int64_t buckets = 0;
    std::int64_t stores = 0;  // Over all buckets.
};

class StatefulOperator {
public:
    virtual ~StatefulOperator() = default;
    virtual std::string_view name() const = 0;  // Spark's: "stateStoreSave" …
    // What the store's rows hold; its description changes whenever the meaning of the bytes does.
    virtual state::Schema schema() const = 0;
    // The rows it emits.
    virtual const std::vector<plan::Field>& output_fields() const = 0;
    virtual Result<columnar::Batches> process(const std::vector<columnar::Batches>& inputs,
                                              const OperatorContext& context) = 0;
    // True when a batch without data would emit or evict, the watermark being `watermark_us` now
    // and `evicted_us` in the last batch.
    virtual bool wants_batch(std::int64_t watermark_us, std::int64_t evicted_us,
                             OutputMode mode) const = 0;

    Result<void> open(runtime::Disk& disk, const std::string& directory,
                      const state::StoreOptions& options, std::int64_t version) {
        MR_TRY(store_, state::Store::open(disk, directory, schema(), options, version));
        loaded();
        return {};
    }
    // How much older than the operator's watermark the rows may be that it emits.
    virtual std::int64_t output_lag_ms() const { return 0; }
    // State stores that Spark's operator of this name keeps for a bucket: its progress counts them.
    virtual std::int64_t stores_per_bucket() const { return 1; }
    state::Store* store() { return store_.get(); }
    OperatorMetrics& metrics() { return metrics_; }

protected:
    // The store has been opened and holds what earlier batches left.
    virtual void loaded() {}

    std::unique_ptr<state::Store> store_;
    OperatorMetrics metrics_;
};

}  // namespace millrace::streaming
