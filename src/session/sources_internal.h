// SessionSources: the columns of the data sources that plans name, for the analyzer.
#pragma once

#include "sql/analyzer.h"

namespace millrace::columnar {
class Engine;
}

namespace millrace::session {

// The format that a source or sink means: lower case, the session's default when it is empty.
std::string resolved_format(const std::string& format, const sql::Conf& conf);
// "file:///tmp/x" and "file:/tmp/x" are "/tmp/x"; other schemes are unsupported.
base::Result<std::string> local_path(const std::string& path);
std::unexpected<base::Error> unknown_format(const std::string& format);

class SessionSources final : public sql::Sources {
public:
    SessionSources(columnar::Engine& engine, const sql::Conf& conf)
        : engine_(engine), conf_(conf) {}
    base::Result<std::vector<plan::Field>> schema_of(
        plan::DataSourceRel& source, const std::optional<plan::DataType>& given) override;

private:
    columnar::Engine& engine_;
    const sql::Conf& conf_;
};

}  // namespace millrace::session
