#include <fmt/format.h>

#include <algorithm>

#include "client/admin_internal.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;
using topic::TopicPartition;

PartitionList to_list(const std::map<TopicPartition, std::int64_t>& offsets) {
    PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
    for (const auto& [partition, offset] : offsets) {
        rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)
            ->offset = offset;
    }
    return list;
}

Cluster::Offsets Admin::offsets_of(const rd_kafka_topic_partition_list_t& list,
                                   std::string_view what) const {
    Offsets offsets;
    for (int i = 0; i < list.cnt; ++i) {
        const rd_kafka_topic_partition_t& entry = list.elems[i];
        Result<std::int64_t> offset = entry.offset;
        if (entry.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            offset =
                fail(error(entry.err, fmt::format("{} {}-{}", what, entry.topic, entry.partition)));
        }
        offsets.insert_or_assign({entry.topic, entry.partition}, std::move(offset));
    }
    return offsets;
}

Result<Cluster::Offsets> Admin::offsets_at(const std::map<TopicPartition, std::int64_t>& places) {
    if (places.empty()) return Offsets();
    constexpr std::string_view kWhat = "ask for offsets of";
    const PartitionList list = to_list(places);
    const auto code = rd_kafka_offsets_for_times(handle_, list.get(), timeout_ms_);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(error(code, "ask for offsets"));
    Offsets offsets = offsets_of(*list, kWhat);
    // No record is as late as the time: where the next one will be.
    std::map<TopicPartition, std::int64_t> ends;
    for (const auto& [partition, offset] : offsets) {
        if (offset && *offset < 0) ends[partition] = kLatest;
    }
    if (ends.empty() || ends == places) return offsets;
    MR_TRY(const Offsets late, offsets_at(ends));
    for (const auto& [partition, offset] : late) offsets.insert_or_assign(partition, offset);
    return offsets;
}

Result<Cluster::Offsets> Admin::delete_records(
    const std::map<TopicPartition, std::int64_t>& before) {
    constexpr std::string_view kWhat = "delete records of";
    const PartitionList list = to_list(before);
    const std::unique_ptr<rd_kafka_DeleteRecords_t, FreeWith<rd_kafka_DeleteRecords_destroy>>
        wanted(rd_kafka_DeleteRecords_new(list.get()));
    const AdminOptions options = this->options(RD_KAFKA_ADMIN_OP_DELETERECORDS);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_DeleteRecords_t* requests[] = {wanted.get()};
    rd_kafka_DeleteRecords(handle_, requests, 1, options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), "delete records"));
    const auto* answer =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
    return offsets_of(*answer, kWhat);
}

namespace {

// Whether a coordinator is being looked for, or still loads: soon it answers.
template <class T>
bool is_moving(const Result<T>& outcome) {
    return !outcome && outcome.error().code() == Code::kUnavailable;
}
template <class T>
bool is_moving(const Result<std::vector<Result<T>>>& outcomes) {
    if (!outcomes) return outcomes.error().code() == Code::kUnavailable;
    return std::ranges::any_of(*outcomes, [](const auto& one) { return is_moving(one); });
}
bool is_moving(const Result<Cluster::Offsets>& offsets) {
    if (!offsets) return offsets.error().code() == Code::kUnavailable;
    return std::ranges::any_of(*offsets, [](const auto& entry) { return is_moving(entry.second); });
}

}  // namespace

template <class Ask>
auto Admin::once_coordinated(const Ask& ask) const {
    constexpr int kPauseMs = 100;
    auto answer = ask();
    for (int waited_ms = 0; waited_ms < timeout_ms_ && is_moving(answer); waited_ms += kPauseMs) {
        rd_kafka_poll(handle_, kPauseMs);
        answer = ask();
    }
    return answer;
}

Result<std::vector<Result<Cluster::Group>>> Admin::describe_groups(
    const std::vector<std::string>& groups) {
    return once_coordinated([&] { return ask_for_groups(groups); });
}

Result<Cluster::Offsets> Admin::committed(const std::string& group) {
    return once_coordinated([&] { return ask_for_committed(group); });
}

// Committing twice is committing once.
Result<Cluster::Offsets> Admin::commit(const std::string& group,
                                       const std::map<TopicPartition, std::int64_t>& offsets) {
    return once_coordinated([&] { return try_to_commit(group, offsets); });
}

