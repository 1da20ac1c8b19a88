// Json: the small JSON values of checkpoints, offsets and options.
//
// Not for data (that is columnar's): whole values, read into a tree, depth bounded. Objects keep
// the order of their members. Thread-safe as any value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace::streaming {

struct JsonMember;

struct Json {
    enum class Kind : std::uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };
    Kind kind = Kind::kNull;
    bool boolean = false;
    std::string text;  // A string's content, or a number as it was written.
    std::vector<Json> elements;
    std::vector<JsonMember> members;

    const Json* member(std::string_view name) const;
    // The number, when this is one that fits.
    std::optional<std::int64_t> integer() const;
};

struct JsonMember {
    std::string name;
    Json value;
};

// kParse with the position for anything that is not one JSON value.
base::Result<Json> parse_json(std::string_view text);
// The text as a JSON string, with its quotes.
std::string json_quote(std::string_view text);

}  // namespace millrace::streaming
