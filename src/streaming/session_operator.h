// SessionOperator: groups of an aggregation over session windows.
//
// It takes partial aggregates as AggregateOperator does, the window among the keys being what each
// row asks for by itself, [time, time + gap). Windows of one key that overlap or touch are one
// session, with those of earlier batches: the sessions that new rows reach are taken out of the
// state, merged, and put back under their new bounds. Append emits a session once, when the
// watermark has reached its end; complete emits all.
#pragma once

#include "streaming/aggregate_operator.h"

namespace millrace::streaming {

// `spec` has a window key and no panes.
std::unique_ptr<StatefulOperator> make_session_operator(AggregateSpec spec);

}  // namespace millrace::streaming
