// Service: the twelve calls of SparkConnectService over the client sessions of a server.
//
// Each call runs on a thread of gRPC's and only translates: sessions and operations do the work.
#pragma once

#include "connect/proto/deep_messages.h"
// After deep_messages.h, which changes how deep requests may be.
#include "connect/client_session_internal.h"
#include "connect/server.h"
#include "connect/workers.h"
#include "spark/connect/base.grpc.pb.h"

namespace millrace::connect {

class Service final : public proto::SparkConnectService::Service {
public:
    Service(session::SessionManager& sessions, const ServerOptions& options);

    grpc::Status ExecutePlan(grpc::ServerContext* context, const proto::ExecutePlanRequest* request,
                             grpc::ServerWriter<proto::ExecutePlanResponse>* writer) override;
    grpc::Status ReattachExecute(grpc::ServerContext* context,
                                 const proto::ReattachExecuteRequest* request,
                                 grpc::ServerWriter<proto::ExecutePlanResponse>* writer) override;
    grpc::Status ReleaseExecute(grpc::ServerContext* context,
                                const proto::ReleaseExecuteRequest* request,
                                proto::ReleaseExecuteResponse* response) override;
    grpc::Status AnalyzePlan(grpc::ServerContext* context, const proto::AnalyzePlanRequest* request,
                             proto::AnalyzePlanResponse* response) override;
    grpc::Status Config(grpc::ServerContext* context, const proto::ConfigRequest* request,
                        proto::ConfigResponse* response) override;
    grpc::Status AddArtifacts(grpc::ServerContext* context,
                              grpc::ServerReader<proto::AddArtifactsRequest>* reader,
                              proto::AddArtifactsResponse* response) override;
    grpc::Status ArtifactStatus(grpc::ServerContext* context,
                                const proto::ArtifactStatusesRequest* request,
                                proto::ArtifactStatusesResponse* response) override;
    grpc::Status Interrupt(grpc::ServerContext* context, const proto::InterruptRequest* request,
                           proto::InterruptResponse* response) override;
    grpc::Status ReleaseSession(grpc::ServerContext* context,
                                const proto::ReleaseSessionRequest* request,
                                proto::ReleaseSessionResponse* response) override;
    grpc::Status FetchErrorDetails(grpc::ServerContext* context,
                                   const proto::FetchErrorDetailsRequest* request,
                                   proto::FetchErrorDetailsResponse* response) override;
    grpc::Status CloneSession(grpc::ServerContext* context,
                              const proto::CloneSessionRequest* request,
                              proto::CloneSessionResponse* response) override;
    grpc::Status GetStatus(grpc::ServerContext* context, const proto::GetStatusRequest* request,
                           proto::GetStatusResponse* response) override;

    // Cancels everything and ends the workers.
    void stop();
    ClientSessions& clients() { return clients_; }

private:
    base::Result<std::shared_ptr<ClientSession>> client_of(const std::string& user,
                                                           const std::string& id,
                                                           const std::string& expected);
    grpc::Status send(grpc::ServerContext* context, ClientSession& client,
                      const std::shared_ptr<Operation>& operation,
                      const std::string& last_response_id,
                      grpc::ServerWriter<proto::ExecutePlanResponse>* writer);
    grpc::Status failed(ClientSession* client, const base::Error& error);
    std::int64_t now_ms();

    ClientSessions clients_;
    const ServerOptions options_;
    Workers workers_;
};

}  // namespace millrace::connect
