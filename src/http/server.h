// Server: HTTP/1.1 on one loop, for status, metrics and later the console.
//
// Handlers are found by method and exact path; HEAD is answered by GET's handler without the body.
// A bad request, one over a limit, or a silent peer ends its own connection and no other.
// Thread rule: belongs to the loop it was given; start(), stop() and handlers run there, route() is
// called before start(). Destroy it after stop().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/error.h"
#include "http/message.h"
#include "http/request_reader.h"
#include "runtime/gate.h"
#include "runtime/socket.h"
#include "runtime/task.h"

namespace millrace::http {

using Handler = std::function<runtime::Task<Response>(Request)>;

struct ServerLimits {
    RequestLimits request;
    std::size_t connections = 256;
    runtime::Duration idle_timeout = std::chrono::seconds(60);
};

class Server {
public:
    Server(runtime::Loop& loop, runtime::Network& network, ServerLimits limits = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    void route(std::string method, std::string path, Handler handler);
    // kConflict when the port is in use; port 0 takes a free one.
    base::Result<void> start(const std::string& host, std::uint16_t port);
    std::uint16_t port() const;
    // Ends the listening and every connection, and waits for their handlers.
    runtime::Task<void> stop();

private:
    runtime::Task<void> accept_connections(runtime::Gate::Holder inside);
    runtime::Task<void> serve(std::unique_ptr<runtime::Stream> stream,
                              runtime::Gate::Holder inside);
    runtime::Task<void> serve_requests(runtime::Stream& stream);
    runtime::Task<Response> answer(Request request);

    runtime::Loop& loop_;
    runtime::Network& network_;
    ServerLimits limits_;
    std::map<std::string, std::map<std::string, Handler>> routes_;  // Path, then method.
    std::unique_ptr<runtime::Listener> listener_;
    std::set<runtime::Stream*> open_;
    runtime::Gate gate_;
};

}  // namespace millrace::http
