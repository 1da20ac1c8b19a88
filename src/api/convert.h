// Between the public value classes and the engine's: literals in, rows out, errors.
#pragma once

#include <vector>

#include "base/error.h"
#include "columnar/batch.h"
#include "millrace/error.h"
#include "millrace/value.h"
#include "plan/literal.h"

namespace millrace::api {

Error to_public(const base::Error& error);

template <class T>
millrace::Result<T> to_public(base::Result<T> result) {
    if (!result) return std::unexpected(to_public(result.error()));
    if constexpr (std::is_void_v<T>) {
        return {};
    } else {
        return std::move(*result);
    }
}

// A constant with the type that its value suggests: BIGINT for integers beyond 32 bits, else INT.
plan::Literal to_literal(const Value& value);

// Decimals come as text, instants as microseconds, every integer as int64.
Value to_value(const columnar::ColumnView& column, std::int64_t row);
std::vector<Row> to_rows(const plan::DataType& schema, const columnar::Batches& batches);

}  // namespace millrace::api
