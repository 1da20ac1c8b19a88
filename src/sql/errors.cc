#include "sql/errors.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/check.h"

namespace millrace::sql {

using base::Code;
using base::Condition;
using base::Error;

namespace {

struct Template {
    std::string_view name;
    std::string_view sql_state;
    std::string_view text;
};

#define MR_SPARK_ERROR(name, sql_state, text) Template{name, sql_state, text},
constexpr Template kTemplates[] = {
#include "sql/errors.inc"
};
#undef MR_SPARK_ERROR

const Template& template_of(std::string_view condition) {
    static const auto index = [] {
        std::unordered_map<std::string_view, const Template*> result;
        for (const Template& entry : kTemplates) result.emplace(entry.name, &entry);
        return result;
    }();
    const auto found = index.find(condition);
    MR_CHECK(found != index.end());
    return *found->second;
}

std::string filled(std::string_view text, const ErrorParameters& parameters) {
    std::string result;
    std::size_t at = 0;
    while (at < text.size()) {
        if (text[at] == '<') {
            const std::size_t end = text.find('>', at);
            if (end != std::string_view::npos) {
                const auto found = parameters.find(std::string(text.substr(at + 1, end - at - 1)));
                if (found != parameters.end()) {
                    result += found->second;
                    at = end + 1;
                    continue;
                }
            }
        }
        result += text[at++];
    }
    return result;
}

std::string headed(const Template& entry, const ErrorParameters& parameters) {
    std::string message = fmt::format("[{}] {}", entry.name, filled(entry.text, parameters));
    if (!entry.sql_state.empty()) message += fmt::format(" SQLSTATE: {}", entry.sql_state);
    return message;
}

Condition condition_of(const Template& entry, const ErrorParameters& parameters, const Site& site) {
    Condition condition{.name = std::string(entry.name),
                        .sql_state = std::string(entry.sql_state),
                        .parameters = parameters};
    if (!site.text.empty() && site.origin.start >= 0) {
        condition.query_text = std::string(site.text);
        condition.query_start = site.origin.start;
        condition.query_stop = site.origin.stop;
        const auto start = std::min(static_cast<std::size_t>(site.origin.start), site.text.size());
        const int length = site.origin.stop - site.origin.start + 1;
        condition.query_fragment =
            std::string(site.text.substr(start, static_cast<std::size_t>(std::max(length, 0))));
    }
    return condition;
}

// Spark's `== SQL ==` block: the text with a caret line below the line of the error.
std::string with_caret(std::string_view text, int line, int column) {
    std::string result = "\n\n== SQL ==\n";
    int current = 1;
    std::size_t at = 0;
    while (at <= text.size()) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        result += text.substr(at, end - at);
        result += '\n';
        if (current == line) result += std::string(static_cast<std::size_t>(column), '-') + "^^^\n";
        ++current;
        at = end + 1;
    }
    return result;
}

std::size_t distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> row(right.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < left.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < right.size(); ++j) {
            const std::size_t above = row[j + 1];
            row[j + 1] =
                std::min({row[j] + 1, above + 1, diagonal + (left[i] == right[j] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row.back();
}

}  // namespace

Error spark_error(std::string_view condition, const ErrorParameters& parameters, const Site& site) {
    const Template& entry = template_of(condition);
    std::string message = headed(entry, parameters);
    if (!site.text.empty() && site.origin.start >= 0) {
        const auto [line, column] = line_and_column(site.text, site.origin.start);
        message += fmt::format("; line {} pos {}", line, column);
    }
    return {Code::kAnalysis, std::move(message), condition_of(entry, parameters, site)};
}

Error parse_error(std::string_view condition, const ErrorParameters& parameters, const Site& site) {
    const Template& entry = template_of(condition);
    // Long text is cut around the error, so that a message never grows with its input.
    constexpr std::size_t kMaxShown = 4096;
    std::string message = "\n" + headed(entry, parameters);
    const auto [line, column] = line_and_column(site.text, std::max(site.origin.start, 0));
    message += fmt::format(" (line {}, pos {})", line, column);
    if (site.text.size() <= kMaxShown) message += with_caret(site.text, line, column);
    Site bounded = site;
    if (site.text.size() > kMaxShown) bounded.text = {};
    return {Code::kParse, std::move(message), condition_of(entry, parameters, bounded)};
}

Error legacy_error(std::string_view condition, std::string message) {
    return {Code::kAnalysis, message,
            Condition{.name = std::string(condition), .parameters = {{"msg", message}}}};
}

Error unsupported(std::string_view what, const Site& site) {
    Condition condition{.name = "UNSUPPORTED_FEATURE",
                        .sql_state = "0A000",
                        .parameters = {{"feature", std::string(what)}}};
    std::string message =
        fmt::format("[UNSUPPORTED_FEATURE] The feature is not supported: {} SQLSTATE: 0A000", what);
    if (!site.text.empty() && site.origin.start >= 0) {
        const auto [line, column] = line_and_column(site.text, site.origin.start);
        message += fmt::format("; line {} pos {}", line, column);
    }
    return {Code::kUnsupported, std::move(message), std::move(condition)};
}

std::string quoted_id(std::string_view name) {
    std::string result = "`";
    for (const char c : name) {
        if (c == '`') result += '`';
        result += c;
    }
    return result + "`";
}

std::string quoted_id(const std::vector<std::string>& parts) {
    std::string result;
    for (const std::string& part : parts) {
        if (!result.empty()) result += '.';
        result += quoted_id(part);
    }
    return result;
}

std::string quoted_type(const plan::DataType& type) {
    return "\"" + type.sql() + "\"";
}

std::string quoted_expr(std::string_view text) {
    return fmt::format("\"{}\"", text);
}

std::pair<int, int> line_and_column(std::string_view text, int offset) {
    int line = 1;
    int column = 0;
    const auto end = std::min(static_cast<std::size_t>(std::max(offset, 0)), text.size());
    for (std::size_t i = 0; i < end; ++i) {
        if (text[i] == '\n') {
            ++line;
            column = 0;
        } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
            ++column;
        }
    }
    return {line, column};
}

std::string proposals(std::string_view name,
                      const std::vector<std::vector<std::string>>& candidates) {
    constexpr std::size_t kMaxProposals = 5;
    // The names are compared bare, the way a user mistypes them.
    constexpr std::size_t kMaxCompared = 200;
    struct Ranked {
        std::size_t distance;
        std::size_t place;  // Keeps the order of columns among equals.
        std::string name;
        auto operator<=>(const Ranked&) const = default;
    };
    std::vector<Ranked> ranked;
    for (const auto& candidate : candidates) {
        std::string plain;
        for (const std::string& part : candidate) plain += (plain.empty() ? "" : ".") + part;
        ranked.push_back({distance(name.substr(0, kMaxCompared),
                                   std::string_view(plain).substr(0, kMaxCompared)),
                          ranked.size(), quoted_id(candidate)});
    }
    std::ranges::sort(ranked);
    std::string result;
    for (std::size_t i = 0; i < ranked.size() && i < kMaxProposals; ++i) {
        if (i != 0) result += ", ";
        result += ranked[i].name;
    }
    return result;
}

}  // namespace millrace::sql
