// Scans of files that nobody binds: read while lowering, where the plan runs once; the raw columns
// are typed here, in SQL, and bad records become what the mode says (PERMISSIVE: nulls, and the
// text in the column of corrupt records; DROPMALFORMED: no row; FAILFAST: an error). They are
// counted.
#include <algorithm>
#include <optional>

#include "columnar/files_internal.h"
#include "columnar/lowering_internal.h"

namespace millrace::columnar {

using plan::Attribute;
using plan::DataType;
using plan::TypeKind;

namespace {

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

// A cell as Spark's error about its record shows it: times as numbers.
std::string shown(const std::string& value, const DataType& type) {
    std::string text = fmt::format("CAST({} AS VARCHAR)", value);
    if (type.is(TypeKind::kTimestamp) || type.is(TypeKind::kTimestampNtz)) {
        text = fmt::format("CAST(epoch_us({}) AS VARCHAR)", value);
    } else if (type.is(TypeKind::kDate)) {
        text = fmt::format("CAST(({} - DATE '1970-01-01') AS VARCHAR)", value);
    }
    return fmt::format("coalesce({}, 'null')", text);
}

}  // namespace

Result<std::string> Lowering::file_scan(const plan::ScanNode& node) {
    MR_TRY(RawScan raw, scan_files(node));
    const auto slot = registry_.add({}, raw.types);
    for (std::size_t i = 0; i < raw.names.size(); ++i) slot->names.push_back(fmt::format("d{}", i));
    slot->batches = raw.batches;
    slot->expected_rows = total_rows(slot->batches);
    constants_.push_back(slot);
    const std::string from = fmt::format("mr_scan({})", slot->id);
    if (node.source.format == "json") return json_file_scan(node, raw, from);

    const FileOptions options(node.source.options);
    const std::string mode = upper(options.text("mode", "PERMISSIVE"));
    // First each column in its type: t0, t1 …; null where the text does not fit.
    std::string typed;
    std::string bad = raw.mismatch ? fmt::format("d{} IS NOT NULL", *raw.mismatch) : "";
    std::string record;
    std::string columns;
    for (std::size_t i = 0; i < node.output.size(); ++i) {
        const Attribute& attribute = node.output[i];
        const auto found = std::ranges::find(raw.names, attribute.name);
        const auto index = static_cast<std::size_t>(found - raw.names.begin());
        const std::string raw_name = fmt::format("d{}", index);
        const std::string name = fmt::format("t{}", i);
        if (raw.record && index == *raw.record) {
            columns += fmt::format("{}CASE WHEN bad THEN {} END AS {}", columns.empty() ? "" : ", ",
                                   raw_name, column_name(attribute.id));
            continue;
        }
        std::string value = raw_name;
        if (found == raw.names.end()) {
            value = fmt::format("CAST(NULL AS {})", duck_type_name(attribute.type));
        } else if (!raw.types[index].same_ignoring_nullability(attribute.type)) {
            MR_TRY(value, from_text(raw_name, attribute.type, options));
            if (raw.mismatch && index < *raw.mismatch) {
                bad += fmt::format(" OR ({} IS NOT NULL AND {} IS NULL)", raw_name, name);
            }
        }
        typed += fmt::format(", {} AS {}", value, name);
        record += fmt::format("{}{}", record.empty() ? "'['" : " || ','",
                              " || " + shown(name, attribute.type));
        columns +=
            fmt::format("{}{} AS {}", columns.empty() ? "" : ", ", name, column_name(attribute.id));
    }
    if (columns.empty()) columns = "0 AS no_column";
    const std::string values = fmt::format("SELECT *{} FROM {}", typed, from);
    if (bad.empty()) return fmt::format("SELECT {} FROM ({})", columns, values);
    MR_TRY(const std::string count, functions_.count_malformed());
    std::string keep = "bad IS NOT NULL";
    if (mode == "DROPMALFORMED") keep = "NOT bad";
    if (mode == "FAILFAST") {
        keep = fmt::format("CASE WHEN bad THEN mr_raise_malformed({} || ']') ELSE true END",
                           record.empty() ? "'['" : record);
    }
    return fmt::format("SELECT {} FROM (SELECT *, {}({}) AS bad FROM ({})) WHERE {}", columns,
                       count, bad, values, keep);
}

// `value`, a text of a file, as `to`; null where it is none.
Result<std::string> Lowering::from_text(const std::string& value, const DataType& to,
                                        const FileOptions& options) {
    const std::string zone = options.text("timezone", time_zone_);
    const auto parsed = [&](const char* option, const char* function, const std::string& more) {
        const std::string pattern = options.text(option, "");
        if (pattern.empty()) return std::string();
        return fmt::format("{}({}, {}{}, 'try')", function, value, quoted(pattern), more);
    };
    std::string text;
    if (to.is(TypeKind::kDate)) text = parsed("dateformat", "mr_to_date", "");
    if (to.is(TypeKind::kTimestamp)) {
        text = parsed("timestampformat", "mr_to_timestamp", ", " + quoted(zone));
    }
    if (to.is(TypeKind::kTimestampNtz)) {
        text = parsed("timestampntzformat", "mr_to_timestamp_ntz", "");
    }
    if (!text.empty()) return text;
    return cast(value, DataType::string(), to, plan::EvalMode::kTry, zone);
}

// One column of lines, then those of the folders.
Result<std::string> Lowering::json_file_scan(const plan::ScanNode& node, const RawScan& raw,
                                             const std::string& from) {
    const FileOptions options(node.source.options);
    const std::string zone = options.text("timezone", time_zone_);
    const auto raw_column = [&](const std::string& name) -> std::optional<std::size_t> {
        const auto found = std::ranges::find(raw.names.begin() + 1, raw.names.end(), name);
        if (found == raw.names.end()) return std::nullopt;
        return static_cast<std::size_t>(found - raw.names.begin());
    };
    std::vector<plan::Field> fields;
    std::set<int> wanted;
    std::string columns;
    for (const Attribute& attribute : node.output) {
        std::string value;
        if (const auto index = raw_column(attribute.name)) {
            value = fmt::format("d{}", *index);
            if (!raw.types[*index].same_ignoring_nullability(attribute.type)) {
                MR_TRY(value, from_text(value, attribute.type, options));
            }
        } else {
            const auto field = static_cast<int>(fields.size());
            value = fmt::format("struct_extract(j, 'f{}')", field);
            if (live_.is_live(attribute.id)) wanted.insert(field);
            fields.push_back({.name = attribute.name, .type = attribute.type});
        }
        columns += fmt::format("{}{} AS {}", columns.empty() ? "" : ", ", value,
                               column_name(attribute.id));
    }
    if (columns.empty()) columns = "0 AS no_column";
    if (fields.empty()) return fmt::format("SELECT {} FROM {}", columns, from);
    const DataType type = DataType::structure(fields);
    MR_TRY(const std::string reader,
           functions_.from_json(type, node.source.options, zone, false, wanted, true));
    MR_TRY(const std::string once, functions_.once(type));
    const bool drops = upper(options.text("mode", "")) == "DROPMALFORMED";
    // Bad records are null as a whole where they are dropped.
    return fmt::format("SELECT {} FROM (SELECT *, {}({}(d0)) AS j FROM {}){}", columns, once,
                       reader, from, drops ? " WHERE j IS NOT NULL" : "");
}

}  // namespace millrace::columnar
