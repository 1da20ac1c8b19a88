// TsvWebLog: events out of a tab-separated web log, plain or gzip.
//
// Columns: host, logname, time (epoch seconds), method, url, response, bytes, ...; the first line
// names them. Real logs are odd: a field that is no number where one is wanted becomes null, and a
// line of fewer than seven columns is passed over and counted.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/weblog/event.h"
#include "cli/weblog/line_reader.h"

namespace millrace::cli {

// nullopt for a line of too few columns.
std::optional<WebLogEvent> parse_tsv_line(std::string_view line);

class TsvWebLog final : public WebLogSource {
public:
    static base::Result<std::unique_ptr<TsvWebLog>> open(runtime::Disk& disk,
                                                         const std::string& path);

    base::Result<std::optional<WebLogRecord>> next() override;
    std::optional<double> progress() const override { return lines_->progress(); }
    std::uint64_t skipped_lines() const { return skipped_lines_; }

private:
    explicit TsvWebLog(std::unique_ptr<LineReader> lines) : lines_(std::move(lines)) {}

    std::unique_ptr<LineReader> lines_;
    std::uint64_t skipped_lines_ = 0;
};

}  // namespace millrace::cli
