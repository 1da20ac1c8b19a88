// Network, Listener and Stream: byte streams between processes.
//
// A Network is passed in by whoever wires the program, so that a simulation can stand in for it.
// Thread rule: a Listener and a Stream belong to one loop and are used and destroyed there. A
// Stream may have one read and one write in flight at a time; destroy it when neither is: close()
// ends both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "runtime/loop.h"
#include "runtime/task.h"

namespace millrace::runtime {

class File;

class Stream {
public:
    virtual ~Stream() = default;  // Closes.

    // At least one byte, at most `length`; 0 when the peer has ended its side.
    virtual Task<base::Result<std::size_t>> read_some(char* into, std::size_t length) = 0;
    // All of the pieces, in order, gathered into as few packets as possible.
    virtual Task<base::Result<void>> write_pieces(std::span<const base::ByteView> pieces) = 0;
    // `length` bytes of `file` from `offset`, without a copy where the system can. kCorrupt when
    // the file ends before; the stream is then of no more use.
    virtual Task<base::Result<void>> send_file(const File& file, std::uint64_t offset,
                                               std::size_t length) = 0;
    // Ends both sides at once; what is in flight ends with kCancelled. Harmless when repeated.
    virtual void close() = 0;
    // "127.0.0.1:40312", for logs and error messages.
    virtual const std::string& peer() const = 0;
    // A read or a write that makes no progress for this long ends with kTimeout and closes the
    // stream; zero, the default, waits for ever.
    virtual void set_idle_timeout(Duration timeout) = 0;
    virtual Loop& loop() = 0;

    // Exactly `length` bytes; kUnavailable when the peer ends before, and then `length` bytes are
    // not all there.
    Task<base::Result<void>> read_exactly(char* into, std::size_t length);
    // The bytes must live until the task has ended.
    Task<base::Result<void>> write(base::ByteView bytes);
};

class Listener {
public:
    virtual ~Listener() = default;  // Closes.
    // The next connection, served on `home` (the calling loop when null): the Stream is to be used
    // there. kCancelled after close(). Waits out a shortage of descriptors instead of failing.
    virtual Task<base::Result<std::unique_ptr<Stream>>> accept(Loop* home = nullptr) = 0;
    virtual std::uint16_t port() const = 0;
    virtual void close() = 0;
};

class Network {
public:
    virtual ~Network() = default;
    // Listen on the calling loop. Port 0 takes a free one; kConflict when the port is in use.
    virtual base::Result<std::unique_ptr<Listener>> listen(const std::string& host,
                                                           std::uint16_t port) = 0;
    // Connect from the calling loop; kUnavailable when nobody answers there.
    virtual Task<base::Result<std::unique_ptr<Stream>>> connect(std::string host,
                                                                std::uint16_t port) = 0;
};

// Sockets of the operating system, on loops of make_system_loops().
std::unique_ptr<Network> make_system_network(LoopGroup& loops);

}  // namespace millrace::runtime
