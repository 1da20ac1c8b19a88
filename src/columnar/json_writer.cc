// to_json and the text forms of nested values: both walk DuckDB's vectors by way of our own
// columns, so that there is one writer of text for a type.
#include <cmath>

#include "columnar/batch_internal.h"
#include "columnar/display_internal.h"
#include "columnar/json_internal.h"
#include "columnar/time_format_internal.h"
#include "columnar/time_text_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

struct JsonWriter::Impl {
    DataType type;
    std::string time_zone;
    bool ignore_null_fields = true;
    std::optional<TimeFormat> timestamp_format;
    std::optional<TimeFormat> timestamp_ntz_format;
    std::optional<TimeFormat> date_format;
};

void append_json_string(std::string& to, std::string_view text) {
    constexpr char kHex[] = "0123456789ABCDEF";
    to.push_back('"');
    for (const char c : text) {
        switch (c) {
            case '"': to += "\\\""; break;
            case '\\': to += "\\\\"; break;
            case '\n': to += "\\n"; break;
            case '\r': to += "\\r"; break;
            case '\t': to += "\\t"; break;
            case '\b': to += "\\b"; break;
            case '\f': to += "\\f"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    to += "\\u00";
                    to.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
                    to.push_back(kHex[static_cast<unsigned char>(c) & 15]);
                } else {
                    to.push_back(c);
                }
        }
    }
    to.push_back('"');
}

void append_base64(std::string& to, std::string_view bytes) {
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t bits = 0;
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t j = 0; j < 3; ++j) {
            bits = (bits << 8) | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            to.push_back(j <= count ? kDigits[(bits >> (18 - 6 * j)) & 63] : '=');
        }
    }
}

namespace {

class Writer {
public:
    Writer(const JsonWriter::Impl& options, Zone* zone) : options_(options), zone_(zone) {}

    void value(std::string& to, const ColumnView& column, std::int64_t row) {
        if (column.is_null(row)) {
            to += "null";
            return;
        }
        switch (column.type.kind()) {
            case TypeKind::kStruct: {
                to.push_back('{');
                bool first = true;
                for (std::size_t i = 0; i < column.children.size(); ++i) {
                    if (options_.ignore_null_fields && column.children[i].is_null(row)) continue;
                    if (!first) to.push_back(',');
                    first = false;
                    append_json_string(to, column.type.fields()[i].name);
                    to.push_back(':');
                    value(to, column.children[i], row);
                }
                to.push_back('}');
                return;
            }
            case TypeKind::kArray: {
                to.push_back('[');
                for (std::int64_t i = column.offsets32[row]; i < column.offsets32[row + 1]; ++i) {
                    if (i > column.offsets32[row]) to.push_back(',');
                    value(to, column.children[0], i);
                }
                to.push_back(']');
                return;
            }
            case TypeKind::kMap: {
                const ColumnView& pairs = column.children[0];
                to.push_back('{');
                for (std::int64_t i = column.offsets32[row]; i < column.offsets32[row + 1]; ++i) {
                    if (i > column.offsets32[row]) to.push_back(',');
                    std::string key;
                    append_display(key, pairs.children[0], i,
                                   {.zone = zone_, .nested_null = "null", .pretty_binary = false});
                    append_json_string(to, key);
                    to.push_back(':');
                    value(to, pairs.children[1], i);
                }
                to.push_back('}');
                return;
            }
            case TypeKind::kFloat: real(to, column.value<float>(row), column, row); return;
            case TypeKind::kDouble: real(to, column.value<double>(row), column, row); return;
            case TypeKind::kString:
            case TypeKind::kChar:
            case TypeKind::kVarchar: append_json_string(to, column.text(row)); return;
            case TypeKind::kBinary:
                to.push_back('"');
                append_base64(to, column.text(row));
                to.push_back('"');
                return;
            case TypeKind::kTimestamp: {
                const auto instant = column.value<std::int64_t>(row);
                const std::int64_t offset = zone_ == nullptr ? 0 : zone_->offset_at(instant);
                to.push_back('"');
                format(options_.timestamp_format)
                    .append(to, instant + offset, offset, options_.time_zone);
                to.push_back('"');
                return;
            }
            case TypeKind::kTimestampNtz:
                to.push_back('"');
                (options_.timestamp_ntz_format ? *options_.timestamp_ntz_format : default_ntz())
                    .append(to, column.value<std::int64_t>(row), 0, "UTC");
                to.push_back('"');
                return;
            case TypeKind::kDate:
                to.push_back('"');
                if (options_.date_format) {
                    options_.date_format->append(
                        to, column.value<std::int32_t>(row) * std::int64_t{86'400'000'000}, 0,
                        "UTC");
                } else {
                    append_date_text(to, column.value<std::int32_t>(row));
                }
                to.push_back('"');
                return;
            case TypeKind::kTime:
            case TypeKind::kCalendarInterval:
            case TypeKind::kYearMonthInterval:
            case TypeKind::kDayTimeInterval:
                to.push_back('"');
                append_display(to, column, row, {});
                to.push_back('"');
                return;
            default: append_display(to, column, row, {}); return;
        }
    }

private:
    static const TimeFormat& default_instant() {
        static const TimeFormat kFormat = TimeFormat::make("yyyy-MM-dd'T'HH:mm:ss.SSSXXX").value();
        return kFormat;
    }
    static const TimeFormat& default_ntz() {
        static const TimeFormat kFormat = TimeFormat::make("yyyy-MM-dd'T'HH:mm:ss.SSS").value();
        return kFormat;
    }
    static const TimeFormat& format(const std::optional<TimeFormat>& given) {
        return given ? *given : default_instant();
    }
    static void real(std::string& to, double number, const ColumnView& column, std::int64_t row) {
        // NaN and infinities are no JSON numbers: they become strings.
        const bool special = !std::isfinite(number);
        if (special) to.push_back('"');
        append_display(to, column, row, {});
        if (special) to.push_back('"');
    }

    const JsonWriter::Impl& options_;
    Zone* zone_;
};

// The argument as one of our own columns.
Result<ArrayPtr> argument_column(const Call& call, const DataType& type) {
    ColumnBuilder builder(type);
    read_vector(call.argument(0), 0, call.rows(), builder);
    return builder.finish();
}

template <class Write>
void write_rows(Call& call, const DataType& type, Write write) {
    const auto array = argument_column(call, type);
    if (!array) {
        call.fail_with(array.error().message());
        return;
    }
    const ColumnView column = view_of(**array, type);
    std::string text;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (column.is_null(static_cast<std::int64_t>(row))) {
            call.set_null(row);
            continue;
        }
        text.clear();
        write(text, column, static_cast<std::int64_t>(row));
        call.set_text(row, text);
    }
}

}  // namespace

