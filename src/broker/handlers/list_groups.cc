// ListGroups 0-5: all groups. 4 filters by state, 5 by type.
#include "kafka/messages/list_groups.h"

#include <algorithm>

#include "broker/call.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

bool same_word(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) ==
               std::tolower(static_cast<unsigned char>(y));
    });
}

bool passes(const std::vector<std::string>& filter, std::string_view word) {
    return filter.empty() ||
           std::ranges::any_of(filter, [&](const auto& one) { return same_word(one, word); });
}

}  // namespace

Task<kafka::ListGroupsResponse> list_groups(Call& call, kafka::ListGroupsRequest request) {
    kafka::ListGroupsResponse response;
    for (GroupShard* shard : call.services.groups.shards()) {
        const auto groups =
            co_await runtime::call_on(shard->loop(), [shard] { return shard->list(); });
        for (const GroupOverview& group : groups) {
            if (!passes(request.states_filter, group.state)) continue;
            if (!passes(request.types_filter, group.type)) continue;
            auto& one = response.groups.emplace_back();
            one.group_id = group.id;
            one.protocol_type = group.protocol_type;
            one.group_state = group.state;
            one.group_type = group.type;
        }
    }
    co_return response;
}

}  // namespace millrace::broker
