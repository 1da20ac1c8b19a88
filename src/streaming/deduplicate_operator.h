// DeduplicateOperator: dropDuplicates and dropDuplicatesWithinWatermark over a stream.
//
// The first row of each key passes; later ones are dropped. Keys are forgotten when the watermark
// passes the event time among them, or, within the watermark, the time of the first row plus the
// delay.
#pragma once

#include "streaming/stateful_operator.h"

namespace millrace::streaming {

struct DeduplicateSpec {
    std::vector<plan::Field> fields;  // Of the rows, in and out.
    std::vector<std::size_t> keys;    // Indexes of fields.
    int event_time = -1;              // The field with the watermark; -1: none.
    bool within_watermark = false;
    std::int64_t delay_us = 0;  // The watermark's.
};

std::unique_ptr<StatefulOperator> make_deduplicate_operator(DeduplicateSpec spec);

}  // namespace millrace::streaming
