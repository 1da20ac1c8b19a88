// ShareFetch 1-2: acquires records for a member of a share group, waiting for some where there are
// none. 2 adds acquire modes and renewing locks.
#include "kafka/messages/share_fetch.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "broker/call.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/share_rules.h"
#include "broker/partition.h"
#include "broker/services.h"
#include "broker/share/share_service.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Answer = kafka::ShareFetchResponse::ShareFetchableTopicResponse::PartitionData;
using Answers = std::map<SharePartitionName, Answer>;

// What one response holds at most, whatever the client asks for.
constexpr std::int64_t kMaxBytes = 64 << 20;
constexpr std::int8_t kBatches = 0;
constexpr std::int8_t kRecordLimit = 1;

Answer& answer_of(Answers& answers, const SharePartitionName& name) {
    Answer& answer = answers[name];
    answer.partition_index = name.partition;
    return answer;
}

// One fetch on its way through its partitions.
class Fetch {
public:
    Fetch(Call& call, const kafka::ShareFetchRequest& request, std::string group,
          std::string member)
        : call_(call),
          request_(request),
          group_(std::move(group)),
          options_(group_options(call.services, group_)),
          terms_{.member = std::move(member),
                 .batch_size = request.batch_size,
                 .record_limit = request.share_acquire_mode == kRecordLimit} {}

    // Acquires from the partitions in this order, and waits for records as the request says. Every
    // partition has an answer afterwards.
    Task<void> run(const std::vector<SharePartitionName>& names, Answers& answers);

private:
    struct Item {
        SharePartitionName name;
        std::shared_ptr<Partition> partition;
    };
    ShareKey key(const Item& item) const { return {group_, item.name.topic, item.name.partition}; }
    Task<bool> enough_readable(const std::vector<Item>& items,
                               const runtime::OneShot<void>& waiter);
    // One pass over all partitions.
    Task<void> acquire(const std::vector<Item>& items, Answers& answers);

    Call& call_;
    const kafka::ShareFetchRequest& request_;
    const std::string group_;
    const config::GroupOptions options_;
    ShareFetchTerms terms_;
    ShareBudget budget_;
    bool failed_ = false;
};

Task<bool> Fetch::enough_readable(const std::vector<Item>& items,
                                  const runtime::OneShot<void>& waiter) {
    std::int64_t found = 0;
    for (const Item& item : items) {
        SharePartitions& home = call_.services.shares.of(*item.partition);
        found += co_await runtime::call_on(home.loop(), [&] {
            return home.readable_bytes(key(item), item.partition, options_, request_.min_bytes,
                                       waiter);
        });
        if (found >= request_.min_bytes) co_return true;
    }
    co_return false;
}

Task<void> Fetch::acquire(const std::vector<Item>& items, Answers& answers) {
    for (const Item& item : items) {
        SharePartitions& home = call_.services.shares.of(*item.partition);
        ShareFetched fetched = co_await runtime::call_on(home.loop(), [&] {
            return home.fetch(key(item), item.partition, options_, terms_, budget_);
        });
        Answer& answer = answer_of(answers, item.name);
        answer.error_code = fetched.error;
        if (!fetched.message.empty()) answer.error_message = std::move(fetched.message);
        if (fetched.error != ErrorCode::kNone) failed_ = true;
        for (const AcquiredBatch& batch : fetched.acquired) {
            answer.acquired_records.push_back({batch.first, batch.last, batch.delivery_count});
        }
        if (fetched.records.empty()) continue;
        const base::Bytes& kept = call_.kept.emplace_back(std::move(fetched.records));
        answer.records = {.data = kept.data(), .size = kept.size()};
    }
}

Task<void> Fetch::run(const std::vector<SharePartitionName>& names, Answers& answers) {
    // What is in `kept` must not move: a response refers to it.
    call_.kept.reserve(call_.kept.size() + names.size());
    std::vector<Item> items;
    for (const SharePartitionName& name : names) {
        FoundPartition found = find_partition(call_.services, name);
        Answer& answer = answer_of(answers, name);
        if (found.partition) {
            items.push_back({name, std::move(found.partition)});
            continue;
        }
        answer.error_code = found.outcome.error;
        answer.error_message = std::move(found.outcome.message);
        failed_ = true;
    }
    if (request_.max_records <= 0 && !names.empty()) co_return;
    budget_.bytes_left = std::clamp<std::int64_t>(request_.max_bytes, 0, kMaxBytes);
    budget_.records_left = request_.max_records;
    runtime::Loop& here = *runtime::Loop::current();
    const std::int64_t deadline_ns =
        here.now_ns() + std::int64_t{std::max(request_.max_wait_ms, 0)} * 1'000'000;
    while (true) {
        runtime::OneShot<void> more;
        const bool may_wait = here.now_ns() < deadline_ns && !failed_ && !call_.abandoned;
        terms_.waiter.reset();
        if (may_wait) terms_.waiter = more;
        // More than one byte is asked for: then nothing is acquired until there is so much.
        const bool go = !may_wait || request_.min_bytes <= 1 || items.empty() ||
                        co_await enough_readable(items, more);
        if (go) co_await acquire(items, answers);
        const std::int64_t left_ns = deadline_ns - here.now_ns();
        if (budget_.found || failed_ || !may_wait || left_ns <= 0 || call_.abandoned) {
            more.set();  // Nobody waits any more.
            co_return;
        }
        call_.waiting = more;
        (void)co_await more.wait_for(std::chrono::nanoseconds(left_ns));
        call_.waiting.reset();
        more.set();
        if (call_.abandoned) co_return;
    }
}

