#include "connect/operation_internal.h"
#include "spark/connect/base.pb.h"

namespace millrace::connect {

namespace {

base::Error spark_sql_error(base::Code code, std::string name, std::string sql_state,
                            std::map<std::string, std::string> parameters, std::string text) {
    base::Condition condition;
    std::string message = fmt::format("[{}] {} SQLSTATE: {}", name, text, sql_state);
    condition.name = std::move(name);
    condition.sql_state = std::move(sql_state);
    condition.parameters = std::move(parameters);
    condition.java_class = "org.apache.spark.SparkSQLException";
    return {code, std::move(message), std::move(condition)};
}

}  // namespace

std::unexpected<base::Error> invalid_handle(const std::string& kind, const std::string& handle,
                                            const std::string& text) {
    return base::fail(spark_sql_error(base::Code::kNotFound, "INVALID_HANDLE." + kind, "HY000",
                                      {{"handle", handle}},
                                      fmt::format("The handle {} is invalid. {}", handle, text)));
}

std::unexpected<base::Error> invalid_cursor(const std::string& kind, const std::string& text) {
    return base::fail(spark_sql_error(base::Code::kConflict, "INVALID_CURSOR." + kind, "HY109", {},
                                      "The cursor is invalid. " + text));
}

base::Error operation_cancelled(const std::string& id) {
    return spark_sql_error(base::Code::kCancelled, "OPERATION_CANCELED", "HY008", {},
                           fmt::format("Operation {} has been canceled.", id));
}

Operation::Operation(std::string id, std::vector<std::string> tags, bool reattachable,
                     OperationLimits limits)
    : id_(std::move(id)), tags_(std::move(tags)), reattachable_(reattachable), limits_(limits) {}

Operation::~Operation() = default;

Operation::State Operation::state() const {
    const std::scoped_lock lock(mutex_);
    return state_;
}

bool Operation::put(proto::ExecutePlanResponse response, std::string response_id) {
    response.set_response_id(response_id);
    Entry entry;
    entry.id = std::move(response_id);
    entry.bytes = response.ByteSizeLong();
    entry.response = std::make_shared<const proto::ExecutePlanResponse>(std::move(response));

    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
        return cancelled_ || unsent_bytes_ == 0 ||
               unsent_bytes_ + entry.bytes <= limits_.unsent_bytes;
    });
    if (cancelled_) return false;
    unsent_bytes_ += entry.bytes;
    entries_.push_back(std::move(entry));
    changed_.notify_all();
    return true;
}

void Operation::finish(State state, std::optional<base::Error> error) {
    const std::scoped_lock lock(mutex_);
    if (state_ != State::kRunning) return;
    state_ = state;
    error_ = std::move(error);
    wake_ = nullptr;
    changed_.notify_all();
}

void Operation::succeed() {
    finish(State::kSucceeded, std::nullopt);
}

void Operation::fail(base::Error error) {
    if (cancelled_) {
        finish(State::kCancelled, operation_cancelled(id_));
    } else {
        finish(State::kFailed, std::move(error));
    }
}

void Operation::on_cancel(std::function<void()> wake) {
    std::unique_lock lock(mutex_);
    if (!cancelled_) {
        wake_ = std::move(wake);
        return;
    }
    lock.unlock();
    wake();
}

base::Result<Operation::Consumer> Operation::attach(const std::string& last_response_id) {
    const std::scoped_lock lock(mutex_);
    std::uint64_t position = first_;
    if (!last_response_id.empty()) {
        std::size_t index = 0;
        while (index < entries_.size() && entries_[index].id != last_response_id) index++;
        if (index == entries_.size()) {
            return invalid_cursor(
                "POSITION_NOT_AVAILABLE",
                fmt::format("The cursor position id {} is no longer available.", last_response_id));
        }
        position = first_ + index + 1;
    } else if (first_ > 0) {
        return invalid_cursor("POSITION_NOT_AVAILABLE",
                              "The cursor position id at the start is no longer available.");
    }
    // What is sent again counts as unsent again.
    next_ = position;
    unsent_bytes_ = 0;
    sent_bytes_ = 0;
    for (std::size_t i = 0; i < entries_.size(); i++) {
        (first_ + i < next_ ? sent_bytes_ : unsent_bytes_) += entries_[i].bytes;
    }
    attached_ = true;
    detached_ms_ = -1;
    consumer_++;
    changed_.notify_all();
    return consumer_;
}

Operation::Next Operation::next(Consumer consumer, std::chrono::milliseconds timeout,
                                Response& response, std::optional<base::Error>& error) {
    std::unique_lock lock(mutex_);
    const auto has_more = [&] { return next_ < first_ + entries_.size(); };
    changed_.wait_for(lock, timeout, [&] {
        return consumer != consumer_ || has_more() || state_ != State::kRunning;
    });
    if (consumer != consumer_) return Next::kPreempted;
    if (has_more()) {
        const Entry& entry = entries_[next_ - first_];
        response = entry.response;
        unsent_bytes_ -= entry.bytes;
        sent_bytes_ += entry.bytes;
        next_++;
        // Beyond the retry size the oldest go, whether released or not.
        while (sent_bytes_ > limits_.retry_bytes && first_ + 1 < next_) {
            sent_bytes_ -= entries_.front().bytes;
            entries_.pop_front();
            first_++;
        }
        changed_.notify_all();
        return Next::kResponse;
    }
    if (state_ == State::kRunning) return Next::kTimeout;
    if (state_ == State::kSucceeded) return Next::kEnd;
    error = error_;
    return Next::kError;
}

void Operation::detach(Consumer consumer, std::int64_t now_ms) {
    const std::scoped_lock lock(mutex_);
    if (consumer != consumer_) return;
    attached_ = false;
    detached_ms_ = now_ms;
}

bool Operation::release_until(const std::string& response_id) {
    const std::scoped_lock lock(mutex_);
    std::size_t index = 0;
    while (index < entries_.size() && entries_[index].id != response_id) index++;
    if (index == entries_.size()) return false;
    // The last response that was sent stays: a client that reattaches names it.
    for (std::size_t i = 0; i <= index && first_ + 1 < next_; i++) {
        sent_bytes_ -= entries_.front().bytes;
        entries_.pop_front();
        first_++;
    }
    return true;
}

void Operation::cancel() {
    std::function<void()> wake;
    {
        const std::scoped_lock lock(mutex_);
        if (state_ != State::kRunning) return;
        cancelled_ = true;
        wake = std::move(wake_);
        wake_ = nullptr;
        changed_.notify_all();
    }
    if (wake) wake();
}

std::int64_t Operation::detached_since_ms() const {
    const std::scoped_lock lock(mutex_);
    return attached_ ? -1 : detached_ms_;
}

}  // namespace millrace::connect
