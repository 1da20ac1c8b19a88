// Scram: the credentials of users for SCRAM (RFC 5802), and the rules by which they change, in
// Kafka's words.
//
// What is kept of a password are salt, iterations and two keys made of it, as KRaft keeps them. A
// client sends the salted password, which is never kept, and no part of a credential but its number
// of iterations is ever told or logged.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "kafka/errors.h"

namespace millrace::broker {

// As they are numbered in the protocol and in the log.
enum class ScramMechanism : std::int8_t { kUnknown = 0, kSha256 = 1, kSha512 = 2 };
inline constexpr std::int32_t kMinScramIterations = 4096;
inline constexpr std::int32_t kMaxScramIterations = 16'384;

struct ScramName {
    std::string user;
    ScramMechanism mechanism = ScramMechanism::kUnknown;
    auto operator<=>(const ScramName&) const = default;
};
struct ScramCredential {
    base::Bytes salt;
    base::Bytes stored_key;
    base::Bytes server_key;
    std::int32_t iterations = 0;
    bool operator==(const ScramCredential&) const = default;
};
using ScramCredentials = std::map<ScramName, ScramCredential>;

// StoredKey and ServerKey of RFC 5802, of the password that was salted before.
base::Result<ScramCredential> make_scram_credential(ScramMechanism mechanism, base::Bytes salt,
                                                    base::ByteView salted_password,
                                                    std::int32_t iterations);

struct ScramDeletion {
    std::string user;
    std::int8_t mechanism = 0;  // A ScramMechanism, as it came.
};
struct ScramUpsertion {
    std::string user;
    std::int8_t mechanism = 0;
    std::int32_t iterations = 0;
    base::Bytes salt;
    base::Bytes salted_password;
};
struct ScramOutcome {
    kafka::ErrorCode error = kafka::ErrorCode::kNone;
    std::string message;
};
// Makes the changes that are allowed; one outcome for each user. Nobody may be named twice.
std::map<std::string, ScramOutcome> alter_scram(ScramCredentials& credentials,
                                                const std::vector<ScramDeletion>& deletions,
                                                const std::vector<ScramUpsertion>& upsertions);

}  // namespace millrace::broker
