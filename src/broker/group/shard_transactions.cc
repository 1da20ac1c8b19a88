// The part of GroupShard that takes offsets in transactions.
#include <utility>

#include "broker/group/shard.h"
#include "broker/partition.h"
#include "broker/to_kafka.h"
#include "runtime/clock.h"
#include "storage/log.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;

namespace {

// A producer is to be told what is wrong with its transaction; anything else is the log's trouble.
ErrorCode to_commit_error(const base::Error& error) {
    switch (error.code()) {
        case base::Code::kFenced:
        case base::Code::kConflict: return to_kafka(error);
        default: return to_coordinator_error(base::fail(error));
    }
}

}  // namespace

void GroupShard::apply_pending_record(std::int64_t producer_id, base::ByteView key,
                                      std::optional<base::ByteView> value) {
    auto decoded = decode_key(key);
    if (!decoded || !std::holds_alternative<OffsetKey>(*decoded)) return;
    auto& offset = std::get<OffsetKey>(*decoded);
    auto committed = value ? decode_offset_value(*value) : std::nullopt;
    if (!committed) return;
    pending_.add(producer_id, {std::move(offset.group), std::move(offset.name),
                               std::move(*committed), log_.load_position()});
}

std::vector<std::string> GroupShard::settle_pending(std::int64_t producer_id, bool commit,
                                                    model::Offset marker) {
    std::vector<std::string> groups;
    for (PendingOffsets::Item& item : pending_.take(producer_id, marker)) {
        if (groups.empty() || groups.back() != item.group) groups.push_back(item.group);
        if (!commit) continue;
        Offset& offset = find_or_make(item.group).offsets[item.name];
        // A commit outside of the transaction may have come later: then that one counts.
        if (offset.latest && offset.position > item.position) continue;
        offset = {item.offset, item.offset, item.position};
    }
    return groups;
}

std::uint64_t GroupShard::start_verification(model::Producer producer) {
    storage::Log* log = log_.log();
    return log ? log->start_verification(producer, -1) : 0;
}

Task<ErrorCode> GroupShard::commit_in_transaction(std::string group, Committer committer,
                                                  model::Producer producer,
                                                  std::uint64_t verification,
                                                  std::vector<OffsetWrite> offsets) {
    const auto pass = gate_.enter();
    if (!pass) co_return ErrorCode::kNotCoordinator;
    if (!find(group) && committer.generation >= 0) co_return ErrorCode::kIllegalGeneration;
    Entry& entry = find_or_make(group);
    // A producer that does not name a member is no concern of the group's generation.
    const bool named = committer.generation >= 0 || !committer.member_id.empty() ||
                       committer.instance_id.has_value();
    ErrorCode allowed = named ? may_commit(entry, committer, offsets) : ErrorCode::kNone;
    // To producers every wrong generation is the same; a rebalance under way is no concern of
    // theirs.
    if (allowed == ErrorCode::kStaleMemberEpoch) allowed = ErrorCode::kIllegalGeneration;
    if (allowed == ErrorCode::kRebalanceInProgress) allowed = ErrorCode::kNone;
    if (allowed != ErrorCode::kNone || offsets.empty()) {
        settle(group);
        co_return allowed;
    }
    std::vector<KeyedRecord> records;
    std::vector<PendingOffsets::Item> items;
    for (OffsetWrite& write : offsets) {
        CommittedOffset committed{write.offset, write.leader_epoch, std::move(write.metadata),
                                  clock_.wall_ms()};
        records.push_back({offset_key(group, write.name), offset_value(committed)});
        items.push_back({group, std::move(write.name), std::move(committed), {}});
    }
    const Result<model::Offset> next = log_.append(records, producer, verification);
    if (!next) {
        settle(group);
        co_return to_commit_error(next.error());
    }
    // In the order of the log, so that an end that comes right behind finds them.
    for (PendingOffsets::Item& item : items) {
        item.position = *next;
        pending_.add(producer.id, std::move(item));
    }
    co_return to_coordinator_error(co_await log_.wait_durable(*next));
}

Task<ErrorCode> GroupShard::end_transaction(model::Producer producer, model::EndMarker marker,
                                            bool must_be_newer) {
    const auto pass = gate_.enter();
    storage::Log* log = log_.log();
    if (!pass || !log) co_return ErrorCode::kNotLeaderOrFollower;
    const auto appended = log->append_marker(producer, marker, must_be_newer);
    if (!appended) co_return to_kafka(appended.error());
    const Result<void> durable = co_await log_.wait_durable(appended->next_offset);
    if (!durable) co_return to_kafka(durable.error());
    const auto groups = settle_pending(producer.id, marker.commit, appended->base_offset);
    for (const std::string& group : groups) settle(group);
    if (log_.wants_rewrite()) runtime::spawn(loop_, maybe_rewrite());
    co_return ErrorCode::kNone;
}

}  // namespace millrace::broker
