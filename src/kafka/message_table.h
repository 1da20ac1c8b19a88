// Every message of the schema behind one interface, for tests and fuzzing that go through all.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace millrace::kafka {

struct MessageType {
    const char* name;
    std::int16_t key;  // -1: not a request or response.
    bool is_request;
    std::int16_t min_version;
    std::int16_t max_version;
    std::int16_t first_flexible_version;
    // Decode `from`, which must be used up, and encode the message again; false when it is
    // malformed.
    bool (*recode)(base::ByteView from, std::int16_t version, base::Bytes* to);
};

const std::vector<MessageType>& message_types();

}  // namespace millrace::kafka
