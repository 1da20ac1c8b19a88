// OffsetCommit 2-10: how far a group has read, durable when answered. 6 adds leader epochs,
// 7 static members, 10 topic ids.
#include "kafka/messages/offset_commit.h"

#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {

using kafka::ErrorCode;

namespace {

// As Java counts: offset.metadata.max.bytes is in truth a number of UTF-16 units.
std::size_t utf16_length(const std::string& text) {
    std::size_t units = 0;
    for (const char c : text) {
        const auto byte = static_cast<std::uint8_t>(c);
        units += (byte & 0xc0) == 0x80 ? 0 : byte >= 0xf0 ? 2 : 1;
    }
    return units;
}

}  // namespace

Task<kafka::OffsetCommitResponse> offset_commit(Call& call, kafka::OffsetCommitRequest request) {
    const auto max_metadata =
        static_cast<std::size_t>(call.services.options.offset_metadata_max_bytes);
    const Catalog& catalog = call.services.catalog;
    const bool by_id = call.version() >= 10;
    kafka::OffsetCommitResponse response;
    std::vector<OffsetWrite> writes;
    std::vector<ErrorCode*> written;    // Where the outcome of each goes.
    std::vector<ErrorCode*> too_large;  // The same, of those that are not written in any case.
    for (const auto& asked : request.topics) {
        auto& answer = response.topics.emplace_back();
        answer.name = asked.name;
        answer.topic_id = asked.topic_id;
        for (const auto& partition : asked.partitions) {
            answer.partitions.emplace_back().partition_index = partition.partition_index;
        }
    }
    // Only now do the answers stay where they are.
    for (std::size_t t = 0; t < request.topics.size(); ++t) {
        auto& asked = request.topics[t];
        const auto topic = by_id ? catalog.find(asked.topic_id) : catalog.find(asked.name);
        for (std::size_t p = 0; p < asked.partitions.size(); ++p) {
            auto& partition = asked.partitions[p];
            ErrorCode& error = response.topics[t].partitions[p].error_code;
            if (!topic && by_id) {
                error = ErrorCode::kUnknownTopicId;
            } else if (!topic || !topic->partition(partition.partition_index)) {
                error = ErrorCode::kUnknownTopicOrPartition;
            } else if (utf16_length(partition.committed_metadata.value_or("")) > max_metadata) {
                too_large.push_back(&error);
            } else {
                writes.push_back({{topic->name(), partition.partition_index},
                                  partition.committed_offset,
                                  partition.committed_leader_epoch,
                                  partition.committed_metadata.value_or("")});
                written.push_back(&error);
            }
        }
    }
    if (written.empty() && too_large.empty()) co_return response;
    const auto shard = co_await call.services.groups.shard(request.group_id);
    ErrorCode outcome;
    if (shard) {
        Committer committer{request.member_id, request.group_instance_id,
                            request.generation_id_or_member_epoch, call.version()};
        outcome = co_await runtime::call_on((*shard)->loop(), [&] {
            return (*shard)->commit(request.group_id, std::move(committer), std::move(writes));
        });
    } else {
        outcome = to_coordinator_error(base::fail(shard.error()));
    }
    if (outcome == ErrorCode::kGroupIdNotFound && call.version() < 9) {
        outcome = ErrorCode::kIllegalGeneration;  // What older clients expect of an unknown group.
    }
    for (ErrorCode* error : written) *error = outcome;
    for (ErrorCode* error : too_large) {
        *error = outcome == ErrorCode::kNone ? ErrorCode::kOffsetMetadataTooLarge : outcome;
    }
    co_return response;
}

}  // namespace millrace::broker
