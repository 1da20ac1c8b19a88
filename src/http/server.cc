#include "http/server.h"

#include <array>

#include "base/log.h"

namespace millrace::http {

using runtime::Task;

Server::Server(runtime::Loop& loop, runtime::Network& network, ServerLimits limits)
    : loop_(loop), network_(network), limits_(limits) {}

Server::~Server() {
    MR_CHECK(gate_.inside() == 0);
}

void Server::route(std::string method, std::string path, Handler handler) {
    routes_[std::move(path)][std::move(method)] = std::move(handler);
}

base::Result<void> Server::start(const std::string& host, std::uint16_t port) {
    MR_TRY(listener_, network_.listen(host, port));
    MR_TRY(auto inside, gate_.enter());
    runtime::spawn(loop_, accept_connections(std::move(inside)));
    return {};
}

std::uint16_t Server::port() const {
    return listener_->port();
}

Task<void> Server::stop() {
    if (listener_ != nullptr) listener_->close();
    for (runtime::Stream* const stream : open_) stream->close();
    co_await gate_.close();
}

Task<void> Server::accept_connections([[maybe_unused]] runtime::Gate::Holder inside) {
    for (;;) {
        auto accepted = co_await listener_->accept();
        if (!accepted) {
            if (!gate_.closed()) base::log_error("http: {}", accepted.error().message());
            co_return;
        }
        if (open_.size() >= limits_.connections) continue;  // Dropped, and thereby closed.
        auto entered = gate_.enter();
        if (!entered) co_return;
        runtime::spawn(loop_, serve(std::move(*accepted), std::move(*entered)));
    }
}

Task<void> Server::serve(std::unique_ptr<runtime::Stream> stream,
                         [[maybe_unused]] runtime::Gate::Holder inside) {
    if (gate_.closed()) co_return;
    open_.insert(stream.get());
    stream->set_idle_timeout(limits_.idle_timeout);
    co_await serve_requests(*stream);
    stream->close();
    open_.erase(stream.get());
}

Task<void> Server::serve_requests(runtime::Stream& stream) {
    RequestReader reader(limits_.request);
    std::array<char, 8192> buffer;
    for (;;) {
        auto request = reader.next();
        if (!request) {
            const Response refusal{.status = reader.error_status(),
                                   .body = request.error().message() + "\n"};
            const std::string head = format_head(refusal, false);
            const base::ByteView pieces[] = {head, refusal.body};
            (void)co_await stream.write_pieces(pieces);
            co_return;
        }
        if (!*request) {
            if (reader.take_expect_continue()) {
                if (!co_await stream.write("HTTP/1.1 100 Continue\r\n\r\n")) co_return;
            }
            const auto bytes = co_await stream.read_some(buffer.data(), buffer.size());
            if (!bytes || *bytes == 0) co_return;
            reader.add({buffer.data(), *bytes});
            continue;
        }
        const bool keep_alive = reader.keep_alive() && !gate_.closed();
        const bool head_only = (*request)->method == "HEAD";
        const Response response = co_await answer(std::move(**request));
        const std::string head = format_head(response, keep_alive);
        const base::ByteView pieces[] = {head, head_only ? base::ByteView() : response.body};
        if (!co_await stream.write_pieces(pieces) || !keep_alive) co_return;
    }
}

Task<Response> Server::answer(Request request) {
    const auto path = routes_.find(request.path);
    if (path == routes_.end()) {
        co_return Response{.status = 404, .body = "There is nothing at " + request.path + "\n"};
    }
    const auto handler = path->second.find(request.method == "HEAD" ? "GET" : request.method);
    if (handler == path->second.end()) {
        std::string allowed;
        for (const auto& [method, ignored] : path->second) {
            if (!allowed.empty()) allowed += ", ";
            allowed += method;
        }
        co_return Response{
            .status = 405, .body = "Use " + allowed + "\n", .headers = {{"Allow", allowed}}};
    }
    co_return co_await handler->second(std::move(request));
}

}  // namespace millrace::http
