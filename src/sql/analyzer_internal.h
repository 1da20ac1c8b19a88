// The analyzer's class. One Analyzer analyses one plan and is then thrown away.
//
// Relations become Analyzed values: a plan and the columns that names above it may mean. A SELECT
// (project or aggregate, with HAVING and ORDER BY) is first a Block whose expressions may hold
// aggregates, then built into nodes in the normal forms of plan/logical.h (analyze_select.cc).
// Recursion is bounded by kMaxDepth.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sql/analyzer.h"
#include "sql/errors.h"
#include "sql/function_table.h"
#include "sql/signature_internal.h"
#include "sql/type_rules.h"
#include "sql/typed.h"

namespace millrace::sql {

using base::Result;
using plan::EvalMode;
using plan::Expr;
using plan::ExprPtr;
using plan::Literal;
using plan::NamedExpr;
using plan::RelationPtr;

struct Analyzed {
    LogicalPtr plan;
    std::vector<Attribute> columns;
    // Columns that a name with qualifier may still mean: the right side's keys of a USING join.
    std::vector<Attribute> hidden;
    // What df["x"] may mean: the columns of each DataFrame that this plan was made from.
    std::vector<std::pair<std::int64_t, std::vector<Attribute>>> plan_ids;
};

// What a select list asks of the plan below it.
struct Pending {
    struct Generator {
        TypedExprPtr call;
        bool outer = false;
        std::vector<Attribute> output;
    };
    std::vector<plan::WindowNode::Function> windows;
    std::vector<plan::TimeWindowNode> time_windows;  // `input` is filled in when built.
    std::vector<plan::SessionWindowNode> session_windows;
    std::vector<Generator> generators;
};

struct LambdaFrame {
    const std::vector<Attribute>* parameters = nullptr;
    const LambdaFrame* outer = nullptr;
};

// What names mean at one place. Copied freely: it only points.
struct Scope {
    const Analyzed* input = nullptr;
    const Scope* outer = nullptr;                     // The enclosing query's scope.
    const std::vector<NamedExpr>* outputs = nullptr;  // HAVING, ORDER BY: the select list.
    const std::vector<NamedExpr>* earlier = nullptr;  // Select list: items to the left.
    const LambdaFrame* lambdas = nullptr;
    Pending* pending = nullptr;
    bool in_aggregate = false;
    bool in_window = false;
    bool aggregates_allowed = false;
    bool sql = false;  // From SQL text: ordinals and alias references apply.
};

// A SELECT before it is built.
struct Block {
    Analyzed input;
    Pending pending;
    std::vector<NamedExpr> items;
    bool is_aggregate = false;
    std::vector<NamedExpr> keys;
    std::vector<std::vector<int>> grouping_sets;
    TypedExprPtr having;
    std::vector<plan::TypedOrder> orders;
    bool has_orders = false;
};

class Analyzer {
public:
    Analyzer(AnalysisContext& context, AttributeId first_id);
    Result<LogicalPtr> analyze(const RelationPtr& relation);

private:
    static constexpr int kMaxDepth = 1200;
    class Deeper {
    public:
        explicit Deeper(Analyzer& analyzer) : analyzer_(analyzer) { ++analyzer_.depth_; }
        ~Deeper() { --analyzer_.depth_; }
        Deeper(const Deeper&) = delete;
        bool too_deep() const { return analyzer_.depth_ > kMaxDepth; }

    private:
        Analyzer& analyzer_;
    };
    friend class Deeper;
    base::Error too_deep() const;