JsonWriter::JsonWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JsonWriter::~JsonWriter() = default;

Result<std::unique_ptr<JsonWriter>> JsonWriter::make(const DataType& type,
                                                     const plan::Options& options,
                                                     const std::string& time_zone) {
    auto impl = std::make_unique<Impl>();
    impl->type = type;
    impl->time_zone = time_zone;
    const auto option = [&](const char* name) -> const std::string* {
        const auto found = options.find(name);
        return found == options.end() ? nullptr : &found->second;
    };
    if (const std::string* zone = option("timezone")) impl->time_zone = *zone;
    MR_TRY_VOID(Zone::find(impl->time_zone));
    if (const std::string* flag = option("ignorenullfields"))
        impl->ignore_null_fields = *flag != "false";
    const auto format = [&](const char* name, std::optional<TimeFormat>& to) -> Result<void> {
        const std::string* pattern = option(name);
        if (pattern == nullptr) return {};
        MR_TRY(to, TimeFormat::make(*pattern));
        return {};
    };
    MR_TRY_VOID(format("timestampformat", impl->timestamp_format));
    MR_TRY_VOID(format("timestampntzformat", impl->timestamp_ntz_format));
    MR_TRY_VOID(format("dateformat", impl->date_format));
    return std::unique_ptr<JsonWriter>(new JsonWriter(std::move(impl)));
}

void append_json(std::string& to, const JsonWriter& writer, const ColumnView& column,
                 std::int64_t row) {
    Writer(writer.impl(), thread_zone(writer.impl().time_zone)).value(to, column, row);
}

void run_to_json(Call& call) {
    const auto& options = static_cast<const JsonWriter*>(call.extra())->impl();
    Writer writer(options, thread_zone(options.time_zone));
    write_rows(call, options.type,
               [&](std::string& text, const ColumnView& column, std::int64_t row) {
                   writer.value(text, column, row);
               });
}

void run_to_text(Call& call) {
    const auto& form = *static_cast<const TextForm*>(call.extra());
    const DisplayOptions options{
        .zone = thread_zone(form.time_zone), .nested_null = "null", .pretty_binary = false};
    write_rows(call, form.type, [&](std::string& text, const ColumnView& column, std::int64_t row) {
        append_display(text, column, row, options);
    });
}

}  // namespace millrace::columnar
