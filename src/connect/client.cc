#include "connect/client.h"

// Before the generated service: it says how deep messages may be.
#include "connect/proto/deep_messages.h"

#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <functional>
#include <mutex>

#include "connect/error_status_internal.h"
#include "connect/from_proto_internal.h"
#include "connect/to_proto_internal.h"
#include "runtime/clock.h"
#include "spark/connect/base.grpc.pb.h"

namespace millrace::connect {

namespace {

using base::Code;
using base::Result;

constexpr int kMessageBytes = 128 << 20;
constexpr int kAttempts = 8;
constexpr int kFirstPauseMs = 50;

struct Address {
    std::string target;
    std::string user = "millrace";
    std::string token;
    std::string session_id;
    bool tls = false;
};

Result<Address> parse_url(std::string_view url) {
    const auto bad = [&](std::string_view why) {
        return base::fail(Code::kInvalidArgument,
                          "'{}' is no Spark Connect URL: {}. Example: sc://127.0.0.1:15002", url,
                          why);
    };
    if (!url.starts_with("sc://")) return bad("it does not begin with sc://");
    std::string_view rest = url.substr(5);
    std::string_view parameters;
    if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
        parameters = rest.substr(slash + 1);
        rest = rest.substr(0, slash);
    }
    if (rest.empty()) return bad("the host is missing");
    Address address;
    address.target = std::string(rest);
    if (rest.find(':') == std::string_view::npos) address.target += ":15002";
    while (!parameters.empty()) {
        if (parameters.front() == ';') {
            parameters.remove_prefix(1);
            continue;
        }
        const auto end = parameters.find(';');
        const auto pair = parameters.substr(0, end);
        parameters = end == std::string_view::npos ? "" : parameters.substr(end + 1);
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos) return bad("a parameter has no value");
        const auto key = pair.substr(0, equals);
        const auto value = std::string(pair.substr(equals + 1));
        if (key == "user_id") {
            address.user = value;
        } else if (key == "token") {
            address.token = value;
            address.tls = true;
        } else if (key == "use_ssl") {
            address.tls = value == "true";
        } else if (key == "session_id") {
            address.session_id = value;
        }
    }
    return address;
}

void pause(int milliseconds) {
    gpr_sleep_until(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                 gpr_time_from_millis(milliseconds, GPR_TIMESPAN)));
}

bool may_repeat(const grpc::Status& status) {
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return true;
    return status.error_code() == grpc::StatusCode::INTERNAL &&
           status.error_message().find("INVALID_CURSOR.DISCONNECTED") != std::string::npos;
}

proto::AnalyzePlanRequest_Explain_ExplainMode to_mode(session::ExplainMode mode) {
    using Explain = proto::AnalyzePlanRequest_Explain;
    switch (mode) {
        case session::ExplainMode::kSimple: return Explain::EXPLAIN_MODE_SIMPLE;
        case session::ExplainMode::kExtended: return Explain::EXPLAIN_MODE_EXTENDED;
        case session::ExplainMode::kCodegen: return Explain::EXPLAIN_MODE_CODEGEN;
        case session::ExplainMode::kCost: return Explain::EXPLAIN_MODE_COST;
        case session::ExplainMode::kFormatted: return Explain::EXPLAIN_MODE_FORMATTED;
    }
    return Explain::EXPLAIN_MODE_SIMPLE;
}

Client::QueryId to_query_id(const proto::StreamingQueryInstanceId& id, const std::string& name) {
    return {id.id(), id.run_id(), name};
}

}  // namespace

struct Client::Impl {
    Address address;
    std::unique_ptr<runtime::Random> random = runtime::make_system_random();
    std::unique_ptr<proto::SparkConnectService::Stub> stub;
    std::mutex mutex;  // Guards `random`.

    std::string uuid() {
        const std::scoped_lock lock(mutex);
        return runtime::make_uuid(*random);
    }

    template <class Request>
    void address_to(Request& request) {
        request.set_session_id(address.session_id);
        request.mutable_user_context()->set_user_id(address.user);
        request.mutable_user_context()->set_user_name(address.user);
        request.set_client_type("millrace");
    }

    void prepare(grpc::ClientContext& context) const {
        if (!address.token.empty()) context.AddMetadata("authorization", "Bearer " + address.token);
    }

