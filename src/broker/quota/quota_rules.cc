#include "broker/quota/quota_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>

namespace millrace::broker {
namespace {

using kafka::ErrorCode;

constexpr std::string_view kUser = "user", kClient = "client-id", kIp = "ip";

enum class Number : std::uint8_t { kInt, kLong, kDouble };
struct Key {
    std::string_view name;
    Number number;
    bool of_ip;
};
constexpr Key kKeys[] = {
    {"producer_byte_rate", Number::kLong, false},
    {"consumer_byte_rate", Number::kLong, false},
    {"request_percentage", Number::kDouble, false},
    {"controller_mutation_rate", Number::kDouble, false},
    {"connection_creation_rate", Number::kInt, true},
};

ConfigRefusal invalid(std::string message) {
    return {ErrorCode::kInvalidRequest, std::move(message)};
}

bool is_address(const std::string& text) {
    unsigned char bytes[16];
    return text == "localhost" || inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
           inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

ConfigRefusal check_entity(const QuotaEntity& entity) {
    if (entity.empty()) return invalid("Invalid empty client quota entity");
    for (const auto& [type, name] : entity) {
        if (type != kUser && type != kClient && type != kIp) {
            return invalid("Unhandled client quota entity type: " + type);
        }
        if (name && name->empty()) return invalid("Empty " + type + " not supported");
    }
    const auto ip = entity.find(std::string(kIp));
    if (ip == entity.end()) return {};
    if (entity.size() > 1) {
        return invalid(
            "Invalid quota entity combination, IP entity shouldnot be combined with User or "
            "ClientId");
    }
    if (ip->second && !is_address(*ip->second)) {
        return invalid(*ip->second + " is not a valid IP or resolvable host.");
    }
    return {};
}

ConfigRefusal check_value(const Key& key, double value) {
    if (std::isnan(value) || std::isinf(value)) {
        return invalid(fmt::format("Quota {} must be a finite number", key.name));
    }
    if (value <= 0) return invalid(fmt::format("Quota {} must be greater than 0", key.name));
    if (key.number == Number::kDouble) return {};
    const bool is_long = key.number == Number::kLong;
    const double most = is_long ? static_cast<double>(std::numeric_limits<std::int64_t>::max())
                                : std::numeric_limits<std::int32_t>::max();
    if (value > most) {
        return invalid(fmt::format("Proposed value for {} is too large for {}.", key.name,
                                   is_long ? "a LONG" : "an INT"));
    }
    constexpr double kTolerance = 1e-6;
    if (std::abs(value - std::round(value)) < kTolerance) return {};
    return invalid(fmt::format("{} cannot be a fractional value.", key.name));
}

}  // namespace

ConfigRefusal check_quota_changes(const QuotaEntity& entity,
                                  const std::vector<QuotaChange>& changes) {
    if (const auto refusal = check_entity(entity)) return refusal;
    const bool of_ip = entity.contains(std::string(kIp));
    for (const QuotaChange& change : changes) {
        const auto key = std::ranges::find(kKeys, change.key, &Key::name);
        if (!change.value) continue;  // What is not there can be removed.
        if (key == std::end(kKeys) || key->of_ip != of_ip) {
            return invalid("Invalid configuration key " + change.key);
        }
        if (const auto refusal = check_value(*key, *change.value)) return refusal;
    }
    return {};
}

QuotaValues apply_quota_changes(QuotaValues now, const std::vector<QuotaChange>& changes) {
    for (const QuotaChange& change : changes) {
        if (change.value) {
            now[change.key] = *change.value;
        } else {
            now.erase(change.key);
        }
    }
    return now;
}

ConfigRefusal check_filter(const QuotaFilter& filter) {
    std::set<std::string> types;
    for (const QuotaFilter::Part& part : filter.parts) {
        if (part.type.empty()) return invalid("Invalid empty entity type.");
        if (part.type != kUser && part.type != kClient && part.type != kIp) {
            return {ErrorCode::kUnsupportedVersion, "Unsupported entity type " + part.type};
        }
        if (!types.insert(part.type).second) {
            return invalid(
                fmt::format("Entity type {} cannot appear more than once in the "
                            "filter.",
                            part.type));
        }
        const bool exact = part.match == static_cast<std::int8_t>(QuotaFilter::Match::kExact);
        if (part.match < 0 || part.match > 2) {
            return invalid(fmt::format("Unknown match type {}", part.match));
        }
        if (exact && !part.name) {
            return invalid("Request specified MATCH_TYPE_EXACT, but set match string to null.");
        }
        if (!exact && part.name) {
            return invalid(
                fmt::format("Request specified MATCH_TYPE_{}, but also specified a match string.",
                            part.match == 1 ? "DEFAULT" : "SPECIFIED"));
        }
    }
    if (types.contains(std::string(kIp)) && types.size() > 1) {
        return invalid(
            "Invalid entity filter component combination. IP filter component should not be used "
            "with user or clientId filter component.");
    }
    return {};
}

bool matches(const QuotaFilter& filter, const QuotaEntity& entity) {
    if (filter.strict && entity.size() != filter.parts.size()) return false;
    return std::ranges::all_of(filter.parts, [&](const QuotaFilter::Part& part) {
        const auto found = entity.find(part.type);
        if (found == entity.end()) return false;
        switch (QuotaFilter::Match{part.match}) {
            case QuotaFilter::Match::kExact: return found->second == part.name;
            case QuotaFilter::Match::kDefault: return !found->second;
            case QuotaFilter::Match::kSpecified: return true;
        }
        return false;
    });
}

}  // namespace millrace::broker