    // Relations (analyze_relation.cc, analyze_frame.cc).
    Result<Analyzed> relation(const RelationPtr& relation);
    Result<Analyzed> dispatch(const plan::Relation& relation);
    Result<Analyzed> rel(const plan::NamedTableRel& table, const plan::Relation& at);
    Result<Analyzed> rel(const plan::DataSourceRel& source, const plan::Relation& at);
    Result<Analyzed> rel(const plan::ProjectRel& project, const plan::Relation& at);
    Result<Analyzed> rel(const plan::FilterRel& filter, const plan::Relation& at);
    Result<Analyzed> rel(const plan::JoinRel& join, const plan::Relation& at);
    Result<Analyzed> rel(const plan::SetOpRel& set_op, const plan::Relation& at);
    Result<Analyzed> rel(const plan::SortRel& sort, const plan::Relation& at);
    Result<Analyzed> rel(const plan::LimitRel& limit, const plan::Relation& at);
    Result<Analyzed> rel(const plan::OffsetRel& offset, const plan::Relation& at);
    Result<Analyzed> rel(const plan::TailRel& tail, const plan::Relation& at);
    Result<Analyzed> rel(const plan::AggregateRel& aggregate, const plan::Relation& at);
    Result<Analyzed> rel(const plan::SqlRel& sql, const plan::Relation& at);
    Result<Analyzed> rel(const plan::LocalRel& local, const plan::Relation& at);
    Result<Analyzed> rel(const plan::RangeRel& range, const plan::Relation& at);
    Result<Analyzed> rel(const plan::SubqueryAliasRel& alias, const plan::Relation& at);
    Result<Analyzed> rel(const plan::ToDfRel& to_df, const plan::Relation& at);
    Result<Analyzed> rel(const plan::WithColumnsRel& with, const plan::Relation& at);
    Result<Analyzed> rel(const plan::WithColumnsRenamedRel& with, const plan::Relation& at);
    Result<Analyzed> rel(const plan::DropRel& drop, const plan::Relation& at);
    Result<Analyzed> rel(const plan::DeduplicateRel& deduplicate, const plan::Relation& at);
    Result<Analyzed> rel(const plan::WithWatermarkRel& watermark, const plan::Relation& at);
    Result<Analyzed> rel(const plan::ShowStringRel& show, const plan::Relation& at);
    Result<Analyzed> rel(const plan::HtmlStringRel& show, const plan::Relation& at);
    Result<Analyzed> rel(const plan::SampleRel& sample, const plan::Relation& at);
    Result<Analyzed> rel(const plan::RepartitionRel& repartition, const plan::Relation& at);
    Result<Analyzed> rel(const plan::HintRel& hint, const plan::Relation& at);
    Result<Analyzed> rel(const plan::ToSchemaRel& to_schema, const plan::Relation& at);
    Result<Analyzed> rel(const plan::UnpivotRel& unpivot, const plan::Relation& at);
    Result<Analyzed> rel(const plan::NaFillRel& fill, const plan::Relation& at);
    Result<Analyzed> rel(const plan::NaDropRel& drop, const plan::Relation& at);
    Result<Analyzed> rel(const plan::NaReplaceRel& replace, const plan::Relation& at);
    Result<Analyzed> rel(const plan::DescribeRel& describe, const plan::Relation& at);
    Result<Analyzed> rel(const plan::CachedRel& cached, const plan::Relation& at);
    Result<Analyzed> rel(const plan::WithRel& with, const plan::Relation& at);
    Result<Analyzed> rel(const plan::WithReferencesRel& with, const plan::Relation& at);
    Result<Analyzed> rel(const plan::GenerateRel& generate, const plan::Relation& at);
    Result<Analyzed> rel(const plan::ObserveRel& observe, const plan::Relation& at);
    Result<Analyzed> rel(const plan::CatalogRel& catalog, const plan::Relation& at);
    Result<Analyzed> rel(const plan::UnsupportedRel& unsupported, const plan::Relation& at);
    Analyzed over(LogicalPtr plan, Analyzed input) const;  // Same columns, new plan.
    Analyzed leaf(LogicalPtr plan) const;
    Analyzed reuse(const LogicalPtr& plan);
    Result<Analyzed> with_types(Analyzed input, const std::vector<DataType>& types);
    Result<std::int64_t> constant_limit(const ExprPtr& expression, std::string_view name);
    Analyzed projected(Analyzed input, std::vector<NamedExpr> columns);
    Result<const Attribute*> column_named(const Analyzed& input, const std::string& name);
    std::vector<const Attribute*> columns_named(const Analyzed& input, const std::string& name);

    // Select blocks (analyze_select.cc).
    Result<Block> block_of(const plan::Relation& relation);
    Result<Block> project_block(const plan::ProjectRel& project);
    Result<Block> aggregate_block(const plan::AggregateRel& aggregate);
    Result<void> add_having(Block& block, const ExprPtr& condition);
    Result<void> add_orders(Block& block, const std::vector<ExprPtr>& orders);
    Result<Analyzed> build(Block block);
    Result<void> select_items(const std::vector<ExprPtr>& expressions, Scope scope,
                              std::vector<NamedExpr>& items);
    Result<void> select_item(const ExprPtr& expression, const Scope& scope,
                             std::vector<NamedExpr>& items);
    Result<void> generator_item(const Pending::Generator& generator,
                                const std::vector<std::string>& names,
                                std::vector<NamedExpr>& items, const Scope& scope);
    NamedExpr named(TypedExprPtr expression, std::string name, const Analyzed* input,
                    std::string metadata = {});
    TypedExprPtr gap_of_texts(const TypedExprPtr& gap) const;
    // A window that was asked for in this very list, and window_time() of a window, are event times
    // as the column they come from is.
    static void carry_event_time(NamedExpr& column, const Analyzed* input, const Pending* pending);
    std::string auto_name(const Expr& expression, const TypedExprPtr& typed) const;
    Result<std::vector<Attribute>> expand_star(const plan::StarExpr& star, const Scope& scope,
                                               const Expr& at);
    Result<Analyzed> pivot(const plan::AggregateRel& aggregate);
    LogicalPtr with_windows(LogicalPtr plan, const Pending& pending);

