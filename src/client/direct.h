// Direct: what librdkafka has no call for, asked over connections of our own in Kafka's protocol:
// transactions, groups of the newer protocols, log folders, quotas, features, the quorum.
//
// Calls block. Where a call takes many items its answer has one outcome for each. Thread-safe.
// Such connections speak plaintext: Cluster::direct() refuses settings that ask for more.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "topic/topics.h"

namespace millrace::client {

class Direct {
public:
    struct TransactionFilter {  // All that is given has to hold.
        std::vector<std::string> states;
        std::vector<std::int64_t> producer_ids;
        std::optional<std::int64_t> longer_than_ms;
        std::string id_pattern;  // RE2, of the whole name.
    };
    struct TransactionListing {
        std::string id;
        std::int32_t coordinator = -1;
        std::int64_t producer_id = -1;
        std::string state;
    };
    struct TransactionList {
        std::vector<TransactionListing> transactions;  // By name.
        std::vector<std::string> unknown_states;       // Of the filter, to every server.
    };
    struct Transaction {
        std::string id;
        std::int32_t coordinator = -1;
        std::int64_t producer_id = -1;
        std::int32_t producer_epoch = -1;
        std::string state;
        std::int32_t timeout_ms = 0;
        std::optional<std::int64_t> start_ms;  // None while none has begun.
        std::vector<topic::TopicPartition> partitions;
    };
    struct ProducerState {
        std::int64_t id = -1;
        std::int32_t epoch = -1;
        std::int32_t coordinator_epoch = -1;
        std::int32_t last_sequence = -1;
        std::int64_t last_timestamp_ms = -1;
        std::optional<std::int64_t> transaction_start;  // Offset at which the open one began.
    };
    struct AbortMarker {
        std::int64_t producer_id = -1;
        std::int16_t producer_epoch = -1;
        std::int32_t coordinator_epoch = 0;
    };
    using Producers = std::map<topic::TopicPartition, base::Result<std::vector<ProducerState>>>;

    struct GroupListing {
        std::string name;
        std::string type;      // "classic", "consumer", "share", "streams"; empty: not told.
        std::string protocol;  // "consumer", "connect" ...
        std::string state;
    };
    struct GroupMember {
        std::string id;
        std::string instance_id;  // Empty for dynamic members.
        std::string client_id;
        std::string host;
        std::int32_t epoch = -1;
        std::vector<topic::TopicPartition> assigned;
    };
    struct Group {
        std::string name;
        std::string type;
        std::string state;
        std::string assignor;
        std::int32_t coordinator = -1;
        std::int32_t epoch = -1;
        std::vector<GroupMember> members;
    };
    struct ShareOffset {
        std::int64_t start = -1;  // -1: not begun.
        std::optional<std::int64_t> lag;
    };

    struct LogDir {
        std::int32_t broker = -1;
        std::string path;
        std::string error;  // Empty: none.
        std::optional<std::int64_t> total_bytes;
        std::optional<std::int64_t> usable_bytes;
        struct Replica {
            topic::TopicPartition partition;
            std::int64_t size_bytes = 0;
            std::int64_t offset_lag = 0;
            bool is_future = false;
        };
        std::vector<Replica> replicas;  // By topic and number.
    };

    // {"user": "ann"} or {"client-id": nullopt}, which stands for every one without its own.
    using QuotaEntity = std::map<std::string, std::optional<std::string>>;
    struct Quota {
        QuotaEntity entity;
        std::map<std::string, double> values;
    };
    struct Feature {
        std::string name;
        std::int32_t least = 0;
        std::int32_t most = 0;
        std::optional<std::int32_t> finalized;
    };
    struct Features {
        std::optional<std::int64_t> epoch;
        std::vector<Feature> features;  // By name.
    };
    struct QuorumReplica {
        std::int32_t id = -1;
        bool is_voter = false;
        std::int64_t log_end_offset = -1;
        std::optional<std::int64_t> last_fetch_ms;
        std::optional<std::int64_t> last_caught_up_ms;
    };
    struct Quorum {
        std::int32_t leader = -1;
        std::int32_t leader_epoch = -1;
        std::int64_t high_watermark = -1;
        std::vector<QuorumReplica> replicas;
    };
    enum class Upgrade : std::uint8_t { kUpgrade = 1, kSafeDowngrade = 2, kUnsafeDowngrade = 3 };

    virtual ~Direct() = default;

    virtual base::Result<TransactionList> transactions(const TransactionFilter& filter) = 0;
    virtual base::Result<Transaction> describe_transaction(const std::string& id) = 0;
    // Who has written to each partition; asked of its leader, or of `broker`.
    virtual base::Result<Producers> producers(
        const std::vector<topic::TopicPartition>& partitions,
        std::optional<std::int32_t> broker = std::nullopt) = 0;
    // Writes an abort marker into that one partition, past the transaction's coordinator.
    virtual base::Result<void> abort_transaction(const topic::TopicPartition& partition,
                                                 const AbortMarker& marker) = 0;
    // Ends what runs under the id, and fences its producer.
    virtual base::Result<void> terminate_transaction(const std::string& id) = 0;

    virtual base::Result<std::vector<GroupListing>> groups() = 0;
    // `type` is "consumer" or "share".
    virtual base::Result<Group> describe_group(const std::string& name,
                                               const std::string& type) = 0;
    virtual base::Result<std::map<topic::TopicPartition, base::Result<ShareOffset>>> share_offsets(
        const std::string& group) = 0;
    using Outcomes = std::map<topic::TopicPartition, base::Result<void>>;
    virtual base::Result<Outcomes> set_share_offsets(
        const std::string& group, const std::map<topic::TopicPartition, std::int64_t>& starts) = 0;
    virtual base::Result<std::map<std::string, base::Result<void>>> forget_share_topics(
        const std::string& group, const std::vector<std::string>& topics) = 0;

    // Of these brokers and topics; empty: of all.
    virtual base::Result<std::vector<LogDir>> log_dirs(const std::vector<std::int32_t>& brokers,
                                                       const std::vector<std::string>& topics) = 0;
    virtual base::Result<std::vector<Quota>> quotas() = 0;
    // A value of nullopt takes the quota away.
    virtual base::Result<void> alter_quota(
        const QuotaEntity& entity, const std::map<std::string, std::optional<double>>& values,
        bool validate_only) = 0;
    virtual base::Result<Features> features() = 0;
    virtual base::Result<void> set_feature(const std::string& name, std::int16_t level,
                                           Upgrade upgrade, bool validate_only) = 0;
    virtual base::Result<Quorum> quorum() = 0;
};

}  // namespace millrace::client
