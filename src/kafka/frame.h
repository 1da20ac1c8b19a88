// Frames and headers: what stands around every request and response.
//
// A frame is a 32-bit size and that many bytes. A request begins with key, version, correlation id
// and client id, and from its API's first flexible version on with tagged fields; a response begins
// with the correlation id. The response header of ApiVersions never has tags, so that a client that
// does not know the version yet can read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kafka/types.h"

namespace millrace::kafka {

class Reader;
class Writer;

struct RequestHeader {
    ApiKey key{};
    std::int16_t version = 0;
    std::int32_t correlation_id = 0;
    std::optional<std::string> client_id;

    // Everything but the tags: whether there are any depends on the key, which the caller looks up.
    void decode_untagged(Reader& reader);
    void encode(Writer& writer, bool flexible) const;
};

void encode_response_header(Writer& writer, ApiKey key, std::int32_t correlation_id, bool flexible);

}  // namespace millrace::kafka
