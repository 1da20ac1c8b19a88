#include "sql/analyzer.h"

#include "sql/analyzer_internal.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::Code;
using base::Error;
using base::fail;

bool Conf::ansi() const {
    const auto value = get("spark.sql.ansi.enabled");
    return !value || !same_word(*value, "false");
}

bool Conf::case_sensitive() const {
    const auto value = get("spark.sql.caseSensitive");
    return value && same_word(*value, "true");
}

std::string Conf::time_zone() const {
    return get("spark.sql.session.timeZone").value_or("UTC");
}

Analyzer::Analyzer(AnalysisContext& context, AttributeId first_id)
    : context_(context),
      ansi_(context.conf.ansi()),
      case_sensitive_(context.conf.case_sensitive()),
      time_zone_(context.conf.time_zone()),
      ids_(first_id) {}

Error Analyzer::too_deep() const {
    return {Code::kTooLarge, fmt::format("the plan is nested deeper than {} levels", kMaxDepth)};
}

Result<LogicalPtr> Analyzer::analyze(const RelationPtr& root) {
    MR_TRY(Analyzed result, relation(root));
    return result.plan;
}

Result<Analyzed> Analyzer::relation(const RelationPtr& relation) {
    const Deeper deeper(*this);
    if (deeper.too_deep()) return fail(too_deep());
    // Without FROM: one row, no columns.
    if (relation == nullptr) return Analyzed{};
    MR_TRY(Analyzed result, dispatch(*relation));
    if (relation->plan_id) result.plan_ids.emplace_back(*relation->plan_id, result.columns);
    return result;
}

Result<Analyzed> Analyzer::dispatch(const plan::Relation& relation) {
    return std::visit([&](const auto& held) { return rel(held, relation); }, relation.node);
}

Result<LogicalPtr> analyze(const RelationPtr& relation, AnalysisContext& context) {
    // Ids are unique in one plan; a view's plan is renewed where it is used (typed.h).
    Analyzer analyzer(context, 1);
    return analyzer.analyze(relation);
}

}  // namespace millrace::sql
