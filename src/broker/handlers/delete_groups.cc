// DeleteGroups 0-2: groups without members go, with all that they committed.
#include "kafka/messages/delete_groups.h"

#include <set>
#include <utility>

#include "broker/call.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/share_rules.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {

Task<kafka::DeleteGroupsResponse> delete_groups(Call& call, kafka::DeleteGroupsRequest request) {
    kafka::DeleteGroupsResponse response;
    std::set<std::string> answered;  // The answer names each group once, as Kafka's does.
    for (std::string& group : request.groups_names) {
        if (!answered.insert(group).second) continue;
        const auto shard = co_await call.services.groups.shard(group);
        kafka::ErrorCode error;
        if (shard) {
            const bool share = co_await runtime::call_on(
                (*shard)->loop(), [&] { return (*shard)->share_groups().contains(group); });
            error = share ? co_await delete_share_group(call.services, **shard, group)
                          : co_await runtime::call_on((*shard)->loop(),
                                                      [&] { return (*shard)->remove(group); });
        } else {
            error = to_coordinator_error(base::fail(shard.error()));
        }
        response.results.push_back({std::move(group), error});
    }
    co_return response;
}

}  // namespace millrace::broker
