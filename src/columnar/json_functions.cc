// JSON inside strings: parts of it by path, its keys, its length.
#include <charconv>

#include "columnar/files_internal.h"
#include "columnar/functions_internal.h"
#include "columnar/json_text_internal.h"

namespace millrace::columnar {

namespace {

struct Step {
    enum class Kind : std::uint8_t { kKey, kIndex, kAny };
    Kind kind = Kind::kKey;
    std::string key;
    std::size_t index = 0;
};

// "$.a['b'][0][*]"; false when it is no path.
bool parse_path(std::string_view path, std::vector<Step>& steps) {
    if (!path.starts_with('$')) return false;
    path.remove_prefix(1);
    while (!path.empty()) {
        if (path[0] == '.') {
            path.remove_prefix(1);
            const std::size_t end = std::min(path.find_first_of(".["), path.size());
            if (end == 0) return false;
            const std::string_view key = path.substr(0, end);
            steps.push_back(key == "*" ? Step{.kind = Step::Kind::kAny}
                                       : Step{.key = std::string(key)});
            path.remove_prefix(end);
        } else if (path.starts_with("['")) {
            const std::size_t end = path.find("']");
            if (end == std::string_view::npos) return false;
            steps.push_back({.key = std::string(path.substr(2, end - 2))});
            path.remove_prefix(end + 2);
        } else if (path[0] == '[') {
            const std::size_t end = path.find(']');
            if (end == std::string_view::npos) return false;
            const std::string_view inside = path.substr(1, end - 1);
            if (inside == "*") {
                steps.push_back({.kind = Step::Kind::kAny});
            } else {
                Step step{.kind = Step::Kind::kIndex};
                const auto [at, error] =
                    std::from_chars(inside.data(), inside.data() + inside.size(), step.index);
                if (error != std::errc() || at != inside.data() + inside.size()) return false;
                steps.push_back(step);
            }
            path.remove_prefix(end + 1);
        } else {
            return false;
        }
    }
    return true;
}

// The raw texts of what the path leads to.
bool walk(JsonCursor& json, const std::vector<Step>& steps, std::size_t at,
          std::vector<std::string_view>& found) {
    const JsonKind kind = json.kind();
    if (at == steps.size()) {
        const char* start = json.position();
        if (!json.skip()) return false;
        found.emplace_back(start, static_cast<std::size_t>(json.position() - start));
        return true;
    }
    const Step& step = steps[at];
    if (kind == JsonKind::kObject && step.kind == Step::Kind::kKey) {
        std::string buffer;
        bool done = false;
        return json.object([&] {
            std::string_view key;
            if (!json.string(key, buffer)) return false;
            const bool wanted = !done && key == step.key;
            if (!json.colon()) return false;
            done = done || wanted;
            return wanted ? walk(json, steps, at + 1, found) : json.skip();
        });
    }
    if (kind == JsonKind::kArray && step.kind != Step::Kind::kKey) {
        std::size_t index = 0;
        return json.array([&] {
            const bool wanted = step.kind == Step::Kind::kAny || index == step.index;
            ++index;
            return wanted ? walk(json, steps, at + 1, found) : json.skip();
        });
    }
    return json.skip();
}

// Strings lose their quotes; null is no result.
bool plain(std::string_view raw, std::string& out) {
    if (raw == "null") return false;
    if (!raw.starts_with('"')) {
        out = raw;
        return true;
    }
    JsonCursor json(raw);
    std::string buffer;
    std::string_view text;
    if (!json.string(text, buffer)) return false;
    out = text;
    return true;
}

bool get_json_object(const Row& row, std::string& out) {
    thread_local std::string last_path;
    thread_local std::vector<Step> steps;
    thread_local bool good = false;
    if (last_path != row.text(1)) {
        last_path = row.text(1);
        steps.clear();
        good = parse_path(last_path, steps);
    }
    if (!good) return false;
    JsonCursor json(row.text(0));
    std::vector<std::string_view> found;
    if (!walk(json, steps, 0, found) || found.empty()) return false;
    if (found.size() == 1) return plain(found[0], out);
    out = "[";
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (i > 0) out += ",";
        out += found[i];
    }
    out += "]";
    return true;
}

// (text, key): one column of json_tuple.
bool json_field(const Row& row, std::string& out) {
    JsonCursor json(row.text(0));
    std::vector<std::string_view> found;
    if (json.kind() != JsonKind::kObject) return false;
    return walk(json, {{.key = std::string(row.text(1))}}, 0, found) && !found.empty() &&
           plain(found[0], out);
}

bool array_length(const Row& row, std::int32_t& out) {
    JsonCursor json(row.text(0));
    if (json.kind() != JsonKind::kArray) return false;
    out = 0;
    return json.array([&] {
        ++out;
        return json.skip();
    });
}

void object_keys(Call& call) {
    Row row(call);
    TextLists lists(call);
    std::string buffer;
    for (idx_t i = 0; i < call.rows(); ++i) {
        row.at(i);
        std::vector<std::string> keys;
        bool good = !call.any_null(i);
        if (good) {
            JsonCursor json(row.text(0));
            good = json.kind() == JsonKind::kObject && json.object([&] {
                std::string_view key;
                if (!json.string(key, buffer)) return false;
                keys.emplace_back(key);
                return json.colon() && json.skip();
            });
        }
        if (good) {
            for (const std::string& key : keys) lists.add(key);
        } else {
            call.set_null(i);
        }
        lists.end_row(i);
    }
}

bool schema_of_json(const Row& row, std::string& out) {
    const auto type = infer_json_value(row.text(0));
    if (!type) return false;
    out = type->sql();
    return true;
}

}  // namespace

void add_json_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    list.add("mr_get_json_object", {{kText, kText}, kText, text_rows<get_json_object>});
    list.add("mr_json_field", {{kText, kText}, kText, text_rows<json_field>});
    list.add("mr_json_array_length",
             {{kText}, DUCKDB_TYPE_INTEGER, value_rows<std::int32_t, array_length>});
    list.add("mr_json_object_keys",
             {.arguments = {kText}, .result = kText, .body = object_keys, .lists_result = true});
    list.add("mr_schema_of_json", {{kText}, kText, text_rows<schema_of_json>});
}

}  // namespace millrace::columnar
