#include "broker/broker.h"

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "broker/append_signals.h"
#include "broker/catalog/catalog.h"
#include "broker/connection.h"
#include "broker/group/coordinator.h"
#include "broker/live_options.h"
#include "broker/local_topics.h"
#include "broker/log_cleaner.h"
#include "broker/partition.h"
#include "broker/quota/client_throttle.h"
#include "broker/services.h"
#include "broker/share/share_service.h"
#include "broker/transaction/coordinator.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/gate.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "runtime/socket.h"
#include "storage/log_store.h"

namespace millrace::broker {
namespace {

using base::Result;
using runtime::Task;

ConsumerGroupLimits consumer_group_limits(const config::ServerOptions& options) {
    const std::string& policy = options.group_consumer_migration_policy;
    ConsumerGroupLimits limits{
        .timeouts = {.session_timeout_ms = options.group_consumer_session_timeout_ms,
                     .heartbeat_interval_ms = options.group_consumer_heartbeat_interval_ms,
                     .assignment_interval_ms = options.group_consumer_assignment_interval_ms},
        .max_size = static_cast<std::size_t>(options.group_consumer_max_size),
        .upgrade = policy == "bidirectional" || policy == "upgrade",
        .downgrade = policy == "bidirectional" || policy == "downgrade"};
    const auto assignors = base::split(options.group_consumer_assignors, ',');
    limits.assignors.assign(assignors.begin(), assignors.end());
    return limits;
}

GroupLimits group_limits(const config::ServerOptions& options) {
    return {
        .initial_rebalance_delay_ms = options.group_initial_rebalance_delay_ms,
        .min_session_timeout_ms = static_cast<std::int32_t>(options.group_min_session_timeout_ms),
        .max_session_timeout_ms = static_cast<std::int32_t>(options.group_max_session_timeout_ms),
        .max_size = static_cast<std::size_t>(options.group_max_size),
        .offsets_retention_ms = std::int64_t{options.offsets_retention_minutes} * 60'000,
        .offsets_check_interval_ms = options.offsets_retention_check_interval_ms,
        .consumer = consumer_group_limits(options),
        .streams = {
            .settings = {.session_timeout_ms = options.group_streams_session_timeout_ms,
                         .heartbeat_interval_ms = options.group_streams_heartbeat_interval_ms,
                         .assignment_interval_ms = options.group_streams_assignment_interval_ms,
                         .initial_rebalance_delay_ms =
                             options.group_streams_initial_rebalance_delay_ms,
                         .num_standby_replicas = options.group_streams_num_standby_replicas},
            .max_size = static_cast<std::size_t>(options.group_streams_max_size)}};
}

SampledRate::Windows quota_windows(const config::ServerOptions& options) {
    return {.count = options.quota_window_num,
            .size_ms = std::int64_t{options.quota_window_size_seconds} * 1000};
}

LogCleaner::Settings cleaner_settings(const config::ServerOptions& options) {
    return {.backoff_ms = options.log_cleaner_backoff_ms,
            .dedupe_buffer_bytes = options.log_cleaner_dedupe_buffer_size,
            .max_bytes_per_second = options.log_cleaner_io_max_bytes_per_second};
}

}  // namespace

struct Broker::Impl {
    // What belongs to one loop.
    struct Worker {
        explicit Worker(runtime::Loop& home) : loop(home) {}
        runtime::Loop& loop;
        std::set<Connection*> connections;
        bool stopping = false;
        runtime::Condition stop_wanted;
        runtime::Gate gate;
    };

    Impl(Environment given, config::ServerOptions given_options)
        : environment(given),
          options(std::move(given_options)),
          live_options(options),
          throttle(quota_windows(options)) {}

    Task<Result<void>> open();
    Task<Result<void>> start();
    Task<void> stop();
    Task<void> accept_clients();
    Task<void> serve_client(Worker& worker, std::unique_ptr<runtime::Stream> stream);
    Task<void> keep_house(Worker& worker);
    Task<void> stop_worker(Worker& worker);