// What is wrong with the request in itself.
struct Refusal {
    ErrorCode error = ErrorCode::kNone;
    std::string message{};
};

Refusal refuse(const kafka::ShareFetchRequest& request) {
    if (request.group_id.value_or("").empty() || request.member_id.value_or("").empty()) {
        return {ErrorCode::kInvalidRequest};
    }
    const bool fetches = request.max_wait_ms != 0 || request.min_bytes != 0 ||
                         request.max_bytes != 0 || request.max_records != 0;
    if (request.is_renew_ack && fetches) {
        return {ErrorCode::kInvalidRequest,
                "MaxWaitMs, MinBytes, MaxBytes and MaxRecords must be 0 if isRenewAck is true."};
    }
    return {};
}

void answer_acknowledgements(const std::vector<ShareAcknowledgement>& acknowledgements,
                             const std::vector<ShareOutcome>& outcomes, Answers& answers) {
    for (std::size_t i = 0; i < acknowledgements.size(); ++i) {
        Answer& answer = answer_of(answers, acknowledgements[i].name);
        answer.acknowledge_error_code = outcomes[i].error;
        if (!outcomes[i].message.empty()) answer.acknowledge_error_message = outcomes[i].message;
    }
}

}  // namespace

Task<kafka::ShareFetchResponse> share_fetch(Call& call, kafka::ShareFetchRequest request) {
    kafka::ShareFetchResponse response;
    if (!shares_enabled(call.services)) {
        response.error_code = ErrorCode::kUnsupportedVersion;
        co_return response;
    }
    if (Refusal why = refuse(request); why.error != ErrorCode::kNone) {
        response.error_code = why.error;
        if (!why.message.empty()) response.error_message = std::move(why.message);
        co_return response;
    }
    ShareService& shares = call.services.shares;
    ShareSessions::Request session{.group = *request.group_id,
                                   .member = *request.member_id,
                                   .epoch = request.share_session_epoch,
                                   .connection = call.connection};
    std::vector<ShareAcknowledgement> acknowledgements;
    for (const auto& topic : request.topics) {
        for (const auto& partition : topic.partitions) {
            session.added.push_back({topic.topic_id, partition.partition_index});
            if (partition.acknowledgement_batches.empty()) continue;
            acknowledgements.push_back(to_acknowledgement(topic.topic_id, partition.partition_index,
                                                          partition.acknowledgement_batches));
        }
    }
    for (const auto& topic : request.forgotten_topics_data) {
        for (const std::int32_t partition : topic.partitions) {
            session.forgotten.push_back({topic.topic_id, partition});
        }
    }
    session.acknowledges = !acknowledgements.empty();
    const ShareSessions::Opened opened = shares.sessions().fetch(session);
    response.error_code = opened.error;
    // A mode that nobody knows is found out only after the session has gone on.
    const bool known_mode =
        request.share_acquire_mode == kBatches || request.share_acquire_mode == kRecordLimit;
    if (opened.error == ErrorCode::kNone && !known_mode) {
        response.error_code = ErrorCode::kUnknownServerError;
    }
    if (response.error_code != ErrorCode::kNone) co_return response;

    Answers answers;
    response.acquisition_lock_timeout_ms =
        group_options(call.services, session.group).share_record_lock_duration_ms;
    const std::vector<ShareOutcome> outcomes = co_await acknowledge_shares(
        call.services, session.group, session.member, acknowledgements, request.is_renew_ack);
    if (session.epoch == ShareSessions::kClose) {
        co_await shares.end(shares.sessions().end(session.group, session.member));
    } else {
        Fetch fetch(call, request, session.group, session.member);
        co_await fetch.run(opened.partitions, answers);
        // A session that goes on is told only of what there is news.
        if (session.epoch != ShareSessions::kOpen) {
            std::erase_if(answers, [](const auto& one) {
                return one.second.error_code == ErrorCode::kNone &&
                       one.second.acquired_records.empty();
            });
        }
    }
    answer_acknowledgements(acknowledgements, outcomes, answers);
    for (auto& [name, answer] : answers) {
        if (response.responses.empty() || response.responses.back().topic_id != name.topic) {
            response.responses.emplace_back().topic_id = name.topic;
        }
        response.responses.back().partitions.push_back(std::move(answer));
    }
    co_return response;
}

}  // namespace millrace::broker
