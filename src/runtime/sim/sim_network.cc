#include "runtime/sim/sim_network.h"

#include <algorithm>
#include <chrono>
#include <deque>

#include "runtime/disk.h"

namespace millrace::runtime {

using base::ByteView;
using base::Code;
using base::fail;
using base::Result;

namespace {

constexpr std::size_t kWindowBytes = 256 << 10;  // Sent and not yet read, per direction.
constexpr std::size_t kCopyChunkBytes = 64 << 10;
constexpr Duration kConnectTimeout = std::chrono::seconds(30);
constexpr std::uint16_t kFirstFreePort = 20'000;

}  // namespace

// One direction of a connection.
struct SimNetwork::Pipe {
    std::string arrived;
    std::size_t under_way_bytes = 0;
    std::int64_t last_arrival_ns = 0;  // Nothing overtakes within a stream.
    bool ended = false;                // The writer has closed, and that has arrived.
    bool broken = false;               // Cut, or the reader is gone.
    Condition changed;
};

// What the streams share: deliveries in order of their time.
struct SimNetwork::Wires final : Simulation::Source {
    explicit Wires(Simulation& owner) : simulation(owner) { simulation.add(*this); }
    ~Wires() override { simulation.remove(*this); }

    std::optional<std::int64_t> next_ns() const override {
        if (down || deliveries.empty()) return std::nullopt;
        return deliveries.begin()->first;
    }
    void run_one() override {
        auto due = deliveries.extract(deliveries.begin());
        due.mapped()();
    }
    std::int64_t delay_ns() {
        return simulation.dice().between(shortest_delay.count(), longest_delay.count());
    }
    void deliver(const std::shared_ptr<Pipe>& pipe, Work arrival) {
        pipe->last_arrival_ns = std::max(pipe->last_arrival_ns, simulation.now_ns() + delay_ns());
        deliveries.emplace(pipe->last_arrival_ns, std::move(arrival));
    }

    Simulation& simulation;
    std::multimap<std::int64_t, Work> deliveries;
    std::map<std::uint16_t, SimListener*> listeners;
    std::set<SimStream*> streams;
    Duration shortest_delay = std::chrono::microseconds(20);
    Duration longest_delay = std::chrono::microseconds(500);
    bool down = false;
    std::uint16_t next_port = kFirstFreePort;
};

class SimNetwork::SimStream final : public Stream {
public:
    SimStream(Wires& wires, Loop& loop, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out,
              std::string peer)
        : wires_(wires),
          loop_(&loop),
          in_(std::move(in)),
          out_(std::move(out)),
          peer_(std::move(peer)) {
        wires_.streams.insert(this);
    }
    ~SimStream() override {
        close();
        wires_.streams.erase(this);
    }

    Task<Result<std::size_t>> read_some(char* into, std::size_t length) override {
        while (true) {
            if (closed_) co_return fail(closed_here("read from"));
            if (!in_->arrived.empty()) break;
            if (in_->broken) co_return fail(Code::kUnavailable, "read from {}: reset", peer_);
            if (in_->ended) co_return std::size_t{0};
            if (!co_await wait_for(*in_)) co_return fail(idle("read from"));
        }
        // A reader must not count on getting all at once.
        std::size_t count = std::min(length, in_->arrived.size());
        if (count > 1 && wires_.simulation.dice().chance(0.2)) {
            count = 1 + wires_.simulation.dice().below(count);
        }
        in_->arrived.copy(into, count);
        in_->arrived.erase(0, count);
        in_->changed.notify_all();
        co_return count;
    }

    Task<Result<void>> write_pieces(std::span<const ByteView> pieces) override {
        for (ByteView piece : pieces) {
            while (!piece.empty()) {
                if (closed_) co_return fail(closed_here("write to"));
                if (out_->broken) co_return fail(Code::kUnavailable, "write to {}: reset", peer_);
                const std::size_t waiting = out_->under_way_bytes + out_->arrived.size();
                if (waiting >= kWindowBytes) {
                    if (!co_await wait_for(*out_)) co_return fail(idle("write to"));
                    continue;
                }
                const std::size_t room = std::min(piece.size(), kWindowBytes - waiting);
                const std::size_t count = 1 + wires_.simulation.dice().below(room);
                send(std::string(piece.substr(0, count)));
                piece.remove_prefix(count);
            }
        }
        co_return Result<void>();
    }

    Task<Result<void>> send_file(const File& file, std::uint64_t offset,
                                 std::size_t length) override {
        std::string buffer(std::min(length, kCopyChunkBytes), '\0');
        while (length > 0) {
            const std::size_t wanted = std::min(length, buffer.size());
            MR_CO_TRY(const std::size_t count, file.read_at(offset, buffer.data(), wanted));
            if (count == 0) {
                co_return fail(Code::kCorrupt, "{} ends before byte {}", file.path(), offset);
            }
            MR_CO_TRY_VOID(co_await write(ByteView(buffer.data(), count)));
            offset += count;
            length -= count;
        }
        co_return Result<void>();
    }

    void close() override {
        if (closed_) return;
        closed_ = true;
        in_->broken = true;  // The peer's writes fail from now on.
        in_->changed.notify_all();
        out_->changed.notify_all();
        wires_.deliver(out_, [pipe = out_] {
            pipe->ended = true;
            pipe->changed.notify_all();
        });
    }
    void cut() {
        for (Pipe* pipe : {in_.get(), out_.get()}) {
            pipe->arrived.clear();
            pipe->broken = true;
            pipe->changed.notify_all();
        }
    }

