#include "streaming/incremental_plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"
#include "sql/errors.h"
#include "sql/function_table.h"
#include "sql/typed.h"
#include "streaming/aggregate_operator.h"
#include "streaming/deduplicate_operator.h"
#include "streaming/limit_operator.h"
#include "streaming/plan_join_internal.h"
#include "streaming/session_operator.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using plan::AggregateNode;
using plan::Attribute;
using plan::AttributeId;
using plan::AttributeRef;
using plan::LogicalNode;
using plan::LogicalPtr;
using plan::NamedExpr;
using plan::ScanNode;
using plan::TypedExpr;
using plan::TypedExprPtr;

namespace {

// Ids of what the planner adds; the analyzer counts from below.
constexpr AttributeId kFirstOwnAttribute = AttributeId{1} << 62;
constexpr std::int64_t kFirstOwnScan = std::int64_t{1} << 40;

std::unexpected<base::Error> unsupported(std::string_view what) {
    base::Condition condition{.name = "_LEGACY_ERROR_TEMP_3102"};
    condition.parameters = {{"msg", std::string(what)}};
    return fail(base::Error(Code::kAnalysis, std::string(what), std::move(condition)));
}

TypedExprPtr reference(const Attribute& attribute) {
    return std::make_shared<const TypedExpr>(TypedExpr{
        AttributeRef{attribute.id}, attribute.type, attribute.nullable, {}, attribute.name});
}

std::vector<plan::Field> fields_of(const std::vector<Attribute>& attributes) {
    std::vector<plan::Field> fields;
    for (const Attribute& attribute : attributes) {
        fields.push_back(
            {attribute.name, attribute.type, attribute.nullable, attribute.metadata_json});
    }
    return fields;
}

bool refers_to(const TypedExpr& expression, AttributeId id) {
    const auto any = [id](const std::vector<TypedExprPtr>& list) {
        return std::ranges::any_of(list, [id](const auto& e) { return e && refers_to(*e, id); });
    };
    if (const auto* ref = expression.as<AttributeRef>()) return ref->id == id;
    if (const auto* call = expression.as<plan::FunctionCall>()) return any(call->args);
    if (const auto* call = expression.as<plan::AggregateCall>()) {
        return any(call->args) || (call->filter && refers_to(*call->filter, id)) ||
               std::ranges::any_of(call->order_by,
                                   [id](const auto& o) { return refers_to(*o.first, id); });
    }
    if (const auto* cast = expression.as<plan::TypedCast>()) return refers_to(*cast->child, id);
    if (const auto* get = expression.as<plan::GetField>()) return refers_to(*get->child, id);
    if (const auto* choice = expression.as<plan::CaseWhen>()) {
        return std::ranges::any_of(choice->branches,
                                   [id](const auto& branch) {
                                       return refers_to(*branch.first, id) ||
                                              refers_to(*branch.second, id);
                                   }) ||
               (choice->otherwise && refers_to(*choice->otherwise, id));
    }
    if (const auto* lambda = expression.as<plan::TypedLambda>())
        return refers_to(*lambda->body, id);
    if (const auto* call = expression.as<plan::PythonCall>()) return any(call->args);
    return expression.as<plan::TypedSubquery>() != nullptr;
}

// Does `node` give no rows when its bound scans give none?
bool empty_on_empty(const LogicalNode& node) {
    if (node.as<plan::ProjectNode>() != nullptr && node.as<plan::ProjectNode>()->input == nullptr) {
        return false;
    }
    if (const auto* aggregate = node.as<AggregateNode>()) {
        if (aggregate->keys.empty() || !aggregate->grouping_sets.empty()) return false;
    } else if (const auto* join = node.as<plan::JoinNode>()) {
        // A stream joined with static rows: both sides must be able to empty it.
        if (join->type != plan::JoinType::kInner && join->type != plan::JoinType::kCross)
            return false;
        return empty_on_empty(*join->left) || empty_on_empty(*join->right);
    } else if (const auto* scan = node.as<ScanNode>()) {
        return scan->is_streaming;
    } else if (node.as<plan::LocalDataNode>() != nullptr || node.as<plan::RangeNode>() != nullptr) {
        return false;
    }
    const auto inputs = plan::inputs_of(node);
    return !inputs.empty() && std::ranges::all_of(inputs, [](const LogicalPtr& input) {
        return empty_on_empty(*input);
    });
}

class Planner {
public:
    explicit Planner(OutputMode mode) : mode_(mode) {}

