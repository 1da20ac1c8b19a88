#include <algorithm>

#include "connect/from_proto_internal.h"
#include "connect/from_proto_lists_internal.h"
#include "spark/connect/relations.pb.h"

namespace millrace::connect {

namespace {

plan::ExprPtr integer(std::int32_t value) {
    return plan::literal(plan::Literal::integer(value));
}

template <class Strings>
std::vector<std::string> strings(const Strings& messages) {
    return {messages.begin(), messages.end()};
}

}  // namespace

// Statistics that are plain aggregates under the names that clients read.
Result<plan::Relation::Node> FromProto::statistics(const proto::Relation& message) const {
    const auto named = [](const std::string& name) { return plan::column({name}); };
    const auto single = [](plan::RelationPtr below, plan::ExprPtr value, std::string name) {
        plan::AggregateRel aggregate;
        aggregate.input = std::move(below);
        aggregate.aggregates.push_back(plan::alias(std::move(value), std::move(name)));
        return aggregate;
    };
    switch (message.rel_type_case()) {
        case proto::Relation::kSummary: {
            MR_TRY(auto below, input(message.summary()));
            return plan::DescribeRel{
                std::move(below), {}, strings(message.summary().statistics()), true};
        }
        case proto::Relation::kDescribe: {
            MR_TRY(auto below, input(message.describe()));
            return plan::DescribeRel{
                std::move(below), strings(message.describe().cols()), {}, false};
        }
        case proto::Relation::kCov: {
            MR_TRY(auto below, input(message.cov()));
            return single(std::move(below),
                          plan::call("covar_samp",
                                     {named(message.cov().col1()), named(message.cov().col2())}),
                          "cov");
        }
        case proto::Relation::kCorr: {
            MR_TRY(auto below, input(message.corr()));
            return single(
                std::move(below),
                plan::call("corr", {named(message.corr().col1()), named(message.corr().col2())}),
                "corr");
        }
        case proto::Relation::kApproxQuantile: {
            const auto& from = message.approx_quantile();
            MR_TRY(auto below, input(from));
            std::vector<plan::ExprPtr> probabilities;
            for (const double p : from.probabilities()) {
                probabilities.push_back(plan::literal(plan::Literal::double_(p)));
            }
            // The accuracy of percentile_approx is the reciprocal of the relative error.
            const double error = std::clamp(from.relative_error(), 1e-6, 1.0);
            std::vector<plan::ExprPtr> columns;
            for (const auto& name : from.cols()) {
                plan::CastExpr as_double;
                as_double.child = named(name);
                as_double.type = plan::DataType::double_();
                columns.push_back(plan::call(
                    "percentile_approx",
                    {plan::make_expr(std::move(as_double)), plan::call("array", probabilities),
                     integer(static_cast<std::int32_t>(1 / error))}));
            }
            return single(std::move(below), plan::call("array", std::move(columns)),
                          "approx_quantile");
        }
        default: return plan::UnsupportedRel{unsupported_name(message)};
    }
}

}  // namespace millrace::connect
