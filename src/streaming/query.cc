#include "streaming/query.h"

#include <algorithm>

#include "streaming/topic_offsets.h"

namespace millrace::streaming {

using base::Code;
using base::fail;

Result<OutputMode> parse_output_mode(std::string_view text) {
    std::string word(text);
    std::ranges::transform(word, word.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (word.empty() || word == "append") return OutputMode::kAppend;
    if (word == "update") return OutputMode::kUpdate;
    if (word == "complete") return OutputMode::kComplete;
    base::Condition condition{.name = "STREAMING_OUTPUT_MODE.INVALID", .sql_state = "42KDE"};
    condition.parameters = {{"outputMode", std::string(text)}};
    return fail(base::Error(
        Code::kInvalidArgument,
        fmt::format("[STREAMING_OUTPUT_MODE.INVALID] Invalid streaming output mode: {}. Accepted "
                    "output modes are 'Append', 'Complete', 'Update'. SQLSTATE: 42KDE",
                    text),
        std::move(condition)));
}

std::string_view output_mode_name(OutputMode mode) {
    switch (mode) {
        case OutputMode::kAppend: return "Append";
        case OutputMode::kUpdate: return "Update";
        case OutputMode::kComplete: return "Complete";
    }
    return "";
}

Result<QuerySpec> make_query_spec(const plan::StartStreamCommand& command, plan::LogicalPtr plan,
                                  std::map<std::string, std::string> conf) {
    QuerySpec spec;
    spec.name = command.query_name;
    spec.plan = std::move(plan);
    MR_TRY(spec.mode, parse_output_mode(command.output_mode));
    spec.trigger = command.trigger;
    spec.sink.format = command.format;
    spec.sink.options = command.options;
    spec.sink.path = command.path.empty() ? option_or(command.options, "path", "") : command.path;
    spec.sink.partition_by = command.partition_by;
    spec.checkpoint_location = option_or(command.options, "checkpointlocation", "");
    const auto of_session = conf.find("spark.sql.streaming.checkpointLocation");
    if (spec.checkpoint_location.empty() && of_session != conf.end()) {
        // A folder for all queries of the session: each has one of its own in it, by its name.
        if (!spec.name.empty()) spec.checkpoint_location = of_session->second + "/" + spec.name;
    }
    if (const auto zone = conf.find("spark.sql.session.timeZone"); zone != conf.end()) {
        spec.time_zone = zone->second;
    }
    if (spec.sink.format.empty() && !command.table.empty()) {
        return fail(Code::kUnsupported,
                    "toTable is not supported on streaming DataFrames/Datasets");
    }
    if (spec.sink.format.empty()) spec.sink.format = "parquet";
    spec.conf = std::move(conf);
    return spec;
}

}  // namespace millrace::streaming
