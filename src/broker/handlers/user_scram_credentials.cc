// DescribeUserScramCredentials, AlterUserScramCredentials 0: who has SCRAM credentials, and of how
// many iterations; their secrets are taken and never told.
#include <set>
#include <string>
#include <utility>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/scram/scram.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "kafka/messages/alter_user_scram_credentials.h"
#include "kafka/messages/describe_user_scram_credentials.h"
#include "runtime/loop.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::DescribeUserScramCredentialsResponse> describe_user_scram_credentials(
    Call& call, kafka::DescribeUserScramCredentialsRequest request) {
    kafka::DescribeUserScramCredentialsResponse response;
    response.error_message = "";
    const auto cluster = call.services.catalog.cluster_state();
    std::set<std::string> users, twice;
    if (request.users && !request.users->empty()) {
        for (const auto& user : *request.users) {
            if (!users.insert(user.name).second) twice.insert(user.name);
        }
    } else {
        for (const auto& [name, credential] : cluster->scram) users.insert(name.user);
    }
    for (const std::string& user : users) {
        auto& result = response.results.emplace_back();
        result.user = user;
        if (twice.contains(user)) {
            result.error_code = ErrorCode::kDuplicateResource;
            result.error_message =
                "Cannot describe SCRAM credentials for the same user twice in a single request: " +
                user;
            continue;
        }
        // They are sorted by user, and then by mechanism.
        for (auto at = cluster->scram.lower_bound({user, ScramMechanism::kUnknown});
             at != cluster->scram.end() && at->first.user == user; ++at) {
            result.credential_infos.push_back(
                {static_cast<std::int8_t>(at->first.mechanism), at->second.iterations});
        }
        if (!result.credential_infos.empty()) continue;
        result.error_code = ErrorCode::kResourceNotFound;
        result.error_message = "Attempt to describe a user credential that does not exist: " + user;
    }
    co_return response;
}

Task<kafka::AlterUserScramCredentialsResponse> alter_user_scram_credentials(
    Call& call, kafka::AlterUserScramCredentialsRequest request) {
    std::vector<ScramDeletion> deletions;
    for (auto& one : request.deletions) deletions.push_back({std::move(one.name), one.mechanism});
    std::vector<ScramUpsertion> upsertions;
    for (auto& one : request.upsertions) {
        upsertions.push_back({std::move(one.name), one.mechanism, one.iterations,
                              std::move(one.salt), std::move(one.salted_password)});
    }
    std::map<std::string, ScramOutcome> outcomes;
    const auto edit = [&](const ClusterState& now) -> std::optional<ClusterState> {
        ClusterState altered = now;
        outcomes = alter_scram(altered.scram, deletions, upsertions);
        return altered;
    };
    Catalog& catalog = call.services.catalog;
    const auto changed =
        co_await runtime::call_on(catalog.loop(), [&] { return catalog.change_cluster(edit); });
    kafka::AlterUserScramCredentialsResponse response;
    for (auto& [user, outcome] : outcomes) {
        auto& result = response.results.emplace_back();
        result.user = user;
        result.error_message.reset();
        if (outcome.error == ErrorCode::kNone && !changed) {
            outcome = {to_kafka(changed.error()), changed.error().message()};
        }
        result.error_code = outcome.error;
        if (outcome.error != ErrorCode::kNone) result.error_message = std::move(outcome.message);
    }
    co_return response;
}

}  // namespace millrace::broker
