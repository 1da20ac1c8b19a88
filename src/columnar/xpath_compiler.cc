// The grammar of XPath 1.0 by recursive descent; nesting is bounded.
#include <charconv>

#include "columnar/xpath_internal.h"

namespace millrace::columnar {

namespace {

using Expression = XPath::Expression;

class Compiler {
public:
    Compiler(std::string_view text, std::string& error) : text_(text), error_(error) {}

    std::unique_ptr<Expression> whole() {
        auto result = binary(0, 0);
        blanks();
        if (result && at_ < text_.size()) return refuse();
        return result;
    }

private:
    static constexpr int kDeepest = 100;

    std::unique_ptr<Expression> refuse() {
        if (error_.empty()) error_ = "at position " + std::to_string(at_);
        return nullptr;
    }
    void blanks() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
            ++at_;
        }
    }
    bool at(std::string_view token) {
        blanks();
        return text_.substr(at_).starts_with(token);
    }
    bool take(std::string_view token) {
        if (!at(token)) return false;
        at_ += token.size();
        return true;
    }
    static bool is_name(char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x80 || std::isalnum(byte) != 0 || c == '_' || c == '-' || c == '.';
    }
    std::string name() {
        blanks();
        const std::size_t from = at_;
        while (at_ < text_.size() &&
               (is_name(text_[at_]) ||
                (text_[at_] == ':' && at_ + 1 < text_.size() && text_[at_ + 1] != ':' &&
                 at_ > from && text_[at_ - 1] != ':'))) {
            ++at_;
        }
        return std::string(text_.substr(from, at_ - from));
    }
    bool take_word(std::string_view word) {
        blanks();
        const std::size_t from = at_;
        if (name() == word) return true;
        at_ = from;
        return false;
    }

    // Operators by precedence, the weakest first.
    std::string take_operator(int level) {
        static const std::vector<std::vector<std::string>> kLevels = {
            {"or"}, {"and"}, {"!=", "="}, {"<=", ">=", "<", ">"}, {"+", "-"}, {"*", "div", "mod"}};
        for (const std::string& token : kLevels[static_cast<std::size_t>(level)]) {
            const bool word = std::isalpha(static_cast<unsigned char>(token[0])) != 0;
            if (word ? take_word(token) : take(token)) return token;
        }
        return {};
    }
    std::unique_ptr<Expression> binary(int level, int depth) {
        if (depth > kDeepest) return refuse();
        if (level == 6) return unary(depth);
        auto left = binary(level + 1, depth);
        while (left) {
            const std::string token = take_operator(level);
            if (token.empty()) return left;
            auto right = binary(level + 1, depth);
            if (!right) return nullptr;
            left = operation(token, std::move(left), std::move(right));
        }
        return left;
    }
    static std::unique_ptr<Expression> operation(const std::string& token,
                                                 std::unique_ptr<Expression> left,
                                                 std::unique_ptr<Expression> right) {
        auto result = std::make_unique<Expression>();
        result->kind = Expression::Kind::kOperator;
        result->text = token;
        result->parts.push_back(std::move(left));
        if (right) result->parts.push_back(std::move(right));
        return result;
    }
    std::unique_ptr<Expression> unary(int depth) {
        if (take("-")) {
            auto operand = depth < kDeepest ? unary(depth + 1) : refuse();
            return operand ? operation("negate", std::move(operand), nullptr) : nullptr;
        }
        auto left = path(depth + 1);
        while (left && take("|")) {
            auto right = path(depth + 1);
            if (!right) return nullptr;
            left = operation("|", std::move(left), std::move(right));
        }
        return left;
    }

    bool predicates(std::vector<std::unique_ptr<Expression>>& to, int depth) {
        while (take("[")) {
            auto predicate = binary(0, depth + 1);
            if (!predicate || !take("]")) return false;
            to.push_back(std::move(predicate));
        }
        return true;
    }

