// Engine: runs analyzed plans on DuckDB.
//
// One Engine per process. run() is for a query that runs once; prepare() is for a plan that runs
// again and again over other input, as each micro-batch of a streaming query does: the plan is
// lowered and planned once, and each run only binds batches to its scans. Results come as batches
// of bounded size. Errors of a running query carry Spark's conditions (DIVIDE_BY_ZERO, CAST_…).
// Thread-safe; a Prepared belongs to one thread at a time and ends before its Engine. DuckDB's
// threads do not leave this room. An Engine must end before main() does: DuckDB's close touches
// thread-locals.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "columnar/batch.h"
#include "plan/logical.h"

namespace millrace::columnar {

struct EngineOptions {
    int threads = 0;                       // 0: one a core.
    std::uint64_t memory_limit_bytes = 0;  // 0: DuckDB's default.
    std::string temporary_directory;       // Where large sorts and joins spill; empty: nowhere.
};

// What the scans of a plan read: by ScanNode::scan_id. Scans of files (parquet, csv, json, text)
// that are not bound here are read by the engine itself; any other unbound scan is an error.
using ScanInputs = std::map<std::int64_t, Batches>;

struct RunContext {
    std::string time_zone = "UTC";
    std::int64_t now_us = 0;
    const std::atomic<bool>* cancelled = nullptr;  // Set from any thread to stop the run.
    std::int64_t batch_rows = 65536;               // Size of result batches.
    // Grows by the records of JSON and CSV that did not parse as their schema has it, where that
    // is no error (PERMISSIVE, DROPMALFORMED). Null: nobody counts.
    std::int64_t* malformed_records = nullptr;
};

// Called with each batch of the result, in order; an error ends the run with it.
using BatchSink = std::function<base::Result<void>(Batch)>;

class Prepared {
public:
    virtual ~Prepared() = default;
    virtual base::Result<void> run(const ScanInputs& inputs, const RunContext& context,
                                   const BatchSink& sink) = 0;
};

class Engine {
public:
    virtual ~Engine() = default;
    static base::Result<std::unique_ptr<Engine>> make(const EngineOptions& options);

    virtual base::Result<void> run(const plan::LogicalNode& plan, const ScanInputs& inputs,
                                   const RunContext& context, const BatchSink& sink) = 0;
    virtual base::Result<std::unique_ptr<Prepared>> prepare(const plan::LogicalNode& plan) = 0;
    // The SQL that a plan becomes: EXPLAIN EXTENDED shows it.
    virtual base::Result<std::string> lowered(const plan::LogicalNode& plan) = 0;
};

// run() with the result in one list.
base::Result<Batches> collect(Engine& engine, const plan::LogicalNode& plan,
                              const ScanInputs& inputs, const RunContext& context);

// Files. Schema of existing files (Spark's inference rules for csv and json) and encoding of one
// batch list as the content of one file of that format.
base::Result<std::vector<plan::Field>> file_schema(Engine& engine,
                                                   const plan::DataSourceRel& source);
base::Result<std::string> encode_file(const std::string& format, const Batches& batches,
                                      const plan::Options& options, const std::string& time_zone);

}  // namespace millrace::columnar
