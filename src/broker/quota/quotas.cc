#include "broker/quota/quotas.h"

#include <algorithm>
#include <array>
#include <utility>

namespace millrace::broker {
namespace {

// Beyond so many rates, those that nobody used for a while are forgotten.
constexpr std::size_t kManyRates = 10'000;

QuotaEntity entity(std::optional<std::optional<std::string>> user,
                   std::optional<std::optional<std::string>> client) {
    QuotaEntity made;
    if (user) made["user"] = *user;
    if (client) made["client-id"] = *client;
    return made;
}

}  // namespace

std::string_view quota_key(QuotaKind kind) {
    switch (kind) {
        case QuotaKind::kProduce: return "producer_byte_rate";
        case QuotaKind::kConsume: return "consumer_byte_rate";
        case QuotaKind::kMutation: return "controller_mutation_rate";
        case QuotaKind::kRequest: return "request_percentage";
    }
    return "";
}

std::optional<QuotaLimit> Quotas::find(QuotaKind kind, const std::string& user,
                                       const std::string& client_id) const {
    using Name = std::optional<std::string>;
    constexpr std::nullopt_t kNone = std::nullopt;
    const Name any = std::nullopt;
    const Name this_user = user, this_client = client_id;
    // From the most exact to the most general; and what the rate belongs to.
    const std::array<std::pair<QuotaEntity, std::string>, 8> order = {{
        {entity(this_user, this_client), user + '\0' + client_id},
        {entity(this_user, any), user + '\0' + client_id},
        {entity(this_user, kNone), user + '\0'},
        {entity(any, this_client), user + '\0' + client_id},
        {entity(any, any), user + '\0' + client_id},
        {entity(any, kNone), user + '\0'},
        {entity(kNone, this_client), '\0' + client_id},
        {entity(kNone, any), '\0' + client_id},
    }};
    const std::string key(quota_key(kind));
    for (const auto& [who, shared_by] : order) {
        const auto limits = limits_.find(who);
        if (limits == limits_.end()) continue;
        const auto limit = limits->second.find(key);
        if (limit == limits->second.end()) continue;
        return QuotaLimit{limit->second, key + '\0' + shared_by};
    }
    return std::nullopt;
}

std::int64_t Quotas::record(QuotaKind kind, const std::string& user, const std::string& client_id,
                            double amount, std::int64_t now_ms) {
    const auto limit = find(kind, user, client_id);
    if (!limit) return 0;
    if (rates_.size() > kManyRates) forget_idle(now_ms);
    SampledRate& rate = rates_.try_emplace(limit->shared_by, windows_).first->second;
    rate.record(amount, now_ms);
    const std::int64_t wait_ms = rate.wait_ms(limit->per_second, now_ms);
    return kind == QuotaKind::kRequest ? std::min(wait_ms, windows_.size_ms) : wait_ms;
}

void Quotas::unrecord(QuotaKind kind, const std::string& user, const std::string& client_id,
                      double amount, std::int64_t now_ms) {
    const auto limit = find(kind, user, client_id);
    if (!limit) return;
    const auto rate = rates_.find(limit->shared_by);
    if (rate != rates_.end()) rate->second.unrecord(amount, now_ms);
}

std::optional<double> Quotas::burst(QuotaKind kind, const std::string& user,
                                    const std::string& client_id) const {
    const auto limit = find(kind, user, client_id);
    if (!limit) return std::nullopt;
    const double seconds = static_cast<double>(windows_.size_ms) / 1000;
    return limit->per_second * seconds * std::max(windows_.count - 1, 1);
}

std::int64_t Quotas::take_mutations(const std::string& user, const std::string& client_id,
                                    double partitions, bool strict, std::int64_t now_ms) {
    const auto limit = find(QuotaKind::kMutation, user, client_id);
    if (!limit) return 0;
    if (buckets_.size() > kManyRates) forget_idle(now_ms);
    TokenBucket& bucket = buckets_.try_emplace(limit->shared_by, windows_).first->second;
    const std::int64_t wait_ms = bucket.wait_ms(limit->per_second, now_ms);
    if (strict && wait_ms > 0) return wait_ms;
    bucket.take(partitions, limit->per_second, now_ms);
    return strict ? 0 : bucket.wait_ms(limit->per_second, now_ms);
}

std::int64_t Quotas::take_connection(const std::string& address, std::int64_t now_ms) {
    for (const std::optional<std::string>& who :
         {std::optional(address), std::optional<std::string>()}) {
        const auto limits = limits_.find({{"ip", who}});
        if (limits == limits_.end()) continue;
        const auto limit = limits->second.find("connection_creation_rate");
        if (limit == limits->second.end()) continue;
        if (rates_.size() > kManyRates) forget_idle(now_ms);
        SampledRate& rate = rates_.try_emplace("ip" + ('\0' + address), windows_).first->second;
        rate.record(1, now_ms);
        const std::int64_t wait_ms = rate.wait_ms(limit->second, now_ms);
        if (wait_ms > 0) rate.unrecord(1, now_ms);  // It did not get in.
        return wait_ms;
    }
    return 0;
}

void Quotas::forget_idle(std::int64_t now_ms) {
    const std::int64_t age_ms = windows_.size_ms * windows_.count;
    const auto idle = [&](const auto& one) { return now_ms - one.second.last_used_ms() > age_ms; };
    std::erase_if(rates_, idle);
    std::erase_if(buckets_, idle);
}

}  // namespace millrace::broker
