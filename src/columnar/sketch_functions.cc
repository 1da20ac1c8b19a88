// Functions of theta, tuple and HLL sketches. Aggregates get their values as arrays.
#include <bit>
#include <cmath>

#include "columnar/distinct_sketch_internal.h"
#include "columnar/functions_internal.h"
#include "columnar/hll_sketch_internal.h"

namespace millrace::columnar {

namespace {

// A value's bytes as DataSketches hashes them; false: nothing to hash.
bool key_bytes(std::int64_t value, std::string& bytes) {
    bytes.assign(reinterpret_cast<const char*>(&value), sizeof value);
    return true;
}
bool key_bytes(double value, std::string& bytes) {
    if (value == 0) value = 0;  // One zero, one NaN.
    if (std::isnan(value)) value = std::nan("");
    return key_bytes(std::bit_cast<std::int64_t>(value), bytes);
}
bool key_bytes(const duckdb_string_t& value, std::string& bytes) {
    bytes = text_of(value);
    return !bytes.empty();
}

template <class T, class Out, auto of_hash>
void hashed(Call& call) {
    const auto values = call.column<T>(0);
    auto* out = call.results<Out>();
    std::string bytes;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (values.is_null(row) || !key_bytes(values[row], bytes)) {
            call.set_null(row);
        } else {
            out[row] = of_hash(sketch_hash(bytes));
        }
    }
}

std::int64_t theta_hash(const std::array<std::uint64_t, 2>& hash) {
    return static_cast<std::int64_t>(hash[0] >> 1);
}
std::int32_t hll_coupon(const std::array<std::uint64_t, 2>& hash) {
    return static_cast<std::int32_t>(HllSketch::coupon(hash));
}

void bad_sketch(Call& call, SummaryKind kind, std::string_view function) {
    call.fail(kind == SummaryKind::kNone ? "THETA_INVALID_INPUT_SKETCH_BUFFER"
                                         : "TUPLE_INVALID_INPUT_SKETCH_BUFFER",
              {{"function", std::string(function)}});
}

// lgNomEntries, checked; 0 after an error.
int log_size_of(Call& call, std::int32_t value, std::string_view function) {
    if (value >= 4 && value <= 26) return value;
    call.fail("SKETCH_INVALID_LG_NOM_ENTRIES", {{"function", std::string(function)},
                                                {"min", "4"},
                                                {"max", "26"},
                                                {"value", std::to_string(value)}});
    return 0;
}

std::optional<SummaryMode> mode_of(Call& call, std::string_view name, std::string_view function) {
    const auto mode = summary_mode(name);
    if (!mode) {
        call.fail("TUPLE_INVALID_SKETCH_MODE", {{"function", std::string(function)},
                                                {"mode", std::string(name)},
                                                {"validModes", "sum, min, max, alwaysone"}});
    }
    return mode;
}

std::string_view suffix(SummaryKind kind) {
    return kind == SummaryKind::kDouble ? "_double" : "_integer";
}
std::string function_name(SummaryKind kind, std::string_view operation) {
    if (kind == SummaryKind::kNone) return fmt::format("`theta_{}`", operation);
    return fmt::format("`tuple_{}{}`", operation, suffix(kind));
}

// (hashes, [summaries,] log size [, mode]) -> sketch
template <SummaryKind kind>
void sketch_agg(Call& call) {
    constexpr bool tuple = kind != SummaryKind::kNone;
    const auto hashes = call.column<duckdb_list_entry>(0);
    const auto* hash = static_cast<const std::int64_t*>(
        duckdb_vector_get_data(duckdb_list_vector_get_child(call.argument(0))));
    const std::int64_t* summaries = nullptr;
    if constexpr (tuple) {
        summaries = static_cast<const std::int64_t*>(
            duckdb_vector_get_data(duckdb_list_vector_get_child(call.argument(1))));
    }
    const auto sizes = call.column<std::int32_t>(tuple ? 2 : 1);
    const std::string function = function_name(kind, "sketch_agg");
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const int log_size = log_size_of(call, sizes[row], function);
        if (log_size == 0) return;
        SummaryMode mode = SummaryMode::kSum;
        std::uint64_t summary_at = 0;
        if constexpr (tuple) {
            const auto wanted =
                mode_of(call, text_of(call.column<duckdb_string_t>(3)[row]), function);
            if (!wanted) return;
            mode = *wanted;
            summary_at = call.column<duckdb_list_entry>(1)[row].offset;
        }
        DistinctSketchBuilder builder(kind, log_size, mode);
        for (std::uint64_t i = 0; i < hashes[row].length; ++i) {
            builder.add(static_cast<std::uint64_t>(hash[hashes[row].offset + i]),
                        tuple ? summaries[summary_at + i] : 0);
        }
        call.set_text(row, builder.finish().write());
    }
}

