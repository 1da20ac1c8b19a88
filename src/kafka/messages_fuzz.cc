// Feeds every decoder: the first byte picks the message, the second its version.
// Whatever is accepted must encode to bytes that are accepted again, and stay the same from then
// on.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "kafka/message_table.h"

using millrace::base::Bytes;
using millrace::base::ByteView;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto& types = millrace::kafka::message_types();
    const auto& type = types[data[0] % types.size()];
    const int versions = type.max_version - type.min_version + 1;
    const auto version = static_cast<std::int16_t>(type.min_version + data[1] % versions);
    Bytes once;
    const ByteView input(reinterpret_cast<const char*>(data) + 2, size - 2);
    if (!type.recode(input, version, &once)) return 0;
    Bytes twice;
    MR_CHECK(type.recode(once, version, &twice));
    MR_CHECK(once == twice);
    return 0;
}
