// Catalog: which topics exist, kept in the internal log __millrace_metadata-0.
//
// Changes run one at a time on the catalog's loop: first the record is durable, then logs are made
// or removed, then everyone sees it. A crash in between is made good at the next start, from the
// records. Lookups are thread-safe and do not wait for changes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "broker/catalog/cluster_state.h"
#include "broker/catalog/topic.h"
#include "broker/keyed_log.h"
#include "runtime/event.h"
#include "runtime/task.h"
#include "storage/log.h"

namespace millrace::runtime {
class Clock;
class LoopGroup;
class Pool;
class Random;
}  // namespace millrace::runtime

namespace millrace::storage {
class LogStore;
}

namespace millrace::broker {

class AppendSignals;
class LiveOptions;

class Catalog {
public:
    // The topic that holds the catalog; clients cannot name it.
    static constexpr std::string_view kMetadataTopic = "__millrace_metadata";

    struct Environment {
        storage::LogStore& store;
        runtime::LoopGroup& loops;
        runtime::Pool& pool;
        runtime::Clock& clock;
        runtime::Random& random;
        AppendSignals& signals;
        // As they are at any moment; the catalog applies what is set of brokers to them.
        LiveOptions& options;
        std::int32_t node_id;
        // Called with what cluster_state() tells, at the start and after every change.
        std::function<void(const ClusterState&)> cluster_changed;
    };
    explicit Catalog(Environment environment);
    ~Catalog();

    // ---- lookups, on any thread ----
    std::shared_ptr<const Topic> find(std::string_view name) const;
    std::shared_ptr<const Topic> find(const kafka::Uuid& id) const;
    // Sorted by name.
    std::vector<std::shared_ptr<const Topic>> all() const;
    // The logs that compaction looks after, by topic; the catalog's own is among them.
    std::vector<std::pair<std::string, std::vector<std::shared_ptr<Partition>>>> compacted() const;
    // A topic whose name differs from `name` only in '.' and '_'.
    std::shared_ptr<const Topic> find_collision(std::string_view name) const;
    // What is kept beside the topics. Never null once the catalog is open.
    std::shared_ptr<const ClusterState> cluster_state() const;
    // Grows with every change of what cluster_state() tells, also from start to start.
    std::int64_t features_epoch() const;
    // Grows with every topic that is made, changed or removed.
    std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
    // 22 characters that name this broker's data for ever.
    std::string cluster_id() const;

    // ---- on the catalog's loop, which is the first of the group ----
    // Reads the log and opens all topics.
    runtime::Task<base::Result<void>> open();
    // kAlreadyExists when there is one of that name. The id is made here.
    runtime::Task<base::Result<std::shared_ptr<const Topic>>> create(std::string name,
                                                                     std::int32_t partitions,
                                                                     config::Settings settings);
    // kNotFound when there is none, or another one than `id` asks for.
    runtime::Task<base::Result<void>> remove(std::string name, std::optional<kafka::Uuid> id);
    runtime::Task<base::Result<void>> add_partitions(std::string name, std::int32_t total);
    // Edits run while nothing else changes, and see what is there; they give nothing back when
    // nothing is to change. What they give is durable at the end, and in force.
    using EditSettings =
        std::function<std::optional<config::Settings>(const config::Settings& now)>;
    runtime::Task<base::Result<void>> change_topic(std::string name, EditSettings edit);
    using EditCluster = std::function<std::optional<ClusterState>(const ClusterState& now)>;
    runtime::Task<base::Result<void>> change_cluster(EditCluster edit);
    // Producer ids that nobody had before, from the returned one on.
    runtime::Task<base::Result<std::int64_t>> take_producer_ids(std::int64_t count);
    // Where the log of changes ends, for those who describe it.
    storage::Log::Offsets log_offsets();
    runtime::Task<void> close();

    runtime::Loop& loop() const;
    // What the settings come to on top of the server's defaults; kInvalidArgument in words.
    base::Result<config::TopicOptions> options(const config::Settings& settings) const;

private:
    class Turn;  // One change at a time.

    runtime::Loop& loop_for(const TopicRecord& record, std::int32_t partition) const;
    // Opens partitions [from, record.partitions) and puts them behind those that are there.
    runtime::Task<base::Result<std::shared_ptr<const Topic>>> open_topic(
        TopicRecord record, std::vector<std::shared_ptr<Partition>> partitions);
    // The offset behind the records, once they are durable.
    runtime::Task<base::Result<model::Offset>> write(std::vector<KeyedRecord> records);
    runtime::Task<base::Result<void>> remove_strays();
    std::vector<KeyedRecord> state() const;
    void publish(std::shared_ptr<const Topic> topic);
    // The topic with another record, its logs included.
    runtime::Task<base::Result<void>> configure(const Topic& before, TopicRecord record);
    void apply_cluster_state();

    Environment environment_;
    std::shared_ptr<Partition> partition_;
    std::unique_ptr<KeyedLog> log_;
    bool changing_ = false;
    runtime::Condition change_ended_;
    std::int64_t next_producer_id_ = 0;
    std::int64_t producer_ids_end_ = 0;  // What the log has as next.

    std::atomic<std::uint64_t> version_ = 0;
    mutable std::shared_mutex mutex_;  // Of what follows.
    std::map<std::string, std::shared_ptr<const Topic>, std::less<>> topics_;
    std::map<kafka::Uuid, std::shared_ptr<const Topic>> by_id_;
    std::multimap<std::string, std::string> collisions_;  // Name with '_' for '.', to the name.
    std::string cluster_id_;
    std::shared_ptr<const ClusterState> cluster_state_;
    std::int64_t features_epoch_ = 0;
};

}  // namespace millrace::broker