enum class Operation : std::uint8_t { kUnion, kIntersection, kDifference };

void apply(DistinctSketch& to, const DistinctSketch& other, Operation operation, int log_size,
           SummaryMode mode) {
    switch (operation) {
        case Operation::kUnion: to.unite(other, log_size, mode); break;
        case Operation::kIntersection: to.intersect(other, mode); break;
        case Operation::kDifference: to.subtract(other); break;
    }
}

// (a, b, log size, mode) -> sketch; with_theta: b is a theta sketch.
template <SummaryKind kind, Operation operation, bool with_theta = false>
void sketch_pair(Call& call) {
    const auto left = call.column<duckdb_string_t>(0);
    const auto right = call.column<duckdb_string_t>(1);
    const auto sizes = call.column<std::int32_t>(2);
    const auto modes = call.column<duckdb_string_t>(3);
    static constexpr std::string_view kNames[] = {"union", "intersection", "difference"};
    const std::string function = function_name(
        kind, fmt::format("{}{}", kNames[static_cast<int>(operation)], with_theta ? "_theta" : ""));
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const int log_size = log_size_of(call, sizes[row], function);
        if (log_size == 0) return;
        const auto mode = mode_of(call, text_of(modes[row]), function);
        if (!mode) return;
        constexpr SummaryKind kOther = with_theta ? SummaryKind::kNone : kind;
        auto a = DistinctSketch::read(text_of(left[row]), kind);
        auto b = DistinctSketch::read(text_of(right[row]), kOther);
        if (!a) return bad_sketch(call, kind, function);
        if (!b) return bad_sketch(call, kOther, function);
        if (with_theta) b = b->with_summaries(kind, *mode);
        apply(*a, *b, operation, log_size, *mode);
        call.set_text(row, a->write());
    }
}

// (sketches, log size, mode) -> sketch
template <SummaryKind kind, Operation operation>
void sketch_fold(Call& call) {
    const auto lists = call.column<duckdb_list_entry>(0);
    const duckdb_vector child = duckdb_list_vector_get_child(call.argument(0));
    const auto* texts = static_cast<const duckdb_string_t*>(duckdb_vector_get_data(child));
    const auto sizes = call.column<std::int32_t>(1);
    const auto modes = call.column<duckdb_string_t>(2);
    const std::string function =
        function_name(kind, operation == Operation::kUnion ? "union_agg" : "intersection_agg");
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const int log_size = log_size_of(call, sizes[row], function);
        if (log_size == 0) return;
        const auto mode = mode_of(call, text_of(modes[row]), function);
        if (!mode) return;
        DistinctSketch result(kind);
        for (std::uint64_t i = 0; i < lists[row].length; ++i) {
            const auto next = DistinctSketch::read(text_of(texts[lists[row].offset + i]), kind);
            if (!next) return bad_sketch(call, kind, function);
            if (i == 0 && operation == Operation::kIntersection) {
                result = *next;
            } else {
                apply(result, *next, operation, log_size, *mode);
            }
        }
        call.set_text(row, result.write());
    }
}

template <SummaryKind kind, class Out, auto of_sketch>
void sketch_value(Call& call) {
    const auto sketches = call.column<duckdb_string_t>(0);
    auto* out = call.results<Out>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const auto sketch = DistinctSketch::read(text_of(sketches[row]), kind);
        if (!sketch) return bad_sketch(call, kind, function_name(kind, "sketch_estimate"));
        out[row] = of_sketch(*sketch);
    }
}
std::int64_t rounded_estimate(const DistinctSketch& sketch) {
    return static_cast<std::int64_t>(std::floor(sketch.estimate() + 0.5));
}
double plain_estimate(const DistinctSketch& sketch) {
    return sketch.estimate();
}
double theta_of(const DistinctSketch& sketch) {
    return sketch.theta();
}

// (sketch, mode) -> all summaries as one
template <SummaryKind kind>
void sketch_summary(Call& call) {
    const auto sketches = call.column<duckdb_string_t>(0);
    const auto modes = call.column<duckdb_string_t>(1);
    const std::string function = function_name(kind, "sketch_summary");
    auto* out = call.results<std::int64_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const auto mode = mode_of(call, text_of(modes[row]), function);
        if (!mode) return;
        const auto sketch = DistinctSketch::read(text_of(sketches[row]), kind);
        if (!sketch) return bad_sketch(call, kind, function);
        out[row] = sketch->summary(*mode);
    }
}

