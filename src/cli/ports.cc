#include "cli/ports.h"

#include "runtime/loop.h"
#include "runtime/socket.h"

namespace millrace::cli {

namespace {
runtime::Task<bool> try_listen(runtime::Network& network, std::string host, std::uint16_t port) {
    co_return network.listen(host, port).has_value();
}
}  // namespace

bool is_port_free(const std::string& host, std::int32_t port) {
    const auto loops = runtime::make_system_loops(1);
    const auto network = runtime::make_system_network(*loops);
    const bool is_free = runtime::run_blocking(
        loops->first(), try_listen(*network, host, static_cast<std::uint16_t>(port)));
    loops->stop();
    return is_free;
}

}  // namespace millrace::cli
