// CSV text into records, by Spark's options.
#include "columnar/files_internal.h"
#include "columnar/time_text_internal.h"

namespace millrace::columnar {

namespace {

// "\t" and its like as a user writes them in an option.
std::string unescaped(const std::string& option) {
    if (option == "\\t") return "\t";
    if (option == "\\n") return "\n";
    if (option == "\\u0000" || option == "\\0") return std::string(1, '\0');
    return option;
}

std::string_view trimmed(std::string_view text, bool leading, bool trailing) {
    while (leading && !text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (trailing && !text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

}  // namespace

Result<std::vector<CsvRecord>> read_csv(std::string_view content, const FileOptions& options) {
    const std::string separator = unescaped(options.text("sep", options.text("delimiter", ",")));
    const std::string quote_text = unescaped(options.text("quote", "\""));
    const std::string escape_text = unescaped(options.text("escape", "\\"));
    const std::string comment = options.text("comment", "");
    const std::string null_value = options.text("nullvalue", "");
    const std::string empty_value = options.text("emptyvalue", "");
    const bool multi_line = options.flag("multiline", false);
    const bool leading = options.flag("ignoreleadingwhitespace", false);
    const bool trailing = options.flag("ignoretrailingwhitespace", false);
    if (separator.empty())
        return fail(Code::kInvalidArgument, "the CSV option sep must not be empty");
    const bool quoting = !quote_text.empty() && quote_text[0] != '\0';
    const char quote = quoting ? quote_text[0] : '\0';
    const bool escaping = !escape_text.empty() && escape_text[0] != '\0';
    const char escape = escaping ? escape_text[0] : '\0';

    std::vector<CsvRecord> records;
    std::size_t at = 0;
    if (content.starts_with("\xEF\xBB\xBF")) at = 3;
    while (at < content.size()) {
        const std::size_t start = at;
        CsvRecord record;
        std::string field;
        bool was_quoted = false;
        bool done = false;
        const auto close = [&] {
            if (was_quoted) {
                record.fields.emplace_back(field.empty() ? empty_value : field);
            } else {
                const std::string_view value = trimmed(field, leading, trailing);
                if (value == null_value || (value.empty() && null_value.empty())) {
                    record.fields.emplace_back(std::nullopt);
                } else {
                    record.fields.emplace_back(std::string(value));
                }
            }
            field.clear();
            was_quoted = false;
        };
        bool in_quotes = false;
        while (!done) {
            if (at >= content.size()) {
                close();
                done = true;
                break;
            }
            const char c = content[at];
            const bool line_end = c == '\n' || c == '\r';
            if (in_quotes) {
                if (line_end && !multi_line) {
                    // A quote that is never closed ends with its line.
                    in_quotes = false;
                    continue;
                }
                if (escaping && c == escape && at + 1 < content.size() &&
                    (content[at + 1] == quote || content[at + 1] == escape) && escape != quote) {
                    field.push_back(content[at + 1]);
                    at += 2;
                } else if (c == quote) {
                    if (at + 1 < content.size() && content[at + 1] == quote) {
                        field.push_back(quote);
                        at += 2;
                    } else {
                        in_quotes = false;
                        ++at;
                    }
                } else {
                    field.push_back(c);
                    ++at;
                }
                continue;
            }
            if (line_end) {
                close();
                record.raw = content.substr(start, at - start);
                at += c == '\r' && at + 1 < content.size() && content[at + 1] == '\n' ? 2 : 1;
                done = true;
            } else if (content.substr(at).starts_with(separator)) {
                close();
                at += separator.size();
            } else if (quoting && c == quote && trimmed(field, true, true).empty() && !was_quoted) {
                field.clear();
                was_quoted = true;
                in_quotes = true;
                ++at;
            } else {
                field.push_back(c);
                ++at;
            }
        }
        if (record.raw.empty()) record.raw = content.substr(start, at - start);
        while (!record.raw.empty() && (record.raw.back() == '\n' || record.raw.back() == '\r'))
            record.raw.pop_back();
        // Empty lines and comments are no records.
        if (trim_all(record.raw).empty()) continue;
        if (!comment.empty() && record.raw.starts_with(comment)) continue;
        records.push_back(std::move(record));
    }
    return records;
}

}  // namespace millrace::columnar
