// The table of features: what clients may rely on beyond the versions of requests, as Kafka names
// it. Whoever implements a feature adds its row. ApiVersions tells of them, UpdateFeatures changes
// their finalized levels.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/catalog/cluster_state.h"

namespace millrace::broker {

struct Feature {
    std::string_view name;
    std::int16_t min_level = 0;  // 0: it can be taken out.
    std::int16_t max_level = 0;
    std::int16_t default_level = 0;  // On a folder where nobody chose one.
};

std::span<const Feature> feature_table();
const Feature* find_feature(std::string_view name);

// The level in force; 0: the feature is out.
std::int16_t feature_level(const ClusterState& cluster, std::string_view name);

// One change that UpdateFeatures asks for.
struct FeatureUpdate {
    enum class Type : std::int8_t { kUpgrade = 1, kSafeDowngrade = 2, kUnsafeDowngrade = 3 };
    std::string name;
    std::int16_t level = 0;
    std::int8_t type = 1;  // A Type, as it came.
};
// Why it cannot be made, in Kafka's words; empty when it can.
std::string refuse_feature_update(const ClusterState& cluster, const FeatureUpdate& update);

}  // namespace millrace::broker
