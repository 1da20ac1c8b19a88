#include "broker/scram/scram.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <optional>
#include <set>
#include <utility>

namespace millrace::broker {
namespace {

using kafka::ErrorCode;

ScramMechanism to_mechanism(std::int8_t number) {
    switch (number) {
        case 1: return ScramMechanism::kSha256;
        case 2: return ScramMechanism::kSha512;
        default: return ScramMechanism::kUnknown;
    }
}

const EVP_MD* digest_of(ScramMechanism mechanism) {
    switch (mechanism) {
        case ScramMechanism::kSha256: return EVP_sha256();
        case ScramMechanism::kSha512: return EVP_sha512();
        case ScramMechanism::kUnknown: break;
    }
    return nullptr;
}

using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

base::Bytes to_bytes(const Digest& digest, unsigned size) {
    return base::Bytes(reinterpret_cast<const char*>(digest.data()), size);
}

std::optional<base::Bytes> hmac(const EVP_MD* with, base::ByteView key, base::ByteView text) {
    Digest digest{};
    unsigned size = 0;
    const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
    if (!HMAC(with, key.data(), static_cast<int>(key.size()), bytes, text.size(), digest.data(),
              &size)) {
        return std::nullopt;
    }
    return to_bytes(digest, size);
}

std::optional<base::Bytes> hash(const EVP_MD* with, base::ByteView text) {
    Digest digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, with, nullptr) != 1) {
        return std::nullopt;
    }
    return to_bytes(digest, size);
}

ScramOutcome check_name(const std::string& user, std::int8_t mechanism) {
    if (user.empty()) {
        return {ErrorCode::kUnacceptableCredential, "Username must not be empty"};
    }
    if (to_mechanism(mechanism) == ScramMechanism::kUnknown) {
        return {ErrorCode::kUnsupportedSaslMechanism, "Unknown SCRAM mechanism"};
    }
    return {};
}

ScramOutcome check(const ScramDeletion& deletion, const ScramCredentials& credentials) {
    ScramOutcome outcome = check_name(deletion.user, deletion.mechanism);
    if (outcome.error != ErrorCode::kNone) return outcome;
    if (credentials.contains({deletion.user, to_mechanism(deletion.mechanism)})) return {};
    return {ErrorCode::kResourceNotFound,
            "Attempt to delete a user credential that does not exist"};
}

ScramOutcome check(const ScramUpsertion& upsertion) {
    ScramOutcome outcome = check_name(upsertion.user, upsertion.mechanism);
    if (outcome.error != ErrorCode::kNone) return outcome;
    if (upsertion.iterations < kMinScramIterations) {
        return {ErrorCode::kUnacceptableCredential, "Too few iterations"};
    }
    if (upsertion.iterations > kMaxScramIterations) {
        return {ErrorCode::kUnacceptableCredential, "Too many iterations"};
    }
    return {};
}

}  // namespace

base::Result<ScramCredential> make_scram_credential(ScramMechanism mechanism, base::Bytes salt,
                                                    base::ByteView salted_password,
                                                    std::int32_t iterations) {
    const EVP_MD* const digest = digest_of(mechanism);
    if (!digest) return base::fail(base::Code::kInvalidArgument, "Unknown SCRAM mechanism");
    // Java's HMAC refuses it as well.
    if (salted_password.empty()) return base::fail(base::Code::kInvalidArgument, "Empty key");
    const auto client_key = hmac(digest, salted_password, "Client Key");
    const auto server_key = hmac(digest, salted_password, "Server Key");
    const auto stored_key = client_key ? hash(digest, *client_key) : std::nullopt;
    if (!stored_key || !server_key) {
        return base::fail(base::Code::kInternal, "the keys of a credential cannot be computed");
    }
    return ScramCredential{std::move(salt), *stored_key, *server_key, iterations};
}

std::map<std::string, ScramOutcome> alter_scram(ScramCredentials& credentials,
                                                const std::vector<ScramDeletion>& deletions,
                                                const std::vector<ScramUpsertion>& upsertions) {
    std::map<std::string, ScramOutcome> outcomes;
    // Whose first change is to be made, unless a second one follows. Who was refused stays so.
    const auto is_first = [&](const std::string& user) {
        const auto [known, is_new] = outcomes.try_emplace(user);
        if (!is_new && known->second.error == ErrorCode::kNone) {
            known->second = {ErrorCode::kDuplicateResource,
                             "A user credential cannot be altered twice in the same request"};
        }
        return is_new;
    };
    for (const ScramDeletion& deletion : deletions) {
        if (is_first(deletion.user)) outcomes[deletion.user] = check(deletion, credentials);
    }
    for (const ScramUpsertion& upsertion : upsertions) {
        if (is_first(upsertion.user)) outcomes[upsertion.user] = check(upsertion);
    }
    const auto allowed = [&](const std::string& user) {
        return outcomes[user].error == ErrorCode::kNone;
    };
    for (const ScramDeletion& deletion : deletions) {
        if (!allowed(deletion.user)) continue;
        credentials.erase({deletion.user, to_mechanism(deletion.mechanism)});
    }
    for (const ScramUpsertion& upsertion : upsertions) {
        if (!allowed(upsertion.user)) continue;
        const ScramMechanism mechanism = to_mechanism(upsertion.mechanism);
        auto credential = make_scram_credential(mechanism, upsertion.salt,
                                                upsertion.salted_password, upsertion.iterations);
        if (!credential) {
            outcomes[upsertion.user] = {ErrorCode::kUnknownServerError,
                                        credential.error().message()};
            continue;
        }
        credentials.insert_or_assign({upsertion.user, mechanism}, std::move(*credential));
    }
    return outcomes;
}

}  // namespace millrace::broker
