// Casts: those that were written, and those that the rules of types put in.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;
using plan::TypeKind;

Result<TypedExprPtr> Analyzer::node(const plan::CastExpr& cast, const Expr& at,
                                    const Scope& scope) {
    DataType target;
    if (cast.type) {
        target = *cast.type;
    } else {
        MR_TRY(target, parse_type(cast.type_text));
    }
    MR_TRY(TypedExprPtr child, expr(cast.child, scope));
    const EvalMode wanted = cast.mode == EvalMode::kDefault ? mode() : cast.mode;
    return explicit_cast(std::move(child), target, wanted, site(at));
}

TypedExprPtr Analyzer::cast_to(TypedExprPtr child, const DataType& type) const {
    if (child->type.same_ignoring_nullability(type)) return child;
    // A literal changes its type in place where nothing can be lost.
    if (const auto* literal = child->as<Literal>()) {
        if (literal->is_null()) {
            return typed(Literal::null(type), type, true, child->sql_text, child->origin);
        }
        const auto* number = std::get_if<std::int64_t>(&literal->value);
        if (number != nullptr && child->type.is_integral()) {
            if (type.is(TypeKind::kLong) ||
                (type.is(TypeKind::kInteger) && *number >= INT32_MIN && *number <= INT32_MAX)) {
                return typed(Literal{type, *number}, type, false, child->sql_text, child->origin);
            }
            if (type.is(TypeKind::kDouble)) {
                return typed(Literal::double_(static_cast<double>(*number)), type, false,
                             child->sql_text, child->origin);
            }
        }
    }
    const bool nullable = child->nullable || cast_may_be_null(child->type, type, ansi_);
    std::string text = child->sql_text;
    const plan::Origin origin = child->origin;
    plan::TypedCast cast;
    cast.child = std::move(child);
    cast.mode = mode();
    cast.session_time_zone = time_zone_;
    return typed(std::move(cast), type, nullable, std::move(text), origin);
}

Result<TypedExprPtr> Analyzer::explicit_cast(TypedExprPtr child, const DataType& type,
                                             EvalMode wanted, const Site& site) {
    const bool ansi = wanted != EvalMode::kLegacy;
    std::string text = fmt::format("{}({} AS {})", wanted == EvalMode::kTry ? "TRY_CAST" : "CAST",
                                   child->sql_text, type.sql());
    if (!can_cast(child->type, type, ansi)) {
        const ErrorParameters parameters = {{"sqlExpr", quoted_expr(text)},
                                            {"srcType", quoted_type(child->type)},
                                            {"targetType", quoted_type(type)}};
        if (ansi && can_cast(child->type, type, false) && wanted == EvalMode::kAnsi) {
            ErrorParameters more = parameters;
            more["config"] = "\"spark.sql.ansi.enabled\"";
            more["configVal"] = "'false'";
            return fail(spark_error("DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION", more, site));
        }
        return fail(spark_error("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", parameters, site));
    }
    if (child->type == type) {
        TypedExpr same = *child;
        same.sql_text = std::move(text);
        return std::make_shared<const TypedExpr>(std::move(same));
    }
    bool nullable =
        child->nullable || wanted == EvalMode::kTry || cast_may_be_null(child->type, type, ansi);
    if (const auto* literal = child->as<Literal>(); literal != nullptr && literal->is_null()) {
        return typed(Literal::null(type), type, true, std::move(text), site.origin);
    }
    plan::TypedCast cast;
    cast.child = std::move(child);
    cast.mode = wanted;
    cast.session_time_zone = time_zone_;
    return typed(std::move(cast), type, nullable, std::move(text), site.origin);
}

}  // namespace millrace::sql
