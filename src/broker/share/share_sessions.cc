#include "broker/share/share_sessions.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace millrace::broker {
namespace {

using kafka::ErrorCode;

std::int32_t next_epoch(std::int32_t epoch) {
    return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}

void add(std::vector<SharePartitionName>& partitions,
         const std::vector<SharePartitionName>& added) {
    for (const SharePartitionName& one : added) {
        if (std::ranges::find(partitions, one) == partitions.end()) partitions.push_back(one);
    }
}

}  // namespace

ErrorCode ShareSessions::find(const Key& key, std::int32_t epoch, Session*& found) {
    const auto session = sessions_.find(key);
    if (session == sessions_.end()) return ErrorCode::kShareSessionNotFound;
    found = &session->second;
    if (epoch == kClose) return ErrorCode::kNone;
    if (epoch != found->epoch) return ErrorCode::kInvalidShareSessionEpoch;
    found->epoch = next_epoch(epoch);
    return ErrorCode::kNone;
}

ShareSessions::Opened ShareSessions::fetch(const Request& request) {
    const std::lock_guard lock(mutex_);
    const Key key{request.group, request.member};
    if (request.epoch == kOpen) {
        // Nothing can have been acquired in a session that does not exist yet.
        if (request.acknowledges) return {ErrorCode::kInvalidRequest, {}};
        if (!sessions_.contains(key) && sessions_.size() >= max_sessions_) {
            return {ErrorCode::kShareSessionLimitReached, {}};
        }
        Session& session = sessions_[key];
        session = {.connection = request.connection};
        add(session.partitions, request.added);
        return {ErrorCode::kNone, session.partitions};
    }
    Session* session = nullptr;
    const ErrorCode error = find(key, request.epoch, session);
    if (error != ErrorCode::kNone || request.epoch == kClose) return {error, {}};
    session->connection = request.connection;
    add(session->partitions, request.added);
    std::erase_if(session->partitions, [&](const SharePartitionName& one) {
        return std::ranges::find(request.forgotten, one) != request.forgotten.end();
    });
    Opened opened{ErrorCode::kNone, session->partitions};
    if (!opened.partitions.empty()) {
        const auto first = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(request.epoch) %
                                                       opened.partitions.size());
        std::rotate(opened.partitions.begin(), opened.partitions.begin() + first,
                    opened.partitions.end());
    }
    return opened;
}

ErrorCode ShareSessions::acknowledge(const std::string& group, const std::string& member,
                                     std::int32_t epoch) {
    const std::lock_guard lock(mutex_);
    if (epoch == kOpen) return ErrorCode::kInvalidShareSessionEpoch;
    Session* session = nullptr;
    return find({group, member}, epoch, session);
}

ShareSessions::Ended ShareSessions::end_locked(std::map<Key, Session>::iterator session) {
    Ended ended{session->first.first, session->first.second, std::move(session->second.partitions)};
    sessions_.erase(session);
    const auto other = sessions_.lower_bound({ended.group, ""});
    ended.last_of_group = other == sessions_.end() || other->first.first != ended.group;
    return ended;
}

std::vector<ShareSessions::Ended> ShareSessions::end(const std::string& group,
                                                     const std::string& member) {
    const std::lock_guard lock(mutex_);
    const auto session = sessions_.find({group, member});
    if (session == sessions_.end()) return {};
    return {end_locked(session)};
}

std::vector<ShareSessions::Ended> ShareSessions::end_connection(std::uint64_t connection) {
    const std::lock_guard lock(mutex_);
    std::vector<Ended> all;
    for (auto at = sessions_.begin(); at != sessions_.end();) {
        const auto next = std::next(at);
        if (at->second.connection == connection) all.push_back(end_locked(at));
        at = next;
    }
    return all;
}

std::size_t ShareSessions::size() const {
    const std::lock_guard lock(mutex_);
    return sessions_.size();
}

}  // namespace millrace::broker
