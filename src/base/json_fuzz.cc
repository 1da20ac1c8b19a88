// Any text: what is parsed is written as JSON that parses to the same value.
#include "base/check.h"
#include "base/json.h"

using namespace millrace::base;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto value = parse_json({reinterpret_cast<const char*>(data), size});
    if (!value) return 0;
    const std::string text = to_json(*value);
    MR_CHECK(to_json(parse_json(text).value()) == text);
    MR_CHECK(to_json(parse_json(to_json(*value, 2)).value()) == text);
    return 0;
}