    // A call with one answer, repeated while the server cannot be reached.
    template <class Request, class Response>
    Result<Response> call(grpc::Status (proto::SparkConnectService::Stub::*method)(
                              grpc::ClientContext*, const Request&, Response*),
                          Request request) {
        address_to(request);
        int wait = kFirstPauseMs;
        for (int attempt = 1;; attempt++) {
            grpc::ClientContext context;
            prepare(context);
            Response response;
            const auto status = (stub.get()->*method)(&context, request, &response);
            if (status.ok()) return response;
            if (!may_repeat(status) || attempt == kAttempts) return base::fail(from_status(status));
            pause(wait);
            wait *= 2;
        }
    }

    using OnResponse = std::function<Result<void>(const proto::ExecutePlanResponse&)>;

    // Runs a plan and hands over its responses. A stream that breaks is reattached after the last
    // response that came; a server that lost the operation gets it anew if nothing came before.
    Result<void> execute(const proto::Plan& plan, const OnResponse& on_response) {
        proto::ExecutePlanRequest request;
        address_to(request);
        *request.mutable_plan() = plan;
        request.set_operation_id(uuid());
        request.add_request_options()->mutable_reattach_options()->set_reattachable(true);
        std::string last;
        bool complete = false;
        bool begun = false;
        int wait = kFirstPauseMs;
        for (int attempt = 1; !complete; attempt++) {
            grpc::ClientContext context;
            prepare(context);
            std::unique_ptr<grpc::ClientReader<proto::ExecutePlanResponse>> reader;
            if (!begun) {
                reader = stub->ExecutePlan(&context, request);
            } else {
                proto::ReattachExecuteRequest reattach;
                address_to(reattach);
                reattach.set_operation_id(request.operation_id());
                if (!last.empty()) reattach.set_last_response_id(last);
                reader = stub->ReattachExecute(&context, reattach);
            }
            proto::ExecutePlanResponse response;
            while (reader->Read(&response)) {
                begun = true;
                attempt = 1;
                wait = kFirstPauseMs;
                last = response.response_id();
                complete = complete || response.has_result_complete();
                if (auto taken = on_response(response); !taken) {
                    context.TryCancel();
                    reader->Finish();
                    release(request.operation_id());
                    return taken;
                }
            }
            const auto status = reader->Finish();
            if (complete) break;
            if (status.ok()) {
                begun = true;
                continue;
            }
            const auto error = from_status(status);
            const auto* condition = error.condition();
            const bool lost = begun && last.empty() && condition != nullptr &&
                              (condition->name == "INVALID_HANDLE.OPERATION_NOT_FOUND" ||
                               condition->name == "INVALID_HANDLE.SESSION_NOT_FOUND");
            if ((!may_repeat(status) && !lost) || attempt >= kAttempts) {
                release(request.operation_id());
                return base::fail(error);
            }
            // Whether the plan arrived is not known: ask for it, and send it again if it did not.
            begun = !lost && begun;
            pause(wait);
            wait *= 2;
        }
        release(request.operation_id());
        return {};
    }

    void release(const std::string& operation_id) {
        proto::ReleaseExecuteRequest request;
        address_to(request);
        request.set_operation_id(operation_id);
        request.mutable_release_all();
        grpc::ClientContext context;
        prepare(context);
        proto::ReleaseExecuteResponse response;
        // The server forgets it by itself when this does not arrive.
        static_cast<void>(stub->ReleaseExecute(&context, request, &response));
    }

    Result<proto::StreamingQueryCommandResult> control(const QueryId& query,
                                                       proto::StreamingQueryCommand command) {
        command.mutable_query_id()->set_id(query.id);
        command.mutable_query_id()->set_run_id(query.run_id);
        proto::Plan plan;
        *plan.mutable_command()->mutable_streaming_query_command() = std::move(command);
        proto::StreamingQueryCommandResult result;
        MR_TRY_VOID(execute(plan, [&](const proto::ExecutePlanResponse& response) -> Result<void> {
            if (response.has_streaming_query_command_result()) {
                result = response.streaming_query_command_result();
            }
            return {};
        }));
        return result;
    }

    Result<proto::StreamingQueryManagerCommandResult> manage(
        proto::StreamingQueryManagerCommand command) {
        proto::Plan plan;
        *plan.mutable_command()->mutable_streaming_query_manager_command() = std::move(command);
        proto::StreamingQueryManagerCommandResult result;
        MR_TRY_VOID(execute(plan, [&](const proto::ExecutePlanResponse& response) -> Result<void> {
            if (response.has_streaming_query_manager_command_result()) {
                result = response.streaming_query_manager_command_result();
            }
            return {};
        }));
        return result;
    }

