// Windows: functions over a frame of rows, windows of time, and sessions.
#include <utility>

#include "columnar/lowering_internal.h"

namespace millrace::columnar {

using plan::TypeKind;

Result<std::string> Lowering::window(const plan::WindowNode& node) {
    MR_TRY(const std::string input, input_of(node.input));
    std::string columns;
    for (const plan::WindowNode::Function& function : node.functions) {
        std::string over;
        for (const auto& key : function.partition_by) {
            MR_TRY(const std::string value, expression(*key));
            over += (over.empty() ? "PARTITION BY " : ", ") + value;
        }
        MR_TRY(const std::string orders, order_by(function.order_by));
        if (!orders.empty()) {
            over += (over.empty() ? "ORDER BY " : " ORDER BY ") + orders;
        }
        const auto bound = [&](plan::FrameBound::Kind kind,
                               const plan::TypedExprPtr& value) -> Result<std::string> {
            using Kind = plan::FrameBound::Kind;
            switch (kind) {
                case Kind::kUnboundedPreceding: return std::string("UNBOUNDED PRECEDING");
                case Kind::kUnboundedFollowing: return std::string("UNBOUNDED FOLLOWING");
                case Kind::kCurrentRow: return std::string("CURRENT ROW");
                case Kind::kValue: break;
            }
            // DuckDB wants distances without sign; Spark's negative ones precede.
            const auto* constant = value->as<plan::Literal>();
            const auto* number =
                constant == nullptr ? nullptr : std::get_if<std::int64_t>(&constant->value);
            if (number != nullptr && *number < 0) {
                plan::Literal positive = *constant;
                positive.value = -*number;
                MR_TRY(const std::string text, literal(positive));
                return text + " PRECEDING";
            }
            MR_TRY(const std::string text, expression(*value));
            return text + " FOLLOWING";
        };
        // Functions of rank take no frame.
        const auto* ranking = function.call->as<plan::FunctionCall>();
        const bool framed =
            function.frame.kind != plan::FrameKind::kUndefined &&
            (ranking == nullptr || ranking->name == "nth_value") &&
            !(function.order_by.empty() &&
              function.frame.lower_kind == plan::FrameBound::Kind::kUnboundedPreceding &&
              function.frame.upper_kind == plan::FrameBound::Kind::kUnboundedFollowing);
        if (framed) {
            MR_TRY(const std::string lower, bound(function.frame.lower_kind, function.frame.lower));
            MR_TRY(const std::string upper, bound(function.frame.upper_kind, function.frame.upper));
            over += fmt::format("{}{} BETWEEN {} AND {}", over.empty() ? "" : " ",
                                function.frame.kind == plan::FrameKind::kRows ? "ROWS" : "RANGE",
                                lower, upper);
        }
        over = fmt::format(" OVER ({})", over);
        std::string value;
        if (const auto* call = function.call->as<plan::AggregateCall>()) {
            MR_TRY(value, aggregate_call(*call, function.call->type, over));
        } else if (ranking != nullptr) {
            plan::AggregateCall as_aggregate{.name = ranking->name, .args = ranking->args};
            MR_TRY(value, aggregate_call(as_aggregate, function.call->type, over));
        } else {
            return fail(Code::kInternal, "no window function: {}", plan::to_text(*function.call));
        }
        columns += fmt::format(", {} AS {}", value, column_name(function.output.id));
    }
    return fmt::format("SELECT *{} FROM ({})", columns, input);
}

Result<std::string> Lowering::time_window(const plan::TimeWindowNode& node) {
    if (node.duration_us <= 0 || node.slide_us <= 0) {
        return fail(Code::kInvalidArgument, "a time window needs a positive duration and slide");
    }
    MR_TRY(const std::string input, input_of(node.input));
    MR_TRY(const std::string time, expression(*node.time));
    const std::string name = column_name(node.window.id);
    MR_TRY(const std::string windows,
           functions_.time_window(node.time->type.is(TypeKind::kTimestampNtz), node.duration_us,
                                  node.slide_us, node.start_us));
    if (node.slide_us == node.duration_us) {
        return fmt::format("SELECT *, {}({}) AS {} FROM ({}) WHERE ({}) IS NOT NULL", windows, time,
                           name, input, time);
    }
    return fmt::format("SELECT *, UNNEST({}({})) AS {} FROM ({})", windows, time, name, input);
}

Result<std::string> Lowering::session_window(const plan::SessionWindowNode& node) {
    // Sessions are those of the rows that the aggregation above puts into one group.
    const std::vector<std::string> groups = std::exchange(session_groups_, {});
    MR_TRY(const std::string input, input_of(node.input));
    MR_TRY(const std::string time, expression(*node.time));
    MR_TRY(const std::string gap, expression(*node.gap));
    std::string keys;
    std::string names;
    for (const std::string& group : groups) {
        const std::string name = fresh("g");
        keys += fmt::format(", {} AS {}", group, name);
        names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
    }
    const std::string start = fresh("s");
    const std::string end = fresh("e");
    const std::string begins = fresh("b");
    const std::string session = fresh("n");
    const std::string partition = names.empty() ? "" : fmt::format("PARTITION BY {} ", names);
    // A row begins a session when it lies behind the end of all that came before it.
    return fmt::format(
        "SELECT *, struct_pack(f0 := min({0}) OVER {1}, f1 := max({2}) OVER {1}) AS {3} FROM ("
        "SELECT *, sum({4}) OVER ({5}ORDER BY {0} ROWS UNBOUNDED PRECEDING) AS {6} FROM ("
        "SELECT *, CASE WHEN {0} > max({2}) OVER ({5}ORDER BY {0} ROWS BETWEEN UNBOUNDED PRECEDING "
        "AND 1 PRECEDING) THEN 1 ELSE 0 END AS {4} FROM ("
        "SELECT *{7}, {8} AS {0}, {8} + {9} AS {2} FROM ({10}) WHERE ({8}) IS NOT NULL)"
        " WHERE {2} > {0}))",
        start, fmt::format("(PARTITION BY {}{}{})", names, names.empty() ? "" : ", ", session), end,
        column_name(node.window.id), begins, partition, session, keys, time, gap, input);
}

}  // namespace millrace::columnar
