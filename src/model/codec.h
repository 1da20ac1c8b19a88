// Codecs: the four compressions of Kafka's record batches.
//
// gzip, snappy (xerial's block framing, and bare snappy, which Kafka tolerates), LZ4 frames, zstd.
// Output is capped: a small batch cannot claim the machine's memory. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace millrace::model {

enum class Codec : std::uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

// What one batch may unpack to at most.
inline constexpr std::size_t kMaxUnpackedBytes = std::size_t{256} << 20;

std::string_view codec_name(Codec codec);
// "none", "gzip", "snappy", "lz4", "zstd".
std::optional<Codec> codec_from_name(std::string_view name);

// Appends the compressed form of `input` to `into`.
void compress(Codec codec, base::ByteView input, base::Bytes& into);

// Replaces `into` by the unpacked form. kCorrupt when `input` is not this codec's; kTooLarge when
// it would unpack to more than `max_bytes`.
base::Result<void> decompress(Codec codec, base::ByteView input, base::Bytes& into,
                              std::size_t max_bytes = kMaxUnpackedBytes);

}  // namespace millrace::model
