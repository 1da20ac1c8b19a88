#include "session/session_manager.h"

#include <algorithm>
#include <cctype>

#include "runtime/clock.h"
#include "session/catalog.h"
#include "session/errors_internal.h"

namespace millrace::session {

namespace {

// Ids of closed sessions are remembered for this long: a client that still uses one is told.
constexpr std::int64_t kRememberClosedMs = 60 * 60 * 1000;

bool is_uuid(std::string_view id) {
    if (id.size() != 36) return false;
    for (std::size_t i = 0; i < id.size(); i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? id[i] != '-' : std::isxdigit(static_cast<unsigned char>(id[i])) == 0) {
            return false;
        }
    }
    return true;
}

std::unexpected<base::Error> bad_handle(std::string_view kind, const std::string& handle,
                                        std::string_view text) {
    const Code code = kind == "SESSION_NOT_FOUND" ? Code::kNotFound : Code::kInvalidArgument;
    return spark_error(code, fmt::format("INVALID_HANDLE.{}", kind), "HY000", {{"handle", handle}},
                       fmt::format("The handle {} is invalid. {}", handle, text),
                       "org.apache.spark.SparkSQLException");
}

}  // namespace

SessionManager::SessionManager(Services services)
    : services_(std::move(services)), global_views_(std::make_shared<GlobalViews>()) {}

SessionManager::~SessionManager() = default;

Result<std::shared_ptr<Session>> SessionManager::find(const Key& key, const std::string& expected,
                                                      bool create) {
    if (!is_uuid(key.second)) {
        return bad_handle("FORMAT", key.second,
                          "Handle must be an UUID string of the format "
                          "'00112233-4455-6677-8899-aabbccddeeff'");
    }
    const std::int64_t now = services_.clock.wall_ms();
    const std::scoped_lock lock(mutex_);
    std::erase_if(closed_,
                  [&](const auto& entry) { return entry.second + kRememberClosedMs < now; });
    auto found = sessions_.find(key);
    if (found == sessions_.end()) {
        if (closed_.contains(key)) {
            return bad_handle("SESSION_CLOSED", key.second, "Session was closed.");
        }
        // The client has seen a session of this id that is gone: it must not take a fresh one for
        // it.
        if (!expected.empty()) {
            return bad_handle("SESSION_CHANGED", key.second,
                              "The existing Spark server driver instance has restarted. Please "
                              "reconnect.");
        }
        if (!create) return bad_handle("SESSION_NOT_FOUND", key.second, "Session not found.");
        auto session = std::make_shared<Session>(key.second, key.first, services_, global_views_);
        found = sessions_.emplace(key, Entry{std::move(session), now}).first;
    }
    found->second.used_ms = now;
    if (!expected.empty() && expected != found->second.session->server_side_id()) {
        return bad_handle("SESSION_CHANGED", key.second,
                          "The existing Spark server driver instance has restarted. Please "
                          "reconnect.");
    }
    return found->second.session;
}

Result<std::shared_ptr<Session>> SessionManager::get_or_create(const std::string& user,
                                                               const std::string& id,
                                                               const std::string& expected) {
    return find({user, id}, expected, true);
}

Result<std::shared_ptr<Session>> SessionManager::get(const std::string& user, const std::string& id,
                                                     const std::string& expected) {
    return find({user, id}, expected, false);
}

Result<std::shared_ptr<Session>> SessionManager::clone(const std::string& user,
                                                       const std::string& id,
                                                       const std::string& new_id) {
    MR_TRY(const auto from, get(user, id));
    std::string target = new_id.empty() ? runtime::make_uuid(services_.random) : new_id;
    if (!is_uuid(target)) {
        return spark_error(Code::kInvalidArgument,
                           "INVALID_CLONE_SESSION_REQUEST."
                           "TARGET_SESSION_ID_FORMAT",
                           "42K04", {{"targetSessionId", target}},
                           fmt::format("Target session ID {} for clone operation must be an UUID "
                                       "string of the format "
                                       "'00112233-4455-6677-8899-aabbccddeeff'.",
                                       target),
                           "org.apache.spark.SparkSQLException");
    }
    auto copy = std::make_shared<Session>(*from, target);
    const std::scoped_lock lock(mutex_);
    const Key key{user, target};
    if (sessions_.contains(key) || closed_.contains(key)) {
        return spark_error(Code::kConflict,
                           "INVALID_CLONE_SESSION_REQUEST."
                           "TARGET_SESSION_ID_ALREADY_EXISTS",
                           "42K04", {{"targetSessionId", target}},
                           fmt::format("Cannot clone session to target session ID {} because a "
                                       "session with this ID already exists.",
                                       target),
                           "org.apache.spark.SparkSQLException");
    }
    sessions_.emplace(key, Entry{copy, services_.clock.wall_ms()});
    return copy;
}

std::shared_ptr<Session> SessionManager::close(const std::string& user, const std::string& id,
                                               bool may_return) {
    std::shared_ptr<Session> session;
    {
        const std::scoped_lock lock(mutex_);
        const Key key{user, id};
        if (!may_return) closed_[key] = services_.clock.wall_ms();
        const auto found = sessions_.find(key);
        if (found == sessions_.end()) return nullptr;
        session = std::move(found->second.session);
        sessions_.erase(found);
    }
    session->close();
    return session;
}

std::vector<std::shared_ptr<Session>> SessionManager::close_idle(std::int64_t idle_ms) {
    std::vector<std::shared_ptr<Session>> idle;
    {
        const std::int64_t now = services_.clock.wall_ms();
        const std::scoped_lock lock(mutex_);
        for (auto it = sessions_.begin(); it != sessions_.end();) {
            const bool expired = it->second.used_ms + idle_ms <= now;
            if (!expired || !it->second.session->active_queries().empty()) {
                ++it;
                continue;
            }
            closed_[it->first] = now;
            idle.push_back(std::move(it->second.session));
            it = sessions_.erase(it);
        }
    }
    for (const auto& session : idle) session->close();
    return idle;
}

std::size_t SessionManager::size() const {
    const std::scoped_lock lock(mutex_);
    return sessions_.size();
}

}  // namespace millrace::session