    Result<proto::AnalyzePlanResponse> analyze(proto::AnalyzePlanRequest request) {
        return call(&proto::SparkConnectService::Stub::AnalyzePlan, std::move(request));
    }
    Result<proto::ConfigResponse> config(proto::ConfigRequest request) {
        return call(&proto::SparkConnectService::Stub::Config, std::move(request));
    }
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::connect(std::string_view url) {
    MR_TRY(auto address, parse_url(url));
    auto impl = std::make_unique<Impl>();
    impl->address = std::move(address);
    if (impl->address.session_id.empty()) impl->address.session_id = impl->uuid();
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMessageBytes);
    arguments.SetMaxSendMessageSize(kMessageBytes);
    auto credentials = impl->address.tls ? grpc::SslCredentials(grpc::SslCredentialsOptions())
                                         : grpc::InsecureChannelCredentials();
    impl->stub = proto::SparkConnectService::NewStub(
        grpc::CreateCustomChannel(impl->address.target, credentials, arguments));
    return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Result<plan::DataType> Client::schema(const plan::RelationPtr& relation) {
    proto::AnalyzePlanRequest request;
    MR_TRY_VOID(to_proto(*relation, *request.mutable_schema()->mutable_plan()->mutable_root()));
    MR_TRY(const auto response, impl_->analyze(std::move(request)));
    return type_from_proto(response.schema().schema());
}

Result<Client::Rows> Client::collect(const plan::RelationPtr& relation) {
    proto::Plan plan;
    MR_TRY_VOID(to_proto(*relation, *plan.mutable_root()));
    Rows rows;
    MR_TRY_VOID(
        impl_->execute(plan, [&](const proto::ExecutePlanResponse& response) -> Result<void> {
            if (response.has_schema()) {
                MR_TRY(rows.schema, type_from_proto(response.schema()));
            }
            if (!response.has_arrow_batch()) return {};
            MR_TRY(auto batches, columnar::from_ipc(response.arrow_batch().data()));
            for (auto& batch : batches) rows.batches.push_back(std::move(batch));
            return {};
        }));
    return rows;
}

Result<plan::RelationPtr> Client::sql(const plan::SqlRel& statement) {
    proto::Plan plan;
    auto* command = plan.mutable_command()->mutable_sql_command();
    MR_TRY_VOID(to_proto(*plan::make_relation(statement), *command->mutable_input()));
    // Servers of 3.x read the text from here.
    command->set_sql(statement.text);
    plan::RelationPtr relation;
    MR_TRY_VOID(
        impl_->execute(plan, [&](const proto::ExecutePlanResponse& response) -> Result<void> {
            if (!response.has_sql_command_result()) return {};
            const FromProto from([](const std::string&) { return std::nullopt; });
            MR_TRY(relation, from.relation(response.sql_command_result().relation()));
            return {};
        }));
    if (relation == nullptr) {
        return base::fail(Code::kInternal, "The server gave no result for a SQL command");
    }
    return relation;
}

Result<void> Client::execute(const plan::Command& command) {
    proto::Plan plan;
    MR_TRY_VOID(to_proto(command, *plan.mutable_command()));
    return impl_->execute(plan,
                          [](const proto::ExecutePlanResponse&) -> Result<void> { return {}; });
}

Result<std::string> Client::explain(const plan::RelationPtr& relation, session::ExplainMode mode) {
    proto::AnalyzePlanRequest request;
    request.mutable_explain()->set_explain_mode(to_mode(mode));
    MR_TRY_VOID(to_proto(*relation, *request.mutable_explain()->mutable_plan()->mutable_root()));
    MR_TRY(const auto response, impl_->analyze(std::move(request)));
    return response.explain().explain_string();
}

Result<bool> Client::is_streaming(const plan::RelationPtr& relation) {
    proto::AnalyzePlanRequest request;
    MR_TRY_VOID(
        to_proto(*relation, *request.mutable_is_streaming()->mutable_plan()->mutable_root()));
    MR_TRY(const auto response, impl_->analyze(std::move(request)));
    return response.is_streaming().is_streaming();
}

Result<std::string> Client::version() {
    proto::AnalyzePlanRequest request;
    request.mutable_spark_version();
    MR_TRY(const auto response, impl_->analyze(std::move(request)));
    return response.spark_version().version();
}

Result<std::optional<std::string>> Client::conf(const std::string& key) {
    proto::ConfigRequest request;
    request.mutable_operation()->mutable_get()->add_keys(key);
    MR_TRY(const auto response, impl_->config(std::move(request)));
    if (response.pairs().empty() || !response.pairs(0).has_value()) return std::nullopt;
    return response.pairs(0).value();
}

Result<void> Client::set_conf(const std::string& key, const std::string& value) {
    proto::ConfigRequest request;
    auto* pair = request.mutable_operation()->mutable_set()->add_pairs();
    pair->set_key(key);
    pair->set_value(value);
    MR_TRY_VOID(impl_->config(std::move(request)));
    return {};
}

Result<void> Client::unset_conf(const std::string& key) {
    proto::ConfigRequest request;
    request.mutable_operation()->mutable_unset()->add_keys(key);
    MR_TRY_VOID(impl_->config(std::move(request)));
    return {};
}

Result<Client::QueryId> Client::start_stream(const plan::StartStreamCommand& command) {
    proto::Plan plan;
    MR_TRY_VOID(to_proto(plan::Command(command), *plan.mutable_command()));
    QueryId query;
    MR_TRY_VOID(
        impl_->execute(plan, [&](const proto::ExecutePlanResponse& response) -> Result<void> {
            if (!response.has_write_stream_operation_start_result()) return {};
            const auto& result = response.write_stream_operation_start_result();
            query = to_query_id(result.query_id(), result.name());
            return {};
        }));
    return query;
}

Result<std::vector<Client::QueryId>> Client::active_queries() {
    proto::StreamingQueryManagerCommand command;
    command.set_active(true);
    MR_TRY(const auto result, impl_->manage(std::move(command)));
    std::vector<QueryId> queries;
    for (const auto& query : result.active().active_queries()) {
        queries.push_back(to_query_id(query.id(), query.name()));
    }
    return queries;
}

Result<Client::QueryStatus> Client::status(const QueryId& query) {
    proto::StreamingQueryCommand command;
    command.set_status(true);
    MR_TRY(const auto result, impl_->control(query, std::move(command)));
    const auto& status = result.status();
    return QueryStatus{status.status_message(), status.is_data_available(),
                       status.is_trigger_active(), status.is_active()};
}

Result<std::vector<std::string>> Client::recent_progress(const QueryId& query) {
    proto::StreamingQueryCommand command;
    command.set_recent_progress(true);
    MR_TRY(const auto result, impl_->control(query, std::move(command)));
    const auto& progress = result.recent_progress().recent_progress_json();
    return std::vector<std::string>(progress.begin(), progress.end());
}

Result<std::optional<std::string>> Client::last_progress(const QueryId& query) {
    proto::StreamingQueryCommand command;
    command.set_last_progress(true);
    MR_TRY(const auto result, impl_->control(query, std::move(command)));
    const auto& progress = result.recent_progress().recent_progress_json();
    if (progress.empty()) return std::nullopt;
    return progress[progress.size() - 1];
}

Result<std::optional<std::string>> Client::exception(const QueryId& query) {
    proto::StreamingQueryCommand command;
    command.set_exception(true);
    MR_TRY(const auto result, impl_->control(query, std::move(command)));
    if (!result.exception().has_exception_message()) return std::nullopt;
    return result.exception().exception_message();
}

Result<bool> Client::await_termination(const QueryId& query,
                                       std::optional<std::chrono::milliseconds> timeout) {
    proto::StreamingQueryCommand command;
    command.mutable_await_termination();
    if (timeout) command.mutable_await_termination()->set_timeout_ms(timeout->count());
    MR_TRY(const auto result, impl_->control(query, std::move(command)));
    return result.await_termination().terminated();
}

Result<bool> Client::await_any_termination(std::optional<std::chrono::milliseconds> timeout) {
    proto::StreamingQueryManagerCommand command;
    command.mutable_await_any_termination();
    if (timeout) command.mutable_await_any_termination()->set_timeout_ms(timeout->count());
    MR_TRY(const auto result, impl_->manage(std::move(command)));
    return result.await_any_termination().terminated();
}

Result<void> Client::process_all_available(const QueryId& query) {
    proto::StreamingQueryCommand command;
    command.set_process_all_available(true);
    MR_TRY_VOID(impl_->control(query, std::move(command)));
    return {};
}

Result<void> Client::stop(const QueryId& query) {
    proto::StreamingQueryCommand command;
    command.set_stop(true);
    MR_TRY_VOID(impl_->control(query, std::move(command)));
    return {};
}

Result<std::string> Client::explain(const QueryId& query, bool extended) {
    proto::StreamingQueryCommand command;
    command.mutable_explain()->set_extended(extended);
    MR_TRY(const auto result, impl_->control(query, std::move(command)));
    return result.explain().result();
}

Result<void> Client::close() {
    proto::ReleaseSessionRequest request;
    MR_TRY_VOID(impl_->call(&proto::SparkConnectService::Stub::ReleaseSession, std::move(request)));
    return {};
}

}  // namespace millrace::connect
