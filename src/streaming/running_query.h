// RunningQuery: a StreamingQuery with its driver thread.
//
// The thread runs triggers as the query's trigger says, sleeps until a source wakes it (or looks
// again in short intervals where a source cannot), and keeps the reports. Everything public is
// thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "runtime/thread.h"
#include "streaming/query_execution.h"
#include "streaming/query_manager.h"

namespace millrace::streaming {

class RunningQuery final : public StreamingQuery {
public:
    struct Plan {
        QueryIds ids;
        plan::Trigger trigger;
        std::int64_t interval_ms = 0;  // kProcessingTime
        std::unique_ptr<QueryExecution> execution;
        std::shared_ptr<std::atomic<bool>> cancelled;  // What the execution looks at.
        std::shared_ptr<MemoryTable> table;
        std::function<void(const QueryEvent&)> publish;
        std::function<void(RunningQuery&)> on_end;  // Called once, on the driver thread.
    };
    RunningQuery(const Services& services, Plan plan);
    ~RunningQuery() override;

    void start();

    const std::string& id() const override { return plan_.ids.id; }
    const std::string& run_id() const override { return plan_.ids.run_id; }
    const std::string& name() const override { return plan_.ids.name; }
    bool is_active() const override;
    QueryStatus status() const override;
    std::vector<std::string> recent_progress() const override;
    std::optional<std::string> last_progress() const override;
    std::optional<base::Error> exception() const override;
    std::optional<base::Error> cause() const override;
    Result<bool> await_termination(std::optional<std::chrono::milliseconds> timeout) override;
    Result<void> process_all_available() override;
    void stop() override;
    std::string explain(bool extended) const override;

    QueryView view() const;
    const std::shared_ptr<MemoryTable>& table() const { return plan_.table; }

private:
    static constexpr std::size_t kReportsKept = 100;

    void drive(const std::stop_token& stopped);
    Result<void> run_until_end(const std::stop_token& stopped);
    // One trigger; false when there was nothing to do.
    Result<bool> trigger(const ReadLimit& limit);
    void report(const Progress& progress);
    void note_idle();
    // Sleep until data may have come, at most `ms`; negative: as long as it takes.
    void wait_for_data(const std::stop_token& stopped, std::int64_t ms);
    void wait_for_time(const std::stop_token& stopped, std::int64_t until_ms);
    void wake();
    void end(Result<void> outcome);
    void set_status(std::string message, std::optional<bool> has_data, bool active);

    const Services services_;
    Plan plan_;
    const std::string explained_;
    bool can_watch_ = false;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool woken_ = false;
    bool ended_ = false;
    std::int64_t idle_rounds_ = 0;  // Triggers that found nothing to do.
    bool in_trigger_ = false;
    QueryStatus status_;
    std::deque<std::string> reports_;
    std::optional<base::Error> cause_;
    std::optional<base::Error> exception_;
    QueryView view_;
    std::int64_t previous_trigger_ms_ = -1;
    std::int64_t last_event_ms_ = 0;

    std::atomic<bool> started_ = false;
    std::atomic<std::thread::id> driver_id_;
    runtime::Thread driver_;
};

}  // namespace millrace::streaming
