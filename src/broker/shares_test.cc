// Share groups over the wire, across restarts: what the state machines' own tests cannot see.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "broker/wire_harness_internal.h"
#include "kafka/messages/alter_share_group_offsets.h"
#include "kafka/messages/delete_groups.h"
#include "kafka/messages/delete_share_group_offsets.h"
#include "kafka/messages/delete_topics.h"
#include "kafka/messages/describe_share_group_offsets.h"
#include "kafka/messages/find_coordinator.h"
#include "kafka/messages/incremental_alter_configs.h"
#include "kafka/messages/join_group.h"
#include "kafka/messages/list_groups.h"
#include "kafka/messages/metadata.h"
#include "kafka/messages/share_acknowledge.h"
#include "kafka/messages/share_fetch.h"
#include "kafka/messages/share_group_describe.h"
#include "kafka/messages/share_group_heartbeat.h"

namespace millrace::broker {
namespace {

config::ServerOptions assigned_at_once(config::ServerOptions options) {
    options.group_share_assignment_interval_ms = 0;
    return options;
}
config::ServerOptions quick_locks() {
    config::ServerOptions options;
    options.group_share_record_lock_duration_ms = 300;
    return options;
}

// One member of the group "g", reading partition 0 of one topic over one connection.
class Member {
public:
    Member(TestBroker& broker, std::string id, kafka::Uuid topic)
        : client_(std::make_unique<TestClient>(broker)), id_(std::move(id)), topic_(topic) {}

    struct Acknowledged {
        std::int64_t first = 0;
        std::int64_t last = 0;
        std::int8_t type = 1;
    };

    // "0-2 1, 3-5 2", "" for nothing, or the error.
    std::string fetch(std::int32_t max_wait_ms = 0, std::vector<Acknowledged> acknowledged = {},
                      std::int32_t max_records = 500) {
        send(max_wait_ms, std::move(acknowledged), max_records);
        return receive();
    }
    void send(std::int32_t max_wait_ms, std::vector<Acknowledged> acknowledged = {},
              std::int32_t max_records = 500) {
        kafka::ShareFetchRequest request;
        request.group_id = "g";
        request.member_id = id_;
        request.share_session_epoch = epoch_;
        request.max_wait_ms = max_wait_ms;
        request.min_bytes = 1;
        request.max_bytes = max_bytes;
        request.max_records = max_records;
        request.batch_size = max_records;
        if (epoch_ == 0 || !acknowledged.empty()) {
            auto& topic = request.topics.emplace_back();
            topic.topic_id = topic_;
            auto& partition = topic.partitions.emplace_back();
            for (const Acknowledged& one : acknowledged) {
                partition.acknowledgement_batches.push_back({one.first, one.last, {one.type}});
            }
        }
        client_->send(request, 2);
        ++epoch_;
    }
    std::string receive() {
        const auto response = client_->receive<kafka::ShareFetchResponse>(2);
        if (!response) return "no answer";
        if (response->error_code != ErrorCode::kNone) {
            return std::string(error_name(response->error_code));
        }
        records = 0;
        if (response->responses.empty()) return "";
        const auto& partition = response->responses.at(0).partitions.at(0);
        if (partition.error_code != ErrorCode::kNone) {
            return std::string(error_name(partition.error_code));
        }
        std::string text;
        if (partition.acknowledge_error_code != ErrorCode::kNone) {
            text = std::string(error_name(partition.acknowledge_error_code)) + " ";
        }
        for (const auto& batch : partition.acquired_records) {
            if (!text.empty() && text.back() != ' ') text += ", ";
            text += std::to_string(batch.first_offset) + "-" + std::to_string(batch.last_offset) +
                    " " + std::to_string(batch.delivery_count);
        }
        for (base::ByteView rest = partition.records.view(); !rest.empty();) {
            const auto batch = model::RecordBatch::parse(rest);
            if (!batch) return "records that are no batches";
            records += batch->record_count();
            rest.remove_prefix(batch->size_bytes());
        }
        return text;
    }
    std::string acknowledge(std::int64_t first, std::int64_t last, std::int8_t type = 1) {
        kafka::ShareAcknowledgeRequest request;
        request.group_id = "g";
        request.member_id = id_;
        request.share_session_epoch = epoch_++;
        request.is_renew_ack = type == 4;
        auto& topic = request.topics.emplace_back();
        topic.topic_id = topic_;
        auto& partition = topic.partitions.emplace_back();
        partition.acknowledgement_batches.push_back({first, last, {type}});
        const auto response = client_->call<kafka::ShareAcknowledgeResponse>(request, 2);
        if (!response) return "no answer";
        if (response->error_code != ErrorCode::kNone) {
            return std::string(error_name(response->error_code));
        }
        return std::string(error_name(response->responses.at(0).partitions.at(0).error_code));
    }
    // Ends the session, and what it holds is given back.
    std::string close() {
        epoch_ = -1;
        return fetch();
    }
    void reset(std::int32_t epoch) { epoch_ = epoch; }
    void disconnect() { client_.reset(); }

