// A table for people: columns as wide as they must be, numbers to the right.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace millrace::cli {

// One cell: text as it is but for control characters, which a terminal might obey; "-" for null.
std::string to_cell(const base::JsonValue& value);
// Columns in the width of a terminal that `text` takes: one a code point.
std::size_t display_width(std::string_view text);

class Table {
public:
    explicit Table(std::vector<std::string> headings);
    void add(std::vector<base::JsonValue> cells);  // As many as there are headings.
    // Lines without spaces at their ends; no headings when they are all empty.
    std::string to_text() const;

private:
    struct Cell {
        std::string text;
        bool is_number = false;
    };
    std::vector<std::string> headings_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace millrace::cli
