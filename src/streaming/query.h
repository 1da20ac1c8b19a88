// StreamingQuery: one running query of Structured Streaming, as its owners see it.
//
// A query owns a driver thread that runs triggers until it is stopped, fails, or has read what
// there was (availableNow, once). A failure stops the query alone and is kept as exception(). Made
// by QueryManager::start. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "columnar/batch.h"
#include "plan/command.h"
#include "plan/logical.h"
#include "streaming/sources.h"

namespace millrace::columnar {
class Engine;
}
namespace millrace::runtime {
class Clock;
class Disk;
class Random;
}  // namespace millrace::runtime

namespace millrace::streaming {

enum class OutputMode : std::uint8_t { kAppend, kUpdate, kComplete };
// "append", "update", "complete", any case; empty is append.
Result<OutputMode> parse_output_mode(std::string_view text);
std::string_view output_mode_name(OutputMode mode);  // "Append", as Spark writes it.

// What the process lends to its queries; all of it outlives them.
struct Services {
    columnar::Engine& engine;
    runtime::Disk& disk;
    runtime::Clock& clock;
    runtime::Random& random;
    TopicsProvider topics;
    std::string temporary_directory;  // Names the checkpoints of queries that have none.
    // Rows of a table that a stream is joined with, asked for in each batch; the manager's memory
    // tables when not set.
    std::function<Result<columnar::Batches>(const plan::ScanNode& scan)> table;
};

// Rows of one batch, given to a C++ sink. Called on the query's thread; an error fails the query.
// The same batch_id may come again after a restart, with the same rows.
using BatchCallback = std::function<Result<void>(
    std::int64_t batch_id, const std::vector<plan::Field>& fields, const columnar::Batches& rows)>;

struct SinkSpec {
    std::string format;  // kafka, parquet, json, csv, text, memory, console, noop; or a callback's.
    plan::Options options;  // Lower-case keys.
    std::string path;
    std::vector<std::string> partition_by;
    BatchCallback callback;  // Set: rows go there and `format` only names the sink in progress.
    // Where the console sink writes; the process' standard output when not set.
    std::function<void(std::string_view)> print;
};

struct QuerySpec {
    std::string name;       // Empty: none. Unique among the active queries of a manager.
    plan::LogicalPtr plan;  // Analyzed, over at least one streaming scan.
    OutputMode mode = OutputMode::kAppend;
    plan::Trigger trigger;
    SinkSpec sink;
    std::string checkpoint_location;          // Empty: temporary, removed at the end.
    std::map<std::string, std::string> conf;  // The session's settings that are set.
    std::string time_zone = "UTC";
};
// A spec from the command of a front end whose input has been analyzed to `plan`. Takes
// checkpointLocation and the path from the options, as Spark does.
Result<QuerySpec> make_query_spec(const plan::StartStreamCommand& command, plan::LogicalPtr plan,
                                  std::map<std::string, std::string> conf);

struct QueryStatus {
    std::string message;
    bool is_data_available = false;
    bool is_trigger_active = false;
};

class StreamingQuery {
public:
    virtual ~StreamingQuery() = default;
    virtual const std::string& id() const = 0;      // Survives restarts from the checkpoint.
    virtual const std::string& run_id() const = 0;  // New with each start.
    virtual const std::string& name() const = 0;    // Empty: none.
    virtual bool is_active() const = 0;
    virtual QueryStatus status() const = 0;
    // Progress reports as Spark's JSON, oldest first; at most 100.
    virtual std::vector<std::string> recent_progress() const = 0;
    virtual std::optional<std::string> last_progress() const = 0;
    // Why the query ended, when it failed. Its message begins as Spark's StreamingQueryException's.
    virtual std::optional<base::Error> exception() const = 0;
    // The error without the words around it, for a client that shows its own.
    virtual std::optional<base::Error> cause() const = 0;
    // Wait for the end; true when it ended, false after `timeout`. A failed query gives
    // exception().
    virtual Result<bool> await_termination(std::optional<std::chrono::milliseconds> timeout) = 0;
    // Wait until all that the sources hold now has been through; the query's error when it fails.
    virtual Result<void> process_all_available() = 0;
    // Ends the query after the running trigger, at the latest; returns when it has ended.
    virtual void stop() = 0;
    virtual std::string explain(bool extended) const = 0;
};

}  // namespace millrace::streaming
