#include "cli/output/yaml.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace millrace::cli {
namespace {

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '/';
}

// Words that begin with a letter and are no constant of any YAML version need no quotes.
bool is_plain(std::string_view text) {
    if (text.empty() || !std::ranges::all_of(text, is_word)) return false;
    const char first = text[0];
    if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '_')) {
        return false;
    }
    constexpr std::array<std::string_view, 9> kConstants{"true", "false", "null", "yes", "no",
                                                         "on",   "off",   "y",    "n"};
    return !std::ranges::any_of(kConstants, [&](std::string_view constant) {
        return base::equals_ignore_case(text, constant);
    });
}

std::string scalar(const base::JsonValue& value) {
    if (value.is_string()) {
        const std::string text = *value.as_string();
        if (is_plain(text)) return text;
    }
    return base::to_json(value);
}

bool is_inline(const base::JsonValue& value) {
    if (value.is_array()) return value.items().empty();
    if (value.is_object()) return value.members().empty();
    return true;
}

// Lines at `indent`, of which the caller has begun the first when `begun`.
void append(std::string& out, const base::JsonValue& value, std::size_t indent, bool begun) {
    const auto begin_line = [&] {
        if (!begun) out.append(indent, ' ');
        begun = false;
    };
    if (is_inline(value)) {
        begin_line();
        out += scalar(value) + "\n";
        return;
    }
    for (const base::JsonValue& item : value.items()) {
        begin_line();
        out += "- ";
        append(out, item, indent + 2, true);
    }
    for (const auto& [key, member] : value.members()) {
        begin_line();
        out += scalar(key) + ":";
        if (is_inline(member)) {
            out += " " + scalar(member) + "\n";
        } else {
            out += "\n";
            append(out, member, indent + 2, false);
        }
    }
}

}  // namespace

std::string to_yaml(const base::JsonValue& value) {
    std::string out;
    append(out, value, 0, false);
    return out;
}

}  // namespace millrace::cli
