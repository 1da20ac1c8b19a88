// A broker, one client of it, and the protocol's calls as short functions: for tests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/check.h"
#include "broker/broker_harness_internal.h"
#include "kafka/messages/create_topics.h"
#include "kafka/messages/fetch.h"
#include "kafka/messages/init_producer_id.h"
#include "kafka/messages/list_offsets.h"
#include "kafka/messages/offset_commit.h"
#include "kafka/messages/offset_fetch.h"
#include "kafka/messages/produce.h"
#include "model/batch.h"
#include "model/batch_builder.h"

namespace millrace::broker {

using kafka::ErrorCode;

inline base::Bytes make_batch(int records, std::int64_t timestamp_ms = 1000,
                              model::BatchBuilder::Options options = {}) {
    model::BatchBuilder builder(options);
    for (int i = 0; i < records; ++i) {
        const std::string value = "value-" + std::to_string(i);
        builder.add(model::Timestamp{timestamp_ms + i}, "key", value);
    }
    return builder.build();
}

struct Produced {
    ErrorCode error = ErrorCode::kNone;
    std::int64_t base_offset = -1;
    std::string message;
};

// A broker and one client of it: the only caller of the protocol in these tests.
class WireHarness {
protected:
    explicit WireHarness(config::ServerOptions options = {}) : broker(std::move(options)) {}

    kafka::CreateTopicsResponse create(const std::string& topic, std::int32_t partitions = 1,
                                       std::map<std::string, std::string> configs = {},
                                       std::int16_t replication = 1, bool validate = false) {
        kafka::CreateTopicsRequest request;
        request.validate_only = validate;
        auto& asked = request.topics.emplace_back();
        asked.name = topic;
        asked.num_partitions = partitions;
        asked.replication_factor = replication;
        for (const auto& [name, value] : configs) asked.configs.push_back({name, value});
        auto response = client.call<kafka::CreateTopicsResponse>(request, 7);
        MR_CHECK(response);
        return response.value_or(kafka::CreateTopicsResponse{});
    }
    std::string create_error(const std::string& topic, std::int32_t partitions = 1,
                             std::map<std::string, std::string> configs = {},
                             std::int16_t replication = 1) {
        const auto response = create(topic, partitions, std::move(configs), replication);
        return std::string(error_name(response.topics.at(0).error_code));
    }
    kafka::ProduceRequest produce_request(const std::string& topic, const base::Bytes& records,
                                          std::int16_t acks = -1, std::int32_t partition = 0) {
        kafka::ProduceRequest request;
        request.acks = acks;
        request.timeout_ms = 10'000;
        auto& data = request.topic_data.emplace_back();
        data.name = topic;
        data.partition_data.push_back({partition, {records.data(), records.size()}});
        return request;
    }
    Produced produce(const std::string& topic, const base::Bytes& records, std::int16_t acks = -1,
                     std::int16_t version = 9, std::int32_t partition = 0) {
        const auto response = client.call<kafka::ProduceResponse>(
            produce_request(topic, records, acks, partition), version);
        if (!response) return {ErrorCode::kNetworkException};
        const auto& one = response->responses.at(0).partition_responses.at(0);
        return {one.error_code, one.base_offset, one.error_message.value_or("")};
    }
    std::string produce_error(const std::string& topic, const base::Bytes& records,
                              std::int16_t acks = -1, std::int16_t version = 9) {
        return std::string(error_name(produce(topic, records, acks, version).error));
    }
    kafka::FetchRequest fetch_request(const std::string& topic, std::int64_t offset,
                                      std::int32_t max_wait_ms = 0, std::int32_t min_bytes = 1) {
        kafka::FetchRequest request;
        request.max_wait_ms = max_wait_ms;
        request.min_bytes = min_bytes;
        request.max_bytes = 1 << 20;
        auto& asked = request.topics.emplace_back();
        asked.topic = topic;
        auto& partition = asked.partitions.emplace_back();
        partition.fetch_offset = offset;
        partition.partition_max_bytes = 1 << 20;
        return request;
    }
    kafka::FetchResponse::Topic::PartitionData fetch(const std::string& topic,
                                                     std::int64_t offset) {
        const auto response = client.call<kafka::FetchResponse>(fetch_request(topic, offset), 12);
        MR_CHECK(response);
        return response ? response->responses.at(0).partitions.at(0)
                        : kafka::FetchResponse::Topic::PartitionData{};
    }
    kafka::ListOffsetsResponse::Topic::Partition list_offset(const std::string& topic,
                                                             std::int64_t timestamp) {
        kafka::ListOffsetsRequest request;
        auto& asked = request.topics.emplace_back();
        asked.name = topic;
        asked.partitions.emplace_back().timestamp = timestamp;
        const auto response = client.call<kafka::ListOffsetsResponse>(request, 7);
        MR_CHECK(response);
        return response ? response->topics.at(0).partitions.at(0)
                        : kafka::ListOffsetsResponse::Topic::Partition{};
    }
    static std::int64_t new_producer_id(TestClient& from) {
        kafka::InitProducerIdRequest request;
        request.transactional_id.reset();
        const auto response = from.call<kafka::InitProducerIdResponse>(request, 4);
        MR_CHECK(response && response->error_code == ErrorCode::kNone);
        return response ? response->producer_id : -1;
    }
    ErrorCode commit(const std::string& group, const std::string& topic, std::int64_t offset,
                     std::int32_t generation = -1) {
        kafka::OffsetCommitRequest request;
        request.group_id = group;
        request.generation_id_or_member_epoch = generation;
        auto& asked = request.topics.emplace_back();
        asked.name = topic;
        auto& partition = asked.partitions.emplace_back();
        partition.committed_offset = offset;
        partition.committed_metadata = "note";
        const auto response = client.call<kafka::OffsetCommitResponse>(request, 8);
        return response ? response->topics.at(0).partitions.at(0).error_code
                        : ErrorCode::kNetworkException;
    }
    kafka::OffsetFetchResponse committed(const std::string& group, const std::string& topic) {
        kafka::OffsetFetchRequest request;
        request.group_id = group;
        request.topics.emplace();
        auto& asked = request.topics->emplace_back();
        asked.name = topic;
        asked.partition_indexes = {0};
        const auto response = client.call<kafka::OffsetFetchResponse>(request, 7);
        MR_CHECK(response);
        return response.value_or(kafka::OffsetFetchResponse{});
    }
    std::int64_t committed_offset(const std::string& group, const std::string& topic) {
        return committed(group, topic).topics.at(0).partitions.at(0).committed_offset;
    }

    TestBroker broker;
    TestClient client{broker};
};

}  // namespace millrace::broker
