#include "client/consumer.h"

#include <map>

#include "client/rdkafka_internal.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;

namespace {

class RdKafkaConsumer final : public Consumer {
public:
    explicit RdKafkaConsumer(Settings settings) : settings_(std::move(settings)) {}
    ~RdKafkaConsumer() override {
        queue_.reset();
        if (handle_) rd_kafka_consumer_close(handle_.get());
    }

    Result<void> start() {
        // librdkafka wants a group's name even of those that only assign; this one commits nothing.
        MR_TRY(auto configuration, make_configuration(settings_,
                                                      {{"group.id", "millrace-without-group"},
                                                       {"enable.auto.commit", "false"},
                                                       {"auto.offset.reset", "earliest"}},
                                                      {{"enable.partition.eof", "true"}}));
        rd_kafka_conf_set_opaque(configuration.get(), this);
        rd_kafka_conf_set_error_cb(configuration.get(),
                                   [](rd_kafka_t*, int error, const char*, void* self) {
                                       if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
                                           static_cast<RdKafkaConsumer*>(self)->cut_off_ = true;
                                       }
                                   });
        MR_TRY(handle_, make_handle(RD_KAFKA_CONSUMER, std::move(configuration)));
        rd_kafka_poll_set_consumer(handle_.get());
        queue_.reset(rd_kafka_queue_get_consumer(handle_.get()));
        return {};
    }

    Result<void> assign(const std::vector<Position>& positions) override {
        ends_.clear();
        const PartitionList list(
            rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
        for (const Position& position : positions) {
            rd_kafka_topic_partition_list_add(list.get(), position.partition.topic.c_str(),
                                              position.partition.partition)
                ->offset = position.offset;
        }
        return outcome(rd_kafka_assign(handle_.get(), list.get()), "assign partitions");
    }

    Result<void> subscribe(const std::vector<std::string>& topics) override {
        const PartitionList list(
            rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
        for (const std::string& topic : topics) {
            rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
        }
        return outcome(rd_kafka_subscribe(handle_.get(), list.get()), "subscribe");
    }

    Result<std::vector<Record>> poll(std::chrono::milliseconds timeout,
                                     std::size_t max_records) override {
        std::vector<rd_kafka_message_t*> raw(max_records);
        const ssize_t count = rd_kafka_consume_batch_queue(
            queue_.get(), static_cast<int>(timeout.count()), raw.data(), raw.size());
        if (count < 0) return fail(to_error(rd_kafka_last_error(), "poll", servers_of(settings_)));
        std::vector<MessageHandle> messages;
        for (ssize_t i = 0; i < count; ++i) messages.emplace_back(raw[static_cast<std::size_t>(i)]);

        if (count > 0) cut_off_ = false;
        std::vector<Record> records;
        records.reserve(messages.size());
        for (const MessageHandle& message : messages) {
            if (message->rkt == nullptr) {
                return fail(to_error(message->err, "poll", servers_of(settings_), text(*message)));
            }
            const topic::TopicPartition from{rd_kafka_topic_name(message->rkt), message->partition};
            if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                ends_[from] = message->offset;
                continue;
            }
            if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
                return fail(to_error(message->err,
                                     fmt::format("read {}-{}", from.topic, from.partition),
                                     servers_of(settings_), text(*message)));
            }
            ends_.erase(from);
            records.push_back(record_of(*message, from));
        }
        return records;
    }

    bool at_end() const override {
        rd_kafka_topic_partition_list_t* raw = nullptr;
        if (rd_kafka_assignment(handle_.get(), &raw) != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
        const PartitionList assigned(raw);
        for (int i = 0; i < assigned->cnt; ++i) {
            const rd_kafka_topic_partition_t& entry = assigned->elems[i];
            if (!ends_.contains({entry.topic, entry.partition})) return false;
        }
        return assigned->cnt > 0;
    }

    std::optional<std::int64_t> ended_at(const topic::TopicPartition& partition) const override {
        const auto found = ends_.find(partition);
        if (found == ends_.end()) return std::nullopt;
        return found->second;
    }

    bool is_cut_off() const override { return cut_off_; }

    Result<void> commit() override {
        const auto error = rd_kafka_commit(handle_.get(), nullptr, 0);
        if (error == RD_KAFKA_RESP_ERR__NO_OFFSET) return {};  // Nothing new was read.
        return outcome(error, "commit offsets");
    }

private:
    static std::string_view text(const rd_kafka_message_t& message) {
        const char* words = rd_kafka_message_errstr(&message);
        return words != nullptr ? words : "";
    }
    static std::optional<base::Bytes> field(const void* data, std::size_t bytes) {
        if (data == nullptr) return std::nullopt;
        return base::Bytes(static_cast<const char*>(data), bytes);
    }
    static TimestampType type_of(rd_kafka_timestamp_type_t type) {
        if (type == RD_KAFKA_TIMESTAMP_CREATE_TIME) return TimestampType::kCreate;
        if (type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME) return TimestampType::kLogAppend;
        return TimestampType::kNone;
    }
    static Record record_of(const rd_kafka_message_t& message, const topic::TopicPartition& from) {
        rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        const std::int64_t timestamp_ms = rd_kafka_message_timestamp(&message, &type);
        return {.partition = from,
                .offset = message.offset,
                .timestamp_ms = timestamp_ms,
                .timestamp_type = type_of(type),
                .broker = rd_kafka_message_broker_id(&message),
                .key = field(message.key, message.key_len),
                .value = field(message.payload, message.len),
                .headers = headers_of(message)};
    }
    Result<void> outcome(rd_kafka_resp_err_t error, std::string_view what) const {
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
        return fail(to_error(error, what, servers_of(settings_)));
    }

    const Settings settings_;
    bool cut_off_ = false;  // Set within poll().
    Handle handle_;
    QueueHandle queue_;
    std::map<topic::TopicPartition, std::int64_t> ends_;  // Of those that are at their ends.
};

}  // namespace

Result<std::unique_ptr<Consumer>> Consumer::make(const Settings& settings) {
    auto consumer = std::make_unique<RdKafkaConsumer>(settings);
    MR_TRY_VOID(consumer->start());
    return consumer;
}

}  // namespace millrace::client
