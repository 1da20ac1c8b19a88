#include "topic/in_memory_topics.h"

#include <algorithm>

#include "model/topic_name.h"
#include "runtime/clock.h"

namespace millrace::topic {

using base::Code;
using base::fail;
using base::Result;

struct InMemoryTopics::Partition {
    std::int64_t first = 0;  // Offset of records.front().
    std::vector<NewRecord> records;
    bool offline = false;

    std::int64_t next() const { return first + static_cast<std::int64_t>(records.size()); }
    const NewRecord& at(std::int64_t offset) const {
        return records[static_cast<std::size_t>(offset - first)];
    }
};

struct InMemoryTopics::Topic {
    TopicDescription description;
    std::vector<Partition> partitions;
};

// Shared with appends that are about to call; the mutex makes an end wait for a running call.
class InMemoryTopics::WatchImpl {
public:
    WatchImpl(std::string topic, std::function<void()> on_append)
        : topic_(std::move(topic)), on_append_(std::move(on_append)) {}
    const std::string& topic() const { return topic_; }
    void call() {
        const std::lock_guard lock(mutex_);
        if (on_append_) on_append_();
    }
    void end() {
        const std::lock_guard lock(mutex_);
        on_append_ = nullptr;
    }
    bool ended() {
        const std::lock_guard lock(mutex_);
        return on_append_ == nullptr;
    }

private:
    const std::string topic_;
    std::mutex mutex_;
    std::function<void()> on_append_;
};

namespace {

std::size_t record_bytes(const NewRecord& record) {
    std::size_t bytes = 0;
    if (record.key) bytes += record.key->size();
    if (record.value) bytes += record.value->size();
    for (const Header& header : record.headers) {
        bytes += header.key.size() + (header.value ? header.value->size() : 0);
    }
    return bytes;
}

void add_row(RecordColumns& columns, std::int64_t offset, const NewRecord& record, bool headers) {
    columns.offsets.push_back(offset);
    columns.timestamps_ms.push_back(record.timestamp_ms);
    columns.timestamp_types.push_back(0);
    columns.key_null.push_back(record.key ? 0 : 1);
    columns.value_null.push_back(record.value ? 0 : 1);
    if (record.key) columns.keys += *record.key;
    if (record.value) columns.values += *record.value;
    columns.key_offsets.push_back(columns.keys.size());
    columns.value_offsets.push_back(columns.values.size());
    if (headers) columns.headers.push_back(record.headers);
}

}  // namespace

InMemoryTopics::InMemoryTopics(const runtime::Clock& clock) : clock_(clock) {}
InMemoryTopics::~InMemoryTopics() = default;

Result<InMemoryTopics::Partition*> InMemoryTopics::find(const TopicPartition& partition) {
    const auto topic = topics_.find(partition.topic);
    if (topic == topics_.end())
        return fail(Code::kNotFound, "there is no topic {}", partition.topic);
    auto& partitions = topic->second.partitions;
    if (partition.partition < 0 ||
        static_cast<std::size_t>(partition.partition) >= partitions.size()) {
        return fail(Code::kNotFound, "topic {} has no partition {}", partition.topic,
                    partition.partition);
    }
    return &partitions[static_cast<std::size_t>(partition.partition)];
}

Result<std::vector<std::string>> InMemoryTopics::list() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, topic] : topics_) {
        if (!name.starts_with("__")) names.push_back(name);
    }
    return names;
}

Result<TopicDescription> InMemoryTopics::describe(const std::string& topic) {
    const std::lock_guard lock(mutex_);
    const auto found = topics_.find(topic);
    if (found == topics_.end()) return fail(Code::kNotFound, "there is no topic {}", topic);
    return found->second.description;
}

Result<void> InMemoryTopics::create(const TopicDescription& topic) {
    MR_TRY_VOID(model::TopicName::make(topic.name));
    if (topic.partitions < 1) {
        return fail(Code::kInvalidArgument, "topic {} cannot have {} partitions", topic.name,
                    topic.partitions);
    }
    const std::lock_guard lock(mutex_);
    const auto [place, fresh] = topics_.try_emplace(topic.name);
    if (!fresh) return fail(Code::kAlreadyExists, "topic {} exists already", topic.name);
    place->second.description = topic;
    place->second.partitions.resize(static_cast<std::size_t>(topic.partitions));
    return {};
}

