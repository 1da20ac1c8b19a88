// Feeds the parser any text: it may refuse, never crash, and what it took as a type reads back.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "sql/parser.h"

using millrace::sql::parse_expression;
using millrace::sql::parse_interval_us;
using millrace::sql::parse_schema;
using millrace::sql::parse_statement;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 4) {
        case 0: (void)parse_statement(text); break;
        case 1: (void)parse_expression(text); break;
        case 2: {
            const auto type = parse_schema(text);
            if (type) MR_CHECK(parse_schema(type->json()).has_value());
            break;
        }
        default: (void)parse_interval_us(text);
    }
    return 0;
}