    Result<IncrementalPlan> whole(const LogicalPtr& plan) {
        MR_TRY(LogicalPtr top, cut(plan));
        result_.output = fields_of(plan::output_of(*plan));
        Stage stage;
        stage.kind = Stage::Kind::kOutput;
        stage.inputs.push_back(input_of(std::move(top)));
        result_.stages.push_back(std::move(stage));
        return std::move(result_);
    }

private:
    // `node` with every stateful part below replaced by a scan of its stage.
    Result<LogicalPtr> cut(const LogicalPtr& node) {
        if (const auto* scan = node->as<ScanNode>()) {
            if (scan->is_streaming) {
                result_.sources.push_back(*scan);
            } else if (is_unreadable(*scan)) {
                result_.statics.push_back(*scan);
            }
            return node;
        }
        if (plan::is_streaming(*node)) {
            if (const auto* watermark = node->as<plan::WatermarkNode>()) return cut(*watermark);
            if (const auto* aggregate = node->as<AggregateNode>()) return cut(*aggregate);
            if (const auto* distinct = node->as<plan::DeduplicateNode>()) return cut(*distinct);
            if (const auto* limit = node->as<plan::LogicalLimit>()) return cut(node, *limit);
            if (const auto* join = node->as<plan::JoinNode>(); join != nullptr &&
                                                               plan::is_streaming(*join->left) &&
                                                               plan::is_streaming(*join->right)) {
                return cut(*join);
            }
        }
        std::vector<LogicalPtr> inputs;
        for (const LogicalPtr& input : plan::inputs_of(*node)) {
            MR_TRY(LogicalPtr part, cut(input));
            inputs.push_back(std::move(part));
        }
        return plan::with_inputs(*node, std::move(inputs));
    }

    static bool is_unreadable(const ScanNode& scan) {
        static const std::set<std::string> files = {"parquet", "csv", "json", "text", "orc"};
        return !files.contains(scan.source.format);
    }

    Attribute fresh(std::string name, plan::DataType type) {
        return {.id = next_attribute_++, .name = std::move(name), .type = std::move(type)};
    }
    // The stage's rows as a scan of later stages.
    LogicalPtr scan_of(Stage& stage, std::vector<Attribute> output) {
        stage.output_scan = next_scan_++;
        ScanNode scan;
        scan.scan_id = stage.output_scan;
        scan.source.format = "stage";
        scan.output = std::move(output);
        scan.is_streaming = true;
        return plan::make_logical(std::move(scan));
    }
    static Stage::Input input_of(LogicalPtr plan) {
        const bool empty = empty_on_empty(*plan);
        return {std::move(plan), empty};
    }
    LogicalPtr add_stage(Stage stage, LogicalPtr input, std::vector<Attribute> output) {
        stage.inputs.push_back(input_of(std::move(input)));
        return add_stage(std::move(stage), std::move(output));
    }
    LogicalPtr add_stage(Stage stage, std::vector<Attribute> output) {
        for (const Stage::Input& input : stage.inputs) {
            stage.watermark_lag_ms = std::max(stage.watermark_lag_ms, lag_of(*input.plan));
        }
        if (stage.stateful != nullptr) {
            stage.kind = Stage::Kind::kStateful;
            stage.operator_id = static_cast<std::int64_t>(result_.operator_names.size());
            result_.operator_names.emplace_back(stage.stateful->name());
        }
        LogicalPtr scan = scan_of(stage, std::move(output));
        if (stage.stateful != nullptr) {
            lags_[stage.output_scan] = stage.watermark_lag_ms + stage.stateful->output_lag_ms();
        }
        result_.stages.push_back(std::move(stage));
        return scan;
    }