Result<void> InMemoryTopics::remove(const std::string& topic) {
    const std::lock_guard lock(mutex_);
    if (topics_.erase(topic) == 0) return fail(Code::kNotFound, "there is no topic {}", topic);
    return {};
}

Result<OffsetRange> InMemoryTopics::offsets(const TopicPartition& partition) {
    const std::lock_guard lock(mutex_);
    MR_TRY(const Partition* found, find(partition));
    return OffsetRange{found->first, found->next()};
}

Result<std::optional<std::int64_t>> InMemoryTopics::offset_at(const TopicPartition& partition,
                                                              std::int64_t timestamp_ms) {
    const std::lock_guard lock(mutex_);
    MR_TRY(const Partition* found, find(partition));
    for (std::int64_t offset = found->first; offset < found->next(); ++offset) {
        if (found->at(offset).timestamp_ms >= timestamp_ms) return offset;
    }
    return std::nullopt;
}

Result<Topics::Read> InMemoryTopics::read(const TopicPartition& partition, std::int64_t from,
                                          std::int64_t to, const ReadOptions& options) {
    const std::lock_guard lock(mutex_);
    MR_TRY(const Partition* found, find(partition));
    if (found->offline) return fail(Code::kOffline, "{} is offline", partition.topic);
    if (from < found->first || from > found->next()) {
        return fail(Code::kOutOfRange, "offset {} of {}-{} is outside [{}, {}]", from,
                    partition.topic, partition.partition, found->first, found->next());
    }
    Read read{.records = {}, .next_offset = from};
    std::size_t bytes = 0;
    for (const std::int64_t end = std::min(to, found->next()); read.next_offset < end;
         ++read.next_offset) {
        const NewRecord& record = found->at(read.next_offset);
        bytes += record_bytes(record);
        if (bytes > options.max_bytes && read.records.rows() > 0) break;
        add_row(read.records, read.next_offset, record, options.headers);
    }
    return read;
}

Result<std::int64_t> InMemoryTopics::append(const TopicPartition& partition,
                                            const std::vector<NewRecord>& records) {
    std::int64_t first = 0;
    {
        const std::lock_guard lock(mutex_);
        MR_TRY(Partition* const found, find(partition));
        if (found->offline) return fail(Code::kOffline, "{} is offline", partition.topic);
        first = found->next();
        for (const NewRecord& record : records) {
            found->records.push_back(record);
            if (record.timestamp_ms == -1) found->records.back().timestamp_ms = clock_.wall_ms();
        }
    }
    if (!records.empty()) tell(partition.topic);
    return first;
}

void InMemoryTopics::tell(const std::string& topic) {
    std::vector<std::shared_ptr<WatchImpl>> interested;
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(watches_, [](const auto& watch) { return watch->ended(); });
        for (const auto& watch : watches_) {
            if (watch->topic() == topic) interested.push_back(watch);
        }
    }
    for (const auto& watch : interested) watch->call();
}

std::unique_ptr<Watch> InMemoryTopics::watch(const std::string& topic,
                                             std::function<void()> on_append) {
    class Handle final : public Watch {
    public:
        explicit Handle(std::shared_ptr<WatchImpl> watch) : watch_(std::move(watch)) {}
        ~Handle() override { watch_->end(); }

    private:
        std::shared_ptr<WatchImpl> watch_;
    };
    auto watch = std::make_shared<WatchImpl>(topic, std::move(on_append));
    const std::lock_guard lock(mutex_);
    watches_.push_back(watch);
    return std::make_unique<Handle>(std::move(watch));
}

void InMemoryTopics::trim(const TopicPartition& partition, std::int64_t first) {
    const std::lock_guard lock(mutex_);
    const auto found = find(partition);
    if (!found || first <= (*found)->first) return;
    auto& records = (*found)->records;
    const std::int64_t gone = std::min(first, (*found)->next()) - (*found)->first;
    records.erase(records.begin(), records.begin() + gone);
    (*found)->first += gone;
}

void InMemoryTopics::set_offline(const TopicPartition& partition, bool offline) {
    const std::lock_guard lock(mutex_);
    if (const auto found = find(partition)) (*found)->offline = offline;
}

}  // namespace millrace::topic
