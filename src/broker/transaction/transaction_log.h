// The records of __transaction_state, in Kafka's own layout, so that Kafka's tools read them.
//
// Key: version 0, then TransactionLogKey; value: version 1 (0 is read too), then
// TransactionLogValue (src/kafka/schema/transaction_log.kmsg).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "broker/transaction/transaction.h"

namespace millrace::broker {

base::Bytes transaction_key(const std::string& transactional_id);
base::Bytes transaction_value(const TransactionData& data);

// nullopt for what cannot be read.
std::optional<std::string> decode_transaction_key(base::ByteView key);
std::optional<TransactionData> decode_transaction_value(base::ByteView value);

}  // namespace millrace::broker
