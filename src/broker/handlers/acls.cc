// DescribeAcls, CreateAcls, DeleteAcls 1-3: no rules are enforced here, so that there are none to
// keep. 2 is flexible, 3 adds users as resources.
#include <string>

#include "broker/call.h"
#include "broker/handlers/handlers.h"
#include "kafka/messages/create_acls.h"
#include "kafka/messages/delete_acls.h"
#include "kafka/messages/describe_acls.h"

namespace millrace::broker {
namespace {

constexpr auto kError = kafka::ErrorCode::kSecurityDisabled;
const std::string kMessage = "No Authorizer is configured.";

}  // namespace

Task<kafka::DescribeAclsResponse> describe_acls(Call&, kafka::DescribeAclsRequest) {
    kafka::DescribeAclsResponse response;
    response.error_code = kError;
    response.error_message = "No Authorizer is configured on the broker";
    co_return response;
}

Task<kafka::CreateAclsResponse> create_acls(Call&, kafka::CreateAclsRequest request) {
    kafka::CreateAclsResponse response;
    for (std::size_t i = 0; i < request.creations.size(); ++i) {
        auto& result = response.results.emplace_back();
        result.error_code = kError;
        result.error_message = kMessage;
    }
    co_return response;
}

Task<kafka::DeleteAclsResponse> delete_acls(Call&, kafka::DeleteAclsRequest request) {
    kafka::DeleteAclsResponse response;
    for (std::size_t i = 0; i < request.filters.size(); ++i) {
        auto& result = response.filter_results.emplace_back();
        result.error_code = kError;
        result.error_message = kMessage;
    }
    co_return response;
}

}  // namespace millrace::broker
