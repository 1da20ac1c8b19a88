// The text of df.show(): Spark's table to the character, because people and their tests compare it.
#include <algorithm>

#include "session/session.h"

namespace millrace::session {

namespace {

// Text in units of Spark's strings: UTF-16 code units, which is what truncation counts.
struct Glyph {
    std::string_view bytes;
    char32_t code = 0;
    int units() const { return code >= 0x10000 ? 2 : 1; }
};

std::vector<Glyph> glyphs_of(std::string_view text) {
    std::vector<Glyph> glyphs;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        const auto bytes = text.substr(i, length);
        char32_t code = length == 1 ? lead : lead & (0xFF >> (length + 1));
        for (std::size_t k = 1; k < bytes.size(); k++) {
            code = (code << 6) | (static_cast<unsigned char>(bytes[k]) & 0x3F);
        }
        glyphs.push_back({bytes, code});
        i += bytes.size();
    }
    return glyphs;
}

// East Asian characters that take two places on a terminal.
bool is_full_width(char32_t c) {
    return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
           (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0xFE10 && c <= 0xFE19) || (c >= 0xFE30 && c <= 0xFE6F) ||
           (c >= 0xFF00 && c <= 0xFF60) || (c >= 0xFFE0 && c <= 0xFFE6);
}

std::size_t width_of(std::string_view text) {
    std::size_t width = 0;
    for (const Glyph& glyph : glyphs_of(text)) {
        width += static_cast<std::size_t>(glyph.units()) + (is_full_width(glyph.code) ? 1 : 0);
    }
    return width;
}

std::string escape(std::string_view text) {
    std::string result;
    for (const char c : text) {
        switch (c) {
            case '\n': result += "\\n"; break;
            case '\r': result += "\\r"; break;
            case '\t': result += "\\t"; break;
            case '\f': result += "\\f"; break;
            case '\b': result += "\\b"; break;
            case '\v': result += "\\v"; break;
            case '\a': result += "\\a"; break;
            default: result += c;
        }
    }
    return result;
}

std::string truncated(std::string text, int limit) {
    if (limit <= 0 || text.size() <= static_cast<std::size_t>(limit)) return text;
    const auto glyphs = glyphs_of(text);
    int units = 0;
    for (const Glyph& glyph : glyphs) units += glyph.units();
    if (units <= limit) return text;
    const int keep = limit < 4 ? limit : limit - 3;
    std::string result;
    int taken = 0;
    for (const Glyph& glyph : glyphs) {
        if (taken + glyph.units() > keep) break;
        taken += glyph.units();
        result += glyph.bytes;
    }
    return limit < 4 ? result : result + "...";
}

using Cells = std::vector<std::vector<std::string>>;

// At most `rows` rows as text; `more` tells whether there were others.
Cells cells_of(const columnar::Batches& batches, int rows, int truncate, const std::string& zone,
               bool& more) {
    Cells cells;
    for (const auto& batch : batches) {
        std::vector<columnar::ColumnView> columns;
        for (std::size_t c = 0; c < batch.fields().size(); c++) columns.push_back(batch.column(c));
        for (std::int64_t r = 0; r < batch.rows(); r++) {
            if (static_cast<int>(cells.size()) >= rows) {
                more = true;
                return cells;
            }
            auto& row = cells.emplace_back();
            for (const auto& column : columns) {
                row.push_back(truncated(escape(columnar::to_display(column, r, zone)), truncate));
            }
        }
    }
    return cells;
}

std::string pad(const std::string& cell, std::size_t width, bool left) {
    const std::size_t now = width_of(cell);
    const std::string space(width > now ? width - now : 0, ' ');
    return left ? space + cell : cell + space;
}

std::string table(const std::vector<std::string>& header, const Cells& rows, bool align_right) {
    std::vector<std::size_t> widths;
    for (const auto& name : header) widths.push_back(std::max<std::size_t>(3, width_of(name)));
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); i++) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    std::string rule = "+";
    for (std::size_t i = 0; i < widths.size(); i++) {
        rule += (i > 0 ? "+" : "") + std::string(widths[i], '-');
    }
    rule += "+\n";
    const auto line = [&](const std::vector<std::string>& cells) {
        std::string text = "|";
        for (std::size_t i = 0; i < cells.size(); i++) {
            text += (i > 0 ? "|" : "") + pad(cells[i], widths[i], align_right);
        }
        return text + "|\n";
    };
    std::string text = rule + line(header) + rule;
    for (const auto& row : rows) text += line(row);
    return text + rule;
}

std::string records(const std::vector<std::string>& header, const Cells& rows) {
    std::size_t name_width = 3;
    std::size_t value_width = 3;
    for (const auto& name : header) name_width = std::max(name_width, width_of(name));
    for (const auto& row : rows) {
        for (const auto& cell : row) value_width = std::max(value_width, width_of(cell));
    }
    std::string text;
    for (std::size_t i = 0; i < rows.size(); i++) {
        std::string title = fmt::format("-RECORD {}", i);
        title.resize(std::max(title.size(), name_width + value_width + 5), '-');
        text += title + "\n";
        for (std::size_t j = 0; j < rows[i].size(); j++) {
            text += " " + pad(header[j], name_width, false) + " | " +
                    pad(rows[i][j], value_width, false) + " \n";
        }
        if (rows[i].empty()) text += "\n";
    }
    return text;
}

std::string footer(int rows) {
    return fmt::format("only showing top {} {}\n", rows, rows == 1 ? "row" : "rows");
}

std::vector<std::string> header_of(const std::vector<plan::Field>& fields) {
    std::vector<std::string> header;
    for (const auto& field : fields) header.push_back(escape(field.name));
    return header;
}

std::string html_escape(std::string_view text) {
    std::string result;
    for (const char c : text) {
        switch (c) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '>': result += "&gt;"; break;
            case '"': result += "&quot;"; break;
            default: result += c;
        }
    }
    return result;
}

}  // namespace

std::string show_string(const std::vector<plan::Field>& fields, const columnar::Batches& batches,
                        const plan::ShowStringRel& options, const std::string& time_zone) {
    bool more = false;
    const int rows = std::max(0, options.rows);
    const auto cells = cells_of(batches, rows, options.truncate, time_zone, more);
    const auto header = header_of(fields);
    std::string text =
        options.vertical ? records(header, cells) : table(header, cells, options.truncate > 0);
    if (options.vertical && cells.empty()) {
        text += "(0 rows)\n";
    } else if (more) {
        text += footer(rows);
    }
    return text;
}

std::string html_string(const std::vector<plan::Field>& fields, const columnar::Batches& batches,
                        const plan::HtmlStringRel& options, const std::string& time_zone) {
    bool more = false;
    const int rows = std::max(0, options.rows);
    const auto cells = cells_of(batches, rows, options.truncate, time_zone, more);
    std::string text = "<table border='1'>\n";
    const auto line = [&](const std::vector<std::string>& row, std::string_view tag) {
        text += "<tr>";
        for (const auto& cell : row) text += fmt::format("<{0}>{1}</{0}>", tag, html_escape(cell));
        text += "</tr>\n";
    };
    line(header_of(fields), "th");
    for (const auto& row : cells) line(row, "td");
    text += "</table>\n";
    if (more) text += footer(rows);
    return text;
}

}  // namespace millrace::session
