// Parts of URLs, and text as it stands in a URL's query.
#include "columnar/functions_internal.h"
#include "columnar/utf8_internal.h"

namespace millrace::columnar {

namespace {

bool url_encode(const Row& row, std::string& out) {
    for (const char c : row.text(0)) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || c == '.' || c == '-' || c == '*' || c == '_') {
            out.push_back(c);
        } else if (c == ' ') {
            out.push_back('+');
        } else {
            out.push_back('%');
            out.push_back(kHexDigits[byte >> 4]);
            out.push_back(kHexDigits[byte & 15]);
        }
    }
    return true;
}

// (text, mode)
bool url_decode(const Row& row, std::string& out) {
    const std::string_view text = row.text(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out.push_back(' ');
        } else if (text[i] == '%') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                if (row.text(1) == "ansi")
                    row.call().fail("CANNOT_DECODE_URL", {{"url", std::string(text)}});
                return false;
            }
            out.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return true;
}

// What java.net.URI takes: no blank, control character or bracket of a text, and % only before two
// digits.
bool well_formed(std::string_view url) {
    for (std::size_t i = 0; i < url.size(); ++i) {
        const auto byte = static_cast<unsigned char>(url[i]);
        if (byte <= 0x20 || byte == 0x7F) return false;
        if (std::string_view("\"<>\\^`{|}").find(url[i]) != std::string_view::npos) return false;
        if (url[i] == '%' &&
            (i + 2 >= url.size() || hex_digit(url[i + 1]) < 0 || hex_digit(url[i + 2]) < 0)) {
            return false;
        }
    }
    return true;
}

// (mode, url, part [, key])
bool parse_url(const Row& row, std::string& out) {
    const std::string_view url = row.text(1);
    const std::string_view part = row.text(2);
    if (!well_formed(url)) {
        if (row.text(0) == "ansi") row.call().fail("INVALID_URL", {{"url", std::string(url)}});
        return false;
    }
    std::string_view rest = url;
    const std::size_t fragment = rest.find('#');
    const std::string_view reference =
        fragment == std::string_view::npos ? "" : rest.substr(fragment + 1);
    const bool has_reference = fragment != std::string_view::npos;
    rest = rest.substr(0, fragment);
    const std::size_t mark = rest.find('?');
    const bool has_query = mark != std::string_view::npos;
    const std::string_view query = has_query ? rest.substr(mark + 1) : "";
    rest = rest.substr(0, mark);
    const std::size_t colon = rest.find(':');
    const bool has_scheme = colon != std::string_view::npos && colon < rest.find('/');
    const std::string_view scheme = has_scheme ? rest.substr(0, colon) : "";
    if (has_scheme) rest.remove_prefix(colon + 1);
    // "mailto:a@b" has a scheme and nothing else that can be asked for.
    if (has_scheme && !rest.starts_with('/')) {
        if (part == "PROTOCOL" && row.size() == 3) out = scheme;
        if (part == "REF" && row.size() == 3) out = reference;
        return row.size() == 3 && (part == "PROTOCOL" || (part == "REF" && has_reference));
    }
    std::string_view authority;
    if (rest.starts_with("//")) {
        rest.remove_prefix(2);
        const std::size_t slash = rest.find('/');
        authority = rest.substr(0, slash);
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
    }
    const std::size_t at = authority.rfind('@');
    std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
    const std::size_t port = host.starts_with('[') ? host.find("]:") : host.rfind(':');
    if (port != std::string_view::npos)
        host = host.substr(0, host.starts_with('[') ? port + 1 : port);
    const auto give = [&](bool there, std::string_view value) {
        out = value;
        return there;
    };
    if (row.size() == 4) {
        if (part != "QUERY" || !has_query) return false;
        const std::string wanted = std::string(row.text(3)) + "=";
        std::string_view pairs = query;
        while (!pairs.empty()) {
            const std::string_view pair = pairs.substr(0, pairs.find('&'));
            if (pair.starts_with(wanted)) return give(true, pair.substr(wanted.size()));
            if (pair.size() == pairs.size()) break;
            pairs.remove_prefix(pair.size() + 1);
        }
        return false;
    }
    if (part == "HOST") return give(!host.empty(), host);
    if (part == "PATH") return give(true, rest);
    if (part == "QUERY") return give(has_query, query);
    if (part == "REF") return give(has_reference, reference);
    if (part == "PROTOCOL") return give(has_scheme, scheme);
    if (part == "AUTHORITY") return give(!authority.empty(), authority);
    if (part == "USERINFO") return give(at != std::string_view::npos, authority.substr(0, at));
    if (part == "FILE") {
        out = rest;
        if (has_query) out += "?" + std::string(query);
        return true;
    }
    return false;
}

}  // namespace

void add_url_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    list.add("mr_url_encode", {{kText}, kText, text_rows<url_encode>});
    list.add("mr_url_decode", {{kText, kText}, kText, text_rows<url_decode>});
    list.add("mr_parse_url", {{kText, kText, kText}, kText, text_rows<parse_url>});
    list.add("mr_parse_url", {{kText, kText, kText, kText}, kText, text_rows<parse_url>});
}

}  // namespace millrace::columnar
