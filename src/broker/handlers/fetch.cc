// Fetch 4-18: record batches, waiting for them where there are too few. 5 adds the log start,
// 7 sessions (never granted: id 0), 9 leader epochs, 12 diverging epochs, 13 topic ids.
#include "kafka/messages/fetch.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/on_loops.h"
#include "broker/quota/client_throttle.h"
#include "broker/quota/request_time.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "storage/log.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using AskedPartition = kafka::FetchRequest::Topic::Partition;
using Answer = kafka::FetchResponse::Topic::PartitionData;

// What one response holds at most, whatever the client asks for.
constexpr std::int64_t kMaxBytes = 64 << 20;

// One partition of the request on its way.
struct Item {
    std::size_t topic = 0;
    std::size_t partition = 0;
    storage::Slice slice;
};

// What is still to be filled; shared by all partitions of one pass.
struct Budget {
    std::int64_t bytes_left = 0;
    std::int64_t bytes_found = 0;
    bool failed = false;
    bool answered = false;  // Something is to be told that is neither an error nor records.
    bool enough(std::int64_t min_bytes) const {
        return failed || answered || bytes_found >= min_bytes;
    }
};

// What the consumer has to leave out of the slice.
void tell_aborted(const storage::Log& log, model::Offset from, const storage::Slice& slice,
                  Answer& answer) {
    if (slice.size_bytes == 0) return;
    for (const auto& aborted : log.aborted_transactions(from, slice.bound)) {
        answer.aborted_transactions->push_back({aborted.producer_id, aborted.first_offset.value});
    }
}

// A partition that cannot be read has no offsets, and no list of transactions either.
void refuse(ErrorCode error, Answer& answer) {
    answer.error_code = error;
    answer.high_watermark = -1;
    answer.last_stable_offset = -1;
    answer.log_start_offset = -1;
    answer.aborted_transactions.reset();
}

// Where the reader's log parted from ours: what it read in its last epoch goes beyond the end of
// that epoch here (KIP-595). `error` is told where we know nothing of such an epoch.
std::optional<storage::Log::EpochEnd> diverging(const storage::Log& log,
                                                const AskedPartition& asked, ErrorCode& error) {
    if (asked.last_fetched_epoch < 0) return {};
    const auto end = log.end_of_epoch(model::LeaderEpoch{asked.last_fetched_epoch});
    if (!end || asked.last_fetched_epoch > log.leader_epoch().value) {
        error = ErrorCode::kOffsetOutOfRange;
        return {};
    }
    const bool parted =
        end->epoch.value < asked.last_fetched_epoch || end->end.value < asked.fetch_offset;
    return parted ? end : std::nullopt;
}

void read_partition(Partition& partition, const AskedPartition& asked, bool committed,
                    Budget& budget, Item& item, Answer& answer) {
    item.slice = {};
    if (answer.aborted_transactions) answer.aborted_transactions->clear();
    storage::Log* log = partition.log();
    if (!log) return refuse(ErrorCode::kUnknownTopicOrPartition, answer);
    ErrorCode error = check_epoch(asked.current_leader_epoch, log->leader_epoch().value);
    if (error != ErrorCode::kNone) return refuse(error, answer);
    const auto parted = diverging(*log, asked, error);
    if (error != ErrorCode::kNone) return refuse(error, answer);
    const storage::Log::Offsets offsets = log->offsets();
    answer.high_watermark = offsets.high_watermark.value;
    answer.last_stable_offset = offsets.last_stable.value;
    answer.log_start_offset = offsets.log_start.value;
    if (parted) {
        answer.diverging_epoch = {parted->epoch.value, parted->end.value};
        answer.aborted_transactions.reset();
        budget.answered = true;
        return;
    }
    // KIP-74: the first batch of the response comes however large it is, the others only if there
    // is room for them.
    const bool first = budget.bytes_found == 0;
    const std::int64_t limit =
        std::min<std::int64_t>(std::max(asked.partition_max_bytes, 0), budget.bytes_left);
    if (!first && limit <= 0) return;
    const model::Offset from{asked.fetch_offset};
    auto slice = log->read(
        from, static_cast<std::size_t>(std::max<std::int64_t>(limit, 1)),
        committed ? storage::Isolation::kReadCommitted : storage::Isolation::kReadUncommitted);
    if (!slice) return refuse(to_kafka(slice.error()), answer);
    const auto size = static_cast<std::int64_t>(slice->size_bytes);
    if (!first && size > limit) return;
    if (committed) tell_aborted(*log, from, *slice, answer);
    item.slice = std::move(*slice);
    budget.bytes_left -= size;
    budget.bytes_found += size;
}

}  // namespace

