// GroupShard: the groups of one partition of __consumer_offsets, and their committed offsets.
//
// Runs the state machines (group.h): gives them the time, keeps those who wait for an answer, and
// writes what must survive. Offsets and assignments are told to nobody before they are durable.
// Thread rule: belongs to the loop of its partition.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "broker/group/catalog_topics.h"
#include "broker/group/consumer/consumer_group.h"
#include "broker/group/consumer/consumer_group_log.h"
#include "broker/group/group.h"
#include "broker/group/offsets_log.h"
#include "broker/group/pending_offsets.h"
#include "broker/group/streams/streams_group.h"
#include "broker/group/streams/streams_group_log.h"
#include "broker/keyed_log.h"
#include "broker/share/share_groups.h"
#include "kafka/errors.h"
#include "model/end_marker.h"
#include "runtime/event.h"
#include "runtime/gate.h"
#include "runtime/task.h"
#include "runtime/timer.h"

namespace millrace::broker {

struct OffsetWrite {
    OffsetName name;
    std::int64_t offset = -1;
    std::int32_t leader_epoch = -1;
    std::string metadata;
};

// Who commits, as the request says; to the consumer protocol the generation is an epoch.
struct Committer {
    std::string member_id;
    std::optional<std::string> instance_id;
    std::int32_t generation = -1;
    std::int16_t api_version = 9;
};

struct GroupOverview {
    std::string id;
    std::string protocol_type;
    std::string_view state;  // As Kafka's tools print it.
    std::string_view type;   // "classic" ...
};

struct GroupDescription {
    GroupOverview overview;
    std::string protocol_name;
    struct Member {
        std::string id;
        std::optional<std::string> instance_id;
        std::string client_id;
        std::string client_host;
        base::Bytes metadata;
        base::Bytes assignment;
    };
    std::vector<Member> members;
};

// A group of the consumer protocol, or why there is none of that name.
struct ConsumerGroupDescription {
    ErrorCode error = ErrorCode::kNone;
    std::string message;
    std::string_view state;
    std::int32_t epoch = 0;
    std::int32_t target_epoch = 0;
    std::string assignor;
    struct Member {
        ConsumerMember member;
        TopicPartitions target;
    };
    std::vector<Member> members;
};

// A group of the streams protocol, or why there is none of that name.
struct StreamsGroupDescription {
    ErrorCode error = ErrorCode::kNone;
    std::string message;
    std::string_view state;
    std::int32_t epoch = 0;
    std::int32_t target_epoch = 0;
    std::optional<StreamsTopology> topology;
    std::optional<ConfiguredTopology> configured;  // Where it can run.
    struct Member {
        StreamsMember member;
        Tasks target;
    };
    std::vector<Member> members;
};

class GroupShard {
public:
    GroupShard(std::shared_ptr<Partition> partition, runtime::Loop& loop, runtime::Clock& clock,
               const Catalog& catalog, const GroupLimits& limits, const CatalogTopics& topics);
    ~GroupShard();

    runtime::Loop& loop() const { return loop_; }
    runtime::Task<base::Result<void>> load();
    // Everyone who waits is told to look for the coordinator again.
    runtime::Task<void> stop();

    runtime::Task<JoinAnswer> join(std::string group, JoinRequest request);
    runtime::Task<SyncAnswer> sync(std::string group, SyncRequest request);
    ErrorCode heartbeat(const std::string& group, const std::string& member_id,
                        const std::optional<std::string>& instance_id, std::int32_t generation);
    ErrorCode leave(const std::string& group, const std::string& member_id,
                    const std::optional<std::string>& instance_id);
    runtime::Task<ErrorCode> commit(std::string group, Committer committer,
                                    std::vector<OffsetWrite> offsets);
    // ---- transactions ----
    // What commit_in_transaction() wants: 0, or a token and the question whether the transaction
    // holds this partition (KIP-890).
    std::uint64_t start_verification(model::Producer producer);
    // As commit(), but the offsets count only once the producer's transaction commits.
    runtime::Task<ErrorCode> commit_in_transaction(std::string group, Committer committer,
                                                   model::Producer producer,
                                                   std::uint64_t verification,
                                                   std::vector<OffsetWrite> offsets);
    // Writes the marker of a transaction; then its offsets count, or are forgotten.
    runtime::Task<ErrorCode> end_transaction(model::Producer producer, model::EndMarker marker,
                                             bool must_be_newer);
    // Whether an open transaction may still change the offset.
    bool unstable(const std::string& group, const OffsetName& name) const {
        return pending_.holds(group, name);
    }
    // May this member of the group see its offsets? kUnknownMemberId, kStaleMemberEpoch.
    ErrorCode may_fetch(const std::string& group, const std::optional<std::string>& member_id,
                        std::int32_t member_epoch) const;
    // Groups of the consumer protocol (KIP-848).
    runtime::Task<ConsumerHeartbeatAnswer> consumer_heartbeat(std::string group,
                                                              ConsumerHeartbeat request);
    runtime::Task<ConsumerGroupDescription> describe_consumer(std::string group);
    // Groups of the streams protocol (KIP-1071).
    runtime::Task<StreamsHeartbeatAnswer> streams_heartbeat(std::string group,
                                                            StreamsHeartbeat request);
    runtime::Task<StreamsGroupDescription> describe_streams(std::string group);

