// The records of streams groups in __consumer_offsets, in Kafka's own layout: keys 17 and 19 to 23
// (src/kafka/schema/streams_group_log.kmsg).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "broker/group/streams/streams_group.h"
#include "broker/keyed_log.h"

namespace millrace::broker {

// What is to be written after an event, in an order that Kafka can replay: who left first, then
// members before what they have.
std::vector<KeyedRecord> streams_group_records(const StreamsGroup& group,
                                               const StreamsGroupChanges& changes,
                                               std::int64_t now_ms);
// Takes the whole group away.
std::vector<KeyedRecord> streams_group_tombstones(const StreamsGroup& group);

struct StreamsRecordKey {
    enum class Kind : std::uint8_t { kEpoch, kMember, kTargetEpoch, kTarget, kCurrent, kTopology };
    Kind kind = Kind::kEpoch;
    std::string group;
    std::string member;
};
// nullopt for keys of other kinds, and for what cannot be read.
std::optional<StreamsRecordKey> decode_streams_key(base::ByteView key);
// False when the value cannot be read; the group is then as it was.
bool restore_streams_record(StreamsGroup& group, const StreamsRecordKey& key,
                            std::optional<base::ByteView> value);

}  // namespace millrace::broker
