#include "streaming/running_query.h"

#include <algorithm>

#include "base/log.h"
#include "runtime/clock.h"
#include "streaming/json.h"
#include "streaming/memory_table.h"

namespace millrace::streaming {

using base::Code;
using base::fail;

namespace {

// How often a source that cannot say when it has data is asked.
constexpr std::int64_t kPollMs = 20;
// Topics behind a pattern, new partitions, new sizes of topics: looked for at least this often.
constexpr std::int64_t kLookMs = 1000;
constexpr std::int64_t kIdleEventMs = 10'000;

}  // namespace

RunningQuery::RunningQuery(const Services& services, Plan plan)
    : services_(services), plan_(std::move(plan)), explained_(plan_.execution->explain()) {
    status_.message = "Initializing sources";
    view_.id = plan_.ids.id;
    view_.run_id = plan_.ids.run_id;
    view_.name = plan_.ids.name;
    view_.active = true;
    view_.started_ms = services.clock.wall_ms();
}

RunningQuery::~RunningQuery() {
    stop();
}

void RunningQuery::start() {
    can_watch_ = plan_.execution->watch([this] { wake(); });
    started_ = true;
    driver_ = runtime::Thread("stream-query", [this](std::stop_token stopped) { drive(stopped); });
}

void RunningQuery::wake() {
    const std::lock_guard lock(mutex_);
    if (woken_) return;
    woken_ = true;
    changed_.notify_all();
}

bool RunningQuery::is_active() const {
    const std::lock_guard lock(mutex_);
    return !ended_;
}

QueryStatus RunningQuery::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

std::vector<std::string> RunningQuery::recent_progress() const {
    const std::lock_guard lock(mutex_);
    return {reports_.begin(), reports_.end()};
}

std::optional<std::string> RunningQuery::last_progress() const {
    const std::lock_guard lock(mutex_);
    return reports_.empty() ? std::nullopt : std::optional(reports_.back());
}

std::optional<base::Error> RunningQuery::exception() const {
    const std::lock_guard lock(mutex_);
    return exception_;
}

std::optional<base::Error> RunningQuery::cause() const {
    const std::lock_guard lock(mutex_);
    return cause_;
}

Result<bool> RunningQuery::await_termination(std::optional<std::chrono::milliseconds> timeout) {
    std::unique_lock lock(mutex_);
    const auto ended = [this] { return ended_; };
    if (timeout) {
        changed_.wait_for(lock, *timeout, ended);
    } else {
        changed_.wait(lock, ended);
    }
    if (exception_) return fail(*exception_);
    return ended_;
}

Result<void> RunningQuery::process_all_available() {
    if (std::this_thread::get_id() == driver_id_) {
        return fail(Code::kInvalidArgument,
                    "Cannot wait for a query state from the same thread that is running the query");
    }
    std::unique_lock lock(mutex_);
    // A round that runs now may have looked before the caller's data came: the next one counts.
    const std::int64_t wanted = idle_rounds_ + (in_trigger_ ? 2 : 1);
    woken_ = true;
    changed_.notify_all();
    while (!ended_ && idle_rounds_ < wanted) {
        changed_.wait_for(lock, std::chrono::milliseconds(kPollMs));
        woken_ = true;  // Until it has looked.
        changed_.notify_all();
    }
    if (exception_) return fail(*exception_);
    return {};
}

void RunningQuery::stop() {
    driver_.request_stop();
    {
        const std::lock_guard lock(mutex_);
        if (!ended_) plan_.cancelled->store(true);
        changed_.notify_all();
    }
    // A sink that stops its own query is on the driver thread: it ends after this batch.
    if (std::this_thread::get_id() == driver_id_ || !started_) return;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
}

std::string RunningQuery::explain(bool) const {
    return explained_;
}

QueryView RunningQuery::view() const {
    const std::lock_guard lock(mutex_);
    QueryView view = view_;
    view.status = status_.message;
    view.active = !ended_;
    if (cause_) view.error = cause_->message();
    return view;
}

void RunningQuery::set_status(std::string message, std::optional<bool> has_data, bool active) {
    const std::lock_guard lock(mutex_);
    status_.message = std::move(message);
    if (has_data) status_.is_data_available = *has_data;
    status_.is_trigger_active = active;
    in_trigger_ = active;
}

void RunningQuery::drive(const std::stop_token& stopped) {
    driver_id_ = std::this_thread::get_id();
    end(run_until_end(stopped));
}

Result<void> RunningQuery::run_until_end(const std::stop_token& stopped) {
    last_event_ms_ = services_.clock.wall_ms();
    const plan::TriggerKind kind = plan_.trigger.kind;
    if (kind == plan::TriggerKind::kOnce) {
        MR_TRY_VOID(trigger({.unlimited = true}));
        return {};
    }
    if (kind == plan::TriggerKind::kAvailableNow) {
        MR_TRY_VOID(plan_.execution->prepare_for_available_now());
        for (;;) {
            MR_TRY(const bool ran, trigger({}));
            if (!ran || stopped.stop_requested()) return {};
        }
    }
    while (!stopped.stop_requested()) {
        const std::int64_t began_ms = services_.clock.wall_ms();
        {
            const std::lock_guard lock(mutex_);
            woken_ = false;  // Before looking, so that what comes while looking is not missed.
        }
        MR_TRY(const bool ran, trigger({}));
        if (kind == plan::TriggerKind::kProcessingTime && plan_.interval_ms > 0) {
            if (!ran) note_idle();
            // Aligned to multiples of the interval.
            wait_for_time(stopped, (began_ms / plan_.interval_ms + 1) * plan_.interval_ms);
        } else if (!ran) {
            note_idle();
            wait_for_data(stopped, can_watch_ ? kLookMs : kPollMs);
        }
    }
    return {};
}

Result<bool> RunningQuery::trigger(const ReadLimit& limit) {
    set_status("Processing new data", std::nullopt, true);
    auto progress = plan_.execution->run_trigger(limit);
    if (!progress) return fail(std::move(progress).error());
    if (!*progress) {
        set_status("Waiting for data to arrive", false, false);
        const std::lock_guard lock(mutex_);
        ++idle_rounds_;
        changed_.notify_all();
        return false;
    }
    report(**progress);
    set_status(plan_.interval_ms > 0 ? "Waiting for next trigger" : "Waiting for data to arrive",
               (*progress)->has_new_data, false);
    return true;
}

void RunningQuery::report(const Progress& progress) {
    std::string json = progress_json(progress, plan_.ids, previous_trigger_ms_);
    previous_trigger_ms_ = progress.timestamp_ms;
    const std::int64_t now_ms = services_.clock.wall_ms();
    last_event_ms_ = now_ms;
    {
        const std::lock_guard lock(mutex_);
        reports_.push_back(json);
        if (reports_.size() > kReportsKept) reports_.pop_front();
        ++view_.batches;
        view_.last_batch_id = progress.batch_id;
        view_.input_rows += progress.input_rows();
        view_.output_rows += std::max<std::int64_t>(progress.output_rows, 0);
        view_.malformed_records += progress.malformed_records();
        view_.watermark_ms = plan_.execution->watermark_ms();
        view_.state_rows = view_.state_bytes = 0;
        for (const auto& [_, metrics] : progress.operators) {
            view_.state_rows += metrics.rows_total;
            view_.state_bytes += metrics.memory_bytes;
            view_.dropped_late_groups += metrics.rows_dropped_by_watermark;
        }
        if (progress.has_new_data) {
            view_.trigger.note(
                static_cast<std::uint64_t>(std::max<std::int64_t>(progress.trigger_us, 0)));
        }
        if (progress.oldest_append_ms > 0) {
            view_.append_to_visible.note(static_cast<std::uint64_t>(std::max<std::int64_t>(
                                             now_ms - progress.oldest_append_ms, 0)) *
                                         1000);
        }
    }
    plan_.publish({QueryEvent::Kind::kProgress, plan_.ids.id, plan_.ids.run_id,
                   "{\"progress\":" + std::move(json) + "}"});
}

void RunningQuery::note_idle() {
    const std::int64_t now_ms = services_.clock.wall_ms();
    if (now_ms - last_event_ms_ < kIdleEventMs) return;
    last_event_ms_ = now_ms;
    plan_.publish(
        {QueryEvent::Kind::kIdle, plan_.ids.id, plan_.ids.run_id,
         fmt::format("{{\"id\":{},\"runId\":{},\"timestamp\":{}}}", json_quote(plan_.ids.id),
                     json_quote(plan_.ids.run_id), json_quote(iso_time(now_ms)))});
}

void RunningQuery::wait_for_data(const std::stop_token& stopped, std::int64_t ms) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(ms),
                      [&] { return woken_ || stopped.stop_requested(); });
}

