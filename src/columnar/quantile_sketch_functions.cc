// Functions of KLL sketches.
#include "columnar/functions_internal.h"
#include "columnar/quantile_sketch_internal.h"

namespace millrace::columnar {

namespace {

template <QuantileKind kind>
using Value = std::conditional_t<kind == QuantileKind::kBigint, std::int64_t, double>;

template <QuantileKind kind>
std::string named(std::string_view operation) {
    static constexpr std::string_view kNames[] = {"", "bigint", "float", "double"};
    return fmt::format("`kll_{}_{}`", operation, kNames[static_cast<int>(kind)]);
}

void bad_sketch(Call& call, const std::string& function) {
    call.fail("KLL_INVALID_INPUT_SKETCH_BUFFER", {{"function", function}});
}

// k, checked; 0 after an error.
int size_of(Call& call, std::int32_t size, const std::string& function) {
    using Any = QuantileSketch<double>;
    if (size >= Any::kLeastSize && size <= Any::kMostSize) return size;
    call.fail("KLL_SKETCH_K_OUT_OF_RANGE",
              {{"functionName", function}, {"k", std::to_string(size)}});
    return 0;
}

// (values, k) -> sketch
template <QuantileKind kind>
void kll_agg(Call& call) {
    using T = Value<kind>;
    const auto lists = call.column<duckdb_list_entry>(0);
    const auto* values = static_cast<const T*>(
        duckdb_vector_get_data(duckdb_list_vector_get_child(call.argument(0))));
    const auto sizes = call.column<std::int32_t>(1);
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const int size = size_of(call, sizes[row], named<kind>("sketch_agg"));
        if (size == 0) return;
        QuantileSketch<T> sketch(kind, size);
        for (std::uint64_t i = 0; i < lists[row].length; ++i) {
            const T value = values[lists[row].offset + i];
            if (value == value) sketch.add(value);  // NaN has no place in an order.
        }
        call.set_text(row, sketch.write());
    }
}

// (sketches, k) -> sketch
template <QuantileKind kind>
void kll_merge_agg(Call& call) {
    using T = Value<kind>;
    const auto lists = call.column<duckdb_list_entry>(0);
    const auto* texts = static_cast<const duckdb_string_t*>(
        duckdb_vector_get_data(duckdb_list_vector_get_child(call.argument(0))));
    const auto sizes = call.column<std::int32_t>(1);
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const int size = size_of(call, sizes[row], named<kind>("merge_agg"));
        if (size == 0) return;
        QuantileSketch<T> result(kind, size);
        for (std::uint64_t i = 0; i < lists[row].length; ++i) {
            const auto next = QuantileSketch<T>::read(text_of(texts[lists[row].offset + i]), kind);
            if (!next) return bad_sketch(call, named<kind>("merge_agg"));
            result.merge(*next);
        }
        call.set_text(row, result.write());
    }
}

template <QuantileKind kind>
void kll_merge(Call& call) {
    const auto left = call.column<duckdb_string_t>(0);
    const auto right = call.column<duckdb_string_t>(1);
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        auto a = QuantileSketch<Value<kind>>::read(text_of(left[row]), kind);
        const auto b = QuantileSketch<Value<kind>>::read(text_of(right[row]), kind);
        if (!a || !b) return bad_sketch(call, named<kind>("sketch_merge"));
        a->merge(*b);
        call.set_text(row, a->write());
    }
}

// A function of a sketch and, for most, of one more value; `body` gives false for null.
template <QuantileKind kind, class Out, auto body>
void of_sketch(Call& call) {
    const auto sketches = call.column<duckdb_string_t>(0);
    auto* out = call.results<Out>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const auto sketch = QuantileSketch<Value<kind>>::read(text_of(sketches[row]), kind);
        if (!sketch) return bad_sketch(call, named<kind>("sketch"));
        if (!body(call, *sketch, row, out[row])) {
            if (call.failed()) return;
            call.set_null(row);
        }
    }
}

template <class T>
bool count_of(Call&, const QuantileSketch<T>& sketch, idx_t, std::int64_t& out) {
    out = sketch.count();
    return true;
}
template <QuantileKind kind>
bool quantile_of(Call& call, const QuantileSketch<Value<kind>>& sketch, idx_t row,
                 Value<kind>& out) {
    const double share = call.column<double>(1)[row];
    if (!(share >= 0 && share <= 1)) {
        call.fail("KLL_SKETCH_INVALID_QUANTILE_RANGE",
                  {{"functionName", named<kind>("sketch_get_quantile")}});
        return false;
    }
    const auto value = sketch.quantile(share);
    if (value) out = *value;
    return value.has_value();
}
template <class T>
bool rank_of(Call& call, const QuantileSketch<T>& sketch, idx_t row, double& out) {
    const auto rank = sketch.rank(call.column<T>(1)[row]);
    if (rank) out = *rank;
    return rank.has_value();
}

template <QuantileKind kind>
void kll_to_string(Call& call) {
    const auto sketches = call.column<duckdb_string_t>(0);
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const auto sketch = QuantileSketch<Value<kind>>::read(text_of(sketches[row]), kind);
        if (!sketch) return bad_sketch(call, named<kind>("sketch_to_string"));
        call.set_text(row, sketch->text());
    }
}

template <QuantileKind kind>
void add_kind(FunctionList& list, const std::string& end) {
    using T = Value<kind>;
    constexpr auto kValue = kind == QuantileKind::kBigint ? DUCKDB_TYPE_BIGINT : DUCKDB_TYPE_DOUBLE;
    constexpr auto kBlob = DUCKDB_TYPE_BLOB;
    constexpr auto kInt = DUCKDB_TYPE_INTEGER;
    constexpr auto kReal = DUCKDB_TYPE_DOUBLE;
    list.add(
        "mr_kll_agg" + end,
        {.arguments = {kValue, kInt}, .result = kBlob, .body = kll_agg<kind>, .list_arguments = 1});
    list.add("mr_kll_merge_agg" + end, {.arguments = {kBlob, kInt},
                                        .result = kBlob,
                                        .body = kll_merge_agg<kind>,
                                        .list_arguments = 1});
    list.add("mr_kll_merge" + end, {{kBlob, kBlob}, kBlob, kll_merge<kind>});
    list.add("mr_kll_n" + end,
             {{kBlob}, DUCKDB_TYPE_BIGINT, of_sketch<kind, std::int64_t, count_of<T>>});
    list.add("mr_kll_quantile" + end,
             {{kBlob, kReal}, kValue, of_sketch<kind, T, quantile_of<kind>>});
    list.add("mr_kll_rank" + end, {{kBlob, kValue}, kReal, of_sketch<kind, double, rank_of<T>>});
    list.add("mr_kll_to_string" + end, {{kBlob}, DUCKDB_TYPE_VARCHAR, kll_to_string<kind>});
}

}  // namespace

void add_quantile_sketch_functions(FunctionList& list) {
    add_kind<QuantileKind::kBigint>(list, "_bigint");
    add_kind<QuantileKind::kFloat>(list, "_float");
    add_kind<QuantileKind::kDouble>(list, "_double");
}

}  // namespace millrace::columnar
