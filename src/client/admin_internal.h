// Admin: the calls of a Cluster on a handle that somebody else owns, through librdkafka's
// AdminClient.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "client/rdkafka_internal.h"

namespace millrace::client {

using Event = std::unique_ptr<rd_kafka_event_t, FreeWith<rd_kafka_event_destroy>>;
using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, FreeWith<rd_kafka_AdminOptions_destroy>>;

class Admin : public Cluster {
public:
    Admin(rd_kafka_t* handle, std::string servers, int timeout_ms = kTimeoutMs)
        : handle_(handle), servers_(std::move(servers)), timeout_ms_(timeout_ms) {}

    base::Result<Overview> overview() override;
    base::Result<Outcomes> create_topics(const std::vector<NewTopic>& topics, Mode mode) override;
    base::Result<Outcomes> delete_topics(const std::vector<std::string>& topics) override;
    base::Result<void> add_partitions(const std::string& topic, std::int32_t total,
                                      Mode mode) override;
    base::Result<std::vector<Setting>> settings(const Resource& resource) override;
    base::Result<void> replace_settings(const Resource& resource,
                                        const std::map<std::string, std::string>& settings,
                                        Mode mode) override;
    base::Result<Offsets> offsets_at(
        const std::map<topic::TopicPartition, std::int64_t>& places) override;
    base::Result<Offsets> delete_records(
        const std::map<topic::TopicPartition, std::int64_t>& before) override;
    base::Result<std::vector<GroupListing>> groups() override;
    base::Result<std::vector<base::Result<Group>>> describe_groups(
        const std::vector<std::string>& groups) override;
    base::Result<Outcomes> delete_groups(const std::vector<std::string>& groups) override;
    base::Result<Offsets> committed(const std::string& group) override;
    base::Result<Offsets> commit(
        const std::string& group,
        const std::map<topic::TopicPartition, std::int64_t>& offsets) override;
    base::Result<Offsets> delete_offsets(
        const std::string& group, const std::vector<topic::TopicPartition>& partitions) override;

    base::Result<Direct*> direct() override {
        return base::fail(base::Code::kUnsupported, "only a cluster of its own is asked directly");
    }

    // Partitions of every topic, by name. Listing all never creates one.
    base::Result<std::map<std::string, std::int32_t>> partition_counts();

private:
    AdminOptions options(rd_kafka_admin_op_t operation, Mode mode = Mode::kApply) const;
    // Waits for the one result of a request that was made on `queue`.
    base::Result<Event> wait(rd_kafka_queue_t* queue, std::string_view what) const;
    // One outcome for each of `names`, which a server may answer in any order.
    Outcomes outcomes(const rd_kafka_topic_result_t* const* results, std::size_t count,
                      const std::vector<std::string>& names, std::string_view what) const;
    base::Error error(rd_kafka_resp_err_t error, std::string_view what,
                      const char* words = nullptr) const;
    base::Error error(const rd_kafka_error_t& error, std::string_view what) const;
    Offsets offsets_of(const rd_kafka_topic_partition_list_t& list, std::string_view what) const;
    base::Result<Offsets> offsets_of_group(const rd_kafka_group_result_t* const* results,
                                           std::size_t count, std::string_view what) const;

    base::Result<std::vector<base::Result<Group>>> ask_for_groups(
        const std::vector<std::string>& groups);
    base::Result<Offsets> ask_for_committed(const std::string& group);
    base::Result<Offsets> try_to_commit(
        const std::string& group, const std::map<topic::TopicPartition, std::int64_t>& offsets);
    // Asks until the group's coordinator is there, within the timeout.
    template <class Ask>
    auto once_coordinated(const Ask& ask) const;

    rd_kafka_t* handle_;
    std::string servers_;
    int timeout_ms_;
};

PartitionList to_list(const std::map<topic::TopicPartition, std::int64_t>& offsets);

}  // namespace millrace::client
