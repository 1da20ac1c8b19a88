// CSV records in expressions: their fields, their schema, and fields joined into a record.
#include <algorithm>

#include "columnar/csv_internal.h"
#include "columnar/files_internal.h"

namespace millrace::columnar {

using plan::DataType;

void run_csv_fields(Call& call) {
    const FileOptions options(static_cast<const CsvOptions*>(call.extra())->options);
    const auto texts = call.column<duckdb_string_t>(0);
    const duckdb_vector output = call.output();
    idx_t size = 0;
    idx_t capacity = 0;
    for (idx_t row = 0; row < call.rows(); ++row) {
        call.results<duckdb_list_entry>()[row] = {.offset = size, .length = 0};
        if (texts.is_null(row)) {
            call.set_null(row);
            continue;
        }
        const auto records = read_csv(text_of(texts[row]), options);
        if (!records) {
            call.fail_with(records.error().message());
            return;
        }
        if (records->empty()) continue;
        const auto& fields = records->front().fields;
        if (size + fields.size() > capacity) {
            capacity = std::max<idx_t>(2 * capacity, size + fields.size() + 2048);
            duckdb_list_vector_reserve(output, capacity);
        }
        const duckdb_vector child = duckdb_list_vector_get_child(output);
        for (const auto& field : fields) {
            if (field) {
                duckdb_unsafe_vector_assign_string_element_len(child, size, field->data(),
                                                               field->size());
            } else {
                duckdb_vector_ensure_validity_writable(child);
                duckdb_validity_set_row_invalid(duckdb_vector_get_validity(child), size);
            }
            ++size;
        }
        call.results<duckdb_list_entry>()[row].length = fields.size();
    }
    duckdb_list_vector_set_size(output, size);
}

void run_csv_schema(Call& call) {
    const FileOptions options(static_cast<const CsvOptions*>(call.extra())->options);
    const auto texts = call.column<duckdb_string_t>(0);
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (texts.is_null(row)) {
            call.set_null(row);
            continue;
        }
        const auto records = read_csv(text_of(texts[row]), options);
        if (!records) {
            call.fail_with(records.error().message());
            return;
        }
        std::vector<plan::Field> fields;
        if (!records->empty()) {
            for (const auto& field : records->front().fields) {
                DataType type = DataType::string();
                if (field) type = infer_text_type({*field}, options);
                fields.push_back({.name = fmt::format("_c{}", fields.size()), .type = type});
            }
        }
        call.set_text(row, DataType::structure(std::move(fields)).sql());
    }
}

namespace {

// (separator, quote, escape, null, field, …): one record.
void csv_line(Call& call) {
    const std::string separator(call.constant(0));
    const std::string_view quote_text = call.constant(1);
    const std::string_view escape_text = call.constant(2);
    const std::string_view null_text = call.constant(3);
    const char quote = quote_text.empty() ? '\0' : quote_text[0];
    const char escape = escape_text.empty() ? '\0' : escape_text[0];
    std::string out;
    for (idx_t row = 0; row < call.rows(); ++row) {
        out.clear();
        for (idx_t i = 4; i < call.arguments(); ++i) {
            if (i > 4) out += separator;
            const auto column = call.column<duckdb_string_t>(i);
            if (column.is_null(row)) {
                out += null_text;
                continue;
            }
            std::string_view text = text_of(column[row]);
            // What is written loses the blanks around it, as the parser of Spark does by default.
            while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') {
                text.remove_prefix(1);
            }
            while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') {
                text.remove_suffix(1);
            }
            if (text.empty()) {
                out += "\"\"";
                continue;
            }
            const bool quoted =
                quote != '\0' &&
                (text.find(separator) != std::string_view::npos ||
                 text.find_first_of("\r\n") != std::string_view::npos || text.front() == quote);
            if (!quoted) {
                out += text;
                continue;
            }
            out.push_back(quote);
            for (const char c : text) {
                if (c == quote || (c == escape && escape != quote)) out.push_back(escape);
                out.push_back(c);
            }
            out.push_back(quote);
        }
        call.set_text(row, out);
    }
}

}  // namespace

void add_csv_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    list.add("mr_csv_line", {.arguments = {kText, kText, kText, kText, kText},
                             .result = kText,
                             .body = csv_line,
                             .sees_nulls = true,
                             .varargs = true});
}

}  // namespace millrace::columnar
