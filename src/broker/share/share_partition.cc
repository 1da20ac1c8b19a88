#include "broker/share/share_partition.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace millrace::broker {
namespace {

constexpr std::int16_t kMaxCount = std::numeric_limits<std::int16_t>::max();

// A record that was delivered so often comes with fewer others, so that the one which makes its
// consumers fail is found: with half as many each time, and alone the last time.
std::int32_t throttle_from(std::int32_t delivery_count_limit) {
    return std::max(2, (delivery_count_limit + 1) / 2);
}

AcknowledgeOutcome refuse(ErrorCode error, std::string message = {}) {
    return {.error = error, .message = std::move(message), .write = std::nullopt};
}

const char* state_word(DeliveryState state) {
    switch (state) {
        case DeliveryState::kAvailable: return "available";
        case DeliveryState::kAcquired: return "acquired";
        case DeliveryState::kAcknowledged: return "acknowledged";
        case DeliveryState::kArchived: return "archived";
    }
    return "unknown";
}

}  // namespace

void SharePartition::begin(std::int64_t start, const std::vector<StateBatch>& batches) {
    records_.clear();
    start_ = end_ = start;
    for (const StateBatch& batch : batches) {
        const std::int64_t first = std::max(batch.first, start);
        if (batch.last < first) continue;
        if (first > end_) records_.assign(end_, first - 1, {});
        Record record;
        record.delivery_count = batch.delivery_count;
        const bool terminal =
            batch.state == DeliveryState::kAcknowledged || batch.state == DeliveryState::kArchived;
        record.state = terminal ? batch.state : DeliveryState::kAvailable;
        records_.assign(first, batch.last, std::move(record));
        end_ = std::max(end_, batch.last + 1);
    }
    advance_start();
}

std::int64_t SharePartition::next_fetch_offset() const {
    for (const auto& [first, run] : records_.runs()) {
        if (run.value.available()) return first;
    }
    return end_;
}

bool SharePartition::can_acquire() const {
    return next_fetch_offset() != end_ || end_ - start_ < limits_.max_record_locks;
}

// ---- acquiring ----

// What one acquire() has given so far, and whether it may go on.
class SharePartition::Acquisition {
public:
    Acquisition(const AcquireRequest& request, const ShareLimits& limits)
        : request_(request),
          throttle_from_(throttle_from(limits.delivery_count_limit)),
          limit_(limits.delivery_count_limit) {}

    bool done() const { return done_ || count_ >= request_.max_records; }

    // How many offsets of a run of `length`, delivered `delivery_count` times so far, may be given
    // now.
    std::int64_t allow(std::int64_t length, std::int16_t delivery_count) {
        std::int64_t allowed = length;
        if (request_.record_limit) {
            allowed = std::min<std::int64_t>(allowed, request_.max_records - count_);
        }
        if (delivery_count < throttle_from_) return allowed;
        if (delivery_count + 1 >= limit_) {
            done_ = true;
            return count_ == 0 ? std::min<std::int64_t>(allowed, 1) : 0;
        }
        done_ = true;
        const int halvings = std::min(delivery_count - throttle_from_ + 1, 62);
        return std::min(allowed, std::max<std::int64_t>(1, length >> halvings));
    }

    void add(std::int64_t first, std::int64_t last, std::int16_t delivery_count) {
        count_ += last - first + 1;
        if (!batches_.empty()) {
            AcquiredBatch& before = batches_.back();
            const bool joins = before.last + 1 == first && before.delivery_count == delivery_count;
            if (joins && before.last - before.first + 1 < request_.batch_size) {
                before.last = last;
                return;
            }
        }
        batches_.push_back({first, last, delivery_count});
    }

    std::vector<AcquiredBatch> take() { return std::move(batches_); }

private:
    const AcquireRequest& request_;
    const std::int32_t throttle_from_;
    const std::int32_t limit_;
    std::int64_t count_ = 0;
    bool done_ = false;
    std::vector<AcquiredBatch> batches_;
};

