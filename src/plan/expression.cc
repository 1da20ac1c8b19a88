#include "plan/expression.h"

#include <algorithm>

namespace millrace::plan {

using base::Code;
using base::fail;
using base::Result;

ExprPtr column(std::vector<std::string> parts) {
    return make_expr(AttributeExpr{std::move(parts), std::nullopt});
}
ExprPtr literal(Literal value) {
    return make_expr(std::move(value));
}
ExprPtr call(std::string name, std::vector<ExprPtr> args) {
    FunctionExpr function;
    function.name = std::move(name);
    function.args = std::move(args);
    return make_expr(std::move(function));
}
ExprPtr alias(ExprPtr child, std::string name) {
    return make_expr(AliasExpr{std::move(child), {std::move(name)}, {}});
}

Result<std::vector<std::string>> split_name(std::string_view name) {
    const auto unbalanced = [&] {
        return fail(
            base::Error(Code::kAnalysis,
                        fmt::format("[INVALID_ATTRIBUTE_NAME_SYNTAX] Syntax error in the "
                                    "attribute name: {}. Check that backticks appear in "
                                    "pairs, a quoted string is a complete name part and use "
                                    "a backtick only inside quoted name parts.",
                                    name),
                        {.name = "INVALID_ATTRIBUTE_NAME_SYNTAX",
                         .sql_state = "42601",
                         .parameters = {{"name", std::string(name)}}}));
    };
    std::vector<std::string> parts;
    std::string part;
    bool quoted = false;      // Inside back-ticks.
    bool was_quoted = false;  // This part has been closed by a back-tick.
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        if (quoted) {
            if (c != '`') {
                part += c;
            } else if (i + 1 < name.size() && name[i + 1] == '`') {
                part += '`';
                ++i;
            } else {
                quoted = false;
                was_quoted = true;
                if (i + 1 < name.size() && name[i + 1] != '.') return unbalanced();
            }
        } else if (c == '`') {
            if (!part.empty() || was_quoted) return unbalanced();
            quoted = true;
        } else if (c == '.') {
            if (part.empty() && !was_quoted) return unbalanced();
            if (i + 1 == name.size()) return unbalanced();
            parts.push_back(std::move(part));
            part.clear();
            was_quoted = false;
        } else {
            part += c;
        }
    }
    if (quoted) return unbalanced();
    parts.push_back(std::move(part));
    return parts;
}

std::string quote_name(const std::vector<std::string>& parts) {
    std::string result;
    for (const std::string& part : parts) {
        if (!result.empty()) result += '.';
        const bool plain =
            !part.empty() && std::isdigit(static_cast<unsigned char>(part[0])) == 0 &&
            std::ranges::all_of(part,
                                [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
        if (plain) {
            result += part;
            continue;
        }
        result += '`';
        for (const char c : part) {
            if (c == '`') result += '`';
            result += c;
        }
        result += '`';
    }
    return result;
}

}  // namespace millrace::plan
