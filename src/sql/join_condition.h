// The condition of a join taken apart, and what it says of the times of rows that can still meet.
//
// A row of one side of a stream-stream join may be forgotten once no row of the other side can come
// that it joins with. Streams promise rows after the watermark only, so `L > R + c` and R > W make
// every L at or before W + c final: c is the offset of the left side's state. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plan/logical.h"

namespace millrace::sql {

struct JoinCondition {
    struct Key {
        plan::TypedExprPtr left;
        plan::TypedExprPtr right;
        bool null_safe = false;  // <=>: null equals null.
    };
    // Conjuncts, each in one of these; one that looks at neither side stands with both.
    std::vector<Key> keys;
    std::vector<plan::TypedExprPtr> left;   // Those that look at the left side alone.
    std::vector<plan::TypedExprPtr> right;  // … the right side alone.
    std::vector<plan::TypedExprPtr> both;
};
JoinCondition split_join(const plan::JoinNode& join);

// The first key, if any, that is a column with a watermark on one of the sides.
std::optional<std::size_t> watermarked_key(const plan::JoinNode& join,
                                           const JoinCondition& condition);

// How far beyond the watermark (negative: before it) lie the times of the rows of the `left` side,
// else the right, that the condition's ranges of time make final; both ends are milliseconds, and
// the bound itself is final. Nullopt when no range bounds them or the other side has no watermark.
std::optional<std::int64_t> state_offset_ms(const plan::JoinNode& join, bool left);

}  // namespace millrace::sql
