// Any bytes as compressed data of every codec: unpacked within the cap or refused. And any bytes
// packed come back.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "model/codec.h"

using namespace millrace;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    constexpr std::size_t kCapBytes = std::size_t{1} << 20;
    const auto codec = static_cast<model::Codec>(data[0] % 5);
    const base::ByteView input(reinterpret_cast<const char*>(data) + 1, size - 1);
    base::Bytes unpacked;
    if (model::decompress(codec, input, unpacked, kCapBytes)) {
        MR_CHECK(unpacked.size() <= kCapBytes);
    }
    base::Bytes packed;
    model::compress(codec, input, packed);
    MR_CHECK(model::decompress(codec, packed, unpacked, size).has_value());
    MR_CHECK(unpacked == input);
    return 0;
}