Result<std::vector<Cluster::GroupListing>> Admin::groups() {
    constexpr std::string_view kWhat = "ask for the list of groups";
    const AdminOptions options = this->options(RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_ListConsumerGroups(handle_, options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), kWhat));
    const auto* result = rd_kafka_event_ListConsumerGroups_result(event.get());
    std::size_t count = 0;
    const auto* errors = rd_kafka_ListConsumerGroups_result_errors(result, &count);
    if (count > 0) return fail(error(*errors[0], kWhat));
    const auto* valid = rd_kafka_ListConsumerGroups_result_valid(result, &count);
    std::vector<GroupListing> groups;
    for (std::size_t i = 0; i < count; ++i) {
        groups.push_back(
            {.name = rd_kafka_ConsumerGroupListing_group_id(valid[i]),
             .state =
                 rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupListing_state(valid[i])),
             .is_simple = rd_kafka_ConsumerGroupListing_is_simple_consumer_group(valid[i]) == 1});
    }
    std::ranges::sort(groups, {}, &GroupListing::name);
    return groups;
}

namespace {

Cluster::Member to_member(const rd_kafka_MemberDescription_t& from) {
    const auto text = [](const char* words) { return std::string(words != nullptr ? words : ""); };
    Cluster::Member member{.id = text(rd_kafka_MemberDescription_consumer_id(&from)),
                           .instance_id = text(rd_kafka_MemberDescription_group_instance_id(&from)),
                           .client_id = text(rd_kafka_MemberDescription_client_id(&from)),
                           .host = text(rd_kafka_MemberDescription_host(&from)),
                           .assigned = {}};
    const auto* assignment = rd_kafka_MemberDescription_assignment(&from);
    const auto* list =
        assignment != nullptr ? rd_kafka_MemberAssignment_partitions(assignment) : nullptr;
    for (int i = 0; list != nullptr && i < list->cnt; ++i) {
        member.assigned.push_back({list->elems[i].topic, list->elems[i].partition});
    }
    return member;
}

}  // namespace

Result<std::vector<Result<Cluster::Group>>> Admin::ask_for_groups(
    const std::vector<std::string>& groups) {
    if (groups.empty()) return std::vector<Result<Group>>();
    std::vector<const char*> names;
    for (const std::string& group : groups) names.push_back(group.c_str());
    const AdminOptions options = this->options(RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_DescribeConsumerGroups(handle_, names.data(), names.size(), options.get(),
                                    queue.get());
    MR_TRY(const auto event, wait(queue.get(), "describe groups"));
    std::size_t count = 0;
    const auto* answer = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
    std::map<std::string, Result<Group>> by_name;
    for (std::size_t i = 0; i < count; ++i) {
        const auto& from = *answer[i];
        const std::string name = rd_kafka_ConsumerGroupDescription_group_id(&from);
        const auto* refused = rd_kafka_ConsumerGroupDescription_error(&from);
        if (refused != nullptr) {
            by_name.emplace(name, fail(error(*refused, "describe group " + name)));
            continue;
        }
        const auto* coordinator = rd_kafka_ConsumerGroupDescription_coordinator(&from);
        const char* assignor = rd_kafka_ConsumerGroupDescription_partition_assignor(&from);
        Group group{.name = name,
                    .state = rd_kafka_consumer_group_state_name(
                        rd_kafka_ConsumerGroupDescription_state(&from)),
                    .assignor = assignor != nullptr ? assignor : "",
                    .coordinator = coordinator != nullptr ? rd_kafka_Node_id(coordinator) : -1,
                    .members = {}};
        for (std::size_t at = 0; at < rd_kafka_ConsumerGroupDescription_member_count(&from); ++at) {
            group.members.push_back(
                to_member(*rd_kafka_ConsumerGroupDescription_member(&from, at)));
        }
        by_name.emplace(name, std::move(group));
    }
    std::vector<Result<Group>> described;
    for (const std::string& name : groups) {
        const auto found = by_name.find(name);
        if (found != by_name.end()) {
            described.push_back(found->second);
        } else {
            described.push_back(
                fail(Code::kRuntime, "describe group {}: the server's answer left it out", name));
        }
    }
    return described;
}

Result<Cluster::Outcomes> Admin::delete_groups(const std::vector<std::string>& groups) {
    using Doomed = std::unique_ptr<rd_kafka_DeleteGroup_t, FreeWith<rd_kafka_DeleteGroup_destroy>>;
    std::vector<Doomed> doomed;
    std::vector<rd_kafka_DeleteGroup_t*> list;
    for (const std::string& group : groups) {
        doomed.emplace_back(rd_kafka_DeleteGroup_new(group.c_str()));
        list.push_back(doomed.back().get());
    }
    const AdminOptions options = this->options(RD_KAFKA_ADMIN_OP_DELETEGROUPS);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_DeleteGroups(handle_, list.data(), list.size(), options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), "delete groups"));
    std::size_t count = 0;
    const auto* results = rd_kafka_DeleteGroups_result_groups(
        rd_kafka_event_DeleteGroups_result(event.get()), &count);
    std::map<std::string, Result<void>> by_name;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string name = rd_kafka_group_result_name(results[i]);
        const auto* refused = rd_kafka_group_result_error(results[i]);
        Result<void> outcome;
        if (refused != nullptr) outcome = fail(error(*refused, "delete group " + name));
        by_name.insert_or_assign(name, std::move(outcome));
    }
    Outcomes outcomes;
    for (const std::string& name : groups) {
        const auto found = by_name.find(name);
        if (found != by_name.end()) {
            outcomes.push_back(found->second);
        } else {
            outcomes.push_back(
                fail(Code::kRuntime, "delete group {}: the server's answer left it out", name));
        }
    }
    return outcomes;
}

