#include "columnar/engine.h"

#include <fmt/ranges.h>

#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "columnar/csv_internal.h"
#include "columnar/errors_internal.h"
#include "columnar/functions_internal.h"
#include "columnar/json_internal.h"
#include "columnar/lowering_internal.h"
#include "columnar/scan_internal.h"
#include "columnar/variant_internal.h"
#include "columnar/vector_internal.h"
#include "columnar/xml_writer_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::LogicalNode;

namespace {

// Result batches end at this much text, however few rows they have.
constexpr std::int64_t kBatchTextBytes = std::int64_t{32} << 20;

Result<void> execute(duckdb_connection connection, const std::string& sql) {
    DuckResult result;
    if (duckdb_query(connection, sql.c_str(), result.out()) == DuckDBSuccess) return {};
    return fail(duck_error(duckdb_result_error(result.out())));
}

// One connection of DuckDB with what has been set on it. A live operation has one of its own.
struct Connection {
    explicit Connection(MalformedCounts& counts) : malformed_counts(counts) {}
    ~Connection() { malformed_counts.remove(&malformed); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    MalformedCounts& malformed_counts;
    MalformedCounts::Count malformed{0};  // Of the run that has it now.
    DuckConnection handle;
    std::string time_zone;
};

class TypedFunctionCache final : public TypedFunctions {
public:
    TypedFunctionCache(duckdb_connection connection, const MalformedCounts& malformed)
        : connection_(connection), malformed_(malformed) {}

    Result<std::string> from_json(const DataType& type, const plan::Options& options,
                                  const std::string& time_zone, bool from_binary,
                                  const FieldSet& wanted, bool borrows) override {
        std::string key = fmt::format("from_json\n{}\n{}\n{}", type.json(), time_zone, from_binary);
        if (borrows) key += "\nborrows";
        if (wanted) key += fmt::format("\n{}", fmt::join(*wanted, " "));
        for (const auto& [name, value] : options) key += fmt::format("\n{}={}", name, value);
        return named(key, "mr_from_json_", [&](const std::string& name) -> Result<void> {
            MR_TRY(auto reader, JsonReader::make(type, options, time_zone, wanted, borrows));
            const DuckType in(
                duckdb_create_logical_type(from_binary ? DUCKDB_TYPE_BLOB : DUCKDB_TYPE_VARCHAR));
            const DuckType out = duck_type(type);
            return register_typed(
                connection_, name,
                {.argument = in.get(),
                 .result = out.get(),
                 .body = run_from_json,
                 .data = reader.release(),
                 .destroy = [](void* data) { delete static_cast<JsonReader*>(data); },
                 .malformed = &malformed_});
        });
    }
    Result<std::string> to_json(const DataType& type, const plan::Options& options,
                                const std::string& time_zone) override {
        std::string key = fmt::format("to_json\n{}\n{}", type.json(), time_zone);
        for (const auto& [name, value] : options) key += fmt::format("\n{}={}", name, value);
        return named(key, "mr_to_json_", [&](const std::string& name) -> Result<void> {
            MR_TRY(auto writer, JsonWriter::make(type, options, time_zone));
            return to_varchar(name, type, run_to_json, writer.release(),
                              [](void* data) { delete static_cast<JsonWriter*>(data); });
        });
    }
    Result<std::string> to_xml(const DataType& type, const plan::Options& options,
                               const std::string& time_zone) override {
        std::string key = fmt::format("to_xml\n{}\n{}", type.json(), time_zone);
        for (const auto& [name, value] : options) key += fmt::format("\n{}={}", name, value);
        return named(key, "mr_to_xml_", [&](const std::string& name) -> Result<void> {
            MR_TRY(auto writer, XmlWriter::make(type, options, time_zone));
            return to_varchar(name, type, run_to_xml, writer.release(),
                              [](void* data) { delete static_cast<XmlWriter*>(data); });
        });
    }
    Result<std::string> to_text(const DataType& type, const std::string& time_zone) override {
        const std::string key = fmt::format("to_text\n{}\n{}", type.json(), time_zone);
        return named(key, "mr_to_text_", [&](const std::string& name) -> Result<void> {
            auto data = std::make_unique<TextForm>(TextForm{type, time_zone});
            return to_varchar(name, type, run_to_text, data.release(),
                              [](void* form) { delete static_cast<TextForm*>(form); });
        });
    }

