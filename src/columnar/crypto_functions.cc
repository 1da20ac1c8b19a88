// Digests of SHA-2 and encryption with AES, on OpenSSL.
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <memory>

#include "base/strings.h"
#include "columnar/functions_internal.h"
#include "columnar/utf8_internal.h"

namespace millrace::columnar {

namespace {

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

// (bytes, bits): 224, 256, 384 or 512; 0 is 256, anything else null.
bool sha2(const Row& row, std::string& out) {
    const EVP_MD* digest = nullptr;
    switch (row.number(1)) {
        case 0:
        case 256: digest = EVP_sha256(); break;
        case 224: digest = EVP_sha224(); break;
        case 384: digest = EVP_sha384(); break;
        case 512: digest = EVP_sha512(); break;
        default: return false;
    }
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    const std::string_view text = row.text(0);
    if (EVP_Digest(text.data(), text.size(), bytes, &size, digest, nullptr) != 1) return false;
    for (unsigned int i = 0; i < size; ++i) {
        for (const int digit : {bytes[i] >> 4, bytes[i] & 15}) {
            out.push_back("0123456789abcdef"[digit]);
        }
    }
    return true;
}

enum class Mode : std::uint8_t { kEcb, kCbc, kGcm };
constexpr std::size_t kTagBytes = 16;

std::size_t iv_bytes(Mode mode) {
    return mode == Mode::kGcm ? 12 : mode == Mode::kCbc ? 16 : 0;
}

const EVP_CIPHER* cipher_of(Mode mode, std::size_t key_bytes) {
    const auto by_size = [&](const EVP_CIPHER* a, const EVP_CIPHER* b, const EVP_CIPHER* c) {
        return key_bytes == 16 ? a : key_bytes == 24 ? b : key_bytes == 32 ? c : nullptr;
    };
    switch (mode) {
        case Mode::kEcb: return by_size(EVP_aes_128_ecb(), EVP_aes_192_ecb(), EVP_aes_256_ecb());
        case Mode::kCbc: return by_size(EVP_aes_128_cbc(), EVP_aes_192_cbc(), EVP_aes_256_cbc());
        case Mode::kGcm: break;
    }
    return by_size(EVP_aes_128_gcm(), EVP_aes_192_gcm(), EVP_aes_256_gcm());
}

// One encryption or decryption, and how its failures are told.
class Aes {
public:
    // Quiet: a failure is null, not an error.
    Aes(const Row& row, bool encrypts, bool quiet)
        : row_(row), encrypts_(encrypts), quiet_(quiet) {}

    // The mode and the padding that go together; else a condition.
    bool choose(std::string_view mode, std::string_view padding) {
        const std::string name = base::to_upper(mode);
        const std::string pad = base::to_upper(padding);
        const bool plain = pad == "DEFAULT";
        if (name == "ECB" && (plain || pad == "PKCS")) {
            mode_ = Mode::kEcb;
        } else if (name == "CBC" && (plain || pad == "PKCS")) {
            mode_ = Mode::kCbc;
        } else if (name == "GCM" && (plain || pad == "NONE")) {
            mode_ = Mode::kGcm;
        } else {
            fail("UNSUPPORTED_FEATURE.AES_MODE",
                 {{"mode", std::string(mode)},
                  {"padding", std::string(padding)},
                  {"functionName", encrypts_ ? "`aes_encrypt`" : "`aes_decrypt`"}});
            return false;
        }
        name_ = name;
        return true;
    }

