#include "columnar/json_text_internal.h"

#include <arrow/util/utf8.h>

namespace millrace::columnar {

bool valid_utf8(std::string_view text) {
    [[maybe_unused]] static const bool kReady = [] {
        arrow::util::InitializeUTF8();
        return true;
    }();
    return arrow::util::ValidateUTF8(reinterpret_cast<const std::uint8_t*>(text.data()),
                                     static_cast<std::int64_t>(text.size()));
}

namespace {

void append_code_point(std::string& to, std::uint32_t code) {
    if (code < 0x80) {
        to.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        to.push_back(static_cast<char>(0xC0 | (code >> 6)));
        to.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        to.push_back(static_cast<char>(0xE0 | (code >> 12)));
        to.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
        to.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    } else {
        to.push_back(static_cast<char>(0xF0 | (code >> 18)));
        to.push_back(static_cast<char>(0x80 | ((code >> 12) & 0x3F)));
        to.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
        to.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    }
}

}  // namespace

bool JsonCursor::escaped(const char* start, std::string_view& text, std::string& buffer) {
    const auto hex4 = [&](std::uint32_t& value) {
        if (end_ - at_ < 4) return false;
        const auto [end, error] = std::from_chars(at_, at_ + 4, value, 16);
        if (error != std::errc() || end != at_ + 4) return false;
        at_ += 4;
        return true;
    };
    buffer.assign(start, at_);
    while (true) {
        if (*at_ == '"') {
            ++at_;
            text = buffer;
            return valid_utf8(text);
        }
        if (end_ - at_ < 2) return false;
        const char escape = at_[1];
        at_ += 2;
        switch (escape) {
            case '"':
            case '\\':
            case '/': buffer.push_back(escape); break;
            case 'b': buffer.push_back('\b'); break;
            case 'f': buffer.push_back('\f'); break;
            case 'n': buffer.push_back('\n'); break;
            case 'r': buffer.push_back('\r'); break;
            case 't': buffer.push_back('\t'); break;
            case 'u': {
                std::uint32_t code = 0;
                if (!hex4(code)) return false;
                if (code >= 0xD800 && code < 0xDC00) {
                    // Half of a pair: without its other half it stands for no character.
                    const char* behind = at_;
                    std::uint32_t low = 0;
                    if (take_word("\\u") && hex4(low) && low >= 0xDC00 && low < 0xE000) {
                        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                    } else {
                        at_ = behind;
                        code = 0xFFFD;
                    }
                } else if (code >= 0xDC00 && code < 0xE000) {
                    code = 0xFFFD;
                }
                append_code_point(buffer, code);
                break;
            }
            default: return false;
        }
        const char* plain = at_;
        bool ascii = true;
        if (!scan(ascii)) return false;
        buffer.append(plain, at_);
    }
}

bool JsonCursor::skip(int depth) {
    if (depth > kDeepestJson) return false;
    std::string_view text;
    std::string buffer;
    bool integer = false;
    const JsonKind next = kind();
    switch (next) {
        case JsonKind::kObject:
            return object([&] { return string(text, buffer) && colon() && skip(depth + 1); });
        case JsonKind::kArray: return array([&] { return skip(depth + 1); });
        case JsonKind::kString: return string(text, buffer);
        case JsonKind::kNumber: return number(text, integer);
        case JsonKind::kTrue:
        case JsonKind::kFalse:
        case JsonKind::kNull: return literal(next);
        case JsonKind::kNone: break;
    }
    return false;
}

}  // namespace millrace::columnar
