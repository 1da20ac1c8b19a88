#include "connect/error_status_internal.h"

#include <grpcpp/support/status.h>

#include <algorithm>

#include "base/json.h"
#include "error_status.pb.h"
#include "spark/connect/base.pb.h"

namespace millrace::connect {

namespace {

using base::Code;

// gRPC's trailers are small: clients get the whole text by FetchErrorDetails.
constexpr std::size_t kMessageBytes = 2048;
constexpr std::size_t kMetadataBytes = 1024;
constexpr std::string_view kTypePrefix = "type.googleapis.com/google.rpc.";

std::string class_of_code(Code code) {
    switch (code) {
        case Code::kAnalysis: return "org.apache.spark.sql.AnalysisException";
        case Code::kParse: return "org.apache.spark.sql.catalyst.parser.ParseException";
        case Code::kArithmetic: return "org.apache.spark.SparkArithmeticException";
        case Code::kUnsupported: return "org.apache.spark.SparkUnsupportedOperationException";
        case Code::kInvalidArgument:
        case Code::kOutOfRange: return "org.apache.spark.SparkIllegalArgumentException";
        case Code::kCancelled: return "org.apache.spark.SparkSQLException";
        case Code::kRuntime:
        case Code::kCorrupt: return "org.apache.spark.SparkRuntimeException";
        default: return "org.apache.spark.SparkException";
    }
}

struct Parents {
    std::string_view name;
    std::vector<std::string_view> parents;
};

// The ancestors that clients know, nearest first. Throwable and Object end every list.
const std::vector<Parents>& hierarchy() {
    static const std::vector<Parents> classes = {
        {"org.apache.spark.sql.AnalysisException", {"java.lang.Exception"}},
        {"org.apache.spark.sql.catalyst.ExtendedAnalysisException",
         {"org.apache.spark.sql.AnalysisException", "java.lang.Exception"}},
        {"org.apache.spark.sql.catalyst.parser.ParseException",
         {"org.apache.spark.sql.AnalysisException", "java.lang.Exception"}},
        {"org.apache.spark.sql.streaming.StreamingQueryException", {"java.lang.Exception"}},
        {"org.apache.spark.SparkArithmeticException",
         {"java.lang.ArithmeticException", "java.lang.RuntimeException", "java.lang.Exception"}},
        {"org.apache.spark.SparkNumberFormatException",
         {"java.lang.NumberFormatException", "java.lang.IllegalArgumentException",
          "java.lang.RuntimeException", "java.lang.Exception"}},
        {"org.apache.spark.SparkDateTimeException",
         {"java.time.DateTimeException", "java.lang.RuntimeException", "java.lang.Exception"}},
        {"org.apache.spark.SparkArrayIndexOutOfBoundsException",
         {"java.lang.ArrayIndexOutOfBoundsException", "java.lang.IndexOutOfBoundsException",
          "java.lang.RuntimeException", "java.lang.Exception"}},
        {"org.apache.spark.SparkUnsupportedOperationException",
         {"java.lang.UnsupportedOperationException", "java.lang.RuntimeException",
          "java.lang.Exception"}},
        {"org.apache.spark.SparkIllegalArgumentException",
         {"java.lang.IllegalArgumentException", "java.lang.RuntimeException",
          "java.lang.Exception"}},
        {"org.apache.spark.SparkNoSuchElementException",
         {"java.util.NoSuchElementException", "java.lang.RuntimeException", "java.lang.Exception"}},
        {"org.apache.spark.SparkRuntimeException",
         {"java.lang.RuntimeException", "java.lang.Exception"}},
        {"org.apache.spark.sql.connect.common.InvalidPlanInput", {"java.lang.Exception"}},
        {"org.apache.spark.SparkSQLException", {"java.sql.SQLException", "java.lang.Exception"}},
    };
    return classes;
}

std::string cut(std::string text, std::size_t limit) {
    if (text.size() <= limit) return text;
    // Not within a character: continuation bytes are 10xxxxxx.
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) limit--;
    return text.substr(0, limit) + "...";
}

std::string json_of(const std::map<std::string, std::string>& values) {
    base::JsonObject object;
    for (const auto& [key, value] : values) object.emplace_back(key, value);
    return base::to_json(base::JsonValue(std::move(object)));
}

}  // namespace

std::vector<std::string> exception_classes(const base::Error& error) {
    std::string name = class_of_code(error.code());
    if (const auto* condition = error.condition()) {
        if (!condition->java_class.empty()) {
            name = condition->java_class;
        } else if (condition->name == "STREAM_FAILED") {
            // Whatever the cause was: the query has ended because of it.
            name = "org.apache.spark.sql.streaming.StreamingQueryException";
        }
    }
    std::vector<std::string> classes = {name};
    const auto& known = hierarchy();
    if (const auto found = std::ranges::find(known, name, &Parents::name); found != known.end()) {
        classes.insert(classes.end(), found->parents.begin(), found->parents.end());
    } else if (name.starts_with("org.apache.spark.sql.catalyst.analysis.")) {
        classes.insert(classes.end(),
                       {"org.apache.spark.sql.AnalysisException", "java.lang.Exception"});
    } else {
        classes.emplace_back("java.lang.Exception");
    }
    classes.emplace_back("java.lang.Throwable");
    classes.emplace_back("java.lang.Object");
    return classes;
}

