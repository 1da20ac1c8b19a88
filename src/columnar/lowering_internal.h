// Lowering: an analyzed plan as one DuckDB SELECT.
//
// Every node becomes a subquery whose columns are called c<attribute id>; ids are unique in a plan,
// so that a name means one thing wherever it stands, a correlated subquery included. Expressions
// become typed SQL: what DuckDB would decide for itself (type of a sum, order of nulls, rounding of
// a cast) is written out as Spark has it. A Lowering is used once, by one thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "columnar/engine.h"
#include "columnar/live_fields_internal.h"
#include "columnar/scan_internal.h"
#include "plan/logical.h"

namespace millrace::columnar {

class FileOptions;
struct RawScan;

// Functions whose types depend on a schema: DuckDB wants one for each, made when first needed.
class TypedFunctions {
public:
    virtual ~TypedFunctions() = default;
    // The name of the function (VARCHAR or BLOB) -> `type` that reads JSON; of a struct's fields
    // only the wanted ones are filled, the others are null. `borrows`: the argument is a column of
    // a scan, whose memory outlives the run.
    virtual Result<std::string> from_json(const plan::DataType& type, const plan::Options& options,
                                          const std::string& time_zone, bool from_binary,
                                          const FieldSet& wanted, bool borrows) = 0;
    // The name of the function `type` -> VARCHAR that writes JSON.
    virtual Result<std::string> to_json(const plan::DataType& type, const plan::Options& options,
                                        const std::string& time_zone) = 0;
    // The name of the function `type` -> VARCHAR that writes XML.
    virtual Result<std::string> to_xml(const plan::DataType& type, const plan::Options& options,
                                       const std::string& time_zone) = 0;
    // The name of the function `type` -> VARCHAR that casts to string.
    virtual Result<std::string> to_text(const plan::DataType& type,
                                        const std::string& time_zone) = 0;
    // The name of the function `type` -> `type` that keeps its argument from being computed twice.
    virtual Result<std::string> once(const plan::DataType& type) = 0;
    // The name of the function BOOLEAN -> BOOLEAN that gives its argument back and counts each
    // true as a malformed record.
    virtual Result<std::string> count_malformed() = 0;
    // The names of the functions VARCHAR -> VARCHAR[] that splits a record of CSV, and VARCHAR ->
    // VARCHAR that gives its schema.
    virtual Result<std::string> csv_fields(const plan::Options& options) = 0;
    virtual Result<std::string> csv_schema(const plan::Options& options) = 0;
    // The name of the function `type` -> variant.
    virtual Result<std::string> to_variant(const plan::DataType& type,
                                           const std::string& time_zone) = 0;
    // The name of the function (variant, path) -> `type`; `function` is what errors call it.
    virtual Result<std::string> from_variant(const plan::DataType& type,
                                             const std::string& time_zone, bool raises,
                                             const std::string& function) = 0;
    // The name of the function time -> window, or -> array of windows where they overlap.
    virtual Result<std::string> time_window(bool ntz, std::int64_t duration_us,
                                            std::int64_t slide_us, std::int64_t start_us) = 0;
};

// Expressions that must be computed once a row, found while those of one node are lowered. They are
// columns of a SELECT right below that node, behind a volatile function: DuckDB would otherwise
// copy them into every filter that looks at their result, and parse each record three times.
struct Hoisted {
    std::vector<std::pair<std::string, std::string>> columns;  // Name, SQL.
};

// Where what is hoisted goes, while one node's expressions are lowered.
class Hoisting {
public:
    Hoisting(Hoisted*& now, Hoisted* to) : now_(now), before_(std::exchange(now, to)) {}
    ~Hoisting() { now_ = before_; }
    Hoisting(const Hoisting&) = delete;
    Hoisting& operator=(const Hoisting&) = delete;

private:
    Hoisted*& now_;
    Hoisted* before_;
};

class Lowering {
public:
    Lowering(ScanRegistry& registry, TypedFunctions& functions)
        : registry_(registry), functions_(functions) {}

    // The whole query: columns in output order, each of exactly its type.
    Result<std::string> query(const plan::LogicalNode& node);

    // The slots that the query reads: of the plan's scans, by scan_id, and of its own data.
    const std::multimap<std::int64_t, std::shared_ptr<ScanSlot>>& scans() const { return scans_; }
    const std::vector<std::shared_ptr<ScanSlot>>& constants() const { return constants_; }
    // Row counts to plan with, where the inputs are known before.
    // Scans of files that are not among them are read while lowering, times in `time_zone`.
    void expect(const ScanInputs& inputs, std::string time_zone) {
        inputs_ = &inputs;
        time_zone_ = std::move(time_zone);
    }

