// LocalTopics: the broker's own topics without a socket, for the engines in the same process.
//
// Records are decoded on the calling thread, so that several readers use several cores.
// Thread-safe; calls block and must not come from a loop. Valid while the broker runs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "topic/topics.h"

namespace millrace::broker {

class AppendSignals;
struct Services;

class LocalTopics final : public topic::Topics {
public:
    LocalTopics(const Services& services, AppendSignals& signals)
        : services_(services), signals_(signals) {}

    base::Result<std::vector<std::string>> list() override;
    base::Result<topic::TopicDescription> describe(const std::string& topic) override;
    base::Result<void> create(const topic::TopicDescription& topic) override;
    base::Result<void> remove(const std::string& topic) override;
    base::Result<topic::OffsetRange> offsets(const topic::TopicPartition& partition) override;
    base::Result<std::optional<std::int64_t>> offset_at(const topic::TopicPartition& partition,
                                                        std::int64_t timestamp_ms) override;
    base::Result<Read> read(const topic::TopicPartition& partition, std::int64_t from,
                            std::int64_t to, const topic::ReadOptions& options) override;
    bool reads_in_parallel() const override { return true; }
    base::Result<std::int64_t> append(const topic::TopicPartition& partition,
                                      const std::vector<topic::NewRecord>& records) override;
    std::unique_ptr<topic::Watch> watch(const std::string& topic,
                                        std::function<void()> on_append) override;

private:
    const Services& services_;
    AppendSignals& signals_;
};

}  // namespace millrace::broker
