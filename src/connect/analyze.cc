// AnalyzePlan and Config: questions that are answered at once.
#include "connect/from_proto_internal.h"
#include "connect/run_plan_internal.h"
#include "connect/to_proto_internal.h"
#include "spark/connect/base.pb.h"
#include "sql/parser.h"

namespace millrace::connect {

namespace {

session::StorageLevel level_of(const proto::StorageLevel& message) {
    return {message.use_disk(), message.use_memory(), message.use_off_heap(),
            message.deserialized(), message.replication()};
}

// The JVM's String.hashCode: small, stable and good enough to tell plans apart.
std::int32_t hash_of(const std::string& text) {
    std::uint32_t hash = 0;
    for (const char c : text) hash = hash * 31 + static_cast<unsigned char>(c);
    return static_cast<std::int32_t>(hash);
}

session::ExplainMode explain_mode(const proto::AnalyzePlanRequest_Explain& message) {
    using Explain = proto::AnalyzePlanRequest_Explain;
    switch (message.explain_mode()) {
        case Explain::EXPLAIN_MODE_EXTENDED: return session::ExplainMode::kExtended;
        case Explain::EXPLAIN_MODE_CODEGEN: return session::ExplainMode::kCodegen;
        case Explain::EXPLAIN_MODE_COST: return session::ExplainMode::kCost;
        case Explain::EXPLAIN_MODE_FORMATTED: return session::ExplainMode::kFormatted;
        default: return session::ExplainMode::kSimple;
    }
}

// "a INT,b STRING NOT NULL": StructType.toDDL.
std::string ddl_of(const plan::DataType& type) {
    if (!type.is(plan::TypeKind::kStruct)) return type.sql();
    std::string ddl;
    for (const auto& field : type.fields()) {
        ddl += fmt::format("{}{} {}{}", ddl.empty() ? "" : ",", plan::quote_name({field.name}),
                           field.type.sql(), field.nullable ? "" : " NOT NULL");
    }
    return ddl;
}

class Analyzer {
public:
    explicit Analyzer(ClientSession& client) : client_(client), from_(from_proto(client)) {}

    base::Result<void> answer(const proto::AnalyzePlanRequest& request,
                              proto::AnalyzePlanResponse& response) {
        using Kind = proto::AnalyzePlanRequest;
        auto& session = client_.session();
        switch (request.analyze_case()) {
            case Kind::kSchema: {
                MR_TRY(const auto relation, root(request.schema().plan()));
                MR_TRY(const auto query, session.prepare(relation));
                to_proto(query.schema, *response.mutable_schema()->mutable_schema());
                return {};
            }
            case Kind::kExplain: {
                MR_TRY(const auto relation, root(request.explain().plan()));
                MR_TRY(auto text, session.explain(relation, explain_mode(request.explain())));
                response.mutable_explain()->set_explain_string(std::move(text));
                return {};
            }
            case Kind::kTreeString: {
                MR_TRY(const auto relation, root(request.tree_string().plan()));
                MR_TRY(const auto query, session.prepare(relation));
                const int level =
                    request.tree_string().has_level() ? request.tree_string().level() : 0;
                response.mutable_tree_string()->set_tree_string(query.schema.tree_string(level));
                return {};
            }
            case Kind::kIsLocal: {
                MR_TRY(const auto relation, root(request.is_local().plan()));
                MR_TRY(const auto analyzed, session.analyze(relation));
                response.mutable_is_local()->set_is_local(analyzed->as<plan::LocalDataNode>() !=
                                                          nullptr);
                return {};
            }
            case Kind::kIsStreaming: {
                MR_TRY(const auto relation, root(request.is_streaming().plan()));
                MR_TRY(const auto analyzed, session.analyze(relation));
                response.mutable_is_streaming()->set_is_streaming(plan::is_streaming(*analyzed));
                return {};
            }
            case Kind::kInputFiles: {
                MR_TRY(const auto relation, root(request.input_files().plan()));
                MR_TRY(auto files, session.input_files(relation));
                auto* to = response.mutable_input_files();
                for (auto& file : files) to->add_files(std::move(file));
                return {};
            }
            case Kind::kSparkVersion:
                response.mutable_spark_version()->set_version(std::string(session::kSparkVersion));
                return {};
            case Kind::kDdlParse: {
                MR_TRY(const auto type, sql::parse_schema(request.ddl_parse().ddl_string()));
                to_proto(type, *response.mutable_ddl_parse()->mutable_parsed());
                return {};
            }
            case Kind::kJsonToDdl: {
                MR_TRY(const auto type, plan::type_from_json(request.json_to_ddl().json_string()));
                response.mutable_json_to_ddl()->set_ddl_string(ddl_of(type));
                return {};
            }
            case Kind::kSameSemantics: {
                MR_TRY(const auto target, root(request.same_semantics().target_plan()));
                MR_TRY(const auto other, root(request.same_semantics().other_plan()));
                MR_TRY(const auto a, session.canonical_text(target));
                MR_TRY(const auto b, session.canonical_text(other));
                response.mutable_same_semantics()->set_result(a == b);
                return {};
            }
            case Kind::kSemanticHash: {
                MR_TRY(const auto relation, root(request.semantic_hash().plan()));
                MR_TRY(const auto text, session.canonical_text(relation));
                response.mutable_semantic_hash()->set_result(hash_of(text));
                return {};
            }
            case Kind::kPersist: {
                MR_TRY(const auto relation, from_.relation(request.persist().relation()));
                // Spark's default: MEMORY_AND_DISK_DESER.
                session::StorageLevel level{true, true, false, true, 1};
                if (request.persist().has_storage_level()) {
                    level = level_of(request.persist().storage_level());
                }
                response.mutable_persist();
                return session.persist(relation, level);
            }
            case Kind::kUnpersist: {
                MR_TRY(const auto relation, from_.relation(request.unpersist().relation()));
                response.mutable_unpersist();
                return session.unpersist(relation);
            }
            case Kind::kGetStorageLevel: {
                MR_TRY(const auto relation, from_.relation(request.get_storage_level().relation()));
                MR_TRY(const auto level, session.storage_level(relation));
                auto* to = response.mutable_get_storage_level()->mutable_storage_level();
                to->set_use_disk(level.use_disk);
                to->set_use_memory(level.use_memory);
                to->set_use_off_heap(level.use_off_heap);
                to->set_deserialized(level.deserialized);
                to->set_replication(level.replication);
                return {};
            }
            case Kind::ANALYZE_NOT_SET: break;
        }
        return invalid_plan("Nothing of a known kind is to be analyzed");
    }

private:
    base::Result<plan::RelationPtr> root(const proto::Plan& message) {
        proto::Plan storage;
        MR_TRY(const auto* plain, plain_plan(message, storage));
        if (!plain->has_root()) return invalid_plan("Only a relation can be analyzed");
        return from_.relation(plain->root());
    }

