#include "storage/compaction/key_map.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace millrace::storage {
namespace {

__extension__ using Product = unsigned __int128;

struct SipState {
    std::uint64_t v0, v1, v2, v3;

    void round() {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }
    void take(std::uint64_t word) {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    }
    std::uint64_t finish() {
        for (int i = 0; i < 4; ++i) round();
        return v0 ^ v1 ^ v2 ^ v3;
    }
};

}  // namespace

KeyHash hash_key(base::ByteView key, const KeySeed& seed) {
    SipState state{seed.low ^ 0x736f6d6570736575, seed.high ^ 0x646f72616e646f6d ^ 0xee,
                   seed.low ^ 0x6c7967656e657261, seed.high ^ 0x7465646279746573};
    const char* at = key.data();
    std::size_t left = key.size();
    for (; left >= 8; left -= 8, at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, 8);
        state.take(word);
    }
    std::uint64_t last = static_cast<std::uint64_t>(key.size()) << 56;
    for (std::size_t i = 0; i < left; ++i) {
        last |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(at[i])) << (8 * i);
    }
    state.take(last);
    state.v2 ^= 0xee;
    KeyHash hash;
    hash.low = state.finish();
    state.v1 ^= 0xdd;
    hash.high = state.finish();
    return hash;
}

KeyMap::KeyMap(std::size_t max_bytes, std::uint64_t expected_keys, const KeySeed& seed)
    : seed_(seed) {
    // Half of the slots stay free where memory allows: then a search ends at once.
    const std::uint64_t allowed = std::max<std::uint64_t>(max_bytes / kSlotBytes, 2);
    const std::uint64_t wanted = 2 * std::min(expected_keys, allowed) + 2;
    slots_.resize(static_cast<std::size_t>(std::min(allowed, wanted)));
    most_ = std::max<std::size_t>(
        1, static_cast<std::size_t>(static_cast<double>(slots_.size()) * kLoadFactor));
}

std::size_t KeyMap::place_of(const KeyHash& hash) const {
    const std::size_t count = slots_.size();
    auto at = static_cast<std::size_t>((static_cast<Product>(hash.low) * count) >> 64);
    while (slots_[at].offset >= 0 && slots_[at].hash != hash) {
        if (++at == count) at = 0;
    }
    return at;
}

bool KeyMap::put(base::ByteView key, model::Offset offset) {
    const KeyHash hash = hash_key(key, seed_);
    Slot& slot = slots_[place_of(hash)];
    if (slot.offset < 0) {
        if (used_ >= most_) return false;
        ++used_;
        slot.hash = hash;
    }
    slot.offset = offset.value;
    return true;
}

std::optional<model::Offset> KeyMap::find(base::ByteView key) const {
    const Slot& slot = slots_[place_of(hash_key(key, seed_))];
    if (slot.offset < 0) return std::nullopt;
    return model::Offset{slot.offset};
}

}  // namespace millrace::storage