    std::int32_t records = 0;  // In the last answer, others' among them.
    std::int32_t max_bytes = 1 << 20;

private:
    std::unique_ptr<TestClient> client_;
    const std::string id_;
    const kafka::Uuid topic_;
    std::int32_t epoch_ = 0;
};

class Shares : public testing::Test, protected WireHarness {
protected:
    explicit Shares(config::ServerOptions options = {})
        : WireHarness(assigned_at_once(std::move(options))) {
        topic = create("t", 2).topics.at(0).topic_id;
    }
    kafka::ShareGroupHeartbeatResponse heartbeat(const std::string& member, std::int32_t epoch,
                                                 std::optional<std::vector<std::string>> topics,
                                                 const std::string& group = "g") {
        kafka::ShareGroupHeartbeatRequest request;
        request.group_id = group;
        request.member_id = member;
        request.member_epoch = epoch;
        request.subscribed_topic_names = std::move(topics);
        const auto response = client.call<kafka::ShareGroupHeartbeatResponse>(request, 1);
        EXPECT_TRUE(response);
        return response.value_or(kafka::ShareGroupHeartbeatResponse{});
    }
    Member member(const std::string& id) { return {broker, id, topic}; }
    // Where the group stands in partition 0: "3 lag 2", or the error.
    std::string position(bool all = false) {
        kafka::DescribeShareGroupOffsetsRequest request;
        auto& group = request.groups.emplace_back();
        group.group_id = "g";
        group.topics.reset();
        if (!all) group.topics.emplace().push_back({"t", {0}});
        const auto response = client.call<kafka::DescribeShareGroupOffsetsResponse>(request, 1);
        if (!response) return "no answer";
        const auto& answer = response->groups.at(0);
        if (answer.error_code != ErrorCode::kNone) {
            return std::string(error_name(answer.error_code));
        }
        if (answer.topics.empty()) return "nowhere";
        const auto& partition = answer.topics.at(0).partitions.at(0);
        return std::to_string(partition.start_offset) + " lag " + std::to_string(partition.lag);
    }
    std::string alter(std::int64_t offset) {
        kafka::AlterShareGroupOffsetsRequest request;
        request.group_id = "g";
        auto& one = request.topics.emplace_back();
        one.topic_name = "t";
        one.partitions.push_back({0, offset});
        const auto response = client.call<kafka::AlterShareGroupOffsetsResponse>(request, 0);
        if (!response) return "no answer";
        if (response->error_code != ErrorCode::kNone) {
            return std::string(error_name(response->error_code));
        }
        return std::string(error_name(response->responses.at(0).partitions.at(0).error_code));
    }
    std::string forget() {
        kafka::DeleteShareGroupOffsetsRequest request;
        request.group_id = "g";
        request.topics.push_back({"t"});
        const auto response = client.call<kafka::DeleteShareGroupOffsetsResponse>(request, 0);
        if (!response) return "no answer";
        if (response->error_code != ErrorCode::kNone) {
            return std::string(error_name(response->error_code));
        }
        return std::string(error_name(response->responses.at(0).error_code));
    }

