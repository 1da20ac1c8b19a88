#include <fmt/format.h>

#include "client/admin_internal.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;

namespace {

using ConfigResource =
    std::unique_ptr<rd_kafka_ConfigResource_t, FreeWith<rd_kafka_ConfigResource_destroy>>;

ConfigResource to_rdkafka(const Cluster::Resource& resource) {
    return ConfigResource(rd_kafka_ConfigResource_new(resource.kind == Cluster::ResourceKind::kTopic
                                                          ? RD_KAFKA_RESOURCE_TOPIC
                                                          : RD_KAFKA_RESOURCE_BROKER,
                                                      resource.name.c_str()));
}

std::string words_for(std::string_view what, const Cluster::Resource& resource) {
    return fmt::format("{} {} {}", what,
                       resource.kind == Cluster::ResourceKind::kTopic ? "topic" : "broker",
                       resource.name);
}

Cluster::Setting to_setting(const rd_kafka_ConfigEntry_t& entry) {
    const auto source = rd_kafka_ConfigEntry_source(&entry);
    const char* const value = rd_kafka_ConfigEntry_value(&entry);
    return {.name = rd_kafka_ConfigEntry_name(&entry),
            .value = value != nullptr ? std::optional<std::string>(value) : std::nullopt,
            .source = rd_kafka_ConfigSource_name(source),
            .is_own = source == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG ||
                      source == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_BROKER_CONFIG,
            .read_only = rd_kafka_ConfigEntry_is_read_only(&entry) == 1,
            .sensitive = rd_kafka_ConfigEntry_is_sensitive(&entry) == 1};
}

}  // namespace

Result<std::vector<Cluster::Setting>> Admin::settings(const Resource& resource) {
    const std::string what = words_for("ask for the settings of", resource);
    const ConfigResource wanted = to_rdkafka(resource);
    if (wanted == nullptr) return fail(Code::kInvalidArgument, "{}: it has no name", what);
    const AdminOptions options = this->options(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_ConfigResource_t* list[] = {wanted.get()};
    rd_kafka_DescribeConfigs(handle_, list, 1, options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), what));
    std::size_t count = 0;
    const auto* resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    std::vector<Setting> settings;
    for (std::size_t i = 0; i < count; ++i) {
        const auto code = rd_kafka_ConfigResource_error(resources[i]);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return fail(error(code, what, rd_kafka_ConfigResource_error_string(resources[i])));
        }
        std::size_t entries = 0;
        const auto* entry = rd_kafka_ConfigResource_configs(resources[i], &entries);
        for (std::size_t at = 0; at < entries; ++at) settings.push_back(to_setting(*entry[at]));
    }
    return settings;
}

Result<void> Admin::replace_settings(const Resource& resource,
                                     const std::map<std::string, std::string>& settings,
                                     Mode mode) {
    const std::string what = words_for("change the settings of", resource);
    const ConfigResource wanted = to_rdkafka(resource);
    if (wanted == nullptr) return fail(Code::kInvalidArgument, "{}: it has no name", what);
    for (const auto& [name, value] : settings) {
        rd_kafka_ConfigResource_set_config(wanted.get(), name.c_str(), value.c_str());
    }
    const AdminOptions options = this->options(RD_KAFKA_ADMIN_OP_ALTERCONFIGS, mode);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_ConfigResource_t* list[] = {wanted.get()};
    rd_kafka_AlterConfigs(handle_, list, 1, options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), what));
    std::size_t count = 0;
    const auto* resources = rd_kafka_AlterConfigs_result_resources(
        rd_kafka_event_AlterConfigs_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto code = rd_kafka_ConfigResource_error(resources[i]);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
        return fail(error(code, what, rd_kafka_ConfigResource_error_string(resources[i])));
    }
    return {};
}

}  // namespace millrace::client
