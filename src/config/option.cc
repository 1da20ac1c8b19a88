#include "config/option.h"

#include <algorithm>
#include <charconv>

#include "base/strings.h"

namespace millrace::config {
namespace {

std::string joined(const std::vector<std::string_view>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

Result<bool> parse_bool(std::string_view text) {
    if (base::equals_ignore_case(text, "true")) return true;
    if (base::equals_ignore_case(text, "false")) return false;
    return base::fail(base::Code::kInvalidArgument, "'{}' is neither true nor false", text);
}

Result<double> parse_double(std::string_view text, double min, double max) {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, code] = std::from_chars(text.data(), end, value);
    if (code != std::errc() || rest != end || !(value >= min && value <= max)) {
        return base::fail(base::Code::kInvalidArgument, "'{}' is not a number from {} to {}", text,
                          format_double(min), format_double(max));
    }
    return value;
}

std::string format_double(double value) {
    std::string text = fmt::format("{}", value);
    const auto exponent = text.find('e');
    if (exponent == std::string::npos) {
        return text.find('.') == std::string::npos ? text + ".0" : text;
    }
    std::string power = text.substr(exponent + 1);
    std::erase(power, '+');
    const std::size_t first = power.find_first_not_of("-0");
    power = (power.front() == '-' ? "-" : "") + power.substr(first);
    std::string digits = text.substr(0, exponent);
    if (digits.find('.') == std::string::npos) digits += ".0";
    return digits + "E" + power;
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
        MR_TRY(const std::string item, parse_choice(base::trim(text.substr(0, comma)), allowed));
        if (!list.empty()) list += ',';
        list += item;
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return list;
}

base::Error unknown_option(std::string_view typed, const std::vector<std::string_view>& names) {
    const std::vector<std::string> near =
        base::did_you_mean(typed, {names.begin(), names.end()}, 1);
    std::string words = fmt::format("unknown option '{}'", typed);
    if (!near.empty()) words += fmt::format("; did you mean '{}'?", near.front());
    return {base::Code::kInvalidArgument, words};
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
