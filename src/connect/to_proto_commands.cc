#include "connect/to_proto_internal.h"
#include "spark/connect/commands.pb.h"

namespace millrace::connect {

namespace {

namespace proto = ::spark::connect;
using base::Result;

class Writer {
public:
    explicit Writer(proto::Command& message) : message_(message) {}

    Result<void> operator()(const plan::WriteCommand& write) {
        auto* to = message_.mutable_write_operation();
        using Write = proto::WriteOperation;
        if (!write.format.empty()) to->set_source(write.format);
        switch (write.mode) {
            case plan::SaveMode::kAppend: to->set_mode(Write::SAVE_MODE_APPEND); break;
            case plan::SaveMode::kOverwrite: to->set_mode(Write::SAVE_MODE_OVERWRITE); break;
            case plan::SaveMode::kErrorIfExists:
                to->set_mode(Write::SAVE_MODE_ERROR_IF_EXISTS);
                break;
            case plan::SaveMode::kIgnore: to->set_mode(Write::SAVE_MODE_IGNORE); break;
        }
        if (!write.table.empty()) {
            using Table = proto::WriteOperation_SaveTable;
            to->mutable_table()->set_table_name(plan::quote_name(write.table));
            to->mutable_table()->set_save_method(write.insert_into
                                                     ? Table::TABLE_SAVE_METHOD_INSERT_INTO
                                                     : Table::TABLE_SAVE_METHOD_SAVE_AS_TABLE);
        } else if (!write.path.empty()) {
            to->set_path(write.path);
        }
        for (const auto& column : write.partition_by) to->add_partitioning_columns(column);
        for (const auto& column : write.sort_by) to->add_sort_column_names(column);
        for (const auto& [key, value] : write.options) (*to->mutable_options())[key] = value;
        return to_proto(*write.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::CreateViewCommand& create) {
        auto* to = message_.mutable_create_dataframe_view();
        to->set_name(create.name);
        to->set_is_global(create.global);
        to->set_replace(create.replace);
        return to_proto(*create.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::StartStreamCommand& start) {
        auto* to = message_.mutable_write_stream_operation_start();
        to->set_format(start.format);
        for (const auto& [key, value] : start.options) (*to->mutable_options())[key] = value;
        for (const auto& column : start.partition_by) to->add_partitioning_column_names(column);
        switch (start.trigger.kind) {
            case plan::TriggerKind::kDefault: break;
            case plan::TriggerKind::kProcessingTime:
                to->set_processing_time_interval(start.trigger.interval);
                break;
            case plan::TriggerKind::kAvailableNow: to->set_available_now(true); break;
            case plan::TriggerKind::kOnce: to->set_once(true); break;
            case plan::TriggerKind::kContinuous:
                to->set_continuous_checkpoint_interval(start.trigger.interval);
                break;
            case plan::TriggerKind::kRealTime:
                to->set_real_time_batch_duration(start.trigger.interval);
                break;
        }
        to->set_output_mode(start.output_mode);
        to->set_query_name(start.query_name);
        if (!start.path.empty()) to->set_path(start.path);
        if (!start.table.empty()) to->set_table_name(plan::quote_name(start.table));
        return to_proto(*start.input, *to->mutable_input());
    }
    template <class Other>
    Result<void> operator()(const Other&) {
        return base::fail(base::Code::kUnsupported,
                          "Spark Connect carries this command as SQL text only");
    }

private:
    proto::Command& message_;
};

}  // namespace

Result<void> to_proto(const plan::Command& command, ::spark::connect::Command& message) {
    return std::visit(Writer(message), command);
}

}  // namespace millrace::connect
