#include <boost/asio/post.hpp>
#include <chrono>

#include "base/check.h"
#include "runtime/system_loop_internal.h"

namespace millrace::runtime {

namespace {
constexpr int kRoundsBeforeSockets = 16;
}

SystemLoop::SystemLoop() : guard_(context_.get_executor()), alarm_(context_) {}

SystemLoop::~SystemLoop() {
    request_stop();
    join();
    destroy_work();
}

void SystemLoop::post(Work work) {
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        posted_.push_back(std::move(work));
        if (run_scheduled_) return;
        run_scheduled_ = true;
    }
    asio::post(context_, [this] { run_posted(); });
}

std::int64_t SystemLoop::now_ns() const {
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

SystemLoop& SystemLoop::current_system() {
    auto* const loop = dynamic_cast<SystemLoop*>(Loop::current());
    MR_CHECK(loop != nullptr);
    return *loop;
}

void SystemLoop::start(std::string name) {
    thread_ = Thread(std::move(name), [this](const std::stop_token&) { run(); });
}

void SystemLoop::run() {
    const Turn turn(*this);
    context_.run();
}

void SystemLoop::run_posted() {
    // What these post runs at once, a few times; then sockets and timers have their turn.
    for (int round = 1;; ++round) {
        {
            const std::lock_guard lock(mutex_);
            if (posted_.empty()) {
                run_scheduled_ = false;
                return;
            }
            if (round > kRoundsBeforeSockets) break;
            running_.swap(posted_);
        }
        for (Work& work : running_) {
            // Each is gone before the next runs, as if it had been taken from a queue.
            Work now = std::move(work);
            now();
        }
        running_.clear();
    }
    asio::post(context_, [this] { run_posted(); });
}

void SystemLoop::arm(std::int64_t deadline_ns) {
    // An alarm that rings early finds nothing due and is set again; only earlier ones matter here.
    if (deadline_ns >= armed_ns_) return;
    armed_ns_ = deadline_ns;
    alarm_.expires_at(std::chrono::steady_clock::time_point(Duration(deadline_ns)));
    alarm_.async_wait([this](const boost::system::error_code& error) {
        if (!error) run_due_timers();
    });
}

void SystemLoop::run_due_timers() {
    armed_ns_ = std::numeric_limits<std::int64_t>::max();
    const std::int64_t now = now_ns();
    while (run_one_timer(now)) {
    }
    if (const auto next = next_deadline_ns()) arm(*next);
}

void SystemLoop::request_stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    guard_.reset();
    context_.stop();
}

void SystemLoop::join() {
    thread_.join();
}

void SystemLoop::destroy_work() {
    const Turn turn(*this);
    {
        std::vector<Work> dropped;
        const std::lock_guard lock(mutex_);
        dropped.swap(posted_);
    }
    running_.clear();
    destroy_tasks();
}

namespace {

class SystemLoopGroup final : public LoopGroup {
public:
    explicit SystemLoopGroup(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            loops_.push_back(std::make_unique<SystemLoop>());
        }
        for (std::size_t i = 0; i < count; ++i) loops_[i]->start("loop-" + std::to_string(i));
    }
    ~SystemLoopGroup() override { stop(); }

    std::size_t size() const override { return loops_.size(); }
    Loop& at(std::size_t index) override {
        MR_CHECK(index < loops_.size());
        return *loops_[index];
    }
    void stop() override {
        MR_CHECK(Loop::current() == nullptr);
        for (auto& loop : loops_) loop->request_stop();
        for (auto& loop : loops_) loop->join();
        for (auto& loop : loops_) loop->destroy_work();
    }

private:
    std::vector<std::unique_ptr<SystemLoop>> loops_;
};

}  // namespace

std::unique_ptr<LoopGroup> make_system_loops(std::size_t count) {
    MR_CHECK(count > 0);
    return std::make_unique<SystemLoopGroup>(count);
}

}  // namespace millrace::runtime
