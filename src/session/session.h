// Session: what one client has on this server: settings, views, cached data, streaming queries.
//
// Every front end (Spark Connect, the C++ API, the SQL shell) speaks to a Session in plans and gets
// batches back. Calls run on the caller's thread and may take as long as a query does; several may
// run at once in one session. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "columnar/batch.h"
#include "columnar/engine.h"
#include "plan/command.h"
#include "plan/logical.h"
#include "session/conf.h"
#include "streaming/query.h"

namespace millrace::streaming {
class QueryManager;
}

namespace millrace::session {

// What clients take this server for; they adapt to it.
inline constexpr std::string_view kSparkVersion = "4.2.0";

class SessionCatalog;
class GlobalViews;

// What the process lends to its sessions; all of it outlives them.
struct Services {
    columnar::Engine& engine;
    streaming::QueryManager& queries;
    runtime::Disk& disk;
    runtime::Clock& clock;
    runtime::Random& random;
    streaming::TopicsProvider topics;
    std::map<std::string, std::string> settings;  // The server's own defaults of session settings.
};

// A relation made ready to run.
struct Query {
    plan::LogicalPtr plan;
    plan::DataType schema;  // A struct.
    // df.show() and its HTML: the rows are wanted as one text.
    const plan::ShowStringRel* show = nullptr;
    const plan::HtmlStringRel* html = nullptr;
    plan::RelationPtr relation;  // Keeps `show` alive.
};

using Cancelled = std::atomic<bool>;

// What a command gives: rows (none for most), and the query that a stream's start made.
struct Outcome {
    plan::DataType schema;
    columnar::Batches rows;
    std::shared_ptr<streaming::StreamingQuery> query;
};

// Values of df.observe(), known when the rows have been.
struct Observed {
    std::string name;
    std::vector<std::string> keys;
    std::vector<plan::Literal> values;
};

// Which plans are shown by EXPLAIN.
enum class ExplainMode : std::uint8_t { kSimple, kExtended, kCodegen, kCost, kFormatted };

struct StorageLevel {
    bool use_disk = false;
    bool use_memory = false;
    bool use_off_heap = false;
    bool deserialized = false;
    int replication = 1;
    bool operator==(const StorageLevel&) const = default;
};

class Session {
public:
    Session(std::string id, std::string user, Services& services,
            std::shared_ptr<GlobalViews> global_views);
    // A copy of settings, views and cached data, isolated from here on.
    Session(const Session& from, std::string id);
    ~Session();

    const std::string& id() const { return id_; }
    const std::string& user() const { return user_; }
    // Tells this session from a later one of the same id.
    const std::string& server_side_id() const { return server_side_id_; }
    SessionConf& conf() { return conf_; }
    Services& services() { return services_; }

    Result<plan::LogicalPtr> analyze(const plan::RelationPtr& relation);
    Result<Query> prepare(const plan::RelationPtr& relation);
    // Run a prepared query; batches come in order. At least one batch comes, also without rows.
    Result<void> run(const Query& query, const Cancelled* cancelled,
                     const columnar::BatchSink& sink);
    Result<columnar::Batches> collect(const plan::RelationPtr& relation,
                                      const Cancelled* cancelled = nullptr);

    Result<Outcome> execute(const plan::Command& command, const Cancelled* cancelled = nullptr);
    // spark.sql(): a query comes back to be run later, a command has been executed.
    Result<std::variant<plan::RelationPtr, Outcome>> sql(const plan::SqlRel& statement,
                                                         const Cancelled* cancelled = nullptr);

    Result<std::string> explain(const plan::RelationPtr& relation, ExplainMode mode);
    Result<std::vector<std::string>> input_files(const plan::RelationPtr& relation);
    // Equal texts: the same result whatever the attribute ids are.
    Result<std::string> canonical_text(const plan::RelationPtr& relation);

    // df.cache() and friends. Levels are kept by what the plan means, not by who asks.
    Result<void> persist(const plan::RelationPtr& relation, const StorageLevel& level);
    Result<void> unpersist(const plan::RelationPtr& relation);
    Result<StorageLevel> storage_level(const plan::RelationPtr& relation);

    // Run now and keep the rows under a new id, which CachedRel names.
    Result<std::string> checkpoint(const plan::RelationPtr& relation, const Cancelled* cancelled);
    // Keep rows that exist already, as foreachBatch does; returns the id.
    std::string keep(std::vector<plan::Field> fields, columnar::Batches rows);
    void release(const std::string& id);

    // Streaming queries that this session has started.
    std::vector<std::shared_ptr<streaming::StreamingQuery>> active_queries() const;
    // One of them by id and, when given, run id; nullptr: none.
    std::shared_ptr<streaming::StreamingQuery> query(const std::string& id,
                                                     const std::string& run_id) const;
    // Stop what runs for this session.
    void close();

    std::int64_t now_us() const;

private:
    Result<Outcome> write(const plan::WriteCommand& command, const Cancelled* cancelled);
    Result<Outcome> create_view(const plan::CreateViewCommand& command);
    Result<Outcome> drop_view(const plan::DropViewCommand& command);
    Result<Outcome> set_conf(const plan::SetConfCommand& command);
    Result<Outcome> show(const plan::ShowCommand& command);
    Result<Outcome> start_stream(const plan::StartStreamCommand& command);
    Result<columnar::ScanInputs> bind_scans(const plan::LogicalNode& plan);
    columnar::RunContext context(const Cancelled* cancelled) const;

    const std::string id_;
    const std::string user_;
    const std::string server_side_id_;
    Services& services_;
    SessionConf conf_;
    std::unique_ptr<SessionCatalog> catalog_;
    mutable std::mutex mutex_;
    std::map<std::string, StorageLevel> persisted_;
    std::vector<std::pair<std::string, std::string>> started_;  // id, run id
};

// Put the text that show() prints together: the column names and at most `rows` rows.
std::string show_string(const std::vector<plan::Field>& fields, const columnar::Batches& batches,
                        const plan::ShowStringRel& options, const std::string& time_zone);
std::string html_string(const std::vector<plan::Field>& fields, const columnar::Batches& batches,
                        const plan::HtmlStringRel& options, const std::string& time_zone);

}  // namespace millrace::session
