// XPath 1.0: paths, predicates, operators and the functions over texts, numbers and nodes.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "columnar/display_internal.h"
#include "columnar/utf8_internal.h"
#include "columnar/xpath_internal.h"

namespace millrace::columnar {

namespace {

using Expression = XPath::Expression;
using Kind = XPathValue::Kind;

std::string number_text(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    if (value == std::trunc(value) && std::abs(value) < 1e15) {
        return std::to_string(static_cast<std::int64_t>(value));
    }
    char text[400];
    const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed);
    return {text, end.ptr};
}

double text_number(std::string_view text) {
    const std::size_t from = text.find_first_not_of(" \t\r\n");
    if (from == std::string_view::npos) return std::nan("");
    text = text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
    double value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    return error == std::errc() && end == text.data() + text.size() ? value : std::nan("");
}

struct Context {
    const XmlNode* node = nullptr;
    std::size_t position = 1;
    std::size_t size = 1;
    const XmlNode* document = nullptr;
};

XPathValue number_value(double number) {
    return {.kind = Kind::kNumber, .number = number};
}
XPathValue text_value(std::string text) {
    return {.kind = Kind::kText, .text = std::move(text)};
}
XPathValue boolean_value(bool boolean) {
    return {.kind = Kind::kBoolean, .boolean = boolean};
}

XPathValue evaluate(const Expression& expression, const Context& context);

bool fits(const XmlNode& node, const Step& step) {
    const bool principal = step.axis == Axis::kAttribute ? node.kind == XmlNode::Kind::kAttribute
                                                         : node.kind == XmlNode::Kind::kElement;
    switch (step.test) {
        case NodeTest::kNode: return true;
        case NodeTest::kText: return node.kind == XmlNode::Kind::kText;
        case NodeTest::kAnyName: return principal;
        case NodeTest::kName: return principal && node.name == step.name;
    }
    return false;
}

void add_descendants(const XmlNode& node, std::vector<const XmlNode*>& to) {
    to.push_back(&node);
    for (const auto& child : node.children) add_descendants(*child, to);
}

// The nodes of an axis, in its own order.
std::vector<const XmlNode*> along(const XmlNode& node, Axis axis) {
    std::vector<const XmlNode*> result;
    switch (axis) {
        case Axis::kChild:
            for (const auto& child : node.children) result.push_back(child.get());
            break;
        case Axis::kDescendant: add_descendants(node, result); break;
        case Axis::kAttribute:
            for (const auto& attribute : node.attributes) result.push_back(attribute.get());
            break;
        case Axis::kSelf: result.push_back(&node); break;
        case Axis::kParent:
            if (node.parent != nullptr) result.push_back(node.parent);
            break;
        case Axis::kAncestor:
            for (const XmlNode* up = node.parent; up != nullptr; up = up->parent) {
                result.push_back(up);
            }
            break;
        case Axis::kFollowingSibling:
        case Axis::kPrecedingSibling: {
            if (node.parent == nullptr) break;
            for (const auto& sibling : node.parent->children) {
                const bool after = sibling->order > node.order;
                if (sibling.get() != &node && after == (axis == Axis::kFollowingSibling)) {
                    result.push_back(sibling.get());
                }
            }
            if (axis == Axis::kPrecedingSibling) std::ranges::reverse(result);
            break;
        }
    }
    return result;
}

void keep(std::vector<const XmlNode*>& nodes, const Expression& predicate,
          const XmlNode* document) {
    std::vector<const XmlNode*> kept;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const XPathValue value = evaluate(predicate, {nodes[i], i + 1, nodes.size(), document});
        const bool good = value.kind == Kind::kNumber ? value.number == static_cast<double>(i + 1)
                                                      : value.as_boolean();
        if (good) kept.push_back(nodes[i]);
    }
    nodes = std::move(kept);
}

void in_order(std::vector<const XmlNode*>& nodes) {
    std::ranges::sort(nodes, {}, &XmlNode::order);
    const auto tail = std::ranges::unique(nodes);
    nodes.erase(tail.begin(), tail.end());
}

