// Plans survive the way into messages and back: the server reads what the client writes.
#include <gtest/gtest.h>

#include "connect/from_proto_internal.h"
#include "connect/to_proto_internal.h"
#include "spark/connect/commands.pb.h"
#include "spark/connect/relations.pb.h"

namespace millrace::connect {

namespace {

using plan::DataType;
using plan::Literal;

FromProto reader() {
    return FromProto([](const std::string& hash) -> std::optional<std::string> {
        if (hash == "known") return "bytes";
        return std::nullopt;
    });
}

// The message's text before and after a round trip; equal texts are equal messages.
std::string again(const proto::Relation& message) {
    const auto relation = reader().relation(message);
    if (!relation) return relation.error().message();
    proto::Relation back;
    const auto done = to_proto(**relation, back);
    return done ? back.ShortDebugString() : done.error().message();
}

proto::Relation range() {
    proto::Relation message;
    message.mutable_common()->set_plan_id(7);
    message.mutable_range()->set_start(0);
    message.mutable_range()->set_end(10);
    message.mutable_range()->set_step(1);
    return message;
}

proto::Expression column(const std::string& name) {
    proto::Expression message;
    message.mutable_unresolved_attribute()->set_unparsed_identifier(name);
    return message;
}

std::string again(const DataType& type) {
    proto::DataType message;
    to_proto(type, message);
    const auto back = type_from_proto(message);
    return back ? back->json() : back.error().message();
}

std::string again(const Literal& literal) {
    proto::Expression_Literal message;
    to_proto(literal, message);
    const auto back = literal_from_proto(message);
    if (!back) return back.error().message();
    return *back == literal ? "same" : message.ShortDebugString();
}

std::string decimal(const std::string& text, int precision = 0, int scale = 0) {
    proto::Expression_Literal message;
    message.mutable_decimal()->set_value(text);
    if (precision > 0) {
        message.mutable_decimal()->set_precision(precision);
        message.mutable_decimal()->set_scale(scale);
    }
    const auto literal = literal_from_proto(message);
    if (!literal) return "refused";
    proto::Expression_Literal back;
    to_proto(*literal, back);
    return back.decimal().value() + " " + literal->type.simple_string();
}

}  // namespace

TEST(Convert, types_survive) {
    const DataType deep = DataType::structure(
        {{"a", DataType::array(DataType::decimal(10, 2), false), true, {}},
         {"m", DataType::map(DataType::string(), DataType::timestamp_ntz()), false, {}},
         {"v", DataType::varchar(7), true, R"({"k":1})"},
         {"d", DataType::day_time_interval(1, 2), true, {}},
         {"y", DataType::year_month_interval(0, 0), true, {}},
         {"t", DataType::time(3), true, {}}});
    EXPECT_EQ(again(deep), deep.json());
    for (const auto& type :
         {DataType::null(), DataType::boolean(), DataType::byte_(), DataType::short_(),
          DataType::integer(), DataType::long_(), DataType::float_(), DataType::double_(),
          DataType::string(), DataType::binary(), DataType::date(), DataType::timestamp(),
          DataType::calendar_interval(), DataType::variant(), DataType::char_(3)}) {
        EXPECT_EQ(again(type), type.json());
    }
}

TEST(Convert, types_that_cannot_be_are_refused) {
    proto::DataType message;
    message.mutable_decimal()->set_precision(39);
    EXPECT_FALSE(type_from_proto(message));
    message.mutable_decimal()->set_precision(5);
    message.mutable_decimal()->set_scale(6);
    EXPECT_FALSE(type_from_proto(message));
    message.mutable_char_()->set_length(0);
    EXPECT_FALSE(type_from_proto(message));
    message.mutable_day_time_interval()->set_start_field(3);
    message.mutable_day_time_interval()->set_end_field(1);
    EXPECT_FALSE(type_from_proto(message));
    EXPECT_FALSE(type_from_proto(proto::DataType()));
}

TEST(Convert, literals_survive) {
    for (const auto& literal :
         {Literal::null(DataType::integer()), Literal::boolean(true), Literal::integer(-3),
          Literal::long_(INT64_MIN), Literal::double_(0.1), Literal::string("é\n"),
          Literal{DataType::byte_(), std::int64_t{-128}},
          Literal{DataType::timestamp(), std::int64_t{1'700'000'000'000'000}},
          Literal{DataType::calendar_interval(), plan::IntervalValue{1, -2, 3}},
          Literal{DataType::array(DataType::integer(), true),
                  std::vector<Literal>{Literal::integer(1), Literal::null(DataType::integer())}},
          Literal{DataType::map(DataType::string(), DataType::integer(), false),
                  std::vector<Literal>{Literal::string("k"), Literal::integer(1)}}}) {
        EXPECT_EQ(again(literal), "same");
    }
}

TEST(Convert, decimals_keep_every_digit) {
    EXPECT_EQ(decimal("12.50"), "12.50 decimal(4,2)");
    EXPECT_EQ(decimal("-0.05"), "-0.05 decimal(2,2)");
    EXPECT_EQ(decimal("1.5", 10, 3), "1.500 decimal(10,3)");
    EXPECT_EQ(decimal("1E+3"), "1000 decimal(4,0)");
    EXPECT_EQ(decimal("12345678901234567890123456789012345678"),
              "12345678901234567890123456789012345678 decimal(38,0)");
    EXPECT_EQ(decimal("123456789012345678901234567890123456789"), "refused");
    EXPECT_EQ(decimal("1.55", 3, 1), "refused");
    EXPECT_EQ(decimal("one"), "refused");
    EXPECT_EQ(decimal(""), "refused");
    EXPECT_EQ(decimal("1e999999"), "refused");
}

TEST(Convert, relations_survive) {
    std::vector<proto::Relation> messages;
    const auto next = [&]() -> proto::Relation& { return messages.emplace_back(); };
    messages.push_back(range());
    {
        auto* filter = next().mutable_filter();
        *filter->mutable_input() = range();
        auto* call = filter->mutable_condition()->mutable_unresolved_function();
        call->set_function_name(">");
        *call->add_arguments() = column("`a.b`.c");
        call->add_arguments()->mutable_literal()->set_integer(3);
    }
    {
        auto* join = next().mutable_join();
        *join->mutable_left() = range();
        *join->mutable_right() = range();
        join->set_join_type(proto::Join::JOIN_TYPE_LEFT_ANTI);
        join->add_using_columns("id");
    }
    {
        auto* aggregate = next().mutable_aggregate();
        *aggregate->mutable_input() = range();
        aggregate->set_group_type(proto::Aggregate::GROUP_TYPE_PIVOT);
        *aggregate->add_grouping_expressions() = column("g");
        *aggregate->mutable_pivot()->mutable_col() = column("p");
        aggregate->mutable_pivot()->add_values()->set_string("v");
    }
    {
        auto* source = next().mutable_read()->mutable_data_source();
        source->set_format("kafka");
        (*source->mutable_options())["subscribe"] = "weblog";
        messages.back().mutable_read()->set_is_streaming(true);
    }
    {
        auto* watermark = next().mutable_with_watermark();
        *watermark->mutable_input() = range();
        watermark->set_event_time("t");
        watermark->set_delay_threshold("10 minutes");
    }
    {
        auto* sort = next().mutable_sort();
        *sort->mutable_input() = range();
        auto* order = sort->add_order();
        *order->mutable_child() = column("id");
        order->set_direction(proto::Expression_SortOrder::SORT_DIRECTION_DESCENDING);
        order->set_null_ordering(proto::Expression_SortOrder::SORT_NULLS_LAST);
        sort->set_is_global(true);
    }
    {
        auto* catalog = next().mutable_catalog()->mutable_list_columns();
        catalog->set_table_name("t");
        catalog->set_db_name("d");
    }
    for (const auto& message : messages) EXPECT_EQ(again(message), message.ShortDebugString());
}

TEST(Convert, what_has_no_node_is_named) {
    proto::Relation message;
    message.mutable_transpose();
    const auto relation = reader().relation(message);
    ASSERT_TRUE(relation);
    ASSERT_NE((*relation)->as<plan::UnsupportedRel>(), nullptr);
    EXPECT_EQ((*relation)->as<plan::UnsupportedRel>()->what, "transpose");
}

TEST(Convert, incomplete_messages_are_the_clients_error) {
    const auto condition = [](const proto::Relation& message) {
        const auto relation = reader().relation(message);
        if (relation) return std::string("accepted");
        const auto* found = relation.error().condition();
        return found == nullptr ? std::string() : found->name;
    };
    proto::Relation message;
    EXPECT_EQ(condition(message), "CONNECT_INVALID_PLAN");
    message.mutable_filter();
    EXPECT_EQ(condition(message), "CONNECT_INVALID_PLAN");
    message = range();
    message.mutable_range()->set_step(0);
    EXPECT_EQ(condition(message), "CONNECT_INVALID_PLAN");
    message.mutable_cached_local_relation()->set_hash("unknown");
    EXPECT_EQ(condition(message), "CONNECT_INVALID_PLAN");
    message.mutable_join()->set_join_type(static_cast<proto::Join::JoinType>(99));
    *message.mutable_join()->mutable_left() = range();
    *message.mutable_join()->mutable_right() = range();
    EXPECT_EQ(condition(message), "CONNECT_INVALID_PLAN");
}

TEST(Convert, starts_of_streams_survive) {
    proto::Command message;
    auto* start = message.mutable_write_stream_operation_start();
    *start->mutable_input() = range();
    start->set_format("memory");
    (*start->mutable_options())["checkpointlocation"] = "/c";
    start->set_processing_time_interval("5 seconds");
    start->set_output_mode("complete");
    start->set_query_name("q");
    const auto command = reader().start_stream(*start);
    ASSERT_TRUE(command);
    proto::Command back;
    ASSERT_TRUE(to_proto(plan::Command(*command), back));
    EXPECT_EQ(back.ShortDebugString(), message.ShortDebugString());
}

}  // namespace millrace::connect
