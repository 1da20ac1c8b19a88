// AlterReplicaLogDirs 1-2: moves replicas between log folders. There is one, so all that can be
// asked for is that a replica stays where it is.
#include "kafka/messages/alter_replica_log_dirs.h"

#include <string>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;

// Kafka makes a folder "<topic>-<partition>.<32 digits>-future" of up to 255 bytes.
constexpr std::size_t kFutureSuffixBytes = 1 + 32 + std::string_view("-future").size();
constexpr std::size_t kMaxNameBytes = 255;

ErrorCode answer_to(const Services& services, const std::string& path, const std::string& topic,
                    std::int32_t partition) {
    const std::size_t name_bytes = topic.size() + 1 + std::to_string(partition).size();
    if (name_bytes + kFutureSuffixBytes > kMaxNameBytes) return ErrorCode::kInvalidTopicException;
    if (path != services.log_dir) return ErrorCode::kLogDirNotFound;
    const auto known = services.catalog.find(topic);
    const bool exists = known && known->partition(partition);
    return exists ? ErrorCode::kNone : ErrorCode::kUnknownTopicOrPartition;
}

}  // namespace

Task<kafka::AlterReplicaLogDirsResponse> alter_replica_log_dirs(
    Call& call, kafka::AlterReplicaLogDirsRequest request) {
    kafka::AlterReplicaLogDirsResponse response;
    for (const auto& folder : request.dirs) {
        for (const auto& topic : folder.topics) {
            auto& answer = response.results.emplace_back();
            answer.topic_name = topic.name;
            for (const std::int32_t partition : topic.partitions) {
                answer.partitions.push_back(
                    {partition, answer_to(call.services, folder.path, topic.name, partition)});
            }
        }
    }
    co_return response;
}

}  // namespace millrace::broker
