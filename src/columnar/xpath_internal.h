// A compiled expression of XPath, as its compiler leaves it to its evaluator.
#pragma once

#include "columnar/xml_internal.h"

namespace millrace::columnar {

enum class Axis : std::uint8_t {
    kChild,
    kDescendant,  // Or self.
    kAttribute,
    kSelf,
    kParent,
    kAncestor,
    kFollowingSibling,
    kPrecedingSibling
};
enum class NodeTest : std::uint8_t { kName, kAnyName, kText, kNode };

struct Step {
    Axis axis = Axis::kChild;
    NodeTest test = NodeTest::kName;
    std::string name;
    std::vector<std::unique_ptr<XPath::Expression>> predicates;
};

struct XPath::Expression {
    enum class Kind : std::uint8_t { kNumber, kText, kPath, kFilter, kCall, kOperator };
    Kind kind = Kind::kPath;
    double number = 0;
    std::string text;  // A literal, the function's name, the operator.
    bool absolute = false;
    std::vector<Step> steps;
    std::vector<std::unique_ptr<Expression>> parts;  // Operands, or what a filter starts from.
};

// Nothing, and why, when the text is no expression.
std::unique_ptr<XPath::Expression> compile_xpath(std::string_view text, std::string& error);

}  // namespace millrace::columnar
