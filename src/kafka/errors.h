// Kafka's error codes, with the names that its documentation and its tools print.
//
// The list (errors.inc) holds every code up to Kafka 4.3, so that a code met in a response of
// another broker has a name too.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::kafka {

enum class ErrorCode : std::int16_t {
#define MR_KAFKA_ERROR(number, constant, name) constant = number,
#include "kafka/errors.inc"
#undef MR_KAFKA_ERROR
};

// "UNKNOWN_TOPIC_OR_PARTITION"; "UNKNOWN_SERVER_ERROR" for a number that has no name.
std::string_view error_name(ErrorCode code);

}  // namespace millrace::kafka
