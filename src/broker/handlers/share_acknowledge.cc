// ShareAcknowledge 1-2: what became of acquired records. 2 renews locks.
#include "kafka/messages/share_acknowledge.h"

#include <utility>

#include "broker/call.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/share_rules.h"
#include "broker/services.h"
#include "broker/share/share_service.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::ShareAcknowledgeResponse> share_acknowledge(Call& call,
                                                        kafka::ShareAcknowledgeRequest request) {
    kafka::ShareAcknowledgeResponse response;
    if (!shares_enabled(call.services)) {
        response.error_code = ErrorCode::kUnsupportedVersion;
        co_return response;
    }
    const std::string group = request.group_id.value_or("");
    const std::string member = request.member_id.value_or("");
    if (group.empty() || member.empty()) {
        response.error_code = ErrorCode::kInvalidRequest;
        co_return response;
    }
    ShareService& shares = call.services.shares;
    const std::int32_t epoch = request.share_session_epoch;
    response.error_code = shares.sessions().acknowledge(group, member, epoch);
    if (response.error_code != ErrorCode::kNone) co_return response;
    response.acquisition_lock_timeout_ms =
        group_options(call.services, group).share_record_lock_duration_ms;
    std::vector<ShareAcknowledgement> acknowledgements;
    for (const auto& topic : request.topics) {
        for (const auto& partition : topic.partitions) {
            acknowledgements.push_back(to_acknowledgement(topic.topic_id, partition.partition_index,
                                                          partition.acknowledgement_batches));
        }
    }
    const std::vector<ShareOutcome> outcomes = co_await acknowledge_shares(
        call.services, group, member, std::move(acknowledgements), request.is_renew_ack);
    std::size_t at = 0;
    for (const auto& topic : request.topics) {
        auto& answer = response.responses.emplace_back();
        answer.topic_id = topic.topic_id;
        for (const auto& partition : topic.partitions) {
            const ShareOutcome& outcome = outcomes.at(at++);
            auto& one = answer.partitions.emplace_back();
            one.partition_index = partition.partition_index;
            one.error_code = outcome.error;
            if (!outcome.message.empty()) one.error_message = outcome.message;
        }
    }
    if (epoch == ShareSessions::kClose) co_await shares.end(shares.sessions().end(group, member));
    co_return response;
}

}  // namespace millrace::broker