    kafka::Uuid topic;
};

class SharesWithQuickLocks : public Shares {
protected:
    SharesWithQuickLocks() : Shares(quick_locks()) {}
};

TEST_F(Shares, a_member_is_assigned_partitions_and_told_so) {
    const auto joined = heartbeat("m1", 0, {{"t"}});
    EXPECT_EQ(joined.error_code, ErrorCode::kNone);
    EXPECT_EQ(joined.member_id, "m1");
    EXPECT_EQ(joined.member_epoch, 1);
    EXPECT_EQ(joined.heartbeat_interval_ms, 5000);
    ASSERT_TRUE(joined.assignment);
    ASSERT_EQ(joined.assignment->topic_partitions.size(), 1U);
    EXPECT_EQ(joined.assignment->topic_partitions[0].topic_id, topic);
    EXPECT_EQ(joined.assignment->topic_partitions[0].partitions, (std::vector<std::int32_t>{0, 1}));
    EXPECT_FALSE(heartbeat("m1", 1, std::nullopt).assignment);
}

TEST_F(Shares, a_heartbeat_that_makes_no_sense_is_refused) {
    struct Case {
        std::string member;
        std::int32_t epoch;
        std::optional<std::vector<std::string>> topics;
        std::string message;
    };
    const std::vector<Case> cases{
        {"", 0, {{"t"}}, "MemberId can't be empty."},
        {"m", 0, std::nullopt, "SubscribedTopicNames must be set in first request."},
        {"m", -2, std::nullopt, "MemberEpoch is invalid."},
    };
    for (const Case& one : cases) {
        const auto answer = heartbeat(one.member, one.epoch, one.topics);
        EXPECT_EQ(answer.error_code, ErrorCode::kInvalidRequest);
        EXPECT_EQ(answer.error_message, one.message);
    }
    EXPECT_EQ(heartbeat("m", 1, std::nullopt).error_code, ErrorCode::kGroupIdNotFound);
}

TEST_F(Shares, records_go_to_one_member_each_and_are_gone_when_acknowledged) {
    Member a = member("a");
    Member b = member("b");
    EXPECT_EQ(a.fetch(), "") << "the group begins at the end of the log";
    produce("t", make_batch(3));
    produce("t", make_batch(2));
    EXPECT_EQ(a.fetch(0, {}, 1), "0-2 1") << "the batch comes whole";
    EXPECT_EQ(a.records, 3);
    EXPECT_EQ(b.fetch(), "3-4 1");
    EXPECT_EQ(b.records, 2);
    EXPECT_EQ(a.acknowledge(0, 2), "NONE");
    EXPECT_EQ(b.acknowledge(3, 4, 2), "NONE");
    EXPECT_EQ(a.fetch(), "3-4 2");
    EXPECT_EQ(a.fetch(0, {{3, 4}}), "") << "acknowledged with the next fetch";
    EXPECT_EQ(b.fetch(), "");
    EXPECT_EQ(a.acknowledge(3, 4), "NONE") << "done with already";
    EXPECT_EQ(a.fetch(0, {{3, 9}}), "INVALID_REQUEST ");
}

TEST_F(Shares, who_asks_for_no_bytes_gets_none) {
    Member a = member("a");
    a.fetch();
    produce("t", make_batch(3));
    a.max_bytes = 0;
    EXPECT_EQ(a.fetch(), "");
    a.max_bytes = 1;
    EXPECT_EQ(a.fetch(), "0-2 1") << "the first batch comes however large it is";
}

TEST_F(Shares, records_never_wait_for_another_partition_that_is_not_loaded) {
    kafka::IncrementalAlterConfigsRequest reset;
    auto& group = reset.resources.emplace_back();
    group.resource_type = 32;
    group.resource_name = "g";
    group.configs.push_back({"share.auto.offset.reset", 0, "earliest"});
    const auto set = client.call<kafka::IncrementalAlterConfigsResponse>(reset, 1);
    ASSERT_TRUE(set && set->responses.at(0).error_code == ErrorCode::kNone);
    produce("t", make_batch(3));
    produce("t", make_batch(2), -1, 9, 1);
    kafka::ShareFetchRequest request;
    request.group_id = "g";
    request.member_id = "m";
    request.max_bytes = 1 << 20;
    request.min_bytes = 1;
    request.max_records = 500;
    request.batch_size = 500;
    auto& asked = request.topics.emplace_back();
    asked.topic_id = topic;
    asked.partitions.emplace_back().partition_index = 0;
    asked.partitions.emplace_back().partition_index = 1;
    // Of each answer, the partitions with records.
    std::vector<std::vector<std::int32_t>> found;
    for (; request.share_session_epoch < 2; ++request.share_session_epoch) {
        request.max_wait_ms = 20'000;
        const auto response = client.call<kafka::ShareFetchResponse>(request, 2);
        ASSERT_TRUE(response);
        auto& partitions = found.emplace_back();
        for (const auto& answer : response->responses.at(0).partitions) {
            EXPECT_EQ(answer.error_code, ErrorCode::kNone);
            if (!answer.acquired_records.empty()) partitions.push_back(answer.partition_index);
        }
        request.topics.clear();
    }
    EXPECT_EQ(found, (std::vector<std::vector<std::int32_t>>{{0}, {1}}));
}

TEST_F(Shares, sessions_are_checked) {
    Member a = member("a");
    a.reset(5);
    EXPECT_EQ(a.fetch(), "SHARE_SESSION_NOT_FOUND");
    a.reset(0);
    EXPECT_EQ(a.fetch(), "");
    a.reset(7);
    EXPECT_EQ(a.fetch(), "INVALID_SHARE_SESSION_EPOCH");
    a.reset(1);
    EXPECT_EQ(a.fetch(), "");
    EXPECT_EQ(a.close(), "");
    EXPECT_EQ(a.close(), "SHARE_SESSION_NOT_FOUND");
}

TEST_F(Shares, an_append_wakes_a_fetch_that_waits) {
    Member a = member("a");
    a.fetch();
    a.send(20'000);
    produce("t", make_batch(1));
    EXPECT_EQ(a.receive(), "0-0 1");
}

TEST_F(Shares, a_release_wakes_a_fetch_that_waits) {
    Member a = member("a");
    Member b = member("b");
    a.fetch();
    b.fetch();
    produce("t", make_batch(4));
    EXPECT_EQ(a.fetch(), "0-3 1");
    b.send(20'000);
    EXPECT_EQ(a.acknowledge(1, 2, 2), "NONE");
    EXPECT_EQ(b.receive(), "1-2 2");
}

TEST_F(Shares, closing_a_session_gives_everything_back) {
    Member a = member("a");
    Member b = member("b");
    a.fetch();
    b.fetch();
    produce("t", make_batch(4));
    EXPECT_EQ(a.fetch(), "0-3 1");
    EXPECT_EQ(a.acknowledge(0, 0), "NONE");
    EXPECT_EQ(a.close(), "");
    EXPECT_EQ(b.fetch(), "1-3 2");
}

TEST_F(Shares, a_member_that_hangs_up_gives_everything_back) {
    Member a = member("a");
    Member b = member("b");
    a.fetch();
    b.fetch();
    produce("t", make_batch(4));
    EXPECT_EQ(a.fetch(), "0-3 1");
    b.send(20'000);
    a.disconnect();
    EXPECT_EQ(b.receive(), "0-3 2");
}

TEST_F(SharesWithQuickLocks, a_lock_that_runs_out_wakes_a_fetch_that_waits) {
    Member a = member("a");
    Member b = member("b");
    a.fetch();
    b.fetch();
    produce("t", make_batch(4));
    EXPECT_EQ(a.fetch(), "0-3 1");
    EXPECT_EQ(b.fetch(20'000), "0-3 2");
    EXPECT_EQ(a.acknowledge(0, 3), "INVALID_RECORD_STATE");
}

TEST_F(Shares, what_was_acknowledged_stays_so_across_a_restart) {
    {
        Member a = member("a");
        a.fetch();
        for (int i = 0; i < 10; ++i) produce("t", make_batch(1));
        EXPECT_EQ(a.fetch(), "0-9 1");
        EXPECT_EQ(a.acknowledge(0, 3), "NONE");
        EXPECT_EQ(a.acknowledge(6, 6), "NONE");
        EXPECT_EQ(a.acknowledge(8, 8, 3), "NONE");
    }
    heartbeat("m1", 0, {{"t"}});
    EXPECT_EQ(position(), "4 lag 4");
    broker.restart();
    TestClient again(broker);
    Member a = member("a");
    EXPECT_EQ(a.fetch(), "4-5 2, 7-7 2, 9-9 2");
}

TEST_F(Shares, a_group_is_there_after_a_restart) {
    heartbeat("m1", 0, {{"t"}});
    heartbeat("m2", 0, {{"t"}});
    broker.restart();
    TestClient again(broker);
    kafka::ShareGroupDescribeRequest request;
    request.group_ids = {"g", "none"};
    request.include_authorized_operations = true;
    const auto response = again.call<kafka::ShareGroupDescribeResponse>(request, 1);
    ASSERT_TRUE(response);
    const auto& group = response->groups.at(0);
    EXPECT_EQ(group.error_code, ErrorCode::kNone);
    EXPECT_EQ(group.group_state, "Stable");
    EXPECT_EQ(group.group_epoch, 2);
    EXPECT_EQ(group.assignor_name, "simple");
    ASSERT_EQ(group.members.size(), 2U);
    EXPECT_EQ(group.members[0].member_id, "m1");
    EXPECT_EQ(group.members[0].member_epoch, 1);
    EXPECT_EQ(group.members[1].assignment.topic_partitions.at(0).topic_name, "t");
    EXPECT_EQ(response->groups.at(1).error_code, ErrorCode::kGroupIdNotFound);
    EXPECT_EQ(response->groups.at(1).error_message, "Group none not found.");
}

TEST_F(Shares, positions_of_an_empty_group_can_be_changed) {
    produce("t", make_batch(10));
    EXPECT_EQ(position(), "GROUP_ID_NOT_FOUND");
    EXPECT_EQ(forget(), "GROUP_ID_NOT_FOUND");
    EXPECT_EQ(alter(8), "NONE") << "which makes the group";
    EXPECT_EQ(position(), "8 lag 2");
    EXPECT_EQ(position(true), "8 lag 2");
    Member a = member("a");
    EXPECT_EQ(a.fetch(), "8-9 1");
    EXPECT_EQ(alter(2), "NONE");
    EXPECT_EQ(a.acknowledge(8, 9), "UNKNOWN_TOPIC_OR_PARTITION") << "acquired before that";
    EXPECT_EQ(a.fetch(), "2-9 1");
    heartbeat("m1", 0, {{"t"}});
    EXPECT_EQ(alter(3), "NON_EMPTY_GROUP");
    EXPECT_EQ(forget(), "NON_EMPTY_GROUP");
    heartbeat("m1", -1, std::nullopt);
    EXPECT_EQ(forget(), "NONE");
    EXPECT_EQ(forget(), "UNKNOWN_TOPIC_OR_PARTITION");
    EXPECT_EQ(position(), "-1 lag -1");
    EXPECT_EQ(position(true), "nowhere");
}

TEST_F(Shares, a_topic_that_is_deleted_is_forgotten) {
    Member a = member("a");
    a.fetch();
    heartbeat("m1", 0, {{"t"}});
    produce("t", make_batch(4));
    EXPECT_EQ(a.fetch(), "0-3 1");
    kafka::DeleteTopicsRequest request;
    request.topics.push_back({.name = "t"});
    ASSERT_TRUE(client.call<kafka::DeleteTopicsResponse>(request, 6));
    EXPECT_EQ(a.fetch(), "UNKNOWN_TOPIC_ID");
    EXPECT_EQ(a.acknowledge(0, 3), "UNKNOWN_TOPIC_ID");
    EXPECT_EQ(position(true), "nowhere");
    const auto next = heartbeat("m1", 1, std::nullopt);
    ASSERT_TRUE(next.assignment);
    EXPECT_TRUE(next.assignment->topic_partitions.empty());
}

TEST_F(Shares, groups_of_other_kinds_do_not_mix_with_them) {
    heartbeat("m1", 0, {{"t"}});
    kafka::JoinGroupRequest join;
    join.group_id = "g";
    join.session_timeout_ms = 10'000;
    join.protocol_type = "consumer";
    join.protocols.push_back({"range", "subscription"});
    const auto joined = client.call<kafka::JoinGroupResponse>(join, 7);
    ASSERT_TRUE(joined);
    EXPECT_EQ(joined->error_code, ErrorCode::kInconsistentGroupProtocol);
    EXPECT_EQ(commit("g", "t", 5), ErrorCode::kIllegalGeneration) << "as told before version 9";
    EXPECT_EQ(commit("classic", "t", 5), ErrorCode::kNone);
    const auto refused = heartbeat("m1", 0, {{"t"}}, "classic");
    EXPECT_EQ(refused.error_code, ErrorCode::kGroupIdNotFound);
    EXPECT_EQ(refused.error_message, "Group classic is not a share group.");

    kafka::ListGroupsRequest list;
    list.types_filter = {"Share"};
    const auto listed = client.call<kafka::ListGroupsResponse>(list, 5);
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->groups.size(), 1U);
    EXPECT_EQ(listed->groups[0].group_id, "g");
    EXPECT_EQ(listed->groups[0].protocol_type, "share");
    EXPECT_EQ(listed->groups[0].group_state, "Stable");
    EXPECT_EQ(listed->groups[0].group_type, "share");
}

TEST_F(Shares, an_empty_group_can_be_deleted) {
    const auto remove = [&] {
        kafka::DeleteGroupsRequest request;
        request.groups_names = {"g"};
        const auto response = client.call<kafka::DeleteGroupsResponse>(request, 2);
        return response ? std::string(error_name(response->results.at(0).error_code)) : "no answer";
    };
    produce("t", make_batch(10));
    heartbeat("m1", 0, {{"t"}});
    Member a = member("a");
    EXPECT_EQ(a.fetch(), "");
    EXPECT_EQ(position(), "10 lag 0");
    EXPECT_EQ(remove(), "NON_EMPTY_GROUP");
    heartbeat("m1", -1, std::nullopt);
    EXPECT_EQ(remove(), "NONE");
    EXPECT_EQ(remove(), "GROUP_ID_NOT_FOUND");
    heartbeat("m1", 0, {{"t"}});
    EXPECT_EQ(position(), "-1 lag -1") << "another group of the same name";
}

TEST_F(Shares, a_share_fetch_that_renews_fetches_nothing) {
    Member a = member("a");
    a.fetch();
    produce("t", make_batch(4));
    EXPECT_EQ(a.fetch(), "0-3 1");
    EXPECT_EQ(a.acknowledge(0, 3, 4), "NONE");
    EXPECT_EQ(a.fetch(0, {{0, 3, 4}}), "INVALID_REQUEST ") << "it does not say that it renews";
    EXPECT_EQ(a.acknowledge(0, 3), "NONE");
}

}  // namespace
}  // namespace millrace::broker
