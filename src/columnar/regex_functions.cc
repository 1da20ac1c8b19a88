// Regular expressions of Java, on PCRE2 with its just-in-time compiler. The two speak nearly one
// language; translate() changes what they say differently.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <map>

#include "columnar/functions_internal.h"

namespace millrace::columnar {

namespace {

// A pattern that backtracks without end is stopped here, with an error.
constexpr std::uint32_t kMatchLimit = 10'000'000;

struct Regex {
    pcre2_code* code = nullptr;
    pcre2_match_data* match = nullptr;
    pcre2_match_context* context = nullptr;
    std::uint32_t groups = 0;
    std::string error;

    Regex() = default;
    Regex(const Regex&) = delete;
    Regex& operator=(const Regex&) = delete;
    ~Regex() {
        pcre2_match_data_free(match);
        pcre2_match_context_free(context);
        pcre2_code_free(code);
    }
};

// Java's \h in classes, possessive quantifiers, \Q…\E, lookaround and named groups are PCRE's too.
// \z \Z \A \G as well. What differs: (?<name> is the same, \p{javaLowerCase} and its like, and
// \p{Alpha} of POSIX names.
std::string translate_pattern(std::string_view pattern) {
    static const std::map<std::string, std::string, std::less<>> kClasses = {
        {"Lower", "[a-z]"},
        {"Upper", "[A-Z]"},
        {"ASCII", "[\\x00-\\x7F]"},
        {"Alpha", "[a-zA-Z]"},
        {"Digit", "[0-9]"},
        {"Alnum", "[a-zA-Z0-9]"},
        {"Punct", "[!-\\/:-@\\[-`{-~]"},
        {"Graph", "[!-~]"},
        {"Print", "[ -~]"},
        {"Blank", "[ \\t]"},
        {"Cntrl", "[\\x00-\\x1F\\x7F]"},
        {"XDigit", "[0-9a-fA-F]"},
        {"Space", "[ \\t\\n\\x0B\\f\\r]"},
        {"javaLowerCase", "\\p{Ll}"},
        {"javaUpperCase", "\\p{Lu}"},
        {"javaWhitespace", "\\s"},
        {"IsAlphabetic", "\\p{L}"},
        {"IsDigit", "\\p{Nd}"},
        {"IsLetter", "\\p{L}"},
    };
    std::string result;
    int class_depth = 0;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (c == '\\' && i + 1 < pattern.size()) {
            if (pattern[i + 1] == 'p' && i + 2 < pattern.size() && pattern[i + 2] == '{') {
                const std::size_t close = pattern.find('}', i);
                if (close != std::string_view::npos) {
                    const std::string_view name = pattern.substr(i + 3, close - i - 3);
                    const auto found = kClasses.find(name);
                    if (found != kClasses.end()) {
                        const std::string& body = found->second;
                        // Inside a class only the members are wanted.
                        result += class_depth > 0 && body[0] == '['
                                      ? body.substr(1, body.size() - 2)
                                      : body;
                        i = close;
                        continue;
                    }
                    if (name.starts_with("Is") && name.size() > 2) {
                        result += "\\p{" + std::string(name.substr(2)) + "}";
                        i = close;
                        continue;
                    }
                }
            }
            result += c;
            result += pattern[++i];
            continue;
        }
        if (c == '[') ++class_depth;
        if (c == ']' && class_depth > 0) --class_depth;
        result += c;
    }
    return result;
}

// This thread's compiled pattern: the last one is nearly always the next one.
const Regex* compile(std::string_view pattern) {
    constexpr std::size_t kMostPatterns = 200;
    thread_local std::map<std::string, std::unique_ptr<Regex>, std::less<>> patterns;
    thread_local const std::string* last_pattern = nullptr;
    thread_local const Regex* last = nullptr;
    if (last != nullptr && *last_pattern == pattern) return last;
    auto found = patterns.find(pattern);
    if (found == patterns.end()) {
        if (patterns.size() >= kMostPatterns) patterns.clear();
        auto regex = std::make_unique<Regex>();
        const std::string translated = translate_pattern(pattern);
        int code = 0;
        PCRE2_SIZE at = 0;
        regex->code =
            pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                          PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &code, &at, nullptr);
        if (regex->code == nullptr) {
            PCRE2_UCHAR text[256];
            pcre2_get_error_message(code, text, sizeof(text));
            regex->error = reinterpret_cast<const char*>(text);
        } else {
            pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
            regex->match = pcre2_match_data_create_from_pattern(regex->code, nullptr);
            regex->context = pcre2_match_context_create(nullptr);
            pcre2_set_match_limit(regex->context, kMatchLimit);
            pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->groups);
        }
        found = patterns.emplace(std::string(pattern), std::move(regex)).first;
    }
    last_pattern = &found->first;
    last = found->second.get();
    return last;
}

const Regex* compile_or_fail(Call& call, std::string_view pattern, std::string_view function) {
    const Regex* regex = compile(pattern);
    if (regex->code != nullptr) return regex;
    call.fail("INVALID_PARAMETER_VALUE.PATTERN", {{"parameter", "`regexp`"},
                                                  {"functionName", std::string(function)},
                                                  {"value", fmt::format("'{}'", pattern)}});
    return nullptr;
}

