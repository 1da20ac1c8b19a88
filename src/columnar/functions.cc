#include "columnar/functions_internal.h"

namespace millrace::columnar {

std::string_view Call::constant(idx_t index) const {
    if (rows_ == 0) return {};
    const duckdb_vector vector = argument(index);
    if (vector_is_null(duckdb_vector_get_validity(vector), 0)) return {};
    return text_of(*static_cast<const duckdb_string_t*>(duckdb_vector_get_data(vector)));
}

Call::Call(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
    : info_(info),
      input_(input),
      output_(output),
      rows_(duckdb_data_chunk_get_size(input)),
      arguments_(duckdb_data_chunk_get_column_count(input)) {
    for (idx_t i = 0; i < arguments_; ++i) {
        const std::uint64_t* validity = duckdb_vector_get_validity(argument(i));
        if (validity != nullptr) validities_.push_back(validity);
    }
}

void Call::set_null(idx_t row) {
    if (validity_ == nullptr) {
        duckdb_vector_ensure_validity_writable(output_);
        validity_ = duckdb_vector_get_validity(output_);
    }
    validity_[row >> 6] &= ~(std::uint64_t{1} << (row & 63));
}

void Call::fail(std::string_view condition,
                const std::vector<std::pair<std::string_view, std::string>>& parameters) {
    fail_with(condition_text(condition, parameters));
}

void Call::fail_with(const std::string& text) {
    failed_ = true;
    duckdb_scalar_function_set_error(info_, text.c_str());
}

namespace {

struct Body {
    FunctionBody body;
    void* data = nullptr;
    void (*destroy)(void*) = nullptr;
    const MalformedCounts* malformed = nullptr;
};

void run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
    Call call(info, input, output);
    const auto* body = static_cast<const Body*>(duckdb_scalar_function_get_extra_info(info));
    // Nothing may be thrown into DuckDB's C interface.
    try {
        body->body(call);
    } catch (const std::exception& error) {
        call.fail_with(error.what());
    }
}

// Once a thread and execution.
void find_count(duckdb_init_info info) {
    const auto* body = static_cast<const Body*>(duckdb_scalar_function_init_get_extra_info(info));
    duckdb_scalar_function_init_set_state(info, body->malformed->find(info), nullptr);
}

void destroy_body(void* data) {
    auto* body = static_cast<Body*>(data);
    if (body->destroy != nullptr) body->destroy(body->data);
    delete body;
}

}  // namespace

void* Call::extra() const {
    return static_cast<const Body*>(duckdb_scalar_function_get_extra_info(info_))->data;
}

void TextLists::add(std::string_view text) {
    if (size_ == capacity_) {
        capacity_ = std::max<idx_t>(2048, 2 * capacity_);
        duckdb_list_vector_reserve(call_.output(), capacity_);
    }
    duckdb_unsafe_vector_assign_string_element_len(duckdb_list_vector_get_child(call_.output()),
                                                   size_++, text.data(), text.size());
}

void TextLists::end_row(idx_t row) {
    call_.results<duckdb_list_entry>()[row] = {.offset = row_start_, .length = size_ - row_start_};
    row_start_ = size_;
    duckdb_list_vector_set_size(call_.output(), size_);
}

void add_all_functions(FunctionList& list) {
    add_cast_functions(list);
    add_time_functions(list);
    add_clock_functions(list);
    add_sketch_functions(list);
    add_quantile_sketch_functions(list);
    add_text_functions(list);
    add_codec_functions(list);
    add_url_functions(list);
    add_number_format_functions(list);
    add_printf_functions(list);
    add_sentence_functions(list);
    add_crypto_functions(list);
    add_csv_functions(list);
    add_xml_functions(list);
    add_regex_functions(list);
    add_hash_functions(list);
    add_math_functions(list);
    add_json_functions(list);
}

Result<void> FunctionList::register_all(duckdb_connection connection) const {
    for (const auto& [name, overloads] : entries_) {
        duckdb_scalar_function_set set = duckdb_create_scalar_function_set(name.c_str());
        for (const Entry& entry : overloads) {
            duckdb_scalar_function function = duckdb_create_scalar_function();
            duckdb_scalar_function_set_name(function, name.c_str());
            for (std::size_t i = 0; i < entry.arguments.size(); ++i) {
                DuckType type(duckdb_create_logical_type(entry.arguments[i]));
                if ((entry.list_arguments >> i & 1U) != 0) {
                    type = DuckType(duckdb_create_list_type(type.get()));
                }
                if (entry.varargs && i + 1 == entry.arguments.size()) {
                    duckdb_scalar_function_set_varargs(function, type.get());
                } else {
                    duckdb_scalar_function_add_parameter(function, type.get());
                }
            }
            DuckType result(duckdb_create_logical_type(entry.result));
            if (entry.lists_result) result = DuckType(duckdb_create_list_type(result.get()));
            if (entry.lists_of_lists) result = DuckType(duckdb_create_list_type(result.get()));
            duckdb_scalar_function_set_return_type(function, result.get());
            if (entry.sees_nulls) duckdb_scalar_function_set_special_handling(function);
            if (entry.is_volatile) duckdb_scalar_function_set_volatile(function);
            duckdb_scalar_function_set_extra_info(function, new Body{entry.body}, destroy_body);
            duckdb_scalar_function_set_function(function, run);
            const duckdb_state added = duckdb_add_scalar_function_to_set(set, function);
            duckdb_destroy_scalar_function(&function);
            if (added != DuckDBSuccess) {
                duckdb_destroy_scalar_function_set(&set);
                return columnar::fail(Code::kInternal, "two overloads of {} are alike", name);
            }
        }
        const duckdb_state state = duckdb_register_scalar_function_set(connection, set);
        duckdb_destroy_scalar_function_set(&set);
        if (state != DuckDBSuccess) {
            return columnar::fail(Code::kInternal, "register function {} with DuckDB", name);
        }
    }
    return {};
}

void Call::note_malformed(std::int64_t records) {
    auto* count = static_cast<MalformedCounts::Count*>(duckdb_scalar_function_get_state(info_));
    if (count != nullptr) count->fetch_add(records, std::memory_order_relaxed);
}

void MalformedCounts::add(duckdb_connection connection, Count* count) {
    DuckContext context;
    duckdb_connection_get_client_context(connection, context.out());
    const std::lock_guard lock(mutex_);
    counts_[duckdb_client_context_get_connection_id(context.get())] = count;
}

void MalformedCounts::remove(const Count* count) {
    const std::lock_guard lock(mutex_);
    std::erase_if(counts_, [count](const auto& entry) { return entry.second == count; });
}

MalformedCounts::Count* MalformedCounts::find(duckdb_init_info info) const {
    DuckContext context;
    duckdb_scalar_function_init_get_client_context(info, context.out());
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(duckdb_client_context_get_connection_id(context.get()));
    return found == counts_.end() ? nullptr : found->second;
}

Result<void> register_typed(duckdb_connection connection, const std::string& name,
                            const TypedFunction& typed) {
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(function, name.c_str());
    duckdb_scalar_function_add_parameter(function, typed.argument);
    if (typed.second != nullptr) duckdb_scalar_function_add_parameter(function, typed.second);
    duckdb_scalar_function_set_return_type(function, typed.result);
    if (typed.is_volatile) duckdb_scalar_function_set_volatile(function);
    if (typed.sees_nulls) duckdb_scalar_function_set_special_handling(function);
    if (typed.malformed != nullptr) duckdb_scalar_function_set_init(function, find_count);
    duckdb_scalar_function_set_extra_info(
        function, new Body{typed.body, typed.data, typed.destroy, typed.malformed}, destroy_body);
    duckdb_scalar_function_set_function(function, run);
    const duckdb_state state = duckdb_register_scalar_function(connection, function);
    duckdb_destroy_scalar_function(&function);
    if (state != DuckDBSuccess)
        return fail(Code::kInternal, "register function {} with DuckDB", name);
    return {};
}

void run_once(Call& call) {
    duckdb_vector_reference_vector(call.output(), call.argument(0));
}

void run_count_malformed(Call& call) {
    const auto bad = call.column<bool>(0);
    std::int64_t count = 0;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (!bad.is_null(row) && bad[row]) ++count;
    }
    if (count > 0) call.note_malformed(count);
    duckdb_vector_reference_vector(call.output(), call.argument(0));
}

}  // namespace millrace::columnar
