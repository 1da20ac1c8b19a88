// A running broker and a client of its wire protocol, for tests: real loops, sockets and files on a
// free port and a fresh folder.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "broker/broker.h"
#include "config/server_options.h"
#include "kafka/frame.h"
#include "kafka/reader.h"
#include "kafka/writer.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "runtime/socket.h"

namespace millrace::broker {

namespace detail {

inline std::string fresh_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "millrace-broker-XXXXXX").string();
    MR_CHECK(mkdtemp(name.data()) != nullptr);
    return name;
}

using StreamResult = base::Result<std::unique_ptr<runtime::Stream>>;

inline runtime::Task<StreamResult> connect(runtime::Network& network, std::uint16_t port) {
    co_return co_await network.connect("127.0.0.1", port);
}

inline runtime::Task<base::Result<void>> write(runtime::Stream& stream, const base::Bytes& bytes) {
    co_return co_await stream.write(bytes);
}

inline runtime::Task<base::Result<base::Bytes>> read_frame(runtime::Stream& stream) {
    char size[4];
    MR_CO_TRY_VOID(co_await stream.read_exactly(size, sizeof(size)));
    base::Bytes frame(static_cast<std::size_t>(base::load_big_endian<std::int32_t>(size)), '\0');
    MR_CO_TRY_VOID(co_await stream.read_exactly(frame.data(), frame.size()));
    co_return frame;
}

inline runtime::Task<void> close(std::unique_ptr<runtime::Stream> stream) {
    stream->close();
    co_return;
}

// The system's clock, which a test may set forward.
class ShiftedClock : public runtime::Clock {
public:
    std::int64_t wall_ms() const override { return clock_->wall_ms() + ahead_ms_; }
    std::int64_t monotonic_ns() const override { return clock_->monotonic_ns(); }
    void skip_ms(std::int64_t ms) { ahead_ms_ += ms; }

private:
    std::unique_ptr<runtime::Clock> clock_ = runtime::make_system_clock();
    std::atomic<std::int64_t> ahead_ms_ = 0;
};

}  // namespace detail

class TestBroker {
public:
    explicit TestBroker(config::ServerOptions options = {});
    ~TestBroker();

    Broker& broker() { return *broker_; }
    runtime::LoopGroup& loops() { return *loops_; }
    runtime::Loop& loop() { return loops_->first(); }
    runtime::Network& network() { return *network_; }
    // Sets the wall clock forward; timers of loops do not notice.
    void skip_ms(std::int64_t ms) { clock_->skip_ms(ms); }
    runtime::Pool& pool() { return *pool_; }
    // Stops and starts on the same folder; between them the folder belongs to the caller.
    void restart(const std::function<void(const std::string& folder)>& while_stopped = {});
    // Why a second broker on the same folder does not start.
    std::string error_of_another();

private:
    void start();

    config::ServerOptions options_;
    std::unique_ptr<runtime::LoopGroup> loops_;
    std::unique_ptr<runtime::Network> network_;
    std::unique_ptr<runtime::Disk> disk_;
    std::unique_ptr<detail::ShiftedClock> clock_;
    std::unique_ptr<runtime::Random> random_;
    std::unique_ptr<runtime::Pool> pool_;  // Its jobs use all of the above until it has ended.
    std::unique_ptr<Broker> broker_;
};

// One connection. Calls block; nothing is retried.
class TestClient {
public:
    explicit TestClient(TestBroker& broker);
    ~TestClient();
    // A new connection in place of this one, as after a restart.
    void reconnect();

