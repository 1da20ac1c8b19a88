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
    const auto add = [&](const std::string& id, std::string_view protocol, std::string_view state,
                         std::string_view type) {
        if (!passes(request.types_filter, type) || !passes(request.states_filter, state)) return;
        auto& one = response.groups.emplace_back();
        one.group_id = id;
        one.protocol_type = protocol;
        one.group_state = state;
        one.group_type = type;
    };
    for (GroupShard* shard : call.services.groups.shards()) {
        const auto groups =
            co_await runtime::call_on(shard->loop(), [shard] { return shard->list(); });
        for (const GroupOverview& group : groups) {
            add(group.id, group.protocol_type, group.state, group.type);
        }
        co_await runtime::call_on(shard->loop(), [&] {
            for (const ShareGroup* group : shard->share_groups().all()) {
                add(group->id(), "share", group->empty() ? "Empty" : "Stable", "share");
            }
        });
    }
    co_return response;
}

}  // namespace millrace::broker
