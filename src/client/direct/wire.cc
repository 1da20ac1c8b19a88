#include <algorithm>

#include "base/strings.h"
#include "client/direct/wire_internal.h"
#include "client/rdkafka_internal.h"
#include "kafka/messages/find_coordinator.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;
using runtime::Task;

base::Error to_error(kafka::ErrorCode error, std::string_view what, std::string_view words) {
    const std::string_view name = kafka::error_name(error);
    const std::string text = words.empty() ? fmt::format("{}: {}", what, name)
                                           : fmt::format("{}: {} ({})", what, words, name);
    switch (error) {
        case kafka::ErrorCode::kTransactionalIdNotFound:
        case kafka::ErrorCode::kResourceNotFound: return {Code::kNotFound, text};
        case kafka::ErrorCode::kInvalidProducerEpoch:
        case kafka::ErrorCode::kProducerFenced:
        case kafka::ErrorCode::kTransactionCoordinatorFenced: return {Code::kFenced, text};
        case kafka::ErrorCode::kInvalidRegularExpression:
        case kafka::ErrorCode::kInvalidUpdateVersion:
        case kafka::ErrorCode::kFeatureUpdateFailed: return {Code::kInvalidArgument, text};
        default: break;
    }
    // Kafka's numbers are librdkafka's too, so that the same error is the same whoever asked.
    const auto same = to_error(static_cast<rd_kafka_resp_err_t>(error), what, "");
    return {same.code(), text};
}

Result<std::vector<Wire::Node>> parse_servers(std::string_view text) {
    constexpr std::int64_t kDefaultPort = 9092;
    std::vector<Wire::Node> servers;
    for (std::string_view one : base::split(text, ',')) {
        one = base::trim(one);
        if (one.empty()) continue;
        const std::string whole(one);
        if (const auto scheme = one.find("://"); scheme != std::string_view::npos) {
            if (!base::equals_ignore_case(one.substr(0, scheme), "plaintext")) {
                return fail(Code::kUnsupported, "server {}: only plaintext is spoken here", whole);
            }
            one.remove_prefix(scheme + 3);
        }
        Wire::Node node{.id = Wire::kAnyNode, .host = std::string(one), .port = kDefaultPort};
        // The colons of an IPv6 address stand in brackets.
        const auto colon = one.rfind(':');
        if (colon != std::string_view::npos && one.find(']', colon) == std::string_view::npos) {
            const auto port = base::parse_int64(one.substr(colon + 1), 1, 65535);
            if (!port) return fail(port.error().with("server " + whole));
            node.port = static_cast<std::uint16_t>(*port);
            node.host = one.substr(0, colon);
        }
        if (node.host.starts_with('[') && node.host.ends_with(']')) {
            node.host = node.host.substr(1, node.host.size() - 2);
        }
        if (node.host.empty()) return fail(Code::kInvalidArgument, "server {}: no host", whole);
        servers.push_back(std::move(node));
    }
    if (servers.empty()) return fail(Code::kInvalidArgument, "no server is named");
    return servers;
}

namespace {

using StreamResult = Result<std::unique_ptr<runtime::Stream>>;

// A connection that comes when nobody waits any more ends where it came.
Task<void> connect_into(runtime::Network* network, std::string host, std::uint16_t port,
                        runtime::OneShot<StreamResult> into) {
    into.set(co_await network->connect(std::move(host), port));
}

Task<StreamResult> connect_within(runtime::Network* network, std::string host, std::uint16_t port,
                                  runtime::Duration timeout) {
    const runtime::OneShot<StreamResult> connected;
    runtime::spawn(*runtime::Loop::current(), connect_into(network, host, port, connected));
    auto stream = co_await connected.wait_for(timeout);
    if (!stream) {
        co_return fail(Code::kTimeout, "no Kafka server answers at {}:{} in time", host, port);
    }
    if (!*stream) {
        co_return fail(Code::kUnavailable, "no Kafka server answers at {}:{} ({})", host, port,
                       stream->error().message());
    }
    (**stream)->set_idle_timeout(timeout);
    co_return std::move(*stream);
}

Task<Result<base::Bytes>> exchange_frames(runtime::Stream* stream, base::ByteView request) {
    MR_CO_TRY_VOID(co_await stream->write(request));
    char size[4];
    MR_CO_TRY_VOID(co_await stream->read_exactly(size, sizeof(size)));
    const auto length = base::load_big_endian<std::int32_t>(size);
    // What is no Kafka may answer anything; memory grows with what has come, not with what it said.
    constexpr std::int32_t kMaxFrameBytes = 256 << 20;
    constexpr std::size_t kStepBytes = 1 << 20;
    if (length < 4 || length > kMaxFrameBytes) {
        co_return fail(Code::kCorrupt, "an answer of {} bytes is none of Kafka's", length);
    }
    base::Bytes frame;
    while (frame.size() < static_cast<std::size_t>(length)) {
        const std::size_t at = frame.size();
        const std::size_t step = std::min(kStepBytes, static_cast<std::size_t>(length) - at);
        frame.resize(at + step);
        MR_CO_TRY_VOID(co_await stream->read_exactly(frame.data() + at, step));
    }
    co_return frame;
}

Task<void> destroy(std::unique_ptr<runtime::Stream> stream) {
    stream->close();
    co_return;
}

Task<void> wait_out(runtime::Duration duration) {
    co_await runtime::Loop::current()->sleep(duration);
}

}  // namespace

