#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>

#include "base/check.h"
#include "runtime/disk.h"
#include "runtime/socket.h"
#include "runtime/system_loop_internal.h"

namespace millrace::runtime {
namespace {

using asio::ip::tcp;
using base::ByteView;
using base::Code;
using base::fail;
using base::Result;
using ErrorCode = boost::system::error_code;

// Bytes that one sendfile or one copied piece may move before the loop has its turn.
constexpr std::size_t kSendFileChunkBytes = 1 << 20;
constexpr std::size_t kCopyChunkBytes = 64 << 10;
constexpr std::size_t kMaxPieces = 64;
constexpr Duration kDescriptorShortagePause = std::chrono::milliseconds(50);

// Starts an Asio operation and resumes with its error and result, on the same loop.
template <class Value, class Start>
class AsioAwaiter {
public:
    explicit AsioAwaiter(Start start) : start_(std::move(start)) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        start_([this, waiting](const ErrorCode& error, Value value) {
            error_ = error;
            value_ = std::move(value);
            waiting.resume();
        });
    }
    std::pair<ErrorCode, Value> await_resume() { return {error_, std::move(value_)}; }

private:
    Start start_;
    ErrorCode error_;
    Value value_{};
};
template <class Value, class Start>
auto asio_await(Start start) {
    return AsioAwaiter<Value, Start>(std::move(start));
}

std::string describe(const tcp::endpoint& endpoint) {
    const auto address = endpoint.address().to_string();
    return fmt::format("{}:{}", endpoint.address().is_v6() ? "[" + address + "]" : address,
                       endpoint.port());
}

base::Error socket_error(const ErrorCode& error, const std::string& what) {
    if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) {
        return {Code::kCancelled, what + ": the connection was closed here"};
    }
    return {Code::kUnavailable, what + ": " + error.message()};
}
ErrorCode from_errno(int error_number) {
    return {error_number, boost::system::system_category()};
}

class SystemStream final : public Stream {
public:
    SystemStream(tcp::socket socket, Loop& loop) : socket_(std::move(socket)), loop_(&loop) {
        ErrorCode ignored;  // A peer that is gone already shows at the first read.
        const auto endpoint = socket_.remote_endpoint(ignored);
        peer_ = ignored ? "a closed peer" : describe(endpoint);
        socket_.set_option(tcp::no_delay(true), ignored);
        socket_.native_non_blocking(true, ignored);
    }

    Task<Result<std::size_t>> read_some(char* into, std::size_t length) override {
        const Watch watch(*this, reading_);
        const auto [error, count] = co_await asio_await<std::size_t>([&](auto handler) {
            socket_.async_read_some(asio::buffer(into, length), std::move(handler));
        });
        if (error == asio::error::eof) co_return std::size_t{0};
        if (error) co_return fail(failed("read from", error));
        co_return count;
    }

    Task<Result<void>> write_pieces(std::span<const ByteView> pieces) override {
        std::size_t first = 0;   // The piece at which to go on,
        std::size_t inside = 0;  // and how much of it is sent.
        while (first < pieces.size()) {
            iovec vectors[kMaxPieces];
            std::size_t count = 0;
            for (std::size_t i = first; i < pieces.size() && count < kMaxPieces; ++i, ++count) {
                const ByteView rest = pieces[i].substr(i == first ? inside : 0);
                vectors[count] = {const_cast<char*>(rest.data()), rest.size()};
            }
            msghdr message{};
            message.msg_iov = vectors;
            message.msg_iovlen = count;
            const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
            if (sent < 0) {
                MR_CO_TRY_VOID(co_await after_failed_write(errno, "write to"));
                continue;
            }
            std::size_t left = static_cast<std::size_t>(sent);
            while (first < pieces.size() && left >= pieces[first].size() - inside) {
                left -= pieces[first].size() - inside;
                inside = 0;
                ++first;
            }
            inside += left;
        }
        co_return Result<void>();
    }

    Task<Result<void>> send_file(const File& file, std::uint64_t offset,
                                 std::size_t length) override {
        if (file.native_handle() < 0) co_return co_await send_copied(file, offset, length);
        while (length > 0) {
            off_t at = static_cast<off_t>(offset);
            const ssize_t sent = ::sendfile(socket_.native_handle(), file.native_handle(), &at,
                                            std::min(length, kSendFileChunkBytes));
            if (sent < 0) {
                MR_CO_TRY_VOID(co_await after_failed_write(errno, "send a file to"));
                continue;
            }
            if (sent == 0) co_return fail(ended_early(file, offset));
            offset += static_cast<std::uint64_t>(sent);
            length -= static_cast<std::size_t>(sent);
            if (length > 0) co_await yield();
        }
        co_return Result<void>();
    }

    void close() override {
        ErrorCode ignored;
        socket_.close(ignored);
    }
    const std::string& peer() const override { return peer_; }
    void set_idle_timeout(Duration timeout) override { idle_timeout_ = timeout; }
    Loop& loop() override { return *loop_; }

private:
    // Closes the stream when one wait lasts longer than the idle timeout; and checks that there is
    // one reader and one writer at most.
    class Watch {
    public:
        Watch(SystemStream& stream, bool& busy) : busy_(busy) {
            MR_CHECK(stream.loop_->in_loop() && !busy);
            busy_ = true;
            if (stream.idle_timeout_ <= Duration::zero()) return;
            timer_ = stream.loop_->call_after(stream.idle_timeout_, [&stream] {
                stream.timed_out_ = true;
                stream.close();
            });
        }
        ~Watch() { busy_ = false; }
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;

    private:
        bool& busy_;
        Timer timer_;
    };

