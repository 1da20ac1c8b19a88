// WireDirect: the calls of Direct, over a Wire. One file each for transactions, groups, and what
// the cluster as a whole tells.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/direct.h"
#include "client/direct/wire_internal.h"

namespace millrace::client {

class WireDirect final : public Direct {
public:
    explicit WireDirect(std::unique_ptr<Wire> wire) : wire_(std::move(wire)) {}

    base::Result<TransactionList> transactions(const TransactionFilter& filter) override;
    base::Result<Transaction> describe_transaction(const std::string& id) override;
    base::Result<Producers> producers(const std::vector<topic::TopicPartition>& partitions,
                                      std::optional<std::int32_t> broker) override;
    base::Result<void> abort_transaction(const topic::TopicPartition& partition,
                                         const AbortMarker& marker) override;
    base::Result<void> terminate_transaction(const std::string& id) override;

    base::Result<std::vector<GroupListing>> groups() override;
    base::Result<Group> describe_group(const std::string& name, const std::string& type) override;
    base::Result<std::map<topic::TopicPartition, base::Result<ShareOffset>>> share_offsets(
        const std::string& group) override;
    base::Result<Outcomes> set_share_offsets(
        const std::string& group,
        const std::map<topic::TopicPartition, std::int64_t>& starts) override;
    base::Result<std::map<std::string, base::Result<void>>> forget_share_topics(
        const std::string& group, const std::vector<std::string>& topics) override;

    base::Result<std::vector<LogDir>> log_dirs(const std::vector<std::int32_t>& brokers,
                                               const std::vector<std::string>& topics) override;
    base::Result<std::vector<Quota>> quotas() override;
    base::Result<void> alter_quota(const QuotaEntity& entity,
                                   const std::map<std::string, std::optional<double>>& values,
                                   bool validate_only) override;
    base::Result<Features> features() override;
    base::Result<void> set_feature(const std::string& name, std::int16_t level, Upgrade upgrade,
                                   bool validate_only) override;
    base::Result<Quorum> quorum() override;

private:
    base::Result<Transaction> ask_for_transaction(const std::string& id);
    // The leader of each partition, or why there is none.
    using Leaders = std::map<topic::TopicPartition, base::Result<std::int32_t>>;
    base::Result<Leaders> leaders_of(const std::vector<topic::TopicPartition>& partitions);

    const std::unique_ptr<Wire> wire_;
};

// The partitions of one topic as most requests take them: its name and numbers.
inline std::map<std::string, std::vector<std::int32_t>> by_topic(
    const std::vector<topic::TopicPartition>& partitions) {
    std::map<std::string, std::vector<std::int32_t>> topics;
    for (const auto& [topic, partition] : partitions) topics[topic].push_back(partition);
    return topics;
}

}  // namespace millrace::client
