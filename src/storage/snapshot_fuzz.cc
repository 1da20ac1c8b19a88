// Any bytes as the small files of a log: read or refused, and what was read is written the same.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/crc32c.h"
#include "storage/leader_epochs.h"
#include "storage/producer_state.h"
#include "storage/segment.h"
#include "storage/snapshot.h"

using namespace millrace;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::ByteView input(reinterpret_cast<const char*>(data), size);
    static_cast<void>(storage::Snapshot::decode(input));
    static_cast<void>(storage::segment_base_of(input, ".log"));
    if (const auto epochs = storage::LeaderEpochs::parse(input)) {
        const auto again = storage::LeaderEpochs::parse(storage::LeaderEpochs::format(*epochs));
        MR_CHECK(again && *again == *epochs);
    }
    if (const auto producers = storage::ProducerState::decode(input)) {
        base::Bytes bytes;
        producers->encode(bytes);
        const auto again = storage::ProducerState::decode(bytes);
        MR_CHECK(again && again->size() == producers->size());
    }
    for (const std::uint64_t count : {0, 1, 2}) {
        auto aborted = storage::AbortedIndex::parse(input, count);
        if (!aborted) continue;
        const auto again = storage::AbortedIndex::parse(aborted->take_content(), count);
        MR_CHECK(again && again->size() == count);
    }
    // With a checksum that holds, so that what lies behind it is reached.
    base::Bytes snapshot = storage::Snapshot{}.encode().substr(0, 12) + base::Bytes(input);
    base::store_big_endian(snapshot.data() + 8, base::crc32c(base::ByteView(snapshot).substr(12)));
    static_cast<void>(storage::Snapshot::decode(snapshot));
    return 0;
}
