#include "http/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cctype>
#include <utility>

namespace millrace::http {
namespace {

namespace beast = boost::beast;
using Parser = beast::http::request_parser<beast::http::string_body>;

std::string lower(beast::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

Request to_request(const Parser::value_type& message) {
    Request request;
    request.method = std::string(message.method_string());
    const std::string_view target(message.target().data(), message.target().size());
    const auto question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string_view::npos) request.query = target.substr(question + 1);
    for (const auto& field : message) {
        std::string& value = request.headers[lower(field.name_string())];
        if (!value.empty()) value += ", ";
        value += std::string(field.value());
    }
    request.body = message.body();
    return request;
}

}  // namespace

struct RequestReader::Impl {
    explicit Impl(RequestLimits with) : limits(with) { begin(); }

    void begin() {
        parser = std::make_unique<Parser>();
        parser->eager(true);
        parser->header_limit(limits.header_bytes);
        parser->body_limit(limits.body_bytes);
        expect_continue_taken = false;
    }

    RequestLimits limits;
    std::unique_ptr<Parser> parser;
    base::Bytes pending;  // Bytes that the parser has not taken.
    bool keep_alive = false;
    bool expect_continue_taken = false;
    std::uint16_t error_status = 400;
};

RequestReader::RequestReader(RequestLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestReader::~RequestReader() = default;

void RequestReader::add(base::ByteView bytes) {
    impl_->pending += bytes;
}

base::Result<std::optional<Request>> RequestReader::next() {
    using beast::http::error;
    Parser& parser = *impl_->parser;
    // A parser that has taken the header must be called again for the body, even when it took
    // bytes: it stops at the border between the two.
    while (!impl_->pending.empty() && !parser.is_done()) {
        beast::error_code failed;
        const std::size_t taken = parser.put(boost::asio::buffer(impl_->pending), failed);
        impl_->pending.erase(0, taken);
        if (failed == error::need_more) {
            failed = {};
            if (taken == 0) break;
        }
        if (failed == error::body_limit || failed == error::header_limit) {
            impl_->error_status = failed == error::body_limit ? 413 : 431;
            return base::fail(base::Code::kTooLarge, "request: {}", failed.message());
        }
        if (failed == error::bad_version) impl_->error_status = 505;
        if (failed) {
            return base::fail(base::Code::kInvalidArgument, "request: {}", failed.message());
        }
        if (taken == 0) break;
    }
    if (!parser.is_done()) return std::optional<Request>();
    impl_->keep_alive = parser.get().keep_alive();
    std::optional<Request> request = to_request(parser.get());
    impl_->begin();
    return request;
}

bool RequestReader::keep_alive() const {
    return impl_->keep_alive;
}

bool RequestReader::take_expect_continue() {
    const Parser& parser = *impl_->parser;
    if (impl_->expect_continue_taken || !parser.is_header_done()) return false;
    impl_->expect_continue_taken = true;
    return beast::iequals(parser.get()[beast::http::field::expect], "100-continue");
}

std::uint16_t RequestReader::error_status() const {
    return impl_->error_status;
}

}  // namespace millrace::http
