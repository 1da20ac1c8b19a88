#include "broker/group/subscription.h"

#include <algorithm>
#include <utility>

#include "kafka/messages/consumer_protocol.h"
#include "kafka/reader.h"
#include "kafka/writer.h"

namespace millrace::broker {
namespace {

// Fields are only ever added at the end, so a newer version reads as the newest that is known.
template <class Message>
std::optional<Message> decode(base::ByteView bytes, std::int16_t newest) {
    kafka::Reader reader(bytes);
    const std::int16_t version = reader.i16();
    if (!reader.ok() || version < Message::kMinVersion) return std::nullopt;
    Message message;
    message.decode(reader, std::min(version, newest));
    if (!reader.ok()) return std::nullopt;
    return message;
}

template <class TopicPartitions>
PartitionsByTopic by_topic(const std::vector<TopicPartitions>& all) {
    PartitionsByTopic partitions;
    for (const auto& one : all) {
        partitions[one.topic].insert(one.partitions.begin(), one.partitions.end());
    }
    return partitions;
}

}  // namespace

std::optional<std::vector<std::string>> subscribed_topics_of(base::ByteView metadata) {
    auto read = decode<kafka::ConsumerProtocolSubscription>(metadata, 0);
    if (!read) return std::nullopt;
    return std::move(read->topics);
}

std::optional<ConsumerSubscription> decode_subscription(base::ByteView metadata) {
    auto read = decode<kafka::ConsumerProtocolSubscription>(
        metadata, kafka::ConsumerProtocolSubscription::kMaxVersion);
    if (!read) return std::nullopt;
    return ConsumerSubscription{std::move(read->topics), by_topic(read->owned_partitions),
                                std::move(read->rack_id)};
}

std::int16_t consumer_protocol_version(base::ByteView bytes) {
    kafka::Reader reader(bytes);
    const std::int16_t version = reader.i16();
    if (!reader.ok()) return 0;
    return std::clamp(version, kafka::ConsumerProtocolAssignment::kMinVersion,
                      kafka::ConsumerProtocolAssignment::kMaxVersion);
}

base::Bytes encode_assignment(const PartitionsByTopic& partitions, std::int16_t version) {
    kafka::ConsumerProtocolAssignment message;
    for (const auto& [topic, indexes] : partitions) {
        auto& one = message.assigned_partitions.emplace_back();
        one.topic = topic;
        one.partitions.assign(indexes.begin(), indexes.end());
    }
    kafka::Writer writer;
    writer.i16(version);
    message.encode(writer, version);
    return writer.take_all();
}

std::optional<PartitionsByTopic> decode_assignment(base::ByteView assignment) {
    if (assignment.empty()) return PartitionsByTopic();
    const auto read = decode<kafka::ConsumerProtocolAssignment>(
        assignment, kafka::ConsumerProtocolAssignment::kMaxVersion);
    if (!read) return std::nullopt;
    return by_topic(read->assigned_partitions);
}

}  // namespace millrace::broker
