#include <fmt/format.h>

#include <algorithm>

#include "client/admin_internal.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;

AdminOptions Admin::options(rd_kafka_admin_op_t operation, Mode mode) const {
    AdminOptions options(rd_kafka_AdminOptions_new(handle_, operation));
    char words[256];
    // An option that an operation does not have is refused, which harms nothing.
    rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms_, words, sizeof(words));
    rd_kafka_AdminOptions_set_operation_timeout(options.get(), timeout_ms_, words, sizeof(words));
    if (mode == Mode::kValidateOnly) {
        rd_kafka_AdminOptions_set_validate_only(options.get(), 1, words, sizeof(words));
    }
    return options;
}

base::Error Admin::error(rd_kafka_resp_err_t error, std::string_view what,
                         const char* words) const {
    return to_error(error, what, servers_, words != nullptr ? words : "");
}

base::Error Admin::error(const rd_kafka_error_t& error, std::string_view what) const {
    return this->error(rd_kafka_error_code(&error), what, rd_kafka_error_string(&error));
}

Result<Event> Admin::wait(rd_kafka_queue_t* queue, std::string_view what) const {
    Event event(rd_kafka_queue_poll(queue, 2 * timeout_ms_));
    if (event == nullptr) return fail(error(RD_KAFKA_RESP_ERR__TIMED_OUT, what));
    const auto code = rd_kafka_event_error(event.get());
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return event;
    return fail(error(code, what, rd_kafka_event_error_string(event.get())));
}

Cluster::Outcomes Admin::outcomes(const rd_kafka_topic_result_t* const* results, std::size_t count,
                                  const std::vector<std::string>& names,
                                  std::string_view what) const {
    std::map<std::string, Result<void>> by_name;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string name = rd_kafka_topic_result_name(results[i]);
        const auto code = rd_kafka_topic_result_error(results[i]);
        Result<void> outcome;
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            outcome = fail(error(code, fmt::format("{} {}", what, name),
                                 rd_kafka_topic_result_error_string(results[i])));
        }
        by_name.insert_or_assign(name, std::move(outcome));
    }
    Outcomes outcomes;
    for (const std::string& name : names) {
        const auto found = by_name.find(name);
        if (found == by_name.end()) {
            outcomes.push_back(
                fail(Code::kRuntime, "{} {}: the server's answer left it out", what, name));
        } else {
            outcomes.push_back(found->second);
        }
    }
    return outcomes;
}

Result<Cluster::Overview> Admin::overview() {
    const rd_kafka_metadata_t* raw = nullptr;
    const auto code = rd_kafka_metadata(handle_, 1, nullptr, &raw, timeout_ms_);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail(error(code, "ask for the list of topics"));
    }
    const std::unique_ptr<const rd_kafka_metadata_t, FreeWith<rd_kafka_metadata_destroy>> metadata(
        raw);
    Overview overview;
    for (int i = 0; i < metadata->broker_cnt; ++i) {
        const rd_kafka_metadata_broker_t& broker = metadata->brokers[i];
        overview.brokers.push_back({.id = broker.id, .host = broker.host, .port = broker.port});
    }
    std::ranges::sort(overview.brokers, {}, &Broker::id);
    for (int i = 0; i < metadata->topic_cnt; ++i) {
        const rd_kafka_metadata_topic_t& from = metadata->topics[i];
        if (from.err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
        Topic topic{.name = from.topic, .partitions = {}};
        for (int at = 0; at < from.partition_cnt; ++at) {
            const rd_kafka_metadata_partition_t& partition = from.partitions[at];
            topic.partitions.push_back(
                {.id = partition.id,
                 .leader = partition.leader,
                 .replicas = {partition.replicas, partition.replicas + partition.replica_cnt},
                 .in_sync = {partition.isrs, partition.isrs + partition.isr_cnt}});
        }
        std::ranges::sort(topic.partitions, {}, &Partition::id);
        overview.topics.emplace(topic.name, std::move(topic));
    }
    // Both were told with the metadata, so that neither waits.
    overview.controller = rd_kafka_controllerid(handle_, timeout_ms_);
    if (char* const id = rd_kafka_clusterid(handle_, timeout_ms_)) {
        overview.cluster_id = id;
        rd_kafka_mem_free(handle_, id);
    }
    return overview;
}

