// QueryManager: starts, finds, awaits and stops the streaming queries of one session or process.
//
// Thread-safe. Its destructor stops all queries.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "streaming/query.h"
#include "streaming/view.h"

namespace millrace::streaming {

class MemoryTable;

// What listeners hear. `json` is the event as Spark's listener bus carries it: for kStarted
// {"id","runId","name","timestamp",…}, for kProgress {"progress":{…}}, for kIdle
// {"id","runId","timestamp"}, for kTerminated {"id","runId","exception","errorClassOnException"}.
struct QueryEvent {
    enum class Kind : std::uint8_t { kStarted, kProgress, kIdle, kTerminated };
    Kind kind = Kind::kStarted;
    std::string query_id;
    std::string run_id;
    std::string json;
};
// Called on the query's thread (kStarted: on the starter's), in order for each query. Must not
// block and must not call into the manager.
using QueryListener = std::function<void(const QueryEvent&)>;

class QueryManager {
public:
    explicit QueryManager(Services services);
    ~QueryManager();
    QueryManager(const QueryManager&) = delete;
    QueryManager& operator=(const QueryManager&) = delete;

    // Checks the output mode's rules, opens or makes the checkpoint and starts the driver thread.
    // Errors are Spark's where it has one; kConflict for a name or checkpoint in use.
    Result<std::shared_ptr<StreamingQuery>> start(QuerySpec spec);

    std::vector<std::shared_ptr<StreamingQuery>> active() const;
    // An active query by id (`run_id` empty) or one run of it, which may have ended; nullptr if
    // none.
    std::shared_ptr<StreamingQuery> get(const std::string& id,
                                        const std::string& run_id = {}) const;
    // Wait until a query has ended since the start or reset_terminated(); the error of the failed.
    Result<bool> await_any_termination(std::optional<std::chrono::milliseconds> timeout);
    void reset_terminated();
    void stop_all();

    // The table that a memory sink of this name fills; nullptr when there is none.
    std::shared_ptr<MemoryTable> memory_table(const std::string& name) const;
    std::vector<std::string> memory_table_names() const;

    std::int64_t add_listener(QueryListener listener);  // Returns its id.
    void remove_listener(std::int64_t id);

    // For console, REST and metrics: every query that runs or ended since the start.
    std::vector<QueryView> view() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace millrace::streaming
