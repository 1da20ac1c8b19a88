// DescribeUserScramCredentials, AlterUserScramCredentials 0: nobody can authenticate here, so that
// there are no credentials, and none are taken: who sets one would believe it in force.
#include <set>
#include <string>

#include "broker/call.h"
#include "broker/handlers/handlers.h"
#include "kafka/messages/alter_user_scram_credentials.h"
#include "kafka/messages/describe_user_scram_credentials.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::DescribeUserScramCredentialsResponse> describe_user_scram_credentials(
    Call&, kafka::DescribeUserScramCredentialsRequest request) {
    kafka::DescribeUserScramCredentialsResponse response;
    response.error_message = "";
    // All users: there are none.
    if (!request.users || request.users->empty()) co_return response;
    std::set<std::string> once, twice;
    for (const auto& user : *request.users) {
        if (!once.insert(user.name).second) twice.insert(user.name);
    }
    for (const std::string& user : once) {
        auto& result = response.results.emplace_back();
        result.user = user;
        if (twice.contains(user)) {
            result.error_code = ErrorCode::kDuplicateResource;
            result.error_message =
                "Cannot describe SCRAM credentials for the same user twice in a single request: " +
                user;
            continue;
        }
        result.error_code = ErrorCode::kResourceNotFound;
        result.error_message = "Attempt to describe a user credential that does not exist: " + user;
    }
    co_return response;
}

Task<kafka::AlterUserScramCredentialsResponse> alter_user_scram_credentials(
    Call&, kafka::AlterUserScramCredentialsRequest request) {
    kafka::AlterUserScramCredentialsResponse response;
    std::set<std::string> users;
    for (const auto& deletion : request.deletions) {
        if (!users.insert(deletion.name).second) continue;
        auto& result = response.results.emplace_back();
        result.user = deletion.name;
        result.error_code = ErrorCode::kResourceNotFound;
        result.error_message = "Attempt to delete a user credential that does not exist";
    }
    for (const auto& upsertion : request.upsertions) {
        if (!users.insert(upsertion.name).second) continue;
        auto& result = response.results.emplace_back();
        result.user = upsertion.name;
        result.error_code = ErrorCode::kUnsupportedSaslMechanism;
        result.error_message = "This server has no SASL listener";
    }
    co_return response;
}

}  // namespace millrace::broker
