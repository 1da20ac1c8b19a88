#include <array>
#include <cctype>

#include "sql/lexer_internal.h"

namespace millrace::sql {

namespace {

bool is_digit(char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}
// Bytes of multi-byte characters count as letters.
bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
           (static_cast<unsigned char>(c) & 0x80) != 0;
}

void append_utf8(std::uint32_t code, std::string& into) {
    if (code < 0x80) {
        into += static_cast<char>(code);
    } else if (code < 0x800) {
        into += static_cast<char>(0xC0 | (code >> 6));
        into += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        into += static_cast<char>(0xE0 | (code >> 12));
        into += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        into += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x110000) {
        into += static_cast<char>(0xF0 | (code >> 18));
        into += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
        into += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        into += static_cast<char>(0x80 | (code & 0x3F));
    }
}

// Reads `digits` hexadecimal or octal digits at `at`; -1 when they are not there.
std::int64_t digits_at(std::string_view text, std::size_t at, int count, int base) {
    if (at + static_cast<std::size_t>(count) > text.size()) return -1;
    std::int64_t value = 0;
    for (int i = 0; i < count; ++i) {
        const char c = text[at + static_cast<std::size_t>(i)];
        int digit = -1;
        if (c >= '0' && c <= '9') digit = c - '0';
        if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
        if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
        if (digit < 0 || digit >= base) return -1;
        value = value * base + digit;
    }
    return value;
}

// Spark's escapes: \n and so on, \uXXXX, \UXXXXXXXX, \ooo; \% and \_ keep their backslash for LIKE.
std::string unescaped(std::string_view body) {
    std::string result;
    result.reserve(body.size());
    for (std::size_t i = 0; i < body.size(); ++i) {
        if (body[i] != '\\' || i + 1 == body.size()) {
            result += body[i];
            continue;
        }
        const char c = body[++i];
        if (const auto code = c == 'u' ? digits_at(body, i + 1, 4, 16) : -1; code >= 0) {
            append_utf8(static_cast<std::uint32_t>(code), result);
            i += 4;
        } else if (const auto wide = c == 'U' ? digits_at(body, i + 1, 8, 16) : -1; wide >= 0) {
            append_utf8(static_cast<std::uint32_t>(wide), result);
            i += 8;
        } else if (const auto octal = c >= '0' && c <= '1' ? digits_at(body, i, 3, 8) : -1;
                   octal >= 0) {
            append_utf8(static_cast<std::uint32_t>(octal), result);
            i += 2;
        } else {
            switch (c) {
                case '0': result += '\0'; break;
                case 'b': result += '\b'; break;
                case 'n': result += '\n'; break;
                case 'r': result += '\r'; break;
                case 't': result += '\t'; break;
                case 'Z': result += '\x1A'; break;
                case '%': result += "\\%"; break;
                case '_': result += "\\_"; break;
                default: result += c;
            }
        }
    }
    return result;
}

}  // namespace

Token Lexer::finish(TokenKind kind, std::size_t from) {
    Token token;
    token.kind = kind;
    token.text = text_.substr(from, at_ - from);
    token.start = static_cast<int>(from);
    token.stop = static_cast<int>(at_) - 1;
    return token;
}

// False when a comment is not closed; `token` then says where it began.
bool Lexer::skip_blanks(Token& token) {
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
            ++at_;
        } else if (text_.substr(at_, 2) == "--") {
            while (at_ < text_.size() && text_[at_] != '\n') {
                // A backslash at the end of a line carries the comment on.
                if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
                ++at_;
            }
        } else if (text_.substr(at_, 2) == "/*" && text_.substr(at_, 3) != "/*+") {
            const std::size_t from = at_;
            int depth = 0;
            do {
                if (at_ >= text_.size()) {
                    token = finish(TokenKind::kUnclosed, from);
                    return false;
                }
                if (text_.substr(at_, 2) == "/*") {
                    ++depth;
                    at_ += 2;
                } else if (text_.substr(at_, 2) == "*/") {
                    --depth;
                    at_ += 2;
                } else {
                    ++at_;
                }
            } while (depth > 0);
        } else {
            break;
        }
    }
    return true;
}

