// JoinOperator: a join of two streams, inner, left, right or full outer, or left semi.
//
// Every row is kept until no row of the other side can come that it joins with, and each new row
// meets the rows of the other side that are kept: first the left input meets the right side's rows
// of earlier batches, then the right input meets all of the left's. A row of the side that an outer
// join preserves comes out alone, once, when it is let go without having met a partner. Equality
// keys find the candidates; what else the condition asks is the stage's `inner` plan over them.
#pragma once

#include "plan/relation.h"
#include "streaming/stateful_operator.h"

namespace millrace::streaming {

struct JoinSpec {
    // An input's rows are the side's columns, then one column a key, then, when `filtered`, whether
    // the row passes the conditions that look at its side alone.
    struct Side {
        std::vector<plan::Field> fields;
        std::vector<plan::Field> keys;
        bool filtered = false;
        // The column with the watermark, a window or a timestamp: rows are late by it. -1: none.
        int event_time = -1;
        // The column, keys counted too, by which rows are let go; -1: never.
        int state_time = -1;
        std::int64_t state_offset_us = 0;  // It is done when at or before the watermark plus this.
    };
    // A column that the inner plan looks at. Its last column, after all of these, is a long that
    // numbers the candidates, and the plan gives the numbers of those that join.
    struct InnerColumn {
        bool left = true;
        std::size_t index = 0;
    };
    plan::JoinType type = plan::JoinType::kInner;
    Side left;
    Side right;
    std::vector<bool> null_safe;  // By key: null equals null.
    bool has_inner = false;
    std::vector<InnerColumn> inner;
    std::vector<plan::Field> output;  // The left side's fields, then but for semi the right's.
};

std::unique_ptr<StatefulOperator> make_join_operator(JoinSpec spec);

}  // namespace millrace::streaming
