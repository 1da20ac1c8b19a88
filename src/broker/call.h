// Call: one request on its way through its handler.
//
// The frame lives as long as the call, so that a handler may keep views into it (and stamp produced
// batches in place). What the response refers to without copying is kept alive by keep() and
// slices, until it has been written.
// Thread rule: belongs to the connection's loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "broker/quota/request_time.h"
#include "kafka/frame.h"
#include "kafka/writer.h"
#include "runtime/event.h"
#include "runtime/task.h"
#include "storage/log.h"

namespace millrace::kafka {
class Reader;
}

namespace millrace::broker {

struct Services;
class Turns;

// The bytes of one request, without the size in front.
struct Frame {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
    base::ByteView view() const { return {bytes.get(), size}; }
};

struct Call {
    Services& services;
    Frame frame;
    kafka::RequestHeader header;
    std::string client_host;  // "/127.0.0.1", as Kafka shows it.
    std::uint64_t connection = 0;  // ShareService::new_connection() named it.

    // The connection has ended: nobody will read the answer.
    bool abandoned = false;
    // What a handler waits for over a long time; set when the call is abandoned.
    std::optional<runtime::OneShot<void>> waiting{};

    // Produce: when its batches may go to their logs.
    Turns* turns = nullptr;
    std::uint64_t turn = 0;

    // The answer.
    kafka::Writer writer{};
    // The external records of the response, in order.
    std::vector<storage::Slice> slices{};
    std::vector<base::Bytes> kept{};
    // How long it has kept its loop busy, for quotas.
    RequestTime time{};
    // By how much the client is over its quotas: it is not read from for so long.
    std::int64_t throttle_ms = 0;
    bool silent = false;     // No response at all: Produce with acks 0.
    bool malformed = false;  // Not understood: the connection is closed.

    std::int16_t version() const { return header.version; }
    std::string client_id() const { return header.client_id.value_or(""); }
};

}  // namespace millrace::broker
