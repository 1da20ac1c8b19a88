#include "config/option.h"

#include <algorithm>
#include <charconv>

namespace millrace::config {
namespace {

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string joined(const std::vector<std::string_view>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

// Levenshtein's distance with two rows; the names are short.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> previous(b.size() + 1);
    std::vector<std::size_t> current(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replaced});
        }
        std::swap(previous, current);
    }
    return previous[b.size()];
}

}  // namespace

Result<bool> parse_bool(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return base::fail(base::Code::kInvalidArgument, "'{}' is neither true nor false", text);
}

Result<std::int64_t> parse_integer(std::string_view text, std::int64_t min, std::int64_t max) {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc::invalid_argument || stopped != end) {
        return base::fail(base::Code::kInvalidArgument, "'{}' is not a whole number", text);
    }
    if (error == std::errc::result_out_of_range || value < min || value > max) {
        return base::fail(base::Code::kInvalidArgument, "{} is outside {} to {}", text, min, max);
    }
    return value;
}

Result<std::string> parse_choice(std::string_view text,
                                 const std::vector<std::string_view>& allowed) {
    if (!allowed.empty() && std::ranges::find(allowed, text) == allowed.end()) {
        return base::fail(base::Code::kInvalidArgument, "'{}' is not one of {}", text,
                          joined(allowed));
    }
    return std::string(text);
}

Result<std::string> parse_list(std::string_view text,
                               const std::vector<std::string_view>& allowed) {
    std::string list;
    while (!text.empty()) {
        const auto comma = text.find(',');
        MR_TRY(const std::string item, parse_choice(trimmed(text.substr(0, comma)), allowed));
        if (!list.empty()) list += ',';
        list += item;
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return list;
}

std::string nearest_name(std::string_view typed, const std::vector<std::string_view>& names) {
    std::string_view best;
    // Further than a third of the name away is another word, not a slip.
    std::size_t best_distance = std::max<std::size_t>(2, typed.size() / 3) + 1;
    for (const std::string_view name : names) {
        const std::size_t distance = edit_distance(typed, name);
        if (distance < best_distance) {
            best = name;
            best_distance = distance;
        }
    }
    return std::string(best);
}

base::Error unknown_option(std::string_view typed, const std::vector<std::string_view>& names) {
    const std::string nearest = nearest_name(typed, names);
    return {base::Code::kInvalidArgument,
            nearest.empty()
                ? fmt::format("unknown option '{}'", typed)
                : fmt::format("unknown option '{}'; did you mean '{}'?", typed, nearest)};
}

std::string to_markdown(const std::vector<OptionView>& options) {
    std::string page = "| option | default | allowed | change | meaning |\n|---|---|---|---|---|\n";
    for (const OptionView& option : options) {
        std::string allowed = option.allowed;
        for (auto at = allowed.find('|'); at != std::string::npos; at = allowed.find('|', at + 2)) {
            allowed.insert(at, 1, '\\');
        }
        page += fmt::format("| `{}` | {} | {} | {} | {} |\n", option.name, option.default_value,
                            allowed, option.reload == Reload::kLive ? "live" : "restart",
                            option.documentation);
    }
    return page;
}

}  // namespace millrace::config