Result<std::map<std::string, std::int32_t>> Admin::partition_counts() {
    MR_TRY(const Overview all, overview());
    std::map<std::string, std::int32_t> counts;
    for (const auto& [name, topic] : all.topics) {
        counts[name] = static_cast<std::int32_t>(topic.partitions.size());
    }
    return counts;
}

Result<Cluster::Outcomes> Admin::create_topics(const std::vector<NewTopic>& topics, Mode mode) {
    constexpr std::string_view kWhat = "create topic";
    using Wanted = std::unique_ptr<rd_kafka_NewTopic_t, FreeWith<rd_kafka_NewTopic_destroy>>;
    std::vector<Wanted> wanted;
    std::vector<rd_kafka_NewTopic_t*> list;
    std::vector<std::string> names;
    for (const NewTopic& topic : topics) {
        char words[512];
        wanted.emplace_back(rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions,
                                                  topic.replication, words, sizeof(words)));
        if (wanted.back() == nullptr) {
            return fail(Code::kInvalidArgument, "{} {}: {}", kWhat, topic.name, words);
        }
        for (const auto& [name, value] : topic.configs) {
            rd_kafka_NewTopic_set_config(wanted.back().get(), name.c_str(), value.c_str());
        }
        list.push_back(wanted.back().get());
        names.push_back(topic.name);
    }
    const AdminOptions options = this->options(RD_KAFKA_ADMIN_OP_CREATETOPICS, mode);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_CreateTopics(handle_, list.data(), list.size(), options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), kWhat));
    std::size_t count = 0;
    const auto* results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event.get()), &count);
    return outcomes(results, count, names, kWhat);
}

Result<Cluster::Outcomes> Admin::delete_topics(const std::vector<std::string>& topics) {
    constexpr std::string_view kWhat = "delete topic";
    using Doomed = std::unique_ptr<rd_kafka_DeleteTopic_t, FreeWith<rd_kafka_DeleteTopic_destroy>>;
    std::vector<Doomed> doomed;
    std::vector<rd_kafka_DeleteTopic_t*> list;
    for (const std::string& topic : topics) {
        doomed.emplace_back(rd_kafka_DeleteTopic_new(topic.c_str()));
        list.push_back(doomed.back().get());
    }
    const AdminOptions options = this->options(RD_KAFKA_ADMIN_OP_DELETETOPICS);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_DeleteTopics(handle_, list.data(), list.size(), options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), kWhat));
    std::size_t count = 0;
    const auto* results = rd_kafka_DeleteTopics_result_topics(
        rd_kafka_event_DeleteTopics_result(event.get()), &count);
    return outcomes(results, count, topics, kWhat);
}

Result<void> Admin::add_partitions(const std::string& topic, std::int32_t total, Mode mode) {
    constexpr std::string_view kWhat = "add partitions to topic";
    char words[512];
    const std::unique_ptr<rd_kafka_NewPartitions_t, FreeWith<rd_kafka_NewPartitions_destroy>>
        wanted(rd_kafka_NewPartitions_new(topic.c_str(), static_cast<std::size_t>(total), words,
                                          sizeof(words)));
    if (wanted == nullptr) return fail(Code::kInvalidArgument, "{} {}: {}", kWhat, topic, words);
    const AdminOptions options = this->options(RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, mode);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_NewPartitions_t* list[] = {wanted.get()};
    rd_kafka_CreatePartitions(handle_, list, 1, options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), kWhat));
    std::size_t count = 0;
    const auto* results = rd_kafka_CreatePartitions_result_topics(
        rd_kafka_event_CreatePartitions_result(event.get()), &count);
    return outcomes(results, count, {topic}, kWhat).front();
}

}  // namespace millrace::client
