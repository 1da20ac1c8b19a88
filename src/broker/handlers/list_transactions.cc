// ListTransactions 0-2: which transactional ids there are. 1 adds a filter by how long a
// transaction runs, 2 one by the pattern of their names.
#include "kafka/messages/list_transactions.h"

#include <algorithm>
#include <optional>
#include <set>

#include "broker/call.h"
#include "broker/group/consumer/topic_pattern.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/transaction/coordinator.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

struct Filter {
    std::set<std::string_view> states;
    bool any_state = true;
    std::set<std::int64_t> producer_ids;
    std::int64_t longer_than_ms = -1;
    std::optional<TopicPattern> pattern = std::nullopt;

    bool takes(const std::string& id, const TransactionData& data, std::int64_t now_ms) const {
        if (pattern && !pattern->matches(id)) return false;
        if (!producer_ids.empty() && !producer_ids.contains(data.producer_id)) return false;
        if (!any_state && !states.contains(state_name(data.state))) return false;
        return longer_than_ms < 0 || now_ms - data.start_ms > longer_than_ms;
    }
};

}  // namespace

Task<kafka::ListTransactionsResponse> list_transactions(Call& call,
                                                        kafka::ListTransactionsRequest request) {
    kafka::ListTransactionsResponse response;
    Filter filter{
        .states = {},
        .any_state = request.state_filters.empty(),
        .producer_ids = {request.producer_id_filters.begin(), request.producer_id_filters.end()},
        .longer_than_ms = request.duration_filter};
    if (const auto& text = request.transactional_id_pattern; text && !text->empty()) {
        auto pattern = TopicPattern::compile(*text);
        if (!pattern) {
            response.error_code = kafka::ErrorCode::kInvalidRegularExpression;
            co_return response;
        }
        filter.pattern = std::move(*pattern);
    }
    for (const std::string& name : request.state_filters) {
        if (is_state_name(name)) {
            filter.states.insert(name);
        } else {
            response.unknown_state_filters.push_back(name);
        }
    }
    const std::int64_t now_ms = call.services.clock.wall_ms();
    for (TransactionShard* shard : call.services.transactions.shards()) {
        const auto all =
            co_await runtime::call_on(shard->loop(), [shard] { return shard->list(); });
        for (const auto& [id, data] : all) {
            if (!filter.takes(id, data, now_ms)) continue;
            response.transaction_states.push_back(
                {id, data.producer_id, std::string(state_name(data.state))});
        }
    }
    co_return response;
}

}  // namespace millrace::broker