Wire::Wire(std::vector<Node> servers, std::chrono::milliseconds timeout)
    : servers_(std::move(servers)),
      timeout_(timeout),
      clock_(runtime::make_system_clock()),
      loops_(runtime::make_system_loops(1)),
      network_(runtime::make_system_network(*loops_)) {}

Wire::~Wire() {
    while (!connections_.empty()) drop(connections_.begin()->first);
    loops_->stop();
}

Result<std::unique_ptr<Wire>> Wire::connect(const Settings& settings,
                                            std::chrono::milliseconds timeout) {
    const auto protocol = settings.find("security.protocol");
    if (protocol != settings.end() && !base::equals_ignore_case(protocol->second, "plaintext")) {
        return fail(Code::kUnsupported,
                    "this needs a plaintext listener: it is asked over a connection that does not "
                    "speak {}",
                    protocol->second);
    }
    MR_TRY(auto servers, parse_servers(servers_of(settings)));
    std::unique_ptr<Wire> wire(new Wire(std::move(servers), timeout));
    MR_TRY(const auto metadata, wire->ask<kafka::MetadataResponse>(
                                    kAnyNode, kafka::MetadataRequest{.topics = {{}}}, "connect",
                                    /*least=*/1));
    for (const auto& broker : metadata.brokers) {
        if (broker.port < 1 || broker.port > 65535) continue;
        wire->nodes_[broker.node_id] = {broker.node_id, broker.host,
                                        static_cast<std::uint16_t>(broker.port)};
    }
    return wire;
}

void Wire::drop(std::int32_t node) {
    const auto found = connections_.find(node);
    if (found == connections_.end()) return;
    runtime::run_blocking(loops_->first(), destroy(std::move(found->second.stream)));
    connections_.erase(found);
}

void Wire::pause() {
    runtime::run_blocking(loops_->first(), wait_out(std::chrono::milliseconds(100)));
}

Result<base::Bytes> Wire::round_trip(Connection& connection, const base::Bytes& frame,
                                     std::string_view what) {
    auto answer =
        runtime::run_blocking(loops_->first(), exchange_frames(connection.stream.get(), frame));
    if (!answer) return fail(answer.error().with(what));
    return answer;
}

Result<Wire::Connection> Wire::open(const Node& node) {
    Connection connection;
    MR_TRY(connection.stream,
           runtime::run_blocking(loops_->first(),
                                 connect_within(network_.get(), node.host, node.port, timeout_)));
    const auto learned = learn_versions(connection);
    if (!learned) {
        runtime::run_blocking(loops_->first(), destroy(std::move(connection.stream)));
        return fail(learned.error());
    }
    return connection;
}