    // nullopt where nothing was committed.
    std::vector<std::optional<CommittedOffset>> fetch(const std::string& group,
                                                      const std::vector<OffsetName>& names) const;
    std::vector<std::pair<OffsetName, CommittedOffset>> fetch_all(const std::string& group) const;
    std::vector<GroupOverview> list() const;
    std::optional<GroupDescription> describe(const std::string& group) const;
    // Is there a group of this name, of any kind?
    bool contains(const std::string& group) const;
    // Those of share groups, which other kinds of groups know nothing of.
    ShareGroups& share_groups() { return share_groups_; }
    runtime::Task<ShareHeartbeatAnswer> share_heartbeat(std::string group, ShareHeartbeat request,
                                                        ShareGroupLimits limits);
    // The offsets of a topic that was deleted.
    void forget_topic(const std::string& topic);
    // At start: the offsets of topics that are gone, deleted shortly before a crash.
    void forget_topics_but(const std::function<bool(const std::string& topic)>& exists);
    // Removes an empty group with all its offsets; kNonEmptyGroup, kGroupIdNotFound.
    runtime::Task<ErrorCode> remove(std::string group);
    // One error for all, or one for each name: kGroupSubscribedToTopic where it is in use.
    struct OffsetsDeleted {
        ErrorCode error = ErrorCode::kNone;
        std::vector<ErrorCode> each;
    };
    runtime::Task<OffsetsDeleted> delete_offsets(std::string group, std::vector<OffsetName> names);
    // Takes away what is older than offsets.retention.minutes, and groups that hold nothing.
    void expire();

private:
    // `latest` is what the log holds, `durable` what may be told.
    struct Offset {
        std::optional<CommittedOffset> latest;
        std::optional<CommittedOffset> durable;
        model::Offset position;  // Behind the record of `latest`.
    };
    struct Entry {
        Entry(const std::string& id, const GroupLimits& limits) : group(id, limits) {}
        Group group;
        // A group of the consumer or of the streams protocol; `group` is then empty.
        std::unique_ptr<ConsumerGroup> consumer;
        std::unique_ptr<StreamsGroup> streams;
        model::Offset records_end;  // Behind the last record of either in the log.
        std::map<OffsetName, Offset> offsets;
        base::Bytes written;  // The group's last record in the log.
        Group::State noted = Group::State::kEmpty;
        std::int64_t noted_ms = -1;  // When that state began, by the wall clock.
        runtime::Timer timer;
        std::optional<std::int64_t> timer_ms;
    };

    std::int64_t now_ms() const;
    Entry* find(const std::string& group);
    const Entry* find(const std::string& group) const;
    Entry& find_or_make(const std::string& group);
    void apply_record(base::ByteView key, std::optional<base::ByteView> value);
    void apply_pending_record(std::int64_t producer_id, base::ByteView key,
                              std::optional<base::ByteView> value);
    // The names of the groups that were concerned.
    std::vector<std::string> settle_pending(std::int64_t producer_id, bool commit,
                                            model::Offset marker);
    void apply_consumer_record(const ConsumerRecordKey& key, std::optional<base::ByteView> value);
    // Writes what an event changed; false when the log takes nothing any more.
    bool write_consumer(Entry& entry, const ConsumerGroupChanges& changes,
                        std::vector<KeyedRecord> before = {});
    void set_timeouts(ConsumerGroup& group) const;
    void apply_streams_record(const StreamsRecordKey& key, std::optional<base::ByteView> value);
    bool write_streams(Entry& entry, const StreamsGroupChanges& changes,
                       std::vector<KeyedRecord> before = {});
    bool append_group(Entry& entry, const std::vector<KeyedRecord>& records);
    // Groups with members that change their protocol.
    std::string upgrade_fault(const Group& classic, ConsumerGroup& into) const;
    void maybe_downgrade(Entry& entry, const ConsumerGroupChanges& changes);
    runtime::Task<JoinAnswer> join_consumer(std::string group, JoinRequest request);
    runtime::Task<SyncAnswer> sync_consumer(std::string group, SyncRequest request);
    ErrorCode may_commit(Entry& entry, const Committer& committer,
                         const std::vector<OffsetWrite>& offsets);
    // nullopt where it cannot be known.
    std::optional<std::set<std::string>> subscribed_topics(const Entry& entry) const;
    // What can have no effect any more: an empty group in which nobody committed anything.
    bool holds_nothing(const Entry& entry) const;
    // When the offset would be given up, by the wall clock; nullopt: never, as things are.
    std::optional<std::int64_t> expires_from_ms(const Entry& entry,
                                                const CommittedOffset& offset) const;
    void append_removal(const std::string& group, std::vector<KeyedRecord>& records) const;
    // Appends what nobody waits for; an error is only told to the log of the server.
    void append_quietly(const std::vector<KeyedRecord>& records);
    void schedule_expiry();
    // Does what an event of the state machine asked for.
    void carry_out(Entry& entry, GroupActions& actions);
    void write_group(Entry& entry, GroupActions& actions);
    runtime::Task<void> answer_joins(std::vector<std::pair<Token, JoinAnswer>> answers,
                                     base::Result<model::Offset> appended);
    runtime::Task<void> finish_assignment(std::string group, std::int32_t generation,
                                          base::Result<model::Offset> appended);
    // After every event: notes the group's state and sets the timer to its next deadline.
    void settle(const std::string& group);
    void on_timer(const std::string& group);
    std::vector<KeyedRecord> state() const;
    runtime::Task<void> maybe_rewrite();

    runtime::Loop& loop_;
    runtime::Clock& clock_;
    const GroupLimits& limits_;
    const CatalogTopics& topics_;
    KeyedLog log_;
    ShareGroups share_groups_;
    std::map<std::string, std::unique_ptr<Entry>> groups_;
    PendingOffsets pending_;
    Token next_token_ = 1;
    std::map<Token, runtime::OneShot<JoinAnswer>> joins_;
    std::map<Token, runtime::OneShot<SyncAnswer>> syncs_;
    runtime::Timer expiry_;
    runtime::Gate gate_;
};

}  // namespace millrace::broker
