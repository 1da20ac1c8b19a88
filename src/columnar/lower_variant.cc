// Variants in expressions: parts of them as values of a type, and values as variants.
#include "columnar/lowering_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypedExpr;
using plan::TypeKind;

Result<std::string> Lowering::variant_function(const plan::FunctionCall& call,
                                               const TypedExpr& whole) {
    const std::string zone = call.session_time_zone.empty() ? "UTC" : call.session_time_zone;
    MR_TRY(const auto texts, arguments(call.args));
    if (call.name == "to_variant_object") {
        return to_variant(texts[0], call.args[0]->type, zone);
    }
    MR_TRY(const std::string function,
           functions_.from_variant(whole.type, zone, call.name == "variant_get", call.name));
    return fmt::format("{}({}, {})", function, texts[0], texts[1]);
}

Result<std::string> Lowering::to_variant(const std::string& value, const DataType& from,
                                         const std::string& zone) {
    if (from.is(TypeKind::kVariant)) return value;
    MR_TRY(const std::string function, functions_.to_variant(from, zone));
    return fmt::format("{}({})", function, value);
}

}  // namespace millrace::columnar
