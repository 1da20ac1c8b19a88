#include "broker/local_topics.h"

#include <span>
#include <utility>

#include "broker/append_signals.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/topic_rules.h"
#include "broker/partition.h"
#include "broker/services.h"
#include "model/batch.h"
#include "model/batch_builder.h"
#include "model/records.h"
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "storage/checked_batch.h"
#include "storage/log.h"

namespace millrace::broker {
namespace {

using base::Code;
using base::fail;
using base::Result;
using runtime::Task;
using topic::TopicPartition;

// Several batches rather than one that is larger than this.
constexpr std::size_t kBatchBytes = 512 << 10;

struct Found {
    std::shared_ptr<const Topic> topic;
    std::shared_ptr<Partition> partition;
};

Result<Found> find(const Services& services, const TopicPartition& name) {
    auto topic = services.catalog.find(name.topic);
    if (!topic) return fail(Code::kNotFound, "there is no topic {}", name.topic);
    auto partition = topic->partition(name.partition);
    if (!partition) {
        return fail(Code::kNotFound, "topic {} has {} partitions, and so no partition {}",
                    name.topic, topic->record.partitions, name.partition);
    }
    return Found{std::move(topic), std::move(partition)};
}

// Calls fn(Log&) on the partition's loop, from a thread that is no loop.
template <class Fn, class Value = std::invoke_result_t<Fn&, storage::Log&>>
Value on_log(const Found& found, Fn fn) {
    constexpr auto kRun = [](std::shared_ptr<Partition> partition, Fn inner) -> Task<Value> {
        storage::Log* log = partition->log();
        if (!log) co_return fail(Code::kNotFound, "the topic was deleted");
        co_return inner(*log);
    };
    return runtime::run_blocking(found.partition->loop(), kRun(found.partition, std::move(fn)));
}

// What of the log is decided, and what of that was aborted.
struct Committed {
    storage::Slice slice;
    std::vector<storage::AbortedTransaction> aborted;
};

Result<Committed> read_committed(storage::Log& log, model::Offset from, std::size_t max_bytes) {
    Committed committed;
    MR_TRY(committed.slice, log.read(from, max_bytes, storage::Isolation::kReadCommitted));
    committed.aborted = log.aborted_transactions(from, committed.slice.bound);
    return committed;
}

topic::RecordColumns to_topic(model::RecordColumns&& from) {
    topic::RecordColumns to;
    to.offsets = std::move(from.offsets);
    to.timestamps_ms = std::move(from.timestamps_ms);
    to.timestamp_types = std::move(from.timestamp_types);
    to.keys = std::move(from.keys);
    to.key_offsets = std::move(from.key_offsets);
    to.key_null = std::move(from.key_null);
    to.values = std::move(from.values);
    to.value_offsets = std::move(from.value_offsets);
    to.value_null = std::move(from.value_null);
    for (auto& headers : from.headers) {
        auto& row = to.headers.emplace_back();
        for (auto& header : headers) {
            row.push_back({std::move(header.key), std::move(header.value)});
        }
    }
    return to;
}

// The batches that `records` make, each within the topic's limit.
std::vector<base::Bytes> build(const std::vector<topic::NewRecord>& records,
                               const storage::LogConfig& config, model::Timestamp now) {
    const std::size_t limit =
        std::min<std::size_t>(kBatchBytes, static_cast<std::size_t>(config.max_message_bytes));
    std::vector<base::Bytes> batches;
    model::BatchBuilder builder;
    std::vector<model::Header> headers;
    for (const topic::NewRecord& record : records) {
        std::size_t size =
            32 + (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
        headers.clear();
        for (const topic::Header& header : record.headers) {
            headers.push_back({header.key, header.value});
            size += 16 + header.key.size() + (header.value ? header.value->size() : 0);
        }
        if (!builder.empty() && builder.size_bytes() + size > limit) {
            batches.push_back(builder.build());
        }
        builder.add(record.timestamp_ms < 0 ? now : model::Timestamp{record.timestamp_ms},
                    record.key, record.value, headers);
    }
    if (!builder.empty()) batches.push_back(builder.build());
    return batches;
}

// All batches go in without a pause between them, so that their offsets follow each other.
Task<Result<std::int64_t>> append_all(std::shared_ptr<Partition> partition,
                                      std::span<const storage::CheckedBatch> batches) {
    storage::Log* log = partition->log();
    if (!log) co_return fail(Code::kNotFound, "the topic was deleted");
    std::int64_t first = log->offsets().log_end.value;
    model::Offset next{first};
    bool is_first = true;
    for (const storage::CheckedBatch& batch : batches) {
        MR_CO_TRY(const auto appended, log->append(batch));
        if (std::exchange(is_first, false)) first = appended.base_offset.value;
        next = appended.next_offset;
    }
    MR_CO_TRY_VOID(co_await log->wait_durable(next));
    co_return first;
}

class LocalWatch final : public topic::Watch {
public:
    LocalWatch(std::shared_ptr<AppendSignal> signal, std::function<void()> on_append)
        : signal_(std::move(signal)), id_(signal_->add(std::move(on_append))) {}
    ~LocalWatch() override { signal_->remove(id_); }

private:
    std::shared_ptr<AppendSignal> signal_;
    std::uint64_t id_;
};

}  // namespace

Result<std::vector<std::string>> LocalTopics::list() {
    std::vector<std::string> names;
    for (const auto& topic : services_.catalog.all()) {
        if (!topic->internal()) names.push_back(topic->name());
    }
    return names;
}

Result<topic::TopicDescription> LocalTopics::describe(const std::string& name) {
    const auto topic = services_.catalog.find(name);
    if (!topic) return fail(Code::kNotFound, "there is no topic {}", name);
    topic::TopicDescription description;
    description.name = name;
    description.partitions = topic->record.partitions;
    description.configs = {topic->record.settings.begin(), topic->record.settings.end()};
    return description;
}

Result<void> LocalTopics::create(const topic::TopicDescription& topic) {
    const TopicRefusal refusal = check_new_topic(services_, topic.name);
    if (refusal) {
        const bool exists = refusal.error == kafka::ErrorCode::kTopicAlreadyExists;
        return fail(exists ? Code::kAlreadyExists : Code::kInvalidArgument, "{}", refusal.message);
    }
    if (topic.partitions < 1 || topic.partitions > kMaxPartitionsPerTopic) {
        return fail(Code::kInvalidArgument, "a topic cannot have {} partitions", topic.partitions);
    }
    const config::Settings settings(topic.configs.begin(), topic.configs.end());
    MR_TRY_VOID(services_.catalog.options(settings));
    Catalog& catalog = services_.catalog;
    MR_TRY_VOID(runtime::run_blocking(catalog.loop(),
                                      catalog.create(topic.name, topic.partitions, settings)));
    return {};
}

Result<void> LocalTopics::remove(const std::string& name) {
    Catalog& catalog = services_.catalog;
    MR_TRY_VOID(runtime::run_blocking(catalog.loop(), catalog.remove(name, std::nullopt)));
    runtime::run_blocking(catalog.loop(), services_.groups.forget_topic(name));
    return {};
}

Result<topic::OffsetRange> LocalTopics::offsets(const TopicPartition& partition) {
    MR_TRY(const Found found, find(services_, partition));
    return on_log(found, [](storage::Log& log) -> Result<topic::OffsetRange> {
        const storage::Log::Offsets offsets = log.offsets();
        return topic::OffsetRange{offsets.log_start.value, offsets.last_stable.value};
    });
}

Result<std::optional<std::int64_t>> LocalTopics::offset_at(const TopicPartition& partition,
                                                           std::int64_t timestamp_ms) {
    MR_TRY(const Found found, find(services_, partition));
    return on_log(found, [timestamp_ms](storage::Log& log) -> Result<std::optional<std::int64_t>> {
        MR_TRY(const auto match, log.offset_at(model::Timestamp{timestamp_ms}));
        if (!match) return std::nullopt;
        return match->offset.value;
    });
}

Result<topic::Topics::Read> LocalTopics::read(const TopicPartition& partition, std::int64_t from,
                                              std::int64_t to, const topic::ReadOptions& options) {
    MR_TRY(const Found found, find(services_, partition));
    thread_local base::Bytes scratch;
    model::RecordColumns columns;
    const model::DecodeRange range{model::Offset{from}, model::Offset{to}, options.headers};
    std::int64_t at = from;
    // Control batches and aborted ones give no rows: go on until there is one, or nothing more.
    while (at < to && columns.rows() == 0) {
        MR_TRY(auto committed, on_log(found, [&](storage::Log& log) {
                   return read_committed(log, model::Offset{at}, options.max_bytes);
               }));
        if (committed.slice.size_bytes == 0) break;
        MR_TRY(const base::Bytes bytes, committed.slice.load());
        storage::AbortedFilter filter(std::move(committed.aborted));
        const std::int64_t before = at;
        columns.values.reserve(columns.values.size() + bytes.size());
        for (base::ByteView rest = bytes; !rest.empty() && at < to;) {
            const auto batch = model::RecordBatch::parse(rest);
            if (!batch && batch.error().code() == Code::kOutOfRange) break;  // Cut off at the end.
            if (!batch) return fail(batch.error());
            rest.remove_prefix(batch->size_bytes());
            MR_TRY_VOID(batch->check_crc());
            if (!filter.leaves_out(*batch)) {
                MR_TRY_VOID(model::decode_into(*batch, range, scratch, columns));
            }
            at = std::min(batch->next_offset().value, to);
        }
        if (at == before) {
            return fail(Code::kCorrupt, "{}-{}: no batch at offset {}", partition.topic,
                        partition.partition, at);
        }
    }
    if (scratch.size() > (8u << 20)) base::Bytes().swap(scratch);
    return Read{to_topic(std::move(columns)), at};
}

Result<std::int64_t> LocalTopics::append(const TopicPartition& partition,
                                         const std::vector<topic::NewRecord>& records) {
    MR_TRY(const Found found, find(services_, partition));
    const model::Timestamp now{services_.clock.wall_ms()};
    std::vector<base::Bytes> batches = build(records, found.topic->log_config, now);
    base::Bytes scratch;
    std::vector<storage::CheckedBatch> checked;
    for (base::Bytes& batch : batches) {
        MR_TRY(auto one, storage::CheckedBatch::check(batch, storage::Origin::kClient,
                                                      found.topic->log_config, now, scratch));
        checked.push_back(std::move(one));
    }
    return runtime::run_blocking(found.partition->loop(), append_all(found.partition, checked));
}

std::unique_ptr<topic::Watch> LocalTopics::watch(const std::string& topic,
                                                 std::function<void()> on_append) {
    return std::make_unique<LocalWatch>(signals_.of_topic(topic), std::move(on_append));
}

}  // namespace millrace::broker
