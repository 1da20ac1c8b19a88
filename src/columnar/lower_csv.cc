// CSV in expressions. A record is split by the reader of files, and each field becomes its type by
// the rule of files, so that from_csv and a CSV file agree.
#include "columnar/files_internal.h"
#include "columnar/lowering_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypedExpr;
using plan::TypeKind;

namespace {

std::string zone_of(const plan::FunctionCall& call, const FileOptions& options) {
    return options.text("timezone",
                        call.session_time_zone.empty() ? "UTC" : call.session_time_zone);
}

}  // namespace

Result<std::string> Lowering::from_csv(const plan::FunctionCall& call, const DataType& type) {
    plan::Options given;
    if (call.args.size() > 1) {
        MR_TRY(given, constant_options(*call.args.back()));
    }
    const FileOptions asked(given);
    given["timezone"] = zone_of(call, asked);
    const FileOptions options(given);
    MR_TRY(const std::string splitter, functions_.csv_fields(given));
    Hoisted* const outer = std::exchange(hoisted_, nullptr);
    const auto value = expression(*call.args[0]);
    hoisted_ = outer;
    if (!value) return fail(value.error());
    MR_TRY(const std::string fields,
           hoist(fmt::format("{}({})", splitter, *value), DataType::array(DataType::string())));
    const std::string corrupt = options.text("columnnameofcorruptrecord", "_corrupt_record");
    std::string bad;
    std::vector<std::string> values;
    std::size_t place = 0;
    std::optional<std::size_t> corrupt_field;
    for (const plan::Field& field : type.fields()) {
        if (field.name == corrupt && field.type.is_string()) {
            corrupt_field = values.size();
            values.emplace_back();
            continue;
        }
        const std::string text = fmt::format("{}[{}]", fields, ++place);
        MR_TRY(std::string typed, from_text(text, field.type, options));
        bad += fmt::format("({} IS NOT NULL AND {} IS NULL) OR ", text, typed);
        values.push_back(std::move(typed));
    }
    bad += fmt::format("len({}) <> {}", fields, place);
    if (corrupt_field)
        values[*corrupt_field] = fmt::format("CASE WHEN {} THEN {} END", bad, *value);
    std::string parts;
    for (std::size_t i = 0; i < values.size(); ++i) {
        parts += fmt::format("{}f{} := {}", i == 0 ? "" : ", ", i, values[i]);
    }
    std::string record = fmt::format("struct_pack({})", parts);
    std::string mode = options.text("mode", "PERMISSIVE");
    for (char& c : mode) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (mode == "FAILFAST") {
        record = fmt::format("CASE WHEN {} THEN mr_raise_malformed({}) ELSE {} END", bad, *value,
                             record);
    }
    return fmt::format("CAST(CASE WHEN {} IS NOT NULL THEN {} END AS {})", *value, record,
                       duck_type_name(type));
}

Result<std::string> Lowering::to_csv(const plan::FunctionCall& call) {
    plan::Options given;
    if (call.args.size() > 1) {
        MR_TRY(given, constant_options(*call.args.back()));
    }
    const FileOptions options(given);
    const std::string zone = zone_of(call, options);
    const auto formatted = [&](const std::string& instant, const char* option,
                               const char* otherwise, const std::string& in_zone) {
        return fmt::format("mr_date_format({}, {}, {})", instant,
                           quoted(options.text(option, otherwise)), quoted(in_zone));
    };
    MR_TRY(const std::string record, expression(*call.args[0]));
    std::string fields;
    const auto& types = call.args[0]->type.fields();
    for (std::size_t i = 0; i < types.size(); ++i) {
        const DataType& type = types[i].type;
        const std::string value = fmt::format("struct_extract({}, 'f{}')", record, i);
        std::string text;
        if (type.is(TypeKind::kTimestamp)) {
            text = formatted(value, "timestampformat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", zone);
        } else if (type.is(TypeKind::kTimestampNtz)) {
            text = formatted(fmt::format("timezone('UTC', {})", value), "timestampntzformat",
                             "yyyy-MM-dd'T'HH:mm:ss.SSS", "UTC");
        } else if (type.is(TypeKind::kDate) && !options.text("dateformat", "").empty()) {
            text = formatted(fmt::format("timezone('UTC', CAST({} AS TIMESTAMP))", value),
                             "dateformat", "yyyy-MM-dd", "UTC");
        } else {
            MR_TRY(text, cast(value, type, DataType::string(), call.mode, zone));
        }
        fields += ", " + text;
    }
    return fmt::format("CASE WHEN {} IS NOT NULL THEN mr_csv_line({}, {}, {}, {}{}) END", record,
                       quoted(options.text("sep", options.text("delimiter", ","))),
                       quoted(options.text("quote", "\"")), quoted(options.text("escape", "\\")),
                       quoted(options.text("nullvalue", "")), fields);
}

Result<std::string> Lowering::schema_of_csv(const plan::FunctionCall& call) {
    plan::Options options;
    if (call.args.size() > 1) {
        MR_TRY(options, constant_options(*call.args.back()));
    }
    MR_TRY(const std::string function, functions_.csv_schema(options));
    MR_TRY(const std::string value, expression(*call.args[0]));
    return fmt::format("{}({})", function, value);
}

}  // namespace millrace::columnar
