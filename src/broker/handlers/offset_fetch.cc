// OffsetFetch 1-10: how far groups have read; offset -1 and no error where nothing was committed,
// for unknown groups too. 2 adds all topics by null, 5 leader epochs, 7 stable offsets, 8 several
// groups, 9 the member that asks, 10 topic ids.
#include "kafka/messages/offset_fetch.h"

#include <map>
#include <utility>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using AskedGroup = kafka::OffsetFetchRequest::Group;
using Answer = kafka::OffsetFetchResponse::Group;
using AnswerPartition = Answer::Topic::Partition;

AnswerPartition to_answer(std::int32_t index, const std::optional<CommittedOffset>& committed) {
    AnswerPartition answer;
    answer.partition_index = index;
    answer.committed_offset = committed ? committed->offset : -1;
    answer.committed_leader_epoch = committed ? committed->leader_epoch : -1;
    answer.metadata = committed ? committed->metadata : "";
    return answer;
}

// What is told of an offset that an open transaction may still change.
AnswerPartition unstable(std::int32_t index) {
    AnswerPartition answer = to_answer(index, std::nullopt);
    answer.error_code = ErrorCode::kUnstableOffsetCommit;
    return answer;
}

Task<Answer> fetch_all(Call& call, GroupShard& shard, std::string group, bool require_stable) {
    std::vector<bool> open;
    const auto offsets = co_await runtime::call_on(shard.loop(), [&] {
        auto all = shard.fetch_all(group);
        for (const auto& [name, committed] : all) open.push_back(shard.unstable(group, name));
        return all;
    });
    std::size_t at = 0;
    Answer answer;
    answer.group_id = group;
    for (const auto& [name, committed] : offsets) {
        if (answer.topics.empty() || answer.topics.back().name != name.topic) {
            auto& topic = answer.topics.emplace_back();
            topic.name = name.topic;
            if (const auto known = call.services.catalog.find(name.topic)) {
                topic.topic_id = known->record.id;
            }
        }
        const bool may_change = require_stable && open[at++];
        answer.topics.back().partitions.push_back(
            may_change ? unstable(name.partition) : to_answer(name.partition, committed));
    }
    co_return answer;
}

Task<Answer> fetch_some(Call& call, GroupShard& shard, AskedGroup asked, bool require_stable) {
    const bool by_id = call.version() >= 10;
    Answer answer;
    answer.group_id = asked.group_id;
    std::vector<OffsetName> names;
    for (auto& topic : *asked.topics) {
        auto& answered = answer.topics.emplace_back();
        answered.topic_id = topic.topic_id;
        answered.name = topic.name;
        if (by_id) {
            const auto known = call.services.catalog.find(topic.topic_id);
            if (known) answered.name = known->name();
        }
        for (const std::int32_t index : topic.partition_indexes) {
            names.push_back({answered.name, index});
        }
    }
    std::vector<bool> open;
    const auto offsets = co_await runtime::call_on(shard.loop(), [&] {
        for (const auto& name : names) open.push_back(shard.unstable(asked.group_id, name));
        return shard.fetch(asked.group_id, names);
    });
    std::size_t at = 0;
    for (std::size_t t = 0; t < asked.topics->size(); ++t) {
        auto& answered = answer.topics[t];
        for (const std::int32_t index : (*asked.topics)[t].partition_indexes) {
            const bool may_change = require_stable && open[at];
            answered.partitions.push_back(may_change ? unstable(index)
                                                     : to_answer(index, offsets[at]));
            ++at;
            if (by_id && answered.name.empty()) {
                answered.partitions.back().error_code = ErrorCode::kUnknownTopicId;
            }
        }
    }
    co_return answer;
}

Task<Answer> fetch_group(Call& call, AskedGroup asked, bool require_stable) {
    const auto shard = co_await call.services.groups.shard(asked.group_id);
    if (!shard) {
        Answer answer;
        answer.group_id = asked.group_id;
        answer.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return answer;
    }
    if (call.version() >= 9) {
        const ErrorCode allowed = co_await runtime::call_on((*shard)->loop(), [&] {
            return (*shard)->may_fetch(asked.group_id, asked.member_id, asked.member_epoch);
        });
        if (allowed != ErrorCode::kNone) {
            Answer answer;
            answer.group_id = asked.group_id;
            answer.error_code = allowed;
            co_return answer;
        }
    }
    if (!asked.topics) co_return co_await fetch_all(call, **shard, asked.group_id, require_stable);
    co_return co_await fetch_some(call, **shard, std::move(asked), require_stable);
}

}  // namespace

Task<kafka::OffsetFetchResponse> offset_fetch(Call& call, kafka::OffsetFetchRequest request) {
    kafka::OffsetFetchResponse response;
    if (call.version() >= 8) {
        for (AskedGroup& asked : request.groups) {
            response.groups.push_back(
                co_await fetch_group(call, std::move(asked), request.require_stable));
        }
        co_return response;
    }
    AskedGroup asked;
    asked.group_id = request.group_id;
    asked.topics.reset();
    if (request.topics) {
        asked.topics.emplace();
        for (auto& topic : *request.topics) {
            auto& one = asked.topics->emplace_back();
            one.name = std::move(topic.name);
            one.partition_indexes = std::move(topic.partition_indexes);
        }
    }
    Answer answer = co_await fetch_group(call, std::move(asked), request.require_stable);
    response.error_code = answer.error_code;
    for (auto& topic : answer.topics) {
        auto& one = response.topics.emplace_back();
        one.name = std::move(topic.name);
        for (auto& partition : topic.partitions) {
            one.partitions.push_back({partition.partition_index, partition.committed_offset,
                                      partition.committed_leader_epoch,
                                      std::move(partition.metadata), partition.error_code});
        }
    }
    co_return response;
}

}  // namespace millrace::broker
