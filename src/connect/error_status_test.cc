#include "connect/error_status_internal.h"

#include <gmock/gmock.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "error_status.pb.h"
#include "spark/connect/base.pb.h"

namespace proto = ::spark::connect;

namespace millrace::connect {

namespace {

using base::Code;

base::Error unresolved(std::string message = "[UNRESOLVED_COLUMN] no column x") {
    base::Condition condition;
    condition.name = "UNRESOLVED_COLUMN.WITH_SUGGESTION";
    condition.sql_state = "42703";
    condition.parameters = {{"objectName", "`x`"}};
    return {Code::kAnalysis, std::move(message), std::move(condition)};
}

}  // namespace

TEST(ErrorStatus, carries_what_clients_choose_an_exception_by) {
    const auto status = to_status(unresolved(), "id-1");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
    wire::Status details;
    ASSERT_TRUE(details.ParseFromString(status.error_details()));
    EXPECT_EQ(details.message(), status.error_message());
    ASSERT_EQ(details.details_size(), 1);
    EXPECT_EQ(details.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
    wire::ErrorInfo info;
    ASSERT_TRUE(info.ParseFromString(details.details(0).value()));
    EXPECT_EQ(info.reason(), "org.apache.spark.sql.AnalysisException");
    EXPECT_EQ(info.domain(), "org.apache.spark");
    EXPECT_EQ(info.metadata().at("errorClass"), "UNRESOLVED_COLUMN.WITH_SUGGESTION");
    EXPECT_EQ(info.metadata().at("sqlState"), "42703");
    EXPECT_EQ(info.metadata().at("errorId"), "id-1");
    EXPECT_EQ(info.metadata().at("messageParameters"), R"({"objectName":"`x`"})");
}

TEST(ErrorStatus, a_code_implies_the_class_where_the_condition_names_none) {
    const auto first = [](Code code) { return exception_classes({code, "x"}).front(); };
    EXPECT_EQ(first(Code::kParse), "org.apache.spark.sql.catalyst.parser.ParseException");
    EXPECT_EQ(first(Code::kArithmetic), "org.apache.spark.SparkArithmeticException");
    EXPECT_THAT(exception_classes({Code::kArithmetic, "x"}),
                testing::Contains("java.lang.ArithmeticException"));
    EXPECT_THAT(exception_classes({Code::kUnsupported, "x"}),
                testing::Contains("java.lang.UnsupportedOperationException"));
}

TEST(ErrorStatus, long_messages_are_cut_between_characters_for_the_trailer_alone) {
    const std::string text = std::string(2047, 'a') + "é and more";
    const auto status = to_status(unresolved(text), "");
    EXPECT_EQ(status.error_message(), std::string(2047, 'a') + "...");
    proto::FetchErrorDetailsResponse response;
    fill_details(unresolved(text), false, response);
    EXPECT_EQ(response.errors(0).message(), text);
    EXPECT_EQ(response.errors(0).spark_throwable().error_class(),
              "UNRESOLVED_COLUMN.WITH_SUGGESTION");
}

TEST(ErrorStatus, comes_back_as_the_error_that_it_was) {
    const auto error = from_status(to_status(unresolved(), "id"));
    EXPECT_EQ(error.code(), Code::kAnalysis);
    EXPECT_EQ(error.message(), unresolved().message());
    ASSERT_NE(error.condition(), nullptr);
    EXPECT_EQ(error.condition()->name, "UNRESOLVED_COLUMN.WITH_SUGGESTION");
    EXPECT_EQ(error.condition()->parameters.at("objectName"), "`x`");
    const auto plain = from_status({grpc::StatusCode::UNAVAILABLE, "no route"});
    EXPECT_EQ(plain.code(), Code::kUnavailable);
    EXPECT_EQ(plain.condition(), nullptr);
}

}  // namespace millrace::connect
