// DescribeGroups 0-6: state and members of groups. 3 adds operations, 4 static members, 6 an error
// for unknown groups in place of the state "Dead".
#include "kafka/messages/describe_groups.h"

#include "broker/call.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;

Task<kafka::DescribeGroupsResponse::DescribedGroup> describe(Call& call, std::string id) {
    kafka::DescribeGroupsResponse::DescribedGroup answer;
    answer.group_id = id;
    const auto shard = co_await call.services.groups.shard(id);
    if (!shard) {
        answer.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return answer;
    }
    const auto group =
        co_await runtime::call_on((*shard)->loop(), [&] { return (*shard)->describe(id); });
    if (!group) {
        answer.group_state = state_name(Group::State::kDead);
        if (call.version() >= 6) {
            answer.error_code = ErrorCode::kGroupIdNotFound;
            answer.error_message = "Group " + id + " not found.";
        }
        co_return answer;
    }
    answer.group_state = group->overview.state;
    answer.protocol_type = group->overview.protocol_type;
    answer.protocol_data = group->protocol_name;
    for (const auto& member : group->members) {
        answer.members.push_back({member.id, member.instance_id, member.client_id,
                                  member.client_host, member.metadata, member.assignment});
    }
    co_return answer;
}

}  // namespace

Task<kafka::DescribeGroupsResponse> describe_groups(Call& call,
                                                    kafka::DescribeGroupsRequest request) {
    kafka::DescribeGroupsResponse response;
    for (const std::string& id : request.groups) {
        response.groups.push_back(co_await describe(call, id));
        const bool found = response.groups.back().error_code == ErrorCode::kNone;
        if (request.include_authorized_operations && found) {
            response.groups.back().authorized_operations = kGroupOperations;
        }
    }
    co_return response;
}

}  // namespace millrace::broker
