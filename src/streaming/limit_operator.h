// LimitOperator: the first `limit` rows of a stream's whole life (append mode).
#pragma once

#include "streaming/stateful_operator.h"

namespace millrace::streaming {

std::unique_ptr<StatefulOperator> make_limit_operator(std::vector<plan::Field> fields,
                                                      std::int64_t limit);

}  // namespace millrace::streaming
