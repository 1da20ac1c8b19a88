// Any bytes as records of internal topics: what a damaged disk, or another program that wrote
// there, may give a server that starts. Read or passed over, never a crash.
//
// The first byte tells how long the key is, the rest is the value; where that byte is odd there is
// none. The mutator puts the version of a kind of record in front now and then: from noise alone a
// fuzzer would rarely meet one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "broker/catalog/metadata_records.h"
#include "broker/group/consumer/consumer_group.h"
#include "broker/group/consumer/consumer_group_log.h"
#include "broker/group/limits.h"
#include "broker/group/offsets_log.h"
#include "broker/group/streams/streams_group.h"
#include "broker/group/streams/streams_group_log.h"
#include "broker/group/subscription.h"
#include "broker/share/share_group.h"
#include "broker/share/share_group_log.h"
#include "broker/transaction/transaction_log.h"

using namespace millrace;
using base::ByteView;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

// A key begins with the number of its kind, and so does a value with its version.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
    constexpr unsigned int kKinds = 32;
    constexpr unsigned int kFreshOneIn = 8;
    size = LLVMFuzzerMutate(data, size, max_size);
    if (size < 3 || seed % kFreshOneIn != 0) return size;
    data[1] = 0;
    data[2] = static_cast<std::uint8_t>(seed / kFreshOneIn % kKinds);
    return size;
}

namespace {

class NoTopics : public broker::TopicSource {
public:
    std::uint64_t version() const override { return 1; }
    std::optional<Info> find(const std::string&) const override { return std::nullopt; }
    std::optional<std::string> name_of(const kafka::Uuid&) const override { return std::nullopt; }
    std::vector<std::string> names() const override { return {}; }
};

void load_groups(ByteView key, std::optional<ByteView> value) {
    const NoTopics topics;
    if (const auto known = broker::decode_consumer_key(key)) {
        const broker::ConsumerGroupLimits limits;
        broker::ConsumerGroup group(known->group, limits, topics);
        static_cast<void>(broker::restore_consumer_record(group, *known, value));
    }
    if (const auto known = broker::decode_streams_key(key)) {
        const broker::StreamsGroupLimits limits;
        broker::StreamsGroup group(known->group, limits, topics);
        static_cast<void>(broker::restore_streams_record(group, *known, value));
    }
    std::map<std::string, broker::ShareGroupData> shares;
    static_cast<void>(broker::load_share_group_record(key, value, shares));
}

// What is read is written in a form that is read again.
void load_values(ByteView value) {
    if (const auto offset = broker::decode_offset_value(value)) {
        MR_CHECK(broker::decode_offset_value(broker::offset_value(*offset)));
    }
    if (const auto group = broker::decode_group_value(value)) {
        MR_CHECK(broker::decode_group_value(broker::group_value(*group)));
    }
    if (const auto data = broker::decode_transaction_value(value)) {
        MR_CHECK(broker::decode_transaction_value(broker::transaction_value(*data)));
    }
    static_cast<void>(broker::subscribed_topics_of(value));
    static_cast<void>(broker::decode_subscription(value));
    if (const auto assigned = broker::decode_assignment(value)) {
        const auto version = std::max<std::int16_t>(broker::consumer_protocol_version(value), 0);
        MR_CHECK(broker::decode_assignment(broker::encode_assignment(*assigned, version)));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const ByteView rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const ByteView key = rest.substr(0, std::min<std::size_t>(data[0] / 2, rest.size()));
    const ByteView content = rest.substr(key.size());
    const auto value = data[0] % 2 == 1 ? std::nullopt : std::optional(content);
    static_cast<void>(broker::decode_key(key));
    static_cast<void>(broker::decode_transaction_key(key));
    broker::LoadedMetadata metadata;
    metadata.apply(key, value);
    load_groups(key, value);
    load_values(content);
    return 0;
}