    ClientSession& client_;
    const FromProto from_;
};

}  // namespace

base::Result<void> analyze_plan(ClientSession& client, const proto::AnalyzePlanRequest& request,
                                proto::AnalyzePlanResponse& response) {
    return Analyzer(client).answer(request, response);
}

base::Result<void> change_config(session::SessionConf& conf, const proto::ConfigRequest& request,
                                 proto::ConfigResponse& response) {
    const auto add = [&](const std::string& key, const std::optional<std::string>& value) {
        auto* pair = response.add_pairs();
        pair->set_key(key);
        if (value) pair->set_value(*value);
    };
    using Kind = proto::ConfigRequest_Operation;
    const auto& operation = request.operation();
    switch (operation.op_type_case()) {
        case Kind::kSet:
            for (const auto& pair : operation.set().pairs()) {
                auto done = conf.set(pair.key(), pair.value());
                if (!done && !operation.set().silent()) return done;
                if (!done) response.add_warnings(done.error().message());
            }
            return {};
        case Kind::kGet:
            for (const auto& key : operation.get().keys()) {
                MR_TRY(const auto value, conf.require(key));
                add(key, value);
            }
            return {};
        case Kind::kGetWithDefault:
            for (const auto& pair : operation.get_with_default().pairs()) {
                // The caller's default goes before Spark's own.
                auto value = conf.get_set(pair.key());
                if (!value && pair.has_value()) value = pair.value();
                add(pair.key(), value);
            }
            return {};
        case Kind::kGetOption:
            for (const auto& key : operation.get_option().keys()) add(key, conf.get(key));
            return {};
        case Kind::kGetAll: {
            const auto& prefix = operation.get_all().prefix();
            for (const auto& [key, value] : conf.all(true)) {
                // Spark gives the rest of the name when it was asked by prefix.
                if (key.starts_with(prefix)) add(key.substr(prefix.size()), value);
            }
            return {};
        }
        case Kind::kUnset:
            for (const auto& key : operation.unset().keys()) MR_TRY_VOID(conf.unset(key));
            return {};
        case Kind::kIsModifiable:
            for (const auto& key : operation.is_modifiable().keys()) {
                add(key, conf.is_modifiable(key) ? "true" : "false");
            }
            return {};
        case Kind::OP_TYPE_NOT_SET: break;
    }
    return invalid_plan("A config request without an operation");
}

}  // namespace millrace::connect
