#include "broker/scram/scram.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace millrace::broker {
namespace {

constexpr std::int8_t kSha256 = 1;
constexpr std::int8_t kSha512 = 2;

// The outcomes as text, "alice NONE, bob DUPLICATE_RESOURCE", and then who has what:
// "| alice 1 4096".
std::string alter(ScramCredentials& credentials, const std::vector<ScramDeletion>& deletions,
                  const std::vector<ScramUpsertion>& upsertions) {
    std::string text;
    for (const auto& [user, outcome] : alter_scram(credentials, deletions, upsertions)) {
        text += (text.empty() ? "" : ", ") + user + " " + std::string(error_name(outcome.error));
        EXPECT_EQ(outcome.message.empty(), outcome.error == kafka::ErrorCode::kNone);
    }
    for (const auto& [name, credential] : credentials) {
        text += " | " + name.user + " " + std::to_string(static_cast<int>(name.mechanism)) + " " +
                std::to_string(credential.iterations);
    }
    return text;
}

ScramUpsertion upsertion(const std::string& user, std::int8_t mechanism = kSha256,
                         std::int32_t iterations = 4096) {
    return {user, mechanism, iterations, "salt", "salted password"};
}

// The user and the password of RFC 7677, "user" and "pencil", salted as it tells.
TEST(Scram, makes_the_keys_of_the_standard) {
    struct Case {
        ScramMechanism mechanism;
        std::string_view salted_password;  // Base64.
        std::string_view stored_key;
        std::string_view server_key;
    };
    const Case cases[] = {
        {ScramMechanism::kSha256, "xKSVEDI6tPlSysH6mUQZOeeOp01r6B3fcJbodRPcYV0=",
         "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=",
         "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="},
        {ScramMechanism::kSha512,
         "8W7+G+Z/HQlQLr1e2SYv3f+6Wjd6tPC2h+XtW6D1Boa4pK4WZHbairO5UdL6kji2OZj0VG"
         "G8M6RkgUlJzsljHQ==",
         "6AAub3065EYRmyFpM2RNwqK+eGnrkYuEWbXn19LsEmBqzu8QaCXNc1FwpnX9NhH2hK/60d"
         "zj9DoO5DvVkOHbvg==",
         "jZHbYjC1aHh0/hKbxyBuGFjDrgjgKTT1esA7awWiKcRZ0o/0b1yWEebBeSVkkCFewf91nL"
         "DfKF24mvD5nmE6rA=="},
    };
    for (const Case& one : cases) {
        const auto salted = base::from_base64(one.salted_password);
        ASSERT_TRUE(salted) << salted.error().message();
        const auto made = make_scram_credential(one.mechanism, "salt", *salted, 4096);
        ASSERT_TRUE(made);
        EXPECT_EQ(base::to_base64(made->stored_key), one.stored_key);
        EXPECT_EQ(base::to_base64(made->server_key), one.server_key);
        EXPECT_EQ(made->salt, "salt");
        EXPECT_EQ(made->iterations, 4096);
    }
    EXPECT_FALSE(make_scram_credential(ScramMechanism::kUnknown, "", "x", 4096));
    EXPECT_FALSE(make_scram_credential(ScramMechanism::kSha256, "", "", 4096));
}

TEST(Scram, changes_credentials_by_kafkas_rules) {
    struct Case {
        const char* what;
        std::vector<ScramDeletion> deletions;
        std::vector<ScramUpsertion> upsertions;
        const char* expected;
    };
    const Case cases[] = {
        {"nothing", {}, {}, " | alice 1 5000"},
        {"a new one", {}, {upsertion("bob", kSha512)}, "bob NONE | alice 1 5000 | bob 2 4096"},
        {"another in its place", {}, {upsertion("alice")}, "alice NONE | alice 1 4096"},
        {"one beside it",
         {},
         {upsertion("alice", kSha512)},
         "alice NONE | alice 1 5000 | alice 2 4096"},
        {"it goes", {{"alice", kSha256}}, {}, "alice NONE"},
        {"one that is not there goes",
         {{"bob", kSha256}},
         {},
         "bob RESOURCE_NOT_FOUND | alice 1 5000"},
        {"of a mechanism that is not there",
         {{"alice", kSha512}},
         {},
         "alice RESOURCE_NOT_FOUND | alice 1 5000"},
        {"twice, the first is refused",
         {{"alice", kSha512}, {"alice", kSha256}},
         {},
         "alice RESOURCE_NOT_FOUND | alice 1 5000"},
        {"twice, the first would do",
         {{"alice", kSha256}, {"alice", kSha256}},
         {},
         "alice DUPLICATE_RESOURCE | alice 1 5000"},
        {"one goes and one comes",
         {{"alice", kSha256}},
         {upsertion("alice", kSha512)},
         "alice DUPLICATE_RESOURCE | alice 1 5000"},
        {"two come, and others as well",
         {},
         {upsertion("bob"), upsertion("bob"), upsertion("carol")},
         "bob DUPLICATE_RESOURCE, carol NONE | alice 1 5000 | carol 1 4096"},
        {"too few iterations",
         {},
         {upsertion("bob", kSha256, 4095)},
         "bob UNACCEPTABLE_CREDENTIAL | alice 1 5000"},
        {"as many as may be",
         {},
         {upsertion("bob", kSha256, 16'384)},
         "bob NONE | alice 1 5000 | bob 1 16384"},
        {"too many",
         {},
         {upsertion("bob", kSha256, 16'385)},
         "bob UNACCEPTABLE_CREDENTIAL | alice 1 5000"},
        {"nobody", {{"", kSha256}}, {}, " UNACCEPTABLE_CREDENTIAL | alice 1 5000"},
        {"a mechanism that there is not",
         {},
         {upsertion("bob", 3)},
         "bob UNSUPPORTED_SASL_MECHANISM | alice 1 5000"},
        {"the same, to go", {{"alice", 0}}, {}, "alice UNSUPPORTED_SASL_MECHANISM | alice 1 5000"},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        ScramCredentials credentials;
        alter_scram(credentials, {}, {upsertion("alice", kSha256, 5000)});
        EXPECT_EQ(alter(credentials, one.deletions, one.upsertions), one.expected);
    }
}

}  // namespace
}  // namespace millrace::broker
