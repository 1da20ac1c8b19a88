#include "millrace/functions.h"

#include "plan/expression.h"

namespace millrace::functions {

namespace {

using plan::ExprPtr;

std::vector<ExprPtr> expressions(const std::vector<Column>& columns) {
    std::vector<ExprPtr> result;
    for (const Column& column : columns) result.push_back(column.expression());
    return result;
}

// A name that cannot be split (unbalanced back-ticks) is taken whole: analysis then names it.
ExprPtr named(std::string_view name) {
    if (name == "*") return plan::make_expr(plan::StarExpr{});
    if (name.ends_with(".*")) {
        plan::StarExpr star;
        if (auto parts = plan::split_name(name.substr(0, name.size() - 2))) star.qualifier = *parts;
        return plan::make_expr(std::move(star));
    }
    const auto parts = plan::split_name(name);
    return plan::column(parts ? *parts : std::vector<std::string>{std::string(name)});
}

Column text(std::string_view value) {
    return Column(std::string(value));
}

}  // namespace

Column col(std::string_view name) {
    return Column(named(name));
}
Column lit(const Value& value) {
    return Column(value);
}
Column expr(std::string_view sql) {
    return Column(plan::make_expr(plan::TextExpr{std::string(sql)}));
}
Column call(std::string_view name, const std::vector<Column>& arguments) {
    return Column(plan::call(std::string(name), expressions(arguments)));
}

Column when(const Column& condition, const Column& value) {
    return call("when", {condition, value});
}
Column coalesce(const std::vector<Column>& columns) {
    return call("coalesce", columns);
}
Column isnull(const Column& column) {
    return call("isnull", {column});
}
Column greatest(const std::vector<Column>& columns) {
    return call("greatest", columns);
}
Column least(const std::vector<Column>& columns) {
    return call("least", columns);
}

Column asc(std::string_view name) {
    return col(name).asc();
}
Column desc(std::string_view name) {
    return col(name).desc();
}

Column abs(const Column& column) {
    return call("abs", {column});
}
Column ceil(const Column& column) {
    return call("ceil", {column});
}
Column floor(const Column& column) {
    return call("floor", {column});
}
Column round(const Column& column, int scale) {
    return call("round", {column, Column(scale)});
}
Column sqrt(const Column& column) {
    return call("sqrt", {column});
}
Column pow(const Column& base, const Column& exponent) {
    return call("power", {base, exponent});
}
Column exp(const Column& column) {
    return call("exp", {column});
}
Column ln(const Column& column) {
    return call("ln", {column});
}

Column upper(const Column& column) {
    return call("upper", {column});
}
Column lower(const Column& column) {
    return call("lower", {column});
}
Column trim(const Column& column) {
    return call("trim", {column});
}
Column length(const Column& column) {
    return call("length", {column});
}
Column concat(const std::vector<Column>& columns) {
    return call("concat", columns);
}
Column concat_ws(std::string_view separator, const std::vector<Column>& columns) {
    std::vector<Column> arguments = {text(separator)};
    arguments.insert(arguments.end(), columns.begin(), columns.end());
    return call("concat_ws", arguments);
}
Column substring(const Column& column, int start, int length) {
    return call("substring", {column, Column(start), Column(length)});
}
Column split(const Column& column, std::string_view pattern, int limit) {
    return call("split", {column, text(pattern), Column(limit)});
}
Column regexp_extract(const Column& column, std::string_view pattern, int group) {
    return call("regexp_extract", {column, text(pattern), Column(group)});
}
Column regexp_replace(const Column& column, std::string_view pattern,
                      std::string_view replacement) {
    return call("regexp_replace", {column, text(pattern), text(replacement)});
}
Column rlike(const Column& column, std::string_view pattern) {
    return column.rlike(pattern);
}

Column current_timestamp() {
    return call("current_timestamp", {});
}
Column current_date() {
    return call("current_date", {});
}
Column to_timestamp(const Column& column) {
    return call("to_timestamp", {column});
}
Column to_timestamp(const Column& column, std::string_view format) {
    return call("to_timestamp", {column, text(format)});
}
Column to_date(const Column& column) {
    return call("to_date", {column});
}
Column date_format(const Column& column, std::string_view format) {
    return call("date_format", {column, text(format)});
}
Column unix_millis(const Column& column) {
    return call("unix_millis", {column});
}
Column timestamp_seconds(const Column& column) {
    return call("timestamp_seconds", {column});
}
Column timestamp_millis(const Column& column) {
    return call("timestamp_millis", {column});
}
Column date_trunc(std::string_view unit, const Column& column) {
    return call("date_trunc", {text(unit), column});
}
Column window(const Column& time, std::string_view duration, std::string_view slide,
              std::string_view start) {
    std::vector<Column> arguments = {time, text(duration)};
    if (!slide.empty() || !start.empty())
        arguments.push_back(text(slide.empty() ? duration : slide));
    if (!start.empty()) arguments.push_back(text(start));
    return call("window", arguments);
}

Column array(const std::vector<Column>& columns) {
    return call("array", columns);
}
Column struct_(const std::vector<Column>& columns) {
    return call("struct", columns);
}
Column size(const Column& column) {
    return call("size", {column});
}
Column explode(const Column& column) {
    return call("explode", {column});
}
Column element_at(const Column& column, const Column& key) {
    return call("element_at", {column, key});
}
Column map_keys(const Column& column) {
    return call("map_keys", {column});
}

Column from_json(const Column& column, std::string_view schema) {
    return call("from_json", {column, text(schema)});
}
Column to_json(const Column& column) {
    return call("to_json", {column});
}
Column get_json_object(const Column& column, std::string_view path) {
    return call("get_json_object", {column, text(path)});
}

Column count(const Column& column) {
    if (column.expression()->as<plan::StarExpr>() != nullptr) return call("count", {Column(1)});
    return call("count", {column});
}
Column count_distinct(const std::vector<Column>& columns) {
    plan::FunctionExpr function;
    function.name = "count";
    function.args = expressions(columns);
    function.distinct = true;
    return Column(plan::make_expr(std::move(function)));
}
Column approx_count_distinct(const Column& column) {
    return call("approx_count_distinct", {column});
}
Column sum(const Column& column) {
    return call("sum", {column});
}
Column avg(const Column& column) {
    return call("avg", {column});
}
Column min(const Column& column) {
    return call("min", {column});
}
Column max(const Column& column) {
    return call("max", {column});
}
Column first(const Column& column, bool ignore_nulls) {
    return call("first", {column, Column(ignore_nulls)});
}
Column last(const Column& column, bool ignore_nulls) {
    return call("last", {column, Column(ignore_nulls)});
}
Column collect_list(const Column& column) {
    return call("collect_list", {column});
}
Column collect_set(const Column& column) {
    return call("collect_set", {column});
}
Column stddev(const Column& column) {
    return call("stddev", {column});
}
Column max_by(const Column& value, const Column& order) {
    return call("max_by", {value, order});
}
Column min_by(const Column& value, const Column& order) {
    return call("min_by", {value, order});
}

Column row_number() {
    return call("row_number", {});
}
Column rank() {
    return call("rank", {});
}
Column dense_rank() {
    return call("dense_rank", {});
}
Column lag(const Column& column, int offset) {
    return call("lag", {column, Column(offset)});
}
Column lead(const Column& column, int offset) {
    return call("lead", {column, Column(offset)});
}

}  // namespace millrace::functions
