#include "client/remote_topics.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>

#include "client/admin_internal.h"
#include "client/partition_reader_internal.h"
#include "client/rdkafka_internal.h"
#include "runtime/thread.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;
using topic::TopicPartition;

namespace {

constexpr auto kWatchInterval = std::chrono::milliseconds(10);
constexpr int kWatchRoundsPerRefresh = 100;  // Then partitions may have been added.

// Waits for the outcomes of the records of one append.
class Outcomes {
public:
    explicit Outcomes(std::size_t records) : left_(records) {}
    void report(const rd_kafka_message_t& message) {
        const std::lock_guard lock(mutex_);
        if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR && error_ == RD_KAFKA_RESP_ERR_NO_ERROR) {
            error_ = message.err;
        }
        if (first_ < 0 || message.offset < first_) first_ = message.offset;
        if (--left_ == 0) done_.notify_all();
    }
    void give_up(std::size_t records) {
        const std::lock_guard lock(mutex_);
        left_ -= records;
    }
    void wait() {
        std::unique_lock lock(mutex_);
        done_.wait(lock, [&] { return left_ == 0; });
    }
    rd_kafka_resp_err_t error() const { return error_; }
    std::int64_t first() const { return first_; }

private:
    std::mutex mutex_;
    std::condition_variable done_;
    std::size_t left_;
    std::int64_t first_ = -1;
    rd_kafka_resp_err_t error_ = RD_KAFKA_RESP_ERR_NO_ERROR;
};

class RemoteTopics final : public topic::Topics {
public:
    explicit RemoteTopics(Settings settings)
        : settings_(std::move(settings)), servers_(servers_of(settings_)) {}

    ~RemoteTopics() override {
        poller_ = {};
        readers_.clear();
    }

    Result<void> start() {
        MR_TRY(auto consumer, make_configuration(settings_,
                                                 {{"auto.offset.reset", "error"},
                                                  {"fetch.wait.max.ms", "100"},
                                                  {"socket.keepalive.enable", "true"}},
                                                 {{"enable.partition.eof", "true"}}));
        reach_.watch(consumer.get());
        MR_TRY(consumer_, make_handle(RD_KAFKA_CONSUMER, std::move(consumer)));
        MR_TRY_VOID(reach_.wait(consumer_.get(), servers_, kTimeoutMs));

        // Settings for consumers alone are unknown to a producer only in that it warns of them.
        MR_TRY(auto producer, make_configuration(settings_,
                                                 {{"enable.idempotence", "true"},
                                                  {"linger.ms", "0"},
                                                  {"batch.num.messages", "100000"},
                                                  {"message.timeout.ms", "30000"}},
                                                 {{"acks", "all"}}));
        rd_kafka_conf_set_dr_msg_cb(producer.get(),
                                    [](rd_kafka_t*, const rd_kafka_message_t* message, void*) {
                                        static_cast<Outcomes*>(message->_private)->report(*message);
                                    });
        MR_TRY(producer_, make_handle(RD_KAFKA_PRODUCER, std::move(producer)));
        poller_ = runtime::Thread("kafka-append", [this](std::stop_token stop) {
            while (!stop.stop_requested()) rd_kafka_poll(producer_.get(), 50);
        });
        return {};
    }

    Result<std::vector<std::string>> list() override {
        MR_TRY(const auto topics, admin().partition_counts());
        std::vector<std::string> names;
        for (const auto& [name, partitions] : topics) {
            if (!name.starts_with("__")) names.push_back(name);
        }
        return names;
    }

    Result<topic::TopicDescription> describe(const std::string& name) override {
        MR_TRY(const auto topics, admin().partition_counts());
        const auto found = topics.find(name);
        if (found == topics.end()) return fail(Code::kNotFound, "there is no topic {}", name);
        const auto settings =
            admin().settings({.kind = Cluster::ResourceKind::kTopic, .name = name});
        // A server that does not tell its settings still has the topic.
        if (!settings && settings.error().code() != Code::kUnsupported &&
            settings.error().code() != Code::kPermissionDenied) {
            return fail(settings.error());
        }
        topic::TopicDescription description{
            .name = name, .partitions = found->second, .configs = {}};
        if (!settings) return description;
        for (const Cluster::Setting& setting : *settings) {
            if (setting.is_own) description.configs[setting.name] = setting.value.value_or("");
        }
        return description;
    }

