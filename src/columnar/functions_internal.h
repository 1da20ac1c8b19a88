// Our own scalar functions (mr_…): how they are written and made known to DuckDB.
//
// A function is a loop over the rows of a chunk. Call gives it the arguments' vectors and takes its
// results; a FunctionList collects functions with their types, several of one name being overloads.
// Functions keep no state between calls and run on any of DuckDB's threads.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/duck_internal.h"
#include "columnar/errors_internal.h"

namespace millrace::columnar {

// One argument or the result, as an array of T (bool, integers, double, duckdb_string_t …).
template <class T>
class Column {
public:
    explicit Column(duckdb_vector vector)
        : data_(static_cast<const T*>(duckdb_vector_get_data(vector))),
          validity_(duckdb_vector_get_validity(vector)) {}
    bool is_null(idx_t row) const { return vector_is_null(validity_, row); }
    const T& operator[](idx_t row) const { return data_[row]; }

private:
    const T* data_;
    const std::uint64_t* validity_;
};

class Call {
public:
    Call(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output);

    idx_t rows() const { return rows_; }
    idx_t arguments() const { return arguments_; }
    duckdb_vector argument(idx_t index) const {
        return duckdb_data_chunk_get_vector(input_, index);
    }
    template <class T>
    Column<T> column(idx_t index) const {
        return Column<T>(argument(index));
    }
    // A string argument that is the same in all rows; empty when null.
    std::string_view constant(idx_t index) const;
    // True when any argument is null in this row.
    bool any_null(idx_t row) const {
        for (const std::uint64_t* validity : validities_) {
            if (vector_is_null(validity, row)) return true;
        }
        return false;
    }

    duckdb_vector output() const { return output_; }
    template <class T>
    T* results() const {
        return static_cast<T*>(duckdb_vector_get_data(output_));
    }
    void set_null(idx_t row);
    void set_text(idx_t row, std::string_view text) {
        duckdb_unsafe_vector_assign_string_element_len(output_, row, text.data(), text.size());
    }
    // End the query with this condition.
    void fail(std::string_view condition,
              const std::vector<std::pair<std::string_view, std::string>>& parameters = {});
    void fail_with(const std::string& text);
    bool failed() const { return failed_; }
    void* extra() const;  // What register_typed was given.
    // Adds to the malformed records of the run that this call is part of; only for functions that
    // were registered with MalformedCounts.
    void note_malformed(std::int64_t records);

private:
    duckdb_function_info info_;
    duckdb_data_chunk input_;
    duckdb_vector output_;
    idx_t rows_;
    idx_t arguments_;
    std::vector<const std::uint64_t*> validities_;  // Of the arguments that have nulls.
    std::uint64_t* validity_ = nullptr;             // Of the output, once it has nulls.
    bool failed_ = false;
};

using FunctionBody = void (*)(Call&);

class FunctionList {
public:
    struct Entry {
        std::vector<duckdb_type> arguments;
        duckdb_type result;
        FunctionBody body;
        bool sees_nulls = false;  // Else a null constant gives null without a call.
        bool varargs = false;     // The last argument's type, any number of times.
        bool is_volatile = false;
        bool lists_result = false;  // The result is an array of `result`.
        bool lists_of_lists = false;
        std::uint32_t list_arguments = 0;  // Bit i: argument i is an array of its type.
    };
    void add(std::string name, Entry entry) {
        entries_[std::move(name)].push_back(std::move(entry));
    }
    Result<void> register_all(duckdb_connection connection) const;

private:
    std::map<std::string, std::vector<Entry>> entries_;
};

// Whether a cast or its like raises errors, from its 'ansi' / 'try' / 'legacy' argument.
inline bool raises(const Call& call, idx_t mode_argument) {
    return call.constant(mode_argument) == "ansi";
}

// The arguments of one row, none of them null.
class Row {
public:
    explicit Row(Call& call) : call_(call) {
        for (idx_t i = 0; i < call.arguments(); ++i) {
            data_.push_back(duckdb_vector_get_data(call.argument(i)));
        }
    }
    void at(idx_t row) { row_ = row; }
    std::size_t size() const { return data_.size(); }
    template <class T>
    const T& get(std::size_t index) const {
        return static_cast<const T*>(data_[index])[row_];
    }
    std::string_view text(std::size_t index) const { return text_of(get<duckdb_string_t>(index)); }
    std::int32_t number(std::size_t index) const { return get<std::int32_t>(index); }
    Call& call() const { return call_; }

private:
    Call& call_;
    std::vector<void*> data_;
    idx_t row_ = 0;
};

// A loop over rows without nulls: `body(row, out)` writes text into `out`, or a T; false: null.
template <auto body>
void text_rows(Call& call) {
    Row row(call);
    std::string out;
    for (idx_t i = 0; i < call.rows() && !call.failed(); ++i) {
        if (call.any_null(i)) {
            call.set_null(i);
            continue;
        }
        row.at(i);
        out.clear();
        if (body(row, out)) {
            call.set_text(i, out);
        } else {
            call.set_null(i);
        }
    }
}
template <class T, auto body>
void value_rows(Call& call) {
    Row row(call);
    auto* out = call.results<T>();
    for (idx_t i = 0; i < call.rows() && !call.failed(); ++i) {
        row.at(i);
        if (call.any_null(i) || !body(row, out[i])) call.set_null(i);
    }
}

// Loops for functions of one and of two arguments that are null where an argument is.
template <class In, class Out, auto compute>
void unary(Call& call) {
    const auto in = call.column<In>(0);
    auto* out = call.results<Out>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (in.is_null(row)) {
            call.set_null(row);
        } else {
            out[row] = compute(in[row]);
        }
    }
}
template <class A, class B, class Out, auto compute>
void binary(Call& call) {
    const auto a = call.column<A>(0);
    const auto b = call.column<B>(1);
    auto* out = call.results<Out>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (a.is_null(row) || b.is_null(row)) {
            call.set_null(row);
        } else {
            out[row] = compute(a[row], b[row]);
        }
    }
}

