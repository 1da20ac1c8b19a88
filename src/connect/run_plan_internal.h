// What the worker of an operation does: carry out a Plan and put the responses.
#pragma once

#include "base/error.h"
#include "connect/client_session_internal.h"
#include "connect/from_proto_internal.h"
#include "plan/type.h"

namespace spark::connect {
class AnalyzePlanRequest;
class AnalyzePlanResponse;
class ConfigRequest;
class ConfigResponse;
class ExecutePlanRequest;
class Plan;
class StreamingQueryCommand;
class StreamingQueryManagerCommand;
class StreamingQueryListenerBusCommand;
class WriteStreamOperationStart;
}  // namespace spark::connect

namespace millrace::connect {

// How a client wants large batches cut (ResultChunkingOptions): 0: not at all.
struct ResultOptions {
    std::size_t chunk_bytes = 0;
};

// Puts responses of one operation with the ids that each of them carries.
class Responder {
public:
    Responder(ClientSession& client, Operation& operation, ResultOptions options);

    proto::ExecutePlanResponse make() const;
    // kCancelled when nobody wants more.
    base::Result<void> put(proto::ExecutePlanResponse response);
    base::Result<void> put_schema(const plan::DataType& schema);
    base::Result<void> put_batch(const columnar::Batch& batch);
    base::Result<void> put_complete();
    ClientSession& client() { return client_; }
    Operation& operation() { return operation_; }

private:
    ClientSession& client_;
    Operation& operation_;
    const ResultOptions options_;
    const columnar::IpcOptions ipc_;
    std::int64_t rows_ = 0;
};

// Carries out `plan` to its end; the outcome is the operation's.
void run_plan(ClientSession& client, const std::shared_ptr<Operation>& operation,
              const proto::Plan& plan, ResultOptions options);

base::Result<void> start_stream(Responder& out, const proto::WriteStreamOperationStart& command);
base::Result<void> control_query(Responder& out, const proto::StreamingQueryCommand& command);
base::Result<void> control_queries(Responder& out,
                                   const proto::StreamingQueryManagerCommand& command);
base::Result<void> serve_listener_bus(Responder& out,
                                      const proto::StreamingQueryListenerBusCommand& command);

base::Result<void> analyze_plan(ClientSession& client, const proto::AnalyzePlanRequest& request,
                                proto::AnalyzePlanResponse& response);
base::Result<void> change_config(session::SessionConf& conf, const proto::ConfigRequest& request,
                                 proto::ConfigResponse& response);

// Reads messages with what this client has uploaded, and runs what a pivot has to know.
FromProto from_proto(ClientSession& client);

// A compressed plan in its plain form; CONNECT_INVALID_PLAN.CANNOT_PARSE when it is none.
base::Result<const proto::Plan*> plain_plan(const proto::Plan& plan, proto::Plan& storage);

}  // namespace millrace::connect
