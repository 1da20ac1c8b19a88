// JsonCursor: a strict, one-pass reader of JSON text, for documents of some hundred bytes.
//
// Why our own: libparquet exports another version of simdjson under the same names, and the dynamic
// linker takes one for the other (docs/adr). A cursor never reads past its end, copies nothing that
// has no escape in it, and stops at the first byte that is no JSON: every call then returns false.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace millrace::columnar {

enum class JsonKind : std::uint8_t {
    kObject,
    kArray,
    kString,
    kNumber,
    kTrue,
    kFalse,
    kNull,
    kNone
};

// Deeper documents are malformed: readers recurse.
inline constexpr int kDeepestJson = 200;

// Well-formed UTF-8.
bool valid_utf8(std::string_view text);

class JsonCursor {
public:
    explicit JsonCursor(std::string_view text)
        : at_(text.data()), end_(text.data() + text.size()) {}

    const char* position() const { return at_; }
    void skip_blanks() {
        while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
    }
    bool at_end() const { return at_ == end_; }
    // What the next value is, by its first byte.
    JsonKind kind() {
        skip_blanks();
        if (at_ == end_) return JsonKind::kNone;
        switch (*at_) {
            case '{': return JsonKind::kObject;
            case '[': return JsonKind::kArray;
            case '"': return JsonKind::kString;
            case 't': return JsonKind::kTrue;
            case 'f': return JsonKind::kFalse;
            case 'n': return JsonKind::kNull;
            default:
                return *at_ == '-' || (*at_ >= '0' && *at_ <= '9') ? JsonKind::kNumber
                                                                   : JsonKind::kNone;
        }
    }
    bool take(char c) {
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }
    bool take_word(std::string_view word) {
        if (static_cast<std::size_t>(end_ - at_) < word.size() ||
            std::memcmp(at_, word.data(), word.size()) != 0) {
            return false;
        }
        at_ += word.size();
        return true;
    }

    // `each()` is called at each member's or element's value and must take it; false ends the walk.
    template <class Each>
    bool object(Each each) {
        if (!take('{')) return false;
        skip_blanks();
        if (take('}')) return true;
        while (true) {
            skip_blanks();
            if (!each()) return false;
            skip_blanks();
            if (take('}')) return true;
            if (!take(',')) return false;
        }
    }
    template <class Each>
    bool array(Each each) {
        if (!take('[')) return false;
        skip_blanks();
        if (take(']')) return true;
        while (true) {
            if (!each()) return false;
            skip_blanks();
            if (take(']')) return true;
            if (!take(',')) return false;
        }
    }
    bool colon() {
        skip_blanks();
        if (!take(':')) return false;
        skip_blanks();
        return true;
    }
    // The key `name` and its colon, when they come next; else nothing is taken.
    bool take_key(std::string_view name) {
        if (static_cast<std::size_t>(end_ - at_) < name.size() + 2 || *at_ != '"' ||
            at_[name.size() + 1] != '"' || std::memcmp(at_ + 1, name.data(), name.size()) != 0) {
            return false;
        }
        const char* start = at_;
        at_ += name.size() + 2;
        if (colon()) return true;
        at_ = start;
        return false;
    }

    // A string; `text` points into the document, or into `buffer` where escapes were resolved.
    bool string(std::string_view& text, std::string& buffer) {
        if (!take('"')) return false;
        const char* start = at_;
        bool ascii = true;
        if (!scan(ascii)) return false;
        if (*at_ == '"') {
            text = {start, static_cast<std::size_t>(at_ - start)};
            ++at_;
            return ascii || valid_utf8(text);
        }
        return escaped(start, text, buffer);
    }
    // The text of a number, found well formed; `integer` when it has neither point nor exponent.
    bool number(std::string_view& text, bool& integer) {
        const char* start = at_;
        if (at_ < end_ && *at_ == '-') ++at_;
        const char* digits = at_;
        while (at_ < end_ && *at_ >= '0' && *at_ <= '9') ++at_;
        if (at_ == digits || (*digits == '0' && at_ - digits > 1)) return false;
        integer = true;
        if (at_ < end_ && *at_ == '.') {
            integer = false;
            const char* fraction = ++at_;
            while (at_ < end_ && *at_ >= '0' && *at_ <= '9') ++at_;
            if (at_ == fraction) return false;
        }
        if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
            integer = false;
            ++at_;
            if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
            const char* exponent = at_;
            while (at_ < end_ && *at_ >= '0' && *at_ <= '9') ++at_;
            if (at_ == exponent) return false;
        }
        if (!at_delimiter()) return false;
        text = {start, static_cast<std::size_t>(at_ - start)};
        return true;
    }
    bool literal(JsonKind kind) {
        const bool taken = kind == JsonKind::kTrue    ? take_word("true")
                           : kind == JsonKind::kFalse ? take_word("false")
                                                      : take_word("null");
        return taken && at_delimiter();
    }
    // Over one value of any kind, which must be well formed.
    bool skip(int depth = 0);

private:
    bool at_delimiter() const {
        if (at_ == end_) return true;
        switch (*at_) {
            case ' ':
            case '\n':
            case '\t':
            case '\r':
            case ',':
            case '}':
            case ']':
            case ':': return true;
            default: return false;
        }
    }
    // On to the next quote or backslash; false at a control character or the end.
    bool scan(bool& ascii) {
#if defined(__SSE2__)
        const __m128i quote = _mm_set1_epi8('"');
        const __m128i backslash = _mm_set1_epi8('\\');
        const __m128i blank = _mm_set1_epi8(0x1F);
        int high = 0;
        while (end_ - at_ >= 16) {
            const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at_));
            const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, blank), bytes);
            const __m128i stop = _mm_or_si128(
                _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                control);
            const auto mask = static_cast<unsigned>(_mm_movemask_epi8(stop));
            const auto above = static_cast<unsigned>(_mm_movemask_epi8(bytes));
            if (mask != 0) {
                const int place = std::countr_zero(mask);
                high |= static_cast<int>(above & ((1U << place) - 1));
                at_ += place;
                ascii = ascii && high == 0;
                return *at_ == '"' || *at_ == '\\';
            }
            high |= static_cast<int>(above);
            at_ += 16;
        }
        ascii = ascii && high == 0;
#endif
        for (; at_ < end_; ++at_) {
            const auto byte = static_cast<unsigned char>(*at_);
            if (byte == '"' || byte == '\\') return true;
            if (byte < 0x20) return false;
            if (byte > 0x7F) ascii = false;
        }
        return false;
    }
    bool escaped(const char* start, std::string_view& text, std::string& buffer);

    const char* at_;
    const char* end_;
};

}  // namespace millrace::columnar
