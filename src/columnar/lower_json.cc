// JSON in expressions, and what is computed once a row.
#include "columnar/lowering_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypedExpr;
using plan::TypeKind;

namespace {

const std::string* constant_text(const TypedExpr& expression) {
    const auto* constant = expression.as<plan::Literal>();
    return constant == nullptr ? nullptr : std::get_if<std::string>(&constant->value);
}

}  // namespace

Result<plan::Options> Lowering::constant_options(const TypedExpr& expression) {
    plan::Options options;
    const auto put = [&](const std::string& key, const std::string& value) {
        std::string lower = key;
        for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        options[lower] = value;
    };
    if (const auto* constant = expression.as<plan::Literal>()) {
        const auto* children = std::get_if<std::vector<plan::Literal>>(&constant->value);
        for (std::size_t i = 0; children != nullptr && i + 1 < children->size(); i += 2) {
            const auto* key = std::get_if<std::string>(&(*children)[i].value);
            const auto* value = std::get_if<std::string>(&(*children)[i + 1].value);
            if (key != nullptr && value != nullptr) put(*key, *value);
        }
        return options;
    }
    const auto* call = expression.as<plan::FunctionCall>();
    if (call != nullptr && call->name == "map") {
        for (std::size_t i = 0; i + 1 < call->args.size(); i += 2) {
            const std::string* key = constant_text(*call->args[i]);
            const std::string* value = constant_text(*call->args[i + 1]);
            if (key == nullptr || value == nullptr) {
                return fail(Code::kAnalysis, "options must be constants");
            }
            put(*key, *value);
        }
        return options;
    }
    if (const auto* cast = expression.as<plan::TypedCast>()) return constant_options(*cast->child);
    return fail(Code::kAnalysis, "options must be constants");
}

Result<std::string> Lowering::hoist(const std::string& sql, const DataType& type) {
    if (hoisted_ == nullptr) return sql;
    MR_TRY(const std::string once, functions_.once(type));
    const std::string text = fmt::format("{}({})", once, sql);
    for (const auto& [name, known] : hoisted_->columns) {
        if (known == text) return name;
    }
    hoisted_->columns.emplace_back(fresh("h"), text);
    return hoisted_->columns.back().first;
}

std::string Lowering::with_hoisted(const std::string& input, const Hoisted& hoisted) {
    if (hoisted.columns.empty()) return input;
    std::string columns;
    for (const auto& [name, sql] : hoisted.columns) columns += fmt::format(", {} AS {}", sql, name);
    return fmt::format("SELECT *{} FROM ({})", columns, input);
}

Result<std::string> Lowering::from_json(const plan::FunctionCall& call, const DataType& type,
                                        const FieldSet& wanted) {
    if (type.is(TypeKind::kVariant)) {
        MR_TRY(const std::string text, expression(*call.args[0]));
        return fmt::format("mr_parse_json({}, 'try')", text);
    }
    plan::Options options;
    // The schema is in the call's type; options are the last argument, a map.
    if (call.args.back()->type.is(TypeKind::kMap)) {
        MR_TRY(options, constant_options(*call.args.back()));
    }
    const std::string zone = call.session_time_zone.empty() ? "UTC" : call.session_time_zone;
    // Bytes that were only cast to a string are parsed where they lie.
    const TypedExpr* source = call.args[0].get();
    const auto* child_cast = source->as<plan::TypedCast>();
    const bool binary = child_cast != nullptr && child_cast->child->type.is(TypeKind::kBinary);
    if (binary) source = child_cast->child.get();
    // What is hoisted is one SELECT: its columns cannot name each other.
    Hoisted* const outer = std::exchange(hoisted_, nullptr);
    const auto value = expression(*source);
    hoisted_ = outer;
    if (!value) return fail(value.error());
    const auto* column = source->as<plan::AttributeRef>();
    const bool borrows = outer != nullptr && column != nullptr && scanned_.contains(column->id);
    MR_TRY(const std::string reader,
           functions_.from_json(type, options, zone, binary, wanted, borrows));
    return hoist(fmt::format("{}({})", reader, *value), type);
}

Result<std::string> Lowering::to_json(const plan::FunctionCall& call) {
    plan::Options options;
    if (call.args.size() > 1) {
        MR_TRY(options, constant_options(*call.args.back()));
    }
    const std::string zone = call.session_time_zone.empty() ? "UTC" : call.session_time_zone;
    MR_TRY(const std::string value, expression(*call.args[0]));
    MR_TRY(const std::string writer, call.name == "to_xml"
                                         ? functions_.to_xml(call.args[0]->type, options, zone)
                                         : functions_.to_json(call.args[0]->type, options, zone));
    return fmt::format("{}({})", writer, value);
}

}  // namespace millrace::columnar
