#include "http/server.h"

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

using runtime::Task;

Task<Response> hello(Request request) {
    co_return Response{.body = "hello " + request.query + request.body};
}

// One server on a free port, and a client that sends raw bytes and reads until the server closes.
class ServerTest : public ::testing::Test {
protected:
    void SetUp() override {
        loops_ = runtime::make_system_loops(1);
        network_ = runtime::make_system_network(*loops_);
    }
    void TearDown() override {
        if (server_) runtime::run_blocking(loops_->first(), server_->stop());
        loops_->stop();
    }
    void start(ServerLimits limits = {}) {
        server_ = std::make_unique<Server>(loops_->first(), *network_, limits);
        server_->route("GET", "/hello", hello);
        server_->route("POST", "/hello", hello);
        ASSERT_TRUE(runtime::run_blocking(loops_->first(), start_on_loop(*server_)));
    }
    static Task<base::Result<void>> start_on_loop(Server& server) {
        co_return server.start("127.0.0.1", 0);
    }

    std::string talk(std::string request) {
        return runtime::run_blocking(loops_->first(),
                                     exchange(*network_, server_->port(), std::move(request)));
    }
    static Task<std::string> exchange(runtime::Network& network, std::uint16_t port,
                                      std::string request) {
        auto stream = co_await network.connect("127.0.0.1", port);
        if (!stream) co_return stream.error().message();
        (void)co_await (*stream)->write(request);
        std::string reply;
        char buffer[4096];
        for (;;) {
            const auto bytes = co_await (*stream)->read_some(buffer, sizeof(buffer));
            if (!bytes || *bytes == 0) break;
            reply.append(buffer, *bytes);
        }
        (*stream)->close();
        co_return reply;
    }

    std::unique_ptr<runtime::LoopGroup> loops_;
    std::unique_ptr<runtime::Network> network_;
    std::unique_ptr<Server> server_;
};

constexpr std::string_view kClose = " HTTP/1.1\r\nConnection: close\r\n\r\n";

TEST_F(ServerTest, answers_by_method_and_path) {
    start();
    const auto get = [&](std::string what) { return talk(what + std::string(kClose)); };
    EXPECT_TRUE(get("GET /hello?you").starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(get("GET /hello?you").ends_with("\r\n\r\nhello you"));
    EXPECT_TRUE(get("GET /other").starts_with("HTTP/1.1 404 Not Found\r\n"));
    EXPECT_TRUE(get("DELETE /hello").starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
    EXPECT_NE(get("DELETE /hello").find("Allow: GET, POST\r\n"), std::string::npos);
}

TEST_F(ServerTest, answers_head_without_the_body) {
    start();
    const std::string reply = talk("HEAD /hello?you" + std::string(kClose));
    EXPECT_NE(reply.find("Content-Length: 9\r\n"), std::string::npos) << reply;
    EXPECT_TRUE(reply.ends_with("\r\n\r\n")) << reply;
}

TEST_F(ServerTest, keeps_a_connection_for_more_requests) {
    start();
    const std::string reply =
        talk("GET /hello?1 HTTP/1.1\r\n\r\nGET /hello?2" + std::string(kClose));
    EXPECT_NE(reply.find("hello 1HTTP/1.1 200"), std::string::npos) << reply;
    EXPECT_TRUE(reply.ends_with("hello 2")) << reply;
}

TEST_F(ServerTest, closes_only_the_connection_that_talks_nonsense) {
    start();
    EXPECT_TRUE(talk("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_TRUE(talk("GET /hello" + std::string(kClose)).starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServerTest, refuses_a_large_body) {
    start({.request = {.body_bytes = 10}});
    EXPECT_TRUE(talk("POST /hello HTTP/1.1\r\nContent-Length: 11\r\n\r\n01234567890")
                    .starts_with("HTTP/1.1 413 Content Too Large\r\n"));
}

TEST_F(ServerTest, ends_a_silent_connection) {
    start({.idle_timeout = std::chrono::milliseconds(20)});
    EXPECT_EQ(talk("GET /hel"), "");
}

TEST_F(ServerTest, says_that_a_port_is_in_use) {
    start();
    Server second(loops_->first(), *network_);
    const auto outcome = runtime::run_blocking(
        loops_->first(), [](Server& server, std::uint16_t port) -> Task<base::Result<void>> {
            co_return server.start("127.0.0.1", port);
        }(second, server_->port()));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code(), base::Code::kConflict);
}

TEST_F(ServerTest, stops_while_a_connection_is_open) {
    start();
    auto connected =
        runtime::run_blocking(loops_->first(), network_->connect("127.0.0.1", server_->port()));
    ASSERT_TRUE(connected);
    runtime::run_blocking(loops_->first(), server_->stop());
    runtime::run_blocking(loops_->first(),
                          [](std::unique_ptr<runtime::Stream> stream) -> Task<void> {
                              stream->close();
                              co_return;
                          }(std::move(*connected)));
    EXPECT_EQ(talk("GET /hello").find("HTTP"), std::string::npos);
}

}  // namespace
}  // namespace millrace::http
