#include "streaming/json.h"

#include <charconv>

namespace millrace::streaming {

using base::Code;
using base::fail;
using base::Result;

namespace {

constexpr int kMaxDepth = 64;

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<Json> whole() {
        MR_TRY(Json value, any(0));
        skip_space();
        if (at_ != text_.size()) return wrong("more text after the value");
        return value;
    }

private:
    std::unexpected<base::Error> wrong(std::string_view what) const {
        return fail(Code::kParse, "not JSON: {} at character {}", what, at_);
    }
    void skip_space() {
        while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) ++at_;
    }
    bool eat(char c) {
        skip_space();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    bool eat_word(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }

    Result<Json> any(int depth) {
        if (depth > kMaxDepth) return wrong("nested too deep");
        skip_space();
        if (at_ >= text_.size()) return wrong("nothing");
        Json value;
        if (eat('{')) {
            value.kind = Json::Kind::kObject;
            if (eat('}')) return value;
            do {
                skip_space();
                MR_TRY(std::string name, string());
                if (!eat(':')) return wrong("no ':'");
                MR_TRY(Json member, any(depth + 1));
                value.members.push_back({std::move(name), std::move(member)});
            } while (eat(','));
            if (!eat('}')) return wrong("no '}'");
            return value;
        }
        if (eat('[')) {
            value.kind = Json::Kind::kArray;
            if (eat(']')) return value;
            do {
                MR_TRY(Json element, any(depth + 1));
                value.elements.push_back(std::move(element));
            } while (eat(','));
            if (!eat(']')) return wrong("no ']'");
            return value;
        }
        if (text_[at_] == '"') {
            value.kind = Json::Kind::kString;
            MR_TRY(value.text, string());
            return value;
        }
        if (eat_word("null")) return value;
        if (eat_word("true") || eat_word("false")) {
            value.kind = Json::Kind::kBoolean;
            value.boolean = text_[at_ - 2] == 'u';
            return value;
        }
        const std::size_t start = at_;
        while (at_ < text_.size() && std::string_view("+-.0123456789eE").contains(text_[at_]))
            ++at_;
        if (at_ == start) return wrong("an unknown word");
        value.kind = Json::Kind::kNumber;
        value.text = text_.substr(start, at_ - start);
        return value;
    }

    Result<std::string> string() {
        if (at_ >= text_.size() || text_[at_] != '"') return wrong("no string");
        ++at_;
        std::string content;
        while (at_ < text_.size() && text_[at_] != '"') {
            if (text_[at_] != '\\') {
                content.push_back(text_[at_++]);
                continue;
            }
            if (++at_ >= text_.size()) break;
            const char escape = text_[at_++];
            switch (escape) {
                case 'b': content.push_back('\b'); break;
                case 'f': content.push_back('\f'); break;
                case 'n': content.push_back('\n'); break;
                case 'r': content.push_back('\r'); break;
                case 't': content.push_back('\t'); break;
                case 'u': {
                    MR_TRY(std::uint32_t code, hex4());
                    if (code >= 0xd800 && code < 0xdc00 && eat_word("\\u")) {
                        MR_TRY(const std::uint32_t low, hex4());
                        if (low < 0xdc00 || low >= 0xe000) return wrong("half a character");
                        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    }
                    append_utf8(content, code);
                    break;
                }
                default: content.push_back(escape); break;
            }
        }
        if (at_ >= text_.size()) return wrong("a string without an end");
        ++at_;
        return content;
    }

    Result<std::uint32_t> hex4() {
        std::uint32_t code = 0;
        const char* from = text_.data() + at_;
        if (text_.size() - at_ < 4 || std::from_chars(from, from + 4, code, 16).ptr != from + 4) {
            return wrong("a bad \\u");
        }
        at_ += 4;
        return code;
    }

    static void append_utf8(std::string& to, std::uint32_t code) {
        if (code < 0x80) {
            to.push_back(static_cast<char>(code));
            return;
        }
        if (code < 0x800) {
            to.push_back(static_cast<char>(0xc0 | (code >> 6)));
        } else {
            if (code < 0x10000) {
                to.push_back(static_cast<char>(0xe0 | (code >> 12)));
            } else {
                to.push_back(static_cast<char>(0xf0 | (code >> 18)));
                to.push_back(static_cast<char>(0x80 | ((code >> 12) & 0x3f)));
            }
            to.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
        }
        to.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

const Json* Json::member(std::string_view name) const {
    for (const auto& [key, value] : members) {
        if (key == name) return &value;
    }
    return nullptr;
}

std::optional<std::int64_t> Json::integer() const {
    if (kind != Kind::kNumber) return std::nullopt;
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc() || stop != end) return std::nullopt;
    return value;
}

Result<Json> parse_json(std::string_view text) {
    return Parser(text).whole();
}

std::string json_quote(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        switch (c) {
            case '"': quoted += "\\\""; break;
            case '\\': quoted += "\\\\"; break;
            case '\n': quoted += "\\n"; break;
            case '\r': quoted += "\\r"; break;
            case '\t': quoted += "\\t"; break;
            case '\b': quoted += "\\b"; break;
            case '\f': quoted += "\\f"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
                } else {
                    quoted.push_back(c);
                }
        }
    }
    quoted.push_back('"');
    return quoted;
}

}  // namespace millrace::streaming
