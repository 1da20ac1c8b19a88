// Feeds every decoder: the first byte picks the message, the second its version.
// Whatever is accepted must encode to bytes that are accepted again, and stay the same from then
// on.
//
// The corpus grows from messages that our own encoder makes, of every type and version: from noise
// alone a fuzzer would rarely get past the first array.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "kafka/message_table.h"
#include "kafka/random_messages.h"

using millrace::base::Bytes;
using millrace::base::ByteView;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

// Now and then a message that our encoder made, in place of a mutation.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
    constexpr unsigned int kFreshOneIn = 16;
    millrace::kafka::Filler random(seed);
    if (size >= 2 && seed % kFreshOneIn != 0) return LLVMFuzzerMutate(data, size, max_size);
    const auto& types = millrace::kafka::message_types();
    const std::size_t index = random.next() % std::min<std::size_t>(types.size(), 256);
    const auto& type = types[index];
    const auto offset = static_cast<std::int16_t>(
        random.next() % static_cast<std::uint64_t>(type.max_version - type.min_version + 1));
    const auto version = static_cast<std::int16_t>(type.min_version + offset);
    const Bytes message = millrace::kafka::random_message(type.name, version, random);
    if (message.size() + 2 > max_size) return LLVMFuzzerMutate(data, size, max_size);
    data[0] = static_cast<std::uint8_t>(index);
    data[1] = static_cast<std::uint8_t>(offset);
    std::memcpy(data + 2, message.data(), message.size());
    return message.size() + 2;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto& types = millrace::kafka::message_types();
    MR_CHECK(types.size() <= 256);  // One byte reaches them all.
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
