// What the handlers of share groups have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/call.h"
#include "broker/share/share_partitions.h"
#include "broker/share/share_sessions.h"
#include "config/group_options.h"
#include "runtime/task.h"

namespace millrace::broker {

class GroupShard;
class Partition;
struct Services;

// Share groups are a feature that can be taken out (share.version); then they are refused with
// UNSUPPORTED_VERSION.
bool shares_enabled(const Services& services);

// What is configured for the group, or else for all.
config::GroupOptions group_options(const Services& services, const std::string& group);

// Offsets of a share group change only while it has no members: NON_EMPTY_GROUP,
// GROUP_ID_NOT_FOUND. `may_make`: the group need not be there yet.
runtime::Task<ShareOutcome> may_change_offsets(GroupShard& shard, std::string group, bool may_make);

// A share group without members goes, with its positions: NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND.
runtime::Task<ErrorCode> delete_share_group(const Services& services, GroupShard& shard,
                                            std::string group);

// Acknowledgements of one partition, as a request has them.
struct ShareAcknowledgement {
    SharePartitionName name;
    std::vector<AcknowledgeBatch> batches;
};

template <class Batches>
ShareAcknowledgement to_acknowledgement(const kafka::Uuid& topic, std::int32_t partition,
                                        const Batches& batches) {
    ShareAcknowledgement one{{topic, partition}, {}};
    for (const auto& batch : batches) {
        one.batches.push_back({batch.first_offset, batch.last_offset, batch.acknowledge_types});
    }
    return one;
}

// The partition, or why there is none.
struct FoundPartition {
    std::shared_ptr<Partition> partition;
    ShareOutcome outcome;
};
FoundPartition find_partition(const Services& services, const SharePartitionName& name);

// All at once; the outcomes in the same order, when what was acknowledged is durable. Without
// `renew`, no lock may be renewed.
runtime::Task<std::vector<ShareOutcome>> acknowledge_shares(
    const Services& services, std::string group, std::string member,
    std::vector<ShareAcknowledgement> acknowledgements, bool renew);

}  // namespace millrace::broker