// A server that does not know the version of this very request says so in version 0, and from
// Kafka 2.4 on which one it knows.
Result<void> Wire::learn_versions(Connection& connection) {
    constexpr std::string_view kWhat = "ask for versions";
    kafka::ApiVersionsRequest request;
    request.client_software_name = "millrace";
    request.client_software_version = "1";
    std::int16_t version = kafka::ApiVersionsRequest::kMaxVersion;
    while (true) {
        MR_TRY(const auto frame, round_trip(connection, framed(request, version), kWhat));
        kafka::Reader reader(frame);
        reader.i32();
        const bool is_refused = reader.error() == kafka::ErrorCode::kUnsupportedVersion;
        if (!is_refused || version == 0) {
            MR_TRY(connection.versions, decoded<kafka::ApiVersionsResponse>(frame, version, kWhat));
            if (connection.versions.error_code == kafka::ErrorCode::kNone) return {};
            return fail(to_error(connection.versions.error_code, kWhat));
        }
        const auto refusal = decoded<kafka::ApiVersionsResponse>(frame, 0, kWhat);
        std::int16_t known = 0;
        if (refusal) {
            for (const auto& api : refusal->api_keys) {
                if (api.api_key == static_cast<std::int16_t>(kafka::ApiKey::kApiVersions)) {
                    known = api.max_version;
                }
            }
        }
        version = std::clamp<std::int16_t>(known, 0, static_cast<std::int16_t>(version - 1));
    }
}

Result<Wire::Connection*> Wire::connection(std::int32_t node) {
    if (const auto found = connections_.find(node); found != connections_.end()) {
        return &found->second;
    }
    if (node == kAnyNode) {
        base::Error last(Code::kUnavailable, "no server is named");
        for (const Node& server : servers_) {
            auto connection = open(server);
            if (connection) return &(connections_[node] = std::move(*connection));
            last = connection.error();
        }
        return fail(last);
    }
    const auto known = nodes_.find(node);
    if (known == nodes_.end()) return fail(Code::kNotFound, "there is no broker {}", node);
    auto connection = open(known->second);
    if (!connection) return fail(connection.error().with(fmt::format("broker {}", node)));
    return &(connections_[node] = std::move(*connection));
}

Result<std::int16_t> Wire::newest_version(std::int32_t node, kafka::ApiKey key) {
    const std::lock_guard lock(mutex_);
    MR_TRY(const Connection* const open, connection(node));
    for (const auto& api : open->versions.api_keys) {
        if (api.api_key == static_cast<std::int16_t>(key)) return api.max_version;
    }
    return std::int16_t{-1};
}

Result<kafka::ApiVersionsResponse> Wire::versions(std::int32_t node) {
    const std::lock_guard lock(mutex_);
    MR_TRY(const Connection* const open, connection(node));
    return open->versions;
}

Result<std::int16_t> Wire::version_for(std::int32_t node, kafka::ApiKey key, std::string_view what,
                                       std::int16_t least, std::int16_t most) {
    MR_TRY(const Connection* const open, connection(node));
    for (const auto& api : open->versions.api_keys) {
        if (api.api_key != static_cast<std::int16_t>(key)) continue;
        const std::int16_t version = std::min(api.max_version, most);
        if (version >= std::max(api.min_version, least)) return version;
    }
    return fail(Code::kUnsupported, "{}: the server is too old for it, or has no such feature",
                what);
}

Result<std::int32_t> Wire::coordinator(Coordinated kind, const std::string& name) {
    return once_settled([&]() -> Result<std::int32_t> {
        const std::string what = fmt::format("find the coordinator of {}", name);
        kafka::FindCoordinatorRequest request;
        request.key = name;
        request.key_type = static_cast<std::int8_t>(kind);
        request.coordinator_keys = {name};
        MR_TRY(const auto answer, ask<kafka::FindCoordinatorResponse>(kAnyNode, request, what,
                                                                      /*least=*/1));
        Node node{answer.node_id, answer.host, static_cast<std::uint16_t>(answer.port)};
        kafka::ErrorCode error = answer.error_code;
        std::optional<std::string> words = answer.error_message;
        if (!answer.coordinators.empty()) {
            const auto& found = answer.coordinators.front();
            node = {found.node_id, found.host, static_cast<std::uint16_t>(found.port)};
            error = found.error_code;
            words = found.error_message;
        }
        if (error != kafka::ErrorCode::kNone) return fail(to_error(error, what, words));
        const std::lock_guard lock(mutex_);
        nodes_[node.id] = node;
        return node.id;
    });
}

Result<kafka::MetadataResponse> Wire::metadata(const std::vector<std::string>* topics) {
    kafka::MetadataRequest request;
    request.allow_auto_topic_creation = false;
    request.topics.reset();
    if (topics != nullptr) {
        request.topics.emplace();
        for (const std::string& name : *topics) request.topics->emplace_back().name = name;
    }
    return ask<kafka::MetadataResponse>(kAnyNode, request, "ask for metadata", /*least=*/4);
}

}  // namespace millrace::client