    // Expressions (analyze_expression.cc).
    Result<TypedExprPtr> expr(const ExprPtr& expression, const Scope& scope);
    Result<TypedExprPtr> expr_node(const Expr& expression, const Scope& scope);
    Result<TypedExprPtr> node(const Literal& literal, const Expr& at, const Scope& scope);
    Result<TypedExprPtr> node(const plan::AttributeExpr& attribute, const Expr& at,
                              const Scope& scope);
    Result<TypedExprPtr> node(const plan::StarExpr& star, const Expr& at, const Scope& scope);
    Result<TypedExprPtr> node(const plan::RegexExpr& regex, const Expr& at, const Scope& scope);
    Result<TypedExprPtr> node(const plan::FunctionExpr& function, const Expr& at,
                              const Scope& scope);
    Result<TypedExprPtr> node(const plan::AliasExpr& alias, const Expr& at, const Scope& scope);
    Result<TypedExprPtr> node(const plan::CastExpr& cast, const Expr& at, const Scope& scope);
    Result<TypedExprPtr> node(const plan::SortOrderExpr& order, const Expr& at, const Scope& scope);
    Result<TypedExprPtr> node(const plan::WindowExpr& window, const Expr& at, const Scope& scope);
    Result<TypedExprPtr> node(const plan::ExtractValueExpr& extract, const Expr& at,
                              const Scope& scope);
    Result<TypedExprPtr> node(const plan::UpdateFieldsExpr& update, const Expr& at,
                              const Scope& scope);
    Result<TypedExprPtr> node(const plan::LambdaExpr& lambda, const Expr& at, const Scope& scope);
    Result<TypedExprPtr> node(const plan::LambdaVariableExpr& variable, const Expr& at,
                              const Scope& scope);
    Result<TypedExprPtr> node(const plan::TextExpr& text, const Expr& at, const Scope& scope);
    Result<TypedExprPtr> node(const plan::NamedArgumentExpr& named, const Expr& at,
                              const Scope& scope);
    Result<TypedExprPtr> node(const plan::SubqueryExpr& subquery, const Expr& at,
                              const Scope& scope);
    Result<TypedExprPtr> node(const plan::PythonFunctionExpr& function, const Expr& at,
                              const Scope& scope);
    Result<TypedExprPtr> node(const plan::ParameterExpr& parameter, const Expr& at,
                              const Scope& scope);
    Result<plan::TypedOrder> order_of(const ExprPtr& expression, const Scope& scope);
    Result<std::optional<TypedExprPtr>> find_name(const std::vector<std::string>& parts,
                                                  const std::vector<Attribute>& columns,
                                                  const Site& site);
    Result<TypedExprPtr> extract(TypedExprPtr child, TypedExprPtr key, const Site& site);
    Result<TypedExprPtr> by_plan_id(const std::vector<std::string>& parts, std::int64_t plan_id,
                                    const Scope& scope, const Site& site);
    base::Error unresolved(const std::vector<std::string>& parts, const Scope& scope,
                           const Site& site) const;
    bool same_name(std::string_view left, std::string_view right) const;

    // Casts (analyze_cast.cc).
    TypedExprPtr cast_to(TypedExprPtr child, const DataType& type) const;  // Implicit.
    Result<TypedExprPtr> explicit_cast(TypedExprPtr child, const DataType& type, EvalMode mode,
                                       const Site& site);

    // Functions (analyze_function.cc, analyze_operator.cc, analyze_special.cc).
    struct Call {
        const plan::FunctionExpr& expr;
        const Expr& at;
        const Scope& scope;
        std::string name;  // Lower case.
        std::vector<TypedExprPtr> args;
    };
    using Handler = Result<TypedExprPtr> (Analyzer::*)(Call&);
    static const std::map<std::string, Handler, std::less<>>& handlers();
    Result<TypedExprPtr> generic_call(Call& call);
    Result<TypedExprPtr> aggregate_call(Call& call, const FunctionRow& row,
                                        std::vector<TypedExprPtr> args, DataType type);
    struct Match {
        const FunctionRow* row = nullptr;
        std::vector<TypedExprPtr> args;
        DataType type;
        int level = 0;
    };
    Result<std::optional<Match>> match(Call& call, const FunctionRow& row,
                                       const Signature& signature);
    Result<TypedExprPtr> lambda_argument(const ExprPtr& expression, const Scope& scope,
                                         const std::vector<DataType>& types,
                                         const std::vector<bool>& nullable,
                                         const TypeClass& wanted);
    base::Error mismatch(Call& call, const std::vector<const FunctionRow*>& rows);
    base::Error wrong_count(const Call& call, const std::vector<const FunctionRow*>& rows) const;
    std::string text_of(const Call& call, const FunctionRow& row,
                        const std::vector<TypedExprPtr>& args) const;
    bool result_nullable(const FunctionRow& row, const std::vector<TypedExprPtr>& args) const;
    TypedExprPtr make_call(const FunctionRow& row, std::vector<TypedExprPtr> args, DataType type,
                           std::string text, const Expr& at);
    Result<void> arguments(Call& call);
    EvalMode mode() const { return ansi_ ? EvalMode::kAnsi : EvalMode::kLegacy; }
    Site site(const Expr& at) const { return {text_, at.origin}; }

