// SessionManager: the sessions of one server, by user and session id.
//
// A session is made when its id is first named, lives as long as it is used, and is closed when its
// client releases it or when it has been idle for too long. The id of a closed session stays
// closed: a client that still uses it is told so. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "session/session.h"

namespace millrace::session {

class SessionManager {
public:
    explicit SessionManager(Services services);
    ~SessionManager();
    SessionManager(const SessionManager&) = delete;
    SessionManager& operator=(const SessionManager&) = delete;

    // Errors are Spark's: INVALID_HANDLE.FORMAT for an id that is not a UUID, SESSION_CLOSED,
    // SESSION_CHANGED when `expected_server_side_id` (empty: any) is of an earlier session.
    Result<std::shared_ptr<Session>> get_or_create(const std::string& user, const std::string& id,
                                                   const std::string& expected_server_side_id = {});
    // As above, but an unknown session is INVALID_HANDLE.SESSION_NOT_FOUND.
    Result<std::shared_ptr<Session>> get(const std::string& user, const std::string& id,
                                         const std::string& expected_server_side_id = {});
    Result<std::shared_ptr<Session>> clone(const std::string& user, const std::string& id,
                                           const std::string& new_id);
    // The closed session, or nullptr. `may_return`: the id may be used again for a fresh session.
    std::shared_ptr<Session> close(const std::string& user, const std::string& id, bool may_return);
    // Close sessions that were not used for `idle_ms` and have no streaming query.
    std::vector<std::shared_ptr<Session>> close_idle(std::int64_t idle_ms);
    std::size_t size() const;
    Services& services() { return services_; }

private:
    using Key = std::pair<std::string, std::string>;
    struct Entry {
        std::shared_ptr<Session> session;
        std::int64_t used_ms = 0;
    };
    Result<std::shared_ptr<Session>> find(const Key& key, const std::string& expected, bool create);

    Services services_;
    std::shared_ptr<GlobalViews> global_views_;
    mutable std::mutex mutex_;
    std::map<Key, Entry> sessions_;
    std::map<Key, std::int64_t> closed_;  // When it was closed.
};

}  // namespace millrace::session
