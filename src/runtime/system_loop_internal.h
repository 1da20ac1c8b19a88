// SystemLoop: a Loop on one thread and one Asio io_context. For this room's own files alone.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <limits>
#include <mutex>
#include <vector>

#include "runtime/loop.h"
#include "runtime/thread.h"

namespace millrace::runtime {

namespace asio = boost::asio;

class SystemLoop final : public Loop {
public:
    SystemLoop();
    ~SystemLoop() override;

    void post(Work work) override;
    std::int64_t now_ns() const override;

    asio::io_context& context() { return context_; }
    // The system loop whose turn it is; only system loops can carry the system's sockets.
    static SystemLoop& current_system();

    void start(std::string name);
    // In three steps over all loops of a group, because what one loop destroys may touch another.
    void request_stop();
    void join();
    void destroy_work();

private:
    void arm(std::int64_t deadline_ns) override;
    void run();
    void run_posted();
    void run_due_timers();

    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard_;
    asio::steady_timer alarm_;
    std::int64_t armed_ns_ = std::numeric_limits<std::int64_t>::max();  // When alarm_ rings.

    std::mutex mutex_;
    std::vector<Work> posted_;    // Guarded by mutex_.
    bool run_scheduled_ = false;  // Guarded by mutex_: run_posted is in the context's queue.
    bool stopped_ = false;        // Guarded by mutex_.
    std::vector<Work> running_;   // What run_posted works through; kept for its capacity.
    Thread thread_;
};

}  // namespace millrace::runtime
