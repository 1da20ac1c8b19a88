// Produce 3-13: appends one batch to each of some partitions. 5 adds the log start, 7 zstd,
// 8 messages for what is refused, 10 the new leader, 11 knows TRANSACTION_ABORTABLE, 12 makes
// partitions part of the transaction by the way (KIP-890), 13 topic ids.
//
// acks -1 is answered when the records would survive a power cut, 1 when they are in the page
// cache, 0 never. Batches of one client reach a log in the order of its requests: one waits for
// the turn of those before it (turns.h), and behind that is the order of the loops' queues.
#include "kafka/messages/produce.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/record_errors.h"
#include "broker/on_loops.h"
#include "broker/partition.h"
#include "broker/quota/client_throttle.h"
#include "broker/quota/request_time.h"
#include "broker/recompress.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "broker/transaction/coordinator.h"
#include "broker/transaction/error_codes.h"
#include "broker/turns.h"
#include "model/batch.h"
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "storage/checked_batch.h"
#include "storage/log.h"

namespace millrace::broker {
namespace {

using base::Code;
using base::fail;
using base::Result;
using kafka::ErrorCode;
using storage::CheckedBatch;
using storage::Log;
using Answer = kafka::ProduceResponse::TopicProduceResponse::PartitionProduceResponse;

// One batch that passed the checks, on its way into its log.
struct Item {
    std::size_t topic = 0;
    std::size_t partition = 0;
    std::string topic_name;
    std::shared_ptr<Partition> target;
    CheckedBatch batch;
    std::uint64_t verification = 0;  // As Log::append() wants it.
    bool refused = false;
    std::optional<Result<Log::Appended>> outcome{};
    std::int64_t log_start = -1;
};

// Most errors go without a message: clients have words of their own for each code.
void refuse(Answer& answer, ErrorCode error, std::optional<std::string> message = {}) {
    answer.error_code = error;
    answer.error_message = std::move(message);
    answer.base_offset = -1;
    answer.log_append_time_ms = -1;
}

// What is wrong with the batch as this version of the request may carry it.
Result<CheckedBatch> check(Call& call, const Topic& topic, const kafka::Records& records,
                           ErrorCode& error) {
    if (records.null || records.size == 0) {
        error = ErrorCode::kInvalidRecord;
        return fail(Code::kInvalidArgument, "a produce request must hold one record batch");
    }
    // The frame is this call's own: batches are stamped where they lie.
    const std::span<char> bytes(const_cast<char*>(records.data), records.size);
    thread_local base::Bytes scratch;
    auto checked = CheckedBatch::check(bytes, storage::Origin::kClient, topic.log_config,
                                       {call.services.clock.wall_ms()}, scratch);
    if (scratch.size() > (4u << 20)) base::Bytes().swap(scratch);
    if (!checked) {
        error = to_kafka(checked.error());
        return checked;
    }
    const model::RecordBatch batch = checked->view();
    if (batch.codec() == model::Codec::kZstd && call.version() < 7) {
        error = ErrorCode::kUnsupportedCompressionType;
        return fail(Code::kUnsupported, "zstd needs version 7 of the produce request");
    }
    const auto wanted = wanted_codec(topic.options.compression_type);
    if (!wanted || *wanted == batch.codec()) return checked;
    auto packed = recompress(batch, *wanted);
    if (packed) {
        base::Bytes& kept = call.kept.emplace_back(std::move(*packed));
        checked = CheckedBatch::check(kept, storage::Origin::kClient, topic.log_config,
                                      {call.services.clock.wall_ms()}, scratch);
    } else {
        checked = fail(packed.error());
    }
    if (!checked) error = to_kafka(checked.error());
    return checked;
}

// ---- transactions ----

struct Refusal {
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> message{};
};

// What the coordinator's word on a partition means to the producer.
Refusal refusal_for(std::int16_t version, ErrorCode outcome) {
    const ErrorCode error = membership_for(version >= 11, outcome);
    switch (error) {
        case ErrorCode::kInvalidTxnState:
            return {error, "Partition was not added to the transaction"};
        case ErrorCode::kConcurrentTransactions:
            if (version >= 12) break;
            [[fallthrough]];
        case ErrorCode::kCoordinatorLoadInProgress:
        case ErrorCode::kCoordinatorNotAvailable:
        case ErrorCode::kNotCoordinator:
            // Older producers try again on this one, and on none of those.
            return {ErrorCode::kNotEnoughReplicas,
                    "Unable to verify the partition has been added to the transaction. Underlying "
                    "error: " +
                        std::string(error_name(error))};
        default: break;
    }
    return {error};
}

// Which items are the first of a transaction in their log.
Task<std::vector<Item*>> first_of_transaction(std::vector<Item>& items) {
    std::vector<std::shared_ptr<Partition>> transactional;
    bool any = false;
    for (const Item& item : items) {
        const bool counts = item.batch.view().transactional();
        transactional.push_back(counts ? item.target : nullptr);
        any = any || counts;
    }
    std::vector<Item*> first;
    if (!any) co_return first;
    co_await on_loops(transactional, [&](std::size_t i) {
        Log* log = items[i].target->log();
        const model::RecordBatch batch = items[i].batch.view();
        if (!log) return;
        items[i].verification = log->start_verification(batch.producer(), batch.base_sequence());
    });
    for (Item& item : items) {
        if (item.verification != 0) first.push_back(&item);
    }
    co_return first;
}

// What the coordinator says of the partitions of such items.
Task<std::vector<ErrorCode>> ask_coordinator(Call& call, const std::string& transactional_id,
                                             std::vector<Item*> first, bool add) {
    const model::Producer producer = first.front()->batch.view().producer();
    std::vector<TransactionPartition> partitions;
    for (const Item* item : first) {
        partitions.push_back({item->topic_name, item->target->index()});
        if (item->batch.view().producer() != producer) {
            co_return std::vector<ErrorCode>(first.size(), ErrorCode::kInvalidProducerIdMapping);
        }
    }
    co_return co_await call.services.transactions.verify(
        {transactional_id, producer, std::move(partitions), add});
}

// KIP-890: the first batch of a transaction is taken only if the transaction holds the partition,
// or can be made to. Where the one before is at its end, that is waited for; its marker makes the
// tokens worthless, so that all is asked anew.
Task<void> verify_transactions(Call& call, const kafka::ProduceRequest& request,
                               kafka::ProduceResponse& response, std::vector<Item>& items) {
    // Without an id there is nobody to ask, and the log refuses the batch.
    const std::string id = request.transactional_id.value_or("");
    const bool add = call.version() >= 12;
    runtime::Loop& here = *runtime::Loop::current();
    const std::int64_t give_up_ns = here.now_ns() + kAddPatienceMs * 1'000'000;
    while (true) {
        const std::vector<Item*> first = co_await first_of_transaction(items);
        if (id.empty()) {
            for (Item* item : first) item->verification = 0;
        }
        if (first.empty() || id.empty()) co_return;
        const auto outcomes = co_await ask_coordinator(call, id, first, add);
        const std::int64_t left_ms = (give_up_ns - here.now_ns()) / 1'000'000;
        if (add && left_ms > 0 &&
            std::ranges::find(outcomes, ErrorCode::kConcurrentTransactions) != outcomes.end()) {
            co_await call.services.transactions.wait_until_idle(id, left_ms);
            continue;
        }
        for (std::size_t i = 0; i < first.size(); ++i) {
            if (outcomes[i] == ErrorCode::kNone) continue;
            Item& item = *first[i];
            item.refused = true;
            const Refusal refusal = refusal_for(call.version(), outcomes[i]);
            refuse(response.responses[item.topic].partition_responses[item.partition],
                   refusal.error, refusal.message);
        }
        co_return;
    }
}

// On the items' loop: append all, then wait until all are durable if that is asked for.
Task<void> append_all(std::vector<Item*> items, bool wait, runtime::OneShot<void> done) {
    for (Item* item : items) {
        Log* log = item->target->log();
        if (!log) {
            item->outcome = fail(Code::kNotFound, "the topic was deleted");
            continue;
        }
        item->outcome = log->append(item->batch, {.verification = item->verification});
        item->log_start = log->offsets().log_start.value;
    }
    for (Item* item : items) {
        Log* log = item->target->log();
        if (!wait || !*item->outcome || !log) continue;
        const Result<void> durable = co_await log->wait_durable((**item->outcome).next_offset);
        if (!durable) item->outcome = fail(durable.error());
    }
    done.set();
}

// Ends when all batches are on their way, in the order of the loops' queues.
std::vector<runtime::OneShot<void>> append_everywhere(std::vector<Item>& items, bool wait) {
    std::vector<std::pair<runtime::Loop*, std::vector<Item*>>> by_loop;
    for (Item& item : items) {
        runtime::Loop* loop = &item.target->loop();
        auto at = by_loop.begin();
        while (at != by_loop.end() && at->first != loop) ++at;
        if (at == by_loop.end()) at = by_loop.insert(at, {loop, {}});
        at->second.push_back(&item);
    }
    std::vector<runtime::OneShot<void>> done(by_loop.size());
    for (std::size_t i = 0; i < by_loop.size(); ++i) {
        runtime::spawn(*by_loop[i].first, append_all(std::move(by_loop[i].second), wait, done[i]));
    }
    return done;
}

}  // namespace

Task<kafka::ProduceResponse> produce(Call& call, kafka::ProduceRequest request) {
    const bool by_id = call.version() >= 13;
    const bool known_acks = request.acks >= -1 && request.acks <= 1;
    kafka::ProduceResponse response;
    const model::Timestamp wall{call.services.clock.wall_ms()};
    std::vector<Item> items;
    // Batches with records that the topic does not take, and whose logs those are.
    std::vector<std::pair<std::size_t, std::size_t>> unfit;
    std::vector<std::shared_ptr<Partition>> holders;
    bool failed = false;
    for (std::size_t t = 0; t < request.topic_data.size(); ++t) {
        const auto& asked = request.topic_data[t];
        auto& answers = response.responses.emplace_back();
        answers.name = asked.name;
        answers.topic_id = asked.topic_id;
        const auto topic = by_id ? call.services.catalog.find(asked.topic_id)
                                 : call.services.catalog.find(asked.name);
        for (std::size_t p = 0; p < asked.partition_data.size(); ++p) {
            const auto& data = asked.partition_data[p];
            Answer& answer = answers.partition_responses.emplace_back();
            answer.index = data.index;
            auto target = topic ? topic->partition(data.index) : nullptr;
            ErrorCode error = ErrorCode::kNone;
            if (!known_acks) {
                refuse(answer, ErrorCode::kInvalidRequiredAcks);
            } else if (!topic && by_id) {
                refuse(answer, ErrorCode::kUnknownTopicId);
            } else if (!target) {
                refuse(answer, ErrorCode::kUnknownTopicOrPartition);
            } else if (topic->internal()) {
                refuse(answer, ErrorCode::kInvalidTopicException);
            } else if (auto batch = check(call, *topic, data.records, error); !batch) {
                refuse(answer, error);
                if (error == ErrorCode::kInvalidRecord || error == ErrorCode::kInvalidTimestamp) {
                    tell_record_errors(
                        {data.records, topic->log_config, topic->name(), data.index, wall}, answer);
                    unfit.push_back({t, p});
                    holders.push_back(std::move(target));
                }
            } else {
                items.push_back({t, p, topic->name(), std::move(target), *batch});
                continue;
            }
            failed = true;
        }
    }
    if (call.services.throttle.active()) {
        call.throttle_ms = call.services.throttle.record(
            QuotaKind::kProduce, call.client_id(), static_cast<double>(call.frame.size),
            runtime::Loop::current()->now_ns() / 1'000'000);
        // Nobody who wants no answer could be told of it.
        if (request.acks != 0) {
            call.throttle_ms = std::max(call.throttle_ms, request_pause_ms(call));
        }
    }
    response.throttle_time_ms = static_cast<std::int32_t>(call.throttle_ms);
    co_await call.turns->wait(call.turn);
    co_await verify_transactions(call, request, response, items);
    failed = std::erase_if(items, [](const Item& item) { return item.refused; }) > 0 || failed;
    const auto appended = append_everywhere(items, /*wait=*/request.acks == -1);
    call.turns->over(call.turn);
    for (const auto& one : appended) co_await one.wait();
    for (const Item& item : items) {
        Answer& answer = response.responses[item.topic].partition_responses[item.partition];
        const Result<Log::Appended>& outcome = *item.outcome;
        answer.log_start_offset = item.log_start;
        if (!outcome) {
            refuse(answer, to_kafka(outcome.error()));
            failed = true;
            continue;
        }
        answer.base_offset = outcome->base_offset.value;
        answer.log_append_time_ms = outcome->log_append_time.ms;
    }
    co_await on_loops(holders, [&](std::size_t i) {
        const auto [t, p] = unfit[i];
        const Log* log = holders[i]->log();
        if (log) {
            response.responses[t].partition_responses[p].log_start_offset =
                log->offsets().log_start.value;
        }
    });
    if (request.acks == 0) {
        call.silent = true;
        // The only way to tell such a client of an error is to hang up.
        call.malformed = failed;
    }
    co_return response;
}

}  // namespace millrace::broker
