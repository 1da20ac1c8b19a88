#include "sql/function_table.h"

#include <algorithm>
#include <array>
#include <deque>
#include <unordered_map>

#include "base/check.h"
#include "sql/functions/tables.h"

namespace millrace::sql {

namespace {

struct Table {
    std::deque<FunctionRow> rows;  // Copies of the tables' rows with their group filled in.
    std::vector<const FunctionRow*> all;
    std::unordered_map<std::string_view, std::vector<const FunctionRow*>> by_name;
    std::unordered_map<std::string_view, const FunctionRow*> by_id;
    std::vector<std::string> names;

    Table() {
        for (const functions::Group& group : functions::groups()) {
            for (const FunctionRow& source : group.rows) {
                FunctionRow& row = rows.emplace_back(source);
                row.group = group.name;
                all.push_back(&row);
                const bool fresh = by_id.emplace(row.id, &row).second;
                MR_CHECK(fresh);
                std::string_view rest = row.names;
                while (!rest.empty()) {
                    const std::size_t space = rest.find(' ');
                    const std::string_view name = rest.substr(0, space);
                    rest = space == std::string_view::npos ? "" : rest.substr(space + 1);
                    auto& list = by_name[name];
                    if (list.empty()) names.emplace_back(name);
                    list.push_back(&row);
                }
            }
        }
        std::ranges::sort(names);
    }
};

const Table& table() {
    static const Table instance;
    return instance;
}

std::string quoted(std::string_view text) {
    std::string result = "'";
    for (const char c : text) {
        if (c == '\'') result += '\'';
        result += c;
    }
    return result + "'";
}

}  // namespace

std::span<const FunctionRow* const> functions_named(std::string_view name) {
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    const auto found = table().by_name.find(lower);
    if (found == table().by_name.end()) return {};
    return found->second;
}

const FunctionRow* function_by_id(std::string_view id) {
    const auto found = table().by_id.find(id);
    return found == table().by_id.end() ? nullptr : found->second;
}

std::span<const FunctionRow* const> all_functions() {
    return table().all;
}

const std::vector<std::string>& function_names() {
    return table().names;
}

const MergeRule* merge_rule(const FunctionRow& row) {
    if (row.merge.empty()) return nullptr;
    for (const MergeRule& rule : functions::merge_rules()) {
        if (rule.id == row.merge) return &rule;
    }
    return nullptr;
}

std::string_view lowering_of(const FunctionRow& row, plan::EvalMode mode) {
    if (mode == plan::EvalMode::kTry && !row.lowering_try.empty()) return row.lowering_try;
    if (mode == plan::EvalMode::kLegacy && !row.lowering_legacy.empty()) {
        return row.lowering_legacy;
    }
    return row.lowering;
}

std::string expand_lowering(std::string_view pattern, const LoweringArguments& arguments) {
    const auto list_from = [&](std::size_t first) {
        std::string result;
        for (std::size_t i = first; i < arguments.texts.size(); ++i) {
            if (i != first) result += ", ";
            result += arguments.texts[i];
        }
        return result;
    };
    const auto mode_name = [&] {
        return arguments.mode == plan::EvalMode::kTry      ? "'try'"
               : arguments.mode == plan::EvalMode::kLegacy ? "'legacy'"
                                                           : "'ansi'";
    };
    std::string result;
    std::size_t at = 0;
    while (at < pattern.size()) {
        if (pattern[at] != '{') {
            result += pattern[at++];
            continue;
        }
        std::size_t end = pattern.find('}', at);
        MR_CHECK(end != std::string_view::npos);
        std::string_view key = pattern.substr(at + 1, end - at - 1);
        if (key.starts_with("if") && key.size() > 3) {
            // The text of {if1:text} may hold arguments of its own: find the brace that closes it.
            int depth = 0;
            for (end = at; end < pattern.size(); ++end) {
                if (pattern[end] == '{') ++depth;
                if (pattern[end] == '}' && --depth == 0) break;
            }
            MR_CHECK(end < pattern.size());
            key = pattern.substr(at + 1, end - at - 1);
            const auto index = static_cast<std::size_t>(key[2] - '0');
            if (index < arguments.texts.size()) {
                result += expand_lowering(key.substr(4), arguments);
            }
        } else if (key == "*") {
            result += list_from(0);
        } else if (key.size() == 2 && key[1] == '*') {
            result += list_from(static_cast<std::size_t>(key[0] - '0'));
        } else if (key == "type") {
            result += arguments.duckdb_type(arguments.result);
        } else if (key == "tz") {
            result += quoted(arguments.time_zone);
        } else if (key == "mode") {
            result += mode_name();
        } else if (key == "ddl") {
            result += quoted(arguments.result.json());
        } else if (key.starts_with("ddl")) {
            const auto index = static_cast<std::size_t>(key[3] - '0');
            MR_CHECK(index < arguments.types.size());
            result += quoted(arguments.types[index].json());
        } else {
            MR_CHECK(key.size() == 1 && key[0] >= '0' && key[0] <= '9');
            const auto index = static_cast<std::size_t>(key[0] - '0');
            MR_CHECK(index < arguments.texts.size());
            result += arguments.texts[index];
        }
        at = end + 1;
    }
    return result;
}

}  // namespace millrace::sql
