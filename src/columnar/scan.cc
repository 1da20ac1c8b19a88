#include <algorithm>

#include "columnar/scan_internal.h"

namespace millrace::columnar {

namespace {

// What one thread takes at a time; smaller pieces would cost more than they spread.
constexpr std::int64_t kMorselRows = 2048 * 8;

struct BindData {
    std::shared_ptr<ScanSlot> slot;
};

// One execution: the pieces that are still to be taken.
struct Execution {
    struct Morsel {
        std::size_t batch;
        std::int64_t from;
        std::int64_t rows;
    };
    std::shared_ptr<ScanSlot> slot;
    std::vector<Morsel> morsels;
    std::atomic<std::size_t> next{0};
    std::vector<idx_t> columns;  // What is wanted: indexes into the slot's columns.
};

// One thread: its piece, and the views of that piece's batch.
struct Reader {
    std::size_t batch = static_cast<std::size_t>(-1);
    std::vector<ColumnView> views;
    std::int64_t at = 0;
    std::int64_t end = 0;
};

template <class Data>
void destroy(void* data) {
    delete static_cast<Data*>(data);
}

void bind(duckdb_bind_info info) {
    auto* registry = static_cast<ScanRegistry*>(duckdb_bind_get_extra_info(info));
    const DuckValue parameter(duckdb_bind_get_parameter(info, 0));
    auto slot = registry->find(duckdb_get_int64(parameter.get()));
    if (slot == nullptr) {
        duckdb_bind_set_error(info, "mr_scan: no such input");
        return;
    }
    for (std::size_t i = 0; i < slot->types.size(); ++i) {
        const DuckType type = duck_type(slot->types[i]);
        duckdb_bind_add_result_column(info, slot->names[i].c_str(), type.get());
    }
    if (slot->types.empty()) {
        const DuckType type(duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN));
        duckdb_bind_add_result_column(info, "no_column", type.get());
    }
    if (slot->expected_rows >= 0) {
        duckdb_bind_set_cardinality(info, static_cast<idx_t>(slot->expected_rows), true);
    }
    duckdb_bind_set_bind_data(info, new BindData{std::move(slot)}, destroy<BindData>);
}

void init(duckdb_init_info info) {
    const auto* bound = static_cast<const BindData*>(duckdb_init_get_bind_data(info));
    auto execution = std::make_unique<Execution>();
    execution->slot = bound->slot;
    const Batches& batches = bound->slot->batches;
    for (std::size_t batch = 0; batch < batches.size(); ++batch) {
        for (std::int64_t from = 0; from < batches[batch].rows(); from += kMorselRows) {
            execution->morsels.push_back(
                {batch, from, std::min(kMorselRows, batches[batch].rows() - from)});
        }
    }
    for (idx_t i = 0; i < duckdb_init_get_column_count(info); ++i) {
        execution->columns.push_back(duckdb_init_get_column_index(info, i));
    }
    duckdb_init_set_max_threads(info, std::max<idx_t>(1, execution->morsels.size()));
    duckdb_init_set_init_data(info, execution.release(), destroy<Execution>);
}

void init_local(duckdb_init_info info) {
    duckdb_init_set_init_data(info, new Reader, destroy<Reader>);
}

void read(duckdb_function_info info, duckdb_data_chunk chunk) {
    auto& execution = *static_cast<Execution*>(duckdb_function_get_init_data(info));
    auto& reader = *static_cast<Reader*>(duckdb_function_get_local_init_data(info));
    const ScanSlot& slot = *execution.slot;
    if (slot.cancelled != nullptr && slot.cancelled->load(std::memory_order_relaxed)) {
        duckdb_function_set_error(info, "mr_cancelled");
        return;
    }
    if (reader.at == reader.end) {
        const std::size_t taken = execution.next.fetch_add(1, std::memory_order_relaxed);
        if (taken >= execution.morsels.size()) {
            duckdb_data_chunk_set_size(chunk, 0);
            return;
        }
        const Execution::Morsel& morsel = execution.morsels[taken];
        if (reader.batch != morsel.batch) {
            reader.batch = morsel.batch;
            reader.views.clear();
            for (const idx_t column : execution.columns) {
                // Past the columns: the row id that DuckDB asks for when it only counts.
                reader.views.push_back(column < slot.types.size()
                                           ? slot.batches[morsel.batch].column(column)
                                           : ColumnView{});
            }
        }
        reader.at = morsel.from;
        reader.end = morsel.from + morsel.rows;
    }
    const std::int64_t rows =
        std::min(reader.end - reader.at, static_cast<std::int64_t>(duckdb_vector_size()));
    for (std::size_t i = 0; i < reader.views.size(); ++i) {
        if (execution.columns[i] >= slot.types.size()) continue;
        write_vector(reader.views[i], reader.at, rows, duckdb_data_chunk_get_vector(chunk, i));
    }
    duckdb_data_chunk_set_size(chunk, static_cast<idx_t>(rows));
    reader.at += rows;
}

}  // namespace

std::shared_ptr<ScanSlot> ScanRegistry::add(std::vector<std::string> names,
                                            std::vector<plan::DataType> types) {
    auto slot = std::make_shared<ScanSlot>();
    slot->names = std::move(names);
    slot->types = std::move(types);
    const std::lock_guard lock(mutex_);
    slot->id = next_id_++;
    std::erase_if(slots_, [](const auto& entry) { return entry.second.expired(); });
    slots_[slot->id] = slot;
    return slot;
}

std::shared_ptr<ScanSlot> ScanRegistry::find(std::int64_t id) {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(id);
    return found == slots_.end() ? nullptr : found->second.lock();
}

Result<void> register_scan(duckdb_connection connection, ScanRegistry* registry) {
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_table_function_set_name(function, "mr_scan");
    const DuckType id(duckdb_create_logical_type(DUCKDB_TYPE_BIGINT));
    duckdb_table_function_add_parameter(function, id.get());
    duckdb_table_function_set_extra_info(function, registry, nullptr);
    duckdb_table_function_set_bind(function, bind);
    duckdb_table_function_set_init(function, init);
    duckdb_table_function_set_local_init(function, init_local);
    duckdb_table_function_set_function(function, read);
    duckdb_table_function_supports_projection_pushdown(function, true);
    const duckdb_state state = duckdb_register_table_function(connection, function);
    duckdb_destroy_table_function(&function);
    if (state != DuckDBSuccess) return fail(Code::kInternal, "register mr_scan with DuckDB");
    return {};
}

}  // namespace millrace::columnar
