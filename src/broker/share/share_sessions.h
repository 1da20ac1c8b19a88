// ShareSessions: which partitions each member of a share group reads, between its requests.
//
// A session is opened by a fetch with epoch 0 and closed by one with epoch -1; each request between
// carries the next epoch, so that a lost or repeated one is noticed. A session ends with its
// connection at the latest. Nothing of it outlives the process: a client that comes back after a
// restart is told that its session is unknown, and opens another.
// Thread-safe. Nothing here waits.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "kafka/errors.h"
#include "kafka/types.h"

namespace millrace::broker {

struct SharePartitionName {
    kafka::Uuid topic;
    std::int32_t partition = 0;
    auto operator<=>(const SharePartitionName&) const = default;
};

class ShareSessions {
public:
    static constexpr std::int32_t kOpen = 0;
    static constexpr std::int32_t kClose = -1;

    explicit ShareSessions(std::size_t max_sessions) : max_sessions_(max_sessions) {}

    struct Request {
        std::string group;
        std::string member;
        std::int32_t epoch = 0;
        std::vector<SharePartitionName> added;
        std::vector<SharePartitionName> forgotten;
        bool acknowledges = false;
        std::uint64_t connection = 0;
    };
    struct Opened {
        kafka::ErrorCode error = kafka::ErrorCode::kNone;
        // What to fetch from, another one first each time. Nothing when the session closes.
        std::vector<SharePartitionName> partitions;
    };
    // SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH, SHARE_SESSION_LIMIT_REACHED, or
    // INVALID_REQUEST. A session that closes is still there, for end().
    Opened fetch(const Request& request);
    kafka::ErrorCode acknowledge(const std::string& group, const std::string& member,
                                 std::int32_t epoch);

    struct Ended {
        std::string group;
        std::string member;
        std::vector<SharePartitionName> partitions;
        bool last_of_group = false;
    };
    // Nothing when there is none.
    std::vector<Ended> end(const std::string& group, const std::string& member);
    // The sessions of a connection that is gone.
    std::vector<Ended> end_connection(std::uint64_t connection);

    std::size_t size() const;

private:
    using Key = std::pair<std::string, std::string>;  // Group and member.
    struct Session {
        std::int32_t epoch = 1;                      // Of the next request.
        std::vector<SharePartitionName> partitions;  // In the order they came.
        std::uint64_t connection = 0;
    };
    // The session for a request with this epoch, or why there is none.
    kafka::ErrorCode find(const Key& key, std::int32_t epoch, Session*& found);
    Ended end_locked(std::map<Key, Session>::iterator session);

    const std::size_t max_sessions_;
    mutable std::mutex mutex_;  // Of what follows.
    std::map<Key, Session> sessions_;
};

}  // namespace millrace::broker
