// DescribeLogDirs 1-5: what lies in the log folder, of which there is one. 3 adds an error for the
// whole answer, 4 the size of the disk, 5 whether the folder takes new partitions.
#include "kafka/messages/describe_log_dirs.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/on_loops.h"
#include "broker/services.h"
#include "runtime/disk.h"
#include "runtime/loop.h"
#include "runtime/pool.h"

namespace millrace::broker {
namespace {

using Request = kafka::DescribeLogDirsRequest;
using Folder = kafka::DescribeLogDirsResponse::Result;

// What is asked for and exists; all of it when nothing is named.
std::vector<std::shared_ptr<const Topic>> find_topics(const Catalog& catalog,
                                                      const Request& request) {
    if (!request.topics) return catalog.all();
    std::map<std::string, std::shared_ptr<const Topic>> found;
    for (const auto& asked : *request.topics) {
        if (auto topic = catalog.find(asked.topic)) found[asked.topic] = std::move(topic);
    }
    std::vector<std::shared_ptr<const Topic>> topics;
    for (auto& [name, topic] : found) topics.push_back(std::move(topic));
    return topics;
}

Task<void> describe_topic(const Topic& topic, const Request& request, Folder& folder) {
    std::set<std::int32_t> wanted;
    if (request.topics) {
        for (const auto& asked : *request.topics) {
            if (asked.topic == topic.name()) {
                wanted.insert(asked.partitions.begin(), asked.partitions.end());
            }
        }
    }
    std::vector<std::shared_ptr<Partition>> partitions = topic.partitions;
    for (auto& partition : partitions) {
        if (request.topics && !wanted.contains(partition->index())) partition.reset();
    }
    kafka::DescribeLogDirsResponse::Result::Topic described;
    described.name = topic.name();
    std::vector<std::int64_t> sizes(partitions.size(), -1);
    co_await on_loops(partitions, [&](std::size_t index) {
        storage::Log* log = partitions[index]->log();
        if (log) sizes[index] = static_cast<std::int64_t>(log->size_bytes());
    });
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (sizes[i] < 0) continue;
        auto& one = described.partitions.emplace_back();
        one.partition_index = static_cast<std::int32_t>(i);
        one.partition_size = sizes[i];
        one.offset_lag = 0;  // There is no other replica to be behind.
    }
    if (!described.partitions.empty()) folder.topics.push_back(std::move(described));
}

}  // namespace

Task<kafka::DescribeLogDirsResponse> describe_log_dirs(Call& call, Request request) {
    kafka::DescribeLogDirsResponse response;
    Folder& folder = response.results.emplace_back();
    folder.log_dir = call.services.log_dir;
    for (const auto& topic : find_topics(call.services.catalog, request)) {
        co_await describe_topic(*topic, request, folder);
    }
    const auto space = co_await runtime::run(call.services.pool, [&services = call.services] {
        return services.disk.space(services.log_dir);
    });
    if (space) {
        folder.total_bytes = static_cast<std::int64_t>(space->total_bytes);
        folder.usable_bytes = static_cast<std::int64_t>(space->available_bytes);
    }
    co_return response;
}

}  // namespace millrace::broker
