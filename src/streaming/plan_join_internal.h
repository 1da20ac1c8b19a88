// plan_join: what a join of two streams becomes: the plans of its two inputs, the plan that decides
// over candidates, and what the operator must know. Used by the planner alone.
#pragma once

#include <functional>

#include "plan/logical.h"
#include "streaming/join_operator.h"

namespace millrace::streaming {

struct JoinPlan {
    JoinSpec spec;
    plan::LogicalPtr left;
    plan::LogicalPtr right;
    plan::LogicalPtr inner;  // Null: equal keys are all that it takes.
};

// `left` and `right` give the columns of the join's inputs. `inner_scan` is what `inner` reads;
// `fresh` gives ids of attributes. Errors: kAnalysis in Spark's words for joins without equal keys.
Result<JoinPlan> plan_join(const plan::JoinNode& join, plan::LogicalPtr left,
                           plan::LogicalPtr right, std::int64_t inner_scan,
                           const std::function<plan::AttributeId()>& fresh);

}  // namespace millrace::streaming
