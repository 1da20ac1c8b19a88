#include "millrace/column.h"

#include "api/convert.h"
#include "plan/expression.h"

namespace millrace {

namespace {

using plan::ExprPtr;

Column function(std::string name, std::vector<ExprPtr> arguments) {
    return Column(plan::call(std::move(name), std::move(arguments)));
}
Column binary(std::string name, const Column& left, const Column& right) {
    return function(std::move(name), {left.expression(), right.expression()});
}
ExprPtr text(std::string_view value) {
    return plan::literal(plan::Literal::string(std::string(value)));
}

Column order(const Column& column, bool ascending, std::optional<bool> nulls_first) {
    return Column(
        plan::make_expr(plan::SortOrderExpr{column.expression(), ascending, nulls_first}));
}

Column cast_to(const Column& column, std::string_view type, plan::EvalMode mode) {
    return Column(plan::make_expr(
        plan::CastExpr{column.expression(), std::nullopt, std::string(type), mode}));
}

plan::FrameBound bound(std::int64_t distance) {
    using Kind = plan::FrameBound::Kind;
    if (distance == Window::unbounded_preceding) return {Kind::kUnboundedPreceding, nullptr};
    if (distance == Window::unbounded_following) return {Kind::kUnboundedFollowing, nullptr};
    if (distance == Window::current_row) return {Kind::kCurrentRow, nullptr};
    const bool fits = distance >= INT32_MIN && distance <= INT32_MAX;
    return {Kind::kValue, plan::literal(fits ? plan::Literal::integer(static_cast<int>(distance))
                                             : plan::Literal::long_(distance))};
}

}  // namespace

Column::Column(const Value& value) : expression_(plan::literal(api::to_literal(value))) {}

Column Column::alias(std::string_view name) const {
    return Column(plan::alias(expression_, std::string(name)));
}
Column Column::cast(std::string_view type) const {
    return cast_to(*this, type, plan::EvalMode::kDefault);
}
Column Column::try_cast(std::string_view type) const {
    return cast_to(*this, type, plan::EvalMode::kTry);
}

Column Column::is_null() const {
    return function("isNull", {expression_});
}
Column Column::is_not_null() const {
    return function("isNotNull", {expression_});
}
Column Column::is_nan() const {
    return function("isNaN", {expression_});
}
Column Column::eq_null_safe(const Column& other) const {
    return binary("<=>", *this, other);
}
Column Column::between(const Column& lower, const Column& upper) const {
    return *this >= lower && *this <= upper;
}
Column Column::isin(const std::vector<Column>& values) const {
    std::vector<ExprPtr> arguments = {expression_};
    for (const Column& value : values) arguments.push_back(value.expression());
    return function("in", std::move(arguments));
}
Column Column::like(std::string_view pattern) const {
    return function("like", {expression_, text(pattern)});
}
Column Column::ilike(std::string_view pattern) const {
    return function("ilike", {expression_, text(pattern)});
}
Column Column::rlike(std::string_view pattern) const {
    return function("rlike", {expression_, text(pattern)});
}
Column Column::contains(const Column& part) const {
    return binary("contains", *this, part);
}
Column Column::startswith(const Column& prefix) const {
    return binary("startswith", *this, prefix);
}
Column Column::endswith(const Column& suffix) const {
    return binary("endswith", *this, suffix);
}
Column Column::substr(const Column& start, const Column& length) const {
    return function("substr", {expression_, start.expression(), length.expression()});
}
Column Column::bitwise_and(const Column& other) const {
    return binary("&", *this, other);
}
Column Column::bitwise_or(const Column& other) const {
    return binary("|", *this, other);
}
Column Column::bitwise_xor(const Column& other) const {
    return binary("^", *this, other);
}

Column Column::get_item(const Column& key) const {
    return Column(plan::make_expr(plan::ExtractValueExpr{expression_, key.expression()}));
}
Column Column::get_field(std::string_view name) const {
    return Column(plan::make_expr(plan::ExtractValueExpr{expression_, text(name)}));
}
Column Column::with_field(std::string_view name, const Column& value) const {
    return Column(plan::make_expr(
        plan::UpdateFieldsExpr{expression_, std::string(name), value.expression()}));
}
Column Column::drop_field(std::string_view name) const {
    return Column(plan::make_expr(plan::UpdateFieldsExpr{expression_, std::string(name), nullptr}));
}

Column Column::asc() const {
    return order(*this, true, std::nullopt);
}
Column Column::asc_nulls_first() const {
    return order(*this, true, true);
}
Column Column::asc_nulls_last() const {
    return order(*this, true, false);
}
Column Column::desc() const {
    return order(*this, false, std::nullopt);
}
Column Column::desc_nulls_first() const {
    return order(*this, false, true);
}
Column Column::desc_nulls_last() const {
    return order(*this, false, false);
}

Column Column::when(const Column& condition, const Column& value) const {
    std::vector<ExprPtr> arguments;
    if (const auto* branches = expression_->as<plan::FunctionExpr>()) arguments = branches->args;
    arguments.push_back(condition.expression());
    arguments.push_back(value.expression());
    return function("when", std::move(arguments));
}
Column Column::otherwise(const Column& value) const {
    std::vector<ExprPtr> arguments;
    if (const auto* branches = expression_->as<plan::FunctionExpr>()) arguments = branches->args;
    arguments.push_back(value.expression());
    return function("when", std::move(arguments));
}

Column Column::over(const WindowSpec& window) const {
    plan::WindowExpr result;
    result.function = expression_;
    for (const Column& column : window.partitions)
        result.partition_by.push_back(column.expression());
    for (const Column& column : window.orders) {
        const bool ordered = column.expression()->as<plan::SortOrderExpr>() != nullptr;
        result.order_by.push_back((ordered ? column : column.asc()).expression());
    }
    if (window.frame != WindowSpec::Frame::kDefault) {
        result.frame = window.frame == WindowSpec::Frame::kRows ? plan::FrameKind::kRows
                                                                : plan::FrameKind::kRange;
        result.lower = bound(window.frame_start);
        result.upper = bound(window.frame_end);
    }
    return Column(plan::make_expr(std::move(result)));
}

Column operator+(const Column& left, const Column& right) {
    return binary("+", left, right);
}
Column operator-(const Column& left, const Column& right) {
    return binary("-", left, right);
}
Column operator*(const Column& left, const Column& right) {
    return binary("*", left, right);
}
Column operator/(const Column& left, const Column& right) {
    return binary("/", left, right);
}
Column operator%(const Column& left, const Column& right) {
    return binary("%", left, right);
}
Column operator-(const Column& operand) {
    return function("negative", {operand.expression()});
}
Column operator==(const Column& left, const Column& right) {
    return binary("==", left, right);
}
Column operator!=(const Column& left, const Column& right) {
    return !(left == right);
}
Column operator<(const Column& left, const Column& right) {
    return binary("<", left, right);
}
Column operator<=(const Column& left, const Column& right) {
    return binary("<=", left, right);
}
Column operator>(const Column& left, const Column& right) {
    return binary(">", left, right);
}
Column operator>=(const Column& left, const Column& right) {
    return binary(">=", left, right);
}
Column operator&&(const Column& left, const Column& right) {
    return binary("and", left, right);
}
Column operator||(const Column& left, const Column& right) {
    return binary("or", left, right);
}
Column operator!(const Column& operand) {
    return function("not", {operand.expression()});
}

WindowSpec WindowSpec::partition_by(const std::vector<Column>& columns) const {
    WindowSpec result = *this;
    result.partitions = columns;
    return result;
}
WindowSpec WindowSpec::order_by(const std::vector<Column>& columns) const {
    WindowSpec result = *this;
    result.orders = columns;
    return result;
}
WindowSpec WindowSpec::rows_between(std::int64_t start, std::int64_t end) const {
    WindowSpec result = *this;
    result.frame = Frame::kRows;
    result.frame_start = start;
    result.frame_end = end;
    return result;
}
WindowSpec WindowSpec::range_between(std::int64_t start, std::int64_t end) const {
    WindowSpec result = *this;
    result.frame = Frame::kRange;
    result.frame_start = start;
    result.frame_end = end;
    return result;
}

}  // namespace millrace
