#include "broker/share/share_group.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "broker/share/share_group_log.h"

namespace millrace::broker {
namespace {

using Names = std::vector<std::string>;

// A group with a world of topics around it; the only caller of the API here.
class ShareGroupMembers : public testing::Test {
protected:
    ShareGroup::FindTopic finder() {
        return [this](const std::string& name) -> std::optional<ShareTopic> {
            const auto found = topics.find(name);
            if (found == topics.end()) return std::nullopt;
            return found->second;
        };
    }
    void topic(const std::string& name, std::uint64_t id, std::int32_t partitions) {
        topics[name] = {name, {0, id}, partitions};
    }
    std::string heartbeat(const std::string& member, std::int32_t epoch,
                          std::optional<Names> subscribed = std::nullopt) {
        changes = {};
        const auto answer = group.heartbeat({.member_id = member,
                                             .epoch = epoch,
                                             .rack_id = std::nullopt,
                                             .subscribed = std::move(subscribed),
                                             .client_id = "client",
                                             .client_host = "/127.0.0.1"},
                                            limits, finder(), now, changes);
        if (answer.error != ErrorCode::kNone) {
            return std::string(kafka::error_name(answer.error));
        }
        std::string text = fmt::format("epoch {}", answer.epoch);
        if (!answer.assignment) return text;
        text += ":";
        for (const auto& [id, partitions] : *answer.assignment) {
            for (const std::int32_t partition : partitions) {
                text += fmt::format(" {}-{}", id.low, partition);
            }
        }
        return text;
    }

