#include "session/session.h"

#include "runtime/clock.h"
#include "runtime/disk.h"
#include "session/catalog.h"
#include "session/errors_internal.h"
#include "session/scans.h"
#include "session/sources_internal.h"
#include "sql/parser.h"
#include "streaming/query_manager.h"
#include "topic/topics.h"

namespace millrace::session {

namespace {

// The same plan with ids numbered in the order in which they appear: "#17" becomes "#0".
std::string with_renumbered_ids(const std::string& text) {
    std::map<std::string, std::size_t> numbers;
    std::string result;
    for (std::size_t i = 0; i < text.size();) {
        result += text[i];
        if (text[i++] != '#') continue;
        std::string digits;
        while (i < text.size() && text[i] >= '0' && text[i] <= '9') digits += text[i++];
        if (digits.empty()) continue;
        result += std::to_string(numbers.emplace(digits, numbers.size()).first->second);
    }
    return result;
}

plan::DataType text_schema(const std::string& column) {
    return plan::DataType::structure({{column, plan::DataType::string(), false, {}}});
}

Result<columnar::Batch> one_text(const plan::DataType& schema, const std::string& text) {
    columnar::BatchBuilder builder(schema.fields());
    builder.column(0).append_text(text);
    return builder.finish();
}

}  // namespace

Session::Session(std::string id, std::string user, Services& services,
                 std::shared_ptr<GlobalViews> global_views)
    : id_(std::move(id)),
      user_(std::move(user)),
      server_side_id_(runtime::make_uuid(services.random)),
      services_(services),
      conf_(services.settings),
      catalog_(std::make_unique<SessionCatalog>(std::move(global_views), services.queries)) {}

Session::Session(const Session& from, std::string id)
    : id_(std::move(id)),
      user_(from.user_),
      server_side_id_(runtime::make_uuid(from.services_.random)),
      services_(from.services_),
      conf_(from.conf_),
      catalog_(std::make_unique<SessionCatalog>(*from.catalog_)) {}

Session::~Session() = default;

std::int64_t Session::now_us() const {
    return services_.clock.wall_ms() * 1000;
}

Result<plan::LogicalPtr> Session::analyze(const plan::RelationPtr& relation) {
    SessionSources sources(services_.engine, conf_);
    sql::AnalysisContext analysis{conf_, *catalog_, sources, now_us(), user_};
    return sql::analyze(relation, analysis);
}

Result<Query> Session::prepare(const plan::RelationPtr& relation) {
    Query query;
    query.relation = relation;
    query.show = relation->as<plan::ShowStringRel>();
    query.html = relation->as<plan::HtmlStringRel>();
    if (query.show != nullptr || query.html != nullptr) {
        const auto& input = query.show != nullptr ? query.show->input : query.html->input;
        const int rows = query.show != nullptr ? query.show->rows : query.html->rows;
        MR_TRY(auto plan, analyze(input));
        // One more row than is shown tells whether there are more.
        plan::LogicalLimit limit;
        limit.input = std::move(plan);
        limit.limit = std::max<std::int64_t>(0, rows) + 1;
        query.plan = plan::make_logical(std::move(limit));
        query.schema = text_schema(query.show != nullptr ? "show_string" : "html_string");
        return query;
    }
    MR_TRY(query.plan, analyze(relation));
    query.schema = plan::schema_of(*query.plan);
    return query;
}

columnar::RunContext Session::context(const Cancelled* cancelled) const {
    columnar::RunContext context;
    context.time_zone = conf_.time_zone();
    context.now_us = now_us();
    context.cancelled = cancelled;
    return context;
}

Result<columnar::ScanInputs> Session::bind_scans(const plan::LogicalNode& plan) {
    columnar::ScanInputs inputs;
    std::optional<base::Error> failure;
    for_each_node(plan, [&](const plan::LogicalNode& node) {
        const auto* scan = node.as<plan::ScanNode>();
        if (scan == nullptr || failure || inputs.contains(scan->scan_id)) return;
        if (scan->is_streaming) {
            failure = base::Error(
                Code::kAnalysis, fmt::format("Queries with streaming sources must be executed with "
                                             "writeStream.start();\n{}",
                                             scan->source.format));
            return;
        }
        auto rows = catalog_->rows_of(*scan);
        if (!rows) {
            failure = rows.error();
        } else if (*rows) {
            inputs[scan->scan_id] = std::move(**rows);
        } else if (scan->source.format == "kafka") {
            auto records = streaming::read_topics(scan->source, services_.topics);
            if (records) {
                inputs[scan->scan_id] = std::move(*records);
            } else {
                failure = records.error();
            }
        } else if (streaming::fixed_schema(scan->source)) {
            failure = unsupported(fmt::format("a batch read of the {} source", scan->source.format))
                          .error();
        }
    });
    if (failure) return fail(std::move(*failure));
    return inputs;
}

Result<void> Session::run(const Query& query, const Cancelled* cancelled,
                          const columnar::BatchSink& sink) {
    MR_TRY(const auto inputs, bind_scans(*query.plan));
    const auto run_context = context(cancelled);
    if (query.show != nullptr || query.html != nullptr) {
        MR_TRY(const auto rows,
               columnar::collect(services_.engine, *query.plan, inputs, run_context));
        const auto fields = plan::schema_of(*query.plan).fields();
        const auto text = query.show != nullptr
                              ? show_string(fields, rows, *query.show, run_context.time_zone)
                              : html_string(fields, rows, *query.html, run_context.time_zone);
        MR_TRY(auto batch, one_text(query.schema, text));
        return sink(std::move(batch));
    }
    bool any = false;
    MR_TRY_VOID(services_.engine.run(*query.plan, inputs, run_context, [&](columnar::Batch batch) {
        any = true;
        return sink(std::move(batch));
    }));
    if (any) return {};
    columnar::BatchBuilder empty(query.schema.fields());
    MR_TRY(auto batch, empty.finish());
    return sink(std::move(batch));
}

Result<columnar::Batches> Session::collect(const plan::RelationPtr& relation,
                                           const Cancelled* cancelled) {
    MR_TRY(const auto query, prepare(relation));
    columnar::Batches batches;
    MR_TRY_VOID(run(query, cancelled, [&](columnar::Batch batch) -> Result<void> {
        batches.push_back(std::move(batch));
        return {};
    }));
    return batches;
}

Result<std::variant<plan::RelationPtr, Outcome>> Session::sql(const plan::SqlRel& statement,
                                                              const Cancelled* cancelled) {
    using Answer = std::variant<plan::RelationPtr, Outcome>;
    MR_TRY(const auto parsed, sql::parse_statement(statement.text));
    if (const auto* command = std::get_if<plan::Command>(&parsed)) {
        MR_TRY(auto outcome, execute(*command, cancelled));
        return Answer(std::move(outcome));
    }
    // Wrong queries are told of now, as Spark does, although rows are made later.
    auto relation = plan::make_relation(statement);
    MR_TRY_VOID(analyze(relation));
    return Answer(std::move(relation));
}

Result<std::string> Session::explain(const plan::RelationPtr& relation, ExplainMode mode) {
    MR_TRY(const auto analyzed, analyze(relation));
    const std::string text = plan::to_text(*analyzed);
    const auto physical = [&] {
        auto lowered = services_.engine.lowered(*analyzed);
        return lowered ? *lowered + "\n" : lowered.error().message() + "\n";
    };
    switch (mode) {
        case ExplainMode::kSimple: return "== Physical Plan ==\n" + text + "\n";
        case ExplainMode::kFormatted:
            return "== Physical Plan ==\n" + text + "\n\n== Lowered SQL ==\n" + physical();
        case ExplainMode::kCodegen: return "== Lowered SQL ==\n" + physical();
        case ExplainMode::kExtended: break;
        case ExplainMode::kCost:
            return "== Optimized Logical Plan ==\n" + text + "\n== Physical Plan ==\n" + physical();
    }
    return "== Parsed Logical Plan ==\n" + text + "\n== Analyzed Logical Plan ==\n" +
           plan::schema_of(*analyzed).simple_string() + "\n" + text +
           "\n== Optimized Logical Plan ==\n" + text + "\n== Physical Plan ==\n" + physical();
}

Result<std::vector<std::string>> Session::input_files(const plan::RelationPtr& relation) {
    MR_TRY(const auto analyzed, analyze(relation));
    std::vector<std::string> files;
    for_each_node(*analyzed, [&](const plan::LogicalNode& node) {
        const auto* scan = node.as<plan::ScanNode>();
        if (scan == nullptr || !scan->table.empty()) return;
        for (const auto& path : scan->source.paths) {
            auto directory = local_path(path);
            if (!directory) continue;
            if (const auto entries = services_.disk.list(*directory)) {
                for (const auto& entry : *entries) {
                    if (entry.is_directory || entry.name.starts_with('_') ||
                        entry.name.starts_with('.')) {
                        continue;
                    }
                    files.push_back("file://" + *directory + "/" + entry.name);
                }
            } else {
                files.push_back("file://" + *directory);
            }
        }
    });
    return files;
}

Result<std::string> Session::canonical_text(const plan::RelationPtr& relation) {
    MR_TRY(const auto analyzed, analyze(relation));
    return with_renumbered_ids(plan::to_text(*analyzed));
}

Result<void> Session::persist(const plan::RelationPtr& relation, const StorageLevel& level) {
    MR_TRY(auto text, canonical_text(relation));
    const std::scoped_lock lock(mutex_);
    persisted_.emplace(std::move(text), level);
    return {};
}

Result<void> Session::unpersist(const plan::RelationPtr& relation) {
    MR_TRY(const auto text, canonical_text(relation));
    const std::scoped_lock lock(mutex_);
    persisted_.erase(text);
    return {};
}

Result<StorageLevel> Session::storage_level(const plan::RelationPtr& relation) {
    MR_TRY(const auto text, canonical_text(relation));
    const std::scoped_lock lock(mutex_);
    const auto found = persisted_.find(text);
    return found == persisted_.end() ? StorageLevel{} : found->second;
}

Result<std::string> Session::checkpoint(const plan::RelationPtr& relation,
                                        const Cancelled* cancelled) {
    MR_TRY(const auto query, prepare(relation));
    columnar::Batches rows;
    MR_TRY_VOID(run(query, cancelled, [&](columnar::Batch batch) -> Result<void> {
        rows.push_back(std::move(batch));
        return {};
    }));
    return keep(query.schema.fields(), std::move(rows));
}

std::string Session::keep(std::vector<plan::Field> fields, columnar::Batches rows) {
    std::string id = runtime::make_uuid(services_.random);
    catalog_->keep(id, std::move(fields), std::move(rows));
    return id;
}

void Session::release(const std::string& id) {
    catalog_->release(id);
}

std::vector<std::shared_ptr<streaming::StreamingQuery>> Session::active_queries() const {
    std::vector<std::pair<std::string, std::string>> started;
    {
        const std::scoped_lock lock(mutex_);
        started = started_;
    }
    std::vector<std::shared_ptr<streaming::StreamingQuery>> active;
    for (const auto& [id, run_id] : started) {
        auto query = services_.queries.get(id, run_id);
        if (query != nullptr && query->is_active()) active.push_back(std::move(query));
    }
    return active;
}

std::shared_ptr<streaming::StreamingQuery> Session::query(const std::string& id,
                                                          const std::string& run_id) const {
    std::vector<std::pair<std::string, std::string>> started;
    {
        const std::scoped_lock lock(mutex_);
        started = started_;
    }
    for (auto it = started.rbegin(); it != started.rend(); ++it) {
        if (it->first == id && (run_id.empty() || it->second == run_id)) {
            return services_.queries.get(it->first, it->second);
        }
    }
    return nullptr;
}

void Session::close() {
    for (const auto& query : active_queries()) query->stop();
}

}  // namespace millrace::session
