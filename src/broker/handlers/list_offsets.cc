// ListOffsets 1-11: offsets by timestamp, or by one of the special ones below. 2 adds isolation,
// 4 leader epochs, 7 the largest timestamp, 8 local, 9 tiered offsets, 11 those not uploaded yet.
#include "kafka/messages/list_offsets.h"

#include <optional>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/on_loops.h"
#include "broker/services.h"
#include "broker/to_kafka.h"

namespace millrace::broker {
namespace {

using base::Result;
using kafka::ErrorCode;
using storage::Log;
using AskedPartition = kafka::ListOffsetsRequest::Topic::Partition;
using Answer = kafka::ListOffsetsResponse::Topic::Partition;

constexpr std::int64_t kLatest = -1, kEarliest = -2, kMaxTimestamp = -3, kEarliestLocal = -4;
// Of a tier that there is not: nothing is found.
constexpr std::int64_t kLatestTiered = -5, kEarliestPendingUpload = -6;

// The smallest of the special timestamps that a version of the request knows.
std::int64_t least_timestamp(std::int16_t version) {
    if (version >= 11) return kEarliestPendingUpload;
    if (version >= 9) return kLatestTiered;
    if (version >= 8) return kEarliestLocal;
    return version >= 7 ? kMaxTimestamp : kEarliest;
}

void answer_offset(Answer& answer, model::Offset offset, model::LeaderEpoch epoch) {
    answer.offset = offset.value;
    answer.leader_epoch = epoch.value;
}

void answer_match(Answer& answer, const Result<std::optional<Log::TimestampMatch>>& match) {
    if (!match) {
        answer.error_code = to_kafka(match.error());
    } else if (*match) {
        answer.timestamp = (*match)->timestamp.ms;
        answer_offset(answer, (*match)->offset, (*match)->leader_epoch);
    }
}

void look_up(Partition& partition, const AskedPartition& asked, bool committed, Answer& answer) {
    Log* log = partition.log();
    if (!log) {
        answer.error_code = ErrorCode::kUnknownTopicOrPartition;
        return;
    }
    const model::LeaderEpoch epoch = log->leader_epoch();
    answer.error_code = check_epoch(asked.current_leader_epoch, epoch.value);
    if (answer.error_code != ErrorCode::kNone) return;
    if (const base::Error* offline = log->offline()) {
        answer.error_code = to_kafka(*offline);
        return;
    }
    const Log::Offsets offsets = log->offsets();
    const auto isolation =
        committed ? storage::Isolation::kReadCommitted : storage::Isolation::kReadUncommitted;
    switch (asked.timestamp) {
        case kLatest:
            answer_offset(answer, committed ? offsets.last_stable : offsets.high_watermark, epoch);
            break;
        case kEarliest:
        case kEarliestLocal: answer_offset(answer, offsets.log_start, epoch); break;
        case kMaxTimestamp: answer_match(answer, log->latest_timestamp(isolation)); break;
        case kLatestTiered:
        case kEarliestPendingUpload: break;
        default:
            if (asked.timestamp < 0) {
                answer.error_code = ErrorCode::kUnsupportedVersion;
            } else {
                answer_match(answer, log->offset_at(model::Timestamp{asked.timestamp}, isolation));
            }
    }
}

}  // namespace

Task<kafka::ListOffsetsResponse> list_offsets(Call& call, kafka::ListOffsetsRequest request) {
    kafka::ListOffsetsResponse response;
    std::vector<std::shared_ptr<Partition>> partitions;
    std::vector<std::pair<std::size_t, std::size_t>> places;
    for (std::size_t t = 0; t < request.topics.size(); ++t) {
        const auto& asked = request.topics[t];
        auto& answer = response.topics.emplace_back();
        answer.name = asked.name;
        const auto topic = call.services.catalog.find(asked.name);
        for (std::size_t p = 0; p < asked.partitions.size(); ++p) {
            auto& one = answer.partitions.emplace_back();
            one.partition_index = asked.partitions[p].partition_index;
            partitions.push_back(topic ? topic->partition(one.partition_index) : nullptr);
            places.emplace_back(t, p);
            if (!partitions.back()) one.error_code = ErrorCode::kUnknownTopicOrPartition;
        }
    }
    for (std::size_t i = 0; i < partitions.size(); ++i) {
        const auto [t, p] = places[i];
        auto& one = response.topics[t].partitions[p];
        if (request.topics[t].partitions[p].timestamp >= least_timestamp(call.version())) continue;
        one.error_code = ErrorCode::kUnsupportedVersion;
        partitions[i].reset();
    }
    const bool committed = request.isolation_level == 1;
    co_await on_loops(partitions, [&](std::size_t i) {
        const auto [t, p] = places[i];
        look_up(*partitions[i], request.topics[t].partitions[p], committed,
                response.topics[t].partitions[p]);
    });
    co_return response;
}

}  // namespace millrace::broker
