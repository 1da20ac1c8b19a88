#include "client/producer.h"

#include <atomic>

#include "client/rdkafka_internal.h"
#include "runtime/thread.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;

namespace {

class RdKafkaProducer final : public Producer {
public:
    RdKafkaProducer(Settings settings, OnDelivery on_delivery)
        : settings_(std::move(settings)), on_delivery_(std::move(on_delivery)) {}

    ~RdKafkaProducer() override {
        poller_ = {};
        if (handle_)
            rd_kafka_purge(handle_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                              RD_KAFKA_PURGE_F_NON_BLOCKING);
    }

    Result<void> start() {
        MR_TRY(auto configuration, make_configuration(settings_,
                                                      {{"enable.idempotence", "true"},
                                                       {"linger.ms", "5"},
                                                       {"partitioner", "murmur2_random"}},
                                                      {}));
        rd_kafka_conf_set_opaque(configuration.get(), this);
        rd_kafka_conf_set_dr_msg_cb(configuration.get(), on_report);
        MR_TRY(handle_, make_handle(RD_KAFKA_PRODUCER, std::move(configuration)));
        poller_ = runtime::Thread("kafka-producer", [this](std::stop_token stop) {
            while (!stop.stop_requested()) rd_kafka_poll(handle_.get(), 50);
        });
        return {};
    }

    Result<void> send(const std::string& topic, std::optional<std::int32_t> partition,
                      const topic::NewRecord& record) override {
        while (true) {
            const auto error = produce(handle_.get(), topic,
                                       partition.value_or(RD_KAFKA_PARTITION_UA), record, nullptr);
            if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
            if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
                return fail(to_error(error, "send to " + topic, servers_of(settings_)));
            }
            rd_kafka_poll(handle_.get(), 10);  // Reports make room.
        }
        sent_.fetch_add(1, std::memory_order_relaxed);
        return {};
    }

    Result<void> flush(std::chrono::milliseconds timeout) override {
        const auto error = rd_kafka_flush(handle_.get(), static_cast<int>(timeout.count()));
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
        return fail(to_error(error, "flush the producer", servers_of(settings_)));
    }

    Stats stats() const override {
        return {.sent = sent_,
                .delivered = delivered_,
                .failed = failed_,
                .delivered_bytes = delivered_bytes_,
                .queued = static_cast<std::uint64_t>(rd_kafka_outq_len(handle_.get()))};
    }

private:
    static void on_report(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
        static_cast<RdKafkaProducer*>(opaque)->report(*message);
    }

    void report(const rd_kafka_message_t& message) {
        const bool good = message.err == RD_KAFKA_RESP_ERR_NO_ERROR;
        (good ? delivered_ : failed_).fetch_add(1, std::memory_order_relaxed);
        if (good) delivered_bytes_.fetch_add(message.len + message.key_len);
        if (!on_delivery_) return;
        const std::string topic = rd_kafka_topic_name(message.rkt);
        Result<std::int64_t> offset = message.offset;
        if (!good) {
            offset = fail(to_error(message.err, "send to " + topic, servers_of(settings_)));
        }
        on_delivery_(
            {std::move(offset), topic, message.partition, rd_kafka_message_latency(&message)});
    }

    const Settings settings_;
    const OnDelivery on_delivery_;
    std::atomic<std::uint64_t> sent_ = 0;
    std::atomic<std::uint64_t> delivered_ = 0;
    std::atomic<std::uint64_t> failed_ = 0;
    std::atomic<std::uint64_t> delivered_bytes_ = 0;
    Handle handle_;
    runtime::Thread poller_;
};

}  // namespace

Result<std::unique_ptr<Producer>> Producer::make(const Settings& settings, OnDelivery on_delivery) {
    auto producer = std::make_unique<RdKafkaProducer>(settings, std::move(on_delivery));
    MR_TRY_VOID(producer->start());
    return producer;
}

}  // namespace millrace::client
