// WebLogEvent: one request to a web server, and its form as a record
// (docs/formats/weblog_event.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace millrace::cli {

struct WebLogEvent {
    std::string host;
    std::optional<std::int64_t> timestamp_ms;
    std::string request;  // "GET /index.html"
    std::optional<std::int32_t> http_reply;
    std::optional<std::int64_t> bytes;
};

std::string to_json(const WebLogEvent& event);
// "1995-08-01T04:00:04.000Z"
std::string iso_time(std::int64_t epoch_ms);

// What is produced: the key is the host. `event_ms` is what pacing by event time goes by; nullopt
// for a record that tells no time.
struct WebLogRecord {
    std::string key;
    std::string value;
    std::optional<std::int64_t> event_ms;
};

// Where records come from: the generator, or a file.
class WebLogSource {
public:
    virtual ~WebLogSource() = default;
    // nullopt at the end.
    virtual base::Result<std::optional<WebLogRecord>> next() = 0;
    // How much of the source is done, 0 to 1; nullopt when it has no end.
    virtual std::optional<double> progress() const = 0;
};

}  // namespace millrace::cli
