#include "cli/records/escapes.h"

namespace millrace::cli {
namespace {

int digit_of(char c, int base) {
    int value = 99;
    if (c >= '0' && c <= '9') value = c - '0';
    if (c >= 'a' && c <= 'f') value = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') value = c - 'A' + 10;
    return value < base ? value : -1;
}

// Takes up to `most` digits off the front; false when there is none.
bool take_byte(std::string_view& text, int base, int most, char& byte) {
    int value = 0;
    int count = 0;
    while (count < most && !text.empty() && digit_of(text[0], base) >= 0) {
        value = value * base + digit_of(text[0], base);
        text.remove_prefix(1);
        ++count;
    }
    byte = static_cast<char>(value);
    return count > 0;
}

}  // namespace

std::string unescape(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        char c = text[0];
        text.remove_prefix(1);
        if (c == '\\' && !text.empty()) {
            c = text[0];
            const bool is_number = c >= '0' && c <= '9';
            if (is_number) {
                take_byte(text, c == '0' ? 8 : 10, 3, c);
            } else {
                text.remove_prefix(1);
                if (c == 'n')
                    c = '\n';
                else if (c == 'r')
                    c = '\r';
                else if (c == 't')
                    c = '\t';
                else if (c == 'x' && !take_byte(text, 16, 2, c))
                    c = 'x';
            }
        }
        out += c;
    }
    return out;
}

}  // namespace millrace::cli
