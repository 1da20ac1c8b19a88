// Producer: sends records to a remote Kafka without waiting for each.
//
// send() queues, batches go out in the background, and the outcome of every record comes to
// on_delivery. The queue is bounded: send() blocks while it is full. Idempotent, acks=all, unless
// the settings say otherwise. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "client/settings.h"
#include "topic/topics.h"

namespace millrace::client {

class Producer {
public:
    struct Delivery {
        base::Result<std::int64_t> offset;  // Or why the record is not in the log.
        std::string topic;
        std::int32_t partition = -1;
        std::int64_t latency_us = 0;  // From send() to the server's answer.
    };
    // Called on the producer's own thread; must not block.
    using OnDelivery = std::function<void(const Delivery&)>;

    struct Stats {
        std::uint64_t sent = 0;
        std::uint64_t delivered = 0;
        std::uint64_t failed = 0;
        std::uint64_t delivered_bytes = 0;
        std::uint64_t queued = 0;
    };

    static base::Result<std::unique_ptr<Producer>> make(const Settings& settings,
                                                        OnDelivery on_delivery = {});
    virtual ~Producer() = default;  // Drops what is still queued: flush() first.

    // Queue a record for a partition, or for one chosen by its key as Java's clients choose. The
    // record's bytes are copied.
    virtual base::Result<void> send(const std::string& topic, std::optional<std::int32_t> partition,
                                    const topic::NewRecord& record) = 0;
    // Wait until everything sent before has its outcome; kTimeout when that takes longer.
    virtual base::Result<void> flush(std::chrono::milliseconds timeout) = 0;
    virtual Stats stats() const = 0;
};

}  // namespace millrace::client
