#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "client/partition_reader_internal.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;

namespace {

constexpr int kFetchWaitMs = 500;
constexpr int kMostFetches = kTimeoutMs / kFetchWaitMs;

void add_row(topic::RecordColumns& columns, const rd_kafka_message_t& message, bool headers) {
    rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    columns.offsets.push_back(message.offset);
    columns.timestamps_ms.push_back(rd_kafka_message_timestamp(&message, &type));
    columns.timestamp_types.push_back(type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? 1 : 0);
    columns.key_null.push_back(message.key == nullptr ? 1 : 0);
    columns.value_null.push_back(message.payload == nullptr ? 1 : 0);
    if (message.key != nullptr) {
        columns.keys.append(static_cast<const char*>(message.key), message.key_len);
    }
    if (message.payload != nullptr) {
        columns.values.append(static_cast<const char*>(message.payload), message.len);
    }
    columns.key_offsets.push_back(columns.keys.size());
    columns.value_offsets.push_back(columns.values.size());
    if (headers) columns.headers.push_back(headers_of(message));
}

}  // namespace

PartitionReader::PartitionReader(rd_kafka_t* consumer, std::string servers,
                                 topic::TopicPartition partition)
    : consumer_(consumer),
      servers_(std::move(servers)),
      partition_(std::move(partition)),
      what_(fmt::format("read {}-{}", partition_.topic, partition_.partition)),
      topic_(rd_kafka_topic_new(consumer, partition_.topic.c_str(), nullptr)) {}

PartitionReader::~PartitionReader() {
    stop();
}

void PartitionReader::stop() {
    pending_.clear();
    if (started_) rd_kafka_consume_stop(topic_.get(), partition_.partition);
    started_ = false;
    queue_.reset();
    position_ = -1;
}

Result<void> PartitionReader::start_at(std::int64_t offset) {
    stop();
    queue_.reset(rd_kafka_queue_new(consumer_));
    if (rd_kafka_consume_start_queue(topic_.get(), partition_.partition, offset, queue_.get()) !=
        0) {
        return fail(to_error(rd_kafka_last_error(), what_, servers_));
    }
    started_ = true;
    position_ = offset;
    return {};
}

Result<topic::OffsetRange> PartitionReader::offsets() const {
    topic::OffsetRange range;
    const auto error =
        rd_kafka_query_watermark_offsets(consumer_, partition_.topic.c_str(), partition_.partition,
                                         &range.first, &range.next, kTimeoutMs);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(to_error(error, what_, servers_));
    return range;
}

Result<void> PartitionReader::fetch(int timeout_ms) {
    std::array<rd_kafka_message_t*, 2000> raw;
    const ssize_t count =
        rd_kafka_consume_batch_queue(queue_.get(), timeout_ms, raw.data(), raw.size());
    if (count < 0) return fail(to_error(rd_kafka_last_error(), what_, servers_));
    for (ssize_t i = 0; i < count; ++i) pending_.emplace_back(raw[static_cast<std::size_t>(i)]);
    return {};
}

Result<topic::Topics::Read> PartitionReader::read(std::int64_t from, std::int64_t to,
                                                  const topic::ReadOptions& options) {
    const std::lock_guard lock(mutex_);
    if (from != position_ || to > known_end_) {
        MR_TRY(const auto range, offsets());
        known_end_ = range.next;
        if (from < range.first || from > range.next) {
            return fail(Code::kOutOfRange, "{}: offset {} is outside [{}, {}]", what_, from,
                        range.first, range.next);
        }
    }
    to = std::min(to, known_end_);
    topic::Topics::Read read{.records = {}, .next_offset = from};
    if (from >= to) return read;
    if (from != position_) MR_TRY_VOID(start_at(from));

    std::size_t bytes = 0;
    int fetches = 0;
    while (read.next_offset < to) {
        if (pending_.empty()) {
            MR_TRY_VOID(fetch(kFetchWaitMs));
            if (pending_.empty()) {
                if (read.records.rows() > 0) break;
                if (++fetches == kMostFetches) {
                    stop();
                    return fail(to_error(RD_KAFKA_RESP_ERR__TIMED_OUT, what_, servers_));
                }
                continue;
            }
        }
        const rd_kafka_message_t& message = *pending_.front();
        if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            // What lies before the end and did not come are records that readers do not see.
            read.next_offset = std::max(read.next_offset, std::min(message.offset, to));
            pending_.pop_front();
            continue;
        }
        if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            const char* words = rd_kafka_message_errstr(&message);
            const auto error =
                to_error(message.err, what_, servers_, words != nullptr ? words : "");
            stop();
            return fail(error);
        }
        if (message.offset >= to) {
            read.next_offset = to;
            break;
        }
        if (message.offset < from) {  // A batch may begin before what was asked.
            pending_.pop_front();
            continue;
        }
        bytes += message.len + message.key_len;
        if (bytes > options.max_bytes && read.records.rows() > 0) break;
        add_row(read.records, message, options.headers);
        read.next_offset = message.offset + 1;
        pending_.pop_front();
    }
    position_ = read.next_offset;
    return read;
}

}  // namespace millrace::client