    Result<void> create(const topic::TopicDescription& topic) override {
        MR_TRY(const auto outcomes,
               admin().create_topics(
                   {{.name = topic.name, .partitions = topic.partitions, .configs = topic.configs}},
                   Cluster::Mode::kApply));
        MR_TRY_VOID(outcomes.front());
        // Servers tell of a topic a moment after they have made it.
        for (int attempt = 0; attempt < 100; ++attempt) {
            MR_TRY(const auto topics, admin().partition_counts());
            if (topics.contains(topic.name)) break;
        }
        return {};
    }

    Result<void> remove(const std::string& name) override {
        {
            const std::lock_guard lock(mutex_);
            std::erase_if(readers_, [&](const auto& entry) { return entry.first.topic == name; });
            partitions_.erase(name);
        }
        MR_TRY(const auto outcomes, admin().delete_topics({name}));
        return outcomes.front();
    }

    Result<topic::OffsetRange> offsets(const TopicPartition& partition) override {
        MR_TRY(const auto reader, reader_of(partition));
        return reader->offsets();
    }

    Result<std::optional<std::int64_t>> offset_at(const TopicPartition& partition,
                                                  std::int64_t timestamp_ms) override {
        MR_TRY_VOID(check_partition(partition));
        const PartitionList list(rd_kafka_topic_partition_list_new(1));
        auto* const entry = rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(),
                                                              partition.partition);
        // Negative times have other meanings in the protocol.
        entry->offset = std::max<std::int64_t>(timestamp_ms, 0);
        auto error = rd_kafka_offsets_for_times(consumer_.get(), list.get(), kTimeoutMs);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = entry->err;
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return fail(to_error(error, "find an offset by time in " + partition.topic, servers_));
        }
        if (entry->offset < 0) return std::nullopt;
        return entry->offset;
    }

    Result<Read> read(const TopicPartition& partition, std::int64_t from, std::int64_t to,
                      const topic::ReadOptions& options) override {
        MR_TRY(const auto reader, reader_of(partition));
        return reader->read(from, to, options);
    }

    Result<std::int64_t> append(const TopicPartition& partition,
                                const std::vector<topic::NewRecord>& records) override {
        MR_TRY_VOID(check_partition(partition));
        if (records.empty()) {
            MR_TRY(const auto range, offsets(partition));
            return range.next;
        }
        Outcomes outcomes(records.size());
        for (std::size_t i = 0; i < records.size();) {
            const auto error = produce(producer_.get(), partition.topic, partition.partition,
                                       records[i], &outcomes);
            if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
                rd_kafka_poll(producer_.get(), 10);  // Reports make room.
            } else if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
                outcomes.give_up(records.size() - i);
                outcomes.wait();
                return fail(to_error(error, "append to " + partition.topic, servers_));
            } else {
                ++i;
            }
        }
        outcomes.wait();
        if (outcomes.error() != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return fail(to_error(outcomes.error(), "append to " + partition.topic, servers_));
        }
        return outcomes.first();
    }

    std::unique_ptr<topic::Watch> watch(const std::string& name,
                                        std::function<void()> on_append) override {
        class Poll final : public topic::Watch {
        public:
            explicit Poll(runtime::Thread thread) : thread_(std::move(thread)) {}
            ~Poll() override { thread_ = {}; }

        private:
            runtime::Thread thread_;
        };
        // What is there already is no news, even if the thread begins later.
        auto seen = end_offsets(name, partition_count(name));
        return std::make_unique<Poll>(
            runtime::Thread("kafka-watch", [this, name, call = std::move(on_append),
                                            ends = std::move(seen)](std::stop_token stop) mutable {
                run_watch(stop, name, call, std::move(ends));
            }));
    }

