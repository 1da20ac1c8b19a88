// Server: the Spark Connect door, a gRPC server over sessions.
//
// PySpark and every other Connect client speak to it unchanged: sc://127.0.0.1:<port>. Requests are
// bounded at 128 MiB, plans at 1024 levels, threads and open operations by the options. gRPC's
// threads and types do not leave this room. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"

namespace millrace::session {
class SessionManager;
}

namespace millrace::connect {

struct ServerOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 15002;  // 0: any free one.
    int max_rpc_threads = 512;   // A call occupies one while it lasts.
    int max_operations = 256;    // That run at once; later ones wait.
    // A result stream of a reattachable operation ends after this long, so that the client
    // reattaches: no single call lasts for ever.
    std::int64_t max_stream_ms = 120'000;
};

class Server {
public:
    // Binds and serves; kConflict when the port is taken.
    static base::Result<std::unique_ptr<Server>> start(const ServerOptions& options,
                                                       session::SessionManager& sessions);
    ~Server();  // stop().
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const;
    // Cancels what runs, answers UNAVAILABLE from now on and returns when all threads have ended.
    void stop();

private:
    struct Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::connect
