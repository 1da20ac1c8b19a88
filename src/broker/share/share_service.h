// ShareService: share groups' records: who reads them, what was acquired, where it is kept.
//
//     groups:      members and assignments lie with the other groups (group/shard.h,
//     share_groups.h) sessions:    what each member reads (share_sessions.h) partitions:  what is
//     with whom, on each partition's loop (share_partitions.h) persister:   what must survive
//     (persister.h)
//
// Thread rule: open() and stop() on the catalog's loop, everything else on any loop.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "broker/share/persister.h"
#include "broker/share/share_partitions.h"
#include "broker/share/share_sessions.h"
#include "runtime/task.h"

namespace millrace::runtime {
class Clock;
class LoopGroup;
}  // namespace millrace::runtime

namespace millrace::broker {

class Catalog;
class Partition;

class ShareService {
public:
    struct Limits {
        std::int32_t state_partitions = 8;  // Of __share_group_state, when it is made.
        std::size_t max_sessions = 2000;
    };
    ShareService(Catalog& catalog, runtime::LoopGroup& loops, runtime::Clock& clock,
                 const Limits& limits);
    ~ShareService();

    runtime::Task<base::Result<void>> open() { return persister_.open(); }
    // After the connections have ended.
    runtime::Task<void> stop();

    ShareSessions& sessions() { return sessions_; }
    SharePersister& persister() { return persister_; }
    // The share partitions of a partition's loop; call them there.
    SharePartitions& of(const Partition& partition);

    // Gives back what the members of these sessions hold.
    runtime::Task<void> end(std::vector<ShareSessions::Ended> sessions);
    // A name for a connection, for ShareSessions and disconnected().
    std::uint64_t new_connection() { return ++connections_; }
    // The connection is gone, and its sessions with it.
    runtime::Task<void> disconnected(std::uint64_t connection);
    // Forgets where the group stands in a partition, or moves it to `start_offset`.
    runtime::Task<base::Result<void>> remove(ShareKey key);
    runtime::Task<base::Result<void>> initialize(ShareKey key, std::int64_t start_offset);

private:
    runtime::Task<void> forget(ShareKey key);

    Catalog& catalog_;
    std::atomic<std::uint64_t> connections_ = 0;
    ShareSessions sessions_;
    SharePersister persister_;
    std::vector<std::unique_ptr<SharePartitions>> by_loop_;
};

}  // namespace millrace::broker
