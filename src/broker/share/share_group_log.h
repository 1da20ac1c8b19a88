// The records of share groups in __consumer_offsets, in Kafka's own layout (kinds 10 to 15;
// src/kafka/schema/share_group_log.kmsg).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "broker/keyed_log.h"
#include "broker/share/share_group.h"

namespace millrace::broker {

// The records that tell what `changes` changed in `group`.
std::vector<KeyedRecord> share_group_records(const ShareGroup& group,
                                             const ShareGroupChanges& changes, std::int64_t now_ms);
// Everything of a group: what is written when the log is rewritten.
std::vector<KeyedRecord> share_group_state(const ShareGroup& group, std::int64_t now_ms);
// What takes all records of an empty group away.
std::vector<KeyedRecord> share_group_tombstones(const ShareGroup& group);

// Takes one record into the groups that are being loaded; false when it is none of a share group.
// What cannot be read is left out.
bool load_share_group_record(base::ByteView key, std::optional<base::ByteView> value,
                             std::map<std::string, ShareGroupData>& groups);

}  // namespace millrace::broker