Result<Cluster::Offsets> Admin::offsets_of_group(const rd_kafka_group_result_t* const* results,
                                                 std::size_t count, std::string_view what) const {
    if (count == 0) return fail(Code::kRuntime, "{}: the server's answer is empty", what);
    const auto* refused = rd_kafka_group_result_error(results[0]);
    if (refused != nullptr) return fail(error(*refused, what));
    const auto* list = rd_kafka_group_result_partitions(results[0]);
    return list != nullptr ? offsets_of(*list, fmt::format("{}:", what)) : Offsets();
}

Result<Cluster::Offsets> Admin::ask_for_committed(const std::string& group) {
    const std::string what = "ask for the offsets of group " + group;
    // No list: all that the group has.
    const std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t,
                          FreeWith<rd_kafka_ListConsumerGroupOffsets_destroy>>
        wanted(rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), nullptr));
    const AdminOptions options = this->options(RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_ListConsumerGroupOffsets_t* list[] = {wanted.get()};
    rd_kafka_ListConsumerGroupOffsets(handle_, list, 1, options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), what));
    std::size_t count = 0;
    const auto* results = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
    return offsets_of_group(results, count, what);
}

Result<Cluster::Offsets> Admin::try_to_commit(
    const std::string& group, const std::map<TopicPartition, std::int64_t>& offsets) {
    const std::string what = "commit offsets of group " + group;
    const PartitionList partitions = to_list(offsets);
    const std::unique_ptr<rd_kafka_AlterConsumerGroupOffsets_t,
                          FreeWith<rd_kafka_AlterConsumerGroupOffsets_destroy>>
        wanted(rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), partitions.get()));
    const AdminOptions options = this->options(RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_AlterConsumerGroupOffsets_t* list[] = {wanted.get()};
    rd_kafka_AlterConsumerGroupOffsets(handle_, list, 1, options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), what));
    std::size_t count = 0;
    const auto* results = rd_kafka_AlterConsumerGroupOffsets_result_groups(
        rd_kafka_event_AlterConsumerGroupOffsets_result(event.get()), &count);
    return offsets_of_group(results, count, what);
}

Result<Cluster::Offsets> Admin::delete_offsets(const std::string& group,
                                               const std::vector<TopicPartition>& partitions) {
    const std::string what = "delete offsets of group " + group;
    std::map<TopicPartition, std::int64_t> places;
    for (const TopicPartition& partition : partitions) places[partition] = -1;
    const PartitionList wanted_partitions = to_list(places);
    const std::unique_ptr<rd_kafka_DeleteConsumerGroupOffsets_t,
                          FreeWith<rd_kafka_DeleteConsumerGroupOffsets_destroy>>
        wanted(rd_kafka_DeleteConsumerGroupOffsets_new(group.c_str(), wanted_partitions.get()));
    const AdminOptions options = this->options(RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS);
    const QueueHandle queue(rd_kafka_queue_new(handle_));
    rd_kafka_DeleteConsumerGroupOffsets_t* list[] = {wanted.get()};
    rd_kafka_DeleteConsumerGroupOffsets(handle_, list, 1, options.get(), queue.get());
    MR_TRY(const auto event, wait(queue.get(), what));
    std::size_t count = 0;
    const auto* results = rd_kafka_DeleteConsumerGroupOffsets_result_groups(
        rd_kafka_event_DeleteConsumerGroupOffsets_result(event.get()), &count);
    return offsets_of_group(results, count, what);
}

}  // namespace millrace::client
