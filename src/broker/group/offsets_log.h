// The records of __consumer_offsets, in Kafka's own layout, so that Kafka's tools read them.
//
// Key: a 16-bit version, then OffsetCommitKey (0 and 1) or GroupMetadataKey (2); value: a version
// and OffsetCommitValue or GroupMetadataValue (src/kafka/schema/group_log.kmsg).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "broker/group/group.h"

namespace millrace::broker {

struct OffsetName {
    std::string topic;
    std::int32_t partition = 0;
    auto operator<=>(const OffsetName&) const = default;
};

struct CommittedOffset {
    std::int64_t offset = -1;
    std::int32_t leader_epoch = -1;
    std::string metadata;
    std::int64_t commit_time_ms = -1;
    bool operator==(const CommittedOffset&) const = default;
};

base::Bytes offset_key(const std::string& group, const OffsetName& name);
base::Bytes offset_value(const CommittedOffset& offset);
base::Bytes group_key(const std::string& group);
base::Bytes group_value(const Group::Snapshot& snapshot);

struct OffsetKey {
    std::string group;
    OffsetName name;
};
struct GroupKey {
    std::string group;
};
// nullopt for keys of other kinds and for what cannot be read.
std::optional<std::variant<OffsetKey, GroupKey>> decode_key(base::ByteView key);
std::optional<CommittedOffset> decode_offset_value(base::ByteView value);
std::optional<Group::Snapshot> decode_group_value(base::ByteView value);

}  // namespace millrace::broker
