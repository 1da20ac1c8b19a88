// UpdateFeatures 0-2: changes finalized levels of features, all of them or none. 1 adds types of
// change and validate_only; 2 answers no single results.
#include "kafka/messages/update_features.h"

#include <utility>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/features.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;

struct Refusal {
    std::string feature;
    ErrorCode error = ErrorCode::kNone;
    std::string message;
};

// The state with all updates made, or the first that cannot be.
std::optional<ClusterState> update_all(const ClusterState& now,
                                       const std::vector<FeatureUpdate>& updates,
                                       Refusal& refusal) {
    ClusterState updated = now;
    for (const FeatureUpdate& update : updates) {
        const std::string reason = refuse_feature_update(now, update);
        if (!reason.empty()) {
            refusal = {update.name, ErrorCode::kInvalidUpdateVersion, reason};
            return std::nullopt;
        }
        updated.features[update.name] = update.level;
    }
    return updated;
}

}  // namespace

Task<kafka::UpdateFeaturesResponse> update_features(Call& call,
                                                    kafka::UpdateFeaturesRequest request) {
    std::vector<FeatureUpdate> updates;
    kafka::UpdateFeaturesResponse response;
    for (auto& asked : request.feature_updates) {
        std::int8_t type = asked.upgrade_type;
        if (call.version() == 0) {
            type =
                static_cast<std::int8_t>(asked.allow_downgrade ? FeatureUpdate::Type::kSafeDowngrade
                                                               : FeatureUpdate::Type::kUpgrade);
        }
        updates.push_back({std::move(asked.feature), asked.max_version_level, type});
    }
    Catalog& catalog = call.services.catalog;
    Refusal refusal;
    if (request.validate_only) {
        (void)update_all(*catalog.cluster_state(), updates, refusal);
    } else {
        const auto edit = [&](const ClusterState& now) {
            return update_all(now, updates, refusal);
        };
        const auto changed =
            co_await runtime::call_on(catalog.loop(), [&] { return catalog.change_cluster(edit); });
        if (!changed) {
            refusal = {"", to_kafka(changed.error()), changed.error().message()};
        }
    }
    response.error_message.reset();
    if (refusal.error != ErrorCode::kNone) {
        response.error_code = refusal.error;
        response.error_message =
            refusal.feature.empty()
                ? refusal.message
                : "The update failed for all features since the following feature had an error: " +
                      refusal.message;
        co_return response;
    }
    for (const FeatureUpdate& update : updates) {
        auto& result = response.results.emplace_back();
        result.feature = update.name;
        result.error_message = "NONE";  // As Kafka writes it.
    }
    co_return response;
}

}  // namespace millrace::broker
