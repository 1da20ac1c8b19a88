// RequestReader: bytes as they come from a peer -> whole requests, within limits.
//
// Not thread-safe. After an error the connection is of no more use: answer with error_status() and
// close it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "http/message.h"

namespace millrace::http {

struct RequestLimits {
    std::uint32_t header_bytes = 16 * 1024;
    std::uint64_t body_bytes = 1024 * 1024;
};

class RequestReader {
public:
    explicit RequestReader(RequestLimits limits);
    ~RequestReader();

    void add(base::ByteView bytes);
    // The next whole request, or nullopt when more bytes are needed. kInvalidArgument for what is
    // no HTTP/1.x, kTooLarge beyond a limit.
    base::Result<std::optional<Request>> next();

    // Of the request that next() gave last: whether the peer keeps the connection.
    bool keep_alive() const;
    // The peer waits for "100 Continue" before it sends the body; true once per request.
    bool take_expect_continue();
    // The status that answers the error of next().
    std::uint16_t error_status() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::http
