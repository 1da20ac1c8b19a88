// Structured Streaming: reading and writing streams, and the queries that run.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/dataframe.h"
#include "millrace/error.h"

namespace millrace {

// A running or ended query. Copies are the same query; it goes on when all copies are gone, until
// it is stopped or its session ends. Thread-safe.
class StreamingQuery {
public:
    struct Status {
        std::string message;
        bool is_data_available = false;
        bool is_trigger_active = false;
        bool is_active = false;
    };
    class Handle;
    explicit StreamingQuery(std::shared_ptr<Handle> handle) : handle_(std::move(handle)) {}

    const std::string& id() const;      // Survives restarts from the checkpoint.
    const std::string& run_id() const;  // New with each start.
    const std::string& name() const;
    Result<bool> is_active() const;
    Result<Status> status() const;
    // Reports as Spark's JSON, oldest first.
    Result<std::vector<std::string>> recent_progress() const;
    Result<std::optional<std::string>> last_progress() const;
    // Why it failed; nullopt when it runs or ended well.
    Result<std::optional<Error>> exception() const;
    // True when the query has ended, false when the time was up first; the query's error if it
    // failed.
    Result<bool> await_termination(
        std::optional<std::chrono::milliseconds> timeout = std::nullopt) const;
    Result<void> process_all_available() const;
    Result<void> stop() const;

private:
    std::shared_ptr<Handle> handle_;
};

struct Trigger {
    enum class Kind : std::uint8_t { kDefault, kProcessingTime, kAvailableNow, kOnce };
    Kind kind = Kind::kDefault;
    std::string interval;
    static Trigger processing_time(std::string_view interval) {
        return {Kind::kProcessingTime, std::string(interval)};
    }
    static Trigger available_now() { return {Kind::kAvailableNow, {}}; }
    static Trigger once() { return {Kind::kOnce, {}}; }
};

class DataStreamReader {
public:
    explicit DataStreamReader(std::shared_ptr<api::Backend> backend);
    DataStreamReader& format(std::string_view name);
    DataStreamReader& schema(std::string_view ddl);
    DataStreamReader& option(std::string_view key, std::string_view value);
    DataFrame load(std::string_view path = {}) const;
    DataFrame table(std::string_view name) const;

private:
    std::shared_ptr<api::Backend> backend_;
    std::string format_;
    std::string schema_;
    std::map<std::string, std::string> options_;
};

class DataStreamWriter {
public:
    explicit DataStreamWriter(DataFrame frame);
    DataStreamWriter& format(std::string_view name);
    DataStreamWriter& output_mode(std::string_view name);  // append, update, complete
    DataStreamWriter& option(std::string_view key, std::string_view value);
    DataStreamWriter& query_name(std::string_view name);
    DataStreamWriter& trigger(Trigger trigger);
    DataStreamWriter& partition_by(const std::vector<std::string>& columns);
    Result<StreamingQuery> start(std::string_view path = {}) const;

private:
    DataFrame frame_;
    std::string format_;
    std::string output_mode_;
    std::string query_name_;
    Trigger trigger_;
    std::map<std::string, std::string> options_;
    std::vector<std::string> partition_by_;
};

}  // namespace millrace
