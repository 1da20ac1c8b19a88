#include "plan/expression.h"
#include "session/errors_internal.h"

namespace millrace::session {

using base::Code;

std::unexpected<base::Error> spark_error(Code code, std::string name, std::string sql_state,
                                         std::map<std::string, std::string> parameters,
                                         std::string_view text, std::string java_class) {
    std::string message = fmt::format("[{}] {} SQLSTATE: {}", name, text, sql_state);
    base::Condition condition;
    condition.name = std::move(name);
    condition.sql_state = std::move(sql_state);
    condition.parameters = std::move(parameters);
    condition.java_class = std::move(java_class);
    return base::fail(base::Error(code, std::move(message), std::move(condition)));
}

std::unexpected<base::Error> table_not_found(const std::vector<std::string>& name) {
    std::string quoted;
    for (const auto& part : name) quoted += (quoted.empty() ? "`" : ".`") + part + "`";
    return spark_error(
        Code::kAnalysis, "TABLE_OR_VIEW_NOT_FOUND", "42P01", {{"relationName", quoted}},
        fmt::format(
            "The table or view {} cannot be found. Verify the spelling and correctness of "
            "the schema and catalog.\nIf you did not qualify the name with a schema, verify "
            "the current_schema() output, or qualify the name with the correct schema and "
            "catalog.\nTo tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE "
            "IF EXISTS.",
            quoted));
}

std::unexpected<base::Error> schema_not_found(const std::string& name) {
    const std::string quoted = fmt::format("`spark_catalog`.`{}`", name);
    return spark_error(
        Code::kAnalysis, "SCHEMA_NOT_FOUND", "42704", {{"schemaName", quoted}},
        fmt::format(
            "The schema {} cannot be found. Verify the spelling and correctness of the "
            "schema and catalog.\nIf you did not qualify the name with a catalog, verify the "
            "current_schema() output, or qualify the name with the correct catalog.\nTo "
            "tolerate the error on drop use DROP SCHEMA IF EXISTS.",
            quoted));
}

std::unexpected<base::Error> unsupported(std::string_view what) {
    return spark_error(Code::kUnsupported, "UNSUPPORTED_FEATURE", "0A000",
                       {{"feature", std::string(what)}},
                       fmt::format("The feature is not supported: {}.", what),
                       "org.apache.spark.SparkUnsupportedOperationException");
}

}  // namespace millrace::session
