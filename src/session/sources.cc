#include <algorithm>
#include <array>

#include "columnar/engine.h"
#include "session/catalog.h"
#include "session/errors_internal.h"
#include "session/sources_internal.h"
#include "streaming/sources.h"

namespace millrace::session {

using base::Code;
using base::Result;

std::string resolved_format(const std::string& format, const sql::Conf& conf) {
    std::string name = lower(format);
    if (name.empty()) name = lower(conf.get("spark.sql.sources.default").value_or("parquet"));
    return name;
}

Result<std::string> local_path(const std::string& path) {
    if (path.starts_with("file:")) {
        std::string_view rest = std::string_view(path).substr(5);
        while (rest.starts_with("//")) rest.remove_prefix(1);
        return std::string(rest);
    }
    const auto colon = path.find("://");
    if (colon == std::string::npos) return path;
    return unsupported(fmt::format("the file system of {}", path.substr(0, colon + 3)));
}

std::unexpected<base::Error> unknown_format(const std::string& format) {
    return spark_error(
        Code::kAnalysis, "DATA_SOURCE_NOT_FOUND", "42K02", {{"provider", format}},
        fmt::format(
            "Failed to find the data source: {}. Make sure the provider name is correct and "
            "the package is properly registered and compatible with your Spark version.",
            format),
        "org.apache.spark.SparkClassNotFoundException");
}

Result<std::vector<plan::Field>> SessionSources::schema_of(
    plan::DataSourceRel& source, const std::optional<plan::DataType>& given) {
    // Local data that says itself what its columns are.
    if (source.format == "arrow") {
        const auto data = source.options.find("data");
        if (data == source.options.end()) return unknown_format(source.format);
        return columnar::schema_from_ipc(data->second);
    }
    source.format = resolved_format(source.format, conf_);
    if (auto fixed = streaming::fixed_schema(source)) return std::move(*fixed);
    static constexpr std::array<std::string_view, 5> kFiles = {"parquet", "csv", "json", "text",
                                                               "orc"};
    if (std::ranges::find(kFiles, source.format) == kFiles.end()) {
        return unknown_format(source.format);
    }
    if (const auto path = source.options.find("path");
        source.paths.empty() && path != source.options.end()) {
        source.paths.push_back(path->second);
    }
    for (auto& path : source.paths) {
        MR_TRY(path, local_path(path));
    }
    if (given) {
        if (!given->is(plan::TypeKind::kStruct)) {
            return base::fail(Code::kInvalidArgument, "The schema of a data source is a struct");
        }
        // What a file holds is not checked before it is read: every column may be null.
        auto fields = given->fields();
        for (auto& field : fields) field.nullable = true;
        return fields;
    }
    if (source.is_streaming && source.format != "text" &&
        lower(conf_.get("spark.sql.streaming.schemaInference").value_or("false")) != "true") {
        return base::fail(base::Error(
            Code::kInvalidArgument,
            "Schema must be specified when creating a streaming source DataFrame. If some files "
            "already exist in the directory, then depending on the file format you may be able to "
            "create a static DataFrame on that directory with 'spark.read.load(directory)' and "
            "infer schema from it."));
    }
    return columnar::file_schema(engine_, source);
}

}  // namespace millrace::session
