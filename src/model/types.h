// Strong types of the log: an offset is not a partition, a timestamp is not an epoch.
//
// Plain values with a public field; brace them: Offset{42}.
#pragma once

#include <fmt/format.h>

#include <compare>
#include <cstdint>

namespace millrace::model {

struct PartitionId {
    std::int32_t value = 0;
    auto operator<=>(const PartitionId&) const = default;
};

struct Offset {
    std::int64_t value = 0;
    auto operator<=>(const Offset&) const = default;
    Offset operator+(std::int64_t records) const { return {value + records}; }
    std::int64_t operator-(Offset other) const { return value - other.value; }
};

// Kafka's -1: no offset, as in "no match".
inline constexpr Offset kNoOffset{-1};

struct LeaderEpoch {
    std::int32_t value = 0;
    auto operator<=>(const LeaderEpoch&) const = default;
};

// Milliseconds since the Unix epoch; -1 when there is none.
struct Timestamp {
    std::int64_t ms = -1;
    auto operator<=>(const Timestamp&) const = default;
};

inline constexpr Timestamp kNoTimestamp{-1};

enum class TimestampType : std::uint8_t { kCreateTime = 0, kLogAppendTime = 1 };

// Who wrote a batch; id -1 is a producer that is neither idempotent nor transactional.
struct Producer {
    std::int64_t id = -1;
    std::int16_t epoch = -1;
    auto operator<=>(const Producer&) const = default;
};

}  // namespace millrace::model

template <>
struct fmt::formatter<millrace::model::PartitionId> : fmt::formatter<std::int32_t> {
    auto format(millrace::model::PartitionId id, fmt::format_context& context) const {
        return fmt::formatter<std::int32_t>::format(id.value, context);
    }
};
template <>
struct fmt::formatter<millrace::model::Offset> : fmt::formatter<std::int64_t> {
    auto format(millrace::model::Offset offset, fmt::format_context& context) const {
        return fmt::formatter<std::int64_t>::format(offset.value, context);
    }
};
template <>
struct fmt::formatter<millrace::model::LeaderEpoch> : fmt::formatter<std::int32_t> {
    auto format(millrace::model::LeaderEpoch epoch, fmt::format_context& context) const {
        return fmt::formatter<std::int32_t>::format(epoch.value, context);
    }
};
template <>
struct fmt::formatter<millrace::model::Timestamp> : fmt::formatter<std::int64_t> {
    auto format(millrace::model::Timestamp timestamp, fmt::format_context& context) const {
        return fmt::formatter<std::int64_t>::format(timestamp.ms, context);
    }
};
