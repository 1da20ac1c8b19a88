// Any bytes: a varint that is read is written again as a form that reads back the same.
#include "base/check.h"
#include "base/varint.h"

using namespace millrace::base;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const char* from = reinterpret_cast<const char*>(data);
    const char* const end = from + size;
    while (from != end) {
        std::uint64_t value = 0;
        const char* const next = read_varint_u64(from, end, value);
        if (next == nullptr) {
            ++from;
            continue;
        }
        MR_CHECK(static_cast<std::size_t>(next - from) >= varint_bytes(value));
        char raw[kMaxVarintBytes];
        const char* const written = write_varint(raw, value);
        std::uint64_t again = 0;
        MR_CHECK(read_varint_u64(raw, written, again) == written && again == value);
        std::uint32_t narrow = 0;
        MR_CHECK((read_varint_u32(raw, written, narrow) != nullptr) == (value <= 0xFFFFFFFF));
        from = next;
    }
    return 0;
}