std::vector<const XmlNode*> walk(std::vector<const XmlNode*> nodes, const std::vector<Step>& steps,
                                 bool filters, const XmlNode* document) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const Step& step = steps[i];
        if (filters && i == 0 && step.axis == Axis::kSelf && !step.predicates.empty()) {
            // (…)[n] counts among all nodes of the group.
            for (const auto& predicate : step.predicates) keep(nodes, *predicate, document);
            continue;
        }
        std::vector<const XmlNode*> next;
        for (const XmlNode* node : nodes) {
            std::vector<const XmlNode*> found = along(*node, step.axis);
            std::erase_if(found, [&](const XmlNode* one) { return !fits(*one, step); });
            for (const auto& predicate : step.predicates) keep(found, *predicate, document);
            next.insert(next.end(), found.begin(), found.end());
        }
        in_order(next);
        nodes = std::move(next);
    }
    return nodes;
}

bool compare(std::string_view op, double a, double b) {
    if (op == "=") return a == b;
    if (op == "!=") return a != b;
    if (op == "<") return a < b;
    if (op == "<=") return a <= b;
    if (op == ">") return a > b;
    return a >= b;
}

// A node set compares when one of its nodes does.
bool compare(std::string_view op, const XPathValue& left, const XPathValue& right) {
    if (left.kind == Kind::kNodes && right.kind != Kind::kBoolean) {
        return std::ranges::any_of(left.nodes, [&](const XmlNode* node) {
            return compare(op, text_value(node->string_value()), right);
        });
    }
    if (right.kind == Kind::kNodes && left.kind != Kind::kBoolean) {
        return std::ranges::any_of(right.nodes, [&](const XmlNode* node) {
            return compare(op, left, text_value(node->string_value()));
        });
    }
    if (op == "=" || op == "!=") {
        bool equal = false;
        if (left.kind == Kind::kBoolean || right.kind == Kind::kBoolean) {
            equal = left.as_boolean() == right.as_boolean();
        } else if (left.kind == Kind::kNumber || right.kind == Kind::kNumber) {
            return compare(op, left.as_number(), right.as_number());
        } else {
            equal = left.as_text() == right.as_text();
        }
        return equal == (op == "=");
    }
    return compare(op, left.as_number(), right.as_number());
}

XPathValue operate(const Expression& expression, const Context& context) {
    const std::string& op = expression.text;
    const XPathValue left = evaluate(*expression.parts[0], context);
    if (op == "negate") return number_value(-left.as_number());
    if (op == "or" && left.as_boolean()) return boolean_value(true);
    if (op == "and" && !left.as_boolean()) return boolean_value(false);
    XPathValue right = evaluate(*expression.parts[1], context);
    if (op == "or" || op == "and") return boolean_value(right.as_boolean());
    if (op == "|") {
        right.nodes.insert(right.nodes.end(), left.nodes.begin(), left.nodes.end());
        in_order(right.nodes);
        return {.nodes = std::move(right.nodes)};
    }
    const double a = left.as_number();
    const double b = right.as_number();
    if (op == "+") return number_value(a + b);
    if (op == "-") return number_value(a - b);
    if (op == "*") return number_value(a * b);
    if (op == "div") return number_value(a / b);
    if (op == "mod") return number_value(std::fmod(a, b));
    return boolean_value(compare(op, left, right));
}

std::string normalized(std::string_view text) {
    std::string result;
    for (const char c : text) {
        const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (!blank) {
            result.push_back(c);
        } else if (!result.empty() && result.back() != ' ') {
            result.push_back(' ');
        }
    }
    if (result.ends_with(' ')) result.pop_back();
    return result;
}