    Result<std::string> node(const plan::LogicalNode& plan);
    Result<std::string> expression(const plan::TypedExpr& expression);
    // `value` (SQL text of type `from`) as `to`.
    Result<std::string> cast(const std::string& value, const plan::DataType& from,
                             const plan::DataType& to, plan::EvalMode mode,
                             const std::string& time_zone);

private:
    Result<std::string> any_node(const plan::LogicalNode& plan);
    Result<std::string> input_of(const plan::LogicalPtr& input);
    Result<std::string> scan(const plan::ScanNode& node);
    Result<std::string> file_scan(const plan::ScanNode& node);
    Result<std::string> json_file_scan(const plan::ScanNode& node, const RawScan& raw,
                                       const std::string& from);
    Result<std::string> from_text(const std::string& value, const plan::DataType& to,
                                  const FileOptions& options);
    Result<std::string> local_data(const plan::LocalDataNode& node);
    Result<std::string> project(const plan::ProjectNode& node);
    Result<std::string> join(const plan::JoinNode& node);
    Result<std::string> aggregate(const plan::AggregateNode& node);
    Result<std::string> window(const plan::WindowNode& node);
    Result<std::string> time_window(const plan::TimeWindowNode& node);
    Result<std::string> session_window(const plan::SessionWindowNode& node);
    Result<std::string> sort(const plan::LogicalSort& node);
    Result<std::string> limit(const plan::LogicalLimit& node);
    Result<std::string> set_operation(const plan::SetOpNode& node);
    Result<std::string> deduplicate(const plan::DeduplicateNode& node);
    Result<std::string> generate(const plan::GenerateNode& node);
    Result<std::string> sample(const plan::SampleNode& node);
    Result<std::string> order_by(const std::vector<plan::TypedOrder>& orders);

    // `sql` as a column below the node that is being lowered, where that is the same; else `sql`.
    Result<std::string> hoist(const std::string& sql, const plan::DataType& type);
    static std::string with_hoisted(const std::string& input, const Hoisted& hoisted);

    Result<std::string> literal(const plan::Literal& literal);
    Result<std::string> function(const plan::FunctionCall& call, const plan::TypedExpr& whole);
    // Functions that no template can say; empty: not one of them.
    Result<std::string> special_function(const plan::FunctionCall& call,
                                         const plan::TypedExpr& whole);
    Result<std::string> from_json(const plan::FunctionCall& call, const plan::DataType& type,
                                  const FieldSet& wanted);
    Result<std::string> to_json(const plan::FunctionCall& call);
    Result<std::string> from_csv(const plan::FunctionCall& call, const plan::DataType& type);
    Result<std::string> to_csv(const plan::FunctionCall& call);
    Result<std::string> schema_of_csv(const plan::FunctionCall& call);
    Result<std::string> variant_function(const plan::FunctionCall& call,
                                         const plan::TypedExpr& whole);
    Result<std::string> to_variant(const std::string& value, const plan::DataType& from,
                                   const std::string& zone);
    // Options of from_json and its like: a constant map, or the map() call that builds it.
    static Result<plan::Options> constant_options(const plan::TypedExpr& expression);
    Result<std::string> decimal_function(const plan::FunctionCall& call,
                                         const plan::TypedExpr& whole);
    Result<std::string> format_number(const std::vector<plan::TypedExprPtr>& args);
    Result<std::string> format_string(const std::vector<plan::TypedExprPtr>& args);
    static std::string decimal_mean(const std::string& sum, const std::string& count,
                                    const plan::DataType& type);
    Result<std::string> lambda_function(const plan::FunctionCall& call,
                                        const plan::TypedExpr& whole);
    Result<std::string> aggregate_call(const plan::AggregateCall& call, const plan::DataType& type,
                                       const std::string& over);
    static Result<std::string> percentile(const plan::AggregateCall& call,
                                          const plan::DataType& type,
                                          std::vector<std::string> texts, const std::string& over);
    Result<std::string> subquery(const plan::TypedSubquery& subquery);
    Result<std::vector<std::string>> arguments(const std::vector<plan::TypedExprPtr>& args);
    Result<std::string> cast_from_string(const std::string& value, const plan::DataType& to,
                                         plan::EvalMode mode, const std::string& time_zone);
    Result<std::string> cast_nested(const std::string& value, const plan::DataType& from,
                                    const plan::DataType& to, plan::EvalMode mode,
                                    const std::string& time_zone);
    std::string fresh(std::string_view prefix) { return fmt::format("{}{}", prefix, next_name_++); }

    ScanRegistry& registry_;
    TypedFunctions& functions_;
    const ScanInputs* inputs_ = nullptr;
    std::string time_zone_ = "UTC";
    std::multimap<std::int64_t, std::shared_ptr<ScanSlot>> scans_;
    std::vector<std::shared_ptr<ScanSlot>> constants_;
    LiveFields live_;
    // Columns of scans that nothing below the node being lowered has copied elsewhere.
    std::set<plan::AttributeId> scanned_;
    // What the aggregation above a session window groups by, but for the window.
    std::vector<std::string> session_groups_;
    Hoisted* hoisted_ = nullptr;  // Null where an expression may not be computed at all.
    int costly_calls_ = 0;        // So far: what is worth being computed once.
    int next_name_ = 0;
    int depth_ = 0;
};

std::string column_name(plan::AttributeId id);
// A call that ends the query with a condition, of a type that fits everywhere.
std::string raise(std::string_view condition);

}  // namespace millrace::columnar
