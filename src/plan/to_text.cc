// Plans as text: "Filter (a#1 > 2)" and so on, one node a line, children indented.

#include <fmt/ranges.h>

#include "plan/logical.h"

namespace millrace::plan {

namespace {

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};

std::string name_of(const Attribute& attribute) {
    return fmt::format(
        "{}#{}{}", attribute.name, attribute.id,
        attribute.watermark_delay_ms ? fmt::format("-T{}ms", *attribute.watermark_delay_ms) : "");
}

std::string list_of(const std::vector<Attribute>& attributes) {
    std::vector<std::string> names;
    for (const Attribute& attribute : attributes) names.push_back(name_of(attribute));
    return fmt::format("[{}]", fmt::join(names, ", "));
}

std::string list_of(const std::vector<NamedExpr>& columns) {
    std::vector<std::string> texts;
    for (const NamedExpr& column : columns) {
        const auto* reference = column.expression->as<AttributeRef>();
        if (reference != nullptr && reference->id == column.output.id) {
            texts.push_back(name_of(column.output));
        } else {
            texts.push_back(
                fmt::format("{} AS {}", to_text(*column.expression), name_of(column.output)));
        }
    }
    return fmt::format("[{}]", fmt::join(texts, ", "));
}

std::string list_of(const std::vector<TypedExprPtr>& expressions) {
    std::vector<std::string> texts;
    for (const TypedExprPtr& expression : expressions) texts.push_back(to_text(*expression));
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::string list_of(const std::vector<TypedOrder>& orders) {
    std::vector<std::string> texts;
    for (const TypedOrder& order : orders) {
        texts.push_back(fmt::format("{} {} NULLS {}", to_text(*order.expression),
                                    order.ascending ? "ASC" : "DESC",
                                    order.nulls_first ? "FIRST" : "LAST"));
    }
    return fmt::format("[{}]", fmt::join(texts, ", "));
}

std::string_view join_name(JoinType type) {
    switch (type) {
        case JoinType::kInner: return "Inner";
        case JoinType::kFullOuter: return "FullOuter";
        case JoinType::kLeftOuter: return "LeftOuter";
        case JoinType::kRightOuter: return "RightOuter";
        case JoinType::kLeftAnti: return "LeftAnti";
        case JoinType::kLeftSemi: return "LeftSemi";
        case JoinType::kCross: return "Cross";
    }
    return "";
}

std::string head_of(const LogicalNode& node) {
    return std::visit(
        Overloaded{
            [](const ScanNode& scan) {
                const std::string what = scan.table.empty()
                                             ? scan.source.format
                                             : fmt::format("{}", fmt::join(scan.table, "."));
                return fmt::format("{} {} {}", scan.is_streaming ? "StreamingRelation" : "Relation",
                                   what, list_of(scan.output));
            },
            [](const LocalDataNode& local) { return "LocalRelation " + list_of(local.output); },
            [](const RangeNode& range) {
                return fmt::format("Range ({}, {}, step={}) [{}]", range.start, range.end,
                                   range.step, name_of(range.output));
            },
            [](const ProjectNode& project) { return "Project " + list_of(project.columns); },
            [](const LogicalFilter& filter) {
                return fmt::format("Filter {}", to_text(*filter.condition));
            },
            [](const JoinNode& join) {
                return fmt::format("Join {}{}", join_name(join.type),
                                   join.condition ? ", " + to_text(*join.condition) : "");
            },
            [](const AggregateNode& aggregate) {
                return fmt::format("Aggregate {}, {}{}", list_of(aggregate.keys),
                                   list_of(aggregate.aggregates),
                                   aggregate.grouping_sets.empty()
                                       ? ""
                                       : fmt::format(", sets {}", aggregate.grouping_sets));
            },
            [](const WindowNode& window) {
                std::vector<std::string> texts;
                for (const auto& function : window.functions) {
                    texts.push_back(
                        fmt::format("{} OVER (PARTITION BY {} ORDER BY {}) AS {}",
                                    to_text(*function.call), list_of(function.partition_by),
                                    list_of(function.order_by), name_of(function.output)));
                }
                return fmt::format("Window [{}]", fmt::join(texts, ", "));
            },
            [](const TimeWindowNode& window) {
                return fmt::format("TimeWindow {}, {} us, slide {} us, start {} us AS {}",
                                   to_text(*window.time), window.duration_us, window.slide_us,
                                   window.start_us, name_of(window.window));
            },
            [](const SessionWindowNode& window) {
                return fmt::format("SessionWindow {}, {} AS {}", to_text(*window.time),
                                   to_text(*window.gap), name_of(window.window));
            },
            [](const LogicalSort& sort) { return "Sort " + list_of(sort.orders); },
            [](const LogicalLimit& limit) {
                return fmt::format("Limit {}{}{}", limit.limit,
                                   limit.offset != 0 ? fmt::format(" offset {}", limit.offset) : "",
                                   limit.from_end ? " from the end" : "");
            },
            [](const SetOpNode& set_op) {
                const std::string_view name = set_op.type == SetOpType::kUnion       ? "Union"
                                              : set_op.type == SetOpType::kIntersect ? "Intersect"
                                                                                     : "Except";
                return fmt::format("{}{} {}", name, set_op.all ? " All" : "",
                                   list_of(set_op.output));
            },
            [](const DeduplicateNode& deduplicate) {
                return fmt::format("Deduplicate{} {}",
                                   deduplicate.within_watermark ? "WithinWatermark" : "",
                                   deduplicate.keys);
            },
            [](const GenerateNode& generate) {
                return fmt::format("Generate {}{} {}", to_text(*generate.generator),
                                   generate.outer ? " outer" : "", list_of(generate.output));
            },
            [](const WatermarkNode& watermark) {
                return fmt::format("EventTimeWatermark #{}, {} ms", watermark.event_time,
                                   watermark.delay_ms);
            },
            [](const SampleNode& sample) {
                return fmt::format("Sample {}, {}, {}, {}", sample.lower, sample.upper,
                                   sample.with_replacement, sample.seed);
            },
            [](const ObserveNode& observe) {
                return fmt::format("CollectMetrics {}, {}", observe.name, list_of(observe.metrics));
            },
        },
        node.node);
}

void append(const LogicalNode& node, std::size_t depth, std::string& into) {
    if (depth == 0) {
        into += head_of(node) + '\n';
    } else {
        into += std::string((depth - 1) * 3, ' ') + "+- " + head_of(node) + '\n';
    }
    for (const LogicalPtr& input : inputs_of(node)) append(*input, depth + 1, into);
}

std::string literal_text(const Literal& literal) {
    return std::visit(
        Overloaded{
            [](std::monostate) { return std::string("null"); },
            [](bool value) { return std::string(value ? "true" : "false"); },
            [](std::int64_t value) { return fmt::format("{}", value); },
            [](double value) { return fmt::format("{}", value); },
            [&](const DecimalValue& value) {
                const auto unscaled = static_cast<__int128>(
                    (static_cast<unsigned __int128>(static_cast<std::uint64_t>(value.high)) << 64) |
                    value.low);
                return fmt::format("{}e-{}", unscaled, literal.type.scale());
            },
            [](const std::string& value) { return value; },
            [](const IntervalValue& value) {
                return fmt::format("{} months {} days {} us", value.months, value.days,
                                   value.microseconds);
            },
            [](const std::vector<Literal>& values) {
                std::vector<std::string> texts;
                for (const Literal& value : values) texts.push_back(literal_text(value));
                return fmt::format("[{}]", fmt::join(texts, ", "));
            },
        },
        literal.value);
}

}  // namespace

std::string to_text(const LogicalNode& node) {
    std::string result;
    append(node, 0, result);
    return result;
}

std::string to_text(const TypedExpr& expression) {
    return std::visit(
        Overloaded{
            [](const Literal& literal) { return literal_text(literal); },
            [](const AttributeRef& reference) { return fmt::format("#{}", reference.id); },
            [](const FunctionCall& function) {
                return fmt::format("{}({})", function.name, list_of(function.args));
            },
            [](const AggregateCall& function) {
                return fmt::format("{}({}{}){}", function.name,
                                   function.distinct ? "distinct " : "", list_of(function.args),
                                   function.filter ? " filter " + to_text(*function.filter) : "");
            },
            [&](const TypedCast& cast) {
                return fmt::format("cast({} as {})", to_text(*cast.child),
                                   expression.type.simple_string());
            },
            [](const CaseWhen& branches) {
                std::string result = "CASE";
                for (const auto& [condition, value] : branches.branches) {
                    result += fmt::format(" WHEN {} THEN {}", to_text(*condition), to_text(*value));
                }
                if (branches.otherwise) result += " ELSE " + to_text(*branches.otherwise);
                return result + " END";
            },
            [](const GetField& get) {
                return fmt::format("{}.{}", to_text(*get.child), get.index);
            },
            [](const TypedLambda& lambda) {
                return fmt::format("lambda {} -> {}", list_of(lambda.parameters),
                                   to_text(*lambda.body));
            },
            [](const TypedSubquery& subquery) {
                return fmt::format("subquery({})", head_of(*subquery.plan));
            },
            [](const PythonCall& call) {
                return fmt::format("{}({})", call.function->name, list_of(call.args));
            },
        },
        expression.node);
}

}  // namespace millrace::plan
