#include "api/remote_backend.h"

#include <utility>

#include "connect/client.h"

namespace millrace::api {

namespace {

// One run of a query on the server. Keeps the connection alive.
class RemoteQuery final : public QueryHandle {
public:
    RemoteQuery(std::shared_ptr<connect::Client> client, connect::Client::QueryId query)
        : client_(std::move(client)), query_(std::move(query)) {}
    const std::string& id() const override { return query_.id; }
    const std::string& run_id() const override { return query_.run_id; }
    const std::string& name() const override { return query_.name; }
    Result<Status> status() override {
        MR_TRY(const auto status, client_->status(query_));
        return Status{status.message, status.is_data_available, status.is_trigger_active,
                      status.is_active};
    }
    Result<std::vector<std::string>> recent_progress() override {
        return client_->recent_progress(query_);
    }
    Result<std::optional<base::Error>> exception() override {
        MR_TRY(const auto message, client_->exception(query_));
        if (!message) return std::nullopt;
        return base::Error(base::Code::kRuntime, *message);
    }
    Result<bool> await_termination(std::optional<std::chrono::milliseconds> timeout) override {
        return client_->await_termination(query_, timeout);
    }
    Result<void> process_all_available() override { return client_->process_all_available(query_); }
    Result<void> stop() override { return client_->stop(query_); }

private:
    const std::shared_ptr<connect::Client> client_;
    const connect::Client::QueryId query_;
};

class RemoteBackend final : public Backend {
public:
    explicit RemoteBackend(std::shared_ptr<connect::Client> client) : client_(std::move(client)) {}

    Result<Rows> collect(const plan::RelationPtr& relation) override {
        MR_TRY(connect::Client::Rows rows, client_->collect(relation));
        return Rows{std::move(rows.schema), std::move(rows.batches)};
    }
    Result<plan::DataType> schema(const plan::RelationPtr& relation) override {
        return client_->schema(relation);
    }
    Result<std::string> explain(const plan::RelationPtr& relation, bool extended) override {
        return client_->explain(
            relation, extended ? session::ExplainMode::kExtended : session::ExplainMode::kSimple);
    }
    Result<bool> is_streaming(const plan::RelationPtr& relation) override {
        return client_->is_streaming(relation);
    }
    Result<plan::RelationPtr> sql(std::string_view text) override {
        plan::SqlRel statement;
        statement.text = text;
        return client_->sql(statement);
    }
    Result<void> execute(const plan::Command& command) override {
        return client_->execute(command);
    }
    Result<std::shared_ptr<QueryHandle>> start(const plan::StartStreamCommand& command) override {
        MR_TRY(auto query, client_->start_stream(command));
        return std::make_shared<RemoteQuery>(client_, std::move(query));
    }
    Result<void> set_conf(const std::string& key, const std::string& value) override {
        return client_->set_conf(key, value);
    }
    Result<std::string> conf(const std::string& key) override {
        MR_TRY(const auto value, client_->conf(key));
        return value.value_or("");
    }
    Result<std::string> version() override { return client_->version(); }
    Result<void> stop() override { return client_->close(); }

private:
    const std::shared_ptr<connect::Client> client_;
};

}  // namespace

Result<std::shared_ptr<Backend>> make_remote_backend(const std::string& url) {
    MR_TRY(std::shared_ptr<connect::Client> client, connect::Client::connect(url));
    MR_TRY_VOID(client->version());
    return std::make_shared<RemoteBackend>(std::move(client));
}

}  // namespace millrace::api