    // Sends without waiting for the answer.
    template <class Request>
    void send(const Request& request, std::int16_t version) {
        kafka::Writer writer;
        writer.begin_frame();
        kafka::RequestHeader header{Request::kKey, version, ++correlation_id_, "test"};
        header.encode(writer, version >= Request::kFirstFlexibleVersion);
        request.encode(writer, version);
        writer.end_frame();
        send_bytes(writer.take_all());
    }
    // The next answer on this connection; nullopt when it ended or cannot be decoded.
    template <class Response>
    std::optional<Response> receive(std::int16_t version) {
        auto frame = receive_frame();
        if (!frame) return std::nullopt;
        last_frame_ = std::move(*frame);
        kafka::Reader reader(last_frame_);
        answered_ = reader.i32();
        const bool tags = version >= Response::kFirstFlexibleVersion &&
                          Response::kKey != kafka::ApiKey::kApiVersions;
        if (tags) reader.skip_tags();
        Response response;
        response.decode(reader, version);
        if (!reader.ok() || reader.left() != 0) return std::nullopt;
        return response;
    }
    template <class Response, class Request>
    std::optional<Response> call(const Request& request, std::int16_t version) {
        send(request, version);
        return receive<Response>(version);
    }
    void send_bytes(base::Bytes bytes);
    std::optional<base::Bytes> receive_frame();
    // The correlation id of the last answer.
    std::int32_t answered() const { return answered_; }
    std::int32_t sent() const { return correlation_id_; }

private:
    TestBroker& broker_;
    std::unique_ptr<runtime::Stream> stream_;
    std::int32_t correlation_id_ = 0;
    std::int32_t answered_ = 0;
    base::Bytes last_frame_;  // Keeps alive what the last response refers to.
};

inline TestBroker::TestBroker(config::ServerOptions options) : options_(std::move(options)) {
    options_.data_dir = detail::fresh_folder();
    options_.kafka_port = 0;
    loops_ = runtime::make_system_loops(2);
    pool_ = runtime::make_system_pool("pool", 2);
    network_ = runtime::make_system_network(*loops_);
    disk_ = runtime::make_system_disk();
    clock_ = std::make_unique<detail::ShiftedClock>();
    random_ = runtime::make_system_random();
    start();
}

inline TestBroker::~TestBroker() {
    runtime::run_blocking(loop(), broker_->stop());
    broker_.reset();
    loops_->stop();
    std::filesystem::remove_all(options_.data_dir);
}

inline void TestBroker::start() {
    broker_ = std::make_unique<Broker>(
        Broker::Environment{*loops_, *pool_, *network_, *disk_, *clock_, *random_}, options_);
    const auto started = runtime::run_blocking(loop(), broker_->start());
    MR_CHECK(started);
}

inline void TestBroker::restart(
    const std::function<void(const std::string& folder)>& while_stopped) {
    runtime::run_blocking(loop(), broker_->stop());
    broker_.reset();
    if (while_stopped) while_stopped(options_.data_dir + "/topics");
    start();
}

inline std::string TestBroker::error_of_another() {
    Broker another({*loops_, *pool_, *network_, *disk_, *clock_, *random_}, options_);
    const auto started = runtime::run_blocking(loop(), another.start());
    return started ? "" : started.error().to_string();
}

inline TestClient::TestClient(TestBroker& broker) : broker_(broker) {
    reconnect();
}

inline void TestClient::reconnect() {
    if (stream_) runtime::run_blocking(broker_.loop(), detail::close(std::move(stream_)));
    auto stream = runtime::run_blocking(
        broker_.loop(), detail::connect(broker_.network(), broker_.broker().port()));
    MR_CHECK(stream);
    stream_ = std::move(*stream);
    stream_->set_idle_timeout(std::chrono::seconds(20));
}

inline TestClient::~TestClient() {
    runtime::run_blocking(broker_.loop(), detail::close(std::move(stream_)));
}

inline void TestClient::send_bytes(base::Bytes bytes) {
    // A broker that has hung up already is for the next receive to see.
    (void)runtime::run_blocking(broker_.loop(), detail::write(*stream_, bytes));
}

inline std::optional<base::Bytes> TestClient::receive_frame() {
    auto frame = runtime::run_blocking(broker_.loop(), detail::read_frame(*stream_));
    if (!frame) return std::nullopt;
    return std::move(*frame);
}

}  // namespace millrace::broker
