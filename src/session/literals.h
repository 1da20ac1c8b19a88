// Values of a batch as literals: for the few places where data becomes part of a plan or an answer.
#pragma once

#include <cstdint>

#include "columnar/batch.h"
#include "plan/literal.h"

namespace millrace::session {

plan::Literal literal_of(const columnar::ColumnView& column, std::int64_t row);

}  // namespace millrace::session
