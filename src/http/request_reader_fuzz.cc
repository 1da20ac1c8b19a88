// Any bytes, in pieces of any size, end in requests or in an error, and never in more than came.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "http/request_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::size_t piece = std::size_t{data[0]} + 1;
    std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    millrace::http::RequestReader reader({.header_bytes = 512, .body_bytes = 512});
    while (!text.empty()) {
        reader.add(text.substr(0, piece));
        text.remove_prefix(std::min(piece, text.size()));
        for (;;) {
            const auto request = reader.next();
            if (!request) return 0;
            if (!*request) break;
            MR_CHECK((*request)->body.size() <= 512);
        }
    }
    return 0;
}
