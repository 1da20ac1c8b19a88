// From Spark Connect's messages to plans: what a client sent, in the vocabulary of room plan.
//
// Translation only: names stay unresolved, and what Millrace has no node for becomes
// plan::UnsupportedRel, so that analysis answers Spark's error naming it. Messages are checked here
// for what the analyzer relies on (a missing input or an unknown enum value is the client's error).
// A FromProto belongs to one thread; the functions are pure. Recursion is bounded by the depth to
// which messages are parsed (deep_messages.h).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "plan/command.h"
#include "plan/relation.h"

namespace spark::connect {
class Command;
class DataType;
class Expression;
class Expression_Alias;
class Expression_Literal;
class Expression_SortOrder;
class Expression_Window;
class Relation;
class SqlCommand;
class SubqueryExpression;
class WriteOperation;
class WriteOperationV2;
class WriteStreamOperationStart;
}  // namespace spark::connect

namespace millrace::connect {

namespace proto = ::spark::connect;
using base::Code;
using base::fail;
using base::Result;

// Bytes that the client uploaded before (AddArtifacts) under cache/<hash>; nullopt: not there.
using CachedData = std::function<std::optional<std::string>(const std::string& hash)>;

// The distinct values of a relation's first column, run now: what a pivot that names none needs.
using DistinctValues =
    std::function<Result<std::vector<plan::Literal>>(const plan::RelationPtr& relation)>;

// df.observe(): a relation of one row with the metrics under their names.
struct Observation {
    std::string name;
    plan::RelationPtr metrics;
};

class FromProto {
public:
    explicit FromProto(CachedData cached_data, DistinctValues distinct_values = {})
        : cached_data_(std::move(cached_data)), distinct_values_(std::move(distinct_values)) {}

    Result<plan::RelationPtr> relation(const proto::Relation& message) const;
    Result<plan::ExprPtr> expression(const proto::Expression& message) const;
    Result<plan::Command> write(const proto::WriteOperation& message) const;
    Result<plan::Command> write(const proto::WriteOperationV2& message) const;
    Result<plan::StartStreamCommand> start_stream(
        const proto::WriteStreamOperationStart& message) const;
    // The statement of spark.sql(), with its arguments and views.
    Result<plan::SqlRel> sql_command(const proto::SqlCommand& message) const;
    // What the relations that were read so far observe.
    const std::vector<Observation>& observations() const { return observations_; }

private:
    // What a message holds, as the protocol spells it: "group_map".
    static std::string unsupported_name(const proto::Relation& message);
    Result<plan::Relation::Node> node(const proto::Relation& message) const;
    Result<plan::Relation::Node> statistics(const proto::Relation& message) const;
    Result<plan::Relation::Node> read(const proto::Relation& message) const;
    Result<plan::Relation::Node> aggregate(const proto::Relation& message) const;
    Result<plan::Relation::Node> local_data(const proto::Relation& message) const;
    Result<plan::Relation::Node> parse(const proto::Relation& message) const;
    Result<plan::Relation::Node> catalog(const proto::Relation& message) const;
    Result<plan::Relation::Node> unpivot(const proto::Relation& message) const;
    Result<plan::Relation::Node> na(const proto::Relation& message) const;

    Result<plan::Expr::Node> expression_node(const proto::Expression& message) const;
    Result<plan::Expr::Node> alias(const proto::Expression_Alias& message) const;
    Result<plan::Expr::Node> window(const proto::Expression_Window& message) const;
    Result<plan::Expr::Node> subquery(const proto::SubqueryExpression& message) const;
    Result<plan::SortOrderExpr> sort_order(const proto::Expression_SortOrder& message) const;
    template <class Messages>
    Result<std::vector<plan::ExprPtr>> expressions(const Messages& messages) const;
    template <class Messages>
    Result<std::vector<plan::ExprPtr>> sort_orders(const Messages& messages) const;
    template <class Message>
    Result<std::vector<std::pair<std::string, plan::ExprPtr>>> named_arguments(
        const Message& message) const;
    template <class Message>
    Result<std::vector<plan::ExprPtr>> positional_arguments(const Message& message) const;
    template <class Message>
    Result<plan::RelationPtr> input(const Message& message) const;

    CachedData cached_data_;
    DistinctValues distinct_values_;
    mutable std::vector<Observation> observations_;
};

Result<plan::DataType> type_from_proto(const proto::DataType& message);
Result<plan::Literal> literal_from_proto(const proto::Expression_Literal& message);

// An error of the client's making in the message itself (Spark's InvalidPlanInput).
std::unexpected<base::Error> invalid_plan(std::string message);

}  // namespace millrace::connect