void SharePartition::skip(std::int64_t first, std::int64_t last) {
    first = std::max(first, start_);
    if (first > last) return;
    const auto archive = [](Record& record) {
        if (record.available()) record.state = DeliveryState::kArchived;
    };
    records_.update(first, std::min(last, end_ - 1), archive);
    if (last < end_) return;
    Record archived;
    archived.state = DeliveryState::kArchived;
    records_.assign(end_, last, std::move(archived));
    end_ = last + 1;
}

std::vector<AcquiredBatch> SharePartition::acquire(const AcquireRequest& request,
                                                   std::int64_t now_ms) {
    Acquisition taken(request, limits_);
    Record acquired;
    acquired.state = DeliveryState::kAcquired;
    acquired.member = request.member;
    acquired.deadline_ms = now_ms + limits_.lock_duration_ms;
    const auto take = [&](std::int64_t first, std::int64_t last, std::int16_t count) {
        acquired.delivery_count = count;
        records_.assign(first, last, acquired);
        taken.add(first, last, count);
    };

    std::int64_t at = std::clamp(request.fetch_offset, start_, end_);
    for (const LogBatch& batch : request.batches) {
        if (taken.done()) break;
        if (batch.last < at) continue;
        // Offsets between batches hold nothing: compaction took their records away.
        if (batch.first > at) {
            skip(at, batch.first - 1);
            at = batch.first;
        }
        if (!batch.deliver) {
            skip(at, batch.last);
            at = batch.last + 1;
            continue;
        }
        // What is known of this batch already.
        while (at <= batch.last && at < end_ && !taken.done()) {
            const auto run = records_.at_or_after(at);
            const std::int64_t last = std::min(run->second.last, batch.last);
            const Record record = run->second.value;
            if (record.available()) {
                const std::int64_t allowed = taken.allow(last - at + 1, record.delivery_count);
                const auto count =
                    static_cast<std::int16_t>(std::min<int>(record.delivery_count + 1, kMaxCount));
                if (allowed > 0) take(at, at + allowed - 1, count);
            }
            at = last + 1;
        }
        if (at > batch.last || taken.done()) continue;
        // And what nobody has looked at.
        if (end_ - start_ >= limits_.max_record_locks) break;
        const std::int64_t allowed = taken.allow(batch.last - at + 1, 0);
        if (allowed <= 0) break;
        take(at, at + allowed - 1, 1);
        at += allowed;
        end_ = at;
    }
    advance_start();
    return taken.take();
}

// ---- giving back ----

DeliveryState SharePartition::after_release(const Record& record) const {
    return record.delivery_count >= limits_.delivery_count_limit ? DeliveryState::kArchived
                                                                 : DeliveryState::kAvailable;
}

AcknowledgeOutcome SharePartition::check_range(const std::string& member, std::int64_t first,
                                               std::int64_t last, AcknowledgeType type,
                                               std::vector<Change>& changes) const {
    for (auto at = records_.at_or_after(first); at != records_.runs().end() && at->first <= last;
         ++at) {
        const Record& record = at->second.value;
        if (record.state != DeliveryState::kAcquired) {
            return refuse(ErrorCode::kInvalidRecordState,
                          "The batch cannot be acknowledged. The batch is not in the acquired "
                          "state.");
        }
        if (record.write_id != 0) {
            return refuse(ErrorCode::kInvalidRecordState,
                          "The record state is invalid. The acknowledgement of delivery could not "
                          "be completed.");
        }
        if (record.member != member) {
            return refuse(ErrorCode::kInvalidRecordState,
                          "Member is not the owner of batch record");
        }
    }
    changes.push_back({first, last, type});
    return {};
}

