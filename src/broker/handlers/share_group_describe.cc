// ShareGroupDescribe 1: state, members and assignments of share groups.
#include "kafka/messages/share_group_describe.h"

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/share_rules.h"
#include "broker/handlers/topic_rules.h"
#include "broker/services.h"
#include "broker/share/share_groups.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Answer = kafka::ShareGroupDescribeResponse::DescribedGroup;

void fill(const Catalog& catalog, const ShareGroup& group, Answer& answer) {
    const ShareGroupData& data = group.data();
    answer.group_state = group.empty() ? "Empty" : "Stable";
    answer.group_epoch = data.epoch;
    answer.assignment_epoch = data.assignment_epoch;
    answer.assignor_name = "simple";
    for (const auto& [id, member] : data.members) {
        auto& one = answer.members.emplace_back();
        one.member_id = id;
        one.rack_id = member.rack_id;
        one.member_epoch = member.epoch;
        one.client_id = member.client_id;
        one.client_host = member.client_host;
        one.subscribed_topic_names = member.subscribed;
        for (const auto& [topic_id, partitions] : member.assigned) {
            const auto topic = catalog.find(topic_id);
            if (!topic) continue;
            one.assignment.topic_partitions.push_back({topic_id, topic->name(), partitions});
        }
    }
}

Task<Answer> describe(Call& call, std::string id) {
    Answer answer;
    answer.group_id = id;
    if (!shares_enabled(call.services)) {
        answer.error_code = ErrorCode::kUnsupportedVersion;
        co_return answer;
    }
    if (id.empty()) {
        answer.error_code = ErrorCode::kInvalidGroupId;
        co_return answer;
    }
    const auto shard = co_await call.services.groups.shard(id);
    if (!shard) {
        answer.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return answer;
    }
    co_await runtime::call_on((*shard)->loop(), [&] {
        const ShareGroup* group = (*shard)->share_groups().find(id);
        if (group) return fill(call.services.catalog, *group, answer);
        answer.error_code = ErrorCode::kGroupIdNotFound;
        answer.error_message = (*shard)->contains(id) ? "Group " + id + " is not a share group."
                                                      : "Group " + id + " not found.";
    });
    co_return answer;
}

}  // namespace

Task<kafka::ShareGroupDescribeResponse> share_group_describe(
    Call& call, kafka::ShareGroupDescribeRequest request) {
    kafka::ShareGroupDescribeResponse response;
    for (const std::string& id : request.group_ids) {
        Answer answer = co_await describe(call, id);
        if (request.include_authorized_operations && answer.error_code == ErrorCode::kNone) {
            answer.authorized_operations = kGroupOperations;
        }
        response.groups.push_back(std::move(answer));
    }
    co_return response;
}

}  // namespace millrace::broker
