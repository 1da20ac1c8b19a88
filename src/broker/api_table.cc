#include "broker/api_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "broker/call.h"
#include "broker/handlers/handlers.h"
#include "broker/quota/request_time.h"
#include "kafka/messages/add_offsets_to_txn.h"
#include "kafka/messages/add_partitions_to_txn.h"
#include "kafka/messages/add_raft_voter.h"
#include "kafka/messages/alter_client_quotas.h"
#include "kafka/messages/alter_configs.h"
#include "kafka/messages/alter_partition_reassignments.h"
#include "kafka/messages/alter_replica_log_dirs.h"
#include "kafka/messages/alter_share_group_offsets.h"
#include "kafka/messages/alter_user_scram_credentials.h"
#include "kafka/messages/api_versions.h"
#include "kafka/messages/consumer_group_describe.h"
#include "kafka/messages/consumer_group_heartbeat.h"
#include "kafka/messages/create_acls.h"
#include "kafka/messages/create_delegation_token.h"
#include "kafka/messages/create_partitions.h"
#include "kafka/messages/create_topics.h"
#include "kafka/messages/delete_acls.h"
#include "kafka/messages/delete_groups.h"
#include "kafka/messages/delete_records.h"
#include "kafka/messages/delete_share_group_offsets.h"
#include "kafka/messages/delete_topics.h"
#include "kafka/messages/describe_acls.h"
#include "kafka/messages/describe_client_quotas.h"
#include "kafka/messages/describe_cluster.h"
#include "kafka/messages/describe_configs.h"
#include "kafka/messages/describe_delegation_token.h"
#include "kafka/messages/describe_groups.h"
#include "kafka/messages/describe_log_dirs.h"
#include "kafka/messages/describe_producers.h"
#include "kafka/messages/describe_quorum.h"
#include "kafka/messages/describe_share_group_offsets.h"
#include "kafka/messages/describe_topic_partitions.h"
#include "kafka/messages/describe_transactions.h"
#include "kafka/messages/describe_user_scram_credentials.h"
#include "kafka/messages/elect_leaders.h"
#include "kafka/messages/end_txn.h"
#include "kafka/messages/expire_delegation_token.h"
#include "kafka/messages/fetch.h"
#include "kafka/messages/find_coordinator.h"
#include "kafka/messages/heartbeat.h"
#include "kafka/messages/incremental_alter_configs.h"
#include "kafka/messages/init_producer_id.h"
#include "kafka/messages/join_group.h"
#include "kafka/messages/leave_group.h"
#include "kafka/messages/list_config_resources.h"
#include "kafka/messages/list_groups.h"
#include "kafka/messages/list_offsets.h"
#include "kafka/messages/list_partition_reassignments.h"
#include "kafka/messages/list_transactions.h"
#include "kafka/messages/metadata.h"
#include "kafka/messages/offset_commit.h"
#include "kafka/messages/offset_delete.h"
#include "kafka/messages/offset_fetch.h"
#include "kafka/messages/offset_for_leader_epoch.h"
#include "kafka/messages/produce.h"
#include "kafka/messages/remove_raft_voter.h"
#include "kafka/messages/renew_delegation_token.h"
#include "kafka/messages/share_acknowledge.h"
#include "kafka/messages/share_fetch.h"
#include "kafka/messages/share_group_describe.h"
#include "kafka/messages/share_group_heartbeat.h"
#include "kafka/messages/streams_group_describe.h"
#include "kafka/messages/streams_group_heartbeat.h"
#include "kafka/messages/sync_group.h"
#include "kafka/messages/txn_offset_commit.h"
#include "kafka/messages/unregister_broker.h"
#include "kafka/messages/update_features.h"
#include "kafka/messages/write_txn_markers.h"
#include "kafka/reader.h"