// Every function of ours.
void add_all_functions(FunctionList& list);
// The lists, by file.
void add_cast_functions(FunctionList& list);
void add_time_functions(FunctionList& list);
void add_clock_functions(FunctionList& list);
void add_sketch_functions(FunctionList& list);
void add_quantile_sketch_functions(FunctionList& list);
void add_text_functions(FunctionList& list);
void add_codec_functions(FunctionList& list);
void add_url_functions(FunctionList& list);
void add_number_format_functions(FunctionList& list);
void add_printf_functions(FunctionList& list);
void add_sentence_functions(FunctionList& list);
void add_crypto_functions(FunctionList& list);
void add_csv_functions(FunctionList& list);
void add_xml_functions(FunctionList& list);
void add_regex_functions(FunctionList& list);
void add_hash_functions(FunctionList& list);
void add_math_functions(FunctionList& list);
void add_json_functions(FunctionList& list);
// Rows of an array of strings: appended one by one, then closed row by row.
class TextLists {
public:
    explicit TextLists(Call& call) : call_(call) {}
    void add(std::string_view text);
    void end_row(idx_t row);

private:
    Call& call_;
    idx_t size_ = 0;
    idx_t capacity_ = 0;
    idx_t row_start_ = 0;
};
// Functions that DuckDB's SQL can say, as macros: one text of CREATE MACRO statements.
std::string_view macro_script();

// Time windows: time -> struct<start, end>, or the array of all windows that hold it. Call::extra()
// is the WindowSpan.
struct WindowSpan {
    std::int64_t duration_us = 0;
    std::int64_t slide_us = 0;
    std::int64_t start_us = 0;
};
void run_time_window(Call& call);
void run_time_windows(Call& call);

// How many records did not parse, by connection: a run has a connection of its own while it lasts,
// and that is all a function can find out about the run it is part of. Thread-safe.
class MalformedCounts {
public:
    using Count = std::atomic<std::int64_t>;
    void add(duckdb_connection connection, Count* count);
    void remove(const Count* count);
    // The count of the connection that a function's init sees; null when it has none.
    Count* find(duckdb_init_info info) const;

private:
    mutable std::mutex mutex_;
    std::map<idx_t, Count*> counts_;
};

// A function with types of its own and data that its body finds by Call::extra().
struct TypedFunction {
    duckdb_logical_type argument = nullptr;
    duckdb_logical_type second = nullptr;  // Null: there is none.
    duckdb_logical_type result = nullptr;
    FunctionBody body = nullptr;
    void* data = nullptr;
    void (*destroy)(void*) = nullptr;
    const MalformedCounts* malformed = nullptr;  // For Call::note_malformed().
    // The optimizer then neither copies a call into a filter below nor folds two into one.
    bool is_volatile = false;
    bool sees_nulls = false;
};
Result<void> register_typed(duckdb_connection connection, const std::string& name,
                            const TypedFunction& function);
// Gives its argument back as it is, by reference. Volatile, it keeps what is below it from being
// computed more than once.
void run_once(Call& call);
// The same for a boolean, each true of which is a malformed record.
void run_count_malformed(Call& call);

}  // namespace millrace::columnar
