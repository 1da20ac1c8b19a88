#include "broker/transaction/transaction_log.h"

#include <utility>

#include "broker/versioned_record.h"
#include "kafka/messages/transaction_log.h"

namespace millrace::broker {
namespace {

constexpr std::int16_t kKeyVersion = 0;
constexpr std::int16_t kValueVersion = 1;

}  // namespace

base::Bytes transaction_key(const std::string& transactional_id) {
    kafka::TransactionLogKey key;
    key.transactional_id = transactional_id;
    return encode_versioned(kKeyVersion, key);
}

base::Bytes transaction_value(const TransactionData& data) {
    kafka::TransactionLogValue value;
    value.producer_id = data.producer_id;
    value.previous_producer_id = data.previous_producer_id;
    value.next_producer_id = data.next_producer_id;
    value.producer_epoch = data.producer_epoch;
    value.transaction_timeout_ms = data.timeout_ms;
    value.transaction_status = static_cast<std::int8_t>(data.state);
    value.transaction_last_update_timestamp_ms = data.update_ms;
    value.transaction_start_timestamp_ms = data.start_ms;
    value.client_transaction_version = data.client_version;
    if (data.state == TransactionState::kEmpty) {
        value.transaction_partitions.reset();
    } else {
        value.transaction_partitions.emplace();
        for (const auto& [topic, partition] : data.partitions) {
            if (value.transaction_partitions->empty() ||
                value.transaction_partitions->back().topic != topic) {
                value.transaction_partitions->emplace_back().topic = topic;
            }
            value.transaction_partitions->back().partition_ids.push_back(partition);
        }
    }
    return encode_versioned(kValueVersion, value, kValueVersion);
}

std::optional<std::string> decode_transaction_key(base::ByteView key) {
    auto read = decode_versioned<kafka::TransactionLogKey>(key);
    if (!read) return std::nullopt;
    return std::move(read->transactional_id);
}

std::optional<TransactionData> decode_transaction_value(base::ByteView value) {
    auto read = decode_versioned<kafka::TransactionLogValue>(value);
    constexpr auto kLast = static_cast<std::int8_t>(TransactionState::kCompleteAbort);
    if (!read || read->transaction_status < 0 || read->transaction_status > kLast) {
        return std::nullopt;
    }
    TransactionData data{.producer_id = read->producer_id,
                         .previous_producer_id = read->previous_producer_id,
                         .next_producer_id = read->next_producer_id,
                         .producer_epoch = read->producer_epoch,
                         .timeout_ms = read->transaction_timeout_ms,
                         .state = static_cast<TransactionState>(read->transaction_status),
                         .partitions = {},
                         .update_ms = read->transaction_last_update_timestamp_ms,
                         .start_ms = read->transaction_start_timestamp_ms,
                         .client_version = read->client_transaction_version};
    if (read->transaction_partitions) {
        for (const auto& topic : *read->transaction_partitions) {
            for (const std::int32_t partition : topic.partition_ids) {
                data.partitions.insert({topic.topic, partition});
            }
        }
    }
    return data;
}

}  // namespace millrace::broker