    base::Error failed(std::string_view what, const ErrorCode& error) const {
        if (timed_out_) {
            return {Code::kTimeout, fmt::format("{} {}: nothing moved for {} ms", what, peer_,
                                                idle_timeout_.count() / 1'000'000)};
        }
        return socket_error(error, fmt::format("{} {}", what, peer_));
    }
    base::Error ended_early(const File& file, std::uint64_t offset) const {
        return {Code::kCorrupt, fmt::format("{} ends at byte {}, before the range being sent to {}",
                                            file.path(), offset, peer_)};
    }

    // Wait until the socket takes more, or give up, as `error_number` says.
    Task<Result<void>> after_failed_write(int error_number, std::string_view what) {
        if (error_number == EINTR) co_return Result<void>();
        if (error_number != EAGAIN && error_number != EWOULDBLOCK) {
            co_return fail(failed(what, from_errno(error_number)));
        }
        const Watch watch(*this, writing_);
        const auto [error, unused] = co_await asio_await<int>([&](auto handler) {
            socket_.async_wait(tcp::socket::wait_write,
                               [handler = std::move(handler)](const ErrorCode& outcome) mutable {
                                   handler(outcome, 0);
                               });
        });
        if (error) co_return fail(failed(what, error));
        co_return Result<void>();
    }

    Task<Result<void>> send_copied(const File& file, std::uint64_t offset, std::size_t length) {
        std::string buffer(std::min(length, kCopyChunkBytes), '\0');
        while (length > 0) {
            const std::size_t wanted = std::min(length, buffer.size());
            MR_CO_TRY(const std::size_t count, file.read_at(offset, buffer.data(), wanted));
            if (count == 0) co_return fail(ended_early(file, offset));
            MR_CO_TRY_VOID(co_await write(ByteView(buffer.data(), count)));
            offset += count;
            length -= count;
        }
        co_return Result<void>();
    }

    tcp::socket socket_;
    Loop* loop_;
    std::string peer_;
    Duration idle_timeout_ = Duration::zero();
    bool timed_out_ = false;
    bool reading_ = false;
    bool writing_ = false;
};

class SystemListener final : public Listener {
public:
    explicit SystemListener(tcp::acceptor acceptor) : acceptor_(std::move(acceptor)) {
        port_ = acceptor_.local_endpoint().port();
    }

    Task<Result<std::unique_ptr<Stream>>> accept(Loop* home) override {
        auto* const loop =
            home == nullptr ? &SystemLoop::current_system() : dynamic_cast<SystemLoop*>(home);
        MR_CHECK(loop != nullptr);
        while (true) {
            tcp::socket socket(loop->context());
            const auto [error, unused] = co_await asio_await<int>([&](auto handler) {
                acceptor_.async_accept(
                    socket, [handler = std::move(handler)](const ErrorCode& outcome) mutable {
                        handler(outcome, 0);
                    });
            });
            if (!error) co_return std::make_unique<SystemStream>(std::move(socket), *loop);
            const int number = error.value();
            if (number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM) {
                // The connection stays in the kernel's queue: retrying at once would only spin.
                co_await Loop::current()->sleep(kDescriptorShortagePause);
            } else if (number != ECONNABORTED && number != EPROTO) {
                co_return fail(socket_error(error, fmt::format("accept on port {}", port_)));
            }
        }
    }
    std::uint16_t port() const override { return port_; }
    void close() override {
        ErrorCode ignored;
        acceptor_.close(ignored);
    }

private:
    tcp::acceptor acceptor_;
    std::uint16_t port_ = 0;
};

class SystemNetwork final : public Network {
public:
    Result<std::unique_ptr<Listener>> listen(const std::string& host, std::uint16_t port) override {
        asio::io_context& context = SystemLoop::current_system().context();
        const std::string place = fmt::format("{}:{}", host, port);
        ErrorCode error;
        tcp::resolver resolver(context);
        const auto found =
            resolver.resolve(host, std::to_string(port), tcp::resolver::passive, error);
        if (error) {
            return fail(Code::kInvalidArgument, "listen on {}: {}", place, error.message());
        }
        const tcp::endpoint endpoint = found.begin()->endpoint();
        tcp::acceptor acceptor(context);
        acceptor.open(endpoint.protocol(), error);
        if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
        if (!error) acceptor.bind(endpoint, error);
        if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
        if (error == asio::error::address_in_use) {
            return fail(
                Code::kConflict,
                "port {} of {} is in use: stop the program that holds it, or choose another "
                "port",
                port, host);
        }
        if (error) return fail(base::system_error(error.value(), "listen on " + place));
        return std::make_unique<SystemListener>(std::move(acceptor));
    }

    Task<Result<std::unique_ptr<Stream>>> connect(std::string host, std::uint16_t port) override {
        SystemLoop& loop = SystemLoop::current_system();
        const std::string what = fmt::format("connect to {}:{}", host, port);
        tcp::resolver resolver(loop.context());
        const auto [resolve_error, found] =
            co_await asio_await<tcp::resolver::results_type>([&](auto handler) {
                resolver.async_resolve(host, std::to_string(port), std::move(handler));
            });
        if (resolve_error) co_return fail(socket_error(resolve_error, what));
        tcp::socket socket(loop.context());
        const auto [error, endpoint] = co_await asio_await<tcp::endpoint>(
            [&](auto handler) { asio::async_connect(socket, found, std::move(handler)); });
        if (error) co_return fail(socket_error(error, what));
        co_return std::make_unique<SystemStream>(std::move(socket), loop);
    }
};

}  // namespace

std::unique_ptr<Network> make_system_network(LoopGroup&) {
    return std::make_unique<SystemNetwork>();
}

}  // namespace millrace::runtime
