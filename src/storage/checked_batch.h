// CheckedBatch: bytes of a producer that were found to be one good record batch v2.
//
// The check (checksum, records, limits) is the costly part of a produce request and touches no log,
// so it runs on any thread; Log::append takes only what has passed. Errors: kCorrupt (checksum or
// format), kTooLarge, kUnsupported (message formats before v2), kInvalidArgument (a record that
// the topic does not allow; its condition is INVALID_TIMESTAMP where the time is what is wrong).
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "model/batch.h"
#include "storage/log_config.h"

namespace millrace::storage {

// A client may not write control records; the broker's coordinators do.
enum class Origin : std::uint8_t { kClient, kCoordinator };

class CheckedBatch {
public:
    // `bytes` hold exactly one batch; they stay the caller's and are stamped by Log::append.
    // `scratch` is for unpacking and may be reused from call to call.
    static base::Result<CheckedBatch> check(std::span<char> bytes, Origin origin,
                                            const LogConfig& config, model::Timestamp now,
                                            base::Bytes& scratch);

    std::span<char> bytes() const { return bytes_; }
    Origin origin() const { return origin_; }
    model::RecordBatch view() const;
    // The largest timestamp of the records, whatever the producer wrote into the header.
    model::Timestamp max_timestamp() const { return max_timestamp_; }

private:
    CheckedBatch(std::span<char> bytes, Origin origin, model::Timestamp max_timestamp)
        : bytes_(bytes), origin_(origin), max_timestamp_(max_timestamp) {}
    std::span<char> bytes_;
    Origin origin_;
    model::Timestamp max_timestamp_;
};

}  // namespace millrace::storage
