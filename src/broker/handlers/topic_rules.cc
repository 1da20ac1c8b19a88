#include "broker/handlers/topic_rules.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/quota/client_throttle.h"
#include "broker/services.h"
#include "model/topic_name.h"
#include "runtime/loop.h"

namespace millrace::broker {

using base::Code;
using base::fail;
using base::Result;
using kafka::ErrorCode;
using runtime::Task;

std::optional<std::string> wrong_topic_name(const std::string& name) {
    if (model::TopicName::make(name)) return std::nullopt;
    const auto because = [](std::string_view reason) {
        return fmt::format("Topic name is invalid: {}", reason);
    };
    if (name.empty()) return because("the empty string is not allowed");
    if (name == "." || name == "..") return because(fmt::format("'{}' is not allowed", name));
    if (name.size() > model::TopicName::kMaxBytes) {
        return because(fmt::format("the length of '{}' is longer than the max allowed length {}",
                                   name, model::TopicName::kMaxBytes));
    }
    return because(
        fmt::format("'{}' contains one or more characters other than ASCII "
                    "alphanumerics, '.', '_' and '-'",
                    name));
}

TopicRefusal check_new_topic(const Services& services, const std::string& name) {
    if (auto wrong = wrong_topic_name(name)) {
        return {ErrorCode::kInvalidTopicException, std::move(*wrong)};
    }
    if (name == Catalog::kMetadataTopic) {
        return {ErrorCode::kInvalidTopicException,
                fmt::format("Topic name '{}' is reserved for the broker's own log.", name)};
    }
    if (services.catalog.find(name)) {
        return {ErrorCode::kTopicAlreadyExists, fmt::format("Topic '{}' already exists.", name)};
    }
    if (const auto other = services.catalog.find_collision(name)) {
        return {ErrorCode::kInvalidTopicException,
                fmt::format("Topic '{}' collides with existing topic: {}", name, other->name())};
    }
    return {};
}

std::optional<std::string> wrong_replicas(const std::vector<std::int32_t>& brokers) {
    if (brokers.empty()) {
        return "The manual partition assignment includes an empty replica list.";
    }
    std::vector<std::int32_t> sorted = brokers;
    std::ranges::sort(sorted);
    const auto twice = std::ranges::adjacent_find(sorted);
    if (twice != sorted.end()) {
        return fmt::format("The manual partition assignment includes the broker {} more than once.",
                           *twice);
    }
    for (const std::int32_t broker : sorted) {
        if (broker == kNodeId) continue;
        return fmt::format(
            "The manual partition assignment includes broker {}, but no such broker is "
            "registered.",
            broker);
    }
    return std::nullopt;
}

Task<Result<std::shared_ptr<const Topic>>> find_or_create(const Services& services,
                                                          std::string name, bool may_create) {
    if (auto topic = services.catalog.find(name)) co_return std::move(topic);
    const TopicRefusal refusal = check_new_topic(services, name);
    if (refusal) co_return fail(Code::kInvalidArgument, "{}", refusal.message);
    if (!may_create || !services.options.auto_create_topics) {
        co_return fail(Code::kNotFound, "no topic '{}'", name);
    }
    if (name == Coordinator::kOffsetsTopic) {
        MR_CO_TRY_VOID(co_await services.groups.shard(""));
        co_return services.catalog.find(name);
    }
    Catalog& catalog = services.catalog;
    auto made = co_await runtime::call_on(
        catalog.loop(), [&] { return catalog.create(name, services.options.num_partitions, {}); });
    if (!made && made.error().code() == Code::kAlreadyExists) co_return catalog.find(name);
    co_return made;
}

TopicRefusal charge_partitions(Call& call, std::int64_t partitions, std::int16_t strict_from) {
    const bool strict = call.version() >= strict_from;
    const std::int64_t wait_ms = call.services.throttle.take_mutations(
        call.client_id(), partitions, strict, runtime::Loop::current()->now_ns() / 1'000'000);
    call.throttle_ms = std::max(call.throttle_ms, wait_ms);
    if (!strict || wait_ms == 0) return {};
    return {ErrorCode::kThrottlingQuotaExceeded, "The throttling quota has been exceeded."};
}

ErrorCode check_epoch(std::int32_t asked, std::int32_t current) {
    if (asked < 0 || asked == current) return ErrorCode::kNone;
    return asked < current ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch;
}

}  // namespace millrace::broker
