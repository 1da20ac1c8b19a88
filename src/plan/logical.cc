#include "plan/logical.h"

#include "base/check.h"

namespace millrace::plan {

namespace {

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};

void append_outputs(const std::vector<NamedExpr>& from, std::vector<Attribute>& into) {
    for (const NamedExpr& named : from) into.push_back(named.output);
}

// Of an input that may be absent: a query without FROM has one row and no columns.
std::vector<Attribute> columns_of(const LogicalPtr& input) {
    return input == nullptr ? std::vector<Attribute>{} : output_of(*input);
}

}  // namespace

std::vector<Attribute> output_of(const LogicalNode& node) {
    std::vector<Attribute> result;
    std::visit(
        Overloaded{
            [&](const ScanNode& scan) { result = scan.output; },
            [&](const LocalDataNode& local) { result = local.output; },
            [&](const RangeNode& range) { result = {range.output}; },
            [&](const ProjectNode& project) { append_outputs(project.columns, result); },
            [&](const JoinNode& join) { result = join.output; },
            [&](const SetOpNode& set_op) { result = set_op.output; },
            [&](const WatermarkNode& watermark) { result = watermark.output; },
            [&](const AggregateNode& aggregate) {
                append_outputs(aggregate.keys, result);
                if (aggregate.grouping_id) result.push_back(*aggregate.grouping_id);
                append_outputs(aggregate.aggregates, result);
            },
            [&](const WindowNode& window) {
                result = columns_of(window.input);
                for (const auto& function : window.functions) result.push_back(function.output);
            },
            [&](const TimeWindowNode& window) {
                result = columns_of(window.input);
                result.push_back(window.window);
            },
            [&](const SessionWindowNode& window) {
                result = columns_of(window.input);
                result.push_back(window.window);
            },
            [&](const GenerateNode& generate) {
                result = columns_of(generate.input);
                result.insert(result.end(), generate.output.begin(), generate.output.end());
            },
            [&](const LogicalFilter& filter) { result = columns_of(filter.input); },
            [&](const LogicalSort& sort) { result = columns_of(sort.input); },
            [&](const LogicalLimit& limit) { result = columns_of(limit.input); },
            [&](const DeduplicateNode& deduplicate) { result = columns_of(deduplicate.input); },
            [&](const SampleNode& sample) { result = columns_of(sample.input); },
            [&](const ObserveNode& observe) { result = columns_of(observe.input); },
        },
        node.node);
    return result;
}

std::vector<LogicalPtr> inputs_of(const LogicalNode& node) {
    return std::visit(
        Overloaded{
            [](const ScanNode&) { return std::vector<LogicalPtr>{}; },
            [](const LocalDataNode&) { return std::vector<LogicalPtr>{}; },
            [](const RangeNode&) { return std::vector<LogicalPtr>{}; },
            [](const JoinNode& join) { return std::vector<LogicalPtr>{join.left, join.right}; },
            [](const SetOpNode& set_op) { return set_op.inputs; },
            [](const auto& other) {
                return other.input ? std::vector<LogicalPtr>{other.input}
                                   : std::vector<LogicalPtr>{};
            },
        },
        node.node);
}

LogicalPtr with_inputs(const LogicalNode& node, std::vector<LogicalPtr> inputs) {
    MR_CHECK(inputs.size() == inputs_of(node).size());
    LogicalNode copy = node;
    std::visit(Overloaded{
                   [](ScanNode&) {},
                   [](LocalDataNode&) {},
                   [](RangeNode&) {},
                   [&](JoinNode& join) {
                       join.left = std::move(inputs[0]);
                       join.right = std::move(inputs[1]);
                   },
                   [&](SetOpNode& set_op) { set_op.inputs = std::move(inputs); },
                   [&](auto& other) {
                       if (!inputs.empty()) other.input = std::move(inputs[0]);
                   },
               },
               copy.node);
    return std::make_shared<const LogicalNode>(std::move(copy));
}

bool is_streaming(const LogicalNode& node) {
    if (const auto* scan = node.as<ScanNode>()) return scan->is_streaming;
    for (const LogicalPtr& input : inputs_of(node)) {
        if (is_streaming(*input)) return true;
    }
    return false;
}

DataType schema_of(const LogicalNode& node) {
    std::vector<Field> fields;
    for (Attribute& attribute : output_of(node)) {
        fields.push_back({std::move(attribute.name), std::move(attribute.type), attribute.nullable,
                          std::move(attribute.metadata_json)});
    }
    return DataType::structure(std::move(fields));
}

}  // namespace millrace::plan
