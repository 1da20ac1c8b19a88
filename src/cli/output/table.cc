#include "cli/output/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"

namespace millrace::cli {

std::string to_cell(const base::JsonValue& value) {
    if (value.is_null()) return "-";
    if (value.is_array()) {
        std::vector<std::string> parts;
        for (const base::JsonValue& item : value.items()) parts.push_back(to_cell(item));
        return parts.empty() ? "-" : base::join(parts, ",");
    }
    if (!value.is_string()) return base::to_json(value);
    std::string cell;
    for (const char c : *value.as_string()) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            cell += fmt::format("\\x{:02x}", byte);
        } else {
            cell += c;
        }
    }
    return cell;
}

std::size_t display_width(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

void Table::add(std::vector<base::JsonValue> cells) {
    MR_CHECK(cells.size() == headings_.size());
    std::vector<Cell> row;
    for (const base::JsonValue& cell : cells) {
        row.push_back({to_cell(cell), cell.is_number() || cell.is_null()});
    }
    rows_.push_back(std::move(row));
}

std::string Table::to_text() const {
    constexpr std::size_t kGap = 2;
    std::vector<std::size_t> widths;
    std::vector<bool> right;  // A column of numbers and nothing else.
    for (std::size_t i = 0; i < headings_.size(); ++i) {
        std::size_t width = display_width(headings_[i]);
        bool numbers = !rows_.empty();
        for (const auto& row : rows_) {
            width = std::max(width, display_width(row[i].text));
            numbers = numbers && row[i].is_number;
        }
        widths.push_back(width);
        right.push_back(numbers);
    }
    std::string out;
    const auto add_line = [&](const auto& text_of) {
        std::string line;
        for (std::size_t i = 0; i < headings_.size(); ++i) {
            const std::string_view text = text_of(i);
            const std::string padding(widths[i] - display_width(text), ' ');
            if (i > 0) line.append(kGap, ' ');
            line += right[i] ? padding : "";
            line += text;
            line += right[i] ? "" : padding;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    };
    if (std::ranges::any_of(headings_, [](const auto& heading) { return !heading.empty(); })) {
        add_line([&](std::size_t i) -> std::string_view { return headings_[i]; });
    }
    for (const auto& row : rows_) {
        add_line([&](std::size_t i) -> std::string_view { return row[i].text; });
    }
    return out;
}

}  // namespace millrace::cli