AcknowledgeOutcome SharePartition::check(const std::string& member, const AcknowledgeBatch& batch,
                                         std::vector<Change>& changes) const {
    for (const std::int8_t type : batch.types) {
        if (type < 0 || type > static_cast<std::int8_t>(AcknowledgeType::kRenew)) {
            return refuse(ErrorCode::kInvalidRequest);
        }
        if (type == static_cast<std::int8_t>(AcknowledgeType::kRenew) && !limits_.renew) {
            return refuse(ErrorCode::kInvalidRecordState,
                          "Renewing acquisition locks is not enabled for the group.");
        }
    }
    if (batch.types.empty() || batch.first > batch.last) {
        return refuse(ErrorCode::kInvalidRequest);
    }
    if (batch.last < start_) return {};  // Done with long ago.
    if (batch.first >= end_) {
        return refuse(ErrorCode::kInvalidRequest,
                      "Batch record not found. The first offset in request is past acquired "
                      "records.");
    }
    if (batch.last >= end_) {
        return refuse(ErrorCode::kInvalidRequest,
                      "Batch record not found. The last offset in request is past acquired "
                      "records.");
    }
    if (batch.types.size() == 1) {
        return check_range(member, std::max(batch.first, start_), batch.last,
                           AcknowledgeType{batch.types[0]}, changes);
    }
    if (static_cast<std::int64_t>(batch.types.size()) != batch.last - batch.first + 1) {
        return refuse(ErrorCode::kInvalidRequest);
    }
    for (std::int64_t first = batch.first; first <= batch.last;) {
        const std::int8_t type = batch.types[static_cast<std::size_t>(first - batch.first)];
        std::int64_t last = first;
        while (last < batch.last &&
               batch.types[static_cast<std::size_t>(last + 1 - batch.first)] == type) {
            ++last;
        }
        if (last >= start_) {
            AcknowledgeOutcome outcome =
                check_range(member, std::max(first, start_), last, AcknowledgeType{type}, changes);
            if (outcome.error != ErrorCode::kNone) return outcome;
        }
        first = last + 1;
    }
    return {};
}

void SharePartition::begin_transition(std::int64_t first, std::int64_t last, DeliveryState next,
                                      ShareWrite& write) {
    records_.update(first, last, [&](Record& record) {
        record.write_id = write.id;
        record.next = next == DeliveryState::kAvailable ? after_release(record) : next;
    });
    for (auto at = records_.at_or_after(first); at != records_.runs().end() && at->first <= last;
         ++at) {
        const Record& record = at->second.value;
        write.batches.push_back({std::max(first, at->first), std::min(last, at->second.last),
                                 record.next, record.delivery_count});
    }
}

AcknowledgeOutcome SharePartition::acknowledge(const std::string& member,
                                               const std::vector<AcknowledgeBatch>& batches,
                                               std::int64_t now_ms) {
    std::vector<Change> changes;
    std::optional<std::int64_t> last;
    for (const AcknowledgeBatch& batch : batches) {
        if (last && batch.first < *last) return refuse(ErrorCode::kInvalidRequest);
        AcknowledgeOutcome outcome = check(member, batch, changes);
        if (outcome.error != ErrorCode::kNone) return outcome;
        // One offset twice would be two transitions of one record: the second finds it gone.
        if (last && batch.first == *last && *last >= start_) {
            return refuse(ErrorCode::kInvalidRecordState,
                          "The offset cannot be acknowledged. The offset is not acquired.");
        }
        last = batch.last;
    }
    ShareWrite write{.id = next_write_id_++};
    for (const Change& change : changes) {
        switch (change.type) {
            case AcknowledgeType::kRenew:
                records_.update(change.first, change.last, [&](Record& record) {
                    record.deadline_ms = now_ms + limits_.lock_duration_ms;
                });
                break;
            case AcknowledgeType::kAccept:
                begin_transition(change.first, change.last, DeliveryState::kAcknowledged, write);
                break;
            case AcknowledgeType::kRelease:
                begin_transition(change.first, change.last, DeliveryState::kAvailable, write);
                break;
            case AcknowledgeType::kGap:
            case AcknowledgeType::kReject:
                begin_transition(change.first, change.last, DeliveryState::kArchived, write);
                break;
        }
    }
    if (write.batches.empty()) return {};
    finish(write);
    return {.error = ErrorCode::kNone, .message = {}, .write = std::move(write)};
}

std::optional<ShareWrite> SharePartition::release(const std::string& member) {
    std::vector<std::pair<std::int64_t, std::int64_t>> held;
    for (const auto& [first, run] : records_.runs()) {
        const Record& record = run.value;
        const bool free = record.write_id == 0 && record.state == DeliveryState::kAcquired;
        if (free && record.member == member) held.emplace_back(first, run.last);
    }
    if (held.empty()) return std::nullopt;
    ShareWrite write{.id = next_write_id_++};
    for (const auto& [first, last] : held) {
        begin_transition(first, last, DeliveryState::kAvailable, write);
    }
    finish(write);
    return write;
}