grpc::Status to_status(const base::Error& error, const std::string& error_id) {
    const auto classes = exception_classes(error);
    wire::ErrorInfo info;
    info.set_reason(classes.front());
    info.set_domain("org.apache.spark");
    auto& metadata = *info.mutable_metadata();
    base::JsonArray class_list;
    for (const auto& name : classes) class_list.emplace_back(name);
    metadata["classes"] = base::to_json(base::JsonValue(std::move(class_list)));
    if (!error_id.empty()) metadata["errorId"] = error_id;
    if (const auto* condition = error.condition()) {
        metadata["errorClass"] = condition->name;
        metadata["sqlState"] = condition->sql_state;
        auto parameters = json_of(condition->parameters);
        if (parameters.size() <= kMetadataBytes) {
            metadata["messageParameters"] = std::move(parameters);
        }
    }
    wire::Status status;
    status.set_code(grpc::StatusCode::INTERNAL);
    status.set_message(cut(error.message(), kMessageBytes));
    auto* detail = status.add_details();
    detail->set_type_url(std::string(kTypePrefix) + "ErrorInfo");
    detail->set_value(info.SerializeAsString());
    return {grpc::StatusCode::INTERNAL, status.message(), status.SerializeAsString()};
}

void fill_details(const base::Error& error, bool with_stack_trace,
                  ::spark::connect::FetchErrorDetailsResponse& response) {
    response.set_root_error_idx(0);
    auto* detail = response.add_errors();
    for (auto& name : exception_classes(error)) detail->add_error_type_hierarchy(std::move(name));
    detail->set_message(error.message());
    if (with_stack_trace) {
        auto* element = detail->add_stack_trace();
        element->set_declaring_class("millrace");
        element->set_method_name("execute");
        element->set_file_name("millrace");
        element->set_line_number(0);
    }
    const auto* condition = error.condition();
    if (condition == nullptr) return;
    auto* throwable = detail->mutable_spark_throwable();
    throwable->set_error_class(condition->name);
    throwable->set_sql_state(condition->sql_state);
    for (const auto& [key, value] : condition->parameters) {
        (*throwable->mutable_message_parameters())[key] = value;
    }
    if (condition->query_start < 0 && condition->query_fragment.empty()) return;
    using Context = ::spark::connect::FetchErrorDetailsResponse_QueryContext;
    auto* context = throwable->add_query_contexts();
    context->set_fragment(condition->query_fragment);
    if (condition->query_start >= 0) {
        context->set_context_type(Context::SQL);
        context->set_start_index(condition->query_start);
        context->set_stop_index(condition->query_stop);
        context->set_summary(fmt::format("== SQL ==\n{}", condition->query_fragment));
    } else {
        context->set_context_type(Context::DATAFRAME);
        context->set_call_site(condition->query_text);
        context->set_summary(fmt::format("== DataFrame ==\n\"{}\" was called from\n{}\n",
                                         condition->query_fragment, condition->query_text));
    }
}

base::Error from_status(const grpc::Status& status) {
    Code code = Code::kUnavailable;
    switch (status.error_code()) {
        case grpc::StatusCode::CANCELLED: code = Code::kCancelled; break;
        case grpc::StatusCode::INVALID_ARGUMENT: code = Code::kInvalidArgument; break;
        case grpc::StatusCode::DEADLINE_EXCEEDED: code = Code::kTimeout; break;
        case grpc::StatusCode::UNIMPLEMENTED: code = Code::kUnsupported; break;
        case grpc::StatusCode::INTERNAL: code = Code::kRuntime; break;
        default: break;
    }
    base::Condition condition;
    wire::Status details;
    if (details.ParseFromString(status.error_details())) {
        for (const auto& detail : details.details()) {
            wire::ErrorInfo info;
            if (detail.type_url() != std::string(kTypePrefix) + "ErrorInfo" ||
                !info.ParseFromString(detail.value())) {
                continue;
            }
            auto& metadata = *info.mutable_metadata();
            condition.name = metadata["errorClass"];
            condition.sql_state = metadata["sqlState"];
            condition.java_class = info.reason();
            if (const auto parameters = base::parse_json(metadata["messageParameters"])) {
                for (const auto& [key, value] : parameters->members()) {
                    if (auto text = value.as_string()) condition.parameters[key] = *text;
                }
            }
            if (metadata["classes"].find("AnalysisException") != std::string::npos) {
                code = Code::kAnalysis;
            }
        }
    }
    if (condition.name.empty() && condition.java_class.empty())
        return {code, status.error_message()};
    return {code, status.error_message(), std::move(condition)};
}

}  // namespace millrace::connect
