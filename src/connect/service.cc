#include "connect/service_internal.h"

#include <algorithm>

#include "connect/error_status_internal.h"
#include "connect/run_plan_internal.h"
#include "runtime/clock.h"

namespace millrace::connect {

namespace {

using std::chrono::milliseconds;

// How often a waiting result stream looks whether its client is still there.
constexpr milliseconds kLook{1000};

const std::string& user_of(const auto& request) {
    return request.user_context().user_id();
}

proto::GetStatusResponse_OperationStatus_OperationState state_of(Operation::State state) {
    using Status = proto::GetStatusResponse_OperationStatus;
    switch (state) {
        case Operation::State::kRunning: return Status::OPERATION_STATE_RUNNING;
        case Operation::State::kSucceeded: return Status::OPERATION_STATE_SUCCEEDED;
        case Operation::State::kFailed: return Status::OPERATION_STATE_FAILED;
        case Operation::State::kCancelled: return Status::OPERATION_STATE_CANCELLED;
    }
    return Status::OPERATION_STATE_UNKNOWN;
}

}  // namespace

Service::Service(session::SessionManager& sessions, const ServerOptions& options)
    : clients_(sessions),
      options_(options),
      workers_(static_cast<std::size_t>(std::max(1, options.max_operations))) {}

void Service::stop() {
    clients_.close_all();
    workers_.stop();
}

std::int64_t Service::now_ms() {
    return clients_.manager().services().clock.wall_ms();
}

base::Result<std::shared_ptr<ClientSession>> Service::client_of(const std::string& user,
                                                                const std::string& id,
                                                                const std::string& expected) {
    return clients_.get_or_create(user, id, expected);
}

grpc::Status Service::failed(ClientSession* client, const base::Error& error) {
    const bool enrich = client != nullptr &&
                        client->session().conf().is_true("spark.sql.connect.enrichError.enabled");
    return to_status(error, enrich ? client->keep_error(error) : std::string());
}

grpc::Status Service::ExecutePlan(grpc::ServerContext* context,
                                  const proto::ExecutePlanRequest* request,
                                  grpc::ServerWriter<proto::ExecutePlanResponse>* writer) {
    auto client = client_of(user_of(*request), request->session_id(),
                            request->client_observed_server_side_session_id());
    if (!client) return failed(nullptr, client.error());
    bool reattachable = false;
    ResultOptions result_options;
    for (const auto& option : request->request_options()) {
        if (option.has_reattach_options()) reattachable = option.reattach_options().reattachable();
        if (option.has_result_chunking_options() &&
            option.result_chunking_options().allow_arrow_batch_chunking()) {
            const auto preferred = option.result_chunking_options().preferred_arrow_chunk_size();
            result_options.chunk_bytes =
                preferred > 0 ? std::max<std::size_t>(1024, static_cast<std::size_t>(preferred))
                              : std::size_t{16} << 20;
        }
    }
    std::string id = request->operation_id();
    if (id.empty()) id = runtime::make_uuid(clients_.manager().services().random);
    auto operation = (*client)->add_operation(id, {request->tags().begin(), request->tags().end()},
                                              reattachable);
    if (!operation) return failed(client->get(), operation.error());
    // The request lives as long as this call; a reattachable operation may outlive it.
    auto plan = std::make_shared<const proto::Plan>(request->plan());
    workers_.submit([client = *client, operation = *operation, plan = std::move(plan),
                     result_options] { run_plan(*client, operation, *plan, result_options); });
    return send(context, **client, *operation, "", writer);
}

grpc::Status Service::send(grpc::ServerContext* context, ClientSession& client,
                           const std::shared_ptr<Operation>& operation,
                           const std::string& last_response_id,
                           grpc::ServerWriter<proto::ExecutePlanResponse>* writer) {
    const auto consumer = operation->attach(last_response_id);
    if (!consumer) return failed(&client, consumer.error());
    const auto& clock = clients_.manager().services().clock;
    const std::int64_t end_ns = clock.monotonic_ns() + options_.max_stream_ms * 1'000'000;
    const auto gone = [&] {
        operation->detach(*consumer, now_ms());
        // Nobody can come back to what is not reattachable.
        if (!operation->reattachable()) client.remove_operation(operation->id());
    };
    while (true) {
        Operation::Response response;
        std::optional<base::Error> error;
        switch (operation->next(*consumer, kLook, response, error)) {
            case Operation::Next::kResponse:
                if (!writer->Write(*response)) {
                    gone();
                    return grpc::Status::CANCELLED;
                }
                break;
            case Operation::Next::kEnd: gone(); return grpc::Status::OK;
            case Operation::Next::kError: gone(); return failed(&client, *error);
            case Operation::Next::kPreempted: {
                const auto disconnected = invalid_cursor(
                    "DISCONNECTED", "The cursor has been disconnected by the server.");
                return failed(&client, disconnected.error());
            }
            case Operation::Next::kTimeout:
                if (context->IsCancelled()) {
                    gone();
                    return grpc::Status::CANCELLED;
                }
                break;
        }
        if (operation->reattachable() && clock.monotonic_ns() > end_ns) {
            operation->detach(*consumer, now_ms());
            return grpc::Status::OK;
        }
    }
}

grpc::Status Service::ReattachExecute(grpc::ServerContext* context,
                                      const proto::ReattachExecuteRequest* request,
                                      grpc::ServerWriter<proto::ExecutePlanResponse>* writer) {
    const auto client = clients_.get(user_of(*request), request->session_id(),
                                     request->client_observed_server_side_session_id());
    if (!client) return failed(nullptr, client.error());
    const auto operation = (*client)->operation(request->operation_id());
    if (!operation) return failed(client->get(), operation.error());
    if (!(*operation)->reattachable()) {
        const auto error = invalid_cursor("NOT_REATTACHABLE", "The cursor is not reattachable.");
        return failed(client->get(), error.error());
    }
    return send(context, **client, *operation, request->last_response_id(), writer);
}

grpc::Status Service::ReleaseExecute(grpc::ServerContext*,
                                     const proto::ReleaseExecuteRequest* request,
                                     proto::ReleaseExecuteResponse* response) {
    const auto client = clients_.get(user_of(*request), request->session_id(),
                                     request->client_observed_server_side_session_id());
    if (!client) return failed(nullptr, client.error());
    response->set_session_id(request->session_id());
    response->set_server_side_session_id((*client)->session().server_side_id());
    const auto operation = (*client)->operation(request->operation_id());
    // Releasing what is gone is no error: the answer just does not name it.
    if (!operation) return grpc::Status::OK;
    response->set_operation_id(request->operation_id());
    if (request->has_release_all()) {
        (*client)->remove_operation(request->operation_id());
    } else if (request->has_release_until()) {
        (*operation)->release_until(request->release_until().response_id());
    }
    return grpc::Status::OK;
}

grpc::Status Service::AnalyzePlan(grpc::ServerContext*, const proto::AnalyzePlanRequest* request,
                                  proto::AnalyzePlanResponse* response) {
    const auto client = client_of(user_of(*request), request->session_id(),
                                  request->client_observed_server_side_session_id());
    if (!client) return failed(nullptr, client.error());
    response->set_session_id(request->session_id());
    response->set_server_side_session_id((*client)->session().server_side_id());
    const auto answered = analyze_plan(**client, *request, *response);
    return answered ? grpc::Status::OK : failed(client->get(), answered.error());
}

grpc::Status Service::Config(grpc::ServerContext*, const proto::ConfigRequest* request,
                             proto::ConfigResponse* response) {
    const auto client = client_of(user_of(*request), request->session_id(),
                                  request->client_observed_server_side_session_id());
    if (!client) return failed(nullptr, client.error());
    response->set_session_id(request->session_id());
    response->set_server_side_session_id((*client)->session().server_side_id());
    const auto done = change_config((*client)->session().conf(), *request, *response);
    return done ? grpc::Status::OK : failed(client->get(), done.error());
}

grpc::Status Service::ArtifactStatus(grpc::ServerContext*,
                                     const proto::ArtifactStatusesRequest* request,
                                     proto::ArtifactStatusesResponse* response) {
    const auto client = client_of(user_of(*request), request->session_id(),
                                  request->client_observed_server_side_session_id());
    if (!client) return failed(nullptr, client.error());
    response->set_session_id(request->session_id());
    response->set_server_side_session_id((*client)->session().server_side_id());
    for (const auto& name : request->names()) {
        (*response->mutable_statuses())[name].set_exists((*client)->has_artifact(name));
    }
    return grpc::Status::OK;
}

grpc::Status Service::Interrupt(grpc::ServerContext*, const proto::InterruptRequest* request,
                                proto::InterruptResponse* response) {
    const auto client = client_of(user_of(*request), request->session_id(),
                                  request->client_observed_server_side_session_id());
    if (!client) return failed(nullptr, client.error());
    response->set_session_id(request->session_id());
    response->set_server_side_session_id((*client)->session().server_side_id());
    for (const auto& operation : (*client)->operations()) {
        bool wanted = false;
        switch (request->interrupt_type()) {
            case proto::InterruptRequest::INTERRUPT_TYPE_ALL: wanted = true; break;
            case proto::InterruptRequest::INTERRUPT_TYPE_TAG:
                wanted = std::ranges::find(operation->tags(), request->operation_tag()) !=
                         operation->tags().end();
                break;
            case proto::InterruptRequest::INTERRUPT_TYPE_OPERATION_ID:
                wanted = operation->id() == request->operation_id();
                break;
            default: break;
        }
        if (!wanted || operation->is_finished()) continue;
        operation->cancel();
        response->add_interrupted_ids(operation->id());
    }
    return grpc::Status::OK;
}

grpc::Status Service::ReleaseSession(grpc::ServerContext*,
                                     const proto::ReleaseSessionRequest* request,
                                     proto::ReleaseSessionResponse* response) {
    response->set_session_id(request->session_id());
    response->set_server_side_session_id(
        clients_.close(user_of(*request), request->session_id(), request->allow_reconnect()));
    return grpc::Status::OK;
}

grpc::Status Service::FetchErrorDetails(grpc::ServerContext*,
                                        const proto::FetchErrorDetailsRequest* request,
                                        proto::FetchErrorDetailsResponse* response) {
    const auto client = clients_.get(user_of(*request), request->session_id(),
                                     request->client_observed_server_side_session_id());
    if (!client) return failed(nullptr, client.error());
    response->set_session_id(request->session_id());
    response->set_server_side_session_id((*client)->session().server_side_id());
    if (const auto error = (*client)->take_error(request->error_id())) {
        fill_details(
            *error,
            (*client)->session().conf().is_true("spark.sql.connect.serverStacktrace.enabled"),
            *response);
    }
    return grpc::Status::OK;
}

grpc::Status Service::CloneSession(grpc::ServerContext*, const proto::CloneSessionRequest* request,
                                   proto::CloneSessionResponse* response) {
    const auto from = clients_.get(user_of(*request), request->session_id(),
                                   request->client_observed_server_side_session_id());
    if (!from) return failed(nullptr, from.error());
    const auto copy = clients_.manager().clone(user_of(*request), request->session_id(),
                                               request->new_session_id());
    if (!copy) return failed(from->get(), copy.error());
    response->set_session_id(request->session_id());
    response->set_server_side_session_id((*from)->session().server_side_id());
    response->set_new_session_id((*copy)->id());
    response->set_new_server_side_session_id((*copy)->server_side_id());
    return grpc::Status::OK;
}

grpc::Status Service::GetStatus(grpc::ServerContext*, const proto::GetStatusRequest* request,
                                proto::GetStatusResponse* response) {
    const auto client = clients_.get(user_of(*request), request->session_id(),
                                     request->client_observed_server_side_session_id());
    if (!client) return failed(nullptr, client.error());
    response->set_session_id(request->session_id());
    response->set_server_side_session_id((*client)->session().server_side_id());
    if (!request->has_operation_status()) return grpc::Status::OK;
    const auto add = [&](const std::string& id, std::optional<Operation::State> state) {
        auto* status = response->add_operation_statuses();
        status->set_operation_id(id);
        status->set_state(state
                              ? state_of(*state)
                              : proto::GetStatusResponse_OperationStatus::OPERATION_STATE_UNKNOWN);
    };
    if (request->operation_status().operation_ids().empty()) {
        for (const auto& operation : (*client)->operations())
            add(operation->id(), operation->state());
        return grpc::Status::OK;
    }
    for (const auto& id : request->operation_status().operation_ids()) {
        add(id, (*client)->state_of(id));
    }
    return grpc::Status::OK;
}

}  // namespace millrace::connect