    const Environment environment;
    const config::ServerOptions options;
    LiveOptions live_options;
    ClientThrottle throttle;
    AppendSignals signals;
    std::unique_ptr<storage::LogStore> store;
    std::unique_ptr<Catalog> catalog;
    std::unique_ptr<Coordinator> groups;
    std::unique_ptr<TransactionCoordinator> transactions;
    std::unique_ptr<ShareService> shares;
    std::unique_ptr<Services> services;
    std::unique_ptr<LocalTopics> topics;
    std::unique_ptr<LogCleaner> cleaner;
    std::vector<std::unique_ptr<Worker>> workers;
    std::unique_ptr<runtime::Listener> listener;
    runtime::Gate accepting;  // On the first loop.
    std::uint16_t port = 0;
    std::atomic<std::int64_t> connections = 0;
    std::atomic<std::int64_t> connections_total = 0;
};

Task<Result<void>> Broker::Impl::open() {
    const std::string folder = options.data_dir + "/topics";
    MR_CO_TRY(store, co_await runtime::run(environment.pool, [this, &folder] {
                  return storage::LogStore::open(environment.disk, environment.clock,
                                                 environment.pool, folder);
              }));
    catalog = std::make_unique<Catalog>(Catalog::Environment{
        .store = *store,
        .loops = environment.loops,
        .pool = environment.pool,
        .clock = environment.clock,
        .random = environment.random,
        .signals = signals,
        .options = live_options,
        .node_id = kNodeId,
        .cluster_changed = [this](const ClusterState& now) { throttle.set_limits(now); },
    });
    groups = std::make_unique<Coordinator>(*catalog, environment.clock, group_limits(options),
                                           options.offsets_topic_num_partitions,
                                           options.offsets_topic_segment_bytes);
    transactions = std::make_unique<TransactionCoordinator>(
        *catalog, *groups, environment.clock,
        TransactionLimits{.max_timeout_ms = options.transaction_max_timeout_ms,
                          .id_expiration_ms = options.transactional_id_expiration_ms},
        options.transaction_state_log_num_partitions);
    shares = std::make_unique<ShareService>(
        *catalog, environment.loops, environment.clock,
        ShareService::Limits{
            .state_partitions = options.share_state_topic_num_partitions,
            .max_sessions = static_cast<std::size_t>(options.group_share_max_share_sessions)});
    services = std::make_unique<Services>(Services{
        .options = options,
        .live_options = live_options,
        .clock = environment.clock,
        .random = environment.random,
        .disk = environment.disk,
        .pool = environment.pool,
        .catalog = *catalog,
        .groups = *groups,
        .throttle = throttle,
        .transactions = *transactions,
        .shares = *shares,
        .node_id = kNodeId,
        .host = options.advertised_host.empty() ? options.listen_host : options.advertised_host,
        .log_dir = runtime::absolute_path(folder),
    });
    MR_CO_TRY_VOID(co_await catalog->open());
    MR_CO_TRY_VOID(co_await groups->open());
    MR_CO_TRY_VOID(co_await transactions->open());
    MR_CO_TRY_VOID(co_await shares->open());
    MR_CO_TRY(listener, environment.network.listen(options.listen_host,
                                                   static_cast<std::uint16_t>(options.kafka_port)));
    port = services->port = listener->port();
    topics = std::make_unique<LocalTopics>(*services, signals);
    cleaner = std::make_unique<LogCleaner>(
        *catalog, environment.cleaner_pool ? *environment.cleaner_pool : environment.pool,
        environment.random, cleaner_settings(options));
    co_return Result<void>();
}

Task<Result<void>> Broker::Impl::start() {
    const Result<void> opened = co_await open();
    if (!opened) {
        if (transactions) co_await transactions->stop();
        if (shares) co_await shares->stop();
        if (groups) co_await groups->stop();
        if (catalog) co_await catalog->close();
        co_return opened;
    }
    for (std::size_t i = 0; i < environment.loops.size(); ++i) {
        workers.push_back(std::make_unique<Worker>(environment.loops.at(i)));
        runtime::spawn(workers.back()->loop, keep_house(*workers.back()));
    }
    if (options.log_cleaner_enable) {
        runtime::spawn(environment.loops.first(), cleaner->run());
    }
    runtime::spawn(environment.loops.first(), accept_clients());
    co_return Result<void>();
}

Task<void> Broker::Impl::accept_clients() {
    const auto pass = accepting.enter();
    for (std::size_t next = 0;; ++next) {
        Worker& worker = *workers[next % workers.size()];
        auto stream = co_await listener->accept(&worker.loop);
        if (!stream) {
            if (stream.error().code() == base::Code::kCancelled) co_return;
            base::log_warning("kafka: accept: {}", stream.error().message());
            continue;
        }
        runtime::spawn(worker.loop, serve_client(worker, std::move(*stream)));
    }
}

Task<void> Broker::Impl::serve_client(Worker& worker, std::unique_ptr<runtime::Stream> stream) {
    const auto pass = worker.gate.enter();
    if (!pass) co_return;
    const std::string peer = stream->peer();
    const std::int64_t held_ms =
        throttle.take_connection(peer.substr(0, peer.rfind(':')), worker.loop.now_ns() / 1'000'000);
    if (held_ms > 0) {
        // Not closed at once: whoever tries again and again would only be faster.
        if (!worker.stopping) {
            co_await worker.stop_wanted.wait_for(std::chrono::milliseconds(held_ms));
        }
        co_return;
    }
    const std::int32_t most = live_options.get()->max_connections;
    if (connections.fetch_add(1) >= most) {
        base::log_warning("kafka: hanging up on {}: {} clients are connected (max.connections)",
                          stream->peer(), most);
        connections.fetch_sub(1);
        co_return;
    }
    connections_total.fetch_add(1);
    {
        Connection connection(*services, std::move(stream));
        worker.connections.insert(&connection);
        co_await connection.run();
        worker.connections.erase(&connection);
    }
    connections.fetch_sub(1);
}

// Retention, of the partitions that belong to this loop.
Task<void> Broker::Impl::keep_house(Worker& worker) {
    const auto pass = worker.gate.enter();
    const auto interval = std::chrono::milliseconds(options.log_retention_check_interval_ms);
    while (!worker.stopping) {
        co_await worker.stop_wanted.wait_for(interval);
        if (worker.stopping) co_return;
        for (const auto& topic : catalog->all()) {
            for (const auto& partition : topic->partitions) {
                if (&partition->loop() != &worker.loop || !partition->log()) continue;
                const auto removed = partition->log()->enforce_retention();
                if (!removed) {
                    base::log_warning("{}-{}: retention: {}", topic->name(), partition->index(),
                                      removed.error().message());
                }
            }
            co_await runtime::yield();
        }
    }
}

Task<void> Broker::Impl::stop_worker(Worker& worker) {
    worker.stopping = true;
    worker.stop_wanted.notify_all();
    for (Connection* connection : worker.connections) connection->close();
    co_await worker.gate.close();
}

Task<void> Broker::Impl::stop() {
    listener->close();
    co_await accepting.close();
    // Markers go to the groups too, so the transactions stop first. Those who wait for their group
    // are answered, so that their calls end.
    co_await transactions->stop();
    co_await groups->stop();
    for (const auto& worker : workers) {
        co_await runtime::call_on(worker->loop, [&] { return stop_worker(*worker); });
    }
    co_await shares->stop();
    co_await cleaner->stop();
    co_await catalog->close();
    listener.reset();
}

Broker::Broker(Environment environment, config::ServerOptions options)
    : impl_(std::make_unique<Impl>(environment, std::move(options))) {}
Broker::~Broker() = default;

Task<Result<void>> Broker::start() {
    co_return co_await runtime::call_on(impl_->environment.loops.first(),
                                        [this] { return impl_->start(); });
}

Task<void> Broker::stop() {
    co_await runtime::call_on(impl_->environment.loops.first(), [this] { return impl_->stop(); });
}

topic::Topics& Broker::topics() {
    return *impl_->topics;
}
std::uint16_t Broker::port() const {
    return impl_->port;
}

BrokerView Broker::view() const {
    const storage::LogStore::Stats stats = impl_->store->stats();
    BrokerView view{.connections = impl_->connections.load(),
                    .connections_total = impl_->connections_total.load(),
                    .appended_bytes = stats.appended_bytes,
                    .appended_batches = stats.appended_batches,
                    .commits = stats.commits,
                    .commit_ns = stats.commit_ns,
                    .failed_syncs = stats.failed_syncs,
                    .refused_appends_no_space = stats.refused_appends_no_space,
                    .deleted_segments = stats.deleted_segments,
                    .cleaner_rounds = stats.cleaner_rounds,
                    .cleaner_failures = stats.cleaner_failures,
                    .cleaner_bytes_read = stats.cleaner_bytes_read,
                    .cleaner_bytes_written = stats.cleaner_bytes_written,
                    .cleaner_records_read = stats.cleaner_records_read,
                    .cleaner_records_kept = stats.cleaner_records_kept,
                    .cleaner_max_dirty_percent = impl_->cleaner->view().max_dirty_percent,
                    .uncleanable_partitions = impl_->cleaner->view().uncleanable_partitions};
    for (const auto& topic : impl_->catalog->all()) {
        ++view.topics;
        view.partitions += topic->partitions.size();
    }
    return view;
}

}  // namespace millrace::broker