    Result<TypedExprPtr> arithmetic(Call& call);
    Result<TypedExprPtr> arithmetic_of(std::string_view op, TypedExprPtr left, TypedExprPtr right,
                                       EvalMode mode, const Expr& at, std::string text);
    Result<TypedExprPtr> datetime_arithmetic(std::string_view op, TypedExprPtr left,
                                             TypedExprPtr right, EvalMode mode, const Expr& at,
                                             const std::string& text, bool& handled);
    Result<TypedExprPtr> comparison(Call& call);
    Result<TypedExprPtr> not_equal(Call& call);
    Result<TypedExprPtr> between(Call& call);
    Result<TypedExprPtr> in_list(Call& call);
    Result<TypedExprPtr> bitwise(Call& call);
    Result<TypedExprPtr> logical(Call& call);
    Result<TypedExprPtr> like(Call& call);
    Result<TypedExprPtr> try_arithmetic(Call& call);
    Result<TypedExprPtr> negative(Call& call);
    Result<TypedExprPtr> case_when(Call& call);
    Result<TypedExprPtr> if_call(Call& call);
    Result<TypedExprPtr> concat(Call& call);
    Result<TypedExprPtr> struct_call(Call& call);
    Result<TypedExprPtr> named_struct(Call& call);
    Result<TypedExprPtr> map_call(Call& call);
    Result<TypedExprPtr> count(Call& call);
    Result<TypedExprPtr> constant(Call& call);
    Result<TypedExprPtr> current_time(Call& call);
    Result<TypedExprPtr> ordered_set(Call& call);
    Result<TypedExprPtr> conversion(Call& call);
    Result<TypedExprPtr> type_named(Call& call);
    Result<TypedExprPtr> time_window(Call& call);
    Result<TypedExprPtr> session_window(Call& call);
    Result<TypedExprPtr> window_time(Call& call);
    Result<TypedExprPtr> from_json(Call& call);
    Result<TypedExprPtr> to_json(Call& call);
    Result<TypedExprPtr> extract_field(Call& call);
    Result<TypedExprPtr> timestamp_literal(Call& call);
    Result<TypedExprPtr> generator(Call& call);
    Result<TypedExprPtr> timestamp_add(Call& call);
    Result<TypedExprPtr> try_function(Call& call);
    Result<TypedExprPtr> random(Call& call);
    // Text (analyze_text.cc).
    Result<TypedExprPtr> call_as(const Call& call, std::string name,
                                 std::vector<TypedExprPtr> args);
    Result<TypedExprPtr> number_format(Call& call);
    Result<TypedExprPtr> to_char(Call& call);
    Result<TypedExprPtr> to_binary(Call& call);
    Result<TypedExprPtr> decode(Call& call);
    Result<TypedExprPtr> assert_true(Call& call);
    // Variants (analyze_variant.cc).
    Result<TypedExprPtr> variant_get(Call& call);
    Result<TypedExprPtr> to_variant_object(Call& call);
    TypedExprPtr variant_entries(const TypedExprPtr& variant);
    Result<void> check_options(const TypedExprPtr& map, const Site& site);

    Attribute attribute(std::string name, DataType type, bool nullable);

    AnalysisContext& context_;
    bool ansi_;
    bool case_sensitive_;
    std::string time_zone_;
    Ids ids_;
    int depth_ = 0;
    std::string_view text_;                 // The SQL text being analysed; empty for DataFrames.
    const Scope* outer_ = nullptr;          // Scope around the subquery being analysed.
    std::vector<std::string> outer_names_;  // Columns of it that the subquery used so far.
    // WITH views, innermost last.
    std::vector<std::pair<std::string, RelationPtr>> views_;
    std::vector<const plan::SqlRel*> parameters_;
    // Relations that SubqueryExpr::plan_id refers to.
    std::map<std::int64_t, RelationPtr> references_;
};

// current_date and the like, which may be written without parentheses where no column is called so.
bool is_bare_function(std::string_view name);

}  // namespace millrace::sql
