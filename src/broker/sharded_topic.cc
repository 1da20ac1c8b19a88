#include "broker/sharded_topic.h"

namespace millrace::broker {
namespace {

// Java's String.hashCode() over UTF-16 units; bad UTF-8 counts byte by byte.
std::int32_t java_hash(const std::string& text) {
    std::uint32_t hash = 0;
    const auto add = [&](std::uint32_t unit) { hash = 31 * hash + unit; };
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<std::uint8_t>(text[at]);
        const std::size_t length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
        if (length == 1 || at + length > text.size()) {
            add(byte);
            ++at;
            continue;
        }
        std::uint32_t point = byte & (0xffu >> (length + 1));
        for (std::size_t next = 1; next < length; ++next) {
            point = point << 6 | (static_cast<std::uint8_t>(text[at + next]) & 0x3fu);
        }
        at += length;
        if (point >= 0x10000) {
            add(0xd800 + ((point - 0x10000) >> 10));
            add(0xdc00 + ((point - 0x10000) & 0x3ff));
        } else {
            add(point);
        }
    }
    return static_cast<std::int32_t>(hash);
}

}  // namespace

std::int32_t partition_of_key(const std::string& key, std::int32_t partitions) {
    const std::int32_t hash = java_hash(key);
    // Kafka's Utils.abs: the smallest number has no positive counterpart and becomes 0.
    const std::int32_t positive = hash == INT32_MIN ? 0 : hash < 0 ? -hash : hash;
    return positive % partitions;
}

}  // namespace millrace::broker