namespace millrace::broker {
namespace {

// Produce and Fetch weigh their time against their bytes themselves; markers are the brokers' own.
template <class Request>
constexpr bool kPausesForTime =
    Request::kKey != kafka::ApiKey::kProduce && Request::kKey != kafka::ApiKey::kFetch &&
    Request::kKey != kafka::ApiKey::kWriteTxnMarkers;

template <class Request, class Response, Task<Response> (*handle)(Call&, Request)>
Task<void> serve(Call& call, kafka::Reader reader) {
    Request request;
    request.decode(reader, call.version());
    if (!reader.ok()) {
        call.malformed = true;
        co_return;
    }
    Response response = co_await handle(call, std::move(request));
    if constexpr (kPausesForTime<Request>) {
        call.throttle_ms = std::max(call.throttle_ms, request_pause_ms(call));
        if constexpr (requires { response.throttle_time_ms; }) {
            response.throttle_time_ms = static_cast<std::int32_t>(call.throttle_ms);
        }
    }
    if (!call.silent) response.encode(call.writer, call.version());
}

template <class Request, class Response, Task<Response> (*handle)(Call&, Request)>
constexpr Api api(std::int16_t advertised_min_version = Request::kMinVersion) {
    return {Request::kKey,        advertised_min_version,         Request::kMinVersion,
            Request::kMaxVersion, Request::kFirstFlexibleVersion, serve<Request, Response, handle>};
}

constexpr auto kTable = std::to_array<Api>({
    // Versions 0 to 2 are told but refused: librdkafka before 2.11.1 takes their absence for a
    // broker without compression (KAFKA-18659).
    api<kafka::ProduceRequest, kafka::ProduceResponse, produce>(0),
    api<kafka::FetchRequest, kafka::FetchResponse, fetch>(),
    api<kafka::ListOffsetsRequest, kafka::ListOffsetsResponse, list_offsets>(),
    api<kafka::MetadataRequest, kafka::MetadataResponse, metadata>(),
    api<kafka::OffsetCommitRequest, kafka::OffsetCommitResponse, offset_commit>(),
    api<kafka::OffsetFetchRequest, kafka::OffsetFetchResponse, offset_fetch>(),
    api<kafka::FindCoordinatorRequest, kafka::FindCoordinatorResponse, find_coordinator>(),
    api<kafka::JoinGroupRequest, kafka::JoinGroupResponse, join_group>(),
    api<kafka::HeartbeatRequest, kafka::HeartbeatResponse, heartbeat>(),
    api<kafka::LeaveGroupRequest, kafka::LeaveGroupResponse, leave_group>(),
    api<kafka::SyncGroupRequest, kafka::SyncGroupResponse, sync_group>(),
    api<kafka::DescribeGroupsRequest, kafka::DescribeGroupsResponse, describe_groups>(),
    api<kafka::ListGroupsRequest, kafka::ListGroupsResponse, list_groups>(),
    api<kafka::ApiVersionsRequest, kafka::ApiVersionsResponse, api_versions>(),
    api<kafka::CreateTopicsRequest, kafka::CreateTopicsResponse, create_topics>(),
    api<kafka::DeleteTopicsRequest, kafka::DeleteTopicsResponse, delete_topics>(),
    api<kafka::DeleteRecordsRequest, kafka::DeleteRecordsResponse, delete_records>(),
    api<kafka::InitProducerIdRequest, kafka::InitProducerIdResponse, init_producer_id>(),
    api<kafka::OffsetForLeaderEpochRequest, kafka::OffsetForLeaderEpochResponse,
        offset_for_leader_epoch>(),
    api<kafka::AddPartitionsToTxnRequest, kafka::AddPartitionsToTxnResponse,
        add_partitions_to_txn>(),
    api<kafka::AddOffsetsToTxnRequest, kafka::AddOffsetsToTxnResponse, add_offsets_to_txn>(),
    api<kafka::EndTxnRequest, kafka::EndTxnResponse, end_txn>(),
    api<kafka::WriteTxnMarkersRequest, kafka::WriteTxnMarkersResponse, write_txn_markers>(),
    api<kafka::TxnOffsetCommitRequest, kafka::TxnOffsetCommitResponse, txn_offset_commit>(),
    api<kafka::DescribeConfigsRequest, kafka::DescribeConfigsResponse, describe_configs>(),
    api<kafka::AlterReplicaLogDirsRequest, kafka::AlterReplicaLogDirsResponse,
        alter_replica_log_dirs>(),
    api<kafka::DescribeLogDirsRequest, kafka::DescribeLogDirsResponse, describe_log_dirs>(),
    api<kafka::CreatePartitionsRequest, kafka::CreatePartitionsResponse, create_partitions>(),
    api<kafka::DeleteGroupsRequest, kafka::DeleteGroupsResponse, delete_groups>(),
    api<kafka::OffsetDeleteRequest, kafka::OffsetDeleteResponse, offset_delete>(),
    api<kafka::DescribeClusterRequest, kafka::DescribeClusterResponse, describe_cluster>(),
    api<kafka::ConsumerGroupHeartbeatRequest, kafka::ConsumerGroupHeartbeatResponse,
        consumer_group_heartbeat>(),
    api<kafka::ConsumerGroupDescribeRequest, kafka::ConsumerGroupDescribeResponse,
        consumer_group_describe>(),
    api<kafka::DescribeProducersRequest, kafka::DescribeProducersResponse, describe_producers>(),
    api<kafka::DescribeTransactionsRequest, kafka::DescribeTransactionsResponse,
        describe_transactions>(),
    api<kafka::ListTransactionsRequest, kafka::ListTransactionsResponse, list_transactions>(),
    api<kafka::DescribeTopicPartitionsRequest, kafka::DescribeTopicPartitionsResponse,
        describe_topic_partitions>(),
    api<kafka::DescribeAclsRequest, kafka::DescribeAclsResponse, describe_acls>(),
    api<kafka::CreateAclsRequest, kafka::CreateAclsResponse, create_acls>(),
    api<kafka::DeleteAclsRequest, kafka::DeleteAclsResponse, delete_acls>(),
    api<kafka::AlterConfigsRequest, kafka::AlterConfigsResponse, alter_configs>(),
    api<kafka::CreateDelegationTokenRequest, kafka::CreateDelegationTokenResponse,
        create_delegation_token>(),
    api<kafka::RenewDelegationTokenRequest, kafka::RenewDelegationTokenResponse,
        renew_delegation_token>(),
    api<kafka::ExpireDelegationTokenRequest, kafka::ExpireDelegationTokenResponse,
        expire_delegation_token>(),
    api<kafka::DescribeDelegationTokenRequest, kafka::DescribeDelegationTokenResponse,
        describe_delegation_token>(),
    api<kafka::ElectLeadersRequest, kafka::ElectLeadersResponse, elect_leaders>(),
    api<kafka::IncrementalAlterConfigsRequest, kafka::IncrementalAlterConfigsResponse,
        incremental_alter_configs>(),
    api<kafka::AlterPartitionReassignmentsRequest, kafka::AlterPartitionReassignmentsResponse,
        alter_partition_reassignments>(),
    api<kafka::ListPartitionReassignmentsRequest, kafka::ListPartitionReassignmentsResponse,
        list_partition_reassignments>(),
    api<kafka::DescribeClientQuotasRequest, kafka::DescribeClientQuotasResponse,
        describe_client_quotas>(),
    api<kafka::AlterClientQuotasRequest, kafka::AlterClientQuotasResponse, alter_client_quotas>(),
    api<kafka::DescribeUserScramCredentialsRequest, kafka::DescribeUserScramCredentialsResponse,
        describe_user_scram_credentials>(),
    api<kafka::AlterUserScramCredentialsRequest, kafka::AlterUserScramCredentialsResponse,
        alter_user_scram_credentials>(),
    api<kafka::DescribeQuorumRequest, kafka::DescribeQuorumResponse, describe_quorum>(),
    api<kafka::UpdateFeaturesRequest, kafka::UpdateFeaturesResponse, update_features>(),
    api<kafka::UnregisterBrokerRequest, kafka::UnregisterBrokerResponse, unregister_broker>(),
    api<kafka::ListConfigResourcesRequest, kafka::ListConfigResourcesResponse,
        list_config_resources>(),
    api<kafka::AddRaftVoterRequest, kafka::AddRaftVoterResponse, add_raft_voter>(),
    api<kafka::RemoveRaftVoterRequest, kafka::RemoveRaftVoterResponse, remove_raft_voter>(),
    api<kafka::ShareGroupHeartbeatRequest, kafka::ShareGroupHeartbeatResponse,
        share_group_heartbeat>(),
    api<kafka::ShareGroupDescribeRequest, kafka::ShareGroupDescribeResponse,
        share_group_describe>(),
    api<kafka::ShareFetchRequest, kafka::ShareFetchResponse, share_fetch>(),
    api<kafka::ShareAcknowledgeRequest, kafka::ShareAcknowledgeResponse, share_acknowledge>(),
    api<kafka::StreamsGroupHeartbeatRequest, kafka::StreamsGroupHeartbeatResponse,
        streams_group_heartbeat>(),
    api<kafka::StreamsGroupDescribeRequest, kafka::StreamsGroupDescribeResponse,
        streams_group_describe>(),
    api<kafka::DescribeShareGroupOffsetsRequest, kafka::DescribeShareGroupOffsetsResponse,
        describe_share_group_offsets>(),
    api<kafka::AlterShareGroupOffsetsRequest, kafka::AlterShareGroupOffsetsResponse,
        alter_share_group_offsets>(),
    api<kafka::DeleteShareGroupOffsetsRequest, kafka::DeleteShareGroupOffsetsResponse,
        delete_share_group_offsets>(),
});

}  // namespace

std::span<const Api> api_table() {
    return kTable;
}

const Api* find_api(kafka::ApiKey key) {
    const auto found = std::ranges::find(kTable, key, &Api::key);
    return found == kTable.end() ? nullptr : &*found;
}

}  // namespace millrace::broker
