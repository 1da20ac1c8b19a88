#include "cli/output/report.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "cli/output/table.h"
#include "cli/output/yaml.h"

namespace millrace::cli {

using base::JsonValue;

base::Result<Format> parse_format(std::string_view text) {
    const std::pair<std::string_view, Format> kFormats[] = {{"text", Format::kText},
                                                            {"json", Format::kJson},
                                                            {"yaml", Format::kYaml},
                                                            {"jsonl", Format::kJsonLines},
                                                            {"help", Format::kHelp}};
    for (const auto& [name, format] : kFormats) {
        if (text == name) return format;
    }
    return base::fail(base::Code::kInvalidArgument,
                      "there is no output format '{}'; there are text, json, yaml, jsonl and help "
                      "(which prints the shape of the JSON)",
                      text);
}

std::string heading_of(std::string_view key) {
    std::string heading = base::to_upper(key);
    std::ranges::replace(heading, '_', '-');
    return heading;
}

namespace {

JsonValue shape_of(const std::vector<Field>& fields) {
    JsonValue object{base::JsonObject()};
    for (const Field& field : fields) {
        if (field.fields.empty()) {
            object.set(field.key, field.type);
        } else {
            JsonValue list;
            list.push(shape_of(field.fields));
            object.set(field.key, std::move(list));
        }
    }
    return object;
}

void check_shape(const std::vector<Field>& fields, const JsonValue& document) {
    const base::JsonObject& members = document.members();
    MR_CHECK(members.size() == fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
        MR_CHECK(members[i].first == fields[i].key);
        if (fields[i].fields.empty()) continue;
        for (const JsonValue& item : members[i].second.items()) {
            check_shape(fields[i].fields, item);
        }
    }
}

// Errors have a column only where there are some.
bool is_shown(const Field& field, const std::vector<JsonValue>& documents) {
    return field.key != "error" || std::ranges::any_of(documents, [&](const JsonValue& document) {
               return !document.find(field.key)->is_null();
           });
}

std::string table_of(const std::vector<Field>& fields, const std::vector<JsonValue>& documents) {
    std::vector<std::string> keys;
    std::vector<std::string> headings;
    for (const Field& field : fields) {
        if (!is_shown(field, documents)) continue;
        keys.push_back(field.key);
        headings.push_back(heading_of(field.key));
    }
    Table table(std::move(headings));
    for (const JsonValue& document : documents) {
        std::vector<JsonValue> cells;
        for (const std::string& key : keys) cells.push_back(*document.find(key));
        table.add(std::move(cells));
    }
    return table.to_text();
}

}  // namespace

std::string describe_shape(const Shape& shape) {
    JsonValue document = shape_of(shape.fields);
    if (!shape.is_list) return base::to_json(document, 2) + "\n";
    JsonValue list;
    list.push(std::move(document));
    return base::to_json(list, 2) + "\n";
}

void Report::add(JsonValue document) {
    check_shape(shape_.fields, document);
    documents_.push_back(std::move(document));
}

std::string Report::render_details(const JsonValue& document) const {
    Table head({"", ""});
    std::string lists;
    const auto list_count =
        std::ranges::count_if(shape_.fields, [](const Field& f) { return !f.fields.empty(); });
    for (std::size_t i = 0; i < shape_.fields.size(); ++i) {
        const Field& field = shape_.fields[i];
        const JsonValue& value = document.members()[i].second;
        if (field.fields.empty()) {
            head.add({heading_of(field.key), to_cell(value)});
        } else if (!value.items().empty()) {
            lists += "\n";
            if (list_count > 1) lists += heading_of(field.key) + "\n";
            lists += table_of(field.fields, value.items());
        }
    }
    return head.to_text() + lists;
}

std::string Report::render() const {
    if (format_ == Format::kHelp) return describe_shape(shape_);
    std::string out;
    if (format_ == Format::kJsonLines) {
        for (const JsonValue& document : documents_) out += base::to_json(document) + "\n";
        return out;
    }
    if (format_ == Format::kText) {
        if (shape_.layout == Layout::kTable) return table_of(shape_.fields, documents_);
        for (const JsonValue& document : documents_) {
            if (!out.empty()) out += "\n";
            out += render_details(document);
        }
        return out;
    }
    JsonValue whole{base::JsonArray()};
    if (shape_.is_list) {
        for (const JsonValue& document : documents_) whole.push(document);
    } else {
        MR_CHECK(documents_.size() == 1);
        whole = documents_.front();
    }
    return format_ == Format::kYaml ? to_yaml(whole) : base::to_json(whole, 2) + "\n";
}

}  // namespace millrace::cli