// The next match from byte `at`; [begin, end) of group 0 in the match data.
bool search(Call& call, const Regex& regex, std::string_view text, std::size_t at) {
    const int outcome = pcre2_match(regex.code, reinterpret_cast<PCRE2_SPTR>(text.data()),
                                    text.size(), at, 0, regex.match, regex.context);
    if (outcome < 0 && outcome != PCRE2_ERROR_NOMATCH) {
        call.fail_with("a regular expression needs too many steps on a text");
    }
    return outcome >= 0;
}
std::size_t begin_of(const Regex& regex, std::uint32_t group = 0) {
    return pcre2_get_ovector_pointer(regex.match)[2 * group];
}
std::size_t end_of(const Regex& regex, std::uint32_t group = 0) {
    return pcre2_get_ovector_pointer(regex.match)[2 * group + 1];
}
// Where to look on after a match; an empty one must not be found again.
std::size_t after(const Regex& regex, std::string_view text) {
    std::size_t at = end_of(regex);
    if (at == begin_of(regex)) {
        ++at;
        while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    }
    return at;
}
template <class Each>
void each_match(Call& call, const Regex& regex, std::string_view text, Each each) {
    for (std::size_t at = 0; at <= text.size() && search(call, regex, text, at);) {
        const std::size_t next = after(regex, text);
        if (!each()) return;
        at = next;
    }
}
std::int32_t characters(std::string_view text) {
    std::int32_t count = 0;
    for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    return count;
}

bool rlike(const Row& row, bool& out) {
    const Regex* regex = compile_or_fail(row.call(), row.text(1), "`rlike`");
    if (regex == nullptr) return false;
    out = search(row.call(), *regex, row.text(0), 0);
    return true;
}

bool count(const Row& row, std::int32_t& out) {
    const Regex* regex = compile_or_fail(row.call(), row.text(1), "`regexp_count`");
    if (regex == nullptr) return false;
    out = 0;
    each_match(row.call(), *regex, row.text(0), [&] { return ++out > 0; });
    return true;
}

bool instr(const Row& row, std::int32_t& out) {
    const Regex* regex = compile_or_fail(row.call(), row.text(1), "`regexp_instr`");
    if (regex == nullptr) return false;
    out = 0;
    if (search(row.call(), *regex, row.text(0), 0)) {
        out = characters(row.text(0).substr(0, begin_of(*regex))) + 1;
    }
    return true;
}

bool substr(const Row& row, std::string& out) {
    const Regex* regex = compile_or_fail(row.call(), row.text(1), "`regexp_substr`");
    if (regex == nullptr || !search(row.call(), *regex, row.text(0), 0)) return false;
    out = row.text(0).substr(begin_of(*regex), end_of(*regex) - begin_of(*regex));
    return true;
}

bool group_fits(const Row& row, const Regex& regex, std::int32_t group, std::string_view function) {
    if (group >= 0 && group <= static_cast<std::int32_t>(regex.groups)) return true;
    row.call().fail("INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX",
                    {{"parameter", "`idx`"},
                     {"functionName", std::string(function)},
                     {"groupCount", std::to_string(regex.groups)},
                     {"groupIndex", std::to_string(group)}});
    return false;
}

std::string_view group_text(const Regex& regex, std::string_view text, std::uint32_t group) {
    const std::size_t begin = begin_of(regex, group);
    if (begin == PCRE2_UNSET) return {};
    return text.substr(begin, end_of(regex, group) - begin);
}

bool extract(const Row& row, std::string& out) {
    const Regex* regex = compile_or_fail(row.call(), row.text(1), "`regexp_extract`");
    if (regex == nullptr) return false;
    const std::int32_t group = row.number(2);
    if (!search(row.call(), *regex, row.text(0), 0)) return true;
    if (!group_fits(row, *regex, group, "`regexp_extract`")) return false;
    out = group_text(*regex, row.text(0), static_cast<std::uint32_t>(group));
    return true;
}

void extract_all(Call& call) {
    Row row(call);
    TextLists lists(call);
    for (idx_t i = 0; i < call.rows() && !call.failed(); ++i) {
        row.at(i);
        if (call.any_null(i)) {
            call.set_null(i);
        } else {
            const Regex* regex = compile_or_fail(call, row.text(1), "`regexp_extract_all`");
            const std::int32_t group = row.number(2);
            if (regex == nullptr || !group_fits(row, *regex, group, "`regexp_extract_all`")) return;
            each_match(call, *regex, row.text(0), [&] {
                lists.add(group_text(*regex, row.text(0), static_cast<std::uint32_t>(group)));
                return true;
            });
        }
        lists.end_row(i);
    }
}

