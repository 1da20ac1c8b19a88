// Cluster: what tools ask of a remote Kafka, and change in it: topics, settings, groups, offsets.
//
// Calls block. Where a call takes many items, its answer has one outcome for each, in their order;
// the call as a whole fails only when no item got an answer. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "client/direct.h"
#include "client/settings.h"
#include "topic/topics.h"

namespace millrace::client {

class Cluster {
public:
    struct Broker {
        std::int32_t id = -1;
        std::string host;
        std::int32_t port = 0;
    };
    struct Partition {
        std::int32_t id = 0;
        std::int32_t leader = -1;  // -1: none at this moment.
        std::vector<std::int32_t> replicas;
        std::vector<std::int32_t> in_sync;
    };
    struct Topic {
        std::string name;
        std::vector<Partition> partitions;  // By their number.
    };
    struct Overview {
        std::string cluster_id;
        std::int32_t controller = -1;
        std::vector<Broker> brokers;          // By their number.
        std::map<std::string, Topic> topics;  // Internal ones too.
    };

    enum class ResourceKind : std::uint8_t { kTopic, kBroker };
    struct Resource {
        ResourceKind kind = ResourceKind::kTopic;
        std::string name;  // A broker's is its number.
    };
    struct Setting {
        std::string name;
        std::optional<std::string> value;  // None where the server keeps it to itself.
        std::string source;                // "DYNAMIC_TOPIC_CONFIG", "DEFAULT_CONFIG" ...
        bool is_own = false;               // Set for this topic or this broker.
        bool read_only = false;
        bool sensitive = false;
    };

    struct NewTopic {
        std::string name;
        std::int32_t partitions = -1;   // -1: as the server does by default.
        std::int32_t replication = -1;  // The same.
        std::map<std::string, std::string> configs;
    };
    enum class Mode : std::uint8_t { kApply, kValidateOnly };

    struct GroupListing {
        std::string name;
        std::string state;       // "Stable", "Empty" ...
        bool is_simple = false;  // Offsets were committed, but never by members.
    };
    struct Member {
        std::string id;
        std::string instance_id;  // Empty for dynamic members.
        std::string client_id;
        std::string host;
        std::vector<topic::TopicPartition> assigned;
    };
    struct Group {
        std::string name;
        std::string state;  // "Dead" when there is no such group, or none of the classic kind.
        std::string assignor;
        std::int32_t coordinator = -1;
        std::vector<Member> members;
    };

    // Places in a partition that a server knows by name; what is >= 0 is a time in milliseconds.
    static constexpr std::int64_t kEarliest = -2;
    static constexpr std::int64_t kLatest = -1;

    using Outcomes = std::vector<base::Result<void>>;
    using Offsets = std::map<topic::TopicPartition, base::Result<std::int64_t>>;

    // Asks the server for its metadata once, at most for `timeout`: kUnavailable when nobody
    // answers, kPermissionDenied when it refuses who is asking, kInvalidArgument for a setting that
    // does not exist. `timeout` holds for every later call too.
    static base::Result<std::unique_ptr<Cluster>> connect(const Settings& settings,
                                                          std::chrono::milliseconds timeout);
    virtual ~Cluster() = default;

    virtual base::Result<Overview> overview() = 0;

    virtual base::Result<Outcomes> create_topics(const std::vector<NewTopic>& topics,
                                                 Mode mode) = 0;
    virtual base::Result<Outcomes> delete_topics(const std::vector<std::string>& topics) = 0;
    // `total` partitions instead of those that there are.
    virtual base::Result<void> add_partitions(const std::string& topic, std::int32_t total,
                                              Mode mode) = 0;

    virtual base::Result<std::vector<Setting>> settings(const Resource& resource) = 0;
    // The resource's own settings become exactly these.
    virtual base::Result<void> replace_settings(const Resource& resource,
                                                const std::map<std::string, std::string>& settings,
                                                Mode mode) = 0;

    // The offset of that place or time in each partition; for a time after the last record, the
    // end. All partitions must exist.
    virtual base::Result<Offsets> offsets_at(
        const std::map<topic::TopicPartition, std::int64_t>& places) = 0;
    // Records before these offsets go away; the answers are the new starts.
    virtual base::Result<Offsets> delete_records(
        const std::map<topic::TopicPartition, std::int64_t>& before) = 0;

    virtual base::Result<std::vector<GroupListing>> groups() = 0;
    virtual base::Result<std::vector<base::Result<Group>>> describe_groups(
        const std::vector<std::string>& groups) = 0;
    virtual base::Result<Outcomes> delete_groups(const std::vector<std::string>& groups) = 0;
    // Every partition that the group has an offset of.
    virtual base::Result<Offsets> committed(const std::string& group) = 0;
    // The group must have no members. An answer is the offset that is now committed.
    virtual base::Result<Offsets> commit(
        const std::string& group, const std::map<topic::TopicPartition, std::int64_t>& offsets) = 0;
    // An answer is an offset of -1: none.
    virtual base::Result<Offsets> delete_offsets(
        const std::string& group, const std::vector<topic::TopicPartition>& partitions) = 0;

    // What librdkafka has no call for; kUnsupported when the settings ask for more than plaintext.
    // Connects at the first call, and lives as long as the cluster.
    virtual base::Result<Direct*> direct() = 0;
};

}  // namespace millrace::client
