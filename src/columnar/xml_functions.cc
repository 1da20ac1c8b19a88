// xpath and its like over texts, and to_xml.
#include <algorithm>
#include <cmath>

#include "columnar/display_internal.h"
#include "columnar/time_format_internal.h"
#include "columnar/time_text_internal.h"
#include "columnar/xml_internal.h"
#include "columnar/xml_writer_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

namespace {

// This thread's compiled expression: the last one is nearly always the next one.
const XPath* compiled(Call& call, std::string_view text) {
    thread_local std::string last;
    thread_local std::unique_ptr<XPath> path;
    if (path && last == text) return path.get();
    std::string error;
    path = XPath::make(text, error);
    last = text;
    if (!path) call.fail_with(fmt::format("Invalid XPath '{}': {}", text, error));
    return path.get();
}

// Calls `each` with the value of the path in each row's document, or sets the row null.
template <class Each, class Null>
void evaluate(Call& call, Each each, Null null) {
    Row row(call);
    for (idx_t i = 0; i < call.rows() && !call.failed(); ++i) {
        if (call.any_null(i)) {
            null(i);
            continue;
        }
        row.at(i);
        if (row.text(0).empty() || row.text(1).empty()) {
            null(i);
            continue;
        }
        const XPath* path = compiled(call, row.text(1));
        if (path == nullptr) return;
        std::string error;
        const auto document = parse_xml(row.text(0), error);
        if (!document) {
            call.fail_with(fmt::format("Invalid XML document: {}\n{}", error, row.text(0)));
            return;
        }
        each(i, path->evaluate(*document));
    }
}

void xpath_string(Call& call) {
    evaluate(
        call, [&](idx_t row, const XPathValue& value) { call.set_text(row, value.as_text()); },
        [&](idx_t row) { call.set_null(row); });
}
void xpath_boolean(Call& call) {
    evaluate(
        call,
        [&](idx_t row, const XPathValue& value) { call.results<bool>()[row] = value.as_boolean(); },
        [&](idx_t row) { call.set_null(row); });
}
// As Java casts a double: no number is 0, what is too large is the largest.
template <class T>
void xpath_number(Call& call) {
    evaluate(
        call,
        [&](idx_t row, const XPathValue& value) {
            const double number = value.as_number();
            T& out = call.results<T>()[row];
            if constexpr (std::is_floating_point_v<T>) {
                out = static_cast<T>(number);
            } else {
                using Wide = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;
                Wide wide = 0;
                if (std::isnan(number)) {
                    wide = 0;
                } else if (number >= static_cast<double>(std::numeric_limits<Wide>::max())) {
                    wide = std::numeric_limits<Wide>::max();
                } else if (number <= static_cast<double>(std::numeric_limits<Wide>::min())) {
                    wide = std::numeric_limits<Wide>::min();
                } else {
                    wide = static_cast<Wide>(number);
                }
                out = static_cast<T>(wide);
            }
        },
        [&](idx_t row) { call.set_null(row); });
}

// The values of the nodes; an element has none of its own.
void xpath_nodes(Call& call) {
    const duckdb_vector output = call.output();
    idx_t size = 0;
    idx_t capacity = 0;
    const auto end = [&](idx_t row, idx_t from) {
        call.results<duckdb_list_entry>()[row] = {.offset = from, .length = size - from};
    };
    evaluate(
        call,
        [&](idx_t row, const XPathValue& value) {
            const idx_t from = size;
            if (size + value.nodes.size() > capacity) {
                capacity = std::max<idx_t>(2 * capacity, size + value.nodes.size() + 2048);
                duckdb_list_vector_reserve(output, capacity);
            }
            const duckdb_vector child = duckdb_list_vector_get_child(output);
            for (const XmlNode* node : value.nodes) {
                if (node->kind == XmlNode::Kind::kText || node->kind == XmlNode::Kind::kAttribute) {
                    duckdb_unsafe_vector_assign_string_element_len(child, size, node->text.data(),
                                                                   node->text.size());
                } else {
                    duckdb_vector_ensure_validity_writable(child);
                    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(child), size);
                }
                ++size;
            }
            end(row, from);
        },
        [&](idx_t row) {
            end(row, size);
            call.set_null(row);
        });
    duckdb_list_vector_set_size(output, size);
}

}  // namespace

