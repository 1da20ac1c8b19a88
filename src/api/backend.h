// Backend: what a Session of the C++ API stands on, here or on a server.
//
// The public classes build plans and hand them over; a Backend runs them. LocalBackend is a
// session::Session in this process, RemoteBackend a Spark Connect client. Thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "columnar/batch.h"
#include "plan/command.h"
#include "plan/relation.h"

namespace millrace::api {

using base::Result;

// One run of a streaming query.
class QueryHandle {
public:
    struct Status {
        std::string message;
        bool is_data_available = false;
        bool is_trigger_active = false;
        bool is_active = false;
    };
    virtual ~QueryHandle() = default;
    virtual const std::string& id() const = 0;
    virtual const std::string& run_id() const = 0;
    virtual const std::string& name() const = 0;
    virtual Result<Status> status() = 0;
    virtual Result<std::vector<std::string>> recent_progress() = 0;
    virtual Result<std::optional<base::Error>> exception() = 0;
    virtual Result<bool> await_termination(std::optional<std::chrono::milliseconds> timeout) = 0;
    virtual Result<void> process_all_available() = 0;
    virtual Result<void> stop() = 0;
};

class Backend {
public:
    virtual ~Backend() = default;
    // The rows of a query, and the struct type of its columns.
    struct Rows {
        plan::DataType schema;
        columnar::Batches batches;
    };
    virtual Result<Rows> collect(const plan::RelationPtr& relation) = 0;
    virtual Result<plan::DataType> schema(const plan::RelationPtr& relation) = 0;
    virtual Result<std::string> explain(const plan::RelationPtr& relation, bool extended) = 0;
    virtual Result<bool> is_streaming(const plan::RelationPtr& relation) = 0;
    // A query comes back as a relation to run later; of a command that was run, its rows.
    virtual Result<plan::RelationPtr> sql(std::string_view text) = 0;
    virtual Result<void> execute(const plan::Command& command) = 0;
    virtual Result<std::shared_ptr<QueryHandle>> start(const plan::StartStreamCommand& command) = 0;
    virtual Result<void> set_conf(const std::string& key, const std::string& value) = 0;
    virtual Result<std::string> conf(const std::string& key) = 0;
    virtual Result<std::string> version() = 0;
    virtual Result<void> stop() = 0;
};

}  // namespace millrace::api
