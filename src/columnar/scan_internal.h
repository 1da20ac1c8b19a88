// ScanSlot: the way of batches into a query. A lowered plan names a slot by number in
// `mr_scan(7)`; before each run the slot is given the batches to read, and any number of DuckDB's
// threads take them piece by piece. So a prepared plan runs again on other rows without planning.
//
// Slots are registered with the engine while a plan that names them lives.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "columnar/batch.h"
#include "columnar/duck_internal.h"
#include "plan/logical.h"

namespace millrace::columnar {

struct ScanSlot {
    std::int64_t id = 0;
    std::vector<std::string> names;  // Of the columns, as the lowered plan calls them.
    std::vector<plan::DataType> types;
    std::int64_t expected_rows = -1;               // For the planner; -1: not known.
    std::shared_ptr<const plan::ScanNode> source;  // The scan it stands for; null: constant rows.
    // Set between runs only.
    Batches batches;
    const std::atomic<bool>* cancelled = nullptr;
};

class ScanRegistry {
public:
    std::shared_ptr<ScanSlot> add(std::vector<std::string> names,
                                  std::vector<plan::DataType> types);
    std::shared_ptr<ScanSlot> find(std::int64_t id);

private:
    std::mutex mutex_;
    std::int64_t next_id_ = 1;
    std::map<std::int64_t, std::weak_ptr<ScanSlot>> slots_;
};

// Make mr_scan known to the database; `registry` must outlive it.
Result<void> register_scan(duckdb_connection connection, ScanRegistry* registry);

}  // namespace millrace::columnar
