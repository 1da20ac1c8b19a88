#include "broker/share/share_service.h"

#include <algorithm>

#include "base/check.h"
#include "broker/catalog/catalog.h"
#include "broker/catalog/topic.h"
#include "broker/partition.h"
#include "runtime/loop.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;

ShareService::ShareService(Catalog& catalog, runtime::LoopGroup& loops, runtime::Clock& clock,
                           const Limits& limits)
    : catalog_(catalog),
      sessions_(limits.max_sessions),
      persister_(catalog, clock, limits.state_partitions) {
    for (std::size_t i = 0; i < loops.size(); ++i) {
        by_loop_.push_back(std::make_unique<SharePartitions>(loops.at(i), clock, persister_));
    }
}

ShareService::~ShareService() = default;

SharePartitions& ShareService::of(const Partition& partition) {
    const auto found = std::ranges::find_if(
        by_loop_, [&](const auto& one) { return &one->loop() == &partition.loop(); });
    MR_CHECK(found != by_loop_.end());
    return **found;
}

Task<void> ShareService::stop() {
    for (const auto& partitions : by_loop_) {
        co_await runtime::call_on(partitions->loop(), [&] { return partitions->stop(); });
    }
    co_await persister_.stop();
}

Task<void> ShareService::end(std::vector<ShareSessions::Ended> sessions) {
    for (const ShareSessions::Ended& session : sessions) {
        for (const SharePartitionName& name : session.partitions) {
            const auto topic = catalog_.find(name.topic);
            const auto partition = topic ? topic->partition(name.partition) : nullptr;
            if (!partition) continue;
            SharePartitions& home = of(*partition);
            co_await runtime::call_on(home.loop(), [&] {
                return home.release({session.group, name.topic, name.partition}, session.member);
            });
        }
        if (!session.last_of_group) continue;
        for (const auto& partitions : by_loop_) {
            co_await runtime::call_on(partitions->loop(),
                                      [&] { partitions->retire(session.group); });
        }
    }
}

Task<void> ShareService::disconnected(std::uint64_t connection) {
    std::vector<ShareSessions::Ended> ended = sessions_.end_connection(connection);
    if (!ended.empty()) co_await end(std::move(ended));
}

Task<void> ShareService::forget(ShareKey key) {
    for (const auto& partitions : by_loop_) {
        co_await runtime::call_on(partitions->loop(), [&] {
            partitions->forget([&](const ShareKey& one) { return one == key; });
        });
    }
}

Task<Result<void>> ShareService::remove(ShareKey key) {
    co_await forget(key);
    const Result<void> removed = co_await persister_.remove(key);
    co_await forget(key);
    co_return removed;
}

Task<Result<void>> ShareService::initialize(ShareKey key, std::int64_t start_offset) {
    const Result<void> initialized = co_await persister_.initialize(key, start_offset);
    co_await forget(key);
    co_return initialized;
}

}  // namespace millrace::broker
