#include "http/request_reader.h"

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

// Feeds `text` in pieces of `piece` bytes; "METHOD path?query body" of each request in it, "+"
// where the connection stays, "!status" where it fails.
std::string read(std::string_view text, std::size_t piece, RequestLimits limits = {}) {
    RequestReader reader(limits);
    std::string result;
    while (!text.empty()) {
        reader.add(text.substr(0, piece));
        text.remove_prefix(std::min(piece, text.size()));
        for (;;) {
            const auto request = reader.next();
            if (!request) return result + "!" + std::to_string(reader.error_status());
            if (!*request) break;
            result += (*request)->method + " " + (*request)->path;
            if (!(*request)->query.empty()) result += "?" + (*request)->query;
            result += " " + (*request)->body + (reader.keep_alive() ? "+" : ".");
        }
    }
    return result;
}

// The same whatever the sizes of the pieces.
void expect(std::string_view text, std::string_view want, RequestLimits limits = {}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, text.size()}) {
        EXPECT_EQ(read(text, piece, limits), want) << "in pieces of " << piece << ": " << text;
    }
}

TEST(RequestReader, reads_requests) {
    expect("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / +");
    expect("GET /a?b=1 HTTP/1.1\r\nConnection: close\r\n\r\n", "GET /a?b=1 .");
    expect("GET / HTTP/1.0\r\n\r\n", "GET / .");
    expect("POST /p HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "POST /p hello+");
    expect("POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
           "POST /p abcde+");
    expect("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n", "GET /1 +GET /2 +");
    expect("GET / HTTP/1.1\r\nHost", "");
}

TEST(RequestReader, refuses_what_is_no_http) {
    expect("hello\r\n\r\n", "!400");
    expect(std::string_view("\0\0\0\x12\0\x12\0\x04", 8), "!400");
    expect("GET / HTTP/9.1\r\n\r\n", "!505");
    expect("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "!400");
}

TEST(RequestReader, keeps_its_limits) {
    const RequestLimits limits{.header_bytes = 64, .body_bytes = 4};
    expect("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd", "POST / abcd+", limits);
    expect("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde", "!413", limits);
    expect("GET / HTTP/1.1\r\nA: " + std::string(100, 'x') + "\r\n\r\n", "!431", limits);
}

TEST(RequestReader, joins_repeated_headers_under_lower_case_names) {
    RequestReader reader({});
    reader.add("GET / HTTP/1.1\r\nX-A: 1\r\nx-a: 2\r\n\r\n");
    const auto request = reader.next();
    ASSERT_TRUE(request && *request);
    EXPECT_EQ((*request)->headers.at("x-a"), "1, 2");
}

TEST(RequestReader, tells_once_that_the_peer_waits_for_continue) {
    RequestReader reader({});
    reader.add("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    ASSERT_TRUE(reader.next());
    EXPECT_TRUE(reader.take_expect_continue());
    EXPECT_FALSE(reader.take_expect_continue());
    reader.add("x");
    const auto request = reader.next();
    ASSERT_TRUE(request && *request);
    EXPECT_EQ((*request)->body, "x");
}

}  // namespace
}  // namespace millrace::http
