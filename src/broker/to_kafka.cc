#include "broker/to_kafka.h"

namespace millrace::broker {

using base::Code;
using kafka::ErrorCode;

kafka::ErrorCode to_kafka(const base::Error& error) {
    if (error.condition()) {
        const std::string& name = error.condition()->name;
        if (name == "INVALID_TIMESTAMP") return ErrorCode::kInvalidTimestamp;
        if (name == "INVALID_TXN_STATE") return ErrorCode::kInvalidTxnState;
        if (name == "TRANSACTION_COORDINATOR_FENCED") {
            return ErrorCode::kTransactionCoordinatorFenced;
        }
    }
    switch (error.code()) {
        case Code::kNotFound: return ErrorCode::kUnknownTopicOrPartition;
        case Code::kAlreadyExists: return ErrorCode::kTopicAlreadyExists;
        case Code::kOutOfRange: return ErrorCode::kOffsetOutOfRange;
        case Code::kCorrupt: return ErrorCode::kCorruptMessage;
        case Code::kTooLarge: return ErrorCode::kMessageTooLarge;
        case Code::kUnsupported: return ErrorCode::kUnsupportedForMessageFormat;
        case Code::kInvalidArgument: return ErrorCode::kInvalidRecord;
        case Code::kIo:
        case Code::kNoSpace:
        case Code::kOffline: return ErrorCode::kKafkaStorageError;
        case Code::kUnavailable:
        case Code::kCancelled: return ErrorCode::kNotLeaderOrFollower;
        case Code::kTimeout: return ErrorCode::kRequestTimedOut;
        case Code::kFenced: return ErrorCode::kInvalidProducerEpoch;
        case Code::kOutOfOrder: return ErrorCode::kOutOfOrderSequenceNumber;
        case Code::kPermissionDenied: return ErrorCode::kTopicAuthorizationFailed;
        default: return ErrorCode::kUnknownServerError;
    }
}

kafka::ErrorCode to_coordinator_error(const base::Result<void>& outcome) {
    if (outcome) return ErrorCode::kNone;
    const bool closing =
        outcome.error().code() == Code::kCancelled || outcome.error().code() == Code::kUnavailable;
    return closing ? ErrorCode::kNotCoordinator : ErrorCode::kCoordinatorNotAvailable;
}

}  // namespace millrace::broker
