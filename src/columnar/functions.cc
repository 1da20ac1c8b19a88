#include "columnar/functions_internal.h"

namespace millrace::columnar {

std::string_view Call::constant(idx_t index) const {
    if (rows_ == 0) return {};
    const duckdb_vector vector = argument(index);
    if (vector_is_null(duckdb_vector_get_validity(vector), 0)) return {};
    return text_of(*static_cast<const duckdb_string_t*>(duckdb_vector_get_data(vector)));
}

bool Call::any_null(idx_t row) const {
    for (idx_t i = 0; i < arguments(); ++i) {
        if (vector_is_null(duckdb_vector_get_validity(argument(i)), row)) return true;
    }
    return false;
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

Result<void> FunctionList::register_all(duckdb_connection connection) const {
    for (const auto& [name, overloads] : entries_) {
        duckdb_scalar_function_set set = duckdb_create_scalar_function_set(name.c_str());
        for (const Entry& entry : overloads) {
            duckdb_scalar_function function = duckdb_create_scalar_function();
            duckdb_scalar_function_set_name(function, name.c_str());
            for (std::size_t i = 0; i < entry.arguments.size(); ++i) {
                const DuckType type(duckdb_create_logical_type(entry.arguments[i]));
                if (entry.varargs && i + 1 == entry.arguments.size()) {
                    duckdb_scalar_function_set_varargs(function, type.get());
                } else {
                    duckdb_scalar_function_add_parameter(function, type.get());
                }
            }
            DuckType result(duckdb_create_logical_type(entry.result));
            if (entry.lists_result) result = DuckType(duckdb_create_list_type(result.get()));
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

Result<void> register_typed(duckdb_connection connection, const std::string& name,
                            duckdb_logical_type argument, duckdb_logical_type result,
                            FunctionBody body, void* data, void (*destroy)(void*)) {
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(function, name.c_str());
    duckdb_scalar_function_add_parameter(function, argument);
    duckdb_scalar_function_set_return_type(function, result);
    duckdb_scalar_function_set_extra_info(function, new Body{body, data, destroy}, destroy_body);
    duckdb_scalar_function_set_function(function, run);
    const duckdb_state state = duckdb_register_scalar_function(connection, function);
    duckdb_destroy_scalar_function(&function);
    if (state != DuckDBSuccess)
        return fail(Code::kInternal, "register function {} with DuckDB", name);
    return {};
}

}  // namespace millrace::columnar
