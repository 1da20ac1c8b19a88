// Errors on the wire: google.rpc.Status with an ErrorInfo, as Spark's clients read them.
//
// This is the only place where a base::Error becomes a Spark exception class and a gRPC status.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace grpc {
class Status;
}
namespace spark::connect {
class FetchErrorDetailsResponse;
class FetchErrorDetailsResponse_Error;
}  // namespace spark::connect

namespace millrace::connect {

// The Java class that Spark would have thrown, then its parents.
std::vector<std::string> exception_classes(const base::Error& error);
// `error_id` names the details that FetchErrorDetails gives once; empty: none are kept.
grpc::Status to_status(const base::Error& error, const std::string& error_id);
void fill_details(const base::Error& error, bool with_stack_trace,
                  ::spark::connect::FetchErrorDetailsResponse& response);
// The reverse, for the client.
base::Error from_status(const grpc::Status& status);

}  // namespace millrace::connect