struct XmlWriter::Impl {
    DataType type;
    std::string time_zone;
    std::string row_tag = "ROW";
    std::string element_name = "item";
    std::string attribute_prefix = "_";
    std::string value_tag = "_VALUE";
    std::optional<std::string> null_value;
    std::string indent = "    ";
    std::optional<TimeFormat> timestamp_format;
    std::optional<TimeFormat> timestamp_ntz_format;
    std::optional<TimeFormat> date_format;
};

namespace {

void append_escaped(std::string& to, std::string_view text, bool attribute) {
    for (const char c : text) {
        switch (c) {
            case '<': to += "&lt;"; break;
            case '&': to += "&amp;"; break;
            case '>': to += "&gt;"; break;
            case '"': to += attribute ? "&quot;" : "\""; break;
            default: to.push_back(c);
        }
    }
}

class Writer {
public:
    Writer(const XmlWriter::Impl& options, Zone* zone) : options_(options), zone_(zone) {}

    void row(std::string& to, const ColumnView& column, std::int64_t at) {
        structure(to, options_.row_tag, column, at, 0);
    }

private:
    void line(std::string& to, int depth) const {
        if (to.empty() || options_.indent.empty()) return;
        to.push_back('\n');
        for (int i = 0; i < depth; ++i) to += options_.indent;
    }

