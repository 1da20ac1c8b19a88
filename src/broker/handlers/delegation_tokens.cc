// CreateDelegationToken, RenewDelegationToken, ExpireDelegationToken, DescribeDelegationToken 1-3:
// tokens are for clients that have authenticated, and nobody can here. 2 is flexible, 3 adds
// owners.
#include "broker/call.h"
#include "broker/handlers/handlers.h"
#include "kafka/messages/create_delegation_token.h"
#include "kafka/messages/describe_delegation_token.h"
#include "kafka/messages/expire_delegation_token.h"
#include "kafka/messages/renew_delegation_token.h"

namespace millrace::broker {
namespace {

constexpr auto kError = kafka::ErrorCode::kDelegationTokenRequestNotAllowed;

}  // namespace

Task<kafka::CreateDelegationTokenResponse> create_delegation_token(
    Call&, kafka::CreateDelegationTokenRequest) {
    kafka::CreateDelegationTokenResponse response;
    response.error_code = kError;
    response.principal_type = "User";
    response.principal_name = "ANONYMOUS";
    response.token_requester_principal_type = "User";
    response.token_requester_principal_name = "ANONYMOUS";
    response.issue_timestamp_ms = response.expiry_timestamp_ms = response.max_timestamp_ms = -1;
    co_return response;
}

Task<kafka::RenewDelegationTokenResponse> renew_delegation_token(
    Call&, kafka::RenewDelegationTokenRequest) {
    kafka::RenewDelegationTokenResponse response;
    response.error_code = kError;
    response.expiry_timestamp_ms = -1;
    co_return response;
}

Task<kafka::ExpireDelegationTokenResponse> expire_delegation_token(
    Call&, kafka::ExpireDelegationTokenRequest) {
    kafka::ExpireDelegationTokenResponse response;
    response.error_code = kError;
    response.expiry_timestamp_ms = -1;
    co_return response;
}

Task<kafka::DescribeDelegationTokenResponse> describe_delegation_token(
    Call&, kafka::DescribeDelegationTokenRequest) {
    kafka::DescribeDelegationTokenResponse response;
    response.error_code = kError;
    co_return response;
}

}  // namespace millrace::broker