void RunningQuery::wait_for_time(const std::stop_token& stopped, std::int64_t until_ms) {
    std::unique_lock lock(mutex_);
    while (!stopped.stop_requested()) {
        const std::int64_t left = until_ms - services_.clock.wall_ms();
        if (left <= 0) return;
        changed_.wait_for(lock, std::chrono::milliseconds(left));
    }
}

void RunningQuery::end(Result<void> outcome) {
    QueryEvent event{QueryEvent::Kind::kTerminated, plan_.ids.id, plan_.ids.run_id, {}};
    std::string message = "null";
    std::string error_class = "null";
    {
        const std::lock_guard lock(mutex_);
        status_ = {"Stopped", false, false};
        in_trigger_ = false;
        // What was cut short by stop() has not failed.
        if (!outcome && !(plan_.cancelled->load() && outcome.error().code() == Code::kCancelled)) {
            cause_ = outcome.error();
            base::Condition condition{.name = "STREAM_FAILED", .sql_state = "XXKST"};
            condition.parameters = {
                {"id", plan_.ids.id}, {"runId", plan_.ids.run_id}, {"message", cause_->message()}};
            exception_ = base::Error(
                cause_->code(),
                fmt::format(
                    "[STREAM_FAILED] Query [id = {}, runId = {}] terminated with exception: {} "
                    "SQLSTATE: XXKST",
                    plan_.ids.id, plan_.ids.run_id, cause_->message()),
                std::move(condition));
            message = json_quote(exception_->message());
            if (cause_->condition() != nullptr) error_class = json_quote(cause_->condition()->name);
            status_.message = "Terminated with exception: " + cause_->message();
        }
    }
    if (cause_) {
        base::log_warning("query {} failed: {}",
                          plan_.ids.name.empty() ? plan_.ids.id : plan_.ids.name,
                          cause_->to_string());
    }
    event.json =
        fmt::format("{{\"id\":{},\"runId\":{},\"exception\":{},\"errorClassOnException\":{}}}",
                    json_quote(plan_.ids.id), json_quote(plan_.ids.run_id), message, error_class);
    // Whoever is told of the end finds the query released.
    plan_.execution.reset();
    plan_.publish(event);
    plan_.on_end(*this);
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

}  // namespace millrace::streaming
