// The records of consumer groups in __consumer_offsets, in Kafka's own layout: keys 3, 5 to 8 and
// 16 (src/kafka/schema/consumer_group_log.kmsg).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "broker/group/consumer/consumer_group.h"
#include "broker/keyed_log.h"

namespace millrace::broker {

// What is to be written after an event, in an order that Kafka can replay: who left first, then
// members before what they have.
std::vector<KeyedRecord> consumer_group_records(const ConsumerGroup& group,
                                                const ConsumerGroupChanges& changes,
                                                std::int64_t now_ms);
// Takes the whole group away.
std::vector<KeyedRecord> consumer_group_tombstones(const ConsumerGroup& group);

struct ConsumerRecordKey {
    enum class Kind : std::uint8_t { kEpoch, kMember, kTargetEpoch, kTarget, kCurrent, kRegex };
    Kind kind = Kind::kEpoch;
    std::string group;
    std::string name;  // Of the member, or the regular expression.
};
// nullopt for keys of other kinds, and for what cannot be read.
std::optional<ConsumerRecordKey> decode_consumer_key(base::ByteView key);
// False when the value cannot be read; the group is then as it was.
bool restore_consumer_record(ConsumerGroup& group, const ConsumerRecordKey& key,
                             std::optional<base::ByteView> value);

}  // namespace millrace::broker
