#include "broker/catalog/catalog.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "broker/append_signals.h"
#include "broker/catalog/metadata_records.h"
#include "broker/live_options.h"
#include "broker/on_loops.h"
#include "broker/partition.h"
#include "model/topic_name.h"
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "storage/log_store.h"

namespace millrace::broker {
namespace {

using base::Code;
using base::fail;
using base::Result;
using runtime::Task;

constexpr std::int64_t kProducerIdBlock = 1000;
constexpr std::int32_t kOpenedAtOnce = 64;

std::string collision_key(std::string name) {
    std::ranges::replace(name, '.', '_');
    return name;
}

kafka::Uuid random_uuid(runtime::Random& random) {
    // Version 4, variant 1. Kafka's text form of ids does not begin with '-' either.
    while (true) {
        kafka::Uuid id{(random.next() & ~0xf000ull) | 0x4000ull,
                       (random.next() & ~(3ull << 62)) | (2ull << 62)};
        if (!id.to_string().starts_with('-')) return id;
    }
}

}  // namespace

// Waits until no other change is under way.
class Catalog::Turn {
public:
    static Task<std::unique_ptr<Turn>> take(Catalog& catalog) {
        while (catalog.changing_) co_await catalog.change_ended_.wait();
        catalog.changing_ = true;
        co_return std::unique_ptr<Turn>(new Turn(catalog));
    }
    ~Turn() {
        catalog_.changing_ = false;
        catalog_.change_ended_.notify_all();
    }

private:
    explicit Turn(Catalog& catalog) : catalog_(catalog) {}
    Catalog& catalog_;
};

Catalog::Catalog(Environment environment) : environment_(std::move(environment)) {}
Catalog::~Catalog() = default;

runtime::Loop& Catalog::loop() const {
    return environment_.loops.first();
}

runtime::Loop& Catalog::loop_for(const TopicRecord& record, std::int32_t partition) const {
    // By the id, so that it is the same after every start and topics spread.
    const std::uint64_t spread = record.id.low + static_cast<std::uint64_t>(partition);
    return environment_.loops.at(spread % environment_.loops.size());
}

Result<config::TopicOptions> Catalog::options(const config::Settings& settings) const {
    config::TopicOptions options = *environment_.options.topic_defaults();
    MR_TRY_VOID(config::topic_option_table().apply(options, settings));
    return options;
}

// ---- lookups ----

std::shared_ptr<const Topic> Catalog::find(std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const auto found = topics_.find(name);
    return found == topics_.end() ? nullptr : found->second;
}

std::shared_ptr<const Topic> Catalog::find(const kafka::Uuid& id) const {
    const std::shared_lock lock(mutex_);
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const Topic>> Catalog::all() const {
    const std::shared_lock lock(mutex_);
    std::vector<std::shared_ptr<const Topic>> all;
    all.reserve(topics_.size());
    for (const auto& [name, topic] : topics_) all.push_back(topic);
    return all;
}

std::vector<std::pair<std::string, std::vector<std::shared_ptr<Partition>>>> Catalog::compacted()
    const {
    std::vector<std::pair<std::string, std::vector<std::shared_ptr<Partition>>>> logs;
    if (partition_) logs.push_back({std::string(kMetadataTopic), {partition_}});
    const std::shared_lock lock(mutex_);
    for (const auto& [name, topic] : topics_) {
        if (topic->log_config.cleanup_compact) logs.emplace_back(name, topic->partitions);
    }
    return logs;
}

std::shared_ptr<const Topic> Catalog::find_collision(std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const auto [first, last] = collisions_.equal_range(collision_key(std::string(name)));
    for (auto at = first; at != last; ++at) {
        if (at->second == name) continue;
        const auto topic = topics_.find(at->second);
        if (topic != topics_.end()) return topic->second;
    }
    return nullptr;
}

std::shared_ptr<const ClusterState> Catalog::cluster_state() const {
    const std::shared_lock lock(mutex_);
    return cluster_state_;
}

std::int64_t Catalog::features_epoch() const {
    const std::shared_lock lock(mutex_);
    return features_epoch_;
}

storage::Log::Offsets Catalog::log_offsets() {
    storage::Log* const log = partition_->log();
    return log ? log->offsets() : storage::Log::Offsets{};
}

std::string Catalog::cluster_id() const {
    const std::shared_lock lock(mutex_);
    return cluster_id_;
}

void Catalog::publish(std::shared_ptr<const Topic> topic) {
    const std::unique_lock lock(mutex_);
    const std::string& name = topic->name();
    by_id_.insert_or_assign(topic->record.id, topic);
    const bool is_new = topics_.insert_or_assign(name, topic).second;
    if (is_new) collisions_.emplace(collision_key(name), name);
    version_.fetch_add(1, std::memory_order_acq_rel);
}

// ---- opening ----

Task<Result<void>> Catalog::open() {
    const auto turn = co_await Turn::take(*this);
    TopicRecord self{.name = std::string(kMetadataTopic), .partitions = 1};
    MR_CO_TRY(const auto existing, environment_.store.list());
    MR_CO_TRY(const auto name, model::TopicName::make(kMetadataTopic));
    storage::LogConfig config;
    config.cleanup_delete = false;
    config.cleanup_compact = true;
    config.segment_bytes = 16 << 20;
    config.max_message_bytes = 64 << 20;
    MR_CO_TRY(auto log, co_await runtime::run(environment_.pool, [this, &name, &config] {
                  return environment_.store.open_log({name, model::PartitionId{0}}, config, loop());
              }));
    partition_ = std::make_shared<Partition>(0, loop(), std::move(log),
                                             environment_.signals.of_topic(self.name));
    partition_->start();
    log_ = std::make_unique<KeyedLog>(partition_, environment_.clock);
    LoadedMetadata loaded;
    MR_CO_TRY_VOID(
        co_await log_->load([&](base::ByteView key, std::optional<base::ByteView> value) {
            loaded.apply(key, value);
        }));
    if (!loaded.understood) {
        co_return fail(Code::kUnsupported,
                       "{} holds records that this version of Millrace does not know: "
                       "was the folder written by a newer one?",
                       environment_.store.folder());
    }
    if (loaded.cluster_id.empty()) {
        const bool has_others = std::ranges::any_of(
            existing, [&](const auto& one) { return one.topic.str() != kMetadataTopic; });
        if (has_others) {
            co_return fail(Code::kCorrupt,
                           "{} holds partitions, but the record of topics ({}-0) is missing: "
                           "restore it, or start on an empty folder",
                           environment_.store.folder(), kMetadataTopic);
        }
        loaded.cluster_id = random_uuid(environment_.random).to_string();
        std::vector<KeyedRecord> first;
        first.push_back(cluster_record(loaded.cluster_id, 0));
        MR_CO_TRY_VOID(co_await write(std::move(first)));
    }
    {
        const std::unique_lock lock(mutex_);
        cluster_id_ = loaded.cluster_id;
        cluster_state_ = std::make_shared<const ClusterState>(std::move(loaded.cluster));
        features_epoch_ = log_offsets().log_end.value;
    }
    apply_cluster_state();
    next_producer_id_ = producer_ids_end_ = loaded.next_producer_id;
    // All at once: the pool's threads recover several logs at a time.
    std::vector<Task<Result<std::shared_ptr<const Topic>>>> opening;
    for (auto& [topic_name, record] : loaded.topics) {
        opening.push_back(open_topic(std::move(record), {}));
    }
    for (auto& topic : co_await runtime::when_all(std::move(opening))) {
        if (!topic) co_return fail(topic.error());
        publish(std::move(*topic));
    }
    co_return co_await remove_strays();
}

// Folders of topics whose deletion a crash interrupted.
Task<Result<void>> Catalog::remove_strays() {
    MR_CO_TRY(const auto existing, environment_.store.list());
    for (const storage::PartitionName& one : existing) {
        if (one.topic.str() == kMetadataTopic) continue;
        const auto topic = find(one.topic.str());
        if (topic && topic->partition(one.partition.value)) continue;
        base::log_info("removing {}: its topic was deleted", one.folder());
        MR_CO_TRY_VOID(co_await runtime::run(
            environment_.pool, [this, &one] { return environment_.store.remove_log(one); }));
    }
    co_return Result<void>();
}

Task<Result<std::shared_ptr<const Topic>>> Catalog::open_topic(
    TopicRecord record, std::vector<std::shared_ptr<Partition>> partitions) {
    auto topic = std::make_shared<Topic>();
    MR_CO_TRY(topic->options, options(record.settings));
    topic->log_config = log_config(topic->options);
    MR_CO_TRY(const auto name, model::TopicName::make(record.name));
    const auto from = static_cast<std::int32_t>(partitions.size());
    partitions.resize(static_cast<std::size_t>(record.partitions));
    // Many with each trip to the pool: a trip costs more than the opening of a small log.
    for (std::int32_t first = from; first < record.partitions; first += kOpenedAtOnce) {
        const std::int32_t end = std::min(first + kOpenedAtOnce, record.partitions);
        std::vector<storage::LogStore::OpenRequest> requests;
        for (std::int32_t index = first; index < end; ++index) {
            requests.push_back({{name, model::PartitionId{index}}, &loop_for(record, index)});
        }
        MR_CO_TRY(auto logs, co_await runtime::run(environment_.pool, [&] {
                      return environment_.store.open_logs(requests, topic->log_config);
                  }));
        for (std::size_t i = 0; i < logs.size(); ++i) {
            const std::int32_t index = requests[i].partition.partition.value;
            partitions[static_cast<std::size_t>(index)] =
                std::make_shared<Partition>(index, *requests[i].loop, std::move(logs[i]),
                                            environment_.signals.of_topic(record.name));
        }
    }
    const std::vector<std::shared_ptr<Partition>> fresh(partitions.begin() + from,
                                                        partitions.end());
    co_await on_loops(fresh, [&fresh](std::size_t index) { fresh[index]->start(); });
    topic->record = std::move(record);
    topic->partitions = std::move(partitions);
    co_return std::shared_ptr<const Topic>(std::move(topic));
}

// ---- changes ----

Task<Result<model::Offset>> Catalog::write(std::vector<KeyedRecord> records) {
    MR_CO_TRY(const model::Offset next, log_->append(records));
    MR_CO_TRY_VOID(co_await log_->wait_durable(next));
    co_return next;
}

std::vector<KeyedRecord> Catalog::state() const {
    std::vector<KeyedRecord> state;
    state.push_back(cluster_record(cluster_id(), producer_ids_end_));
    for (const auto& topic : all()) {
        state.push_back(topic_record(topic->record));
    }
    for (KeyedRecord& record : change_records({}, *cluster_state())) {
        state.push_back(std::move(record));
    }
    return state;
}

Task<Result<std::shared_ptr<const Topic>>> Catalog::create(std::string name,
                                                           std::int32_t partitions,
                                                           config::Settings settings) {
    const auto turn = co_await Turn::take(*this);
    if (find(name)) co_return fail(Code::kAlreadyExists, "Topic '{}' already exists.", name);
    if (log_->wants_rewrite()) MR_CO_TRY_VOID(co_await log_->rewrite(state()));
    TopicRecord record{name, random_uuid(environment_.random), partitions, std::move(settings)};
    std::vector<KeyedRecord> records;
    records.push_back(topic_record(record));
    MR_CO_TRY_VOID(co_await write(std::move(records)));
    auto topic = co_await open_topic(std::move(record), {});
    if (!topic) {
        // It cannot be opened (no space, too many files): it was never there.
        std::vector<KeyedRecord> undo;
        undo.push_back(topic_gone_record(name));
        MR_CO_TRY_VOID(co_await write(std::move(undo)));
        MR_CO_TRY_VOID(co_await remove_strays());
        co_return fail(topic.error());
    }
    publish(*topic);
    co_return std::move(*topic);
}

Task<Result<void>> Catalog::remove(std::string name, std::optional<kafka::Uuid> id) {
    const auto turn = co_await Turn::take(*this);
    const std::shared_ptr<const Topic> topic = find(name);
    if (!topic || (id && topic->record.id != *id)) {
        co_return fail(Code::kNotFound, "no topic '{}'", name);
    }
    std::vector<KeyedRecord> records;
    records.push_back(topic_gone_record(name));
    MR_CO_TRY_VOID(co_await write(std::move(records)));
    {
        const std::unique_lock lock(mutex_);
        topics_.erase(name);
        by_id_.erase(topic->record.id);
        const auto [first, last] = collisions_.equal_range(collision_key(name));
        for (auto at = first; at != last; ++at) {
            if (at->second != name) continue;
            collisions_.erase(at);
            break;
        }
        version_.fetch_add(1, std::memory_order_acq_rel);
    }
    MR_CO_TRY(const auto checked, model::TopicName::make(name));
    for (const auto& partition : topic->partitions) {
        // A log that is out of service cannot be closed well; it goes all the same.
        (void)co_await runtime::call_on(partition->loop(), [&] { return partition->close(); });
        MR_CO_TRY_VOID(co_await runtime::run(environment_.pool, [&] {
            return environment_.store.remove_log({checked, model::PartitionId{partition->index()}});
        }));
    }
    co_return Result<void>();
}

Task<Result<void>> Catalog::add_partitions(std::string name, std::int32_t total) {
    const auto turn = co_await Turn::take(*this);
    const std::shared_ptr<const Topic> topic = find(name);
    if (!topic) co_return fail(Code::kNotFound, "no topic '{}'", name);
    if (total <= topic->record.partitions) {
        co_return fail(Code::kOutOfRange, "topic '{}' has {} partitions", name,
                       topic->record.partitions);
    }
    TopicRecord record = topic->record;
    record.partitions = total;
    std::vector<KeyedRecord> records;
    records.push_back(topic_record(record));
    MR_CO_TRY_VOID(co_await write(std::move(records)));
    MR_CO_TRY(auto grown, co_await open_topic(std::move(record), topic->partitions));
    publish(std::move(grown));
    co_return Result<void>();
}

Task<Result<void>> Catalog::change_topic(std::string name, EditSettings edit) {
    const auto turn = co_await Turn::take(*this);
    const std::shared_ptr<const Topic> topic = find(name);
    if (!topic) co_return fail(Code::kNotFound, "no topic '{}'", name);
    std::optional<config::Settings> settings = edit(topic->record.settings);
    if (!settings || *settings == topic->record.settings) co_return Result<void>();
    TopicRecord record = topic->record;
    record.settings = std::move(*settings);
    MR_CO_TRY_VOID(options(record.settings));
    if (log_->wants_rewrite()) MR_CO_TRY_VOID(co_await log_->rewrite(state()));
    std::vector<KeyedRecord> records;
    records.push_back(topic_record(record));
    MR_CO_TRY_VOID(co_await write(std::move(records)));
    co_return co_await configure(*topic, std::move(record));
}

Task<Result<void>> Catalog::change_cluster(EditCluster edit) {
    const auto turn = co_await Turn::take(*this);
    const std::shared_ptr<const ClusterState> before = cluster_state();
    std::optional<ClusterState> edited = edit(*before);
    if (!edited) co_return Result<void>();
    std::vector<KeyedRecord> records = change_records(*before, *edited);
    if (records.empty()) co_return Result<void>();
    if (log_->wants_rewrite()) MR_CO_TRY_VOID(co_await log_->rewrite(state()));
    MR_CO_TRY(const model::Offset next, co_await write(std::move(records)));
    auto after = std::make_shared<const ClusterState>(std::move(*edited));
    {
        const std::unique_lock lock(mutex_);
        cluster_state_ = after;
        features_epoch_ = next.value;
    }
    const auto defaults = environment_.options.topic_defaults();
    apply_cluster_state();
    if (*defaults == *environment_.options.topic_defaults()) co_return Result<void>();
    for (const auto& topic : all()) {
        MR_CO_TRY_VOID(co_await configure(*topic, topic->record));
    }
    co_return Result<void>();
}

void Catalog::apply_cluster_state() {
    const auto cluster = cluster_state();
    environment_.options.apply(
        cluster->config(ConfigType::kBroker, ""),
        cluster->config(ConfigType::kBroker, std::to_string(environment_.node_id)));
    environment_.cluster_changed(*cluster);
}

Task<Result<void>> Catalog::configure(const Topic& before, TopicRecord record) {
    auto topic = std::make_shared<Topic>();
    MR_CO_TRY(topic->options, options(record.settings));
    topic->log_config = log_config(topic->options);
    topic->record = std::move(record);
    topic->partitions = before.partitions;
    co_await on_loops(topic->partitions, [&](std::size_t index) {
        storage::Log* log = topic->partitions[index]->log();
        if (log) log->set_config(topic->log_config);
    });
    publish(std::move(topic));
    co_return Result<void>();
}

Task<Result<std::int64_t>> Catalog::take_producer_ids(std::int64_t count) {
    const auto turn = co_await Turn::take(*this);
    if (next_producer_id_ + count > producer_ids_end_) {
        const std::int64_t end = next_producer_id_ + std::max(count, kProducerIdBlock);
        std::vector<KeyedRecord> records;
        records.push_back(cluster_record(cluster_id(), end));
        MR_CO_TRY_VOID(co_await write(std::move(records)));
        producer_ids_end_ = end;
    }
    co_return std::exchange(next_producer_id_, next_producer_id_ + count);
}

Task<void> Catalog::close() {
    const auto turn = co_await Turn::take(*this);
    // Those of one loop together, so that they share the last group commits.
    std::map<runtime::Loop*, std::vector<std::shared_ptr<Partition>>> by_loop;
    for (const auto& topic : all()) {
        for (const auto& partition : topic->partitions) {
            by_loop[&partition->loop()].push_back(partition);
        }
    }
    for (const auto& one : by_loop) {
        const auto outcomes = co_await runtime::call_on(*one.first, [&one] {
            std::vector<Task<Result<void>>> closing;
            for (const auto& partition : one.second) closing.push_back(partition->close());
            return runtime::when_all(std::move(closing));
        });
        for (const Result<void>& outcome : outcomes) {
            if (!outcome) base::log_error("closing a log: {}", outcome.error().message());
        }
    }
    if (partition_) (void)co_await partition_->close();
}

}  // namespace millrace::broker
