#include "broker/configs/words.h"

#include <algorithm>
#include <limits>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/strings.h"

namespace millrace::broker {
namespace {

using config::Kind;

std::string list_of(std::string_view allowed) {
    return fmt::format("{}", fmt::join(base::split(allowed, '|'), ", "));
}

// What is wrong with a list, by its first wrong item.
std::string wrong_item(const config::OptionView& option, std::string_view text) {
    const auto allowed = base::split(option.allowed, '|');
    for (const std::string_view item : base::split(text, ',')) {
        const std::string_view word = base::trim(item);
        if (std::ranges::find(allowed, word) != allowed.end()) continue;
        return fmt::format("Invalid value {} for configuration {}: String must be one of: {}", word,
                           option.name, list_of(option.allowed));
    }
    return fmt::format("Invalid value {} for configuration {}", text, option.name);
}

// Kafka writes the bounds of its fractions as whole numbers.
std::string wrong_double(const config::OptionView& option, std::string_view text) {
    constexpr double kMost = std::numeric_limits<double>::max();
    const auto because = [&](std::string_view value, std::string_view reason) {
        return fmt::format("Invalid value {} for configuration {}: {}", value, option.name, reason);
    };
    const auto value = config::parse_double(text, -kMost, kMost);
    if (!value) return because(text, "Not a number of type DOUBLE");
    const std::size_t dots = option.allowed.find("..");
    const auto low = config::parse_double(option.allowed.substr(0, dots), -kMost, kMost);
    const auto high = config::parse_double(option.allowed.substr(dots + 2), -kMost, kMost);
    return because(config::format_double(*value),
                   low && *value < *low
                       ? fmt::format("Value must be at least {}", *low)
                       : fmt::format("Value must be no more than {}", high.value_or(kMost)));
}

}  // namespace

std::string wrong_value(const config::OptionView& option, std::string_view text) {
    const auto because = [&](std::string_view reason) {
        return fmt::format("Invalid value {} for configuration {}: {}", text, option.name, reason);
    };
    switch (option.kind) {
        case Kind::kBoolean: return because("Expected value to be either true or false");
        case Kind::kString: return because("String must be one of: " + list_of(option.allowed));
        case Kind::kList: return wrong_item(option, text);
        case Kind::kDouble: return wrong_double(option, text);
        case Kind::kInt:
        case Kind::kLong: break;
    }
    const bool is_int = option.kind == Kind::kInt;
    const auto number =
        is_int ? base::parse_int64(base::trim(text), std::numeric_limits<std::int32_t>::min(),
                                   std::numeric_limits<std::int32_t>::max())
               : base::parse_int64(base::trim(text));
    if (!number) return because(is_int ? "Not a number of type INT" : "Not a number of type LONG");
    if (*number < option.min) return because(fmt::format("Value must be at least {}", option.min));
    return because(fmt::format("Value must be no more than {}", option.max));
}

}  // namespace millrace::broker
