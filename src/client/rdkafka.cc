#include <fmt/format.h>

#include <array>

#include "base/log.h"
#include "client/rdkafka_internal.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;

Settings settings_from_options(const std::map<std::string, std::string>& options) {
    constexpr std::string_view kPrefix = "kafka.";
    Settings settings;
    for (const auto& [name, value] : options) {
        if (name.starts_with(kPrefix)) settings[name.substr(kPrefix.size())] = value;
    }
    return settings;
}

namespace {

Code code_of(rd_kafka_resp_err_t error) {
    switch (error) {
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
        case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND: return Code::kNotFound;
        case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return Code::kAlreadyExists;
        case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET: return Code::kOutOfRange;
        case RD_KAFKA_RESP_ERR__TRANSPORT:
        case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        case RD_KAFKA_RESP_ERR__RESOLVE:
        case RD_KAFKA_RESP_ERR__SSL:
        case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
        case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
        case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
        case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
        case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
        case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE: return Code::kUnavailable;
        case RD_KAFKA_RESP_ERR__TIMED_OUT:
        case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
        case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT: return Code::kTimeout;
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: return Code::kTooLarge;
        case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
        case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
        case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
        case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
        case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
        case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
        case RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE:
        case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        case RD_KAFKA_RESP_ERR__INVALID_ARG: return Code::kInvalidArgument;
        case RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP:
        case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
        case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
        case RD_KAFKA_RESP_ERR_GROUP_SUBSCRIBED_TO_TOPIC: return Code::kConflict;
        case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR: return Code::kOffline;
        case RD_KAFKA_RESP_ERR_INVALID_MSG:
        case RD_KAFKA_RESP_ERR__BAD_MSG:
        case RD_KAFKA_RESP_ERR__BAD_COMPRESSION: return Code::kCorrupt;
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
        case RD_KAFKA_RESP_ERR__AUTHENTICATION: return Code::kPermissionDenied;
        case RD_KAFKA_RESP_ERR__QUEUE_FULL: return Code::kResourceExhausted;
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
        case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
        case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED: return Code::kUnsupported;
        default: return Code::kRuntime;
    }
}

bool is_secret(std::string_view setting) {
    for (const char* part : {"password", "secret", ".key.pem", "oauthbearer.config", "jaas"}) {
        if (setting.contains(part)) return true;
    }
    return false;
}

void log_line(const rd_kafka_t*, int, const char*, const char* text) {
    base::log_debug("librdkafka: {}", text);
}

}  // namespace

base::Error to_error(rd_kafka_resp_err_t error, std::string_view what, std::string_view servers,
                     std::string_view detail) {
    const Code code = code_of(error);
    const std::string_view words = detail.empty() ? rd_kafka_err2str(error) : detail;
    if (error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
        error == RD_KAFKA_RESP_ERR__RESOLVE) {
        return {code, fmt::format("{}: no Kafka server answers at {} ({})", what, servers, words)};
    }
    if (code == Code::kTimeout) {
        return {code, fmt::format("{}: the Kafka server at {} did not answer in time ({})", what,
                                  servers, words)};
    }
    return {code, fmt::format("{}: {}", what, words)};
}

std::string servers_of(const Settings& settings) {
    for (const char* name : {"bootstrap.servers", "metadata.broker.list"}) {
        if (const auto found = settings.find(name); found != settings.end()) return found->second;
    }
    return "(no bootstrap.servers given)";
}

Result<Configuration> make_configuration(const Settings& settings, const Settings& defaults,
                                         const Settings& forced) {
    Settings all = settings;
    all.insert(defaults.begin(), defaults.end());
    for (const auto& [name, value] : forced) all[name] = value;
    Configuration configuration(rd_kafka_conf_new());
    for (const auto& [name, value] : all) {
        char words[512];
        if (rd_kafka_conf_set(configuration.get(), name.c_str(), value.c_str(), words,
                              sizeof(words)) != RD_KAFKA_CONF_OK) {
            // What librdkafka says may repeat the value.
            if (is_secret(name)) {
                return fail(Code::kInvalidArgument, "Kafka client setting {}: refused", name);
            }
            return fail(Code::kInvalidArgument, "Kafka client setting {}={}: {}", name, value,
                        words);
        }
    }
    rd_kafka_conf_set_log_cb(configuration.get(), log_line);
    return configuration;
}

Result<Handle> make_handle(rd_kafka_type_t type, Configuration configuration) {
    char words[512];
    Handle handle(rd_kafka_new(type, configuration.get(), words, sizeof(words)));
    if (handle == nullptr) return fail(Code::kInvalidArgument, "Kafka client: {}", words);
    static_cast<void>(configuration.release());  // The handle owns it.
    return handle;
}