    // How far behind the query's watermark rows of the plan may be and yet not be late.
    std::int64_t lag_of(const LogicalNode& node) const {
        std::int64_t lag = 0;
        if (const auto* scan = node.as<ScanNode>()) {
            const auto known = lags_.find(scan->scan_id);
            if (known != lags_.end()) lag = known->second;
        }
        for (const LogicalPtr& input : plan::inputs_of(node)) lag = std::max(lag, lag_of(*input));
        return lag;
    }

    Result<LogicalPtr> cut(const plan::JoinNode& join) {
        MR_TRY(LogicalPtr left, cut(join.left));
        MR_TRY(LogicalPtr right, cut(join.right));
        const std::int64_t scan = next_scan_++;
        MR_TRY(JoinPlan planned, plan_join(join, std::move(left), std::move(right), scan,
                                           [this] { return next_attribute_++; }));
        Stage stage;
        stage.inputs.push_back(input_of(std::move(planned.left)));
        stage.inputs.push_back(input_of(std::move(planned.right)));
        stage.inner = std::move(planned.inner);
        stage.inner_scan = scan;
        stage.stateful = make_join_operator(std::move(planned.spec));
        return add_stage(std::move(stage), join.output);
    }

    Result<LogicalPtr> cut(const plan::WatermarkNode& watermark) {
        MR_TRY(LogicalPtr input, cut(watermark.input));
        Stage stage;
        stage.kind = Stage::Kind::kWatermark;
        stage.delay_ms = watermark.delay_ms;
        const auto columns = plan::output_of(*input);
        const auto column = std::ranges::find(columns, watermark.event_time, &Attribute::id);
        if (column == columns.end()) {
            return fail(Code::kInternal, "the event time of a watermark is not among its columns");
        }
        stage.event_time = static_cast<std::size_t>(column - columns.begin());
        return add_stage(std::move(stage), std::move(input), watermark.output);
    }

    Result<LogicalPtr> cut(const plan::DeduplicateNode& distinct) {
        MR_TRY(LogicalPtr input, cut(distinct.input));
        const auto columns = plan::output_of(*input);
        DeduplicateSpec spec;
        spec.fields = fields_of(columns);
        for (const AttributeId key : distinct.keys) {
            const auto column = std::ranges::find(columns, key, &Attribute::id);
            if (column == columns.end()) {
                return fail(Code::kInternal, "a key of dropDuplicates is not among its columns");
            }
            spec.keys.push_back(static_cast<std::size_t>(column - columns.begin()));
        }
        spec.event_time = event_time_column(columns);
        spec.within_watermark = distinct.within_watermark;
        if (spec.event_time >= 0) {
            spec.delay_us =
                *columns[static_cast<std::size_t>(spec.event_time)].watermark_delay_ms * 1000;
        }
        Stage stage;
        stage.stateful = make_deduplicate_operator(std::move(spec));
        return add_stage(std::move(stage), std::move(input), columns);
    }

    // A limit counts over the whole life of a query, but above an aggregation in complete mode,
    // where each batch gives the result afresh.
    Result<LogicalPtr> cut(const LogicalPtr& node, const plan::LogicalLimit& limit) {
        MR_TRY(LogicalPtr input, cut(limit.input));
        if (mode_ == OutputMode::kComplete) return plan::with_inputs(*node, {std::move(input)});
        if (limit.offset != 0 || limit.from_end) {
            return unsupported("Offset is not supported on streaming DataFrames/Datasets");
        }
        const auto columns = plan::output_of(*input);
        Stage stage;
        stage.stateful = make_limit_operator(fields_of(columns), limit.limit);
        return add_stage(std::move(stage), std::move(input), columns);
    }

