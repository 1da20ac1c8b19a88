// SimNetwork: connections in memory with delays, short reads and cuts, on a Simulation's loops.
//
// Bytes of one direction arrive in their order, in pieces of random size after random delays, so
// that connections overtake each other. Hosts have no meaning: a port is one place. A crash of a
// process is the end of its streams and listeners, which the other side sees as a closed
// connection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "runtime/sim/simulation.h"
#include "runtime/socket.h"

namespace millrace::runtime {

class SimNetwork final : public Network {
public:
    explicit SimNetwork(Simulation& simulation);
    // Streams and listeners die first.
    ~SimNetwork() override;

    // How long a piece travels.
    void set_delay(Duration shortest, Duration longest);
    // While down, nothing arrives and nobody connects; what was sent waits.
    void set_down(bool down);
    // Breaks every connection: what was under way is lost, both sides get kUnavailable.
    void cut_all();

    base::Result<std::unique_ptr<Listener>> listen(const std::string& host,
                                                   std::uint16_t port) override;
    Task<base::Result<std::unique_ptr<Stream>>> connect(std::string host,
                                                        std::uint16_t port) override;

private:
    class SimStream;
    class SimListener;
    struct Pipe;
    struct Wires;

    std::unique_ptr<Wires> wires_;
};

}  // namespace millrace::runtime
