#include <algorithm>
#include <optional>
#include <utility>

#include "columnar/files_internal.h"
#include "columnar/lowering_internal.h"

namespace millrace::columnar {

using plan::Attribute;
using plan::DataType;
using plan::LogicalNode;
using plan::NamedExpr;
using plan::TypeKind;

namespace {

// Deeper plans would exhaust the stack of DuckDB's parser and binder.
constexpr int kDeepestPlan = 400;

class Deeper {
public:
    explicit Deeper(int& depth) : depth_(depth) { ++depth_; }
    ~Deeper() { --depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

private:
    int& depth_;
};

// Before anything walks a plan by recursion.
bool is_deeper_than(const LogicalNode& node, int levels) {
    if (levels == 0) return true;
    return std::ranges::any_of(plan::inputs_of(node), [levels](const plan::LogicalPtr& input) {
        return input != nullptr && is_deeper_than(*input, levels - 1);
    });
}

std::string column_list(const std::vector<Attribute>& attributes) {
    if (attributes.empty()) return "0 AS no_column";
    std::string list;
    for (const Attribute& attribute : attributes) {
        if (!list.empty()) list += ", ";
        list += column_name(attribute.id);
    }
    return list;
}

}  // namespace

std::string column_name(plan::AttributeId id) {
    return fmt::format("c{}", id);
}

Result<std::string> Lowering::query(const LogicalNode& plan) {
    if (is_deeper_than(plan, kDeepestPlan)) {
        return fail(Code::kTooLarge, "the plan is nested more than {} operators deep",
                    kDeepestPlan);
    }
    live_ = LiveFields::of(plan);
    return node(plan);
}

Result<std::string> Lowering::node(const LogicalNode& plan) {
    auto text = any_node(plan);
    // Other operators may keep rows in memory of their own and let go of it.
    const bool passes_on =
        plan.as<plan::ScanNode>() != nullptr || plan.as<plan::ProjectNode>() != nullptr ||
        plan.as<plan::LogicalFilter>() != nullptr || plan.as<plan::WatermarkNode>() != nullptr;
    if (!passes_on) scanned_.clear();
    return text;
}

Result<std::string> Lowering::any_node(const LogicalNode& plan) {
    const Deeper deeper(depth_);
    const Hoisting none(hoisted_, nullptr);
    if (depth_ > kDeepestPlan) {
        return fail(Code::kTooLarge, "the plan is nested more than {} operators deep",
                    kDeepestPlan);
    }
    if (const auto* scan_node = plan.as<plan::ScanNode>()) return scan(*scan_node);
    if (const auto* local = plan.as<plan::LocalDataNode>()) return local_data(*local);
    if (const auto* range = plan.as<plan::RangeNode>()) {
        return fmt::format(
            "SELECT range AS {} FROM range(CAST({} AS BIGINT), CAST({} AS BIGINT), "
            "CAST({} AS BIGINT))",
            column_name(range->output.id), range->start, range->end, range->step);
    }
    if (const auto* projection = plan.as<plan::ProjectNode>()) return project(*projection);
    if (const auto* filter = plan.as<plan::LogicalFilter>()) {
        MR_TRY(const std::string input, input_of(filter->input));
        Hoisted hoisted;
        const Hoisting hoisting(hoisted_, &hoisted);
        MR_TRY(const std::string condition, expression(*filter->condition));
        return fmt::format("SELECT {} FROM ({}) WHERE {}",
                           hoisted.columns.empty() ? "*" : column_list(plan::output_of(plan)),
                           with_hoisted(input, hoisted), condition);
    }
    if (const auto* join_node = plan.as<plan::JoinNode>()) return join(*join_node);
    if (const auto* grouped = plan.as<plan::AggregateNode>()) return aggregate(*grouped);
    if (const auto* windows = plan.as<plan::WindowNode>()) return window(*windows);
    if (const auto* times = plan.as<plan::TimeWindowNode>()) return time_window(*times);
    if (const auto* sessions = plan.as<plan::SessionWindowNode>()) return session_window(*sessions);
    if (const auto* sorted = plan.as<plan::LogicalSort>()) return sort(*sorted);
    if (const auto* limited = plan.as<plan::LogicalLimit>()) return limit(*limited);
    if (const auto* sets = plan.as<plan::SetOpNode>()) return set_operation(*sets);
    if (const auto* distinct = plan.as<plan::DeduplicateNode>()) return deduplicate(*distinct);
    if (const auto* generator = plan.as<plan::GenerateNode>()) return generate(*generator);
    if (const auto* watermark = plan.as<plan::WatermarkNode>()) return input_of(watermark->input);
    if (const auto* sampled = plan.as<plan::SampleNode>()) return sample(*sampled);
    if (const auto* observed = plan.as<plan::ObserveNode>()) return input_of(observed->input);
    return fail(Code::kInternal, "no lowering for {}", plan::to_text(plan));
}

// Null stands for one row without columns: SELECT without FROM.
Result<std::string> Lowering::input_of(const plan::LogicalPtr& input) {
    if (input == nullptr) return std::string("SELECT 0 AS no_column");
    return node(*input);
}

Result<std::string> Lowering::scan(const plan::ScanNode& node) {
    if (inputs_ != nullptr && !inputs_->contains(node.scan_id) &&
        is_file_format(node.source.format)) {
        return file_scan(node);
    }
    std::vector<std::string> names;
    std::vector<DataType> types;
    for (const Attribute& attribute : node.output) {
        names.push_back(column_name(attribute.id));
        types.push_back(attribute.type);
        scanned_.insert(attribute.id);
    }
    const auto slot = registry_.add(std::move(names), std::move(types));
    if (inputs_ != nullptr) {
        const auto found = inputs_->find(node.scan_id);
        if (found != inputs_->end()) slot->expected_rows = total_rows(found->second);
    }
    slot->source = std::make_shared<plan::ScanNode>(node);
    scans_.emplace(node.scan_id, slot);
    return fmt::format("SELECT {} FROM mr_scan({})", column_list(node.output), slot->id);
}

Result<std::string> Lowering::local_data(const plan::LocalDataNode& node) {
    if (node.arrow_ipc.empty() && node.rows.empty()) {
        std::string columns;
        for (const Attribute& attribute : node.output) {
            columns += fmt::format("{}CAST(NULL AS {}) AS {}", columns.empty() ? "" : ", ",
                                   duck_type_name(attribute.type), column_name(attribute.id));
        }
        return fmt::format("SELECT {} WHERE false", columns.empty() ? "0 AS no_column" : columns);
    }
    if (!node.arrow_ipc.empty()) {
        MR_TRY(const auto fields, schema_from_ipc(node.arrow_ipc));
        if (fields.size() != node.output.size()) {
            return fail(Code::kInvalidArgument, "local data has {} columns, its schema {}",
                        fields.size(), node.output.size());
        }
        std::vector<std::string> names;
        std::vector<DataType> types;
        for (std::size_t i = 0; i < fields.size(); ++i) {
            names.push_back(fmt::format("d{}", i));
            types.push_back(fields[i].type);
        }
        const auto slot = registry_.add(names, types);
        MR_TRY(slot->batches, from_ipc(node.arrow_ipc));
        slot->expected_rows = total_rows(slot->batches);
        constants_.push_back(slot);
        std::string columns;
        for (std::size_t i = 0; i < fields.size(); ++i) {
            MR_TRY(const std::string value,
                   cast(names[i], types[i], node.output[i].type, plan::EvalMode::kAnsi, "UTC"));
            columns += fmt::format("{}{} AS {}", i == 0 ? "" : ", ", value,
                                   column_name(node.output[i].id));
        }
        return fmt::format("SELECT {} FROM mr_scan({})",
                           columns.empty() ? "0 AS no_column" : columns, slot->id);
    }
    std::string rows;
    for (const auto& row : node.rows) {
        rows += rows.empty() ? "(" : ", (";
        for (std::size_t i = 0; i < row.size(); ++i) {
            MR_TRY(const std::string value, expression(*row[i]));
            rows += fmt::format("{}CAST({} AS {})", i == 0 ? "" : ", ", value,
                                duck_type_name(node.output[i].type));
        }
        if (row.empty()) rows += "0";
        rows += ")";
    }
    std::string columns;
    for (const Attribute& attribute : node.output) {
        columns += (columns.empty() ? "" : ", ") + column_name(attribute.id);
    }
    return fmt::format("SELECT * FROM (VALUES {}) AS {}({})", rows, fresh("v"),
                       columns.empty() ? "no_column" : columns);
}

Result<std::string> Lowering::project(const plan::ProjectNode& node) {
    MR_TRY(const std::string input, input_of(node.input));
    std::string columns;
    Hoisted hoisted;
    const Hoisting hoisting(hoisted_, node.input == nullptr ? nullptr : &hoisted);
    for (const NamedExpr& column : node.columns) {
        const auto* call = column.expression->as<plan::FunctionCall>();
        const int before = costly_calls_;
        std::string value;
        if (call != nullptr && call->name == "from_json" && !call->args.empty()) {
            MR_TRY(value,
                   from_json(*call, column.expression->type, live_.fields(column.output.id)));
        } else {
            MR_TRY(value, expression(*column.expression));
        }
        if (costly_calls_ != before && node.input != nullptr) {
            MR_TRY(const std::string once, functions_.once(column.expression->type));
            value = fmt::format("{}({})", once, value);
        }
        const std::string name = column_name(column.output.id);
        columns += columns.empty() ? "" : ", ";
        columns += value == name ? name : fmt::format("{} AS {}", value, name);
    }
    if (columns.empty()) columns = "0 AS no_column";
    if (node.input == nullptr) return "SELECT " + columns;
    return fmt::format("SELECT {} FROM ({})", columns, with_hoisted(input, hoisted));
}

Result<std::string> Lowering::join(const plan::JoinNode& node) {
    MR_TRY(const std::string left, input_of(node.left));
    scanned_.clear();  // A lateral right side sees the left through the join.
    MR_TRY(const std::string right, input_of(node.right));
    std::string condition = "true";
    if (node.condition != nullptr) {
        MR_TRY(condition, expression(*node.condition));
    }
    const std::string a = fresh("l");
    const std::string b = fresh("r");
    const char* lateral = node.lateral ? "LATERAL " : "";
    const std::string columns = column_list(node.output);
    switch (node.type) {
        case plan::JoinType::kLeftSemi:
            return fmt::format(
                "SELECT {} FROM ({}) AS {} WHERE EXISTS (SELECT 1 FROM ({}) AS {} WHERE {})",
                columns, left, a, right, b, condition);
        case plan::JoinType::kLeftAnti:
            return fmt::format(
                "SELECT {} FROM ({}) AS {} WHERE NOT EXISTS (SELECT 1 FROM ({}) AS {} WHERE {})",
                columns, left, a, right, b, condition);
        case plan::JoinType::kCross:
        case plan::JoinType::kInner:
            if (node.condition == nullptr) {
                return fmt::format("SELECT {} FROM ({}) AS {} CROSS JOIN {}({}) AS {}", columns,
                                   left, a, lateral, right, b);
            }
            return fmt::format("SELECT {} FROM ({}) AS {} JOIN {}({}) AS {} ON {}", columns, left,
                               a, lateral, right, b, condition);
        case plan::JoinType::kLeftOuter:
            return fmt::format("SELECT {} FROM ({}) AS {} LEFT JOIN {}({}) AS {} ON {}", columns,
                               left, a, lateral, right, b, condition);
        case plan::JoinType::kRightOuter:
            return fmt::format("SELECT {} FROM ({}) AS {} RIGHT JOIN ({}) AS {} ON {}", columns,
                               left, a, right, b, condition);
        case plan::JoinType::kFullOuter:
            return fmt::format("SELECT {} FROM ({}) AS {} FULL JOIN ({}) AS {} ON {}", columns,
                               left, a, right, b, condition);
    }
    return fail(Code::kInternal, "no lowering for this join");
}

Result<std::string> Lowering::aggregate(const plan::AggregateNode& node) {
    const auto* session =
        node.input == nullptr ? nullptr : node.input->as<plan::SessionWindowNode>();
    if (session != nullptr) {
        const Hoisting none(hoisted_, nullptr);
        for (const NamedExpr& key : node.keys) {
            const auto* column = key.expression->as<plan::AttributeRef>();
            if (column != nullptr && column->id == session->window.id) continue;
            MR_TRY(std::string group, expression(*key.expression));
            session_groups_.push_back(std::move(group));
        }
    }
    MR_TRY(std::string input, input_of(node.input));
    Hoisted hoisted;
    const Hoisting hoisting(hoisted_, &hoisted);
    // Keys are computed below the grouping, so that sets may name them; their names are new because
    // a key that is a plain column keeps that column's id.
    std::string keys;
    std::string columns;
    std::vector<std::string> names;
    for (const NamedExpr& key : node.keys) {
        MR_TRY(const std::string value, expression(*key.expression));
        names.push_back(fresh("k"));
        keys += fmt::format(", {} AS {}", value, names.back());
        columns += fmt::format("{}{} AS {}", columns.empty() ? "" : ", ", names.back(),
                               column_name(key.output.id));
    }
    for (const NamedExpr& aggregated : node.aggregates) {
        const auto* call = aggregated.expression->as<plan::AggregateCall>();
        if (call == nullptr) {
            return fail(Code::kInternal, "an aggregate is no aggregate call: {}",
                        plan::to_text(*aggregated.expression));
        }
        MR_TRY(const std::string value,
               aggregate_call(*call, aggregated.expression->type, std::string()));
        columns += fmt::format("{}{} AS {}", columns.empty() ? "" : ", ", value,
                               column_name(aggregated.output.id));
    }
    const auto key_list = [&](const std::vector<int>& set) {
        std::string list;
        for (const int key : set) {
            list += (list.empty() ? "" : ", ") + names[static_cast<std::size_t>(key)];
        }
        return list;
    };
    std::vector<int> all_keys;
    for (std::size_t i = 0; i < names.size(); ++i) all_keys.push_back(static_cast<int>(i));
    std::string group;
    if (!node.grouping_sets.empty()) {
        std::string sets;
        for (const auto& set : node.grouping_sets) {
            sets += fmt::format("{}({})", sets.empty() ? "" : ", ", key_list(set));
        }
        group = fmt::format(" GROUP BY GROUPING SETS ({})", sets);
        if (node.grouping_id) {
            columns +=
                fmt::format("{}CAST(GROUPING({}) AS BIGINT) AS {}", columns.empty() ? "" : ", ",
                            key_list(all_keys), column_name(node.grouping_id->id));
        }
    } else if (!names.empty()) {
        group = " GROUP BY " + key_list(all_keys);
    }
    if (columns.empty()) columns = "count(*) AS no_column";
    input = with_hoisted(input, hoisted);
    if (keys.empty()) return fmt::format("SELECT {} FROM ({}){}", columns, input, group);
    return fmt::format("SELECT {} FROM (SELECT *{} FROM ({})){}", columns, keys, input, group);
}

Result<std::string> Lowering::order_by(const std::vector<plan::TypedOrder>& orders) {
    std::string list;
    for (const plan::TypedOrder& order : orders) {
        // A constant orders nothing, and as a bare number DuckDB would take it for a column's
        // place.
        if (order.expression->as<plan::Literal>() != nullptr) continue;
        MR_TRY(const std::string value, expression(*order.expression));
        list += fmt::format("{}{} {} NULLS {}", list.empty() ? "" : ", ", value,
                            order.ascending ? "ASC" : "DESC", order.nulls_first ? "FIRST" : "LAST");
    }
    return list;
}

Result<std::string> Lowering::sort(const plan::LogicalSort& node) {
    MR_TRY(const std::string input, input_of(node.input));
    MR_TRY(const std::string orders, order_by(node.orders));
    if (orders.empty()) return fmt::format("SELECT * FROM ({})", input);
    return fmt::format("SELECT * FROM ({}) ORDER BY {}", input, orders);
}

Result<std::string> Lowering::limit(const plan::LogicalLimit& node) {
    if (node.from_end) {
        MR_TRY(const std::string input, input_of(node.input));
        const std::string row = fresh("n");
        const std::string rows = fresh("n");
        return fmt::format(
            "SELECT * EXCLUDE ({}, {}) FROM (SELECT *, row_number() OVER () AS {}, count(*) OVER "
            "() AS "
            "{} FROM ({})) WHERE {} > {} - {} ORDER BY {}",
            row, rows, row, rows, input, row, rows, node.limit, row);
    }
    std::string bounds;
    if (node.limit >= 0) bounds += fmt::format(" LIMIT {}", node.limit);
    if (node.offset > 0) bounds += fmt::format(" OFFSET {}", node.offset);
    // Right above a sort both make one statement, which DuckDB runs as a top-n.
    if (node.input != nullptr && node.input->as<plan::LogicalSort>() != nullptr) {
        MR_TRY(const std::string input, input_of(node.input));
        return input + bounds;
    }
    // Through a projection, the sort is met one step deeper.
    MR_TRY(const std::string input, input_of(node.input));
    return fmt::format("SELECT * FROM ({}){}", input, bounds);
}

Result<std::string> Lowering::set_operation(const plan::SetOpNode& node) {
    const char* word = node.type == plan::SetOpType::kUnion       ? "UNION"
                       : node.type == plan::SetOpType::kIntersect ? "INTERSECT"
                                                                  : "EXCEPT";
    std::string query;
    for (const plan::LogicalPtr& input : node.inputs) {
        MR_TRY(const std::string text, input_of(input));
        const std::vector<Attribute> attributes = plan::output_of(*input);
        if (attributes.size() != node.output.size()) {
            return fail(Code::kInternal, "{} of {} and {} columns", word, attributes.size(),
                        node.output.size());
        }
        std::string columns;
        for (std::size_t i = 0; i < attributes.size(); ++i) {
            columns += fmt::format(
                "{}CAST({} AS {}) AS {}", i == 0 ? "" : ", ", column_name(attributes[i].id),
                duck_type_name(node.output[i].type), column_name(node.output[i].id));
        }
        if (columns.empty()) columns = "0 AS no_column";
        const std::string select = fmt::format("SELECT {} FROM ({})", columns, text);
        if (query.empty()) {
            query = "(" + select + ")";
        } else {
            query = fmt::format("{} {}{} ({})", query, word, node.all ? " ALL" : "", select);
        }
    }
    return fmt::format("SELECT * FROM ({})", query);
}

Result<std::string> Lowering::deduplicate(const plan::DeduplicateNode& node) {
    MR_TRY(const std::string input, input_of(node.input));
    const std::size_t columns = node.input == nullptr ? 0 : plan::output_of(*node.input).size();
    if (node.keys.size() == columns) return fmt::format("SELECT DISTINCT * FROM ({})", input);
    if (node.keys.empty()) return fmt::format("SELECT * FROM ({}) LIMIT 1", input);
    std::string keys;
    for (const plan::AttributeId id : node.keys) {
        keys += (keys.empty() ? "" : ", ") + column_name(id);
    }
    return fmt::format("SELECT DISTINCT ON ({}) * FROM ({})", keys, input);
}

Result<std::string> Lowering::generate(const plan::GenerateNode& node) {
    const auto* call = node.generator->as<plan::FunctionCall>();
    if (call == nullptr || call->args.empty()) {
        return fail(Code::kInternal, "no generator: {}", plan::to_text(*node.generator));
    }
    std::string from;
    std::string columns = "*";
    if (node.input != nullptr) {
        MR_TRY(const std::string input, input_of(node.input));
        from = fmt::format(" FROM ({})", input);
    } else {
        from = " FROM (SELECT 0 AS no_column)";
        columns = "* EXCLUDE (no_column)";
    }
    const std::string input_columns =
        node.input != nullptr ? "* EXCLUDE (mr_e)" : "* EXCLUDE (mr_e, no_column)";
    MR_TRY(const auto args, arguments(call->args));
    const DataType& type = call->args[0]->type;
    const std::string list = args[0];
    const auto output = [&](std::size_t i) { return column_name(node.output[i].id); };
    // A list that is never empty, where rows without elements are to be kept.
    const auto padded = [&](const std::string& value) {
        return node.outer ? fmt::format("CASE WHEN len({0}) > 0 THEN {0} ELSE [NULL] END", value)
                          : value;
    };
    const bool with_position = call->name == "posexplode";
    if (call->name == "explode" || with_position) {
        std::string position;
        if (with_position) {
            const std::string length = fmt::format("len({})", list);
            const std::string range = fmt::format("range(CAST({} AS BIGINT))", length);
            position = fmt::format("CAST(UNNEST({}) AS INTEGER) AS {}, ", padded(range), output(0));
        }
        const std::size_t first = with_position ? 1 : 0;
        if (type.is(TypeKind::kMap)) {
            return fmt::format("SELECT {}, {}UNNEST({}) AS {}, UNNEST({}) AS {}{}", columns,
                               position, padded(fmt::format("map_keys({})", list)), output(first),
                               padded(fmt::format("map_values({})", list)), output(first + 1),
                               from);
        }
        return fmt::format("SELECT {}, {}UNNEST({}) AS {}{}", columns, position, padded(list),
                           output(first), from);
    }
    std::string rows;
    if (call->name == "inline") {
        rows = padded(list);
    } else if (call->name == "stack") {
        const auto* count = call->args[0]->as<plan::Literal>();
        const auto* number = count == nullptr ? nullptr : std::get_if<std::int64_t>(&count->value);
        if (number == nullptr || *number <= 0 || *number > 1'000'000) {
            return fail(Code::kAnalysis, "stack needs a constant, positive number of rows");
        }
        const std::size_t width = node.output.size();
        for (std::int64_t row = 0; row < *number; ++row) {
            rows += rows.empty() ? "[" : ", ";
            rows += "struct_pack(";
            for (std::size_t i = 0; i < width; ++i) {
                const std::size_t at = 1 + static_cast<std::size_t>(row) * width + i;
                rows += fmt::format("{}f{} := CAST({} AS {})", i == 0 ? "" : ", ", i,
                                    at < args.size() ? args[at] : "NULL",
                                    duck_type_name(node.output[i].type));
            }
            rows += ")";
        }
        rows += "]";
    } else if (call->name == "json_tuple") {
        std::string values;
        for (std::size_t i = 0; i < node.output.size() && i + 1 < args.size(); ++i) {
            values += fmt::format(", mr_json_field({}, {}) AS {}", list, args[i + 1], output(i));
        }
        return fmt::format("SELECT {}{}{}", columns, values, from);
    } else {
        return fail(Code::kUnsupported, "the generator {} is not supported", call->name);
    }
    std::string fields;
    for (std::size_t i = 0; i < node.output.size(); ++i) {
        fields += fmt::format(", struct_extract(mr_e, 'f{}') AS {}", i, output(i));
    }
    return fmt::format("SELECT {}{} FROM (SELECT *, UNNEST({}) AS mr_e{})", input_columns, fields,
                       rows, from);
}

Result<std::string> Lowering::sample(const plan::SampleNode& node) {
    MR_TRY(const std::string input, input_of(node.input));
    // Each row draws from a stream that depends on the seed and its place alone, so that a query
    // gives the same rows every time.
    const std::string row = fresh("n");
    const std::string numbered =
        fmt::format("SELECT *, row_number() OVER () AS {} FROM ({})", row, input);
    if (node.with_replacement) {
        return fmt::format(
            "SELECT * EXCLUDE ({0}, mr_i) FROM (SELECT *, UNNEST(range(mr_poisson({0}, "
            "{1}::BIGINT, {2}::DOUBLE))) AS mr_i FROM ({3}))",
            row, node.seed, node.upper - node.lower, numbered);
    }
    return fmt::format(
        "SELECT * EXCLUDE ({0}) FROM ({1}) WHERE mr_draw({0}, {2}::BIGINT) >= {3}::DOUBLE AND "
        "mr_draw({0}, {2}::BIGINT) < {4}::DOUBLE",
        row, numbered, node.seed, node.lower, node.upper);
}

}  // namespace millrace::columnar
