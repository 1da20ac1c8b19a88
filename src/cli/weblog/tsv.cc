#include "cli/weblog/tsv.h"

#include <array>
#include <charconv>

namespace millrace::cli {
namespace {

template <class Number>
std::optional<Number> number_of(std::string_view text) {
    Number value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stopped != end) return std::nullopt;
    return value;
}

}  // namespace

std::optional<WebLogEvent> parse_tsv_line(std::string_view line) {
    enum Column { kHost, kLogname, kTime, kMethod, kUrl, kResponse, kBytes, kColumns };
    std::array<std::string_view, kColumns> fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const auto tab = line.find('\t');
        fields[i] = line.substr(0, tab);
        if (tab == std::string_view::npos) {
            if (i + 1 < fields.size()) return std::nullopt;
            break;
        }
        line.remove_prefix(tab + 1);
    }
    WebLogEvent event;
    event.host = fields[kHost];
    // Beyond this range the time has no date of four digits.
    constexpr std::int64_t kMaxSeconds = 253'402'300'799;
    const auto seconds = number_of<std::int64_t>(fields[kTime]);
    if (seconds && *seconds >= 0 && *seconds <= kMaxSeconds) event.timestamp_ms = *seconds * 1000;
    event.request = std::string(fields[kMethod]) + " " + std::string(fields[kUrl]);
    event.http_reply = number_of<std::int32_t>(fields[kResponse]);
    event.bytes = number_of<std::int64_t>(fields[kBytes]);
    return event;
}

base::Result<std::unique_ptr<TsvWebLog>> TsvWebLog::open(runtime::Disk& disk,
                                                         const std::string& path) {
    MR_TRY(std::unique_ptr<LineReader> lines, LineReader::open(disk, path));
    MR_TRY(const std::optional<std::string> names, lines->next());
    if (!names || !names->starts_with("host\t")) {
        return base::fail(base::Code::kInvalidArgument,
                          "{}: the first line must name the columns: host, logname, time, method, "
                          "url, response, bytes",
                          path);
    }
    return std::unique_ptr<TsvWebLog>(new TsvWebLog(std::move(lines)));
}

base::Result<std::optional<WebLogRecord>> TsvWebLog::next() {
    for (;;) {
        MR_TRY(const std::optional<std::string> line, lines_->next());
        if (!line) return std::optional<WebLogRecord>();
        const std::optional<WebLogEvent> event = parse_tsv_line(*line);
        if (!event) {
            ++skipped_lines_;
            continue;
        }
        return WebLogRecord{
            .key = event->host, .value = to_json(*event), .event_ms = event->timestamp_ms};
    }
}

}  // namespace millrace::cli
