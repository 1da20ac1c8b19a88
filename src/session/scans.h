// Walks over analyzed plans: every node, those of subqueries in expressions included.
#pragma once

#include <functional>

#include "plan/logical.h"

namespace millrace::session {

void for_each_node(const plan::LogicalNode& root,
                   const std::function<void(const plan::LogicalNode&)>& visit);

}  // namespace millrace::session
