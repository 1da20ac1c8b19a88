#include "connect/run_plan_internal.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>

#include "connect/from_proto_internal.h"
#include "connect/to_proto_internal.h"
#include "model/codec.h"
#include "runtime/clock.h"
#include "session/literals.h"
#include "spark/connect/base.pb.h"
#include "sql/parser.h"

namespace millrace::connect {

namespace {

constexpr int kPlanDepthLimit = 1024;
constexpr std::size_t kMaxPlanBytes = std::size_t{1} << 30;
// Spark's spark.connect.grpc.arrow.maxBatchSize is the client's message limit; batches aim below.
constexpr std::size_t kMaxBatchBytes = 90 << 20;

// After the rows: what df.observe() wanted to know of them.
base::Result<void> put_observations(Responder& out, const FromProto& from) {
    auto& session = out.client().session();
    for (const auto& observation : from.observations()) {
        MR_TRY(const auto query, session.prepare(observation.metrics));
        MR_TRY(const auto rows, session.collect(observation.metrics, &out.operation().cancelled()));
        auto response = out.make();
        auto* observed = response.add_observed_metrics();
        observed->set_name(observation.name);
        for (std::size_t i = 0; i < query.schema.fields().size(); i++) {
            observed->add_keys(query.schema.fields()[i].name);
            for (const auto& batch : rows) {
                if (batch.rows() == 0) continue;
                to_proto(session::literal_of(batch.column(i), 0), *observed->add_values());
            }
        }
        MR_TRY_VOID(out.put(std::move(response)));
    }
    return {};
}

base::Result<void> put_outcome(Responder& out, const session::Outcome& outcome) {
    if (outcome.schema.fields().empty()) return {};
    MR_TRY_VOID(out.put_schema(outcome.schema));
    for (const auto& batch : outcome.rows) MR_TRY_VOID(out.put_batch(batch));
    return {};
}

base::Result<void> run_relation(Responder& out, const plan::RelationPtr& relation) {
    auto& session = out.client().session();
    MR_TRY(const auto query, session.prepare(relation));
    MR_TRY_VOID(out.put_schema(query.schema));
    return session.run(query, &out.operation().cancelled(),
                       [&](const columnar::Batch& batch) { return out.put_batch(batch); });
}

// spark.sql(): the client always sends a command and wants a relation back, to be run (a query) or
// to be read (the rows that a command gave).
base::Result<void> run_sql(Responder& out, const proto::SqlCommand& message) {
    auto& session = out.client().session();
    MR_TRY(const auto sql, from_proto(out.client()).sql_command(message));
    MR_TRY(const auto answer, session.sql(sql, &out.operation().cancelled()));
    auto response = out.make();
    auto* relation = response.mutable_sql_command_result()->mutable_relation();
    if (std::holds_alternative<plan::RelationPtr>(answer)) {
        if (message.has_input()) {
            *relation = message.input();
        } else {
            auto* text = relation->mutable_sql();
            text->set_query(message.sql());
            *text->mutable_args() = message.args();
            *text->mutable_pos_args() = message.pos_args();
            *text->mutable_named_arguments() = message.named_arguments();
            *text->mutable_pos_arguments() = message.pos_arguments();
        }
    } else {
        const auto& outcome = std::get<session::Outcome>(answer);
        const columnar::IpcOptions ipc{session.conf().time_zone(), false};
        auto* local = relation->mutable_local_relation();
        if (outcome.rows.empty()) {
            MR_TRY(auto bytes, columnar::schema_to_ipc(outcome.schema.fields(), ipc));
            local->set_data(std::move(bytes));
        } else {
            MR_TRY(auto bytes, columnar::to_ipc(outcome.rows.front(), ipc));
            local->set_data(std::move(bytes));
        }
        local->set_schema(outcome.schema.json());
    }
    return out.put(std::move(response));
}

base::Result<void> run_checkpoint(Responder& out, const proto::CheckpointCommand& message) {
    MR_TRY(const auto relation, from_proto(out.client()).relation(message.relation()));
    MR_TRY(auto id, out.client().session().checkpoint(relation, &out.operation().cancelled()));
    auto response = out.make();
    response.mutable_checkpoint_command_result()->mutable_relation()->set_relation_id(
        std::move(id));
    return out.put(std::move(response));
}

base::Result<void> run_command(Responder& out, const proto::Command& message) {
    auto& session = out.client().session();
    const auto* cancelled = &out.operation().cancelled();
    using Kind = proto::Command;
    switch (message.command_type_case()) {
        case Kind::kSqlCommand: return run_sql(out, message.sql_command());
        case Kind::kWriteOperation: {
            const FromProto from = from_proto(out.client());
            MR_TRY(const auto command, from.write(message.write_operation()));
            MR_TRY(const auto outcome, session.execute(command, cancelled));
            MR_TRY_VOID(put_observations(out, from));
            return put_outcome(out, outcome);
        }
        case Kind::kWriteOperationV2: {
            MR_TRY(const auto command,
                   from_proto(out.client()).write(message.write_operation_v2()));
            MR_TRY(const auto outcome, session.execute(command, cancelled));
            return put_outcome(out, outcome);
        }
        case Kind::kCreateDataframeView: {
            const auto& view = message.create_dataframe_view();
            plan::CreateViewCommand command;
            MR_TRY(command.input, from_proto(out.client()).relation(view.input()));
            command.name = view.name();
            command.global = view.is_global();
            command.replace = view.replace();
            MR_TRY_VOID(session.execute(plan::Command(std::move(command)), cancelled));
            return {};
        }
        case Kind::kWriteStreamOperationStart:
            return start_stream(out, message.write_stream_operation_start());
        case Kind::kStreamingQueryCommand:
            return control_query(out, message.streaming_query_command());
        case Kind::kStreamingQueryManagerCommand:
            return control_queries(out, message.streaming_query_manager_command());
        case Kind::kStreamingQueryListenerBusCommand:
            return serve_listener_bus(out, message.streaming_query_listener_bus_command());
        case Kind::kCheckpointCommand: return run_checkpoint(out, message.checkpoint_command());
        case Kind::kRemoveCachedRemoteRelationCommand:
            session.release(
                message.remove_cached_remote_relation_command().relation().relation_id());
            return {};
        case Kind::kGetResourcesCommand: {
            auto response = out.make();
            response.mutable_get_resources_command_result();
            return out.put(std::move(response));
        }
        case Kind::COMMAND_TYPE_NOT_SET: return invalid_plan("A command of an unknown kind");
        default: break;
    }
    const auto* field =
        Kind::descriptor()->FindFieldByNumber(static_cast<int>(message.command_type_case()));
    base::Condition condition;
    const std::string what = field == nullptr ? "unknown" : std::string(field->name());
    condition.name = "UNSUPPORTED_FEATURE";
    condition.sql_state = "0A000";
    condition.parameters = {{"feature", what}};
    return base::fail(base::Error(
        base::Code::kUnsupported,
        fmt::format("[UNSUPPORTED_FEATURE] The feature is not supported: the command {}. SQLSTATE: "
                    "0A000",
                    what),
        std::move(condition)));
}

base::Result<void> run(Responder& out, const proto::Plan& message) {
    if (message.has_root()) {
        const FromProto from = from_proto(out.client());
        MR_TRY(const auto relation, from.relation(message.root()));
        MR_TRY_VOID(run_relation(out, relation));
        return put_observations(out, from);
    }
    if (message.has_command()) return run_command(out, message.command());
    return invalid_plan("A plan is a relation or a command");
}

}  // namespace

Responder::Responder(ClientSession& client, Operation& operation, ResultOptions options)
    : client_(client),
      operation_(operation),
      options_(options),
      ipc_{client.session().conf().time_zone(),
           client.session().conf().is_true("spark.sql.execution.arrow.useLargeVarTypes")} {}

proto::ExecutePlanResponse Responder::make() const {
    proto::ExecutePlanResponse response;
    response.set_session_id(client_.session().id());
    response.set_server_side_session_id(client_.session().server_side_id());
    response.set_operation_id(operation_.id());
    return response;
}

base::Result<void> Responder::put(proto::ExecutePlanResponse response) {
    if (operation_.put(std::move(response),
                       runtime::make_uuid(client_.session().services().random))) {
        return {};
    }
    return base::fail(operation_cancelled(operation_.id()));
}

base::Result<void> Responder::put_schema(const plan::DataType& schema) {
    auto response = make();
    to_proto(schema, *response.mutable_schema());
    return put(std::move(response));
}

base::Result<void> Responder::put_batch(const columnar::Batch& batch) {
    // Halved until a part fits into one message.
    if (batch.memory_bytes() > kMaxBatchBytes && batch.rows() > 1) {
        const auto half = batch.rows() / 2;
        MR_TRY_VOID(put_batch(batch.slice(0, half)));
        return put_batch(batch.slice(half, batch.rows() - half));
    }
    MR_TRY(auto bytes, columnar::to_ipc(batch, ipc_));
    const std::size_t chunk_bytes = options_.chunk_bytes;
    if (chunk_bytes == 0 || bytes.size() <= chunk_bytes) {
        auto response = make();
        auto* arrow = response.mutable_arrow_batch();
        arrow->set_row_count(batch.rows());
        arrow->set_start_offset(rows_);
        arrow->set_data(std::move(bytes));
        rows_ += batch.rows();
        return put(std::move(response));
    }
    const std::size_t chunks = (bytes.size() + chunk_bytes - 1) / chunk_bytes;
    for (std::size_t i = 0; i < chunks; i++) {
        auto response = make();
        auto* arrow = response.mutable_arrow_batch();
        arrow->set_row_count(batch.rows());
        arrow->set_start_offset(rows_);
        arrow->set_data(bytes.substr(i * chunk_bytes, chunk_bytes));
        arrow->set_chunk_index(static_cast<std::int64_t>(i));
        arrow->set_num_chunks_in_batch(static_cast<std::int64_t>(chunks));
        MR_TRY_VOID(put(std::move(response)));
    }
    rows_ += batch.rows();
    return {};
}

base::Result<void> Responder::put_complete() {
    auto response = make();
    response.mutable_result_complete();
    return put(std::move(response));
}

FromProto from_proto(ClientSession& client) {
    return FromProto(
        [&client](const std::string& hash) { return client.artifact("cache/" + hash); },
        [&client](const plan::RelationPtr& relation) -> base::Result<std::vector<plan::Literal>> {
            MR_TRY(const auto rows, client.session().collect(relation));
            std::vector<plan::Literal> values;
            for (const auto& batch : rows) {
                const auto column = batch.column(0);
                for (std::int64_t row = 0; row < batch.rows(); row++) {
                    values.push_back(session::literal_of(column, row));
                }
            }
            return values;
        });
}

base::Result<const proto::Plan*> plain_plan(const proto::Plan& plan, proto::Plan& storage) {
    if (!plan.has_compressed_operation()) return &plan;
    const auto cannot_parse = [](const std::string& why) {
        base::Condition condition;
        condition.name = "CONNECT_INVALID_PLAN.CANNOT_PARSE";
        condition.sql_state = "56K00";
        condition.java_class = "org.apache.spark.sql.connect.common.InvalidPlanInput";
        return base::fail(base::Error(base::Code::kInvalidArgument,
                                      "[CONNECT_INVALID_PLAN.CANNOT_PARSE] The Spark Connect plan "
                                      "is invalid. Cannot decompress or parse the input plan (" +
                                          why + ") SQLSTATE: 56K00",
                                      std::move(condition)));
    };
    const auto& compressed = plan.compressed_operation();
    if (compressed.compression_codec() != proto::COMPRESSION_CODEC_ZSTD) {
        return cannot_parse("the codec is not zstd");
    }
    base::Bytes bytes;
    if (auto done = model::decompress(model::Codec::kZstd, compressed.data(), bytes, kMaxPlanBytes);
        !done) {
        return cannot_parse(done.error().message());
    }
    google::protobuf::io::CodedInputStream input(
        reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
    input.SetRecursionLimit(kPlanDepthLimit);
    bool parsed = false;
    using Compressed = proto::Plan_CompressedOperation;
    if (compressed.op_type() == Compressed::OP_TYPE_RELATION) {
        parsed = storage.mutable_root()->ParseFromCodedStream(&input);
    } else if (compressed.op_type() == Compressed::OP_TYPE_COMMAND) {
        parsed = storage.mutable_command()->ParseFromCodedStream(&input);
    }
    if (!parsed || !input.ConsumedEntireMessage()) return cannot_parse("it is no valid message");
    return &storage;
}

void run_plan(ClientSession& client, const std::shared_ptr<Operation>& operation,
              const proto::Plan& plan, ResultOptions options) {
    Responder out(client, *operation, options);
    const auto outcome = [&]() -> base::Result<void> {
        if (operation->cancelled()) return base::fail(operation_cancelled(operation->id()));
        proto::Plan storage;
        MR_TRY(const auto* plain, plain_plan(plan, storage));
        MR_TRY_VOID(run(out, *plain));
        return out.put_complete();
    }();
    if (outcome) {
        operation->succeed();
    } else {
        operation->fail(outcome.error());
    }
}

}  // namespace millrace::connect
