// Signatures of the function table, parsed: what the analyzer matches arguments against.
//
// The text form is described in function_table.h. Parsed once per row, on first use; immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/literal.h"
#include "plan/type.h"
#include "sql/function_table.h"

namespace millrace::sql {

struct TypeClass {
    enum class Kind : std::uint8_t {
        kAny,
        kNumeric,
        kIntegral,
        kFractional,
        kOrderable,
        kTemporal,
        kTextual,
        kComplex,
        kAnyInterval,
        kDecimal,   // Any decimal.
        kExact,     // `type`
        kVariable,  // `letter`
        kArray,     // children: element
        kMap,       // children: key, value
        kStruct,
        kLambda,    // children: parameters, then the result; `optional_parameters` may be absent
        kArgument,  // Result only: type of argument `index`
        kRule,      // Result only
    };
    Kind kind = Kind::kAny;
    plan::DataType type;
    char letter = 0;
    int index = 0;
    int optional_parameters = 0;
    std::vector<TypeClass> children;
    bool constant = false;
    bool optional = false;
    bool variadic = false;
    std::optional<plan::Literal> default_value;
};

struct Signature {
    std::vector<TypeClass> arguments;
    TypeClass result;
    std::size_t min_arguments() const;
    std::size_t max_arguments() const;  // npos: no limit
};

// The signatures of a row, in order. Aborts on a malformed table, which a test catches.
const std::vector<Signature>& signatures_of(const FunctionRow& row);

}  // namespace millrace::sql
