// Aggregate calls, alone and over windows.
#include "columnar/lowering_internal.h"
#include "sql/function_table.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

// Percentiles, exact: of intervals through their months or microseconds.
Result<std::string> Lowering::percentile(const plan::AggregateCall& call, const DataType& type,
                                         std::vector<std::string> texts, const std::string& over) {
    const DataType& of = call.args.at(0)->type;
    const bool months = of.is(TypeKind::kYearMonthInterval);
    const bool interval = months || of.is(TypeKind::kDayTimeInterval);
    if (interval) texts[0] = fmt::format("{}({})", months ? "mr_months" : "epoch_us", texts[0]);
    const std::string at = texts.size() > 1 ? texts[1] : std::string("0.5");
    const bool down = !call.order_by.empty() && !call.order_by[0].second.ascending;
    const bool stepped = call.name == "percentile_disc";
    const auto* frequency = texts.size() > 2 ? call.args[2]->as<plan::Literal>() : nullptr;
    const auto* times =
        frequency == nullptr ? nullptr : std::get_if<std::int64_t>(&frequency->value);
    std::string value;
    if (texts.size() > 2 && (times == nullptr || *times != 1)) {
        // Each value as often as its frequency says, which is what an exact percentile is of.
        value = fmt::format(
            "list_aggregate(flatten(list(list_transform(range({1}), lambda mr_i: "
            "CAST({0} AS DOUBLE))) FILTER (WHERE {0} IS NOT NULL AND {1} > 0){2}), "
            "'quantile_cont', {3})",
            texts[0], texts[2], over, at);
    } else {
        // Downwards: the percentage counts from the other end.
        const std::string what = down && stepped ? fmt::format("(-{})", texts[0]) : texts[0];
        value = fmt::format("{}({}{}, {}){}", stepped ? "quantile_disc" : "quantile_cont",
                            call.distinct ? "DISTINCT " : "", what,
                            down && !stepped ? fmt::format("1 - {}", at) : at, over);
        if (down && stepped) value = fmt::format("(-{})", value);
    }
    if (interval) {
        const auto back = [&](const std::string& number) {
            return fmt::format("{}(CAST(trunc({}) AS {}))",
                               months ? "to_months" : "to_microseconds", number,
                               months ? "INTEGER" : "BIGINT");
        };
        value = type.is(TypeKind::kArray)
                    ? fmt::format("list_transform({}, lambda mr_v: {})", value, back("mr_v"))
                    : back(value);
    }
    return fmt::format("CAST({} AS {})", value, duck_type_name(type));
}

