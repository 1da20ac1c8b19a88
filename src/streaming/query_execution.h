// QueryExecution: the micro-batches of one query, step by step.
//
// run_trigger() plans the offsets of a batch, makes them durable, runs the plan over the new rows
// and the state, makes the state durable, hands the rows to the sink and commits, in that order. A
// crash between any two steps is made good by the next start: a batch whose offsets are there and
// whose commit is not runs again, with the same offsets, watermark and time, over the state before
// it. Owns no thread; belongs to whoever calls it. Memory tables and names are the manager's
// business.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "columnar/engine.h"
#include "streaming/checkpoint.h"
#include "streaming/incremental_plan.h"
#include "streaming/progress.h"
#include "streaming/sink.h"

namespace millrace::runtime {
class Pool;
}

namespace millrace::streaming {

class QueryExecution {
public:
    struct Options {
        std::string checkpoint_directory;
        runtime::Disk& checkpoint_disk;
        bool durable_state = true;
        std::shared_ptr<MemoryTable> table = nullptr;
        runtime::Pool* maintenance = nullptr;  // Null: snapshots are written within the trigger.
        const std::atomic<bool>* cancelled = nullptr;
    };
    // `spec` has been checked against the output mode's rules.
    static Result<std::unique_ptr<QueryExecution>> make(const Services& services, QuerySpec spec,
                                                        Options options);
    ~QueryExecution();
    QueryExecution(const QueryExecution&) = delete;
    QueryExecution& operator=(const QueryExecution&) = delete;

    const std::string& query_id() const { return query_id_; }
    // The columns of the result.
    const std::vector<plan::Field>& fields() const { return plan_.output; }
    // Lets the sources call `wake` when data comes; false when one of them cannot.
    bool watch(const std::function<void()>& wake);
    // From now on nothing beyond what there is now is read (availableNow).
    Result<void> prepare_for_available_now();

    // Run one batch if there is something to do; what it did, or nullopt.
    Result<std::optional<Progress>> run_trigger(const ReadLimit& limit = {});

    std::int64_t watermark_ms() const { return watermark_ms_; }
    std::string explain() const;

private:
    struct RunnableStage;
    QueryExecution(const Services& services, QuerySpec spec, Options options);
    Result<void> prepare();
    Result<void> make_sources();
    Result<void> make_stages();
    Result<void> check_operators();
    Result<void> recover();
    Result<void> open_state(std::int64_t version);
    std::optional<std::string> conf(const std::string& key) const;
    // Between 1 and 100 000; `fallback` when it is not set or no number.
    std::int64_t conf_number(const std::string& key, std::int64_t fallback) const;
    std::map<std::string, std::string> pinned_conf() const;

    Result<bool> plan_batch(const ReadLimit& limit, Progress& progress);
    Result<void> run_batch(Progress& progress);
    Result<columnar::ScanInputs> read_sources(Progress& progress);
    Result<void> run_stages(columnar::ScanInputs& inputs, Progress& progress,
                            columnar::Batches& output);
    std::size_t source_of(const std::vector<std::int64_t>& scans) const;
    // The rows of one of the stage's inputs.
    Result<columnar::Batches> run_input(RunnableStage& stage, std::size_t index,
                                        const columnar::ScanInputs& inputs, Progress& progress);
    Result<columnar::Batches> run_plan(columnar::Prepared& prepared,
                                       const columnar::ScanInputs& bound,
                                       std::int64_t* malformed_records);
    Result<columnar::Batches> run_stateful(RunnableStage& stage,
                                           const std::vector<columnar::Batches>& given);
    void observe(RunnableStage& stage, const columnar::Batches& rows, Progress& progress);
    void observe_partials(RunnableStage& stage, const columnar::Batches& rows, Progress& progress);
    Result<void> commit_state(Progress& progress);
    void advance_watermark();
    void maintain();
    bool operators_want_batch() const;

    const Services services_;
    const QuerySpec spec_;
    const Options options_;
    Checkpoint checkpoint_;
    std::string query_id_;
    IncrementalPlan plan_;
    std::vector<std::unique_ptr<RunnableStage>> stages_;
    std::vector<std::unique_ptr<MicroBatchSource>> sources_;
    std::unique_ptr<Sink> sink_;
    bool no_data_batches_ = true;
    bool max_watermark_policy_ = false;
    state::StoreOptions store_options_;

    std::int64_t batch_id_ = 0;
    bool batch_is_planned_ = false;  // offsets/batch_id_ is there and its commit is not.
    OffsetEntry planned_;
    std::vector<std::optional<std::string>> committed_;
    std::int64_t watermark_ms_ = 0;  // For the next batch to be planned.
    std::int64_t previous_watermark_ms_ =
        0;  // The one the last batch used: its late filter is ours.

    struct Maintenance;
    std::shared_ptr<Maintenance> maintenance_;
};

}  // namespace millrace::streaming