Task<kafka::FetchResponse> fetch(Call& call, kafka::FetchRequest request) {
    kafka::FetchResponse response;
    if (request.session_id != 0) {
        response.error_code = ErrorCode::kFetchSessionIdNotFound;
        co_return response;
    }
    const bool by_id = call.version() >= 13;
    const bool committed = request.isolation_level == 1;
    ClientThrottle& throttle = call.services.throttle;
    if (const auto burst = throttle.burst(QuotaKind::kConsume, call.client_id())) {
        // More than that at once would only be waited for.
        const auto most = static_cast<std::int32_t>(std::clamp<double>(*burst, 1, kMaxBytes));
        request.max_bytes = std::min(request.max_bytes, most);
        request.min_bytes = std::min(request.min_bytes, most);
    }
    std::vector<Item> items;
    std::vector<std::shared_ptr<Partition>> partitions;
    bool failed = false;
    for (std::size_t t = 0; t < request.topics.size(); ++t) {
        const auto& asked = request.topics[t];
        auto& answer = response.responses.emplace_back();
        answer.topic = asked.topic;
        answer.topic_id = asked.topic_id;
        const auto topic = by_id ? call.services.catalog.find(asked.topic_id)
                                 : call.services.catalog.find(asked.topic);
        for (std::size_t p = 0; p < asked.partitions.size(); ++p) {
            auto& one = answer.partitions.emplace_back();
            one.partition_index = asked.partitions[p].partition;
            one.high_watermark = -1;
            items.push_back({t, p, {}});
            partitions.push_back(topic ? topic->partition(one.partition_index) : nullptr);
            if (partitions.back()) {
                if (!committed) one.aborted_transactions.reset();
                continue;
            }
            one.error_code =
                !topic && by_id ? ErrorCode::kUnknownTopicId : ErrorCode::kUnknownTopicOrPartition;
            failed = true;
        }
    }
    runtime::Loop& here = *runtime::Loop::current();
    const std::int64_t deadline_ns =
        here.now_ns() + std::int64_t{std::max(request.max_wait_ms, 0)} * 1'000'000;
    while (true) {
        Budget budget{
            .bytes_left = std::min<std::int64_t>(std::max(request.max_bytes, 0), kMaxBytes),
            .failed = failed};
        // An append between the reading and the waiting must not go unseen: so the waiter is left
        // with the partition in the same visit.
        runtime::OneShot<void> more;
        const bool may_wait = here.now_ns() < deadline_ns;
        co_await on_loops(partitions, [&](std::size_t i) {
            Item& item = items[i];
            Answer& answer = response.responses[item.topic].partitions[item.partition];
            read_partition(*partitions[i], request.topics[item.topic].partitions[item.partition],
                           committed, budget, item, answer);
            if (answer.error_code != ErrorCode::kNone) budget.failed = true;
            if (may_wait && !budget.enough(request.min_bytes)) partitions[i]->wake(more);
        });
        const bool enough = budget.enough(request.min_bytes);
        const std::int64_t left_ns = deadline_ns - here.now_ns();
        if (enough || !may_wait || left_ns <= 0 || call.abandoned) {
            more.set();  // Nobody waits any more.
            break;
        }
        call.waiting = more;
        (void)co_await more.wait_for(std::chrono::nanoseconds(left_ns));
        call.waiting.reset();
        more.set();
        if (call.abandoned) break;
    }
    const auto used = std::accumulate(
        items.begin(), items.end(), 0.0,
        [](double sum, const Item& item) { return sum + double(item.slice.size_bytes); });
    const std::int64_t now_ms = here.now_ns() / 1'000'000;
    call.throttle_ms =
        std::max(throttle.record(QuotaKind::kConsume, call.client_id(), used, now_ms),
                 request_pause_ms(call));
    if (call.throttle_ms > 0) {
        // The client asks again after its pause; nothing was sent, so nothing was used.
        throttle.unrecord(QuotaKind::kConsume, call.client_id(), used, now_ms);
        response.throttle_time_ms = static_cast<std::int32_t>(call.throttle_ms);
        response.responses.clear();
        co_return response;
    }
    for (Item& item : items) {
        if (item.slice.size_bytes == 0) continue;
        Answer& answer = response.responses[item.topic].partitions[item.partition];
        answer.records = {.size = item.slice.size_bytes};
        call.slices.push_back(std::move(item.slice));
    }
    co_return response;
}

}  // namespace millrace::broker