// (text, pattern, replacement, position from 1); $1 and ${name} are groups, \ quotes.
bool replace(const Row& row, std::string& out) {
    const Regex* regex = compile_or_fail(row.call(), row.text(1), "`regexp_replace`");
    if (regex == nullptr) return false;
    const std::string_view text = row.text(0);
    const std::string_view with = row.text(2);
    std::size_t done = 0;
    for (std::int32_t skip = row.number(3) - 1; skip > 0 && done < text.size(); --skip) {
        ++done;
        while (done < text.size() && (static_cast<unsigned char>(text[done]) & 0xC0) == 0x80)
            ++done;
    }
    out = text.substr(0, done);
    for (std::size_t at = done; at <= text.size() && search(row.call(), *regex, text, at);) {
        out += text.substr(done, begin_of(*regex) - done);
        for (std::size_t i = 0; i < with.size(); ++i) {
            if (with[i] == '\\' && i + 1 < with.size()) {
                out += with[++i];
            } else if (with[i] == '$' && i + 1 < with.size() && with[i + 1] >= '0' &&
                       with[i + 1] <= '9') {
                auto group = static_cast<std::uint32_t>(with[++i] - '0');
                // As many digits as make a group that is there.
                while (i + 1 < with.size() && with[i + 1] >= '0' && with[i + 1] <= '9' &&
                       group * 10 + static_cast<std::uint32_t>(with[i + 1] - '0') <=
                           regex->groups) {
                    group = group * 10 + static_cast<std::uint32_t>(with[++i] - '0');
                }
                if (group > regex->groups) {
                    row.call().fail_with(fmt::format("No group {}", group));
                    return false;
                }
                out += group_text(*regex, text, group);
            } else if (with[i] == '$' && i + 1 < with.size() && with[i + 1] == '{') {
                const std::size_t close = with.find('}', i);
                const std::string name(
                    with.substr(i + 2, close == std::string_view::npos ? close : close - i - 2));
                const int group = pcre2_substring_number_from_name(
                    regex->code, reinterpret_cast<PCRE2_SPTR>(name.c_str()));
                if (close == std::string_view::npos || group < 0) {
                    row.call().fail_with(fmt::format("No group with name {{{}}}", name));
                    return false;
                }
                out += group_text(*regex, text, static_cast<std::uint32_t>(group));
                i = close;
            } else {
                out += with[i];
            }
        }
        done = end_of(*regex);
        at = after(*regex, text);
    }
    out += text.substr(std::min(done, text.size()));
    return true;
}

// (text, pattern, limit): Java's split; empty texts at the end stay only with a limit other than 0,
// and Spark's default limit is -1.
void split(Call& call) {
    Row row(call);
    TextLists lists(call);
    for (idx_t i = 0; i < call.rows() && !call.failed(); ++i) {
        row.at(i);
        if (call.any_null(i)) {
            call.set_null(i);
            lists.end_row(i);
            continue;
        }
        const std::string_view text = row.text(0);
        const std::string_view pattern = row.text(1);
        const std::int32_t limit = row.number(2);
        if (pattern.empty()) {
            // One text a character.
            std::int32_t given = 0;
            for (std::size_t at = 0; at < text.size();) {
                std::size_t end = at + 1;
                while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
                    ++end;
                if (limit > 0 && ++given == limit) end = text.size();
                lists.add(text.substr(at, end - at));
                at = end;
            }
            if (text.empty()) lists.add("");
            lists.end_row(i);
            continue;
        }
        const Regex* regex = compile_or_fail(call, pattern, "`split`");
        if (regex == nullptr) return;
        std::size_t done = 0;
        std::int32_t given = 1;
        each_match(call, *regex, text, [&] {
            if (limit > 0 && given >= limit) return false;
            // An empty match at the start parts nothing from the text.
            if (end_of(*regex) == 0 ||
                (begin_of(*regex) == end_of(*regex) && begin_of(*regex) == text.size())) {
                return true;
            }
            lists.add(text.substr(done, begin_of(*regex) - done));
            done = end_of(*regex);
            ++given;
            return true;
        });
        lists.add(text.substr(done));
        lists.end_row(i);
    }
}

}  // namespace

void add_regex_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    constexpr auto kInt = DUCKDB_TYPE_INTEGER;
    list.add("mr_rlike", {{kText, kText}, DUCKDB_TYPE_BOOLEAN, value_rows<bool, rlike>});
    list.add("mr_regexp_count", {{kText, kText}, kInt, value_rows<std::int32_t, count>});
    list.add("mr_regexp_instr", {{kText, kText}, kInt, value_rows<std::int32_t, instr>});
    list.add("mr_regexp_substr", {{kText, kText}, kText, text_rows<substr>});
    list.add("mr_regexp_extract", {{kText, kText, kInt}, kText, text_rows<extract>});
    list.add("mr_regexp_extract_all", {.arguments = {kText, kText, kInt},
                                       .result = kText,
                                       .body = extract_all,
                                       .lists_result = true});
    list.add("mr_regexp_replace", {{kText, kText, kText, kInt}, kText, text_rows<replace>});
    list.add(
        "mr_split",
        {.arguments = {kText, kText, kInt}, .result = kText, .body = split, .lists_result = true});
}

}  // namespace millrace::columnar
