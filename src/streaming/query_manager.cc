#include "streaming/query_manager.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/pool.h"
#include "streaming/compact_log.h"
#include "streaming/forgetful_disk.h"
#include "streaming/json.h"
#include "streaming/legality.h"
#include "streaming/memory_table.h"
#include "streaming/running_query.h"

namespace millrace::streaming {

using base::Code;
using base::fail;

namespace {

constexpr std::size_t kEndedQueriesKept = 100;

base::Error illegal_argument(std::string message) {
    base::Condition condition;
    condition.java_class = "java.lang.IllegalArgumentException";
    return {Code::kInvalidArgument, std::move(message), std::move(condition)};
}

}  // namespace

struct QueryManager::Impl : std::enable_shared_from_this<Impl> {
    explicit Impl(Services given)
        : services(std::move(given)),
          forgetful(make_forgetful_disk()),
          maintenance(runtime::make_system_pool("state", 1)) {
        if (!services.table) {
            services.table = [this](const plan::ScanNode& scan) -> Result<columnar::Batches> {
                const auto table = find_table(scan.table.empty() ? "" : scan.table.back());
                if (table == nullptr) {
                    return fail(Code::kNotFound, "no table to read for a scan of {}",
                                scan.source.format);
                }
                return table->snapshot();
            };
        }
    }

    std::shared_ptr<MemoryTable> find_table(const std::string& name) const {
        const std::lock_guard lock(mutex);
        const auto table = tables.find(name);
        return table == tables.end() ? nullptr : table->second;
    }

    void publish(const QueryEvent& event) {
        std::vector<QueryListener> copies;
        {
            const std::lock_guard lock(mutex);
            for (const auto& [_, listener] : listeners) copies.push_back(listener);
        }
        for (const QueryListener& listener : copies) listener(event);
    }

    // The query has ended, on its own thread.
    void note_end(RunningQuery& query, const std::string& directory) {
        const std::lock_guard lock(mutex);
        checkpoints.erase(directory);
        for (auto entry = running.begin(); entry != running.end(); ++entry) {
            if (entry->get() != &query) continue;
            ended.push_back(*entry);
            if (ended.size() > kEndedQueriesKept) dying.push_back(ended.front());
            if (ended.size() > kEndedQueriesKept) ended.erase(ended.begin());
            running.erase(entry);
            break;
        }
        ++terminations;
        if (const auto error = query.exception(); error && !first_failure) first_failure = error;
        changed.notify_all();
    }

    Services services;
    std::unique_ptr<runtime::Disk> forgetful;
    std::unique_ptr<runtime::Pool> maintenance;

