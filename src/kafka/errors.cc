#include "kafka/errors.h"

namespace millrace::kafka {

std::string_view error_name(ErrorCode code) {
    switch (code) {
#define MR_KAFKA_ERROR(number, constant, name) \
    case ErrorCode::constant: return name;
#include "kafka/errors.inc"
#undef MR_KAFKA_ERROR
    }
    return "UNKNOWN_SERVER_ERROR";
}

}  // namespace millrace::kafka
