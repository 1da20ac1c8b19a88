#include <algorithm>

#include "connect/client_session_internal.h"
#include "runtime/clock.h"

namespace millrace::connect {

namespace {

constexpr std::size_t kKeptErrors = 20;
constexpr std::size_t kEndedOperations = 200;
constexpr std::size_t kMaxOperations = 1000;
constexpr std::size_t kMaxArtifactBytes = std::size_t{4} << 30;
constexpr std::size_t kMaxEvents = 10'000;
constexpr std::int64_t kAbandonedMs = 5 * 60 * 1000;
constexpr std::int64_t kIdleSessionMs = 60 * 60 * 1000;

}  // namespace

ClientSession::ClientSession(std::shared_ptr<session::Session> session)
    : session_(std::move(session)) {}

ClientSession::~ClientSession() {
    stop_listening();
}

base::Result<std::shared_ptr<Operation>> ClientSession::add_operation(const std::string& id,
                                                                      std::vector<std::string> tags,
                                                                      bool reattachable) {
    const std::scoped_lock lock(mutex_);
    if (closed_) return invalid_handle("SESSION_CLOSED", session_->id(), "Session was closed.");
    if (operations_.contains(id)) {
        return invalid_handle("OPERATION_ALREADY_EXISTS", id, "Operation already exists.");
    }
    if (operations_.size() >= kMaxOperations) {
        return base::fail(base::Code::kResourceExhausted,
                          "This session has {} operations open: release some", kMaxOperations);
    }
    auto operation =
        std::make_shared<Operation>(id, std::move(tags), reattachable, OperationLimits{});
    operations_.emplace(id, operation);
    return operation;
}

base::Result<std::shared_ptr<Operation>> ClientSession::operation(const std::string& id) const {
    const std::scoped_lock lock(mutex_);
    const auto found = operations_.find(id);
    if (found != operations_.end()) return found->second;
    if (std::ranges::find(ended_, id, &decltype(ended_)::value_type::first) != ended_.end()) {
        return invalid_handle("OPERATION_ABANDONED", id,
                              "Operation was considered abandoned because of inactivity and "
                              "removed.");
    }
    return invalid_handle("OPERATION_NOT_FOUND", id, "Operation not found.");
}

void ClientSession::remove_operation(const std::string& id) {
    std::shared_ptr<Operation> removed;
    {
        const std::scoped_lock lock(mutex_);
        const auto found = operations_.find(id);
        if (found == operations_.end()) return;
        removed = std::move(found->second);
        operations_.erase(found);
        auto state = removed->state();
        if (state == Operation::State::kRunning) state = Operation::State::kCancelled;
        ended_.emplace_back(id, state);
        if (ended_.size() > kEndedOperations) ended_.pop_front();
    }
    removed->cancel();
}

std::vector<std::shared_ptr<Operation>> ClientSession::operations() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::shared_ptr<Operation>> result;
    for (const auto& [id, operation] : operations_) result.push_back(operation);
    return result;
}

std::optional<Operation::State> ClientSession::state_of(const std::string& id) const {
    const std::scoped_lock lock(mutex_);
    if (const auto found = operations_.find(id); found != operations_.end()) {
        return found->second->state();
    }
    for (const auto& [ended, state] : ended_) {
        if (ended == id) return state;
    }
    return std::nullopt;
}

void ClientSession::remove_abandoned(std::int64_t before_ms) {
    for (const auto& operation : operations()) {
        const auto since = operation->detached_since_ms();
        if (since >= 0 && since < before_ms) remove_operation(operation->id());
    }
}

base::Result<void> ClientSession::put_artifact(const std::string& name, std::string bytes) {
    const std::scoped_lock lock(mutex_);
    auto& slot = artifacts_[name];
    artifact_bytes_ -= slot.size();
    if (artifact_bytes_ + bytes.size() > kMaxArtifactBytes) {
        artifacts_.erase(name);
        return base::fail(base::Code::kResourceExhausted,
                          "The artifacts of this session would exceed {} bytes", kMaxArtifactBytes);
    }
    artifact_bytes_ += bytes.size();
    slot = std::move(bytes);
    return {};
}

std::optional<std::string> ClientSession::artifact(const std::string& name) const {
    const std::scoped_lock lock(mutex_);
    const auto found = artifacts_.find(name);
    return found == artifacts_.end() ? std::nullopt : std::optional(found->second);
}

