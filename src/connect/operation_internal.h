// Operation: one ExecutePlan, with the responses that its client may still ask for.
//
// The operation's worker puts responses in; one RPC at a time takes them out in order. A response
// stays until the client releases it, so that a client whose connection broke can reattach and go
// on after the last one it saw. Two bounds keep the buffer small: the worker waits while too much
// is unsent, and sent responses beyond the retry size are dropped, the last one always kept.
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace spark::connect {
class ExecutePlanResponse;
}

namespace millrace::connect {

namespace proto = ::spark::connect;

struct OperationLimits {
    std::size_t unsent_bytes = 64 << 20;
    std::size_t retry_bytes = 10 << 20;
};

class Operation {
public:
    enum class State : std::uint8_t { kRunning, kSucceeded, kFailed, kCancelled };
    using Response = std::shared_ptr<const proto::ExecutePlanResponse>;

    Operation(std::string id, std::vector<std::string> tags, bool reattachable,
              OperationLimits limits);
    ~Operation();

    const std::string& id() const { return id_; }
    const std::vector<std::string>& tags() const { return tags_; }
    bool reattachable() const { return reattachable_; }
    State state() const;
    bool is_finished() const { return state() != State::kRunning; }

    // For the worker. False when nobody wants more: cancelled.
    bool put(proto::ExecutePlanResponse response, std::string response_id);
    void succeed();
    void fail(base::Error error);
    const std::atomic<bool>& cancelled() const { return cancelled_; }
    // Called when the operation is cancelled, to wake a worker that waits elsewhere; at once when
    // it has been.
    void on_cancel(std::function<void()> wake);

    // For RPCs. A consumer takes the place of the one before it, which is told so.
    using Consumer = std::uint64_t;
    base::Result<Consumer> attach(const std::string& last_response_id);
    enum class Next : std::uint8_t { kResponse, kEnd, kError, kPreempted, kTimeout };
    Next next(Consumer consumer, std::chrono::milliseconds timeout, Response& response,
              std::optional<base::Error>& error);
    void detach(Consumer consumer, std::int64_t now_ms);

    // Forget responses up to and including this one; false when it is unknown.
    bool release_until(const std::string& response_id);
    void cancel();
    // When nobody has been attached since; -1 while somebody is.
    std::int64_t detached_since_ms() const;

private:
    struct Entry {
        std::string id;
        Response response;
        std::size_t bytes = 0;
    };
    void finish(State state, std::optional<base::Error> error);

    const std::string id_;
    const std::vector<std::string> tags_;
    const bool reattachable_;
    const OperationLimits limits_;
    std::atomic<bool> cancelled_ = false;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    State state_ = State::kRunning;
    std::optional<base::Error> error_;
    std::function<void()> wake_;
    std::deque<Entry> entries_;  // Responses first_ … first_ + size - 1.
    std::uint64_t first_ = 0;
    std::uint64_t next_ = 0;  // The first response that was not sent yet.
    std::size_t unsent_bytes_ = 0;
    std::size_t sent_bytes_ = 0;  // Of what is kept.
    Consumer consumer_ = 0;
    bool attached_ = false;
    std::int64_t detached_ms_ = -1;
};

// Spark's INVALID_HANDLE and INVALID_CURSOR errors.
std::unexpected<base::Error> invalid_handle(const std::string& kind, const std::string& handle,
                                            const std::string& text);
std::unexpected<base::Error> invalid_cursor(const std::string& kind, const std::string& text);
base::Error operation_cancelled(const std::string& id);

}  // namespace millrace::connect
