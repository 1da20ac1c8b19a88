// All handlers: one function and one file per API.
//
// A handler authorises, delegates and translates; policy lives in what it delegates to. Adding one:
// README.md of this room.
#pragma once

#include "runtime/task.h"

namespace millrace::kafka {
struct AddOffsetsToTxnRequest;
struct AddOffsetsToTxnResponse;
struct AddPartitionsToTxnRequest;
struct AddPartitionsToTxnResponse;
struct AddRaftVoterRequest;
struct AddRaftVoterResponse;
struct AlterClientQuotasRequest;
struct AlterClientQuotasResponse;
struct AlterConfigsRequest;
struct AlterConfigsResponse;
struct AlterPartitionReassignmentsRequest;
struct AlterPartitionReassignmentsResponse;
struct AlterUserScramCredentialsRequest;
struct AlterUserScramCredentialsResponse;
struct AlterReplicaLogDirsRequest;
struct AlterReplicaLogDirsResponse;
struct ApiVersionsRequest;
struct ApiVersionsResponse;
struct ConsumerGroupDescribeRequest;
struct ConsumerGroupDescribeResponse;
struct ConsumerGroupHeartbeatRequest;
struct ConsumerGroupHeartbeatResponse;
struct CreateAclsRequest;
struct CreateAclsResponse;
struct CreateDelegationTokenRequest;
struct CreateDelegationTokenResponse;
struct CreatePartitionsRequest;
struct CreatePartitionsResponse;
struct CreateTopicsRequest;
struct CreateTopicsResponse;
struct DeleteAclsRequest;
struct DeleteAclsResponse;
struct DeleteGroupsRequest;
struct DeleteGroupsResponse;
struct DeleteRecordsRequest;
struct DeleteRecordsResponse;
struct DeleteTopicsRequest;
struct DeleteTopicsResponse;
struct DescribeAclsRequest;
struct DescribeAclsResponse;
struct DescribeClientQuotasRequest;
struct DescribeClientQuotasResponse;
struct DescribeClusterRequest;
struct DescribeClusterResponse;
struct DescribeConfigsRequest;
struct DescribeConfigsResponse;
struct DescribeDelegationTokenRequest;
struct DescribeDelegationTokenResponse;
struct DescribeGroupsRequest;
struct DescribeGroupsResponse;
struct DescribeProducersRequest;
struct DescribeProducersResponse;
struct DescribeQuorumRequest;
struct DescribeQuorumResponse;
struct DescribeLogDirsRequest;
struct DescribeLogDirsResponse;
struct DescribeTopicPartitionsRequest;
struct DescribeTopicPartitionsResponse;
struct DescribeTransactionsRequest;
struct DescribeTransactionsResponse;
struct DescribeUserScramCredentialsRequest;
struct DescribeUserScramCredentialsResponse;
struct ElectLeadersRequest;
struct ElectLeadersResponse;
struct EndTxnRequest;
struct EndTxnResponse;
struct ExpireDelegationTokenRequest;
struct ExpireDelegationTokenResponse;
struct FetchRequest;
struct FetchResponse;
struct FindCoordinatorRequest;
struct FindCoordinatorResponse;
struct HeartbeatRequest;
struct HeartbeatResponse;
struct IncrementalAlterConfigsRequest;
struct IncrementalAlterConfigsResponse;
struct InitProducerIdRequest;
struct InitProducerIdResponse;
struct JoinGroupRequest;
struct JoinGroupResponse;
struct LeaveGroupRequest;
struct LeaveGroupResponse;
struct ListConfigResourcesRequest;
struct ListConfigResourcesResponse;
struct ListGroupsRequest;
struct ListGroupsResponse;
struct ListOffsetsRequest;
struct ListOffsetsResponse;
struct ListPartitionReassignmentsRequest;
struct ListPartitionReassignmentsResponse;
struct ListTransactionsRequest;
struct ListTransactionsResponse;
struct MetadataRequest;
struct MetadataResponse;
struct OffsetCommitRequest;
struct OffsetCommitResponse;
struct OffsetDeleteRequest;
struct OffsetDeleteResponse;
struct OffsetFetchRequest;
struct OffsetFetchResponse;
struct OffsetForLeaderEpochRequest;
struct OffsetForLeaderEpochResponse;
struct ProduceRequest;
struct ProduceResponse;
struct RemoveRaftVoterRequest;
struct RemoveRaftVoterResponse;
struct RenewDelegationTokenRequest;
struct RenewDelegationTokenResponse;
struct AlterShareGroupOffsetsRequest;
struct AlterShareGroupOffsetsResponse;
struct DeleteShareGroupOffsetsRequest;
struct DeleteShareGroupOffsetsResponse;
struct DescribeShareGroupOffsetsRequest;
struct DescribeShareGroupOffsetsResponse;
struct ShareAcknowledgeRequest;
struct ShareAcknowledgeResponse;
struct ShareFetchRequest;
struct ShareFetchResponse;
struct ShareGroupDescribeRequest;
struct ShareGroupDescribeResponse;
struct ShareGroupHeartbeatRequest;
struct ShareGroupHeartbeatResponse;
struct StreamsGroupDescribeRequest;
struct StreamsGroupDescribeResponse;
struct StreamsGroupHeartbeatRequest;
struct StreamsGroupHeartbeatResponse;
struct SyncGroupRequest;
struct SyncGroupResponse;
struct TxnOffsetCommitRequest;
struct TxnOffsetCommitResponse;
struct UnregisterBrokerRequest;
struct UnregisterBrokerResponse;
struct UpdateFeaturesRequest;
struct UpdateFeaturesResponse;
struct WriteTxnMarkersRequest;
struct WriteTxnMarkersResponse;
}  // namespace millrace::kafka

