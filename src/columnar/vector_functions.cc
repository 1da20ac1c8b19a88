// Vectors, which are arrays of floats: norms, distances, sums. Sums are kept in floats, in order,
// as Spark keeps them. A vector with a null in it has no norm and no distance.
#include <cmath>

#include "columnar/display_internal.h"
#include "columnar/vector_internal.h"

namespace millrace::columnar {

using plan::DataType;

namespace {

// The rows of a list vector of floats.
class Vectors {
public:
    explicit Vectors(duckdb_vector vector)
        : entries_(vector), values_(duckdb_list_vector_get_child(vector)) {}

    bool is_null(idx_t row) const { return entries_.is_null(row); }
    // False when an element is null.
    bool whole(idx_t row) const {
        const duckdb_list_entry entry = entries_[row];
        for (idx_t i = 0; i < entry.length; ++i) {
            if (values_.is_null(entry.offset + i)) return false;
        }
        return true;
    }
    idx_t size(idx_t row) const { return entries_[row].length; }
    float at(idx_t row, idx_t index) const { return values_[entries_[row].offset + index]; }

private:
    Column<duckdb_list_entry> entries_;
    Column<float> values_;
};

// Appends arrays of floats to the output.
class Output {
public:
    explicit Output(Call& call) : call_(call) {}
    void put(idx_t row, const std::vector<float>& values) {
        if (size_ + values.size() > capacity_) {
            capacity_ = std::max<idx_t>(2 * capacity_, size_ + values.size() + 2048);
            duckdb_list_vector_reserve(call_.output(), capacity_);
        }
        auto* data = static_cast<float*>(
            duckdb_vector_get_data(duckdb_list_vector_get_child(call_.output())));
        std::copy(values.begin(), values.end(), data + size_);
        call_.results<duckdb_list_entry>()[row] = {.offset = size_, .length = values.size()};
        size_ += values.size();
    }
    void put_null(idx_t row) {
        call_.results<duckdb_list_entry>()[row] = {.offset = size_, .length = 0};
        call_.set_null(row);
    }
    void finish() { duckdb_list_vector_set_size(call_.output(), size_); }

private:
    Call& call_;
    idx_t size_ = 0;
    idx_t capacity_ = 0;
};

void mismatch(Call& call, const char* function, idx_t left, idx_t right) {
    call.fail("VECTOR_DIMENSION_MISMATCH", {{"functionName", fmt::format("`{}`", function)},
                                            {"leftDim", std::to_string(left)},
                                            {"rightDim", std::to_string(right)}});
}

// The p-norm for p of 1, 2 or infinity; false when p is another.
bool norm_of(Call& call, const char* function, const Vectors& vectors, idx_t row, float degree,
             float& result) {
    float sum = 0;
    const bool infinite = std::isinf(degree) && degree > 0;
    if (degree != 1 && degree != 2 && !infinite) {
        std::string text;
        append_float_text(text, degree);
        call.fail("INVALID_VECTOR_NORM_DEGREE",
                  {{"functionName", fmt::format("`{}`", function)}, {"degree", text}});
        return false;
    }
    for (idx_t i = 0; i < vectors.size(row); ++i) {
        const float value = vectors.at(row, i);
        if (infinite) {
            sum = std::max(sum, std::abs(value));
        } else {
            sum += degree == 1 ? std::abs(value) : value * value;
        }
    }
    result = degree == 2 ? static_cast<float>(std::sqrt(static_cast<double>(sum))) : sum;
    return true;
}

void norm(Call& call) {
    const Vectors vectors(call.argument(0));
    const auto degrees = call.column<float>(1);
    auto* out = call.results<float>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (vectors.is_null(row) || degrees.is_null(row) || !vectors.whole(row)) {
            call.set_null(row);
        } else if (!norm_of(call, "vector_norm", vectors, row, degrees[row], out[row])) {
            return;
        }
    }
}

// Each element over the norm; null when that is 0.
void normalize(Call& call) {
    const Vectors vectors(call.argument(0));
    const auto degrees = call.column<float>(1);
    Output output(call);
    std::vector<float> values;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (vectors.is_null(row) || degrees.is_null(row) || !vectors.whole(row)) {
            output.put_null(row);
            continue;
        }
        float length = 0;
        if (!norm_of(call, "vector_normalize", vectors, row, degrees[row], length)) return;
        values.clear();
        for (idx_t i = 0; i < vectors.size(row); ++i) values.push_back(vectors.at(row, i) / length);
        if (length == 0 && !values.empty()) {
            output.put_null(row);
        } else {
            output.put(row, values);
        }
    }
    output.finish();
}