    Result<std::string> csv_fields(const plan::Options& options) override {
        return csv("csv_fields", options, run_csv_fields, DataType::array(DataType::string()));
    }
    Result<std::string> csv_schema(const plan::Options& options) override {
        return csv("csv_schema", options, run_csv_schema, DataType::string());
    }
    Result<std::string> to_variant(const DataType& type, const std::string& time_zone) override {
        return named(fmt::format("to_variant\n{}", type.json()), "mr_to_variant_",
                     [&](const std::string& name) -> Result<void> {
                         const DuckType in = duck_type(type);
                         const DuckType out = duck_type(DataType::variant());
                         return register_typed(
                             connection_, name,
                             {.argument = in.get(),
                              .result = out.get(),
                              .body = run_to_variant,
                              .data = new TextForm{type, time_zone},
                              .destroy = [](void* form) { delete static_cast<TextForm*>(form); },
                              .sees_nulls = true});
                     });
    }
    Result<std::string> from_variant(const DataType& type, const std::string& time_zone,
                                     bool raises, const std::string& function) override {
        return named(
            fmt::format("from_variant\n{}\n{}\n{}\n{}", type.json(), time_zone, raises, function),
            "mr_from_variant_", [&](const std::string& name) -> Result<void> {
                MR_TRY(auto cast, VariantCast::make(type, time_zone, raises, function));
                const DuckType in = duck_type(DataType::variant());
                const DuckType path(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
                const DuckType out = duck_type(type);
                return register_typed(
                    connection_, name,
                    {.argument = in.get(),
                     .second = path.get(),
                     .result = out.get(),
                     .body = run_variant_cast,
                     .data = cast.release(),
                     .destroy = [](void* data) { delete static_cast<VariantCast*>(data); },
                     .sees_nulls = true});
            });
    }
    Result<std::string> time_window(bool ntz, std::int64_t duration_us, std::int64_t slide_us,
                                    std::int64_t start_us) override {
        const bool one = duration_us == slide_us;
        const std::string key =
            fmt::format("window\n{}\n{}\n{}\n{}", ntz, duration_us, slide_us, start_us);
        return named(key, "mr_window_", [&](const std::string& name) -> Result<void> {
            const DataType time = ntz ? DataType::timestamp_ntz() : DataType::timestamp();
            const DataType window = DataType::structure(
                {{.name = "start", .type = time}, {.name = "end", .type = time}});
            const DuckType in = duck_type(time);
            const DuckType out = duck_type(one ? window : DataType::array(window));
            return register_typed(
                connection_, name,
                {.argument = in.get(),
                 .result = out.get(),
                 .body = one ? run_time_window : run_time_windows,
                 .data = new WindowSpan{duration_us, slide_us, start_us},
                 .destroy = [](void* span) { delete static_cast<WindowSpan*>(span); }});
        });
    }
    Result<std::string> count_malformed() override {
        return named("count_malformed", "mr_count_malformed_",
                     [&](const std::string& name) -> Result<void> {
                         const DuckType boolean = duck_type(DataType::boolean());
                         return register_typed(connection_, name,
                                               {.argument = boolean.get(),
                                                .result = boolean.get(),
                                                .body = run_count_malformed,
                                                .malformed = &malformed_,
                                                .is_volatile = true});
                     });
    }
    Result<std::string> once(const DataType& type) override {
        return named(fmt::format("once\n{}", type.json()), "mr_once_",
                     [&](const std::string& name) -> Result<void> {
                         const DuckType same = duck_type(type);
                         return register_typed(connection_, name,
                                               {.argument = same.get(),
                                                .result = same.get(),
                                                .body = run_once,
                                                .is_volatile = true,
                                                .sees_nulls = true});
                     });
    }

private:
    template <class Make>
    Result<std::string> named(const std::string& key, const char* prefix, Make make) {
        const std::lock_guard lock(mutex_);
        const auto found = names_.find(key);
        if (found != names_.end()) return found->second;
        const std::string name = fmt::format("{}{}", prefix, names_.size());
        MR_TRY_VOID(make(name));
        names_.emplace(key, name);
        return name;
    }
    Result<std::string> csv(const char* kind, const plan::Options& options, FunctionBody body,
                            const DataType& result) {
        std::string key = kind;
        for (const auto& [name, value] : options) key += fmt::format("\n{}={}", name, value);
        return named(key, "mr_csv_", [&](const std::string& name) -> Result<void> {
            const DuckType in(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
            const DuckType out = duck_type(result);
            return register_typed(
                connection_, name,
                {.argument = in.get(),
                 .result = out.get(),
                 .body = body,
                 .data = new CsvOptions{options},
                 .destroy = [](void* data) { delete static_cast<CsvOptions*>(data); }});
        });
    }
    Result<void> to_varchar(const std::string& name, const DataType& type, FunctionBody body,
                            void* data, void (*destroy)(void*)) {
        const DuckType in = duck_type(type);
        const DuckType out(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
        return register_typed(connection_, name,
                              {.argument = in.get(),
                               .result = out.get(),
                               .body = body,
                               .data = data,
                               .destroy = destroy});
    }

    std::mutex mutex_;
    duckdb_connection connection_;
    const MalformedCounts& malformed_;
    std::map<std::string, std::string> names_;
};

class EngineImpl;

// A statement with its slots: what prepare() gives, and what run() uses once.
class PreparedImpl final : public Prepared {
public:
    PreparedImpl(EngineImpl& engine, std::unique_ptr<Connection> connection)
        : engine_(engine), connection_(std::move(connection)) {}
    ~PreparedImpl() override;

    Result<void> prepare(const LogicalNode& plan, const ScanInputs* expected,
                         const std::string& time_zone);
    Result<void> run(const ScanInputs& inputs, const RunContext& context,
                     const BatchSink& sink) override;

private:
    Result<void> bind(const ScanInputs& inputs, const RunContext& context);
    Result<void> execute_statement(const RunContext& context, const BatchSink& sink);
    void release_inputs();

    EngineImpl& engine_;
    std::unique_ptr<Connection> connection_;
    std::vector<plan::Field> fields_;
    std::multimap<std::int64_t, std::shared_ptr<ScanSlot>> scans_;
    std::vector<std::shared_ptr<ScanSlot>> constants_;
    std::string sql_;
    DuckStatement statement_;  // Destroyed before the slots that it reads.
};

class EngineImpl final : public Engine {
public:
    Result<void> open(const EngineOptions& options) {
        duckdb_config config = nullptr;
        duckdb_create_config(&config);
        const auto set = [&](const char* name, const std::string& value) {
            duckdb_set_config(config, name, value.c_str());
        };
        set("autoinstall_known_extensions", "false");
        set("autoload_known_extensions", "false");
        if (options.threads > 0) set("threads", std::to_string(options.threads));
        if (options.memory_limit_bytes > 0) {
            set("memory_limit", fmt::format("{}B", options.memory_limit_bytes));
        }
        set("temp_directory", options.temporary_directory);
        char* error = nullptr;
        const duckdb_state state = duckdb_open_ext(nullptr, database_.out(), config, &error);
        duckdb_destroy_config(&config);
        if (state != DuckDBSuccess) {
            const base::Error failure(
                Code::kInternal, fmt::format("open DuckDB: {}", error == nullptr ? "" : error));
            duckdb_free(error);
            return fail(failure);
        }
        MR_TRY(base_, connect());
        MR_TRY_VOID(register_scan(base_->handle.get(), &registry_));
        FunctionList functions;
        add_all_functions(functions);
        MR_TRY_VOID(functions.register_all(base_->handle.get()));
        MR_TRY_VOID(register_variant_functions(base_->handle.get()));
        MR_TRY_VOID(register_vector_functions(base_->handle.get()));
        MR_TRY_VOID(execute(base_->handle.get(), std::string(macro_script())));
        functions_ = std::make_unique<TypedFunctionCache>(base_->handle.get(), malformed_);
        return {};
    }

    Result<void> run(const LogicalNode& plan, const ScanInputs& inputs, const RunContext& context,
                     const BatchSink& sink) override {
        MR_TRY(auto connection, take_connection());
        PreparedImpl once(*this, std::move(connection));
        MR_TRY_VOID(once.prepare(plan, &inputs, context.time_zone));
        return once.run(inputs, context, sink);
    }

    Result<std::unique_ptr<Prepared>> prepare(const LogicalNode& plan) override {
        MR_TRY(auto connection, take_connection());
        auto prepared = std::make_unique<PreparedImpl>(*this, std::move(connection));
        MR_TRY_VOID(prepared->prepare(plan, nullptr, "UTC"));
        return prepared;
    }

    Result<std::string> lowered(const LogicalNode& plan) override {
        Lowering lowering(registry_, *functions_);
        return lowering.query(plan);
    }

    ScanRegistry& registry() { return registry_; }
    TypedFunctions& functions() { return *functions_; }

    void give_back(std::unique_ptr<Connection> connection) {
        const std::lock_guard lock(mutex_);
        if (idle_.size() < kIdleConnections) idle_.push_back(std::move(connection));
    }

private:
    static constexpr std::size_t kIdleConnections = 16;

    Result<std::unique_ptr<Connection>> connect() {
        auto connection = std::make_unique<Connection>(malformed_);
        if (duckdb_connect(database_.get(), connection->handle.out()) != DuckDBSuccess) {
            return fail(Code::kInternal, "connect to DuckDB");
        }
        malformed_.add(connection->handle.get(), &connection->malformed);
        return connection;
    }
    Result<std::unique_ptr<Connection>> take_connection() {
        {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                auto connection = std::move(idle_.back());
                idle_.pop_back();
                return connection;
            }
        }
        return connect();
    }

    ScanRegistry registry_;
    MalformedCounts malformed_;
    DuckDatabase database_;
    std::mutex mutex_;
    std::unique_ptr<Connection> base_;
    std::unique_ptr<TypedFunctionCache> functions_;
    std::vector<std::unique_ptr<Connection>> idle_;
};

PreparedImpl::~PreparedImpl() {
    statement_ = DuckStatement();
    engine_.give_back(std::move(connection_));
}

Result<void> PreparedImpl::prepare(const LogicalNode& plan, const ScanInputs* expected,
                                   const std::string& time_zone) {
    Lowering lowering(engine_.registry(), engine_.functions());
    if (expected != nullptr) lowering.expect(*expected, time_zone);
    MR_TRY(sql_, lowering.query(plan));
    scans_ = lowering.scans();
    constants_ = lowering.constants();
    for (const plan::Attribute& attribute : plan::output_of(plan)) {
        fields_.push_back({.name = attribute.name,
                           .type = attribute.type,
                           .nullable = attribute.nullable,
                           .metadata_json = attribute.metadata_json});
    }
    if (duckdb_prepare(connection_->handle.get(), sql_.c_str(), statement_.out()) !=
        DuckDBSuccess) {
        base::Error error = duck_error(duckdb_prepare_error(statement_.get()));
        return fail(error.code() == Code::kInternal ? error.with("plan " + sql_) : error);
    }
    // The columns must be of the very types that the batches are to have.
    const idx_t columns = duckdb_prepared_statement_column_count(statement_.get());
    bool same = columns == fields_.size() || fields_.empty();
    for (idx_t i = 0; i < columns && i < fields_.size() && same; ++i) {
        const DuckType wanted = duck_type(fields_[i].type);
        const DuckType got(duckdb_prepared_statement_column_logical_type(statement_.get(), i));
        same = duckdb_get_type_id(wanted.get()) == duckdb_get_type_id(got.get());
        if (same && fields_[i].type.is(plan::TypeKind::kDecimal)) {
            same = duckdb_decimal_width(wanted.get()) == duckdb_decimal_width(got.get()) &&
                   duckdb_decimal_scale(wanted.get()) == duckdb_decimal_scale(got.get());
        }
        same = same && !fields_[i].type.is_nested();
    }
    if (columns < fields_.size()) {
        return fail(Code::kInternal, "plan {}: {} columns, not {}", sql_, columns, fields_.size());
    }
    if (same) return {};
    std::string list;
    for (const plan::Attribute& attribute : plan::output_of(plan)) {
        list += fmt::format("{}CAST({} AS {}) AS {}", list.empty() ? "" : ", ",
                            column_name(attribute.id), duck_type_name(attribute.type),
                            fmt::format("o{}", list.size()));
    }
    sql_ = fmt::format("SELECT {} FROM ({})", list, sql_);
    statement_ = DuckStatement();
    if (duckdb_prepare(connection_->handle.get(), sql_.c_str(), statement_.out()) !=
        DuckDBSuccess) {
        return fail(duck_error(duckdb_prepare_error(statement_.get())).with("plan " + sql_));
    }
    return {};
}

Result<void> PreparedImpl::bind(const ScanInputs& inputs, const RunContext& context) {
    for (const auto& [scan_id, slot] : scans_) {
        const auto found = inputs.find(scan_id);
        if (found == inputs.end()) {
            return fail(Code::kUnsupported, "nothing gives rows to the scan of {} ({})",
                        slot->source->source.format, scan_id);
        }
        slot->batches = found->second;
        for (const Batch& batch : slot->batches) {
            if (batch.fields().size() < slot->types.size()) {
                return fail(Code::kInternal, "scan {} has {} columns, its batch {}", scan_id,
                            slot->types.size(), batch.fields().size());
            }
            for (std::size_t i = 0; i < slot->types.size(); ++i) {
                if (duck_type_name(batch.fields()[i].type) != duck_type_name(slot->types[i])) {
                    return fail(Code::kInternal, "scan {}: column {} is {}, its batch has {}",
                                scan_id, i, slot->types[i].simple_string(),
                                batch.fields()[i].type.simple_string());
                }
            }
        }
        slot->cancelled = context.cancelled;
    }
    for (const auto& slot : constants_) slot->cancelled = context.cancelled;
    if (connection_->time_zone != context.time_zone) {
        MR_TRY_VOID(execute(connection_->handle.get(),
                            fmt::format("SET TimeZone = {}", quoted(context.time_zone))));
        connection_->time_zone = context.time_zone;
    }
    return {};
}

void PreparedImpl::release_inputs() {
    for (const auto& [scan_id, slot] : scans_) {
        slot->batches.clear();
        slot->cancelled = nullptr;
    }
    for (const auto& slot : constants_) slot->cancelled = nullptr;
}

Result<void> PreparedImpl::run(const ScanInputs& inputs, const RunContext& context,
                               const BatchSink& sink) {
    Result<void> outcome = bind(inputs, context);
    connection_->malformed.store(0, std::memory_order_relaxed);
    if (outcome) outcome = execute_statement(context, sink);
    if (context.malformed_records != nullptr) {
        *context.malformed_records += connection_->malformed.load(std::memory_order_relaxed);
    }
    release_inputs();
    return outcome;
}

Result<void> PreparedImpl::execute_statement(const RunContext& context, const BatchSink& sink) {
    const auto cancelled = [&] {
        return context.cancelled != nullptr && context.cancelled->load(std::memory_order_relaxed);
    };
    // A streaming result: rows are handed on while the query still runs, so that a large result
    // does not lie in memory as a whole.
    DuckPending pending;
    if (duckdb_pending_prepared_streaming(statement_.get(), pending.out()) != DuckDBSuccess) {
        return fail(duck_error(duckdb_pending_error(pending.get())));
    }
    while (true) {
        if (cancelled()) {
            duckdb_interrupt(connection_->handle.get());
            return fail(Code::kCancelled, "the query was cancelled");
        }
        const duckdb_pending_state state = duckdb_pending_execute_task(pending.get());
        if (state == DUCKDB_PENDING_RESULT_READY) break;
        if (state == DUCKDB_PENDING_ERROR) {
            return fail(duck_error(duckdb_pending_error(pending.get())));
        }
        if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE) {
            // tidy: the engine has no call that waits for a task of another thread.
            std::this_thread::sleep_for(std::chrono::microseconds(20));
        }
    }
    DuckResult result;
    if (duckdb_execute_pending(pending.get(), result.out()) != DuckDBSuccess) {
        return fail(duck_error(duckdb_result_error(result.out())));
    }

    std::vector<std::unique_ptr<ColumnBuilder>> builders;
    for (const plan::Field& field : fields_) {
        builders.push_back(std::make_unique<ColumnBuilder>(field.type));
    }
    std::int64_t rows = 0;
    const auto flush = [&]() -> Result<void> {
        std::vector<ArrayPtr> columns;
        for (const auto& builder : builders) {
            MR_TRY(ArrayPtr column, builder->finish());
            columns.push_back(std::move(column));
        }
        const std::int64_t count = std::exchange(rows, 0);
        return sink(make_batch(fields_, std::move(columns), count));
    };
    const auto limit = std::max<std::int64_t>(1, context.batch_rows);
    while (true) {
        if (cancelled()) {
            duckdb_interrupt(connection_->handle.get());
            return fail(Code::kCancelled, "the query was cancelled");
        }
        const DuckChunk chunk(duckdb_fetch_chunk(result.get()));
        if (!chunk) {
            const char* error = duckdb_result_error(result.out());
            if (error != nullptr && *error != '\0') return fail(duck_error(error));
            break;
        }
        const idx_t size = duckdb_data_chunk_get_size(chunk.get());
        for (idx_t from = 0; from < size;) {
            const idx_t take = std::min(size - from, static_cast<idx_t>(limit - rows));
            for (std::size_t i = 0; i < builders.size(); ++i) {
                read_vector(duckdb_data_chunk_get_vector(chunk.get(), i), from, take, *builders[i]);
            }
            rows += static_cast<std::int64_t>(take);
            from += take;
            std::int64_t text = 0;
            for (const auto& builder : builders) text += builder->text_bytes();
            if (rows >= limit || text >= kBatchTextBytes) MR_TRY_VOID(flush());
        }
    }
    if (rows > 0) return flush();
    return {};
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::make(const EngineOptions& options) {
    auto engine = std::make_unique<EngineImpl>();
    MR_TRY_VOID(engine->open(options));
    return engine;
}

Result<Batches> collect(Engine& engine, const LogicalNode& plan, const ScanInputs& inputs,
                        const RunContext& context) {
    Batches batches;
    MR_TRY_VOID(engine.run(plan, inputs, context, [&](Batch batch) -> Result<void> {
        batches.push_back(std::move(batch));
        return {};
    }));
    return batches;
}

}  // namespace millrace::columnar
