// DuckDB's C API, as this room uses it: owners of its handles, Spark's types as DuckDB's, and the
// two copies between DuckDB's vectors and our columns.
//
// How Spark's types live in DuckDB (function lowerings of room sql rely on it):
//   TIMESTAMP -> TIMESTAMPTZ, TIMESTAMP_NTZ -> TIMESTAMP, TIME -> TIME, all intervals -> INTERVAL
//   (day-time: microseconds only; year-month: months only), void -> INTEGER, binary -> BLOB,
//   array -> T[], map -> MAP(K, V), struct -> STRUCT whose fields are called f0, f1 … in order:
//   Spark allows names that differ in case only, or that are the same.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "columnar/batch_internal.h"
#include "columnar/column_builder_internal.h"

namespace millrace::columnar {

// Destroys a handle with DuckDB's function for it.
template <class Handle, void (*destroy)(Handle*)>
class DuckHandle {
public:
    DuckHandle() = default;
    explicit DuckHandle(Handle handle) : handle_(handle) {}
    DuckHandle(DuckHandle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    DuckHandle& operator=(DuckHandle&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~DuckHandle() {
        if (handle_ != nullptr) destroy(&handle_);
    }
    Handle get() const { return handle_; }
    Handle* out() { return &handle_; }
    explicit operator bool() const { return handle_ != nullptr; }

private:
    Handle handle_ = nullptr;
};
using DuckDatabase = DuckHandle<duckdb_database, duckdb_close>;
using DuckConnection = DuckHandle<duckdb_connection, duckdb_disconnect>;
using DuckContext = DuckHandle<duckdb_client_context, duckdb_destroy_client_context>;
using DuckStatement = DuckHandle<duckdb_prepared_statement, duckdb_destroy_prepare>;
using DuckPending = DuckHandle<duckdb_pending_result, duckdb_destroy_pending>;
using DuckChunk = DuckHandle<duckdb_data_chunk, duckdb_destroy_data_chunk>;
using DuckType = DuckHandle<duckdb_logical_type, duckdb_destroy_logical_type>;
using DuckValue = DuckHandle<duckdb_value, duckdb_destroy_value>;

class DuckResult {
public:
    DuckResult() = default;
    DuckResult(const DuckResult&) = delete;
    DuckResult& operator=(const DuckResult&) = delete;
    ~DuckResult() { duckdb_destroy_result(&result_); }
    duckdb_result* out() { return &result_; }
    duckdb_result& get() { return result_; }

private:
    duckdb_result result_{};
};

// The SQL name of the DuckDB type that holds a Spark type, and the type itself.
std::string duck_type_name(const plan::DataType& type);
DuckType duck_type(const plan::DataType& type);

// Rows [from, from + rows) of a column into a vector, at rows [at, at + rows). Long strings are
// referred to, not copied: the column's memory must live until the query has ended.
void write_vector(const ColumnView& column, std::int64_t from, std::int64_t rows,
                  duckdb_vector vector, idx_t at = 0);
// Rows [from, from + rows) of a flat vector, appended to a column of the same Spark type.
void read_vector(duckdb_vector vector, idx_t from, idx_t rows, ColumnBuilder& to);

// A string of DuckDB that refers to `text` (copies up to 12 bytes).
inline duckdb_string_t duck_string(std::string_view text) {
    duckdb_string_t string{};
    string.value.inlined.length = static_cast<std::uint32_t>(text.size());
    if (text.size() <= sizeof(string.value.inlined.inlined)) {
        std::memcpy(string.value.inlined.inlined, text.data(), text.size());
    } else {
        std::memcpy(string.value.pointer.prefix, text.data(), sizeof(string.value.pointer.prefix));
        string.value.pointer.ptr = const_cast<char*>(text.data());
    }
    return string;
}
inline std::string_view text_of(const duckdb_string_t& string) {
    const std::uint32_t length = string.value.inlined.length;
    return {length <= sizeof(string.value.inlined.inlined) ? string.value.inlined.inlined
                                                           : string.value.pointer.ptr,
            length};
}
inline bool vector_is_null(const std::uint64_t* validity, idx_t row) {
    return validity != nullptr && ((validity[row >> 6] >> (row & 63)) & 1) == 0;
}

// SQL text of a string constant: quoted, with no byte that DuckDB's parser could trip over.
std::string quoted(std::string_view text);

}  // namespace millrace::columnar
