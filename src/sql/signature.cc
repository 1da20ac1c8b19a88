#include <mutex>
#include <unordered_map>

#include "base/check.h"
#include "sql/parser.h"
#include "sql/signature_internal.h"

namespace millrace::sql {

namespace {

using Kind = TypeClass::Kind;

class SignatureReader {
public:
    explicit SignatureReader(std::string_view text) : text_(text) {}

    std::vector<Signature> all() {
        std::vector<Signature> result;
        do {
            result.push_back(one());
        } while (take(";"));
        MR_CHECK(at_ == text_.size());
        return result;
    }

private:
    void skip() {
        while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    }
    bool take(std::string_view token) {
        skip();
        if (text_.substr(at_, token.size()) != token) return false;
        at_ += token.size();
        return true;
    }
    void expect(std::string_view token) { MR_CHECK(take(token)); }

    std::string_view word() {
        skip();
        const std::size_t from = at_;
        while (at_ < text_.size() &&
               (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_')) {
            ++at_;
        }
        return text_.substr(from, at_ - from);
    }

    int number() {
        int value = 0;
        for (const char c : word()) value = value * 10 + (c - '0');
        return value;
    }

    Signature one() {
        Signature signature;
        expect("(");
        if (!take(")")) {
            do {
                signature.arguments.push_back(argument());
            } while (take(","));
            expect(")");
        }
        expect("->");
        signature.result = type_class();
        return signature;
    }

    TypeClass argument() {
        TypeClass result = type_class();
        if (take("...")) {
            result.variadic = true;
        } else if (take("?")) {
            result.optional = true;
        } else if (take("=")) {
            result.optional = true;
            result.default_value = literal();
        }
        return result;
    }

    plan::Literal literal() {
        skip();
        const std::size_t from = at_;
        if (text_[at_] == '\'') {
            at_ = text_.find('\'', at_ + 1) + 1;
        } else {
            while (text_[at_] != ',' && text_[at_] != ')') ++at_;
        }
        const auto parsed = parse_expression(text_.substr(from, at_ - from));
        MR_CHECK(parsed.has_value());
        const auto* value = (*parsed)->as<plan::Literal>();
        MR_CHECK(value != nullptr);
        return *value;
    }

    TypeClass type_class() {
        TypeClass result;
        if (take("lit ")) {
            result = type_class();
            result.constant = true;
            return result;
        }
        const std::string_view name = word();
        if (name.size() == 1 && name[0] >= 'A' && name[0] <= 'Z') {
            result.kind = Kind::kVariable;
            result.letter = name[0];
        } else if (name.size() == 1 && name[0] >= '0' && name[0] <= '9') {
            result.kind = Kind::kArgument;
            result.index = name[0] - '0';
        } else if (name == "array") {
            result.kind = Kind::kArray;
            expect("<");
            result.children.push_back(type_class());
            expect(">");
        } else if (name == "map") {
            result.kind = Kind::kMap;
            expect("<");
            result.children.push_back(type_class());
            expect(",");
            result.children.push_back(type_class());
            expect(">");
        } else if (name == "fn") {
            result.kind = Kind::kLambda;
            expect("(");
            do {
                result.children.push_back(type_class());
                if (take("?")) ++result.optional_parameters;
            } while (take(","));
            expect(")");
            expect("->");
            result.children.push_back(type_class());
        } else {
            simple(name, result);
        }
        return result;
    }

    void simple(std::string_view name, TypeClass& result) {
        static const std::unordered_map<std::string_view, Kind> kinds = {
            {"any", Kind::kAny},
            {"numeric", Kind::kNumeric},
            {"integral", Kind::kIntegral},
            {"fractional", Kind::kFractional},
            {"orderable", Kind::kOrderable},
            {"temporal", Kind::kTemporal},
            {"textual", Kind::kTextual},
            {"complex", Kind::kComplex},
            {"anyinterval", Kind::kAnyInterval},
            {"decimal", Kind::kDecimal},
            {"struct", Kind::kStruct},
            {"rule", Kind::kRule},
        };
        if (const auto found = kinds.find(name); found != kinds.end()) {
            result.kind = found->second;
            if (name == "decimal" && take("(")) {
                const int precision = number();
                expect(",");
                const int scale = number();
                expect(")");
                result.kind = Kind::kExact;
                result.type = plan::DataType::decimal(precision, scale);
            }
            return;
        }
        result.kind = Kind::kExact;
        if (name == "dt") {
            result.type = plan::DataType::day_time_interval();
        } else if (name == "ym") {
            result.type = plan::DataType::year_month_interval();
        } else {
            const auto parsed = parse_type(name);
            MR_CHECK(parsed.has_value());
            result.type = *parsed;
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::size_t Signature::min_arguments() const {
    std::size_t count = 0;
    for (const TypeClass& argument : arguments) {
        if (!argument.optional && !argument.variadic) ++count;
    }
    return count;
}

std::size_t Signature::max_arguments() const {
    if (!arguments.empty() && arguments.back().variadic) return std::string_view::npos;
    return arguments.size();
}

const std::vector<Signature>& signatures_of(const FunctionRow& row) {
    static std::mutex mutex;
    static std::unordered_map<const FunctionRow*, std::vector<Signature>> cache;
    const std::lock_guard lock(mutex);
    auto found = cache.find(&row);
    if (found == cache.end()) {
        // Parsing a default value never comes back here: literals need no function.
        found = cache.emplace(&row, SignatureReader(row.signature).all()).first;
    }
    return found->second;
}

}  // namespace millrace::sql
