// KeyMap: the latest offset of every key in the part of a log that is to be cleaned, in bounded
// memory.
//
// It keeps a hash of 128 bits instead of the key: SipHash under a random seed, so that nobody can
// write two keys that count as one, which would lose a record. put() says when the map is full; the
// round of cleaning then ends there and the rest waits for the next one.
// Not thread-safe: one round of cleaning has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "model/types.h"

namespace millrace::storage {

// SipHash-2-4 with 128 bits of output.
struct KeyHash {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const KeyHash&) const = default;
};
struct KeySeed {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};
KeyHash hash_key(base::ByteView key, const KeySeed& seed);

class KeyMap {
public:
    static constexpr std::size_t kSlotBytes = 24;
    // At most this share of the slots is used: beyond it searches get long.
    static constexpr double kLoadFactor = 0.9;

    // Never more than `max_bytes`, and less when `expected_keys` are few.
    KeyMap(std::size_t max_bytes, std::uint64_t expected_keys, const KeySeed& seed);

    // False, and nothing changes, when the key is new and there is no room for it.
    bool put(base::ByteView key, model::Offset offset);
    std::optional<model::Offset> find(base::ByteView key) const;

    std::size_t size() const { return used_; }
    std::size_t size_bytes() const { return slots_.size() * kSlotBytes; }

private:
    struct Slot {
        KeyHash hash;
        std::int64_t offset = -1;  // -1: free.
    };
    static_assert(sizeof(Slot) == kSlotBytes);
    // The slot that has the key, or the free one where it belongs.
    std::size_t place_of(const KeyHash& hash) const;

    KeySeed seed_;
    std::vector<Slot> slots_;
    std::size_t most_ = 0;
    std::size_t used_ = 0;
};

}  // namespace millrace::storage
