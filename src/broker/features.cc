#include "broker/features.h"

#include <algorithm>

#include <fmt/format.h>

#include "broker/services.h"

namespace millrace::broker {
namespace {

// metadata.version means the requests of Kafka 4.3. The older ones that Kafka could be set back to
// are told for its tools' sake.
constexpr std::string_view kKraft = "kraft.version";
constexpr std::string_view kMetadata = "metadata.version";
constexpr std::int16_t kFirstMetadataVersion = 7;
constexpr std::int16_t kMetadataVersion = 30;

constexpr Feature kTable[] = {
    // Replicas that could lead without having all records: one broker never has any.
    {"eligible.leader.replicas.version", 0, 1, 1},
    // 1: groups of the consumer protocol (KIP-848).
    {"group.version", 0, 1, 1},
    // Voters of the metadata quorum may change; with one node nobody else can vote.
    {kKraft, 0, 1, 0},
    {kMetadata, kFirstMetadataVersion, kMetadataVersion, kMetadataVersion},
    {"share.version", 0, 1, 1},    // Share groups (KIP-932).
    {"streams.version", 0, 1, 1},  // Streams groups (KIP-1071).
    // 2: producers have a new epoch after each of their transactions (KIP-890).
    {"transaction.version", 0, 2, 2},
};

}  // namespace

std::span<const Feature> feature_table() {
    return kTable;
}

const Feature* find_feature(std::string_view name) {
    const auto found = std::ranges::find(kTable, name, &Feature::name);
    return found == std::end(kTable) ? nullptr : &*found;
}

std::int16_t feature_level(const ClusterState& cluster, std::string_view name) {
    const Feature* const feature = find_feature(name);
    if (!feature) return 0;
    const auto chosen = cluster.features.find(std::string(name));
    if (chosen == cluster.features.end()) return feature->default_level;
    // A level that an older version of this program had may be gone.
    return std::min(chosen->second, feature->max_level);
}

std::string refuse_feature_update(const ClusterState& cluster, const FeatureUpdate& update) {
    const Feature* const feature = find_feature(update.name);
    const auto invalid = [&](std::string_view reason) {
        return fmt::format("Invalid update version {} for feature {}. {}", update.level,
                           update.name, reason);
    };
    if (!feature) {
        return invalid(fmt::format("Local controller {} does not support this feature.", kNodeId));
    }
    if (update.type < 1 || update.type > 3) {
        return invalid("The controller does not support the given upgrade type.");
    }
    if (update.level < 0) return invalid("A feature version cannot be less than 0.");
    const std::int16_t now = feature_level(cluster, update.name);
    if (update.level == now) return {};
    const bool downgrade_allowed =
        FeatureUpdate::Type{update.type} != FeatureUpdate::Type::kUpgrade;
    if (update.level < now && !downgrade_allowed) {
        return invalid(
            "Can't downgrade the version of this feature without setting the upgrade type to "
            "either safe or unsafe downgrade.");
    }
    if (update.level > now && downgrade_allowed) {
        return invalid("Can't downgrade to a newer version.");
    }
    const bool taken_out = update.level == 0 && feature->min_level == 0;
    if (!taken_out && (update.level < feature->min_level || update.level > feature->max_level)) {
        return invalid(fmt::format("Local controller {} only supports versions {}-{}", kNodeId,
                                   feature->min_level, feature->max_level));
    }
    if (update.name == kMetadata) {
        if (FeatureUpdate::Type{update.type} == FeatureUpdate::Type::kUnsafeDowngrade) {
            return "Unsafe metadata downgrade is not supported in this version.";
        }
        return fmt::format(
            "Unsupported metadata.version downgrade from {} to {}. Refusing to perform the "
            "requested downgrade because it might delete metadata information.",
            now, update.level);
    }
    return {};
}

}  // namespace millrace::broker
