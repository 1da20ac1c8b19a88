#include "sql/join_condition.h"

#include <algorithm>
#include <cmath>

#include "sql/typed.h"

namespace millrace::sql {

using plan::AttributeRef;
using plan::FunctionCall;
using plan::JoinNode;
using plan::Literal;
using plan::TypeKind;

namespace {

void conjuncts_of(const TypedExprPtr& expression, std::vector<TypedExprPtr>& into) {
    if (!expression) return;
    if (const auto* call = expression->as<FunctionCall>(); call != nullptr && call->name == "and") {
        for (const TypedExprPtr& arg : call->args) conjuncts_of(arg, into);
        return;
    }
    into.push_back(expression);
}

// Which columns an expression looks at.
struct Reach {
    bool left = false;
    bool right = false;
};
Reach reach_of(const JoinNode& join, const TypedExprPtr& expression) {
    const auto references = references_of(expression);
    const auto among = [&](const LogicalPtr& side) {
        return std::ranges::any_of(output_of(*side), [&](const Attribute& column) {
            return references.contains(column.id);
        });
    };
    return {among(join.left), among(join.right)};
}

const Attribute* column_of(const std::vector<Attribute>& columns, const TypedExpr& expression) {
    const auto* ref = expression.as<AttributeRef>();
    if (ref == nullptr) return nullptr;
    const auto found = std::ranges::find(columns, ref->id, &Attribute::id);
    return found == columns.end() ? nullptr : &*found;
}

bool is_watermarked(const std::vector<Attribute>& columns, const TypedExpr& expression) {
    const Attribute* column = column_of(columns, expression);
    return column != nullptr && column->watermark_delay_ms.has_value();
}

// A sum of columns and constants: what a comparison of times comes to when all of it is brought to
// one side.
struct Sum {
    struct Term {
        TypedExprPtr column;
        bool negative = false;
    };
    std::vector<Term> columns;
    double constant_us = 0;
};

// Microseconds; nullopt for what is no fixed length of time (a month) or no constant.
std::optional<double> constant_us(const Literal& literal) {
    if (const auto* interval = std::get_if<plan::IntervalValue>(&literal.value)) {
        if (interval->months != 0) return std::nullopt;
        return interval->days * 86'400e6 + static_cast<double>(interval->microseconds);
    }
    const auto* whole = std::get_if<std::int64_t>(&literal.value);
    const auto* real = std::get_if<double>(&literal.value);
    if (literal.type.is(TypeKind::kDayTimeInterval) && whole != nullptr) {
        return static_cast<double>(*whole);
    }
    // Other numbers are seconds, as timestamps cast to numbers are.
    if (literal.type.is_numeric() && whole != nullptr) return static_cast<double>(*whole) * 1e6;
    if (literal.type.is_numeric() && real != nullptr) return *real * 1e6;
    return std::nullopt;
}

bool add_to(Sum& sum, const TypedExprPtr& expression, bool negative) {
    if (expression->as<AttributeRef>() != nullptr) {
        sum.columns.push_back({expression, negative});
        return true;
    }
    if (const auto* literal = expression->as<Literal>()) {
        const auto value = constant_us(*literal);
        if (!value) return false;
        sum.constant_us += negative ? -*value : *value;
        return true;
    }
    if (const auto* cast = expression->as<plan::TypedCast>()) {
        return (expression->type.is_numeric() || expression->type.is(TypeKind::kTimestamp)) &&
               add_to(sum, cast->child, negative);
    }
    const auto* call = expression->as<FunctionCall>();
    if (call == nullptr) return false;
    if (call->name == "negative") return add_to(sum, call->args[0], !negative);
    const bool adds = call->name == "+" || call->name == "timestamp_add_interval" ||
                      call->name == "add_intervals";
    const bool subtracts = call->name == "-" || call->name == "timestamp_subtract_interval" ||
                           call->name == "subtract_intervals";
    return (adds || subtracts) && call->args.size() == 2 && add_to(sum, call->args[0], negative) &&
           add_to(sum, call->args[1], subtracts != negative);
}

// The offset that `less < more` gives the side of `wanted`.
std::optional<double> offset_us(const TypedExprPtr& less, const TypedExprPtr& more,
                                const std::vector<Attribute>& wanted,
                                const std::vector<Attribute>& other) {
    Sum sum;
    if (!add_to(sum, less, false) || !add_to(sum, more, true) || sum.columns.size() != 2) {
        return std::nullopt;
    }
    // other + c - wanted < 0: with other after the watermark, wanted is after watermark + c.
    const Sum::Term* mine = nullptr;
    const Sum::Term* theirs = nullptr;
    for (const Sum::Term& term : sum.columns) {
        if (column_of(wanted, *term.column) != nullptr && term.negative) mine = &term;
        if (is_watermarked(other, *term.column) && !term.negative) theirs = &term;
    }
    if (mine == nullptr || theirs == nullptr) return std::nullopt;
    return sum.constant_us;
}

}  // namespace

JoinCondition split_join(const JoinNode& join) {
    JoinCondition result;
    std::vector<TypedExprPtr> conjuncts;
    conjuncts_of(join.condition, conjuncts);
    for (const TypedExprPtr& conjunct : conjuncts) {
        const bool free = is_deterministic(conjunct) && !contains(conjunct, [](const TypedExpr& e) {
                              return e.as<plan::TypedSubquery>() != nullptr;
                          });
        const auto* call = conjunct->as<FunctionCall>();
        if (free && call != nullptr && (call->name == "==" || call->name == "<=>")) {
            const Reach first = reach_of(join, call->args[0]);
            const Reach second = reach_of(join, call->args[1]);
            const bool straight = first.left && !first.right && second.right && !second.left;
            const bool crossed = first.right && !first.left && second.left && !second.right;
            if (straight || crossed) {
                result.keys.push_back({call->args[straight ? 0 : 1], call->args[straight ? 1 : 0],
                                       call->name == "<=>"});
                continue;
            }
        }
        const Reach reach = reach_of(join, conjunct);
        if (free && reach.left && !reach.right) {
            result.left.push_back(conjunct);
        } else if (free && reach.right && !reach.left) {
            result.right.push_back(conjunct);
        } else {
            result.both.push_back(conjunct);
        }
    }
    return result;
}

std::optional<std::size_t> watermarked_key(const JoinNode& join, const JoinCondition& condition) {
    const auto left = output_of(*join.left);
    const auto right = output_of(*join.right);
    for (const bool of_left : {true, false}) {
        for (std::size_t i = 0; i < condition.keys.size(); ++i) {
            const JoinCondition::Key& key = condition.keys[i];
            if (of_left ? is_watermarked(left, *key.left) : is_watermarked(right, *key.right)) {
                return i;
            }
        }
    }
    return std::nullopt;
}

std::optional<std::int64_t> state_offset_ms(const JoinNode& join, bool left) {
    const auto wanted = output_of(left ? *join.left : *join.right);
    const auto other = output_of(left ? *join.right : *join.left);
    std::vector<TypedExprPtr> conjuncts;
    conjuncts_of(join.condition, conjuncts);
    std::optional<std::int64_t> least;
    for (const TypedExprPtr& conjunct : conjuncts) {
        const auto* call = conjunct->as<FunctionCall>();
        if (call == nullptr || call->args.size() != 2) continue;
        const bool ascends = call->name == "<" || call->name == "<=";
        if (!ascends && call->name != ">" && call->name != ">=") continue;
        const auto offset =
            offset_us(call->args[ascends ? 0 : 1], call->args[ascends ? 1 : 0], wanted, other);
        if (!offset || std::abs(*offset) > 9e18) continue;
        // A row at the bound of `<=` may still meet one that comes just after the watermark.
        const std::int64_t ms = static_cast<std::int64_t>(std::floor(*offset / 1000)) -
                                (call->name.ends_with('=') ? 1 : 0);
        least = std::min(least.value_or(ms), ms);
    }
    return least;
}

}  // namespace millrace::sql