    std::map<std::string, ShareTopic> topics;
    ShareGroup group{"g", {}};
    ShareGroupLimits limits{.session_timeout_ms = 1000, .assignment_interval_ms = 0, .max_size = 3};
    std::int64_t now = 0;
    ShareGroupChanges changes;
};

TEST_F(ShareGroupMembers, a_member_has_its_assignment_with_the_first_answer) {
    topic("t", 7, 2);
    EXPECT_EQ(heartbeat("a", 0, Names{"t"}), "epoch 1: 7-0 7-1");
    EXPECT_TRUE(changes.epoch && changes.assignment_epoch && changes.initialized);
    EXPECT_EQ(heartbeat("a", 1), "epoch 1");
    EXPECT_FALSE(changes.any());
}

TEST_F(ShareGroupMembers, the_others_learn_of_a_change_with_their_next_heartbeat) {
    topic("t", 7, 2);
    heartbeat("a", 0, Names{"t"});
    EXPECT_EQ(heartbeat("b", 0, Names{"t"}), "epoch 2: 7-1");
    EXPECT_EQ(heartbeat("a", 1), "epoch 2: 7-0");
    EXPECT_EQ(heartbeat("b", -1), "epoch -1");
    EXPECT_EQ(heartbeat("a", 2), "epoch 3: 7-0 7-1");
    EXPECT_EQ(heartbeat("b", 2), "UNKNOWN_MEMBER_ID");
}

TEST_F(ShareGroupMembers, those_who_come_in_quick_succession_are_assigned_together) {
    limits.assignment_interval_ms = 500;
    topic("t", 7, 2);
    EXPECT_EQ(heartbeat("a", 0, Names{"t"}), "epoch 1: 7-0 7-1");
    now = 499;
    EXPECT_EQ(heartbeat("b", 0, Names{"t"}), "epoch 1:");
    EXPECT_TRUE(changes.epoch && !changes.assignment_epoch);
    EXPECT_EQ(heartbeat("a", 1), "epoch 1");
    now = 500;
    EXPECT_EQ(heartbeat("a", 1), "epoch 2: 7-0");
    EXPECT_EQ(heartbeat("b", 1), "epoch 2: 7-1");
    limits.assignment_interval_ms = 0;  // The group's own setting has changed.
    EXPECT_EQ(heartbeat("b", -1), "epoch -1");
    EXPECT_EQ(heartbeat("a", 2), "epoch 3: 7-0 7-1");
}

TEST_F(ShareGroupMembers, an_epoch_must_be_the_last_one_or_the_one_before) {
    topic("t", 7, 1);
    heartbeat("a", 0, Names{"t"});
    heartbeat("b", 0, Names{"t"});
    EXPECT_EQ(heartbeat("a", 1), "epoch 2") << "nothing new for it but the epoch";
    EXPECT_EQ(heartbeat("a", 1), "epoch 2") << "the answer was lost";
    EXPECT_EQ(heartbeat("a", 3), "FENCED_MEMBER_EPOCH");
    heartbeat("b", -1);
    heartbeat("a", 2);
    EXPECT_EQ(heartbeat("a", 1), "FENCED_MEMBER_EPOCH");
    EXPECT_EQ(heartbeat("a", 0, Names{"t"}), "epoch 3: 7-0") << "joins again";
    EXPECT_EQ(heartbeat("x", 5), "UNKNOWN_MEMBER_ID");
    EXPECT_EQ(heartbeat("x", -1), "UNKNOWN_MEMBER_ID");
}

TEST_F(ShareGroupMembers, there_are_no_more_members_than_may_be) {
    heartbeat("a", 0, Names{"t"});
    heartbeat("b", 0, Names{"t"});
    heartbeat("c", 0, Names{"t"});
    EXPECT_EQ(heartbeat("d", 0, Names{"t"}), "GROUP_MAX_SIZE_REACHED");
    EXPECT_EQ(heartbeat("c", 0, Names{"t"}), "epoch 3:") << "it is one of them";
}

TEST_F(ShareGroupMembers, topics_may_come_grow_and_go) {
    EXPECT_EQ(heartbeat("a", 0, Names{"t", "u"}), "epoch 1:");
    topic("t", 7, 1);
    EXPECT_EQ(heartbeat("a", 1), "epoch 2: 7-0");
    topic("t", 7, 2);
    EXPECT_EQ(heartbeat("a", 2), "epoch 3: 7-0 7-1");
    topic("u", 8, 1);
    EXPECT_EQ(heartbeat("a", 3), "epoch 4: 7-0 7-1 8-0");
    topics.erase("t");
    EXPECT_EQ(heartbeat("a", 4), "epoch 5: 8-0");
    topic("u", 9, 1);
    EXPECT_EQ(heartbeat("a", 5), "epoch 6: 9-0") << "another topic of the same name";
    EXPECT_EQ(heartbeat("a", 6, Names{"none"}), "epoch 7:");
}

TEST_F(ShareGroupMembers, a_silent_member_is_put_out) {
    topic("t", 7, 2);
    heartbeat("a", 0, Names{"t"});
    now = 600;
    heartbeat("b", 0, Names{"t"});
    EXPECT_EQ(*group.next_deadline_ms(), 1000);
    now = 1000;
    changes = {};
    group.tick(finder(), now, changes);
    EXPECT_EQ(changes.removed, std::set<std::string>{"a"});
    EXPECT_EQ(heartbeat("a", 1), "UNKNOWN_MEMBER_ID");
    EXPECT_EQ(heartbeat("b", 2), "epoch 3: 7-0 7-1");
    now = 5000;
    group.tick(finder(), now, changes);
    EXPECT_TRUE(group.empty());
    EXPECT_EQ(group.data().initialized.size(), 1U) << "the group still has its position";
    EXPECT_EQ(group.next_deadline_ms(), std::nullopt);
}

// Everything that was written, read back.
TEST_F(ShareGroupMembers, the_log_holds_the_whole_group) {
    std::map<std::string, ShareGroupData> loaded;
    const auto write = [&] {
        for (const KeyedRecord& record : share_group_records(group, changes, 1234)) {
            const auto value =
                record.value ? std::optional<base::ByteView>(*record.value) : std::nullopt;
            EXPECT_TRUE(load_share_group_record(record.key, value, loaded));
        }
        changes = {};
    };
    const auto same = [&] {
        const ShareGroupData& read = loaded["g"];
        const ShareGroupData& data = group.data();
        EXPECT_EQ(read.epoch, data.epoch);
        EXPECT_EQ(read.metadata_hash, data.metadata_hash);
        EXPECT_EQ(read.assignment_epoch, data.assignment_epoch);
        EXPECT_EQ(read.targets, data.targets);
        ASSERT_EQ(read.members.size(), data.members.size());
        for (const auto& [id, member] : data.members) {
            const ShareMember& other = read.members.at(id);
            EXPECT_EQ(other.subscribed, member.subscribed);
            EXPECT_EQ(other.client_id, member.client_id);
            EXPECT_EQ(other.client_host, member.client_host);
            EXPECT_EQ(other.epoch, member.epoch);
            EXPECT_EQ(other.previous_epoch, member.previous_epoch);
            EXPECT_EQ(other.assigned, member.assigned);
        }
        ASSERT_EQ(read.initialized.size(), data.initialized.size());
        for (const auto& [id, topic] : data.initialized) {
            EXPECT_EQ(read.initialized.at(id).name, topic.name);
            EXPECT_EQ(read.initialized.at(id).partitions, topic.partitions);
        }
    };
    topic("t", 7, 2);
    topic("u", 8, 3);
    heartbeat("a", 0, Names{"u", "t"});
    write();
    same();
    heartbeat("b", 0, Names{"t"});
    write();
    same();
    heartbeat("a", 1);
    write();
    same();
    heartbeat("b", -1);
    write();
    same();
    group.forget({0, 7}, changes);
    write();
    same();
    heartbeat("a", -1);
    write();
    same();
    for (const KeyedRecord& record : share_group_tombstones(group)) {
        load_share_group_record(record.key, std::nullopt, loaded);
    }
    EXPECT_FALSE(loaded.contains("g"));
    EXPECT_FALSE(load_share_group_record(base::ByteView("\0\2\0\1g", 5), std::nullopt, loaded))
        << "the record of a classic group";
    EXPECT_TRUE(load_share_group_record(base::ByteView("\0\x0b\0\7g", 5), std::nullopt, loaded))
        << "cut off";
}

}  // namespace
}  // namespace millrace::broker