XPathValue call(const Expression& expression, const Context& context) {
    const std::string& name = expression.text;
    std::vector<XPathValue> args;
    for (const auto& part : expression.parts) args.push_back(evaluate(*part, context));
    const auto text = [&](std::size_t i) {
        return i < args.size() ? args[i].as_text() : context.node->string_value();
    };
    const auto number = [&](std::size_t i) {
        return i < args.size() ? args[i].as_number() : text_number(context.node->string_value());
    };
    if (name == "position") return number_value(static_cast<double>(context.position));
    if (name == "last") return number_value(static_cast<double>(context.size));
    if (name == "count" && !args.empty()) {
        return number_value(static_cast<double>(args[0].nodes.size()));
    }
    if (name == "sum" && !args.empty()) {
        double sum = 0;
        for (const XmlNode* node : args[0].nodes) sum += text_number(node->string_value());
        return number_value(sum);
    }
    if (name == "name" || name == "local-name") {
        const XmlNode* node = args.empty()            ? context.node
                              : args[0].nodes.empty() ? nullptr
                                                      : args[0].nodes[0];
        std::string result = node == nullptr ? "" : node->name;
        if (name == "local-name") result.erase(0, result.find(':') + 1);
        return text_value(std::move(result));
    }
    if (name == "true" || name == "false") return boolean_value(name == "true");
    if (name == "not") return boolean_value(args.empty() || !args[0].as_boolean());
    if (name == "boolean") return boolean_value(!args.empty() && args[0].as_boolean());
    if (name == "string") return text_value(text(0));
    if (name == "number") return number_value(number(0));
    if (name == "floor") return number_value(std::floor(number(0)));
    if (name == "ceiling") return number_value(std::ceil(number(0)));
    if (name == "round") return number_value(std::floor(number(0) + 0.5));
    if (name == "string-length") return number_value(static_cast<double>(characters(text(0))));
    if (name == "normalize-space") return text_value(normalized(text(0)));
    if (name == "concat") {
        std::string result;
        for (const XPathValue& arg : args) result += arg.as_text();
        return text_value(std::move(result));
    }
    if (args.size() >= 2) {
        const std::string all = text(0);
        const std::string part = text(1);
        const std::size_t found = all.find(part);
        if (name == "contains") return boolean_value(found != std::string::npos);
        if (name == "starts-with") return boolean_value(all.starts_with(part));
        if (name == "substring-before") {
            return text_value(found == std::string::npos ? "" : all.substr(0, found));
        }
        if (name == "substring-after") {
            return text_value(found == std::string::npos ? "" : all.substr(found + part.size()));
        }
        if (name == "substring") {
            const double from = std::floor(number(1) + 0.5);
            const double to = args.size() > 2 ? from + std::floor(number(2) + 0.5) : INFINITY;
            std::string result;
            double place = 1;
            for (std::size_t at = 0; at < all.size(); ++place) {
                const std::size_t bytes = character_bytes(all, at);
                if (place >= from && place < to) result += all.substr(at, bytes);
                at += bytes;
            }
            return text_value(std::move(result));
        }
        if (name == "translate" && args.size() > 2) {
            const std::string by = text(2);
            std::string result;
            for (const char c : all) {
                const std::size_t place = part.find(c);
                if (place == std::string::npos) {
                    result.push_back(c);
                } else if (place < by.size()) {
                    result.push_back(by[place]);
                }
            }
            return text_value(std::move(result));
        }
    }
    return {};
}

XPathValue evaluate(const Expression& expression, const Context& context) {
    switch (expression.kind) {
        case Expression::Kind::kNumber: return number_value(expression.number);
        case Expression::Kind::kText: return text_value(expression.text);
        case Expression::Kind::kCall: return call(expression, context);
        case Expression::Kind::kOperator: return operate(expression, context);
        case Expression::Kind::kPath:
            return {.nodes = walk({expression.absolute ? context.document : context.node},
                                  expression.steps, false, context.document)};
        case Expression::Kind::kFilter: break;
    }
    const XPathValue start = evaluate(*expression.parts[0], context);
    return {.nodes = walk(start.nodes, expression.steps, true, context.document)};
}

}  // namespace

std::string XPathValue::as_text() const {
    switch (kind) {
        case Kind::kNodes: return nodes.empty() ? "" : nodes[0]->string_value();
        case Kind::kNumber: return number_text(number);
        case Kind::kText: return text;
        case Kind::kBoolean: return boolean ? "true" : "false";
    }
    return {};
}
double XPathValue::as_number() const {
    if (kind == Kind::kNumber) return number;
    if (kind == Kind::kBoolean) return boolean ? 1 : 0;
    return text_number(as_text());
}
bool XPathValue::as_boolean() const {
    switch (kind) {
        case Kind::kNodes: return !nodes.empty();
        case Kind::kNumber: return number != 0 && !std::isnan(number);
        case Kind::kText: return !text.empty();
        case Kind::kBoolean: return boolean;
    }
    return false;
}

XPath::XPath(std::unique_ptr<Expression> root) : root_(std::move(root)) {}
XPath::~XPath() = default;

std::unique_ptr<XPath> XPath::make(std::string_view text, std::string& error) {
    auto root = compile_xpath(text, error);
    if (!root) return nullptr;
    return std::unique_ptr<XPath>(new XPath(std::move(root)));
}

XPathValue XPath::evaluate(const XmlNode& document) const {
    return columnar::evaluate(*root_, {&document, 1, 1, &document});
}

}  // namespace millrace::columnar
