// Requests that hold plans are parsed to a depth of 1024 messages, as Spark's server does
// (spark.connect.grpc.marshallerRecursionLimit). Protobuf's default of 100 refuses a DataFrame of
// fifty chained calls. Every file that serves or calls these methods must include this first: the
// build puts it in front of the generated service.
#pragma once

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/serialization_traits.h>

#include <limits>

#include "spark/connect/base.pb.h"

namespace millrace::connect {

inline constexpr int kMessageDepthLimit = 1024;

template <class Message>
grpc::Status parse_deep(grpc::ByteBuffer* buffer, Message* message) {
    if (buffer == nullptr) return {grpc::StatusCode::INTERNAL, "No payload"};
    grpc::ProtoBufferReader reader(buffer);
    if (!reader.status().ok()) return reader.status();
    google::protobuf::io::CodedInputStream input(&reader);
    input.SetTotalBytesLimit(std::numeric_limits<int>::max());
    input.SetRecursionLimit(kMessageDepthLimit);
    const bool parsed = message->ParseFromCodedStream(&input) && input.ConsumedEntireMessage();
    buffer->Clear();
    if (parsed) return grpc::Status::OK;
    return {grpc::StatusCode::INTERNAL,
            "The request is not a valid message, or is nested deeper than 1024 levels"};
}

template <class Message>
struct DeepTraits {
    static grpc::Status Serialize(const Message& message, grpc::ByteBuffer* buffer, bool* own) {
        return grpc::GenericSerialize<grpc::ProtoBufferWriter, Message>(message, buffer, own);
    }
    static grpc::Status Deserialize(grpc::ByteBuffer* buffer, Message* message) {
        return parse_deep(buffer, message);
    }
};

}  // namespace millrace::connect

namespace grpc {
template <>
class SerializationTraits<spark::connect::ExecutePlanRequest, void>
    : public millrace::connect::DeepTraits<spark::connect::ExecutePlanRequest> {};
template <>
class SerializationTraits<spark::connect::AnalyzePlanRequest, void>
    : public millrace::connect::DeepTraits<spark::connect::AnalyzePlanRequest> {};
template <>
class SerializationTraits<spark::connect::ExecutePlanResponse, void>
    : public millrace::connect::DeepTraits<spark::connect::ExecutePlanResponse> {};
}  // namespace grpc
