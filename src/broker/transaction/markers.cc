#include "broker/transaction/markers.h"

#include <memory>
#include <utility>

#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/partition.h"
#include "broker/to_kafka.h"
#include "runtime/event.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using runtime::OneShot;
using runtime::Task;

Task<void> write_one(std::shared_ptr<Partition> partition, Marker marker, OneShot<ErrorCode> done) {
    storage::Log* log = partition->log();
    if (!log) {
        done.set(ErrorCode::kUnknownTopicOrPartition);
        co_return;
    }
    const auto appended = log->append_marker(marker.producer, marker.end, marker.must_be_newer);
    if (!appended) {
        done.set(to_kafka(appended.error()));
        co_return;
    }
    const auto durable = co_await log->wait_durable(appended->next_offset);
    done.set(durable ? ErrorCode::kNone : to_kafka(durable.error()));
}

Task<void> write_to_shard(GroupShard& shard, Marker marker, OneShot<ErrorCode> done) {
    done.set(co_await shard.end_transaction(marker.producer, marker.end, marker.must_be_newer));
}

}  // namespace

Task<std::vector<ErrorCode>> write_markers(const Catalog& catalog, const Coordinator& groups,
                                           Marker marker,
                                           std::vector<TransactionPartition> partitions) {
    std::vector<OneShot<ErrorCode>> done(partitions.size());
    for (std::size_t i = 0; i < partitions.size(); ++i) {
        const auto& [name, index] = partitions[i];
        const auto topic = catalog.find(name);
        auto partition = topic ? topic->partition(index) : nullptr;
        if (!partition) {
            done[i].set(ErrorCode::kUnknownTopicOrPartition);
        } else if (name != Coordinator::kOffsetsTopic) {
            runtime::Loop& home = partition->loop();
            runtime::spawn(home, write_one(std::move(partition), marker, done[i]));
        } else if (GroupShard* shard = groups.shard_of_partition(index)) {
            runtime::spawn(shard->loop(), write_to_shard(*shard, marker, done[i]));
        } else {
            done[i].set(ErrorCode::kNotLeaderOrFollower);
        }
    }
    std::vector<ErrorCode> outcomes;
    for (const auto& one : done) outcomes.push_back(co_await one.wait());
    co_return outcomes;
}

}  // namespace millrace::broker
