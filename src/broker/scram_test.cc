// SCRAM credentials over the wire, across restarts.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/wire_harness_internal.h"
#include "kafka/messages/alter_user_scram_credentials.h"
#include "kafka/messages/describe_user_scram_credentials.h"

namespace millrace::broker {
namespace {

class ScramUsers : public testing::Test, protected WireHarness {
protected:
    std::string set(const std::string& user, std::int8_t mechanism, std::int32_t iterations) {
        kafka::AlterUserScramCredentialsRequest request;
        request.upsertions.push_back({user, mechanism, iterations, "salt", "salted password"});
        return send(request);
    }
    std::string remove(const std::string& user, std::int8_t mechanism) {
        kafka::AlterUserScramCredentialsRequest request;
        request.deletions.push_back({user, mechanism});
        return send(request);
    }
    std::string send(const kafka::AlterUserScramCredentialsRequest& request) {
        const auto response = client.call<kafka::AlterUserScramCredentialsResponse>(request, 0);
        if (!response) return "no answer";
        std::string text;
        for (const auto& result : response->results) {
            EXPECT_EQ(result.error_message.has_value(), result.error_code != ErrorCode::kNone);
            text += (text.empty() ? "" : " ") + result.user + " " +
                    std::string(error_name(result.error_code));
        }
        return text;
    }
    // "alice 1:4096 2:8192, bob RESOURCE_NOT_FOUND"; no names ask for all.
    std::string describe(const std::vector<std::string>& users = {}) {
        kafka::DescribeUserScramCredentialsRequest request;
        request.users.reset();
        if (!users.empty()) request.users.emplace();
        for (const std::string& user : users) request.users->push_back({user});
        const auto response = client.call<kafka::DescribeUserScramCredentialsResponse>(request, 0);
        if (!response) return "no answer";
        std::string text;
        for (const auto& result : response->results) {
            text += (text.empty() ? "" : ", ") + result.user;
            if (result.error_code != ErrorCode::kNone) {
                text += " " + std::string(error_name(result.error_code));
            }
            for (const auto& info : result.credential_infos) {
                text +=
                    " " + std::to_string(info.mechanism) + ":" + std::to_string(info.iterations);
            }
        }
        return text;
    }
};

TEST_F(ScramUsers, have_their_credentials_after_a_restart) {
    EXPECT_EQ(describe(), "");
    EXPECT_EQ(describe({"alice"}), "alice RESOURCE_NOT_FOUND");
    EXPECT_EQ(set("alice", 1, 4096), "alice NONE");
    EXPECT_EQ(set("alice", 2, 8192), "alice NONE");
    EXPECT_EQ(set("bob", 1, 4096), "bob NONE");
    EXPECT_EQ(set("carol", 1, 100), "carol UNACCEPTABLE_CREDENTIAL");
    broker.restart();
    client.reconnect();
    EXPECT_EQ(describe(), "alice 1:4096 2:8192, bob 1:4096");
    EXPECT_EQ(describe({"bob", "nobody", "alice", "alice"}),
              "alice DUPLICATE_RESOURCE, bob 1:4096, nobody RESOURCE_NOT_FOUND");
    EXPECT_EQ(remove("alice", 1), "alice NONE");
    EXPECT_EQ(remove("alice", 1), "alice RESOURCE_NOT_FOUND");
    EXPECT_EQ(set("bob", 1, 5000), "bob NONE");
    broker.restart();
    client.reconnect();
    EXPECT_EQ(describe(), "alice 2:8192, bob 1:5000");
}

}  // namespace
}  // namespace millrace::broker
