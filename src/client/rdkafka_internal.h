// librdkafka with owners and errors in our terms; for this room's sources alone.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "client/settings.h"
#include "topic/topics.h"

namespace millrace::client {

template <auto kFree>
struct FreeWith {
    template <class T>
    void operator()(T* object) const {
        kFree(object);
    }
};
using Handle = std::unique_ptr<rd_kafka_t, FreeWith<rd_kafka_destroy>>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, FreeWith<rd_kafka_topic_destroy>>;
using QueueHandle = std::unique_ptr<rd_kafka_queue_t, FreeWith<rd_kafka_queue_destroy>>;
using MessageHandle = std::unique_ptr<rd_kafka_message_t, FreeWith<rd_kafka_message_destroy>>;
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                      FreeWith<rd_kafka_topic_partition_list_destroy>>;
using Configuration = std::unique_ptr<rd_kafka_conf_t, FreeWith<rd_kafka_conf_destroy>>;

// How long a call waits for a server before it gives up.
inline constexpr int kTimeoutMs = 10'000;

// The error in our codes. `what` is what was being done; `servers` is named where nobody answered.
base::Error to_error(rd_kafka_resp_err_t error, std::string_view what, std::string_view servers,
                     std::string_view detail = {});

// `defaults` give way to `settings`, `forced` do not.
base::Result<Configuration> make_configuration(const Settings& settings, const Settings& defaults,
                                               const Settings& forced);
base::Result<Handle> make_handle(rd_kafka_type_t type, Configuration configuration);
std::string servers_of(const Settings& settings);

// Reach: whether a server answers a new handle, known as soon as connections are refused.
//
// Without it a call would wait out its time. The handle's callback writes to it within calls of
// rd_kafka_poll(), so it must outlive the handle.
class Reach {
public:
    void watch(rd_kafka_conf_t* configuration);
    base::Result<void> wait(rd_kafka_t* handle, std::string_view servers, int timeout_ms);

private:
    static void on_error(rd_kafka_t*, int code, const char* reason, void* self);

    rd_kafka_resp_err_t error_ = RD_KAFKA_RESP_ERR_NO_ERROR;  // What no waiting can help against.
    std::string reason_;
};

std::vector<topic::Header> headers_of(const rd_kafka_message_t& message);
// Queues a record; the code is librdkafka's.
rd_kafka_resp_err_t produce(rd_kafka_t* producer, const std::string& topic, std::int32_t partition,
                            const topic::NewRecord& record, void* opaque);

}  // namespace millrace::client
