// Wire: connections to the servers of one Kafka cluster that carry Kafka's own messages.
//
// Each request goes out in the newest version that both sides know. One request at a time on a
// connection; a connection that fails is made anew by the next request. Calls block; they come from
// threads that are no loops. Thread-safe: calls take turns.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "client/settings.h"
#include "kafka/frame.h"
#include "kafka/messages/api_versions.h"
#include "kafka/messages/metadata.h"
#include "kafka/reader.h"
#include "kafka/writer.h"
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "runtime/socket.h"

namespace millrace::client {

class Wire {
public:
    struct Node {
        std::int32_t id = -1;
        std::string host;
        std::uint16_t port = 0;
    };
    // Kinds of coordinators, as FindCoordinator numbers them.
    enum class Coordinated : std::int8_t { kGroup = 0, kTransaction = 1 };
    // The server that answered first: for what any of them can tell.
    static constexpr std::int32_t kAnyNode = -1;

    // kUnavailable when none of "bootstrap.servers" answers, kUnsupported when the settings ask for
    // more than plaintext.
    static base::Result<std::unique_ptr<Wire>> connect(const Settings& settings,
                                                       std::chrono::milliseconds timeout);
    ~Wire();
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    const std::map<std::int32_t, Node>& nodes() const { return nodes_; }

    // kUnsupported when the server does not know the request in version `least` or a later one.
    template <class Response, class Request>
    base::Result<Response> ask(std::int32_t node, const Request& request, std::string_view what,
                               std::int16_t least = Request::kMinVersion) {
        const std::lock_guard lock(mutex_);
        MR_TRY(const std::int16_t version,
               version_for(node, Request::kKey, what, std::max(least, Request::kMinVersion),
                           Request::kMaxVersion));
        return exchange<Response>(node, request, version, what);
    }
    // The newest version that the server knows of a request; -1: none.
    base::Result<std::int16_t> newest_version(std::int32_t node, kafka::ApiKey key);
    base::Result<kafka::ApiVersionsResponse> versions(std::int32_t node);

    base::Result<std::int32_t> coordinator(Coordinated kind, const std::string& name);
    // Of these topics; null: of all. Never makes one.
    base::Result<kafka::MetadataResponse> metadata(const std::vector<std::string>* topics);

    // Calls `ask` again while it fails because a coordinator is being looked for or loads, until
    // the timeout.
    template <class Ask>
    auto once_settled(const Ask& ask) {
        const std::int64_t deadline_ns =
            clock_->monotonic_ns() + std::chrono::nanoseconds(timeout_).count();
        auto answer = ask();
        while (!answer && answer.error().code() == base::Code::kUnavailable &&
               clock_->monotonic_ns() < deadline_ns) {
            pause();
            answer = ask();
        }
        return answer;
    }

private:
    struct Connection {
        std::unique_ptr<runtime::Stream> stream;
        kafka::ApiVersionsResponse versions;
    };

    Wire(std::vector<Node> servers, std::chrono::milliseconds timeout);

    base::Result<Connection*> connection(std::int32_t node);
    base::Result<Connection> open(const Node& node);
    base::Result<void> learn_versions(Connection& connection);
    base::Result<std::int16_t> version_for(std::int32_t node, kafka::ApiKey key,
                                           std::string_view what, std::int16_t least,
                                           std::int16_t most);
    base::Result<base::Bytes> round_trip(Connection& connection, const base::Bytes& frame,
                                         std::string_view what);
    void pause();

    template <class Request>
    base::Bytes framed(const Request& request, std::int16_t version) {
        kafka::Writer writer;
        writer.begin_frame();
        const kafka::RequestHeader header{Request::kKey, version, ++correlation_id_, "millrace"};
        header.encode(writer, version >= Request::kFirstFlexibleVersion);
        request.encode(writer, version);
        writer.end_frame();
        return writer.take_all();
    }
    template <class Response>
    base::Result<Response> decoded(base::ByteView frame, std::int16_t version,
                                   std::string_view what) const {
        kafka::Reader reader(frame);
        const bool is_ours = reader.i32() == correlation_id_;
        if (version >= Response::kFirstFlexibleVersion &&
            Response::kKey != kafka::ApiKey::kApiVersions) {
            reader.skip_tags();
        }
        Response response;
        response.decode(reader, version);
        if (!is_ours || !reader.ok()) {
            return base::fail(base::Code::kCorrupt, "{}: the server's answer is malformed", what);
        }
        return response;
    }
    template <class Response, class Request>
    base::Result<Response> exchange(std::int32_t node, const Request& request, std::int16_t version,
                                    std::string_view what) {
        MR_TRY(Connection* const open, connection(node));
        auto frame = round_trip(*open, framed(request, version), what);
        auto response = frame ? decoded<Response>(*frame, version, what)
                              : base::Result<Response>(base::fail(frame.error()));
        if (!response) drop(node);
        return response;
    }
    void drop(std::int32_t node);

    const std::vector<Node> servers_;
    const std::chrono::milliseconds timeout_;
    const std::unique_ptr<runtime::Clock> clock_;
    std::mutex mutex_;
    const std::unique_ptr<runtime::LoopGroup> loops_;
    const std::unique_ptr<runtime::Network> network_;
    std::map<std::int32_t, Node> nodes_;
    std::map<std::int32_t, Connection> connections_;
    std::int32_t correlation_id_ = 0;
};

// The error in our codes; `words` are the server's, if it gave any.
base::Error to_error(kafka::ErrorCode error, std::string_view what, std::string_view words = {});
inline base::Error to_error(kafka::ErrorCode error, std::string_view what,
                            const std::optional<std::string>& words) {
    return to_error(error, what, words ? std::string_view(*words) : std::string_view());
}

// "host", "host:port", "PLAINTEXT://host:port", "[::1]:9092", parted by commas.
base::Result<std::vector<Wire::Node>> parse_servers(std::string_view text);

}  // namespace millrace::client
