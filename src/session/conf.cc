#include "session/conf.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "session/errors_internal.h"

namespace millrace::session {

namespace {

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

bool is_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

// "64MB", "10m", "-1", "128": digits, then a unit.
bool is_size(std::string_view text) {
    const auto digits = text.find_first_not_of("-0123456789");
    if (digits == 0 || text.empty()) return false;
    if (digits == std::string_view::npos) return is_integer(text);
    static constexpr std::array<std::string_view, 13> kUnits = {
        "b", "k", "kb", "kib", "m", "mb", "mib", "g", "gb", "gib", "t", "tb", "p"};
    return is_integer(text.substr(0, digits)) &&
           std::ranges::find(kUnits, lower(std::string(text.substr(digits)))) != kUnits.end();
}

// A zone's name in the IANA database, or an offset such as "+08:00", "UTC+3", "Z".
bool is_zone(std::string_view text) {
    if (text == "Z" || text == "UTC" || text == "GMT") return true;
    std::string_view offset = text;
    for (const std::string_view prefix : {"UTC", "GMT", "UT"}) {
        if (offset.starts_with(prefix)) {
            offset.remove_prefix(prefix.size());
            break;
        }
    }
    if (offset.size() >= 2 && (offset[0] == '+' || offset[0] == '-')) {
        return offset.find_first_not_of("0123456789:", 1) == std::string_view::npos;
    }
    // Region/City names: letters, digits, '/', '_', '-', '+'. Whether one exists is for the engine.
    return text.size() >= 3 && text.size() < 64 &&
           std::ranges::all_of(
               text,
               [](unsigned char c) {
                   return std::isalnum(c) || c == '/' || c == '_' || c == '-' || c == '+';
               });
}

std::string_view kind_name(ConfRow::Kind kind) {
    switch (kind) {
        case ConfRow::Kind::kBoolean: return "boolean";
        case ConfRow::Kind::kInteger: return "bigint";
        case ConfRow::Kind::kBytes: return "bytes";
        default: return "string";
    }
}

Result<void> check_value(const ConfRow& row, const std::string& value) {
    bool fits = true;
    switch (row.kind) {
        case ConfRow::Kind::kText: break;
        case ConfRow::Kind::kBoolean:
            fits = lower(value) == "true" || lower(value) == "false";
            break;
        case ConfRow::Kind::kInteger: fits = is_integer(value); break;
        case ConfRow::Kind::kBytes: fits = is_size(value); break;
        case ConfRow::Kind::kZone:
            if (is_zone(value)) return {};
            return spark_error(
                Code::kInvalidArgument, "INVALID_CONF_VALUE.TIME_ZONE", "22022",
                {{"confName", std::string(row.key)}, {"confValue", value}},
                fmt::format("The value '{}' in the config \"{}\" is invalid. Cannot resolve the "
                            "given timezone.",
                            value, row.key),
                "org.apache.spark.SparkIllegalArgumentException");
    }
    if (fits) return {};
    return spark_error(
        Code::kInvalidArgument, "INVALID_CONF_VALUE.TYPE_MISMATCH", "22022",
        {{"confName", std::string(row.key)},
         {"confValue", value},
         {"confType", std::string(kind_name(row.kind))}},
        fmt::format("The value '{}' in the config \"{}\" is invalid. The value should be {}, but "
                    "was {}.",
                    value, row.key, kind_name(row.kind), value),
        "org.apache.spark.SparkIllegalArgumentException");
}

}  // namespace

SessionConf::SessionConf(std::map<std::string, std::string> server_settings)
    : server_settings_(std::move(server_settings)) {}

SessionConf::SessionConf(const SessionConf& other) : server_settings_(other.server_settings_) {
    const std::scoped_lock lock(other.mutex_);
    values_ = other.values_;
}

std::optional<std::string> SessionConf::get_set(const std::string& key) const {
    {
        const std::scoped_lock lock(mutex_);
        if (const auto found = values_.find(key); found != values_.end()) return found->second;
    }
    const auto found = server_settings_.find(key);
    return found == server_settings_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> SessionConf::get(const std::string& key) const {
    if (auto value = get_set(key)) return value;
    const ConfRow* row = find_conf(key);
    if (row == nullptr || row->optional) return std::nullopt;
    return std::string(row->default_value);
}

Result<std::optional<std::string>> SessionConf::require(const std::string& key) const {
    auto value = get(key);
    if (value || find_conf(key) != nullptr) return value;
    return spark_error(Code::kNotFound, "SQL_CONF_NOT_FOUND", "42K0I",
                       {{"sqlConf", fmt::format("\"{}\"", key)}},
                       fmt::format("The SQL config \"{}\" cannot be found. Please verify that the "
                                   "config exists.",
                                   key),
                       "org.apache.spark.SparkNoSuchElementException");
}

Result<void> SessionConf::set(const std::string& key, const std::string& value) {
    if (const ConfRow* row = find_conf(key)) {
        if (row->fixed) {
            return spark_error(
                Code::kAnalysis, "CANNOT_MODIFY_STATIC_CONFIG", "46110",
                {{"key", fmt::format("\"{}\"", key)}},
                fmt::format("Cannot modify the value of the static Spark config: \"{}\".", key));
        }
        MR_TRY_VOID(check_value(*row, value));
    }
    const std::scoped_lock lock(mutex_);
    values_[key] = value;
    return {};
}

Result<void> SessionConf::unset(const std::string& key) {
    const ConfRow* row = find_conf(key);
    if (row != nullptr && row->fixed) {
        return spark_error(
            Code::kAnalysis, "CANNOT_MODIFY_STATIC_CONFIG", "46110",
            {{"key", fmt::format("\"{}\"", key)}},
            fmt::format("Cannot modify the value of the static Spark config: \"{}\".", key));
    }
    const std::scoped_lock lock(mutex_);
    values_.erase(key);
    return {};
}

void SessionConf::reset() {
    const std::scoped_lock lock(mutex_);
    values_.clear();
}

bool SessionConf::is_modifiable(const std::string& key) const {
    const ConfRow* row = find_conf(key);
    return row != nullptr && !row->fixed;
}

std::map<std::string, std::string> SessionConf::all(bool defaults) const {
    std::map<std::string, std::string> result;
    if (defaults) {
        for (const ConfRow& row : conf_table()) {
            if (!row.optional) result.emplace(row.key, row.default_value);
        }
        for (const auto& [key, value] : server_settings_) result[key] = value;
    }
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, value] : values_) result[key] = value;
    return result;
}

bool SessionConf::is_true(const std::string& key) const {
    return lower(get(key).value_or("false")) == "true";
}

std::int64_t SessionConf::integer(const std::string& key, std::int64_t otherwise) const {
    const auto text = get(key);
    if (!text) return otherwise;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    return error == std::errc() && end == text->data() + text->size() ? value : otherwise;
}

}  // namespace millrace::session
