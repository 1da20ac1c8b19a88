// Any text: what base64, hex and UUID readers accept is the one form that their writers give.
#include "base/check.h"
#include "base/encoding.h"
#include "base/strings.h"

using namespace millrace::base;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    MR_CHECK(from_base64(to_base64(text)).value() == text);
    MR_CHECK(from_base64_url(to_base64_url(text)).value() == text);
    MR_CHECK(from_hex(to_hex(text)).value() == text);
    if (const auto bytes = from_base64(text)) MR_CHECK(to_base64(*bytes) == text);
    if (const auto bytes = from_base64_url(text)) MR_CHECK(to_base64_url(*bytes) == text);
    if (const auto bytes = from_hex(text)) MR_CHECK(to_hex(*bytes) == to_lower(text));
    if (const auto uuid = Uuid::parse(text)) MR_CHECK(uuid->to_string() == to_lower(text));
    return 0;
}
