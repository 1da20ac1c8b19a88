// Request and Response: HTTP messages as plain values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace millrace::http {

struct Request {
    std::string method;  // "GET"
    std::string path;    // "/metrics", as it came, without the query
    std::string query;   // "a=1&b=2", as it came
    std::map<std::string, std::string>
        headers;  // Names in lower case; repeated ones joined by ", "
    base::Bytes body;
};

struct Response {
    std::uint16_t status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    base::Bytes body;
    std::vector<std::pair<std::string, std::string>> headers;  // Beside those that are always sent.
};

// "Not Found" for 404; "Unknown" for what has no name here.
std::string_view reason_of(std::uint16_t status);
// The bytes before the body. HEAD has the same head as GET.
std::string format_head(const Response& response, bool keep_alive);

}  // namespace millrace::http
