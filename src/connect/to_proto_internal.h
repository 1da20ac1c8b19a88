// From plans to Spark Connect's messages: types and values for the server's answers, and whole
// relations for the client that speaks to a remote server. The reverse of from_proto_internal.h.
#pragma once

#include "base/error.h"
#include "plan/command.h"
#include "plan/relation.h"

namespace spark::connect {
class Command;
class DataType;
class Expression;
class Expression_Literal;
class Expression_SortOrder;
class Relation;
}  // namespace spark::connect

namespace millrace::connect {

void to_proto(const plan::DataType& type, ::spark::connect::DataType& message);
void to_proto(const plan::Literal& literal, ::spark::connect::Expression_Literal& message);

// kUnsupported for what the protocol cannot say (nodes that only the SQL parser makes).
base::Result<void> to_proto(const plan::Relation& relation, ::spark::connect::Relation& message);
base::Result<void> to_proto(const plan::Expr& expression, ::spark::connect::Expression& message);
base::Result<void> to_proto(const plan::Command& command, ::spark::connect::Command& message);

}  // namespace millrace::connect