private:
    Admin admin() const { return {consumer_.get(), servers_}; }

    std::int32_t partition_count(const std::string& name) const {
        const auto topics = admin().partition_counts();
        if (!topics) return 0;
        const auto found = topics->find(name);
        return found == topics->end() ? 0 : found->second;
    }

    Result<void> check_partition(const TopicPartition& partition) {
        {
            const std::lock_guard lock(mutex_);
            const auto known = partitions_.find(partition.topic);
            if (known != partitions_.end() && partition.partition >= 0 &&
                partition.partition < known->second) {
                return {};
            }
        }
        // librdkafka would wait, and some servers would create the topic: ask first.
        MR_TRY(const auto topics, admin().partition_counts());
        const auto found = topics.find(partition.topic);
        if (found == topics.end()) {
            return fail(Code::kNotFound, "there is no topic {}", partition.topic);
        }
        if (partition.partition < 0 || partition.partition >= found->second) {
            return fail(Code::kNotFound, "topic {} has no partition {}", partition.topic,
                        partition.partition);
        }
        const std::lock_guard lock(mutex_);
        partitions_[partition.topic] = found->second;
        return {};
    }

    Result<std::shared_ptr<PartitionReader>> reader_of(const TopicPartition& partition) {
        MR_TRY_VOID(check_partition(partition));
        const std::lock_guard lock(mutex_);
        auto& reader = readers_[partition];
        if (reader == nullptr) {
            reader = std::make_shared<PartitionReader>(consumer_.get(), servers_, partition);
        }
        return reader;
    }

    // The end of every partition; empty when the server does not tell.
    std::vector<std::int64_t> end_offsets(const std::string& name, std::int32_t partitions) const {
        if (partitions == 0) return {};
        const PartitionList list(rd_kafka_topic_partition_list_new(partitions));
        for (std::int32_t i = 0; i < partitions; ++i) {
            rd_kafka_topic_partition_list_add(list.get(), name.c_str(), i)->offset =
                RD_KAFKA_OFFSET_END;
        }
        if (rd_kafka_offsets_for_times(consumer_.get(), list.get(), kTimeoutMs) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            return {};
        }
        std::vector<std::int64_t> ends;
        for (int i = 0; i < list->cnt; ++i) ends.push_back(list->elems[i].offset);
        return ends;
    }

    void run_watch(const std::stop_token& stop, const std::string& name,
                   const std::function<void()>& call, std::vector<std::int64_t> seen) const {
        std::mutex mutex;
        std::condition_variable_any waiting;
        auto partitions = static_cast<std::int32_t>(seen.size());
        for (int round = 1; !stop.stop_requested(); ++round) {
            {
                std::unique_lock lock(mutex);
                waiting.wait_for(lock, stop, kWatchInterval, [] { return false; });
            }
            if (stop.stop_requested()) return;
            if (partitions == 0 || round % kWatchRoundsPerRefresh == 0) {
                partitions = partition_count(name);
            }
            auto ends = end_offsets(name, partitions);
            if (ends.empty() || ends == seen) continue;
            // A topic that has just come and is still empty is no append either.
            const bool appended =
                !seen.empty() || std::ranges::any_of(ends, [](auto end) { return end > 0; });
            seen = std::move(ends);
            if (appended) call();
        }
    }

    const Settings settings_;
    const std::string servers_;
    Reach reach_;  // Before the handle that writes to it.
    Handle consumer_;
    Handle producer_;
    std::mutex mutex_;
    std::map<std::string, std::int32_t> partitions_;
    std::map<TopicPartition, std::shared_ptr<PartitionReader>> readers_;
    runtime::Thread poller_;
};

}  // namespace

Result<std::unique_ptr<topic::Topics>> connect_topics(const Settings& settings) {
    auto topics = std::make_unique<RemoteTopics>(settings);
    MR_TRY_VOID(topics->start());
    return topics;
}

}  // namespace millrace::client
