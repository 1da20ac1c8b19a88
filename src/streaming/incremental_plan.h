// IncrementalPlan: a streaming query taken apart into stages.
//
// A stage is a stateless plan, which room columnar runs over the rows of each batch, and what then
// happens to its rows: the watermark is observed, an operator with state takes them in, or they are
// the result. The operator of a stage may have several inputs, each a plan of its own. What a stage
// gives is a scan of the plans of later stages. The parts above a stateful operator therefore run
// over what it emits: for complete mode, the whole result table.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/logical.h"
#include "streaming/query.h"
#include "streaming/stateful_operator.h"

namespace millrace::streaming {

struct Stage {
    enum class Kind : std::uint8_t { kWatermark, kStateful, kOutput };
    struct Input {
        plan::LogicalPtr plan;
        // Nothing comes out of `plan` when nothing goes in, so that it need not run on empty
        // batches.
        bool empty_on_empty = false;
    };
    Kind kind = Kind::kOutput;
    std::vector<Input> inputs;     // One, but for an operator that has more.
    std::int64_t output_scan = 0;  // The scan that its rows are bound to in later stages.
    // kWatermark: which column of the plan's output, and the delay.
    std::size_t event_time = 0;
    std::int64_t delay_ms = 0;
    std::unique_ptr<StatefulOperator> stateful;
    // Of a stateful operator that needs the engine in the middle of its work: a plan over the rows
    // bound to `inner_scan`. Null: it does not.
    plan::LogicalPtr inner;
    std::int64_t inner_scan = 0;
    // How far the operator's watermark lies behind the query's: a join below may give rows that are
    // that much older.
    std::int64_t watermark_lag_ms = 0;
    // The watermark right below an aggregation is observed by it: its partial aggregates have four
    // more columns from this one on (latest, earliest, how many, sum in microseconds), and delay_ms
    // counts. So rows are not brought out of the engine only to look at their time.
    std::optional<std::size_t> observed;
    std::int64_t operator_id = -1;
};

struct IncrementalPlan {
    std::vector<plan::ScanNode> sources;  // Streaming scans, in the order of the plan.
    std::vector<plan::ScanNode> statics;  // Other scans that the engine cannot read by itself.
    std::vector<Stage> stages;            // In the order of execution; the last is kOutput.
    std::vector<plan::Field> output;
    std::vector<std::string> operator_names;  // By operator id.
};

// Errors: kUnsupported in Spark's words for what cannot run on a stream here.
Result<IncrementalPlan> make_incremental_plan(const plan::LogicalPtr& plan, OutputMode mode);

// The index of the column of `node` that has a watermark; -1: none.
int event_time_column(const std::vector<plan::Attribute>& columns);

}  // namespace millrace::streaming