namespace millrace::broker {

struct Call;
using runtime::Task;

Task<kafka::AddOffsetsToTxnResponse> add_offsets_to_txn(Call&, kafka::AddOffsetsToTxnRequest);
Task<kafka::AddPartitionsToTxnResponse> add_partitions_to_txn(Call&,
                                                              kafka::AddPartitionsToTxnRequest);
Task<kafka::AddRaftVoterResponse> add_raft_voter(Call&, kafka::AddRaftVoterRequest);
Task<kafka::AlterClientQuotasResponse> alter_client_quotas(Call&, kafka::AlterClientQuotasRequest);
Task<kafka::AlterConfigsResponse> alter_configs(Call&, kafka::AlterConfigsRequest);
Task<kafka::AlterPartitionReassignmentsResponse> alter_partition_reassignments(
    Call&, kafka::AlterPartitionReassignmentsRequest);
Task<kafka::AlterUserScramCredentialsResponse> alter_user_scram_credentials(
    Call&, kafka::AlterUserScramCredentialsRequest);
Task<kafka::AlterReplicaLogDirsResponse> alter_replica_log_dirs(Call&,
                                                                kafka::AlterReplicaLogDirsRequest);
Task<kafka::ApiVersionsResponse> api_versions(Call&, kafka::ApiVersionsRequest);
Task<kafka::ConsumerGroupDescribeResponse> consumer_group_describe(
    Call&, kafka::ConsumerGroupDescribeRequest);
Task<kafka::ConsumerGroupHeartbeatResponse> consumer_group_heartbeat(
    Call&, kafka::ConsumerGroupHeartbeatRequest);
Task<kafka::CreateAclsResponse> create_acls(Call&, kafka::CreateAclsRequest);
Task<kafka::CreateDelegationTokenResponse> create_delegation_token(
    Call&, kafka::CreateDelegationTokenRequest);
Task<kafka::CreatePartitionsResponse> create_partitions(Call&, kafka::CreatePartitionsRequest);
Task<kafka::CreateTopicsResponse> create_topics(Call&, kafka::CreateTopicsRequest);
Task<kafka::DeleteAclsResponse> delete_acls(Call&, kafka::DeleteAclsRequest);
Task<kafka::DeleteGroupsResponse> delete_groups(Call&, kafka::DeleteGroupsRequest);
Task<kafka::DeleteRecordsResponse> delete_records(Call&, kafka::DeleteRecordsRequest);
Task<kafka::DeleteTopicsResponse> delete_topics(Call&, kafka::DeleteTopicsRequest);
Task<kafka::DescribeAclsResponse> describe_acls(Call&, kafka::DescribeAclsRequest);
Task<kafka::DescribeClientQuotasResponse> describe_client_quotas(
    Call&, kafka::DescribeClientQuotasRequest);
Task<kafka::DescribeClusterResponse> describe_cluster(Call&, kafka::DescribeClusterRequest);
Task<kafka::DescribeConfigsResponse> describe_configs(Call&, kafka::DescribeConfigsRequest);
Task<kafka::DescribeDelegationTokenResponse> describe_delegation_token(
    Call&, kafka::DescribeDelegationTokenRequest);
Task<kafka::DescribeGroupsResponse> describe_groups(Call&, kafka::DescribeGroupsRequest);
Task<kafka::DescribeProducersResponse> describe_producers(Call&, kafka::DescribeProducersRequest);
Task<kafka::DescribeQuorumResponse> describe_quorum(Call&, kafka::DescribeQuorumRequest);
Task<kafka::DescribeLogDirsResponse> describe_log_dirs(Call&, kafka::DescribeLogDirsRequest);
Task<kafka::DescribeTopicPartitionsResponse> describe_topic_partitions(
    Call&, kafka::DescribeTopicPartitionsRequest);
Task<kafka::DescribeTransactionsResponse> describe_transactions(Call&,
                                                                kafka::DescribeTransactionsRequest);
Task<kafka::DescribeUserScramCredentialsResponse> describe_user_scram_credentials(
    Call&, kafka::DescribeUserScramCredentialsRequest);
Task<kafka::ElectLeadersResponse> elect_leaders(Call&, kafka::ElectLeadersRequest);
Task<kafka::EndTxnResponse> end_txn(Call&, kafka::EndTxnRequest);
Task<kafka::ExpireDelegationTokenResponse> expire_delegation_token(
    Call&, kafka::ExpireDelegationTokenRequest);
Task<kafka::FetchResponse> fetch(Call&, kafka::FetchRequest);
Task<kafka::FindCoordinatorResponse> find_coordinator(Call&, kafka::FindCoordinatorRequest);
Task<kafka::HeartbeatResponse> heartbeat(Call&, kafka::HeartbeatRequest);
Task<kafka::IncrementalAlterConfigsResponse> incremental_alter_configs(
    Call&, kafka::IncrementalAlterConfigsRequest);
Task<kafka::InitProducerIdResponse> init_producer_id(Call&, kafka::InitProducerIdRequest);
Task<kafka::JoinGroupResponse> join_group(Call&, kafka::JoinGroupRequest);
Task<kafka::LeaveGroupResponse> leave_group(Call&, kafka::LeaveGroupRequest);
Task<kafka::ListConfigResourcesResponse> list_config_resources(Call&,
                                                               kafka::ListConfigResourcesRequest);
Task<kafka::ListGroupsResponse> list_groups(Call&, kafka::ListGroupsRequest);
Task<kafka::ListOffsetsResponse> list_offsets(Call&, kafka::ListOffsetsRequest);
Task<kafka::ListPartitionReassignmentsResponse> list_partition_reassignments(
    Call&, kafka::ListPartitionReassignmentsRequest);
Task<kafka::ListTransactionsResponse> list_transactions(Call&, kafka::ListTransactionsRequest);
Task<kafka::MetadataResponse> metadata(Call&, kafka::MetadataRequest);
Task<kafka::OffsetCommitResponse> offset_commit(Call&, kafka::OffsetCommitRequest);
Task<kafka::OffsetDeleteResponse> offset_delete(Call&, kafka::OffsetDeleteRequest);
Task<kafka::OffsetFetchResponse> offset_fetch(Call&, kafka::OffsetFetchRequest);
Task<kafka::OffsetForLeaderEpochResponse> offset_for_leader_epoch(
    Call&, kafka::OffsetForLeaderEpochRequest);
Task<kafka::ProduceResponse> produce(Call&, kafka::ProduceRequest);
Task<kafka::RemoveRaftVoterResponse> remove_raft_voter(Call&, kafka::RemoveRaftVoterRequest);
Task<kafka::RenewDelegationTokenResponse> renew_delegation_token(
    Call&, kafka::RenewDelegationTokenRequest);
Task<kafka::AlterShareGroupOffsetsResponse> alter_share_group_offsets(
    Call&, kafka::AlterShareGroupOffsetsRequest);
Task<kafka::DeleteShareGroupOffsetsResponse> delete_share_group_offsets(
    Call&, kafka::DeleteShareGroupOffsetsRequest);
Task<kafka::DescribeShareGroupOffsetsResponse> describe_share_group_offsets(
    Call&, kafka::DescribeShareGroupOffsetsRequest);
Task<kafka::ShareAcknowledgeResponse> share_acknowledge(Call&, kafka::ShareAcknowledgeRequest);
Task<kafka::ShareFetchResponse> share_fetch(Call&, kafka::ShareFetchRequest);
Task<kafka::ShareGroupDescribeResponse> share_group_describe(Call&,
                                                             kafka::ShareGroupDescribeRequest);
Task<kafka::ShareGroupHeartbeatResponse> share_group_heartbeat(Call&,
                                                               kafka::ShareGroupHeartbeatRequest);
Task<kafka::StreamsGroupDescribeResponse> streams_group_describe(
    Call&, kafka::StreamsGroupDescribeRequest);
Task<kafka::StreamsGroupHeartbeatResponse> streams_group_heartbeat(
    Call&, kafka::StreamsGroupHeartbeatRequest);
Task<kafka::SyncGroupResponse> sync_group(Call&, kafka::SyncGroupRequest);
Task<kafka::TxnOffsetCommitResponse> txn_offset_commit(Call&, kafka::TxnOffsetCommitRequest);
Task<kafka::UnregisterBrokerResponse> unregister_broker(Call&, kafka::UnregisterBrokerRequest);
Task<kafka::UpdateFeaturesResponse> update_features(Call&, kafka::UpdateFeaturesRequest);
Task<kafka::WriteTxnMarkersResponse> write_txn_markers(Call&, kafka::WriteTxnMarkersRequest);

}  // namespace millrace::broker