// (coupons, log size) -> sketch
void hll_agg(Call& call) {
    const auto lists = call.column<duckdb_list_entry>(0);
    const auto* coupons = static_cast<const std::int32_t*>(
        duckdb_vector_get_data(duckdb_list_vector_get_child(call.argument(0))));
    const auto sizes = call.column<std::int32_t>(1);
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        if (sizes[row] < HllSketch::kLeastLogSize || sizes[row] > HllSketch::kMostLogSize) {
            return call.fail("HLL_INVALID_LG_K", {{"function", "`hll_sketch_agg`"},
                                                  {"min", std::to_string(HllSketch::kLeastLogSize)},
                                                  {"max", std::to_string(HllSketch::kMostLogSize)},
                                                  {"value", std::to_string(sizes[row])}});
        }
        HllSketch sketch(sizes[row]);
        for (std::uint64_t i = 0; i < lists[row].length; ++i) {
            sketch.add(static_cast<std::uint32_t>(coupons[lists[row].offset + i]));
        }
        call.set_text(row, sketch.write());
    }
}

// Adds the second into the first; false after an error.
bool hll_unite(Call& call, std::optional<HllSketch>& to, std::string_view bytes, bool any_size,
               std::string_view function) {
    const auto next = HllSketch::read(bytes);
    if (!next) {
        call.fail("HLL_INVALID_INPUT_SKETCH_BUFFER", {{"function", std::string(function)}});
        return false;
    }
    if (!to) {
        to = *next;
        return true;
    }
    if (!any_size && to->log_size() != next->log_size()) {
        call.fail("HLL_UNION_DIFFERENT_LG_K", {{"left", std::to_string(to->log_size())},
                                               {"right", std::to_string(next->log_size())},
                                               {"function", std::string(function)}});
        return false;
    }
    to->unite(*next);
    return true;
}

// (a, b, allow different sizes) -> sketch
void hll_union(Call& call) {
    const auto left = call.column<duckdb_string_t>(0);
    const auto right = call.column<duckdb_string_t>(1);
    const auto any_size = call.column<bool>(2);
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        std::optional<HllSketch> result;
        if (!hll_unite(call, result, text_of(left[row]), any_size[row], "`hll_union`") ||
            !hll_unite(call, result, text_of(right[row]), any_size[row], "`hll_union`")) {
            return;
        }
        call.set_text(row, result->write());
    }
}

// (sketches, allow different sizes) -> sketch
void hll_union_agg(Call& call) {
    const auto lists = call.column<duckdb_list_entry>(0);
    const auto* texts = static_cast<const duckdb_string_t*>(
        duckdb_vector_get_data(duckdb_list_vector_get_child(call.argument(0))));
    const auto any_size = call.column<bool>(1);
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        std::optional<HllSketch> result;
        for (std::uint64_t i = 0; i < lists[row].length; ++i) {
            if (!hll_unite(call, result, text_of(texts[lists[row].offset + i]), any_size[row],
                           "`hll_union_agg`")) {
                return;
            }
        }
        if (!result) result = HllSketch(HllSketch::kUsualLogSize);
        call.set_text(row, result->write());
    }
}

void hll_estimate(Call& call) {
    const auto sketches = call.column<duckdb_string_t>(0);
    auto* out = call.results<std::int64_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const auto sketch = HllSketch::read(text_of(sketches[row]));
        if (!sketch) {
            return call.fail("HLL_INVALID_INPUT_SKETCH_BUFFER",
                             {{"function", "`hll_sketch_estimate`"}});
        }
        out[row] = static_cast<std::int64_t>(std::floor(sketch->estimate() + 0.5));
    }
}

constexpr auto kText = DUCKDB_TYPE_VARCHAR;
constexpr auto kLong = DUCKDB_TYPE_BIGINT;
constexpr auto kInt = DUCKDB_TYPE_INTEGER;
constexpr auto kReal = DUCKDB_TYPE_DOUBLE;
constexpr auto kBlob = DUCKDB_TYPE_BLOB;

FunctionList::Entry of_lists(std::vector<duckdb_type> arguments, FunctionBody body,
                             std::uint32_t lists) {
    return {
        .arguments = std::move(arguments), .result = kBlob, .body = body, .list_arguments = lists};
}

