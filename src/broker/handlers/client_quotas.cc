// DescribeClientQuotas, AlterClientQuotas 0-1: limits of users, client ids and addresses. 1 is
// flexible.
#include <utility>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/quota/quota_rules.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "kafka/messages/alter_client_quotas.h"
#include "kafka/messages/describe_client_quotas.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;

Task<ConfigRefusal> alter(const Services& services, const QuotaEntity& entity,
                          const std::vector<QuotaChange>& changes) {
    Catalog& catalog = services.catalog;
    const auto edit = [&](const ClusterState& now) -> std::optional<ClusterState> {
        ClusterState altered = now;
        const auto found = now.quotas.find(entity);
        QuotaValues values =
            apply_quota_changes(found == now.quotas.end() ? QuotaValues() : found->second, changes);
        if (values.empty()) {
            altered.quotas.erase(entity);
        } else {
            altered.quotas[entity] = std::move(values);
        }
        return altered;
    };
    const auto changed =
        co_await runtime::call_on(catalog.loop(), [&] { return catalog.change_cluster(edit); });
    if (changed) co_return ConfigRefusal();
    co_return ConfigRefusal{to_kafka(changed.error()), changed.error().message()};
}

}  // namespace

Task<kafka::DescribeClientQuotasResponse> describe_client_quotas(
    Call& call, kafka::DescribeClientQuotasRequest request) {
    kafka::DescribeClientQuotasResponse response;
    QuotaFilter filter{.parts = {}, .strict = request.strict};
    for (auto& part : request.components) {
        filter.parts.push_back(
            {std::move(part.entity_type), part.match_type, std::move(part.match)});
    }
    if (ConfigRefusal refusal = check_filter(filter)) {
        response.error_code = refusal.error;
        response.error_message = std::move(refusal.message);
        response.entries.reset();
        co_return response;
    }
    response.error_message = "";
    response.entries.emplace();
    const auto cluster = call.services.catalog.cluster_state();
    for (const auto& [entity, values] : cluster->quotas) {
        if (!matches(filter, entity)) continue;
        auto& entry = response.entries->emplace_back();
        for (const auto& [type, name] : entity) entry.entity.push_back({type, name});
        for (const auto& [key, value] : values) entry.values.push_back({key, value});
    }
    co_return response;
}

Task<kafka::AlterClientQuotasResponse> alter_client_quotas(
    Call& call, kafka::AlterClientQuotasRequest request) {
    kafka::AlterClientQuotasResponse response;
    for (auto& entry : request.entries) {
        auto& answer = response.entries.emplace_back();
        answer.error_message.reset();
        // Of two parts with the same type the last one counts.
        QuotaEntity entity;
        for (const auto& part : entry.entity) entity[part.entity_type] = part.entity_name;
        for (const auto& [type, name] : entity) answer.entity.push_back({type, name});
        std::vector<QuotaChange> changes;
        for (auto& op : entry.ops) {
            changes.push_back(
                {std::move(op.key), op.remove ? std::nullopt : std::optional<double>(op.value)});
        }
        ConfigRefusal refusal = check_quota_changes(entity, changes);
        if (!refusal && !request.validate_only) {
            refusal = co_await alter(call.services, entity, changes);
        }
        if (!refusal) continue;
        answer.error_code = refusal.error;
        answer.error_message = std::move(refusal.message);
    }
    co_return response;
}

}  // namespace millrace::broker