Result<std::string> Lowering::aggregate_call(const plan::AggregateCall& call, const DataType& type,
                                             const std::string& over) {
    const sql::FunctionRow* row = sql::function_by_id(call.name);
    if (row == nullptr) return fail(Code::kInternal, "no aggregate is called {}", call.name);
    MR_TRY(auto texts, arguments(call.args));
    std::string filter;
    if (call.filter != nullptr) {
        MR_TRY(filter, expression(*call.filter));
    }
    const std::string& name = call.name;
    // count counts rows in which nothing is null.
    if (name == "count") {
        std::string condition = filter;
        std::string row_value;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            const bool constant =
                call.args[i]->as<plan::Literal>() != nullptr && !call.args[i]->nullable;
            if (!constant && (texts.size() > 1 || !filter.empty())) {
                condition +=
                    (condition.empty() ? "" : " AND ") + fmt::format("{} IS NOT NULL", texts[i]);
            }
            row_value += (row_value.empty() ? "" : ", ") + texts[i];
        }
        if (texts.empty()) row_value = "1";
        std::string counted = texts.size() > 1 ? fmt::format("row({})", row_value) : row_value;
        if (!condition.empty())
            counted = fmt::format("CASE WHEN {} THEN {} END", condition, counted);
        const bool rows = !call.distinct && condition.empty() &&
                          (texts.empty() || (call.args[0]->as<plan::Literal>() != nullptr &&
                                             !call.args[0]->nullable));
        if (rows) counted = "*";
        return fmt::format("count({}{}){}", call.distinct ? "DISTINCT " : "", counted, over);
    }
    if (name == "avg_decimal" && !texts.empty()) {
        const std::string distinct = call.distinct ? "DISTINCT " : "";
        if (!filter.empty()) texts[0] = fmt::format("CASE WHEN {} THEN {} END", filter, texts[0]);
        return decimal_mean(fmt::format("sum({}{}){}", distinct, texts[0], over),
                            fmt::format("count({}{}){}", distinct, texts[0], over), type);
    }
    if ((name == "max_by" || name == "min_by" || row->id == "max_by_many" ||
         row->id == "min_by_many") &&
        !filter.empty()) {
        // Rows whose order is null are no rows.
        texts[1] = fmt::format("CASE WHEN {} THEN {} END", filter, texts[1]);
        filter.clear();
    }
    if (name == "percentile" || name == "percentile_cont" || name == "percentile_disc" ||
        name == "median") {
        if (!filter.empty()) texts[0] = fmt::format("CASE WHEN {} THEN {} END", filter, texts[0]);
        return percentile(call, type, std::move(texts), over);
    }
    std::string_view pattern = sql::lowering_of(*row, call.mode);
    // Forms that can stand before OVER or after DISTINCT, where the table's is an expression.
    if (!over.empty() || call.distinct) {
        if (name == "avg") pattern = "avg(CAST({0} AS DOUBLE))";
        if (name == "var_samp") pattern = "var_samp({0})";
        if (name == "stddev_samp") pattern = "stddev_samp({0})";
    }
    if (pattern.empty()) {
        return fail(base::Error(
            Code::kUnsupported,
            fmt::format(
                "[UNSUPPORTED_FEATURE.AGGREGATE] The feature is not supported: aggregate {} "
                "in this place. SQLSTATE: 0A000",
                name),
            {.name = "UNSUPPORTED_FEATURE.AGGREGATE", .sql_state = "0A000"}));
    }
    // Null rows are no rows to most aggregates: a filter may null the first argument instead.
    const bool keeps_nulls = name == "first" || name == "last";
    bool ignore_nulls = call.ignore_nulls;
    if (keeps_nulls && call.args.size() > 1) {
        const auto* flag = call.args[1]->as<plan::Literal>();
        const auto* value = flag == nullptr ? nullptr : std::get_if<bool>(&flag->value);
        ignore_nulls = ignore_nulls || (value != nullptr && *value);
    }
    if (!filter.empty() && !keeps_nulls && !texts.empty()) {
        texts[0] = fmt::format("CASE WHEN {} THEN {} END", filter, texts[0]);
    }
    std::string distinct_pattern(pattern);
    if (call.distinct) {
        for (const std::string_view from : {"({0}", "(CAST({0}"}) {
            std::size_t at = 0;
            while ((at = distinct_pattern.find(from, at)) != std::string::npos) {
                distinct_pattern.insert(at + 1, "DISTINCT ");
                at += from.size() + 9;
            }
        }
    }
    std::vector<DataType> types;
    for (const auto& arg : call.args) types.push_back(arg->type);
    std::string text = sql::expand_lowering(
        distinct_pattern,
        {.texts = texts,
         .types = types,
         .result = type,
         .mode = call.mode,
         .time_zone = "UTC",
         .duckdb_type = [](const DataType& wanted) { return duck_type_name(wanted); }});
    if (keeps_nulls) {
        std::string condition = filter;
        if (ignore_nulls) {
            condition +=
                (condition.empty() ? "" : " AND ") + fmt::format("{} IS NOT NULL", texts[0]);
        }
        if (!over.empty()) {
            // As window functions they are called by other names and take no filter.
            text =
                fmt::format("{}_value({}{})", name, texts[0], ignore_nulls ? " IGNORE NULLS" : "");
        } else if (!condition.empty()) {
            text = fmt::format("{} FILTER (WHERE {})", text, condition);
        }
    }
    if ((name == "lag" || name == "lead") && ignore_nulls) {
        text.insert(text.rfind(')'), " IGNORE NULLS");
    }
    if (name == "listagg" && call.distinct && call.order_by.empty() && over.empty()) {
        // Without an order of its own, in that of the texts.
        text.insert(text.find_last_of(')'), fmt::format(" ORDER BY {}", texts[0]));
    }
    if (!call.order_by.empty()) {
        std::string orders;
        for (const auto& [key, order] : call.order_by) {
            MR_TRY(const std::string value, expression(*key));
            const bool nulls_first = order.nulls_first.value_or(order.ascending);
            orders += fmt::format("{}{} {} NULLS {}", orders.empty() ? " ORDER BY " : ", ", value,
                                  order.ascending ? "ASC" : "DESC", nulls_first ? "FIRST" : "LAST");
        }
        const std::size_t end = text.find_last_of(')');
        if (end != std::string::npos) text.insert(end, orders);
    }
    if (!over.empty() && (name == "collect_list" || name == "collect_set")) {
        text = fmt::format("coalesce(list({}{}) FILTER (WHERE {} IS NOT NULL){}, [])",
                           name == "collect_set" ? "DISTINCT " : "", texts[0], texts[0], over);
    } else {
        text += over;
    }
    if (name == "sum" || name == "try_sum") {
        // A sum that leaves the type is Spark's overflow; DuckDB's own is wider.
        if (type.is(TypeKind::kLong)) {
            return fmt::format(
                "{}({} AS BIGINT)",
                call.mode == plan::EvalMode::kAnsi && name == "sum" ? "CAST" : "TRY_CAST", text);
        }
        if (type.is(TypeKind::kDayTimeInterval) || type.is(TypeKind::kYearMonthInterval)) {
            const bool months = type.is(TypeKind::kYearMonthInterval);
            return fmt::format(
                "{}(CAST(sum({}({})){} AS {}))", months ? "to_months" : "to_microseconds",
                months ? "mr_months" : "epoch_us", texts[0], over, months ? "INTEGER" : "BIGINT");
        }
    }
    return fmt::format("CAST({} AS {})", text, duck_type_name(type));
}

}  // namespace millrace::columnar