    bool run(std::string_view input, std::string_view key, std::string_view given_iv,
             std::string_view aad, std::string& out) {
        const EVP_CIPHER* cipher = cipher_of(mode_, key.size());
        if (cipher == nullptr) {
            return refuse("AES_KEY_LENGTH", {{"actualLength", std::to_string(key.size())}});
        }
        const std::size_t iv_size = iv_bytes(mode_);
        std::string iv;
        if (!encrypts_) {
            const std::size_t least = iv_size + (mode_ == Mode::kGcm ? kTagBytes : 0);
            if (input.size() < least) return crypto_error("the input is too short");
            iv = input.substr(0, iv_size);
            input.remove_prefix(iv_size);
        } else if (!given_iv.empty()) {
            if (mode_ == Mode::kEcb) {
                fail("UNSUPPORTED_FEATURE.AES_MODE_IV",
                     {{"mode", "ECB"}, {"functionName", "`aes_encrypt`"}});
                return false;
            }
            if (given_iv.size() != iv_size) {
                return refuse("AES_IV_LENGTH",
                              {{"mode", name_}, {"actualLength", std::to_string(given_iv.size())}});
            }
            iv = given_iv;
        } else {
            iv.resize(iv_size);
            if (iv_size > 0 && RAND_bytes(bytes_of(iv), static_cast<int>(iv_size)) != 1) {
                return crypto_error("no random bytes for the initialization vector");
            }
        }
        if (!aad.empty() && encrypts_ && mode_ != Mode::kGcm) {
            fail("UNSUPPORTED_FEATURE.AES_MODE_AAD",
                 {{"mode", name_}, {"functionName", "`aes_encrypt`"}});
            return false;
        }
        if (encrypts_) out = iv;
        return transform(cipher, input, key, iv, aad, out);
    }

private:
    bool transform(const EVP_CIPHER* cipher, std::string_view input, std::string_view key,
                   const std::string& iv, std::string_view aad, std::string& out) {
        const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
            EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
        std::string tag;
        if (mode_ == Mode::kGcm && !encrypts_) {
            tag = input.substr(input.size() - kTagBytes);
            input.remove_suffix(kTagBytes);
        }
        const int direction = encrypts_ ? 1 : 0;
        if (context == nullptr ||
            EVP_CipherInit_ex(context.get(), cipher, nullptr, bytes_of(key),
                              iv.empty() ? nullptr : bytes_of(std::string_view(iv)),
                              direction) != 1) {
            return crypto_error("the cipher cannot be set up");
        }
        int size = 0;
        if (mode_ == Mode::kGcm && !aad.empty() &&
            EVP_CipherUpdate(context.get(), nullptr, &size, bytes_of(aad),
                             static_cast<int>(aad.size())) != 1) {
            return crypto_error("the additional data cannot be used");
        }
        const std::size_t start = out.size();
        out.resize(start + input.size() + 32);
        if (EVP_CipherUpdate(context.get(), bytes_of(out) + start, &size, bytes_of(input),
                             static_cast<int>(input.size())) != 1) {
            return crypto_error("the input does not fit the cipher");
        }
        std::size_t done = start + static_cast<std::size_t>(size);
        if (!tag.empty()) {
            EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data());
        }
        if (EVP_CipherFinal_ex(context.get(), bytes_of(out) + done, &size) != 1) {
            return crypto_error(mode_ == Mode::kGcm
                                    ? "Tag mismatch"
                                    : "Given final block not properly padded. Such issues can "
                                      "arise if a bad key is used during decryption.");
        }
        done += static_cast<std::size_t>(size);
        out.resize(done);
        if (mode_ == Mode::kGcm && encrypts_) {
            std::string made(kTagBytes, '\0');
            EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, made.data());
            out += made;
        }
        return true;
    }

    bool refuse(std::string_view kind,
                std::vector<std::pair<std::string_view, std::string>> parameters) {
        const std::string parameter = kind == "AES_KEY_LENGTH"  ? "`key`"
                                      : kind == "AES_IV_LENGTH" ? "`iv`"
                                                                : "`expr`, `key`";
        parameters.emplace_back("parameter", parameter);
        parameters.emplace_back("functionName", kind == "AES_IV_LENGTH"
                                                    ? "`aes_encrypt`"
                                                    : "`aes_encrypt`/`aes_decrypt`");
        fail(fmt::format("INVALID_PARAMETER_VALUE.{}", kind), parameters);
        return false;
    }
    bool crypto_error(const std::string& message) {
        return refuse("AES_CRYPTO_ERROR", {{"detailMessage", message}});
    }

    void fail(std::string_view condition,
              const std::vector<std::pair<std::string_view, std::string>>& parameters) {
        if (!quiet_) row_.call().fail(condition, parameters);
    }

    const Row& row_;
    bool encrypts_;
    bool quiet_;
    Mode mode_ = Mode::kGcm;
    std::string name_;
};

// (input, key, mode, padding, iv, additional data)
bool encrypt(const Row& row, std::string& out) {
    Aes aes(row, true, false);
    return aes.choose(row.text(2), row.text(3)) &&
           aes.run(row.text(0), row.text(1), row.text(4), row.text(5), out);
}
// (input, key, mode, padding, additional data, mode of errors)
bool decrypt(const Row& row, std::string& out) {
    Aes aes(row, false, row.text(5) == "try");
    return aes.choose(row.text(2), row.text(3)) &&
           aes.run(row.text(0), row.text(1), {}, row.text(4), out);
}

}  // namespace

void add_crypto_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    constexpr auto kBlob = DUCKDB_TYPE_BLOB;
    list.add("mr_sha2", {{kBlob, DUCKDB_TYPE_INTEGER}, kText, text_rows<sha2>});
    list.add("mr_aes_encrypt",
             {{kBlob, kBlob, kText, kText, kBlob, kBlob}, kBlob, text_rows<encrypt>});
    list.add("mr_aes_decrypt",
             {{kBlob, kBlob, kText, kText, kBlob, kText}, kBlob, text_rows<decrypt>});
}

}  // namespace millrace::columnar