    Result<LogicalPtr> cut(const AggregateNode& aggregate) {
        if (!aggregate.grouping_sets.empty()) {
            return unsupported("Grouping Sets is not supported on streaming DataFrames/Datasets");
        }
        AggregateSpec spec;
        AggregateNode partial;
        std::vector<Attribute> stage_output;
        std::vector<NamedExpr> finished;  // The aggregate's own output over the stage's.
        MR_TRY_VOID(plan_keys(aggregate, spec, partial, stage_output, finished));
        for (const NamedExpr& call : aggregate.aggregates) {
            MR_TRY_VOID(plan_aggregate(call, spec, partial, stage_output, finished));
        }
        Stage stage;
        // After the values: panes ask whether any of them looks at the window.
        MR_TRY_VOID(plan_input(aggregate, spec, partial, stage));
        const bool sessions = aggregate.input->as<plan::SessionWindowNode>() != nullptr;
        stage.stateful = sessions ? make_session_operator(std::move(spec))
                                  : make_aggregate_operator(std::move(spec));
        LogicalPtr scan =
            add_stage(std::move(stage), plan::make_logical(std::move(partial)), stage_output);
        return plan::make_logical(plan::ProjectNode{std::move(scan), std::move(finished)});
    }

    Result<void> plan_keys(const AggregateNode& aggregate, AggregateSpec& spec,
                           AggregateNode& partial, std::vector<Attribute>& stage_output,
                           std::vector<NamedExpr>& finished) {
        const auto* window = aggregate.input->as<plan::TimeWindowNode>();
        const auto* session = aggregate.input->as<plan::SessionWindowNode>();
        if (session != nullptr && aggregate.keys.size() == 1) {
            return fail(sql::legacy_error(
                "_LEGACY_ERROR_TEMP_3068",
                "Global aggregation with session window in streaming query is not supported."));
        }
        const AttributeId window_id = window != nullptr    ? window->window.id
                                      : session != nullptr ? session->window.id
                                                           : 0;
        std::vector<Attribute> outputs;
        for (const NamedExpr& key : aggregate.keys) {
            const auto* ref = key.expression->as<AttributeRef>();
            if ((window != nullptr || session != nullptr) && ref != nullptr &&
                ref->id == window_id && spec.window_key < 0) {
                spec.window_key = static_cast<int>(spec.keys.size());
            }
            spec.keys.push_back({key.output.name, key.output.type, key.output.nullable, {}});
            Attribute inner = fresh(key.output.name, key.output.type);
            Attribute outer = fresh(key.output.name, key.output.type);
            partial.keys.push_back({inner, key.expression});
            finished.push_back({key.output, reference(outer)});
            stage_output.push_back(std::move(outer));
            outputs.push_back(key.output);
        }
        spec.event_time_key = event_time_column(outputs);
        if (spec.event_time_key < 0) return {};
        const plan::DataType& type = spec.keys[static_cast<std::size_t>(spec.event_time_key)].type;
        const bool is_window = type.is(plan::TypeKind::kStruct);
        if (is_window && spec.event_time_key != spec.window_key) {
            // A window that was made further below: its two times are as good a key as ours.
            spec.window_key = spec.event_time_key;
        }
        if (!is_window && !type.is(plan::TypeKind::kTimestamp) &&
            !type.is(plan::TypeKind::kTimestampNtz)) {
            return fail(Code::kUnsupported, "event time of type {}", type.simple_string());
        }
        return {};
    }

