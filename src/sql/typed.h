// Helpers over typed expressions and analyzed plans: build, walk, compare, renew ids.
#pragma once

#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "plan/logical.h"

namespace millrace::sql {

using plan::Attribute;
using plan::AttributeId;
using plan::DataType;
using plan::LogicalPtr;
using plan::TypedExpr;
using plan::TypedExprPtr;

template <class Node>
TypedExprPtr typed(Node node, DataType type, bool nullable, std::string sql_text,
                   plan::Origin origin = {}) {
    return std::make_shared<const TypedExpr>(
        TypedExpr{std::move(node), std::move(type), nullable, origin, std::move(sql_text)});
}
TypedExprPtr reference(const Attribute& attribute);
TypedExprPtr literal_expr(plan::Literal value);
TypedExprPtr function_call(std::string id, std::vector<TypedExprPtr> args, DataType type,
                           bool nullable, std::string sql_text,
                           plan::EvalMode mode = plan::EvalMode::kAnsi);

// The same expression over children changed by `change` (called for each direct child).
using Change = std::function<TypedExprPtr(const TypedExprPtr&)>;
TypedExprPtr map_children(const TypedExprPtr& expression, const Change& change);
// Calls `visit` for the expression and everything below; stops below a node where it gives false.
void walk(const TypedExprPtr& expression, const std::function<bool(const TypedExpr&)>& visit);
bool contains(const TypedExprPtr& expression, const std::function<bool(const TypedExpr&)>& test);

bool same_expr(const TypedExpr& left, const TypedExpr& right);
// Replace references by what they stand for.
using Substitution = std::unordered_map<AttributeId, TypedExprPtr>;
TypedExprPtr substitute(const TypedExprPtr& expression, const Substitution& by);
std::unordered_set<AttributeId> references_of(const TypedExprPtr& expression);
bool is_deterministic(const TypedExprPtr& expression);
bool is_foldable(const TypedExprPtr& expression);

// Ids given to one analysis: attributes and scans.
class Ids {
public:
    explicit Ids(AttributeId first) : next_(first) {}
    AttributeId next() { return next_++; }

private:
    AttributeId next_;
};
// A copy of the plan in which every attribute and scan has a fresh id: a view's plan used again.
LogicalPtr with_fresh_ids(const LogicalPtr& plan, Ids& ids);

}  // namespace millrace::sql
