// InMemoryTopics: topics that live in memory, with the behaviour of the real ones.
//
// For tests of everything that reads and writes topics, and for sources that need no durability.
// What contract.h checks of every implementation holds here too.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "topic/topics.h"

namespace millrace::runtime {
class Clock;
}

namespace millrace::topic {

class InMemoryTopics final : public Topics {
public:
    explicit InMemoryTopics(const runtime::Clock& clock);
    ~InMemoryTopics() override;

    base::Result<std::vector<std::string>> list() override;
    base::Result<TopicDescription> describe(const std::string& topic) override;
    base::Result<void> create(const TopicDescription& topic) override;
    base::Result<void> remove(const std::string& topic) override;
    base::Result<OffsetRange> offsets(const TopicPartition& partition) override;
    base::Result<std::optional<std::int64_t>> offset_at(const TopicPartition& partition,
                                                        std::int64_t timestamp_ms) override;
    base::Result<Read> read(const TopicPartition& partition, std::int64_t from, std::int64_t to,
                            const ReadOptions& options) override;
    bool reads_in_parallel() const override { return true; }
    base::Result<std::int64_t> append(const TopicPartition& partition,
                                      const std::vector<NewRecord>& records) override;
    std::unique_ptr<Watch> watch(const std::string& topic,
                                 std::function<void()> on_append) override;

    // For tests: what retention and failing disks do. Records before `first` are gone.
    void trim(const TopicPartition& partition, std::int64_t first);
    // Reads and appends give kOffline until it is called with false.
    void set_offline(const TopicPartition& partition, bool offline);

private:
    struct Partition;
    struct Topic;
    class WatchImpl;

    base::Result<Partition*> find(const TopicPartition& partition);
    void tell(const std::string& topic);

    const runtime::Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Topic> topics_;
    std::vector<std::shared_ptr<WatchImpl>> watches_;
};

}  // namespace millrace::topic
