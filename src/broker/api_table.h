// The API table: which requests are served in which versions, and by whom.
//
// ApiVersions answers from it, and connections dispatch by it. What is not here does not exist: a
// request with another key closes its connection, as in Kafka.
#pragma once

#include <cstdint>
#include <span>

#include "kafka/types.h"
#include "runtime/task.h"

namespace millrace::kafka {
class Reader;
}

namespace millrace::broker {

struct Call;

struct Api {
    kafka::ApiKey key;
    // What ApiVersions tells. Produce tells less than what is served, for old clients' sake.
    std::int16_t advertised_min_version;
    std::int16_t min_version;
    std::int16_t max_version;
    std::int16_t first_flexible_version;
    // Decodes the request, serves it and encodes the response behind the header.
    runtime::Task<void> (*serve)(Call& call, kafka::Reader reader);
};

std::span<const Api> api_table();
const Api* find_api(kafka::ApiKey key);

}  // namespace millrace::broker