    // The aggregate's partials below, its state columns, and the expression above that finishes it.
    Result<void> plan_aggregate(const NamedExpr& named, AggregateSpec& spec, AggregateNode& partial,
                                std::vector<Attribute>& stage_output,
                                std::vector<NamedExpr>& finished) {
        const auto* call = named.expression->as<plan::AggregateCall>();
        if (call == nullptr) return fail(Code::kInternal, "an aggregate without an aggregate call");
        if (call->distinct) {
            return unsupported(
                "Distinct aggregations are not supported on streaming DataFrames/Datasets. "
                "Consider "
                "using approx_count_distinct() instead.");
        }
        const sql::FunctionRow* row = sql::function_by_id(call->name);
        const sql::MergeRule* rule = row == nullptr ? nullptr : sql::merge_rule(*row);
        if (rule == nullptr) {
            return unsupported(
                fmt::format("{} is not supported on streaming DataFrames/Datasets", call->name));
        }
        plan::FunctionCall finish;
        for (const sql::MergeRule::Column& column : rule->state) {
            plan::AggregateCall part = *call;
            plan::DataType type = named.expression->type;
            if (!column.partial.empty()) part.name = column.partial;
            if (!column.arguments.empty()) {
                part.args.clear();
                for (const char digit : column.arguments) {
                    const auto index = static_cast<std::size_t>(digit - '0');
                    MR_CHECK(index < call->args.size());
                    part.args.push_back(call->args[index]);
                }
            }
            if (part.name != call->name || !column.arguments.empty()) {
                std::vector<plan::DataType> types;
                for (const auto& argument : part.args) types.push_back(argument->type);
                const sql::FunctionRow* part_row = sql::function_by_id(part.name);
                if (part_row == nullptr) {
                    return fail(Code::kInternal, "the function table has no row {}", part.name);
                }
                MR_TRY(type, sql::result_type(*part_row, types));
            }
            StateColumn state{std::string(column.name), type, column.combine, call->ignore_nulls,
                              call->mode};
            MR_TRY_VOID(check_mergeable(state));
            spec.values.push_back(std::move(state));
            const Attribute inner = fresh(named.output.name, type);
            const Attribute outer = fresh(named.output.name, type);
            partial.aggregates.push_back(
                {inner, std::make_shared<const TypedExpr>(TypedExpr{
                            std::move(part), type, true, {}, named.expression->sql_text})});
            finish.args.push_back(reference(outer));
            stage_output.push_back(outer);
        }
        TypedExprPtr result = finish.args[0];
        if (!rule->finish.empty()) {
            finish.name = rule->finish;
            finish.mode = call->mode;
            result = std::make_shared<const TypedExpr>(TypedExpr{
                std::move(finish), named.expression->type, true, {}, named.expression->sql_text});
        }
        finished.push_back({named.output, std::move(result)});
        return {};
    }

    // Where the window is only grouped by, rows are put into panes instead of into every window,
    // and the operator spreads the panes' groups over the windows.
    static bool can_use_panes(const AggregateNode& aggregate, const plan::TimeWindowNode& window,
                              const AggregateSpec& spec) {
        if (spec.window_key < 0 || window.duration_us == window.slide_us) return false;
        const auto uses_window = [&](const NamedExpr& named) {
            return refers_to(*named.expression, window.window.id);
        };
        const auto* key = aggregate.keys[static_cast<std::size_t>(spec.window_key)]
                              .expression->as<AttributeRef>();
        return std::ranges::count_if(aggregate.keys, uses_window) == 1 &&
               std::ranges::none_of(aggregate.aggregates, uses_window) && key != nullptr &&
               key->id == window.window.id;
    }

    // What the partial aggregates run over: panes instead of windows, and no stage of its own for a
    // watermark that they can observe.
    Result<void> plan_input(const AggregateNode& aggregate, AggregateSpec& spec,
                            AggregateNode& partial, Stage& stage) {
        const auto* window = aggregate.input->as<plan::TimeWindowNode>();
        const bool panes = window != nullptr && can_use_panes(aggregate, *window, spec);
        const auto* session = aggregate.input->as<plan::SessionWindowNode>();
        const LogicalPtr& below = window != nullptr    ? window->input
                                  : session != nullptr ? session->input
                                                       : aggregate.input;
        const auto* watermark = below->as<plan::WatermarkNode>();
        // In windows that overlap a row would be seen several times.
        const bool once = window == nullptr || panes || window->duration_us == window->slide_us;
        LogicalPtr input;
        if (watermark != nullptr && once && has_timestamp(*watermark)) {
            MR_TRY(input, cut(watermark->input));
            input = renamed(std::move(input), watermark->output);
            observe(*watermark, partial, stage);
        } else {
            MR_TRY(input, cut(below));
        }
        if (window != nullptr) {
            plan::TimeWindowNode node = *window;
            node.input = std::move(input);
            if (panes) {
                spec.panes = {window->duration_us, window->slide_us, window->start_us};
                node.duration_us = node.slide_us = spec.panes->pane_us();
            }
            input = plan::make_logical(std::move(node));
        }
        if (session != nullptr) input = with_sessions(*session, std::move(input));
        partial.input = std::move(input);
        return {};
    }