    // A literal, a call, a group, or a path; the first three may be followed by steps.
    std::unique_ptr<Expression> path(int depth) {
        blanks();
        if (at_ == text_.size()) return refuse();
        auto result = std::make_unique<Expression>();
        const char c = text_[at_];
        if (c == '"' || c == '\'') {
            const std::size_t end = text_.find(c, at_ + 1);
            if (end == std::string_view::npos) return refuse();
            result->kind = Expression::Kind::kText;
            result->text = text_.substr(at_ + 1, end - at_ - 1);
            at_ = end + 1;
            return result;
        }
        const bool digit_next =
            at_ + 1 < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_ + 1])) != 0;
        if (std::isdigit(static_cast<unsigned char>(c)) != 0 || (c == '.' && digit_next)) {
            const auto [end, error] =
                std::from_chars(text_.data() + at_, text_.data() + text_.size(), result->number,
                                std::chars_format::fixed);
            if (error != std::errc()) return refuse();
            result->kind = Expression::Kind::kNumber;
            at_ = static_cast<std::size_t>(end - text_.data());
            return result;
        }
        std::unique_ptr<Expression> start;
        if (take("(")) {
            start = binary(0, depth + 1);
            if (!start || !take(")")) return refuse();
        } else {
            start = call(depth);
            if (!error_.empty()) return nullptr;
        }
        if (start) {
            Step filter{.axis = Axis::kSelf, .test = NodeTest::kNode};
            if (!predicates(filter.predicates, depth)) return refuse();
            if (filter.predicates.empty() && !at("/")) return start;
            result->kind = Expression::Kind::kFilter;
            result->parts.push_back(std::move(start));
            if (!filter.predicates.empty()) result->steps.push_back(std::move(filter));
            if (!at("/")) return result;
        }
        if (take("//")) {
            result->absolute = !start && result->parts.empty();
            result->steps.push_back({.axis = Axis::kDescendant, .test = NodeTest::kNode});
        } else if (take("/")) {
            result->absolute = result->parts.empty();
            blanks();
            const bool ends = at_ == text_.size() || text_[at_] == ')' || text_[at_] == ']';
            if (result->absolute && ends) return result;
        }
        while (true) {
            if (!step(*result, depth)) return refuse();
            if (take("//")) {
                result->steps.push_back({.axis = Axis::kDescendant, .test = NodeTest::kNode});
            } else if (!take("/")) {
                return result;
            }
        }
    }

    // f(…), unless the name is a test of a node.
    std::unique_ptr<Expression> call(int depth) {
        const std::size_t from = at_;
        const std::string function = name();
        const bool is_call = !function.empty() && function != "text" && function != "node" &&
                             function != "comment" && take("(");
        if (!is_call) {
            at_ = from;
            return nullptr;
        }
        auto result = std::make_unique<Expression>();
        result->kind = Expression::Kind::kCall;
        result->text = function;
        if (take(")")) return result;
        do {
            auto argument = binary(0, depth + 1);
            if (!argument) return refuse();
            result->parts.push_back(std::move(argument));
        } while (take(","));
        return take(")") ? std::move(result) : refuse();
    }

    bool step(Expression& to, int depth) {
        Step result;
        if (take("..")) {
            result = {.axis = Axis::kParent, .test = NodeTest::kNode};
        } else if (take(".")) {
            result = {.axis = Axis::kSelf, .test = NodeTest::kNode};
        } else {
            if (take("@")) {
                result.axis = Axis::kAttribute;
            } else {
                static const std::vector<std::pair<std::string_view, Axis>> kAxes = {
                    {"child::", Axis::kChild},
                    {"descendant-or-self::", Axis::kDescendant},
                    {"attribute::", Axis::kAttribute},
                    {"self::", Axis::kSelf},
                    {"parent::", Axis::kParent},
                    {"ancestor::", Axis::kAncestor},
                    {"following-sibling::", Axis::kFollowingSibling},
                    {"preceding-sibling::", Axis::kPrecedingSibling}};
                for (const auto& [word, axis] : kAxes) {
                    if (take(word)) {
                        result.axis = axis;
                        break;
                    }
                }
            }
            if (take("*")) {
                result.test = NodeTest::kAnyName;
            } else {
                result.name = name();
                if (result.name.empty()) return false;
                if ((result.name == "text" || result.name == "node") && take("(")) {
                    result.test = result.name == "text" ? NodeTest::kText : NodeTest::kNode;
                    if (!take(")")) return false;
                }
            }
        }
        if (!predicates(result.predicates, depth)) return false;
        to.steps.push_back(std::move(result));
        return true;
    }

    std::string_view text_;
    std::string& error_;
    std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<XPath::Expression> compile_xpath(std::string_view text, std::string& error) {
    return Compiler(text, error).whole();
}

}  // namespace millrace::columnar