void Reach::watch(rd_kafka_conf_t* configuration) {
    rd_kafka_conf_set_opaque(configuration, this);
    rd_kafka_conf_set_error_cb(configuration, on_error);
}

void Reach::on_error(rd_kafka_t*, int code, const char* reason, void* self) {
    auto& reach = *static_cast<Reach*>(self);
    const auto error = static_cast<rd_kafka_resp_err_t>(code);
    // The reason for a refusal comes before the news that no server is left.
    const bool is_refusal = error == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
                            error == RD_KAFKA_RESP_ERR__SSL ||
                            error == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
                            error == RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM;
    if (!is_refusal && error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;
    if (reach.error_ != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    reach.error_ = error;
    reach.reason_ = reason != nullptr ? reason : "";
}

Result<void> Reach::wait(rd_kafka_t* handle, std::string_view servers, int timeout_ms) {
    constexpr int kAttemptMs = 250;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TRANSPORT;
    for (int waited_ms = 0; waited_ms < timeout_ms && error_ == RD_KAFKA_RESP_ERR_NO_ERROR;
         waited_ms += kAttemptMs) {
        const rd_kafka_metadata_t* metadata = nullptr;
        error = rd_kafka_metadata(handle, 0, nullptr, &metadata, kAttemptMs);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(metadata);
            return {};
        }
        rd_kafka_poll(handle, 0);  // Errors of connections are told here.
    }
    if (error_ == RD_KAFKA_RESP_ERR_NO_ERROR) return fail(to_error(error, "connect", servers));
    return fail(to_error(error_, "connect", servers, reason_));
}

std::vector<topic::Header> headers_of(const rd_kafka_message_t& message) {
    std::vector<topic::Header> result;
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return result;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t bytes = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &bytes) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
        result.push_back({name, std::nullopt});
        if (value != nullptr) result.back().value.emplace(static_cast<const char*>(value), bytes);
    }
    return result;
}

rd_kafka_resp_err_t produce(rd_kafka_t* producer, const std::string& topic, std::int32_t partition,
                            const topic::NewRecord& record, void* opaque) {
    // librdkafka frees the headers unless it fails to queue the record.
    rd_kafka_headers_t* headers = nullptr;
    if (!record.headers.empty()) {
        headers = rd_kafka_headers_new(record.headers.size());
        for (const topic::Header& header : record.headers) {
            rd_kafka_header_add(headers, header.key.data(), static_cast<ssize_t>(header.key.size()),
                                header.value ? header.value->data() : nullptr,
                                header.value ? static_cast<ssize_t>(header.value->size()) : 0);
        }
    }
    const auto data = [](const std::optional<base::Bytes>& field) {
        return field ? const_cast<char*>(field->data()) : nullptr;
    };
    const auto size = [](const std::optional<base::Bytes>& field) {
        return field ? field->size() : 0;
    };
    // To librdkafka a timestamp of 0 means "now".
    const std::int64_t timestamp_ms = record.timestamp_ms == -1 ? 0 : record.timestamp_ms;
    std::array<rd_kafka_vu_t, 8> arguments{};
    arguments[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    arguments[0].u.cstr = topic.c_str();
    arguments[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    arguments[1].u.i32 = partition;
    arguments[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    arguments[2].u.i = RD_KAFKA_MSG_F_COPY;
    arguments[3].vtype = RD_KAFKA_VTYPE_KEY;
    arguments[3].u.mem = {data(record.key), size(record.key)};
    arguments[4].vtype = RD_KAFKA_VTYPE_VALUE;
    arguments[4].u.mem = {data(record.value), size(record.value)};
    arguments[5].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    arguments[5].u.i64 = timestamp_ms;
    arguments[6].vtype = RD_KAFKA_VTYPE_OPAQUE;
    arguments[6].u.ptr = opaque;
    arguments[7].vtype = RD_KAFKA_VTYPE_HEADERS;
    arguments[7].u.headers = headers;
    const std::unique_ptr<rd_kafka_error_t, FreeWith<rd_kafka_error_destroy>> outcome(
        rd_kafka_produceva(producer, arguments.data(), headers != nullptr ? 8 : 7));
    const rd_kafka_resp_err_t error =
        outcome ? rd_kafka_error_code(outcome.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR && headers != nullptr) {
        rd_kafka_headers_destroy(headers);
    }
    return error;
}

}  // namespace millrace::client
