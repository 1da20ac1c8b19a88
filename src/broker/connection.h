// Connection: one client's socket.
//
// Requests are read while earlier ones are being served, and answered in the order they came.
// Produce requests overlap with each other, so that several wait for one group commit; any other
// request begins when all before it have been served, which is the order that Kafka's clients count
// on. A frame that is too large, a request that cannot be decoded or whose key is unknown closes
// this connection and no other.
// Thread rule: belongs to its stream's loop.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "broker/call.h"
#include "broker/turns.h"
#include "runtime/event.h"
#include "runtime/gate.h"
#include "runtime/socket.h"
#include "runtime/task.h"

namespace millrace::broker {

struct Api;
struct Services;

class Connection {
public:
    Connection(Services& services, std::unique_ptr<runtime::Stream> stream);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Ends once the socket is closed and every request has ended.
    runtime::Task<void> run();
    // Close the socket and wake whoever waits on behalf of this client.
    void close();

private:
    // A request that has not been answered yet.
    struct Slot {
        std::unique_ptr<Call> call;
        bool overlaps = false;
        bool served = false;
    };
    // Bounds on what one client may have under way.
    static constexpr std::size_t kMaxSlots = 256;
    static constexpr std::size_t kMaxSlotBytes = std::size_t{128} << 20;

    runtime::Task<void> read_requests();
    runtime::Task<base::Result<Frame>> read_frame();
    // Fill `into` from what was read ahead, then from the socket.
    runtime::Task<base::Result<void>> read(char* into, std::size_t length);
    bool may_begin(bool overlaps) const;
    runtime::Task<void> serve(Slot& slot, const Api& api);
    runtime::Task<void> write_responses(base::Result<runtime::Gate::Holder> pass);
    runtime::Task<base::Result<void>> write_response(Call& call);

    Services& services_;
    std::unique_ptr<runtime::Stream> stream_;
    std::string client_host_;
    const std::uint64_t id_;
    std::unique_ptr<char[]> input_;  // What was read ahead.
    std::size_t input_at_ = 0;
    std::size_t input_end_ = 0;
    std::deque<std::unique_ptr<Slot>> slots_;  // In the order of arrival.
    std::size_t slot_bytes_ = 0;
    std::int64_t muted_until_ns_ = 0;  // By quotas: no request begins before.
    bool closed_ = false;
    bool reading_ended_ = false;
    Turns turns_;                 // Of Produce requests.
    runtime::Condition changed_;  // Any of the above.
    runtime::Gate gate_;          // Who is serving or writing.
};

}  // namespace millrace::broker