    std::string scalar(const ColumnView& column, std::int64_t at) const {
        std::string text;
        switch (column.type.kind()) {
            case TypeKind::kTimestamp: {
                const auto instant = column.value<std::int64_t>(at);
                const std::int64_t offset = zone_ == nullptr ? 0 : zone_->offset_at(instant);
                options_.timestamp_format->append(text, instant + offset, offset,
                                                  options_.time_zone);
                break;
            }
            case TypeKind::kTimestampNtz:
                options_.timestamp_ntz_format->append(text, column.value<std::int64_t>(at), 0,
                                                      "UTC");
                break;
            case TypeKind::kDate:
                if (options_.date_format) {
                    options_.date_format->append(
                        text, column.value<std::int32_t>(at) * std::int64_t{86'400'000'000}, 0,
                        "UTC");
                    break;
                }
                [[fallthrough]];
            default:
                append_display(text, column, at,
                               {.zone = zone_, .nested_null = "null", .pretty_binary = false});
        }
        return text;
    }

    // One element, or as many as an array has; none for null.
    void element(std::string& to, const std::string& name, const ColumnView& column,
                 std::int64_t at, int depth) {
        if (column.is_null(at)) {
            if (options_.null_value) simple(to, name, *options_.null_value, depth);
            return;
        }
        switch (column.type.kind()) {
            case TypeKind::kArray:
                for (std::int64_t i = column.offsets32[at]; i < column.offsets32[at + 1]; ++i) {
                    const ColumnView& inner = column.children[0];
                    if (inner.type.is(TypeKind::kArray)) {
                        line(to, depth);
                        to += "<" + name + ">";
                        const std::size_t start = to.size();
                        element(to, options_.element_name, inner, i, depth + 1);
                        if (to.size() > start) line(to, depth);
                        to += "</" + name + ">";
                    } else {
                        element(to, name, inner, i, depth);
                    }
                }
                return;
            case TypeKind::kStruct: structure(to, name, column, at, depth); return;
            case TypeKind::kMap: {
                line(to, depth);
                to += "<" + name + ">";
                const ColumnView& pairs = column.children[0];
                const std::size_t start = to.size();
                for (std::int64_t i = column.offsets32[at]; i < column.offsets32[at + 1]; ++i) {
                    element(to, scalar(pairs.children[0], i), pairs.children[1], i, depth + 1);
                }
                if (to.size() > start) line(to, depth);
                to += "</" + name + ">";
                return;
            }
            default: simple(to, name, scalar(column, at), depth);
        }
    }

    void simple(std::string& to, const std::string& name, std::string_view text, int depth) const {
        line(to, depth);
        to += "<" + name + ">";
        append_escaped(to, text, false);
        to += "</" + name + ">";
    }

    // Fields with the prefix are attributes, the one of the value tag is the text.
    void structure(std::string& to, const std::string& name, const ColumnView& column,
                   std::int64_t at, int depth) {
        line(to, depth);
        to += "<" + name;
        const auto& fields = column.type.fields();
        const auto is_attribute = [&](std::size_t i) {
            return fields[i].name != options_.value_tag && !options_.attribute_prefix.empty() &&
                   fields[i].name.starts_with(options_.attribute_prefix) &&
                   !fields[i].type.is_nested();
        };
        for (std::size_t i = 0; i < fields.size(); ++i) {
            const ColumnView& child = column.children[i];
            if (!is_attribute(i) || (child.is_null(at) && !options_.null_value)) continue;
            to += " " + fields[i].name.substr(options_.attribute_prefix.size()) + "=\"";
            append_escaped(to, child.is_null(at) ? *options_.null_value : scalar(child, at), true);
            to += "\"";
        }
        to += ">";
        bool elements = false;
        for (std::size_t i = 0; i < fields.size(); ++i) {
            const ColumnView& child = column.children[i];
            if (is_attribute(i)) continue;
            if (fields[i].name == options_.value_tag && !fields[i].type.is_nested()) {
                if (!child.is_null(at)) append_escaped(to, scalar(child, at), false);
                continue;
            }
            const std::size_t start = to.size();
            element(to, fields[i].name, child, at, depth + 1);
            elements = elements || to.size() > start;
        }
        if (elements) line(to, depth);
        to += "</" + name + ">";
    }

    const XmlWriter::Impl& options_;
    Zone* zone_;
};

}  // namespace

XmlWriter::XmlWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
XmlWriter::~XmlWriter() = default;

Result<std::unique_ptr<XmlWriter>> XmlWriter::make(const DataType& type,
                                                   const plan::Options& options,
                                                   const std::string& time_zone) {
    auto impl = std::make_unique<Impl>();
    impl->type = type;
    impl->time_zone = time_zone;
    const auto text = [&](const char* name, std::string& to) {
        if (const auto found = options.find(name); found != options.end()) to = found->second;
    };
    text("timezone", impl->time_zone);
    text("rowtag", impl->row_tag);
    text("arrayelementname", impl->element_name);
    text("attributeprefix", impl->attribute_prefix);
    text("valuetag", impl->value_tag);
    text("indent", impl->indent);
    if (const auto found = options.find("nullvalue"); found != options.end()) {
        impl->null_value = found->second;
    }
    MR_TRY_VOID(Zone::find(impl->time_zone));
    const auto format = [&](const char* name, const char* otherwise,
                            std::optional<TimeFormat>& to) -> Result<void> {
        std::string pattern = otherwise;
        text(name, pattern);
        if (pattern.empty()) return {};
        MR_TRY(to, TimeFormat::make(pattern));
        return {};
    };
    MR_TRY_VOID(format("timestampformat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", impl->timestamp_format));
    MR_TRY_VOID(
        format("timestampntzformat", "yyyy-MM-dd'T'HH:mm:ss.SSS", impl->timestamp_ntz_format));
    MR_TRY_VOID(format("dateformat", "", impl->date_format));
    return std::unique_ptr<XmlWriter>(new XmlWriter(std::move(impl)));
}

void run_to_xml(Call& call) {
    const XmlWriter::Impl& options = static_cast<const XmlWriter*>(call.extra())->impl();
    Writer writer(options, thread_zone(options.time_zone));
    ColumnBuilder rows(options.type);
    read_vector(call.argument(0), 0, call.rows(), rows);
    const auto array = rows.finish();
    if (!array) {
        call.fail_with(array.error().message());
        return;
    }
    const ColumnView column = view_of(**array, options.type);
    std::string text;
    for (idx_t row = 0; row < call.rows(); ++row) {
        const auto at = static_cast<std::int64_t>(row);
        if (column.is_null(at)) {
            call.set_null(row);
            continue;
        }
        text.clear();
        writer.row(text, column, at);
        call.set_text(row, text);
    }
}

void add_xml_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    list.add(
        "mr_xpath",
        {.arguments = {kText, kText}, .result = kText, .body = xpath_nodes, .lists_result = true});
    list.add("mr_xpath_string", {{kText, kText}, kText, xpath_string});
    list.add("mr_xpath_boolean", {{kText, kText}, DUCKDB_TYPE_BOOLEAN, xpath_boolean});
    list.add("mr_xpath_double", {{kText, kText}, DUCKDB_TYPE_DOUBLE, xpath_number<double>});
    list.add("mr_xpath_float", {{kText, kText}, DUCKDB_TYPE_FLOAT, xpath_number<float>});
    list.add("mr_xpath_long", {{kText, kText}, DUCKDB_TYPE_BIGINT, xpath_number<std::int64_t>});
    list.add("mr_xpath_int", {{kText, kText}, DUCKDB_TYPE_INTEGER, xpath_number<std::int32_t>});
    list.add("mr_xpath_short", {{kText, kText}, DUCKDB_TYPE_SMALLINT, xpath_number<std::int16_t>});
}

}  // namespace millrace::columnar