bool ClientSession::has_artifact(const std::string& name) const {
    const std::scoped_lock lock(mutex_);
    return artifacts_.contains(name);
}

std::string ClientSession::keep_error(const base::Error& error) {
    std::string id = runtime::make_uuid(session_->services().random);
    const std::scoped_lock lock(mutex_);
    errors_.emplace_back(id, error);
    if (errors_.size() > kKeptErrors) errors_.pop_front();
    return id;
}

std::optional<base::Error> ClientSession::take_error(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(errors_, id, &decltype(errors_)::value_type::first);
    if (found == errors_.end()) return std::nullopt;
    auto error = std::move(found->second);
    errors_.erase(found);
    return error;
}

void ClientSession::start_listening() {
    const std::scoped_lock lock(events_mutex_);
    if (listener_ >= 0) return;
    listener_ =
        session_->services().queries.add_listener([this](const streaming::QueryEvent& event) {
            const std::scoped_lock events_lock(events_mutex_);
            // A client that does not read loses the oldest events, never the server's memory.
            if (events_.size() >= kMaxEvents) events_.pop_front();
            events_.push_back(event);
            events_changed_.notify_all();
        });
}

void ClientSession::stop_listening() {
    std::int64_t listener = -1;
    {
        const std::scoped_lock lock(events_mutex_);
        std::swap(listener, listener_);
        events_changed_.notify_all();
    }
    if (listener >= 0) session_->services().queries.remove_listener(listener);
}

std::vector<streaming::QueryEvent> ClientSession::next_events(std::chrono::milliseconds timeout,
                                                              bool& stopped) {
    std::unique_lock lock(events_mutex_);
    events_changed_.wait_for(lock, timeout, [this] { return !events_.empty() || listener_ < 0; });
    stopped = listener_ < 0;
    std::vector<streaming::QueryEvent> events(events_.begin(), events_.end());
    events_.clear();
    return events;
}

void ClientSession::close() {
    std::vector<std::shared_ptr<Operation>> running;
    {
        const std::scoped_lock lock(mutex_);
        closed_ = true;
        for (const auto& [id, operation] : operations_) running.push_back(operation);
        operations_.clear();
    }
    for (const auto& operation : running) operation->cancel();
    stop_listening();
}

std::shared_ptr<ClientSession> ClientSessions::around(std::shared_ptr<session::Session> session) {
    const std::scoped_lock lock(mutex_);
    auto& slot = sessions_[session->server_side_id()];
    if (slot == nullptr) slot = std::make_shared<ClientSession>(std::move(session));
    return slot;
}

base::Result<std::shared_ptr<ClientSession>> ClientSessions::get_or_create(
    const std::string& user, const std::string& id, const std::string& expected) {
    MR_TRY(auto session, manager_.get_or_create(user, id, expected));
    return around(std::move(session));
}

base::Result<std::shared_ptr<ClientSession>> ClientSessions::get(const std::string& user,
                                                                 const std::string& id,
                                                                 const std::string& expected) {
    MR_TRY(auto session, manager_.get(user, id, expected));
    return around(std::move(session));
}

std::string ClientSessions::close(const std::string& user, const std::string& id, bool may_return) {
    const auto closed = manager_.close(user, id, may_return);
    if (closed == nullptr) return {};
    std::shared_ptr<ClientSession> client;
    {
        const std::scoped_lock lock(mutex_);
        if (auto node = sessions_.extract(closed->server_side_id())) client = node.mapped();
    }
    if (client != nullptr) client->close();
    return closed->server_side_id();
}

void ClientSessions::tidy(std::int64_t now_ms) {
    for (const auto& session : manager_.close_idle(kIdleSessionMs)) {
        std::shared_ptr<ClientSession> client;
        {
            const std::scoped_lock lock(mutex_);
            if (auto node = sessions_.extract(session->server_side_id())) client = node.mapped();
        }
        if (client != nullptr) client->close();
    }
    std::vector<std::shared_ptr<ClientSession>> all;
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& [id, client] : sessions_) all.push_back(client);
    }
    for (const auto& client : all) client->remove_abandoned(now_ms - kAbandonedMs);
}

void ClientSessions::close_all() {
    std::map<std::string, std::shared_ptr<ClientSession>> all;
    {
        const std::scoped_lock lock(mutex_);
        all.swap(sessions_);
    }
    for (const auto& [id, client] : all) client->close();
}

}  // namespace millrace::connect
