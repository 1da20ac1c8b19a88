// All handlers: one function and one file per API.
//
// A handler authorises, delegates and translates; policy lives in what it delegates to. Adding one:
// README.md of this room.
#pragma once

#include "runtime/task.h"

namespace millrace::kafka {
struct ApiVersionsRequest;
struct ApiVersionsResponse;
struct CreatePartitionsRequest;
struct CreatePartitionsResponse;
struct CreateTopicsRequest;
struct CreateTopicsResponse;
struct DeleteTopicsRequest;
struct DeleteTopicsResponse;
struct DescribeClusterRequest;
struct DescribeClusterResponse;
struct DescribeConfigsRequest;
struct DescribeConfigsResponse;
struct DescribeGroupsRequest;
struct DescribeGroupsResponse;
struct DescribeTopicPartitionsRequest;
struct DescribeTopicPartitionsResponse;
struct FetchRequest;
struct FetchResponse;
struct FindCoordinatorRequest;
struct FindCoordinatorResponse;
struct HeartbeatRequest;
struct HeartbeatResponse;
struct InitProducerIdRequest;
struct InitProducerIdResponse;
struct JoinGroupRequest;
struct JoinGroupResponse;
struct LeaveGroupRequest;
struct LeaveGroupResponse;
struct ListGroupsRequest;
struct ListGroupsResponse;
struct ListOffsetsRequest;
struct ListOffsetsResponse;
struct MetadataRequest;
struct MetadataResponse;
struct OffsetCommitRequest;
struct OffsetCommitResponse;
struct OffsetFetchRequest;
struct OffsetFetchResponse;
struct OffsetForLeaderEpochRequest;
struct OffsetForLeaderEpochResponse;
struct ProduceRequest;
struct ProduceResponse;
struct SyncGroupRequest;
struct SyncGroupResponse;
}  // namespace millrace::kafka

namespace millrace::broker {

struct Call;
using runtime::Task;

Task<kafka::ApiVersionsResponse> api_versions(Call&, kafka::ApiVersionsRequest);
Task<kafka::CreatePartitionsResponse> create_partitions(Call&, kafka::CreatePartitionsRequest);
Task<kafka::CreateTopicsResponse> create_topics(Call&, kafka::CreateTopicsRequest);
Task<kafka::DeleteTopicsResponse> delete_topics(Call&, kafka::DeleteTopicsRequest);
Task<kafka::DescribeClusterResponse> describe_cluster(Call&, kafka::DescribeClusterRequest);
Task<kafka::DescribeConfigsResponse> describe_configs(Call&, kafka::DescribeConfigsRequest);
Task<kafka::DescribeGroupsResponse> describe_groups(Call&, kafka::DescribeGroupsRequest);
Task<kafka::DescribeTopicPartitionsResponse> describe_topic_partitions(
    Call&, kafka::DescribeTopicPartitionsRequest);
Task<kafka::FetchResponse> fetch(Call&, kafka::FetchRequest);
Task<kafka::FindCoordinatorResponse> find_coordinator(Call&, kafka::FindCoordinatorRequest);
Task<kafka::HeartbeatResponse> heartbeat(Call&, kafka::HeartbeatRequest);
Task<kafka::InitProducerIdResponse> init_producer_id(Call&, kafka::InitProducerIdRequest);
Task<kafka::JoinGroupResponse> join_group(Call&, kafka::JoinGroupRequest);
Task<kafka::LeaveGroupResponse> leave_group(Call&, kafka::LeaveGroupRequest);
Task<kafka::ListGroupsResponse> list_groups(Call&, kafka::ListGroupsRequest);
Task<kafka::ListOffsetsResponse> list_offsets(Call&, kafka::ListOffsetsRequest);
Task<kafka::MetadataResponse> metadata(Call&, kafka::MetadataRequest);
Task<kafka::OffsetCommitResponse> offset_commit(Call&, kafka::OffsetCommitRequest);
Task<kafka::OffsetFetchResponse> offset_fetch(Call&, kafka::OffsetFetchRequest);
Task<kafka::OffsetForLeaderEpochResponse> offset_for_leader_epoch(
    Call&, kafka::OffsetForLeaderEpochRequest);
Task<kafka::ProduceResponse> produce(Call&, kafka::ProduceRequest);
Task<kafka::SyncGroupResponse> sync_group(Call&, kafka::SyncGroupRequest);

}  // namespace millrace::broker
