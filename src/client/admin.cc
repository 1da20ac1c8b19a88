#include <fmt/format.h>

#include "client/admin_internal.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;

namespace {

using Options = std::unique_ptr<rd_kafka_AdminOptions_t, FreeWith<rd_kafka_AdminOptions_destroy>>;

Options make_options(rd_kafka_t* handle, rd_kafka_admin_op_t operation) {
    Options options(rd_kafka_AdminOptions_new(handle, operation));
    char words[256];
    rd_kafka_AdminOptions_set_request_timeout(options.get(), kTimeoutMs, words, sizeof(words));
    if (operation != RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS) {
        rd_kafka_AdminOptions_set_operation_timeout(options.get(), kTimeoutMs, words,
                                                    sizeof(words));
    }
    return options;
}

}  // namespace

Result<std::unique_ptr<rd_kafka_event_t, FreeWith<rd_kafka_event_destroy>>> Admin::wait(
    rd_kafka_queue_t* queue, std::string_view what) const {
    std::unique_ptr<rd_kafka_event_t, FreeWith<rd_kafka_event_destroy>> event(
        rd_kafka_queue_poll(queue, 2 * kTimeoutMs));
    if (event == nullptr) {
        return fail(to_error(RD_KAFKA_RESP_ERR__TIMED_OUT, what, servers_));
    }
    if (const auto error = rd_kafka_event_error(event.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail(to_error(error, what, servers_, rd_kafka_event_error_string(event.get())));
    }
    return event;
}

Result<void> Admin::check(const rd_kafka_topic_result_t* const* results, std::size_t count,
                          std::string_view what) const {
    for (std::size_t i = 0; i < count; ++i) {
        const auto error = rd_kafka_topic_result_error(results[i]);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
        const char* words = rd_kafka_topic_result_error_string(results[i]);
        return fail(to_error(error, what, servers_, words != nullptr ? words : ""));
    }
    return {};
}

Result<std::map<std::string, std::int32_t>> Admin::topics() const {
    const rd_kafka_metadata_t* raw = nullptr;
    const auto error = rd_kafka_metadata(handle_, 1, nullptr, &raw, kTimeoutMs);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail(to_error(error, "ask for the list of topics", servers_));
    }
    const std::unique_ptr<const rd_kafka_metadata_t, FreeWith<rd_kafka_metadata_destroy>> metadata(
        raw);
    std::map<std::string, std::int32_t> topics;
    for (int i = 0; i < metadata->topic_cnt; ++i) {
        const rd_kafka_metadata_topic_t& topic = metadata->topics[i];
        if (topic.err == RD_KAFKA_RESP_ERR_NO_ERROR) topics[topic.topic] = topic.partition_cnt;
    }
    return topics;
}

Result<void> Admin::create(const topic::TopicDescription& topic) const {
    const std::string what = "create topic " + topic.name;
    char words[512];
    // -1: as many replicas as the server has by default.
    const std::unique_ptr<rd_kafka_NewTopic_t, FreeWith<rd_kafka_NewTopic_destroy>> wanted(
        rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, -1, words, sizeof(words)));
    if (wanted == nullptr) return fail(Code::kInvalidArgument, "{}: {}", what, words);
    for (const auto& [name, value] : topic.configs) {
        rd_kafka_NewTopic_set_config(wanted.get(), name.c_str(), value.c_str());
    }
    const Options options = make_options(handle_, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_NewTopic_t* list[] = {wanted.get()};
    rd_kafka_CreateTopics(handle_, list, 1, options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), what));
    std::size_t count = 0;
    const auto* results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event.get()), &count);
    return check(results, count, what);
}

Result<void> Admin::remove(const std::string& topic) const {
    const std::string what = "remove topic " + topic;
    const std::unique_ptr<rd_kafka_DeleteTopic_t, FreeWith<rd_kafka_DeleteTopic_destroy>> doomed(
        rd_kafka_DeleteTopic_new(topic.c_str()));
    const Options options = make_options(handle_, RD_KAFKA_ADMIN_OP_DELETETOPICS);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_DeleteTopic_t* list[] = {doomed.get()};
    rd_kafka_DeleteTopics(handle_, list, 1, options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), what));
    std::size_t count = 0;
    const auto* results = rd_kafka_DeleteTopics_result_topics(
        rd_kafka_event_DeleteTopics_result(event.get()), &count);
    return check(results, count, what);
}

Result<std::map<std::string, std::string>> Admin::configs(const std::string& topic) const {
    const std::string what = "describe topic " + topic;
    const std::unique_ptr<rd_kafka_ConfigResource_t, FreeWith<rd_kafka_ConfigResource_destroy>>
        resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
    const Options options = make_options(handle_, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_ConfigResource_t* list[] = {resource.get()};
    rd_kafka_DescribeConfigs(handle_, list, 1, options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), what));
    std::size_t count = 0;
    const auto* resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    std::map<std::string, std::string> configs;
    for (std::size_t i = 0; i < count; ++i) {
        const auto error = rd_kafka_ConfigResource_error(resources[i]);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(to_error(error, what, servers_));
        std::size_t entries = 0;
        const auto* entry = rd_kafka_ConfigResource_configs(resources[i], &entries);
        for (std::size_t at = 0; at < entries; ++at) {
            if (rd_kafka_ConfigEntry_source(entry[at]) !=
                RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG) {
                continue;
            }
            const char* value = rd_kafka_ConfigEntry_value(entry[at]);
            configs[rd_kafka_ConfigEntry_name(entry[at])] = value != nullptr ? value : "";
        }
    }
    return configs;
}

}  // namespace millrace::client
