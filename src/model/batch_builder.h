// BatchBuilder: makes one record batch v2 out of records.
//
// add() records in order, then build(): the batch has base offset 0 and a valid checksum, and the
// builder is empty again. For the local producer, the broker's own internal topics, and tests.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "model/codec.h"
#include "model/records.h"
#include "model/types.h"

namespace millrace::model {

class BatchBuilder {
public:
    struct Options {
        Codec codec = Codec::kNone;
        TimestampType timestamp_type = TimestampType::kCreateTime;
        Producer producer;
        std::int32_t base_sequence = -1;
        bool transactional = false;
        bool control = false;
    };
    BatchBuilder() = default;
    explicit BatchBuilder(const Options& options) : options_(options) {}

    void add(Timestamp timestamp, std::optional<base::ByteView> key,
             std::optional<base::ByteView> value, std::span<const Header> headers = {});

    std::int32_t count() const { return count_; }
    bool empty() const { return count_ == 0; }
    // The size of the batch if it were built now without compression.
    std::size_t size_bytes() const { return kBatchHeaderBytes + records_.size(); }

    base::Bytes build();

private:
    Options options_;
    base::Bytes records_;
    std::int32_t count_ = 0;
    Timestamp base_timestamp_;
    Timestamp max_timestamp_;
};

}  // namespace millrace::model
