// Reading XML documents into nodes.
#include <charconv>

#include "columnar/utf8_internal.h"
#include "columnar/xml_internal.h"

namespace millrace::columnar {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_name(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalnum(byte) != 0 || c == '_' || c == '-' || c == '.' || c == ':';
}

class Reader {
public:
    Reader(std::string_view text, std::string& error) : text_(text), error_(error) {}

    std::unique_ptr<XmlNode> document() {
        auto root = std::make_unique<XmlNode>();
        root->kind = XmlNode::Kind::kDocument;
        if (!misc() || at_ == text_.size()) return refuse("no element");
        auto element = this->element(root.get(), 0);
        if (!element) return nullptr;
        root->children.push_back(std::move(element));
        if (!misc() || at_ < text_.size()) return refuse("text after the document's element");
        return root;
    }

private:
    std::unique_ptr<XmlNode> refuse(std::string_view why) {
        if (error_.empty()) error_ = why;
        return nullptr;
    }
    bool take(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }
    void blanks() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    bool skip_past(std::string_view end) {
        const std::size_t found = text_.find(end, at_);
        if (found == std::string_view::npos) return false;
        at_ = found + end.size();
        return true;
    }
    // Blanks, comments, processing instructions and a document type.
    bool misc() {
        while (true) {
            blanks();
            if (take("<?")) {
                if (!skip_past("?>")) return false;
            } else if (take("<!--")) {
                if (!skip_past("-->")) return false;
            } else if (take("<!DOCTYPE")) {
                if (!skip_past(">")) return false;
            } else {
                return true;
            }
        }
    }
    std::string_view name() {
        const std::size_t from = at_;
        while (at_ < text_.size() && is_name(text_[at_])) ++at_;
        return text_.substr(from, at_ - from);
    }
    // Text up to one of `ends`, entities resolved.
    bool characters(std::string_view ends, std::string& out) {
        while (at_ < text_.size() && ends.find(text_[at_]) == std::string_view::npos) {
            if (text_[at_] != '&') {
                out.push_back(text_[at_++]);
                continue;
            }
            const std::size_t end = text_.find(';', at_);
            if (end == std::string_view::npos || end - at_ > 12) return false;
            std::string_view entity = text_.substr(at_ + 1, end - at_ - 1);
            at_ = end + 1;
            if (entity == "lt") {
                out.push_back('<');
            } else if (entity == "gt") {
                out.push_back('>');
            } else if (entity == "amp") {
                out.push_back('&');
            } else if (entity == "quot") {
                out.push_back('"');
            } else if (entity == "apos") {
                out.push_back('\'');
            } else if (entity.starts_with('#')) {
                entity.remove_prefix(1);
                const bool hex = entity.starts_with('x');
                if (hex) entity.remove_prefix(1);
                std::int32_t code = 0;
                const auto [stop, failure] = std::from_chars(
                    entity.data(), entity.data() + entity.size(), code, hex ? 16 : 10);
                if (failure != std::errc() || stop != entity.data() + entity.size() || code <= 0 ||
                    code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
                    return false;
                }
                append_code_point(out, code);
            } else {
                return false;
            }
        }
        return true;
    }

    std::unique_ptr<XmlNode> element(XmlNode* parent, int depth) {
        if (depth > kDeepestXml) return refuse("elements are nested too deep");
        if (!take("<")) return refuse("an element is expected");
        auto node = std::make_unique<XmlNode>();
        node->parent = parent;
        node->order = ++order_;
        node->name = name();
        if (node->name.empty()) return refuse("an element without a name");
        while (true) {
            blanks();
            if (take("/>")) return node;
            if (take(">")) break;
            auto attribute = std::make_unique<XmlNode>();
            attribute->kind = XmlNode::Kind::kAttribute;
            attribute->parent = node.get();
            attribute->order = ++order_;
            attribute->name = name();
            blanks();
            if (attribute->name.empty() || !take("=")) return refuse("a malformed attribute");
            blanks();
            const char quote = at_ < text_.size() ? text_[at_] : '\0';
            if (quote != '"' && quote != '\'') return refuse("an attribute without quotes");
            ++at_;
            if (!characters({&quote, 1}, attribute->text) || at_ == text_.size()) {
                return refuse("a malformed attribute");
            }
            ++at_;
            node->attributes.push_back(std::move(attribute));
        }
        std::string text;
        const auto end_text = [&] {
            if (text.empty()) return;
            auto child = std::make_unique<XmlNode>();
            child->kind = XmlNode::Kind::kText;
            child->parent = node.get();
            child->order = ++order_;
            child->text = std::move(text);
            text.clear();
            node->children.push_back(std::move(child));
        };
        while (at_ < text_.size()) {
            if (text_[at_] != '<') {
                if (!characters("<", text)) return refuse("an unknown entity");
            } else if (take("<!--")) {
                if (!skip_past("-->")) return refuse("a comment without end");
            } else if (take("<![CDATA[")) {
                const std::size_t end = text_.find("]]>", at_);
                if (end == std::string_view::npos) return refuse("CDATA without end");
                text += text_.substr(at_, end - at_);
                at_ = end + 3;
            } else if (take("<?")) {
                if (!skip_past("?>")) return refuse("an instruction without end");
            } else if (take("</")) {
                end_text();
                if (name() != node->name) return refuse("an element ends by another name");
                blanks();
                if (!take(">")) return refuse("a malformed end of an element");
                return node;
            } else {
                end_text();
                auto child = element(node.get(), depth + 1);
                if (!child) return nullptr;
                node->children.push_back(std::move(child));
            }
        }
        return refuse("an element without end");
    }

    std::string_view text_;
    std::string& error_;
    std::size_t at_ = 0;
    std::size_t order_ = 0;
};

void append_text(const XmlNode& node, std::string& to) {
    to += node.text;
    for (const auto& child : node.children) append_text(*child, to);
}

}  // namespace

std::string XmlNode::string_value() const {
    std::string result;
    append_text(*this, result);
    return result;
}

std::unique_ptr<XmlNode> parse_xml(std::string_view text, std::string& error) {
    return Reader(text, error).document();
}

}  // namespace millrace::columnar
