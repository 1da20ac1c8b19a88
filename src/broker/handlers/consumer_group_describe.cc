// ConsumerGroupDescribe 0-1: members and assignments of consumer groups. 1 adds which protocol a
// member speaks (KIP-1099).
#include "kafka/messages/consumer_group_describe.h"

#include <utility>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Answer = kafka::ConsumerGroupDescribeResponse::DescribedGroup;

// Topics that are gone meanwhile have no name, and are left out as in Kafka.
template <class Topics>
void add_topic(const Catalog& catalog, const kafka::Uuid& id, std::vector<std::int32_t> partitions,
               Topics& into) {
    const auto topic = catalog.find(id);
    if (!topic) return;
    into.push_back({id, topic->name(), std::move(partitions)});
}

Answer::Member to_member(const Catalog& catalog,
                         const ConsumerGroupDescription::Member& described) {
    const ConsumerMember& member = described.member;
    Answer::Member answer;
    answer.member_id = member.id;
    answer.instance_id = member.instance_id;
    answer.rack_id = member.rack_id;
    answer.member_epoch = member.epoch;
    answer.client_id = member.client_id;
    answer.client_host = member.client_host;
    answer.subscribed_topic_names.assign(member.topics.begin(), member.topics.end());
    answer.subscribed_topic_regex = member.regex;  // Empty where there is none, as in Kafka.
    for (const auto& [topic, partitions] : member.assigned) {
        std::vector<std::int32_t> indexes;
        for (const auto& [partition, since] : partitions) indexes.push_back(partition);
        add_topic(catalog, topic, std::move(indexes), answer.assignment.topic_partitions);
    }
    for (const auto& [topic, partitions] : described.target) {
        add_topic(catalog, topic, {partitions.begin(), partitions.end()},
                  answer.target_assignment.topic_partitions);
    }
    answer.member_type = member.classic ? 0 : 1;
    return answer;
}

Task<Answer> describe(Call& call, std::string id) {
    Answer answer;
    answer.group_id = id;
    if (id.empty()) {
        answer.error_code = ErrorCode::kInvalidGroupId;
        co_return answer;
    }
    const auto shard = co_await call.services.groups.shard(id);
    if (!shard) {
        answer.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return answer;
    }
    const ConsumerGroupDescription group = co_await runtime::call_on(
        (*shard)->loop(), [&] { return (*shard)->describe_consumer(id); });
    answer.error_code = group.error;
    if (group.error != ErrorCode::kNone) {
        if (!group.message.empty()) answer.error_message = group.message;
        co_return answer;
    }
    answer.group_state = group.state;
    answer.group_epoch = group.epoch;
    answer.assignment_epoch = group.target_epoch;
    answer.assignor_name = group.assignor;
    for (const auto& member : group.members) {
        answer.members.push_back(to_member(call.services.catalog, member));
    }
    co_return answer;
}

}  // namespace

Task<kafka::ConsumerGroupDescribeResponse> consumer_group_describe(
    Call& call, kafka::ConsumerGroupDescribeRequest request) {
    kafka::ConsumerGroupDescribeResponse response;
    for (const std::string& id : request.group_ids) {
        response.groups.push_back(co_await describe(call, id));
        const bool found = response.groups.back().error_code == ErrorCode::kNone;
        if (request.include_authorized_operations && found) {
            response.groups.back().authorized_operations = kGroupOperations;
        }
    }
    co_return response;
}

}  // namespace millrace::broker