    // Each row with the session that it makes by itself; those without a time or a gap make none.
    static LogicalPtr with_sessions(const plan::SessionWindowNode& session, LogicalPtr input) {
        const plan::DataType& time = session.time->type;
        const auto name = [](const char* text) {
            return sql::literal_expr(plan::Literal::string(text));
        };
        TypedExprPtr end = sql::function_call("timestamp_add_interval", {session.time, session.gap},
                                              time, true, "");
        plan::ProjectNode project;
        for (const Attribute& column : plan::output_of(*input)) {
            project.columns.push_back({column, reference(column)});
        }
        project.columns.push_back(
            {session.window,
             sql::function_call("named_struct",
                                {name("start"), session.time, name("end"), std::move(end)},
                                session.window.type, false, "")});
        project.input = std::move(input);
        const auto bound = [&](int index) {
            return sql::typed(plan::GetField{reference(session.window), index}, time, true, "");
        };
        return plan::make_logical(plan::LogicalFilter{
            plan::make_logical(std::move(project)),
            sql::function_call(">", {bound(1), bound(0)}, plan::DataType::boolean(), true, "")});
    }

    static bool has_timestamp(const plan::WatermarkNode& watermark) {
        const auto column =
            std::ranges::find(watermark.output, watermark.event_time, &Attribute::id);
        return column != watermark.output.end() && column->type.is(plan::TypeKind::kTimestamp);
    }

    // `node` with its columns under the ids of `output`.
    static LogicalPtr renamed(LogicalPtr node, const std::vector<Attribute>& output) {
        const auto columns = plan::output_of(*node);
        plan::ProjectNode project;
        bool same = true;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            same = same && columns[i].id == output[i].id;
            project.columns.push_back({output[i], reference(columns[i])});
        }
        if (same) return node;
        project.input = std::move(node);
        return plan::make_logical(std::move(project));
    }

    // Adds the columns of Stage::observed.
    void observe(const plan::WatermarkNode& watermark, AggregateNode& partial, Stage& stage) {
        stage.observed = partial.keys.size() + partial.aggregates.size();
        stage.delay_ms = watermark.delay_ms;
        const Attribute& time =
            *std::ranges::find(watermark.output, watermark.event_time, &Attribute::id);
        const auto add = [&](std::string name, TypedExprPtr argument, plan::DataType type) {
            plan::AggregateCall call;
            call.name = std::move(name);
            call.args = {std::move(argument)};
            partial.aggregates.push_back(
                {fresh("observed", type), std::make_shared<const TypedExpr>(
                                              TypedExpr{std::move(call), type, true, {}, {}})});
        };
        plan::FunctionCall micros;
        micros.name = "unix_micros";
        micros.args = {reference(time)};
        add("max", reference(time), plan::DataType::timestamp());
        add("min", reference(time), plan::DataType::timestamp());
        add("count", reference(time), plan::DataType::long_());
        add("sum_double",
            std::make_shared<const TypedExpr>(
                TypedExpr{std::move(micros), plan::DataType::long_(), true, {}, {}}),
            plan::DataType::double_());
    }

    const OutputMode mode_;
    IncrementalPlan result_;
    AttributeId next_attribute_ = kFirstOwnAttribute;
    std::int64_t next_scan_ = kFirstOwnScan;
    std::map<std::int64_t, std::int64_t> lags_;  // By the scan of a stage.
};

}  // namespace

int event_time_column(const std::vector<Attribute>& columns) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i].watermark_delay_ms) return static_cast<int>(i);
    }
    return -1;
}

Result<IncrementalPlan> make_incremental_plan(const LogicalPtr& plan, OutputMode mode) {
    return Planner(mode).whole(plan);
}

}  // namespace millrace::streaming
