#include <algorithm>
#include <cctype>

#include "connect/from_proto_internal.h"
#include "connect/from_proto_lists_internal.h"
#include "spark/connect/commands.pb.h"

namespace millrace::connect {

namespace {

template <class Map>
plan::Options options(const Map& messages) {
    plan::Options result;
    for (const auto& [key, value] : messages) {
        std::string lower = key;
        std::ranges::transform(lower, lower.begin(),
                               [](unsigned char c) { return std::tolower(c); });
        result[std::move(lower)] = value;
    }
    return result;
}

}  // namespace

Result<plan::Command> FromProto::write(const proto::WriteOperation& message) const {
    plan::WriteCommand command;
    MR_TRY(command.input, input(message));
    command.format = message.source();
    switch (message.mode()) {
        case proto::WriteOperation::SAVE_MODE_APPEND: command.mode = plan::SaveMode::kAppend; break;
        case proto::WriteOperation::SAVE_MODE_OVERWRITE:
            command.mode = plan::SaveMode::kOverwrite;
            break;
        case proto::WriteOperation::SAVE_MODE_IGNORE: command.mode = plan::SaveMode::kIgnore; break;
        default: command.mode = plan::SaveMode::kErrorIfExists; break;
    }
    command.path = message.path();
    if (message.has_table()) {
        MR_TRY(command.table, plan::split_name(message.table().table_name()));
        command.insert_into = message.table().save_method() ==
                              proto::WriteOperation_SaveTable::TABLE_SAVE_METHOD_INSERT_INTO;
    }
    command.partition_by = {message.partitioning_columns().begin(),
                            message.partitioning_columns().end()};
    command.sort_by = {message.sort_column_names().begin(), message.sort_column_names().end()};
    command.options = options(message.options());
    if (message.has_bucket_by()) return fail(Code::kUnsupported, "bucketBy is not supported");
    return command;
}

Result<plan::Command> FromProto::write(const proto::WriteOperationV2& message) const {
    plan::WriteCommand command;
    MR_TRY(command.input, input(message));
    MR_TRY(command.table, plan::split_name(message.table_name()));
    command.format = message.provider();
    command.options = options(message.options());
    for (const auto& column : message.partitioning_columns()) {
        MR_TRY(const auto expr, expression(column));
        const auto* attribute = expr->as<plan::AttributeExpr>();
        if (attribute == nullptr || attribute->parts.size() != 1) {
            return fail(Code::kUnsupported, "Partition transforms are not supported");
        }
        command.partition_by.push_back(attribute->parts.front());
    }
    switch (message.mode()) {
        case proto::WriteOperationV2::MODE_CREATE: return command;
        case proto::WriteOperationV2::MODE_APPEND:
            command.mode = plan::SaveMode::kAppend;
            command.insert_into = true;
            return command;
        case proto::WriteOperationV2::MODE_REPLACE:
        case proto::WriteOperationV2::MODE_CREATE_OR_REPLACE:
            command.mode = plan::SaveMode::kOverwrite;
            return command;
        default: return fail(Code::kUnsupported, "Overwriting by condition is not supported");
    }
}

Result<plan::StartStreamCommand> FromProto::start_stream(
    const proto::WriteStreamOperationStart& message) const {
    using Start = proto::WriteStreamOperationStart;
    plan::StartStreamCommand command;
    MR_TRY(command.input, input(message));
    command.format = message.format();
    command.options = options(message.options());
    command.partition_by = {message.partitioning_column_names().begin(),
                            message.partitioning_column_names().end()};
    switch (message.trigger_case()) {
        case Start::kProcessingTimeInterval:
            command.trigger = {plan::TriggerKind::kProcessingTime,
                               message.processing_time_interval()};
            break;
        case Start::kAvailableNow: command.trigger = {plan::TriggerKind::kAvailableNow, {}}; break;
        case Start::kOnce: command.trigger = {plan::TriggerKind::kOnce, {}}; break;
        case Start::kContinuousCheckpointInterval:
            command.trigger = {plan::TriggerKind::kContinuous,
                               message.continuous_checkpoint_interval()};
            break;
        case Start::kRealTimeBatchDuration:
            command.trigger = {plan::TriggerKind::kRealTime, message.real_time_batch_duration()};
            break;
        case Start::TRIGGER_NOT_SET: break;
    }
    command.output_mode = message.output_mode();
    std::ranges::transform(command.output_mode, command.output_mode.begin(),
                           [](unsigned char c) { return std::tolower(c); });
    command.query_name = message.query_name();
    command.path = message.path();
    if (!message.table_name().empty()) {
        MR_TRY(command.table, plan::split_name(message.table_name()));
    }
    if (message.has_foreach_batch()) {
        return fail(Code::kUnsupported, "foreachBatch is not supported");
    }
    if (message.has_foreach_writer()) return fail(Code::kUnsupported, "foreach is not supported");
    return command;
}

Result<plan::SqlRel> FromProto::sql_command(const proto::SqlCommand& message) const {
    if (message.has_input()) {
        MR_TRY(const auto below, relation(message.input()));
        if (const auto* sql = below->as<plan::SqlRel>()) return *sql;
        return invalid_plan("A SQL command's input is a SQL text");
    }
    plan::SqlRel sql;
    sql.text = message.sql();
    MR_TRY(sql.named_arguments, named_arguments(message));
    MR_TRY(sql.positional_arguments, positional_arguments(message));
    return sql;
}

}  // namespace millrace::connect
