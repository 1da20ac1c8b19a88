// ClientSession: what the Connect door keeps for one session beside the session itself: running
// operations, uploaded artifacts, error details that may still be asked for, listener events.
//
// Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "connect/operation_internal.h"
#include "session/session_manager.h"
#include "streaming/query_manager.h"

namespace millrace::connect {

class ClientSession {
public:
    explicit ClientSession(std::shared_ptr<session::Session> session);
    ~ClientSession();
    session::Session& session() const { return *session_; }

    // OPERATION_ALREADY_EXISTS for an id in use, OPERATION_ABANDONED or …_NOT_FOUND when there is
    // none any more.
    base::Result<std::shared_ptr<Operation>> add_operation(const std::string& id,
                                                           std::vector<std::string> tags,
                                                           bool reattachable);
    base::Result<std::shared_ptr<Operation>> operation(const std::string& id) const;
    // Out of the list; a running one is cancelled.
    void remove_operation(const std::string& id);
    std::vector<std::shared_ptr<Operation>> operations() const;
    // The state of an operation that runs or ran; nullopt: unknown.
    std::optional<Operation::State> state_of(const std::string& id) const;
    // Remove operations that nobody has been attached to since `before_ms`.
    void remove_abandoned(std::int64_t before_ms);

    // Uploaded bytes by name. kResourceExhausted beyond the bound of a session.
    base::Result<void> put_artifact(const std::string& name, std::string bytes);
    std::optional<std::string> artifact(const std::string& name) const;
    bool has_artifact(const std::string& name) const;

    // Remembers an error and names it; take_error() gives it once.
    std::string keep_error(const base::Error& error);
    std::optional<base::Error> take_error(const std::string& id);

    // Events of this session's streaming queries, from the first start of a listener stream on.
    void start_listening();
    void stop_listening();
    // Waits for events; empty on timeout and when listening has stopped (`stopped` tells).
    std::vector<streaming::QueryEvent> next_events(std::chrono::milliseconds timeout,
                                                   bool& stopped);

    // Cancels everything; the session is about to go.
    void close();

private:
    const std::shared_ptr<session::Session> session_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Operation>> operations_;
    std::deque<std::pair<std::string, Operation::State>> ended_;
    std::map<std::string, std::string> artifacts_;
    std::size_t artifact_bytes_ = 0;
    std::deque<std::pair<std::string, base::Error>> errors_;
    bool closed_ = false;

    std::mutex events_mutex_;
    std::condition_variable events_changed_;
    std::deque<streaming::QueryEvent> events_;
    std::int64_t listener_ = -1;
};

// The client sessions of a server, made along with the sessions of its SessionManager.
class ClientSessions {
public:
    explicit ClientSessions(session::SessionManager& manager) : manager_(manager) {}

    base::Result<std::shared_ptr<ClientSession>> get_or_create(const std::string& user,
                                                               const std::string& id,
                                                               const std::string& expected);
    base::Result<std::shared_ptr<ClientSession>> get(const std::string& user, const std::string& id,
                                                     const std::string& expected);
    // The server-side id of the session that was closed; empty: there was none.
    std::string close(const std::string& user, const std::string& id, bool may_return);
    void tidy(std::int64_t now_ms);
    void close_all();
    session::SessionManager& manager() { return manager_; }

private:
    std::shared_ptr<ClientSession> around(std::shared_ptr<session::Session> session);

    session::SessionManager& manager_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<ClientSession>> sessions_;  // By server-side id.
};

}  // namespace millrace::connect
