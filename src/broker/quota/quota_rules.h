// What quotas may be set of whom, and which of them a filter asks for. Codes and words are Kafka's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/catalog/cluster_state.h"
#include "broker/configs/alter.h"

namespace millrace::broker {

// One limit to be set, or removed when there is no value.
struct QuotaChange {
    std::string key;
    std::optional<double> value;
};

// Why these limits cannot be set of this entity.
ConfigRefusal check_quota_changes(const QuotaEntity& entity,
                                  const std::vector<QuotaChange>& changes);
QuotaValues apply_quota_changes(QuotaValues now, const std::vector<QuotaChange>& changes);

struct QuotaFilter {
    enum class Match : std::int8_t { kExact = 0, kDefault = 1, kSpecified = 2 };
    struct Part {
        std::string type;
        std::int8_t match = 0;  // A Match, as it came.
        std::optional<std::string> name;
    };
    std::vector<Part> parts;
    bool strict = false;  // No entity that has more parts.
};

ConfigRefusal check_filter(const QuotaFilter& filter);
bool matches(const QuotaFilter& filter, const QuotaEntity& entity);

}  // namespace millrace::broker
