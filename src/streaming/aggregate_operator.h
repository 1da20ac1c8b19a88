// AggregateOperator: groups of a streaming aggregation, merged batch by batch.
//
// It takes partial aggregates: one row a group of this batch, the keys first and then the state's
// columns, as room columnar computed them, and merges each into the group's state. With panes, the
// time window among the keys is a pane (the greatest width that divides all windows), and a row
// goes into every window that its pane belongs to, so that windows which overlap cost nothing below
// here. What it emits: keys and state columns; the plan above makes the aggregates' results of
// them. Append emits a group once, when the watermark has passed it; update the groups that
// changed; complete all.
#pragma once

#include "streaming/state_column.h"
#include "streaming/stateful_operator.h"

namespace millrace::streaming {

struct AggregateSpec {
    // The windows that panes stand for; [start, start + duration) every slide.
    struct Panes {
        std::int64_t duration_us = 0;
        std::int64_t slide_us = 0;
        std::int64_t start_us = 0;
        std::int64_t pane_us() const;
    };
    std::vector<plan::Field> keys;
    int window_key = -1;         // A struct<start, end> of timestamps; -1: none.
    std::optional<Panes> panes;  // Of the window key.
    int event_time_key = -1;     // The key with the watermark, a window or a timestamp; -1: none.
    std::vector<StateColumn> values;
};

std::unique_ptr<StatefulOperator> make_aggregate_operator(AggregateSpec spec);

}  // namespace millrace::streaming