    const std::string& peer() const override { return peer_; }
    void set_idle_timeout(Duration timeout) override { idle_timeout_ = timeout; }
    Loop& loop() override { return *loop_; }

private:
    // False when nothing happened for the idle timeout, after which the stream is closed.
    Task<bool> wait_for(Pipe& pipe) {
        MR_CHECK(loop_->in_loop());
        if (idle_timeout_ <= Duration::zero()) co_return co_await pipe.changed.wait();
        const bool moved = co_await pipe.changed.wait_for(idle_timeout_);
        if (!moved) close();
        co_return moved;
    }
    void send(std::string bytes) {
        out_->under_way_bytes += bytes.size();
        wires_.deliver(out_, [pipe = out_, bytes = std::move(bytes)] {
            pipe->under_way_bytes -= bytes.size();
            if (!pipe->broken) pipe->arrived += bytes;
            pipe->changed.notify_all();
        });
    }
    base::Error closed_here(std::string_view what) const {
        return {Code::kCancelled,
                fmt::format("{} {}: the connection was closed here", what, peer_)};
    }
    base::Error idle(std::string_view what) const {
        return {Code::kTimeout, fmt::format("{} {}: nothing moved for {} ms", what, peer_,
                                            idle_timeout_.count() / 1'000'000)};
    }

    Wires& wires_;
    Loop* loop_;
    std::shared_ptr<Pipe> in_;
    std::shared_ptr<Pipe> out_;
    std::string peer_;
    Duration idle_timeout_ = Duration::zero();
    bool closed_ = false;
};

class SimNetwork::SimListener final : public Listener {
public:
    SimListener(Wires& wires, std::uint16_t port) : wires_(wires), port_(port) {
        wires_.listeners.emplace(port, this);
    }
    ~SimListener() override { close(); }

    Task<Result<std::unique_ptr<Stream>>> accept(Loop* home) override {
        Loop* const loop = home != nullptr ? home : Loop::current();
        while (true) {
            if (closed_) co_return fail(Code::kCancelled, "the listener was closed here");
            if (!waiting_.empty()) break;
            co_await changed_.wait();
        }
        auto [in, out] = std::move(waiting_.front());
        waiting_.pop_front();
        co_return std::make_unique<SimStream>(wires_, *loop, std::move(in), std::move(out),
                                              fmt::format("a client of port {}", port_));
    }
    std::uint16_t port() const override { return port_; }
    void close() override {
        if (closed_) return;
        closed_ = true;
        wires_.listeners.erase(port_);
        for (const auto& [in, out] : waiting_) {
            out->ended = true;
            in->broken = true;
            out->changed.notify_all();
        }
        changed_.notify_all();
    }
    void arrive(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out) {
        waiting_.emplace_back(std::move(in), std::move(out));
        changed_.notify_all();
    }

private:
    Wires& wires_;
    std::uint16_t port_;
    bool closed_ = false;
    std::deque<std::pair<std::shared_ptr<Pipe>, std::shared_ptr<Pipe>>> waiting_;
    Condition changed_;
};

SimNetwork::SimNetwork(Simulation& simulation) : wires_(std::make_unique<Wires>(simulation)) {}
SimNetwork::~SimNetwork() {
    MR_CHECK(wires_->streams.empty() && wires_->listeners.empty());
}

void SimNetwork::set_delay(Duration shortest, Duration longest) {
    wires_->shortest_delay = shortest;
    wires_->longest_delay = longest;
}
void SimNetwork::set_down(bool down) {
    wires_->down = down;
}
void SimNetwork::cut_all() {
    for (SimStream* stream : wires_->streams) stream->cut();
}

Result<std::unique_ptr<Listener>> SimNetwork::listen(const std::string& host, std::uint16_t port) {
    while (port == 0 && wires_->listeners.contains(wires_->next_port)) ++wires_->next_port;
    if (port == 0) port = wires_->next_port++;
    if (wires_->listeners.contains(port)) {
        return fail(Code::kConflict, "port {} of {} is in use", port, host);
    }
    return std::make_unique<SimListener>(*wires_, port);
}

Task<Result<std::unique_ptr<Stream>>> SimNetwork::connect(std::string host, std::uint16_t port) {
    Loop* const loop = Loop::current();
    Wires& wires = *wires_;
    const std::string place = fmt::format("{}:{}", host, port);
    const auto to_server = std::make_shared<Pipe>();
    const auto to_client = std::make_shared<Pipe>();
    OneShot<bool> answered;
    wires.deliver(to_server, [&wires, port, to_server, to_client, answered] {
        const auto at = wires.listeners.find(port);
        if (at != wires.listeners.end()) at->second->arrive(to_server, to_client);
        answered.set(at != wires.listeners.end());
    });
    const std::optional<bool> accepted = co_await answered.wait_for(kConnectTimeout);
    if (!accepted) co_return fail(Code::kUnavailable, "connect to {}: no answer", place);
    if (!*accepted) co_return fail(Code::kUnavailable, "connect to {}: refused", place);
    co_return std::make_unique<SimStream>(wires, *loop, to_client, to_server, place);
}

}  // namespace millrace::runtime
