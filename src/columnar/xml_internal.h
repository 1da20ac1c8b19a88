// XML documents and XPath 1.0 over them, for functions over text.
//
// A document is read whole into nodes that refer to its text; it has no namespaces, no DTD and no
// entities but the five of XML and characters by number. Depth is bounded: readers recurse.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::columnar {

inline constexpr int kDeepestXml = 200;

struct XmlNode {
    enum class Kind : std::uint8_t { kDocument, kElement, kAttribute, kText };
    Kind kind = Kind::kElement;
    std::string name;
    std::string text;  // Of texts and attributes.
    XmlNode* parent = nullptr;
    std::size_t order = 0;  // In the document.
    std::vector<std::unique_ptr<XmlNode>> attributes;
    std::vector<std::unique_ptr<XmlNode>> children;

    std::string string_value() const;
};

// The document node; nothing, and why, when the text is no XML.
std::unique_ptr<XmlNode> parse_xml(std::string_view text, std::string& error);

// What an expression of XPath gives.
struct XPathValue {
    enum class Kind : std::uint8_t { kNodes, kNumber, kText, kBoolean };
    Kind kind = Kind::kNodes;
    std::vector<const XmlNode*> nodes;  // In document order.
    double number = 0;
    std::string text;
    bool boolean = false;

    std::string as_text() const;
    double as_number() const;
    bool as_boolean() const;
};

// A compiled expression. Immutable.
class XPath {
public:
    // Nothing, and why, when the text is no expression.
    static std::unique_ptr<XPath> make(std::string_view text, std::string& error);
    ~XPath();
    XPathValue evaluate(const XmlNode& document) const;

    struct Expression;

private:
    explicit XPath(std::unique_ptr<Expression> root);
    std::unique_ptr<Expression> root_;
};

}  // namespace millrace::columnar
