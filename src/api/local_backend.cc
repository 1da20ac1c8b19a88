#include "api/local_backend.h"

#include "columnar/engine.h"
#include "millrace/session.h"
#include "platform/platform.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "session/session_manager.h"
#include "sql/parser.h"
#include "streaming/query.h"

namespace millrace::api {

using base::Code;
using base::fail;

namespace {

class LocalQuery final : public QueryHandle {
public:
    explicit LocalQuery(std::shared_ptr<streaming::StreamingQuery> query)
        : query_(std::move(query)) {}
    const std::string& id() const override { return query_->id(); }
    const std::string& run_id() const override { return query_->run_id(); }
    const std::string& name() const override { return query_->name(); }
    Result<Status> status() override {
        const streaming::QueryStatus status = query_->status();
        return Status{status.message, status.is_data_available, status.is_trigger_active,
                      query_->is_active()};
    }
    Result<std::vector<std::string>> recent_progress() override {
        return query_->recent_progress();
    }
    Result<std::optional<base::Error>> exception() override { return query_->exception(); }
    Result<bool> await_termination(std::optional<std::chrono::milliseconds> timeout) override {
        return query_->await_termination(timeout);
    }
    Result<void> process_all_available() override { return query_->process_all_available(); }
    Result<void> stop() override {
        query_->stop();
        return {};
    }

private:
    const std::shared_ptr<streaming::StreamingQuery> query_;
};

class LocalBackend final : public Backend {
public:
    LocalBackend(std::unique_ptr<platform::Platform> platform,
                 std::shared_ptr<session::Session> session, std::string temporary_folder)
        : platform_(std::move(platform)),
          session_(std::move(session)),
          temporary_folder_(std::move(temporary_folder)) {}
    ~LocalBackend() override {
        // A folder that cannot be removed is left to the system's own cleaning of its temp folder.
        static_cast<void>(stop());
    }

    Result<Rows> collect(const plan::RelationPtr& relation) override {
        MR_TRY(const session::Query query, session_->prepare(relation));
        Rows rows;
        rows.schema = query.schema;
        MR_TRY_VOID(session_->run(query, nullptr, [&](columnar::Batch batch) -> Result<void> {
            rows.batches.push_back(std::move(batch));
            return {};
        }));
        return rows;
    }
    Result<plan::DataType> schema(const plan::RelationPtr& relation) override {
        MR_TRY(const plan::LogicalPtr analyzed, session_->analyze(relation));
        return plan::schema_of(*analyzed);
    }
    Result<std::string> explain(const plan::RelationPtr& relation, bool extended) override {
        return session_->explain(
            relation, extended ? session::ExplainMode::kExtended : session::ExplainMode::kSimple);
    }
    Result<bool> is_streaming(const plan::RelationPtr& relation) override {
        MR_TRY(const plan::LogicalPtr analyzed, session_->analyze(relation));
        return plan::is_streaming(*analyzed);
    }
    Result<plan::RelationPtr> sql(std::string_view text) override {
        plan::SqlRel statement;
        statement.text = text;
        MR_TRY(auto answer, session_->sql(statement));
        if (const auto* relation = std::get_if<plan::RelationPtr>(&answer)) return *relation;
        auto& outcome = std::get<session::Outcome>(answer);
        return plan::make_relation(plan::CachedRel{
            session_->keep(outcome.schema.is(plan::TypeKind::kStruct) ? outcome.schema.fields()
                                                                      : std::vector<plan::Field>{},
                           std::move(outcome.rows))});
    }
    Result<void> execute(const plan::Command& command) override {
        MR_TRY_VOID(session_->execute(command));
        return {};
    }
    Result<std::shared_ptr<QueryHandle>> start(const plan::StartStreamCommand& command) override {
        MR_TRY(const session::Outcome outcome, session_->execute(command));
        return std::make_shared<LocalQuery>(outcome.query);
    }
    Result<void> set_conf(const std::string& key, const std::string& value) override {
        return session_->conf().set(key, value);
    }
    Result<std::string> conf(const std::string& key) override {
        MR_TRY(const std::optional<std::string> value, session_->conf().require(key));
        return value.value_or("");
    }
    Result<std::string> version() override { return std::string(session::kSparkVersion); }
    Result<void> stop() override {
        if (stopped_) return {};
        stopped_ = true;
        session_->close();
        platform_->stop();
        if (temporary_folder_.empty()) return {};
        return platform_->disk().remove_tree(temporary_folder_);
    }

private:
    std::unique_ptr<platform::Platform> platform_;
    std::shared_ptr<session::Session> session_;
    const std::string temporary_folder_;
    bool stopped_ = false;
};

}  // namespace

Result<std::shared_ptr<Backend>> make_local_backend(const LocalOptions& options) {
    const auto random = runtime::make_system_random();
    const std::string id = runtime::make_uuid(*random);
    config::ServerOptions server;
    std::string temporary_folder;
    if (options.data_dir.empty()) {
        temporary_folder = runtime::system_temporary_directory() + "/millrace-" + id;
    }
    server.data_dir = options.data_dir.empty() ? temporary_folder : options.data_dir;
    server.kafka_port = options.kafka_port;
    auto platform = std::make_unique<platform::Platform>(server, options.conf);
    MR_TRY_VOID(platform->start());
    MR_TRY(auto session, platform->sessions().get_or_create("local", id));
    return std::make_shared<LocalBackend>(std::move(platform), std::move(session),
                                          std::move(temporary_folder));
}

}  // namespace millrace::api
