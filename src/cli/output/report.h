// Report: what a command has to say, as a table, JSON, YAML or JSON lines.
//
// A command declares the Shape of its documents once and adds documents to a report; the format is
// the user's choice. Headings of columns are the keys in capitals; a column "error" is left out of
// a table without errors. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace millrace::cli {

enum class Format : std::uint8_t { kText, kJson, kYaml, kJsonLines, kHelp };
base::Result<Format> parse_format(std::string_view text);

// A member of a document. With `fields` it is a list of objects; else `type` says what it is:
// "string", "int", "bool", "[int]" ..., with "?" behind when it may be null.
struct Field {
    std::string key;
    std::string type;
    std::vector<Field> fields;
};

enum class Layout : std::uint8_t {
    kTable,    // One line a document, one column a field.
    kDetails,  // One block a document: its fields below each other, then a table for each list.
};

struct Shape {
    Layout layout = Layout::kTable;
    bool is_list = true;  // JSON is a list of documents, or the one document itself.
    std::vector<Field> fields;
};

class Report {
public:
    Report(Format format, Shape shape) : format_(format), shape_(std::move(shape)) {}

    // Every member of the shape must be there, in its order.
    void add(base::JsonValue document);
    // The whole output. With Format::kHelp: the shape instead of any document.
    std::string render() const;

private:
    std::string render_details(const base::JsonValue& document) const;

    Format format_;
    Shape shape_;
    std::vector<base::JsonValue> documents_;
};

// The shape as JSON, with the types in the places of values.
std::string describe_shape(const Shape& shape);
// "log_end_offset" -> "LOG-END-OFFSET"
std::string heading_of(std::string_view key);

}  // namespace millrace::cli
