// Client: a session on a remote Spark Connect server, Millrace or Apache Spark.
//
// Shaped like session::Session, so that the C++ API runs one program in this process or over there.
// Calls block; several may run at once. A broken result stream is taken up again where it was
// (reattach), and calls that a server refuses for a moment are repeated. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "columnar/batch.h"
#include "plan/command.h"
#include "session/session.h"

namespace millrace::connect {

class Client {
public:
    // "sc://host:port/;user_id=ada;token=…;use_ssl=true;session_id=<uuid>": Spark's own form. The
    // connection is made by the first call.
    static base::Result<std::unique_ptr<Client>> connect(std::string_view url);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    struct Rows {
        plan::DataType schema;
        columnar::Batches batches;
    };
    base::Result<plan::DataType> schema(const plan::RelationPtr& relation);
    base::Result<Rows> collect(const plan::RelationPtr& relation);
    // A query comes back as a relation; a command has been carried out and comes back as its rows.
    base::Result<plan::RelationPtr> sql(const plan::SqlRel& statement);
    // Writes and views. Other commands go as SQL text.
    base::Result<void> execute(const plan::Command& command);
    base::Result<std::string> explain(const plan::RelationPtr& relation, session::ExplainMode mode);
    base::Result<bool> is_streaming(const plan::RelationPtr& relation);
    base::Result<std::string> version();

    base::Result<std::optional<std::string>> conf(const std::string& key);
    base::Result<void> set_conf(const std::string& key, const std::string& value);
    base::Result<void> unset_conf(const std::string& key);

    struct QueryId {
        std::string id;
        std::string run_id;
        std::string name;
    };
    struct QueryStatus {
        std::string message;
        bool is_data_available = false;
        bool is_trigger_active = false;
        bool is_active = false;
    };
    base::Result<QueryId> start_stream(const plan::StartStreamCommand& command);
    base::Result<std::vector<QueryId>> active_queries();
    base::Result<QueryStatus> status(const QueryId& query);
    base::Result<std::vector<std::string>> recent_progress(const QueryId& query);
    base::Result<std::optional<std::string>> last_progress(const QueryId& query);
    // The message of the exception that ended the query; nullopt when none did.
    base::Result<std::optional<std::string>> exception(const QueryId& query);
    base::Result<bool> await_termination(const QueryId& query,
                                         std::optional<std::chrono::milliseconds> timeout);
    base::Result<bool> await_any_termination(std::optional<std::chrono::milliseconds> timeout);
    base::Result<void> process_all_available(const QueryId& query);
    base::Result<void> stop(const QueryId& query);
    base::Result<std::string> explain(const QueryId& query, bool extended);

    // Ends the session on the server; later calls fail.
    base::Result<void> close();

private:
    struct Impl;
    explicit Client(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::connect
