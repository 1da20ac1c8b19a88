// row_codec: values of any type as bytes and back: the keys of stateful operators, and state
// columns that have no fixed width.
//
// encode_value() gives the same bytes for equal values, so that keys are compared as bytes:
//   one byte 0 for null, else 1 and the value: boolean 1 byte; fixed-width numbers, dates and
//   timestamps their own width, little-endian; text a varint length and bytes; struct its fields;
//   array a varint count and elements; map a varint count and keys and values in turn.
// docs/formats/state_delta.md says where they are kept. Pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "columnar/batch.h"

namespace millrace::streaming {

void encode_value(const columnar::ColumnView& view, std::int64_t row, std::string& to);
// The same, but that numbers keep their very bits (-0.0, kinds of NaN): for values that are given
// back, not compared.
void encode_exactly(const columnar::ColumnView& view, std::int64_t row, std::string& to);
// Appends the value that begins at `from` to `column`; the byte after it, or null when the bytes up
// to `end` are no value of the type.
const char* decode_value(const plan::DataType& type, const char* from, const char* end,
                         columnar::BatchBuilder::Column& column);
// The byte after the value that begins at `from`; null as above.
const char* skip_value(const plan::DataType& type, const char* from, const char* end);

}  // namespace millrace::streaming