enum class Pair : std::uint8_t { kInner, kCosine, kDistance };

template <Pair kind>
void pairs(Call& call) {
    constexpr const char* kName = kind == Pair::kInner    ? "vector_inner_product"
                                  : kind == Pair::kCosine ? "vector_cosine_similarity"
                                                          : "vector_l2_distance";
    const Vectors left(call.argument(0));
    const Vectors right(call.argument(1));
    auto* out = call.results<float>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (left.is_null(row) || right.is_null(row)) {
            call.set_null(row);
            continue;
        }
        if (left.size(row) != right.size(row)) {
            return mismatch(call, kName, left.size(row), right.size(row));
        }
        if (!left.whole(row) || !right.whole(row)) {
            call.set_null(row);
            continue;
        }
        float product = 0;
        float squares_left = 0;
        float squares_right = 0;
        for (idx_t i = 0; i < left.size(row); ++i) {
            const float a = left.at(row, i);
            const float b = right.at(row, i);
            product += kind == Pair::kDistance ? (a - b) * (a - b) : a * b;
            squares_left += a * a;
            squares_right += b * b;
        }
        if constexpr (kind == Pair::kInner) {
            out[row] = product;
        } else if constexpr (kind == Pair::kDistance) {
            out[row] = static_cast<float>(std::sqrt(static_cast<double>(product)));
        } else if (squares_left == 0 || squares_right == 0) {
            call.set_null(row);
        } else {
            out[row] = product / static_cast<float>(
                                     std::sqrt(static_cast<double>(squares_left * squares_right)));
        }
    }
}

// Of an array of vectors: their sum or mean by position; null ones do not count.
template <bool mean>
void total(Call& call) {
    const auto groups = call.column<duckdb_list_entry>(0);
    const Vectors vectors(duckdb_list_vector_get_child(call.argument(0)));
    Output output(call);
    std::vector<float> sums;
    for (idx_t row = 0; row < call.rows(); ++row) {
        std::int64_t count = 0;
        sums.clear();
        const duckdb_list_entry group = groups.is_null(row) ? duckdb_list_entry{} : groups[row];
        for (idx_t i = group.offset; i < group.offset + group.length; ++i) {
            if (vectors.is_null(i) || !vectors.whole(i)) continue;
            if (count == 0) sums.assign(vectors.size(i), 0);
            if (vectors.size(i) != sums.size()) {
                return mismatch(call, mean ? "vector_avg" : "vector_sum", sums.size(),
                                vectors.size(i));
            }
            ++count;
            for (idx_t j = 0; j < sums.size(); ++j) {
                const float value = vectors.at(i, j);
                // The mean moves towards each value by its share.
                sums[j] += mean ? (value - sums[j]) / static_cast<float>(count) : value;
            }
        }
        if (count == 0) {
            output.put_null(row);
        } else {
            output.put(row, sums);
        }
    }
    output.finish();
}

}  // namespace

Result<void> register_vector_functions(duckdb_connection connection) {
    const DuckType real(duckdb_create_logical_type(DUCKDB_TYPE_FLOAT));
    const DuckType vector(duckdb_create_list_type(real.get()));
    const DuckType vectors(duckdb_create_list_type(vector.get()));
    const auto add = [&](const char* name, const DuckType& argument, const DuckType* second,
                         const DuckType& result, FunctionBody body) {
        return register_typed(connection, name,
                              {.argument = argument.get(),
                               .second = second == nullptr ? nullptr : second->get(),
                               .result = result.get(),
                               .body = body,
                               .sees_nulls = true});
    };
    MR_TRY_VOID(add("mr_vector_norm", vector, &real, real, norm));
    MR_TRY_VOID(add("mr_vector_normalize", vector, &real, vector, normalize));
    MR_TRY_VOID(add("mr_vector_inner_product", vector, &vector, real, pairs<Pair::kInner>));
    MR_TRY_VOID(add("mr_vector_cosine_similarity", vector, &vector, real, pairs<Pair::kCosine>));
    MR_TRY_VOID(add("mr_vector_l2_distance", vector, &vector, real, pairs<Pair::kDistance>));
    MR_TRY_VOID(add("mr_vector_sum", vectors, nullptr, vector, total<false>));
    return add("mr_vector_avg", vectors, nullptr, vector, total<true>);
}

}  // namespace millrace::columnar
