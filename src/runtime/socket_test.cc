#include "runtime/socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "runtime/disk.h"
#include "runtime/gate.h"

namespace millrace::runtime {
namespace {

using base::Code;
using base::Result;

using Pair = std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>>;

// Both ends of one connection, on the calling loop.
Task<Pair> connected(Network& network) {
    const auto listener = network.listen("127.0.0.1", 0).value();
    auto client = co_await network.connect("127.0.0.1", listener->port());
    auto server = co_await listener->accept();
    co_return Pair(std::move(client).value(), std::move(server).value());
}

Task<void> write_and_leave(Stream& stream, std::string bytes, Gate::Holder) {
    (void)co_await stream.write(bytes);
}

Task<std::string> read_all(Stream& stream, std::size_t length) {
    std::string bytes(length, '\0');
    const auto outcome = co_await stream.read_exactly(bytes.data(), length);
    co_return outcome ? bytes : outcome.error().to_string();
}

class SystemNetworkTest : public testing::Test {
protected:
    template <class T>
    T run_here(Task<T> task) {
        return run_blocking(loops->first(), std::move(task));
    }
    std::unique_ptr<LoopGroup> loops = make_system_loops(2);
    std::unique_ptr<Network> network = make_system_network(*loops);
};

TEST_F(SystemNetworkTest, carries_pieces_in_order) {
    const auto talk = [](Network& net) -> Task<std::string> {
        auto [client, server] = co_await connected(net);
        const base::ByteView pieces[] = {"one ", "", "two ", "three"};
        const auto written = co_await client->write_pieces(pieces);
        if (!written) co_return written.error().to_string();
        co_return co_await read_all(*server, 13);
    };
    EXPECT_EQ(run_here(talk(*network)), "one two three");
}

TEST_F(SystemNetworkTest, carries_more_than_the_socket_holds_while_the_reader_reads) {
    const auto talk = [](Network& net) -> Task<bool> {
        auto [client, server] = co_await connected(net);
        std::string bytes(20 << 20, 'x');
        for (std::size_t i = 0; i < bytes.size(); i += 4099) bytes[i] = static_cast<char>(i >> 12);
        Gate gate;
        spawn(client->loop(), write_and_leave(*client, bytes, std::move(gate.enter()).value()));
        const bool same = co_await read_all(*server, bytes.size()) == bytes;
        co_await gate.close();
        co_return same;
    };
    EXPECT_TRUE(run_here(talk(*network)));
}

TEST_F(SystemNetworkTest, tells_the_end_of_a_peer) {
    const auto talk = [](Network& net) -> Task<std::string> {
        auto [client, server] = co_await connected(net);
        (void)co_await client->write("abc");
        client->close();
        client->close();
        co_return co_await read_all(*server, 5);
    };
    EXPECT_THAT(run_here(talk(*network)),
                testing::EndsWith("closed the connection after 3 of 5 bytes"));
}

TEST_F(SystemNetworkTest, close_ends_what_is_in_flight) {
    const auto talk = [](Network& net) -> Task<std::string> {
        auto [client, server] = co_await connected(net);
        Loop::current()->post([stream = client.get()] { stream->close(); });
        std::string seen = co_await read_all(*client, 1);
        seen += co_await read_all(*client, 1);
        co_return seen;
    };
    EXPECT_THAT(run_here(talk(*network)), testing::MatchesRegex("(cancelled: .*closed here){2}"));
}

TEST_F(SystemNetworkTest, closes_a_stream_that_is_idle_for_too_long) {
    const auto talk = [](Network& net) -> Task<std::string> {
        auto [client, server] = co_await connected(net);
        client->set_idle_timeout(std::chrono::milliseconds(2));
        co_return co_await read_all(*client, 1);
    };
    EXPECT_THAT(run_here(talk(*network)),
                testing::MatchesRegex("timeout: read from .*: nothing moved for 2 ms"));
}

TEST_F(SystemNetworkTest, refuses_a_port_in_use_and_a_place_where_nobody_listens) {
    const auto clash = [](Network& net) -> Task<std::string> {
        auto first = net.listen("127.0.0.1", 0).value();
        const std::uint16_t port = first->port();
        const auto second = net.listen("127.0.0.1", port);
        std::string words = std::string(code_name(second.error().code())) + "; ";
        first->close();
        const auto nobody = co_await net.connect("127.0.0.1", port);
        words += std::string(code_name(nobody.error().code())) + "; ";
        words += code_name((co_await first->accept()).error().code());
        first.reset();
        words += net.listen("127.0.0.1", port) ? "; free" : "; still in use";
        co_return words;
    };
    EXPECT_EQ(run_here(clash(*network)), "conflict; unavailable; cancelled; free");
    const auto nowhere = [](Network& net) -> Task<Code> {
        co_return net.listen("256.0.0.1.invalid", 0).error().code();
    };
    EXPECT_EQ(run_here(nowhere(*network)), Code::kInvalidArgument);
}

TEST_F(SystemNetworkTest, serves_an_accepted_stream_on_the_loop_it_is_given) {
    const auto echo = [](std::unique_ptr<Stream> stream) -> Task<void> {
        (void)co_await stream->write(co_await read_all(*stream, 4));
    };
    const auto talk_across = [](Network& net, LoopGroup& group, auto serve) -> Task<std::string> {
        const auto listener = net.listen("127.0.0.1", 0).value();
        auto client = (co_await net.connect("127.0.0.1", listener->port())).value();
        auto server = (co_await listener->accept(&group.at(1))).value();
        spawn(group.at(1), serve(std::move(server)));
        (void)co_await client->write("ping");
        co_return co_await read_all(*client, 4);
    };
    EXPECT_EQ(run_here(talk_across(*network, *loops, echo)), "ping");
}

TEST_F(SystemNetworkTest, sends_a_range_of_a_file) {
    char name[] = "/tmp/millrace-send-XXXXXX";
    const std::string folder = ::mkdtemp(name);
    const auto disk = make_system_disk();
    std::string content;
    while (content.size() < (3u << 20)) content += fmt::format("{} ", content.size());
    ASSERT_TRUE(write_file_durably(*disk, folder + "/a", content));

    const auto send = [](Network& net, Disk& from, std::string path,
                         std::size_t length) -> Task<std::string> {
        auto [client, server] = co_await connected(net);
        const auto file = from.open(path, OpenMode::kRead).value();
        struct Sender {
            static Task<void> send(Stream& stream, File& range, std::size_t count, Gate::Holder,
                                   Result<void>& outcome) {
                outcome = co_await stream.send_file(range, 100, count);
                stream.close();
            }
        };
        Gate gate;
        Result<void> outcome;
        spawn(*Loop::current(),
              Sender::send(*client, *file, length, std::move(gate.enter()).value(), outcome));
        std::string bytes = co_await read_all(*server, length);
        co_await gate.close();
        co_return outcome ? bytes : outcome.error().to_string();
    };
    EXPECT_EQ(run_here(send(*network, *disk, folder + "/a", 2 << 20)),
              content.substr(100, 2 << 20));
    EXPECT_THAT(run_here(send(*network, *disk, folder + "/a", content.size())),
                testing::StartsWith("corrupt: "))
        << "the range goes beyond the end of the file";
    ASSERT_TRUE(disk->remove_tree(folder));
}

TEST_F(SystemNetworkTest, a_peer_that_hangs_up_while_a_file_is_sent_is_an_error_and_no_signal) {
    char name[] = "/tmp/millrace-send-XXXXXX";
    const std::string folder = ::mkdtemp(name);
    const auto disk = make_system_disk();
    ASSERT_TRUE(write_file_durably(*disk, folder + "/a", std::string(1 << 20, 'x')));
    const auto send = [](Network& net, Disk& from, std::string path) -> Task<bool> {
        auto [client, server] = co_await connected(net);
        const auto file = from.open(path, OpenMode::kRead).value();
        server->close();
        Result<void> outcome;
        // The first pieces may go before the other side has answered that nobody is there.
        for (int i = 0; i < 100 && outcome; ++i) {
            outcome = co_await client->send_file(*file, 0, 1 << 20);
        }
        // Again: on a connection that is known to be gone the signal would come for certain.
        co_return !outcome && !co_await client->send_file(*file, 0, 1);
    };
    EXPECT_TRUE(run_here(send(*network, *disk, folder + "/a")));
    ASSERT_TRUE(disk->remove_tree(folder));
}

}  // namespace
}  // namespace millrace::runtime