Token Lexer::string(std::size_t from, bool raw) {
    const char quote = text_[at_++];
    const std::size_t body = at_;
    std::string joined;
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '\\' && !raw && at_ + 1 < text_.size()) {
            at_ += 2;
        } else if (c == quote) {
            // A doubled quote inside is the quote itself.
            if (at_ + 1 < text_.size() && text_[at_ + 1] == quote && !raw) {
                at_ += 2;
                continue;
            }
            std::string_view inner = text_.substr(body, at_ - body);
            ++at_;
            Token token = finish(TokenKind::kString, from);
            if (raw) {
                token.value = std::string(inner);
            } else {
                std::string single;
                single.reserve(inner.size());
                for (std::size_t i = 0; i < inner.size(); ++i) {
                    single += inner[i];
                    if (inner[i] == '\\' && i + 1 < inner.size()) {
                        single += inner[++i];
                    } else if (inner[i] == quote) {
                        ++i;
                    }
                }
                token.value = unescaped(single);
            }
            return token;
        } else {
            ++at_;
        }
    }
    return finish(TokenKind::kUnclosed, from);
}

Token Lexer::number() {
    const std::size_t from = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    if (at_ < text_.size() && text_[at_] == '.') {
        // 1.e is a number, 1..2 and 1.name are not.
        ++at_;
        while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
        std::size_t after = at_ + 1;
        if (after < text_.size() && (text_[after] == '+' || text_[after] == '-')) ++after;
        if (after < text_.size() && is_digit(text_[after])) {
            at_ = after;
            while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
        }
    }
    // A type suffix: L S Y F D BD. Other letters make it a name such as 1st.
    std::size_t after = at_;
    while (after < text_.size() && is_word(text_[after])) ++after;
    const std::size_t suffix = after - at_;
    const char first = suffix > 0 ? static_cast<char>(std::toupper(text_[at_])) : '\0';
    const bool single =
        suffix == 1 && std::string_view("LSYFD").find(first) != std::string_view::npos;
    const bool big = suffix == 2 && first == 'B' && std::toupper(text_[at_ + 1]) == 'D';
    if (single || big) {
        at_ = after;
    } else if (suffix > 0) {
        const bool plain = text_.substr(from, at_ - from).find('.') == std::string_view::npos;
        if (plain) {
            at_ = after;
            return finish(TokenKind::kWord, from);
        }
    }
    return finish(TokenKind::kNumber, from);
}

Token Lexer::word() {
    const std::size_t from = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    // A place such as https://x.y/z is one word to Spark, though none that may stay unquoted.
    const std::string_view scheme = text_.substr(from, at_ - from);
    if (text_.substr(at_, 3) == "://" && scheme.find_first_of("0123456789_") == std::string::npos) {
        at_ += 3;
        while (at_ < text_.size() &&
               (is_word(text_[at_]) ||
                std::string_view("/-.?=&#%").find(text_[at_]) != std::string_view::npos)) {
            ++at_;
        }
    }
    return finish(TokenKind::kWord, from);
}

Token Lexer::symbol() {
    static constexpr std::array<std::string_view, 17> kLong = {">>>", "<=>", "<<", ">>", "<=", ">=",
                                                               "<>",  "!=",  "==", "!<", "!>", "||",
                                                               "::",  "->",  "=>", "|>", "*/"};
    const std::size_t from = at_;
    if (text_.substr(at_, 3) == "/*+") {
        at_ += 3;
        return finish(TokenKind::kHint, from);
    }
    for (const std::string_view symbol : kLong) {
        if (text_.substr(at_, symbol.size()) == symbol) {
            at_ += symbol.size();
            return finish(TokenKind::kSymbol, from);
        }
    }
    ++at_;
    const bool known =
        std::string_view("()[]{},.;:=<>+-*/%&|^~!?$@").find(text_[from]) != std::string_view::npos;
    return finish(known ? TokenKind::kSymbol : TokenKind::kBad, from);
}

Token Lexer::next() {
    Token token;
    if (!skip_blanks(token)) return token;
    if (at_ >= text_.size()) return finish(TokenKind::kEnd, at_);
    const char c = text_[at_];
    if (c == '\'' || c == '"') return string(at_, false);
    if ((c == 'r' || c == 'R') && at_ + 1 < text_.size() &&
        (text_[at_ + 1] == '\'' || text_[at_ + 1] == '"')) {
        ++at_;
        return string(at_ - 1, true);
    }
    if (c == '`') {
        const std::size_t from = at_++;
        std::string value;
        while (at_ < text_.size()) {
            if (text_[at_] == '`') {
                if (at_ + 1 < text_.size() && text_[at_ + 1] == '`') {
                    value += '`';
                    at_ += 2;
                    continue;
                }
                ++at_;
                token = finish(TokenKind::kQuotedWord, from);
                token.value = std::move(value);
                return token;
            }
            value += text_[at_++];
        }
        return finish(TokenKind::kUnclosed, from);
    }
    if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) {
        return number();
    }
    if (is_word(c)) return word();
    return symbol();
}

}  // namespace millrace::sql