template <SummaryKind kind>
void add_tuples(FunctionList& list, duckdb_type summary) {
    const std::string end(suffix(kind));
    using enum Operation;
    list.add("mr_tuple_agg" + end, of_lists({kLong, summary, kInt, kText}, sketch_agg<kind>, 0b11));
    list.add("mr_tuple_union" + end,
             {{kBlob, kBlob, kInt, kText}, kBlob, sketch_pair<kind, kUnion>});
    list.add("mr_tuple_intersection" + end,
             {{kBlob, kBlob, kInt, kText}, kBlob, sketch_pair<kind, kIntersection>});
    list.add("mr_tuple_difference" + end,
             {{kBlob, kBlob, kInt, kText}, kBlob, sketch_pair<kind, kDifference>});
    list.add("mr_tuple_union_theta" + end,
             {{kBlob, kBlob, kInt, kText}, kBlob, sketch_pair<kind, kUnion, true>});
    list.add("mr_tuple_intersection_theta" + end,
             {{kBlob, kBlob, kInt, kText}, kBlob, sketch_pair<kind, kIntersection, true>});
    list.add("mr_tuple_difference_theta" + end,
             {{kBlob, kBlob, kInt, kText}, kBlob, sketch_pair<kind, kDifference, true>});
    list.add("mr_tuple_union_agg" + end,
             of_lists({kBlob, kInt, kText}, sketch_fold<kind, kUnion>, 1));
    list.add("mr_tuple_intersection_agg" + end,
             of_lists({kBlob, kInt, kText}, sketch_fold<kind, kIntersection>, 1));
    list.add("mr_tuple_estimate" + end,
             {{kBlob}, kReal, sketch_value<kind, double, plain_estimate>});
    list.add("mr_tuple_theta" + end, {{kBlob}, kReal, sketch_value<kind, double, theta_of>});
    list.add("mr_tuple_summary" + end, {{kBlob, kText}, summary, sketch_summary<kind>});
}

}  // namespace

void add_sketch_functions(FunctionList& list) {
    constexpr auto kTheta = SummaryKind::kNone;
    using enum Operation;
    list.add("mr_theta_hash", {{kLong}, kLong, hashed<std::int64_t, std::int64_t, theta_hash>});
    list.add("mr_theta_hash", {{kReal}, kLong, hashed<double, std::int64_t, theta_hash>});
    list.add("mr_theta_hash", {{kText}, kLong, hashed<duckdb_string_t, std::int64_t, theta_hash>});
    list.add("mr_theta_hash", {{kBlob}, kLong, hashed<duckdb_string_t, std::int64_t, theta_hash>});
    list.add("mr_hll_coupon", {{kLong}, kInt, hashed<std::int64_t, std::int32_t, hll_coupon>});
    list.add("mr_hll_coupon", {{kText}, kInt, hashed<duckdb_string_t, std::int32_t, hll_coupon>});
    list.add("mr_hll_coupon", {{kBlob}, kInt, hashed<duckdb_string_t, std::int32_t, hll_coupon>});
    list.add("mr_theta_agg", of_lists({kLong, kInt}, sketch_agg<kTheta>, 1));
    list.add("mr_theta_union", {{kBlob, kBlob, kInt, kText}, kBlob, sketch_pair<kTheta, kUnion>});
    list.add("mr_theta_intersection",
             {{kBlob, kBlob, kInt, kText}, kBlob, sketch_pair<kTheta, kIntersection>});
    list.add("mr_theta_difference",
             {{kBlob, kBlob, kInt, kText}, kBlob, sketch_pair<kTheta, kDifference>});
    list.add("mr_theta_union_agg", of_lists({kBlob, kInt, kText}, sketch_fold<kTheta, kUnion>, 1));
    list.add("mr_theta_intersection_agg",
             of_lists({kBlob, kInt, kText}, sketch_fold<kTheta, kIntersection>, 1));
    list.add("mr_theta_estimate",
             {{kBlob}, kLong, sketch_value<kTheta, std::int64_t, rounded_estimate>});
    add_tuples<SummaryKind::kDouble>(list, kReal);
    add_tuples<SummaryKind::kInteger>(list, kLong);
    list.add("mr_hll_agg", of_lists({kInt, kInt}, hll_agg, 1));
    list.add("mr_hll_union", {{kBlob, kBlob, DUCKDB_TYPE_BOOLEAN}, kBlob, hll_union});
    list.add("mr_hll_union_agg", of_lists({kBlob, DUCKDB_TYPE_BOOLEAN}, hll_union_agg, 1));
    list.add("mr_hll_estimate", {{kBlob}, kLong, hll_estimate});
}

}  // namespace millrace::columnar
