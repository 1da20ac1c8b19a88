#include "broker/configs/alter.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/strings.h"
#include "broker/configs/words.h"
#include "config/client_metrics_options.h"
#include "config/group_options.h"
#include "config/server_options.h"
#include "config/topic_options.h"

namespace millrace::broker {
namespace {

using config::Kind;
using config::Settings;
using kafka::ErrorCode;

ConfigRefusal invalid_config(std::string message) {
    return {ErrorCode::kInvalidConfig, std::move(message)};
}
ConfigRefusal invalid_request(std::string message) {
    return {ErrorCode::kInvalidRequest, std::move(message)};
}

std::optional<Kind> kind_of(ConfigType type, std::string_view name) {
    const auto of = [&](const auto& table) -> std::optional<Kind> {
        const auto* const row = table.find(name);
        return row ? std::optional(row->kind()) : std::nullopt;
    };
    switch (type) {
        case ConfigType::kTopic: return of(config::topic_option_table());
        case ConfigType::kBroker: return of(config::server_option_table());
        case ConfigType::kGroup: return of(config::group_option_table());
        case ConfigType::kClientMetrics: return of(config::client_metrics_option_table());
        default: return std::nullopt;
    }
}

std::vector<std::string> parts_of(std::string_view list) {
    std::vector<std::string> parts;
    if (list.empty()) return parts;
    for (const std::string_view part : base::split(list, ',')) parts.emplace_back(base::trim(part));
    return parts;
}

std::string append_to(const std::string& list, const std::string& more) {
    std::vector<std::string> parts = parts_of(list);
    for (std::string& part : parts_of(more)) {
        if (std::ranges::find(parts, part) == parts.end()) parts.push_back(std::move(part));
    }
    return base::join(parts, ",");
}

std::string subtract_from(const std::string& list, const std::string& less) {
    std::vector<std::string> parts = parts_of(list);
    for (const std::string& part : parts_of(less)) {
        const auto at = std::ranges::find(parts, part);
        if (at != parts.end()) parts.erase(at);
    }
    return base::join(parts, ",");
}

// "*", or a list of partition:broker.
bool are_replicas(std::string_view list) {
    if (base::trim(list) == "*") return true;
    return std::ranges::all_of(parts_of(list), [](std::string_view pair) {
        const auto colon = pair.find(':');
        return colon != std::string_view::npos && base::parse_int64(pair.substr(0, colon), 0) &&
               base::parse_int64(pair.substr(colon + 1), 0);
    });
}

// Options of Kafka that no running broker changes, and that this one does not have, by how they
// begin: taking them without a word would promise something.
bool is_fixed_in_kafka(std::string_view name) {
    static constexpr std::string_view kBeginnings[] = {"advertised.",
                                                       "authorizer.",
                                                       "auto.",
                                                       "broker.",
                                                       "connections.",
                                                       "controller.",
                                                       "controlled.",
                                                       "create.",
                                                       "default.",
                                                       "delegation.",
                                                       "delete.",
                                                       "fetch.",
                                                       "group.",
                                                       "inter.",
                                                       "log.cleaner.enable",
                                                       "log.dir",
                                                       "log.flush.offset.",
                                                       "log.flush.s",
                                                       "log.initial.",
                                                       "log.retention.",
                                                       "log.roll.",
                                                       "metadata.",
                                                       "node.",
                                                       "num.partitions",
                                                       "offset.",
                                                       "offsets.",
                                                       "process.roles",
                                                       "queued.",
                                                       "quota.",
                                                       "replica.",
                                                       "replication.",
                                                       "request.",
                                                       "security.",
                                                       "socket.",
                                                       "telemetry.",
                                                       "transaction.",
                                                       "transactional.",
                                                       "zookeeper."};
    return std::ranges::any_of(kBeginnings,
                               [&](std::string_view one) { return name.starts_with(one); });
}

// The first setting that its option does not take, in Kafka's words.
template <class Options>
std::optional<std::string> first_wrong(const config::OptionTable<Options>& table,
                                       const Settings& settings) {
    for (const auto& [name, text] : settings) {
        const auto* const row = table.find(name);
        Options scratch;
        if (row && !row->set(scratch, text)) return wrong_value(row->view(Options{}), text);
    }
    return std::nullopt;
}

template <class Options>
std::optional<std::string> first_unknown(const config::OptionTable<Options>& table,
                                         const Settings& settings) {
    for (const auto& [name, text] : settings) {
        if (!table.has(name)) return name;
    }
    return std::nullopt;
}

// What no broker allows less of, whatever its own bounds are.
std::int64_t least_ever(std::string_view group_option) {
    if (group_option == "share.delivery.count.limit") return 2;
    if (group_option == "share.partition.max.record.locks") return 100;
    if (group_option == "share.record.lock.duration.ms") return 1000;
    const bool may_be_zero = group_option.ends_with(".assignment.interval.ms") ||
                             group_option.ends_with(".initial.rebalance.delay.ms") ||
                             group_option.ends_with(".num.standby.replicas");
    return may_be_zero ? 0 : 1;
}

// "share.session.timeout.ms" is bounded by the broker's group.share.min.session.timeout.ms.
std::string broker_bound(std::string_view name, std::string_view which) {
    if (name == "streams.num.standby.replicas") name = "streams.standby.replicas";
    const auto dot = name.find('.');
    return fmt::format("group.{}.{}.{}", name.substr(0, dot), which, name.substr(dot + 1));
}

ConfigRefusal check_group_bounds(config::OptionView option, const std::string& text,
                                 const config::ServerOptions& server) {
    const auto value = base::parse_int64(base::trim(text));
    if (!value || (option.kind != Kind::kInt && option.kind != Kind::kLong)) return {};
    if (option.name == "share.record.lock.duration.ms") {
        option.min = server.group_share_min_record_lock_duration_ms;
        option.max = server.group_share_max_record_lock_duration_ms;
    }
    const std::int64_t least = least_ever(option.name);
    if (*value < least) {
        option.min = least;
        return invalid_config(wrong_value(option, text));
    }
    if (*value < option.min) {
        return invalid_config(fmt::format("{} must be greater than or equal to {}", option.name,
                                          broker_bound(option.name, "min")));
    }
    if (*value > option.max && *value <= std::numeric_limits<std::int32_t>::max()) {
        return invalid_config(fmt::format("{} must be less than or equal to {}", option.name,
                                          broker_bound(option.name, "max")));
    }
    return {};
}

}  // namespace

ConfigRefusal check_changes(const std::vector<ConfigChange>& changes) {
    std::set<std::string_view> names;
    std::vector<std::string_view> without_value;
    for (const ConfigChange& change : changes) {
        if (!names.insert(change.name).second) {
            return invalid_request("Error due to duplicate config keys");
        }
        const bool needs_value = change.op != static_cast<std::int8_t>(ConfigOp::kDelete);
        if (needs_value && !change.value) without_value.push_back(change.name);
    }
    if (without_value.empty()) return {};
    return invalid_request(
        fmt::format("Null value not supported for : {}", fmt::join(without_value, ", ")));
}

AlteredSettings apply_changes(ConfigType type, const Settings& now, const Settings& with_defaults,
                              const std::vector<ConfigChange>& changes) {
    Settings altered = now;
    for (const ConfigChange& change : changes) {
        const auto op = ConfigOp{change.op};
        switch (op) {
            case ConfigOp::kSet: altered[change.name] = change.value.value_or(""); break;
            case ConfigOp::kDelete: altered.erase(change.name); break;
            case ConfigOp::kAppend:
            case ConfigOp::kSubtract: {
                const bool append = op == ConfigOp::kAppend;
                if (kind_of(type, change.name) != Kind::kList) {
                    return std::unexpected(invalid_config(
                        fmt::format("Can't {} to key {} because its type is not LIST.",
                                    append ? "APPEND" : "SUBTRACT", change.name)));
                }
                std::string list;
                for (const Settings* from : {&with_defaults, &std::as_const(altered)}) {
                    const auto found = from->find(change.name);
                    if (found != from->end()) list = found->second;
                }
                const std::string& operand = *change.value;
                altered[change.name] =
                    append ? append_to(list, operand) : subtract_from(list, operand);
                break;
            }
            default:
                return std::unexpected(
                    invalid_request(fmt::format("Unknown operations type {}", change.op)));
        }
    }
    return altered;
}

ConfigRefusal validate_topic_settings(const Settings& settings) {
    const auto& table = config::topic_option_table();
    if (const auto unknown = first_unknown(table, settings)) {
        return invalid_config("Unknown topic config name: " + *unknown);
    }
    if (const auto wrong = first_wrong(table, settings)) return invalid_config(*wrong);
    if (const auto gzip = settings.find("compression.gzip.level");
        gzip != settings.end() && base::trim(gzip->second) == "0") {
        return invalid_config(
            "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 "
            "and 9 or equal to -1");
    }
    for (const char* name :
         {"follower.replication.throttled.replicas", "leader.replication.throttled.replicas"}) {
        const auto replicas = settings.find(name);
        if (replicas == settings.end() || are_replicas(replicas->second)) continue;
        return invalid_config(fmt::format(
            "Invalid value [{1}] for configuration {0}: {0} must be the literal '*' or a list of "
            "replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],"
            "...",
            name, fmt::join(parts_of(replicas->second), ", ")));
    }
    config::TopicOptions options;
    if (table.apply(options, settings)) {
        const auto together = config::check(options);
        if (!together) return invalid_config(together.error().message());
    }
    const auto remote = settings.find("remote.storage.enable");
    if (remote != settings.end() && remote->second == "true") {
        return invalid_config(
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured "
            "with remote log storage.");
    }
    return {};
}

ConfigRefusal validate_group_settings(const std::string& group, const Settings& settings,
                                      const config::ServerOptions& server) {
    if (group.empty()) return invalid_request("Default group resources are not allowed.");
    const auto& table = config::group_option_table();
    if (const auto unknown = first_unknown(table, settings)) {
        return invalid_config("Unknown group config name: " + *unknown);
    }
    config::GroupOptions options;
    for (const auto& [name, text] : settings) {
        const auto view = table.find(name)->view({});
        if (const auto refusal = check_group_bounds(view, text, server)) return refusal;
        if (name == "share.auto.offset.reset" && !config::parse_auto_offset_reset(text)) {
            return invalid_config(fmt::format(
                "Invalid value {0} for configuration {1}: Invalid value `{0}` for configuration "
                "{1}. The value must be either 'earliest', 'latest' or of the format "
                "'by_duration:<PnDTnHnMn.nS>'.",
                text, name));
        }
        if (!table.set(options, name, text)) return invalid_config(wrong_value(view, text));
    }
    const auto longer = [](std::string_view kind) {
        return invalid_config(fmt::format(
            "{0}.session.timeout.ms must be greater than {0}.heartbeat.interval.ms", kind));
    };
    if (options.consumer_session_timeout_ms <= options.consumer_heartbeat_interval_ms) {
        return longer("consumer");
    }
    if (options.share_session_timeout_ms <= options.share_heartbeat_interval_ms) {
        return longer("share");
    }
    if (options.streams_session_timeout_ms <= options.streams_heartbeat_interval_ms) {
        return longer("streams");
    }
    return {};
}

ConfigRefusal validate_client_metrics_settings(const std::string& name, const Settings& settings) {
    if (name.empty()) return invalid_request("Subscription name can't be empty");
    const auto& table = config::client_metrics_option_table();
    if (const auto unknown = first_unknown(table, settings)) {
        return invalid_request("Unknown client metrics configuration: " + *unknown);
    }
    if (const auto interval = settings.find("interval.ms"); interval != settings.end()) {
        const auto view = table.find("interval.ms")->view({});
        const auto value = base::parse_int64(interval->second);
        if (value && (*value < view.min || *value > view.max)) {
            return invalid_request(
                fmt::format("Invalid value {} for interval.ms, interval must be between 100 and "
                            "3600000 (1 hour)",
                            *value));
        }
    }
    if (const auto wrong = first_wrong(table, settings)) return invalid_config(*wrong);
    const auto match = settings.find("match");
    if (match == settings.end()) return {};
    static constexpr std::string_view kSelectors[] = {
        "client_instance_id",    "client_id",
        "client_software_name",  "client_software_version",
        "client_source_address", "client_source_port"};
    for (const std::string& pattern : parts_of(match->second)) {
        const auto equals = pattern.find('=');
        const std::string_view selector = base::trim(std::string_view(pattern).substr(0, equals));
        if (equals == std::string::npos ||
            std::ranges::find(kSelectors, selector) == std::end(kSelectors)) {
            return invalid_config("Illegal client matching pattern: " + pattern);
        }
    }
    return {};
}

ConfigRefusal validate_broker_settings(const Settings& settings) {
    const auto& table = config::server_option_table();
    std::vector<std::string_view> fixed;
    for (const auto& [name, text] : settings) {
        const auto* const row = table.find(name);
        // Names that nobody here knows are taken, as Kafka takes them for its plug-ins.
        const bool live = row ? row->reload() == config::Reload::kLive : !is_fixed_in_kafka(name);
        if (!live) fixed.push_back(name);
    }
    if (!fixed.empty()) {
        return invalid_request(
            fmt::format("Cannot update these configs dynamically: [{}]", fmt::join(fixed, ", ")));
    }
    if (const auto wrong = first_wrong(table, settings)) return invalid_request(*wrong);
    return {};
}

}  // namespace millrace::broker