    mutable std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::shared_ptr<RunningQuery>> running;
    std::vector<std::shared_ptr<RunningQuery>> ended;
    // Forgotten, but perhaps by their own thread, which cannot join itself: freed by the next
    // start.
    std::vector<std::shared_ptr<RunningQuery>> dying;
    std::set<std::string> names_starting;
    std::set<std::string> checkpoints;
    std::map<std::string, std::shared_ptr<MemoryTable>> tables;
    std::map<std::int64_t, QueryListener> listeners;
    std::int64_t next_listener = 1;
    std::int64_t terminations = 0;
    std::int64_t reset_at = 0;
    std::optional<base::Error> first_failure;
};

QueryManager::QueryManager(Services services)
    : impl_(std::make_shared<Impl>(std::move(services))) {}

QueryManager::~QueryManager() {
    stop_all();
    // Their threads refer to impl_: join them before it goes.
    std::vector<std::shared_ptr<RunningQuery>> all;
    {
        const std::lock_guard lock(impl_->mutex);
        all = impl_->ended;
        all.insert(all.end(), impl_->dying.begin(), impl_->dying.end());
        impl_->listeners.clear();
    }
    for (const auto& query : all) query->stop();
}

Result<std::shared_ptr<StreamingQuery>> QueryManager::start(QuerySpec spec) {
    Impl& impl = *impl_;
    MR_TRY_VOID(check_legality(spec));
    RunningQuery::Plan plan;
    plan.trigger = spec.trigger;
    MR_TRY(plan.interval_ms, trigger_interval_ms(spec.trigger));

    const bool is_memory = spec.sink.format == "memory" && !spec.sink.callback;
    if (is_memory && spec.name.empty()) {
        return fail(Code::kAnalysis, "queryName must be specified for memory sink");
    }
    const bool temporary = spec.checkpoint_location.empty();
    const std::string run_id = runtime::make_uuid(impl.services.random);
    const std::string directory = temporary
                                      ? impl.services.temporary_directory + "/temporary-" + run_id
                                      : local_path(spec.checkpoint_location);
    {
        std::vector<std::shared_ptr<RunningQuery>> dying;
        const std::lock_guard lock(impl.mutex);
        dying.swap(impl.dying);
        if (!spec.name.empty()) {
            const bool taken = impl.names_starting.contains(spec.name) ||
                               std::ranges::any_of(impl.running, [&](const auto& query) {
                                   return query->name() == spec.name;
                               });
            if (taken) {
                return fail(illegal_argument(
                    fmt::format("Cannot start query with name {} as a query with that name is "
                                "already active in this SparkSession",
                                spec.name)));
            }
        }
        if (impl.checkpoints.contains(directory)) {
            return fail(Code::kConflict,
                        "[CONCURRENT_QUERY] Another instance of this query was just started by a "
                        "concurrent session: the checkpoint {} is in use by an active query. "
                        "SQLSTATE: 0A000",
                        directory);
        }
        impl.checkpoints.insert(directory);
        if (!spec.name.empty()) impl.names_starting.insert(spec.name);
    }
    const auto give_up = [&](base::Error error) {
        const std::lock_guard lock(impl.mutex);
        impl.checkpoints.erase(directory);
        impl.names_starting.erase(spec.name);
        return fail(std::move(error));
    };
    runtime::Disk& disk = temporary ? *impl.forgetful : impl.services.disk;
    if (is_memory) {
        if (spec.mode != OutputMode::kComplete && disk.exists(directory + "/offsets")) {
            return give_up({Code::kAnalysis,
                            fmt::format("This query does not support recovering from checkpoint "
                                        "location. Delete {}/offsets to start over.",
                                        directory)});
        }
        std::vector<plan::Field> fields;
        for (const plan::Field& field : plan::schema_of(*spec.plan).fields())
            fields.push_back(field);
        plan.table = std::make_shared<MemoryTable>(spec.name, std::move(fields));
    }
    plan.cancelled = std::make_shared<std::atomic<bool>>(false);
    auto execution = QueryExecution::make(impl.services, spec,
                                          {.checkpoint_directory = directory,
                                           .checkpoint_disk = disk,
                                           .durable_state = !temporary,
                                           .table = plan.table,
                                           .maintenance = impl.maintenance.get(),
                                           .cancelled = plan.cancelled.get()});
    if (!execution) return give_up(std::move(execution).error());
    plan.execution = std::move(*execution);
    plan.ids = {plan.execution->query_id(), run_id, spec.name};
    plan.publish = [shared = impl_.get()](const QueryEvent& event) { shared->publish(event); };
    plan.on_end = [shared = impl_.get(), directory](RunningQuery& query) {
        shared->note_end(query, directory);
    };
    const QueryIds ids = plan.ids;
    const auto query = std::make_shared<RunningQuery>(impl.services, std::move(plan));
    {
        const std::lock_guard lock(impl.mutex);
        impl.running.push_back(query);
        impl.names_starting.erase(spec.name);
        if (query->table() != nullptr) impl.tables[spec.name] = query->table();
    }
    impl.publish(
        {QueryEvent::Kind::kStarted, ids.id, ids.run_id,
         fmt::format("{{\"id\":{},\"runId\":{},\"name\":{},\"timestamp\":{},\"jobTags\":[]}}",
                     json_quote(ids.id), json_quote(ids.run_id),
                     ids.name.empty() ? "null" : json_quote(ids.name),
                     json_quote(iso_time(impl.services.clock.wall_ms())))});
    query->start();
    return query;
}

std::vector<std::shared_ptr<StreamingQuery>> QueryManager::active() const {
    const std::lock_guard lock(impl_->mutex);
    return {impl_->running.begin(), impl_->running.end()};
}

std::shared_ptr<StreamingQuery> QueryManager::get(const std::string& id,
                                                  const std::string& run_id) const {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& query : impl_->running) {
        if (query->id() == id && (run_id.empty() || query->run_id() == run_id)) return query;
    }
    if (run_id.empty()) return nullptr;
    for (const auto& query : impl_->ended) {
        if (query->id() == id && query->run_id() == run_id) return query;
    }
    return nullptr;
}

Result<bool> QueryManager::await_any_termination(std::optional<std::chrono::milliseconds> timeout) {
    std::unique_lock lock(impl_->mutex);
    const auto ended = [this] { return impl_->terminations > impl_->reset_at; };
    if (timeout) {
        impl_->changed.wait_for(lock, *timeout, ended);
    } else {
        impl_->changed.wait(lock, ended);
    }
    if (impl_->first_failure) return fail(*impl_->first_failure);
    return ended();
}

void QueryManager::reset_terminated() {
    const std::lock_guard lock(impl_->mutex);
    impl_->reset_at = impl_->terminations;
    impl_->first_failure.reset();
}

void QueryManager::stop_all() {
    for (const auto& query : active()) query->stop();
}

std::shared_ptr<MemoryTable> QueryManager::memory_table(const std::string& name) const {
    return impl_->find_table(name);
}

std::vector<std::string> QueryManager::memory_table_names() const {
    const std::lock_guard lock(impl_->mutex);
    std::vector<std::string> names;
    for (const auto& [name, _] : impl_->tables) names.push_back(name);
    return names;
}

std::int64_t QueryManager::add_listener(QueryListener listener) {
    const std::lock_guard lock(impl_->mutex);
    impl_->listeners[impl_->next_listener] = std::move(listener);
    return impl_->next_listener++;
}

void QueryManager::remove_listener(std::int64_t id) {
    const std::lock_guard lock(impl_->mutex);
    impl_->listeners.erase(id);
}

std::vector<QueryView> QueryManager::view() const {
    std::vector<std::shared_ptr<RunningQuery>> all;
    {
        const std::lock_guard lock(impl_->mutex);
        all = impl_->running;
        all.insert(all.end(), impl_->ended.begin(), impl_->ended.end());
    }
    std::vector<QueryView> views;
    for (const auto& query : all) views.push_back(query->view());
    return views;
}

}  // namespace millrace::streaming
