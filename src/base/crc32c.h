// CRC-32C (Castagnoli): the checksum of Kafka's record batches and of our own files.
//
// Uses the processor's instruction where there is one. crc32c(b, crc32c(a)) is the sum of a + b.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace millrace::base {

std::uint32_t crc32c(ByteView bytes, std::uint32_t previous = 0);

// The table-driven form, the same on every machine; the tests compare the two.
std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t previous = 0);

}  // namespace millrace::base