bool SharePartition::persisted(std::uint64_t write_id, bool durable) {
    std::vector<std::pair<std::int64_t, std::int64_t>> written;
    for (const auto& [first, run] : records_.runs()) {
        if (run.value.write_id == write_id) written.emplace_back(first, run.last);
    }
    const bool was_full = !can_acquire();
    bool available = false;
    for (const auto& [first, last] : written) {
        records_.update(first, last, [&](Record& record) {
            record.write_id = 0;
            if (durable) {
                record.state = record.next;
                record.member.clear();
                record.deadline_ms = 0;
                available = available || record.state == DeliveryState::kAvailable;
            }
            record.next = DeliveryState::kAvailable;
        });
    }
    advance_start();
    return available || (was_full && can_acquire());
}

std::optional<ShareWrite> SharePartition::tick(std::int64_t now_ms) {
    std::vector<std::pair<std::int64_t, std::int64_t>> due;
    for (const auto& [first, run] : records_.runs()) {
        const Record& record = run.value;
        const bool locked = record.state == DeliveryState::kAcquired && record.write_id == 0;
        if (locked && record.deadline_ms <= now_ms) due.emplace_back(first, run.last);
    }
    if (due.empty()) return std::nullopt;
    ShareWrite write{.id = 0};
    for (const auto& [first, last] : due) {
        records_.update(first, last, [&](Record& record) {
            record.state = after_release(record);
            record.member.clear();
            record.deadline_ms = 0;
        });
    }
    for (const auto& [first, last] : due) {
        const auto run = records_.at_or_after(first);
        const Record& record = run->second.value;
        write.batches.push_back({first, last, record.state, record.delivery_count});
    }
    finish(write);
    advance_start();
    return write;
}

std::optional<std::int64_t> SharePartition::next_deadline_ms() const {
    std::optional<std::int64_t> next;
    for (const auto& [first, run] : records_.runs()) {
        const Record& record = run.value;
        if (record.state != DeliveryState::kAcquired || record.write_id != 0) continue;
        if (!next || record.deadline_ms < *next) next = record.deadline_ms;
    }
    return next;
}

// ---- the start ----

void SharePartition::move_start(std::int64_t log_start) {
    if (log_start <= start_) return;
    records_.erase(start_, log_start - 1);
    start_ = log_start;
    end_ = std::max(end_, start_);
    advance_start();
}

void SharePartition::advance_start() {
    while (!records_.empty()) {
        const auto& [first, run] = *records_.runs().begin();
        if (!run.value.terminal()) return;
        start_ = run.last + 1;
        records_.erase(first, run.last);
    }
}

void SharePartition::finish(ShareWrite& write) const {
    write.start_offset = start_;
    for (const auto& [first, run] : records_.runs()) {
        const Record& record = run.value;
        const bool on_its_way = write.id != 0 && record.write_id == write.id &&
                                record.next != DeliveryState::kAvailable;
        if (!record.terminal() && !on_its_way) break;
        write.start_offset = run.last + 1;
    }
    std::erase_if(write.batches,
                  [&](const StateBatch& batch) { return batch.last < write.start_offset; });
    for (StateBatch& batch : write.batches) {
        batch.first = std::max(batch.first, write.start_offset);
    }
}

bool SharePartition::idle() const {
    return std::ranges::none_of(records_.runs(), [](const auto& one) {
        const Record& record = one.second.value;
        return record.state == DeliveryState::kAcquired || record.write_id != 0;
    });
}

std::string SharePartition::to_string() const {
    std::string text;
    for (const auto& [first, run] : records_.runs()) {
        const Record& record = run.value;
        if (!text.empty()) text += ", ";
        text += fmt::format("{}-{} {} {}", first, run.last, state_word(record.state),
                            record.delivery_count);
        if (!record.member.empty()) text += " by " + record.member;
        if (record.write_id != 0) text += fmt::format(" to be {}", state_word(record.next));
    }
    return text;
}

}  // namespace millrace::broker
