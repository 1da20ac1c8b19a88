#include <algorithm>
#include <cctype>

#include "connect/from_proto_internal.h"
#include "connect/from_proto_lists_internal.h"
#include "spark/connect/relations.pb.h"

namespace millrace::connect {

namespace {

// spark.sql.pivotMaxValues.
constexpr int kMaxPivotValues = 10'000;

template <class Strings>
std::vector<std::string> strings(const Strings& messages) {
    return {messages.begin(), messages.end()};
}

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

plan::ExprPtr integer(std::int32_t value) {
    return plan::literal(plan::Literal::integer(value));
}

Result<plan::JoinType> join_type(proto::Join::JoinType type) {
    switch (type) {
        case proto::Join::JOIN_TYPE_INNER: return plan::JoinType::kInner;
        case proto::Join::JOIN_TYPE_FULL_OUTER: return plan::JoinType::kFullOuter;
        case proto::Join::JOIN_TYPE_LEFT_OUTER: return plan::JoinType::kLeftOuter;
        case proto::Join::JOIN_TYPE_RIGHT_OUTER: return plan::JoinType::kRightOuter;
        case proto::Join::JOIN_TYPE_LEFT_ANTI: return plan::JoinType::kLeftAnti;
        case proto::Join::JOIN_TYPE_LEFT_SEMI: return plan::JoinType::kLeftSemi;
        case proto::Join::JOIN_TYPE_CROSS: return plan::JoinType::kCross;
        default: return invalid_plan("A join of an unknown type");
    }
}

Result<plan::SetOpType> set_op_type(proto::SetOperation::SetOpType type) {
    switch (type) {
        case proto::SetOperation::SET_OP_TYPE_INTERSECT: return plan::SetOpType::kIntersect;
        case proto::SetOperation::SET_OP_TYPE_UNION: return plan::SetOpType::kUnion;
        case proto::SetOperation::SET_OP_TYPE_EXCEPT: return plan::SetOpType::kExcept;
        default: return invalid_plan("A set operation of an unknown type");
    }
}

Result<plan::GroupType> group_type(proto::Aggregate::GroupType type) {
    switch (type) {
        case proto::Aggregate::GROUP_TYPE_GROUPBY: return plan::GroupType::kGroupBy;
        case proto::Aggregate::GROUP_TYPE_ROLLUP: return plan::GroupType::kRollup;
        case proto::Aggregate::GROUP_TYPE_CUBE: return plan::GroupType::kCube;
        case proto::Aggregate::GROUP_TYPE_PIVOT: return plan::GroupType::kPivot;
        case proto::Aggregate::GROUP_TYPE_GROUPING_SETS: return plan::GroupType::kGroupingSets;
        default: return invalid_plan("An aggregate of an unknown group type");
    }
}

}  // namespace

// The name of what a message holds, as it stands in the protocol: "group_map".
std::string FromProto::unsupported_name(const proto::Relation& message) {
    const auto* field =
        proto::Relation::descriptor()->FindFieldByNumber(static_cast<int>(message.rel_type_case()));
    return field == nullptr ? "an unknown relation" : std::string(field->name());
}

Result<plan::RelationPtr> FromProto::relation(const proto::Relation& message) const {
    MR_TRY(auto content, node(message));
    std::optional<std::int64_t> plan_id;
    if (message.common().has_plan_id()) plan_id = message.common().plan_id();
    return std::make_shared<const plan::Relation>(plan::Relation{std::move(content), plan_id, {}});
}

Result<plan::Relation::Node> FromProto::read(const proto::Relation& message) const {
    const auto& read = message.read();
    if (read.has_named_table()) {
        MR_TRY(auto parts, plan::split_name(read.named_table().unparsed_identifier()));
        return plan::NamedTableRel{std::move(parts), options(read.named_table().options()),
                                   read.is_streaming()};
    }
    const auto& source = read.data_source();
    return plan::DataSourceRel{source.format(),
                               source.schema(),
                               options(source.options()),
                               strings(source.paths()),
                               strings(source.predicates()),
                               read.is_streaming()};
}

Result<plan::Relation::Node> FromProto::aggregate(const proto::Relation& message) const {
    const auto& from = message.aggregate();
    plan::AggregateRel aggregate;
    MR_TRY(aggregate.input, input(from));
    MR_TRY(aggregate.group_type, group_type(from.group_type()));
    MR_TRY(aggregate.grouping, expressions(from.grouping_expressions()));
    MR_TRY(aggregate.aggregates, expressions(from.aggregate_expressions()));
    if (from.has_pivot()) {
        MR_TRY(aggregate.pivot_column, expression(from.pivot().col()));
        for (const auto& value : from.pivot().values()) {
            MR_TRY(auto constant, literal_from_proto(value));
            aggregate.pivot_values.push_back(plan::literal(std::move(constant)));
        }
    }
    if (aggregate.pivot_column != nullptr && aggregate.pivot_values.empty() && distinct_values_) {
        // One more than Spark allows is enough to refuse them.
        plan::DeduplicateRel distinct;
        distinct.input = plan::make_relation(
            plan::ProjectRel{aggregate.input, {plan::alias(aggregate.pivot_column, "value")}});
        distinct.all_columns = true;
        plan::SortRel sorted;
        sorted.input = plan::make_relation(std::move(distinct));
        plan::SortOrderExpr order;
        order.child = plan::column({"value"});
        sorted.orders = {plan::make_expr(std::move(order))};
        plan::LimitRel limited{plan::make_relation(std::move(sorted)),
                               integer(kMaxPivotValues + 1)};
        MR_TRY(auto values, distinct_values_(plan::make_relation(std::move(limited))));
        if (values.size() > kMaxPivotValues) {
            return fail(Code::kAnalysis,
                        "The pivot column has more than {} distinct values: name the ones that are "
                        "wanted",
                        kMaxPivotValues);
        }
        for (auto& value : values)
            aggregate.pivot_values.push_back(plan::literal(std::move(value)));
    }
    for (const auto& set : from.grouping_sets()) {
        MR_TRY(auto columns, expressions(set.grouping_set()));
        aggregate.grouping_sets.push_back(std::move(columns));
    }
    return aggregate;
}

Result<plan::Relation::Node> FromProto::local_data(const proto::Relation& message) const {
    const auto cached = [&](const std::string& hash) -> Result<std::string> {
        if (auto data = cached_data_(hash)) return std::move(*data);
        return invalid_plan(fmt::format(
            "Not found any cached local relation with the hash: {} in the session", hash));
    };
    if (message.has_local_relation()) {
        const auto& local = message.local_relation();
        return plan::LocalRel{local.data(), local.schema(), {}};
    }
    if (message.has_cached_local_relation()) {
        // Older clients upload a whole LocalRelation message.
        MR_TRY(const auto bytes, cached(message.cached_local_relation().hash()));
        proto::LocalRelation local;
        if (!local.ParseFromString(bytes)) return invalid_plan("A cached relation is unreadable");
        return plan::LocalRel{local.data(), local.schema(), {}};
    }
    // Each chunk is an Arrow stream of its own, all with one schema: one relation, or their union.
    const auto& chunked = message.chunked_cached_local_relation();
    std::string schema;
    if (chunked.has_schemahash()) {
        MR_TRY(schema, cached(chunked.schemahash()));
    }
    plan::RelationPtr all;
    for (const auto& hash : chunked.datahashes()) {
        MR_TRY(auto data, cached(hash));
        auto chunk = plan::make_relation(plan::LocalRel{std::move(data), schema, {}});
        if (all == nullptr) {
            all = std::move(chunk);
        } else {
            plan::SetOpRel both{.left = all, .right = std::move(chunk), .all = true};
            all = plan::make_relation(std::move(both));
        }
    }
    if (all == nullptr) return plan::LocalRel{{}, std::move(schema), {}};
    return all->node;
}

Result<plan::Relation::Node> FromProto::unpivot(const proto::Relation& message) const {
    const auto& from = message.unpivot();
    plan::UnpivotRel unpivot;
    MR_TRY(unpivot.input, input(from));
    MR_TRY(unpivot.ids, expressions(from.ids()));
    if (from.has_values()) {
        MR_TRY(auto values, expressions(from.values().values()));
        unpivot.values = std::move(values);
    }
    unpivot.variable_column = from.variable_column_name();
    unpivot.value_column = from.value_column_name();
    return unpivot;
}

Result<plan::Relation::Node> FromProto::na(const proto::Relation& message) const {
    if (message.has_fill_na()) {
        const auto& from = message.fill_na();
        plan::NaFillRel fill;
        MR_TRY(fill.input, input(from));
        fill.columns = strings(from.cols());
        for (const auto& value : from.values()) {
            MR_TRY(auto constant, literal_from_proto(value));
            fill.values.push_back(std::move(constant));
        }
        if (fill.values.empty() ||
            (fill.values.size() > 1 && fill.values.size() != fill.columns.size())) {
            return invalid_plan("fillna needs one value, or one for each column");
        }
        return fill;
    }
    if (message.has_drop_na()) {
        const auto& from = message.drop_na();
        plan::NaDropRel drop;
        MR_TRY(drop.input, input(from));
        drop.columns = strings(from.cols());
        if (from.has_min_non_nulls()) drop.min_non_nulls = from.min_non_nulls();
        return drop;
    }
    const auto& from = message.replace();
    plan::NaReplaceRel replace;
    MR_TRY(replace.input, input(from));
    replace.columns = strings(from.cols());
    for (const auto& pair : from.replacements()) {
        MR_TRY(auto before, literal_from_proto(pair.old_value()));
        MR_TRY(auto after, literal_from_proto(pair.new_value()));
        replace.replacements.emplace_back(std::move(before), std::move(after));
    }
    return replace;
}

// spark.read.json(df) and spark.read.csv(df): each row's text parsed by the schema given.
Result<plan::Relation::Node> FromProto::parse(const proto::Relation& message) const {
    const auto& from = message.parse();
    MR_TRY(auto below, input(from));
    if (!from.has_schema() || from.format() == proto::Parse::PARSE_FORMAT_XML) {
        return plan::UnsupportedRel{"parse without a schema, or of XML"};
    }
    MR_TRY(const auto schema, type_from_proto(from.schema()));
    std::vector<plan::ExprPtr> arguments = {plan::column({"value"}),
                                            plan::literal(plan::Literal::string(schema.sql()))};
    if (!from.options().empty()) {
        std::vector<plan::ExprPtr> entries;
        for (const auto& [key, value] : from.options()) {
            entries.push_back(plan::literal(plan::Literal::string(key)));
            entries.push_back(plan::literal(plan::Literal::string(value)));
        }
        arguments.push_back(plan::call("map", std::move(entries)));
    }
    const bool json = from.format() == proto::Parse::PARSE_FORMAT_JSON;
    auto parsed =
        plan::alias(plan::call(json ? "from_json" : "from_csv", std::move(arguments)), "parsed");
    plan::ProjectRel rows{std::move(below), {std::move(parsed)}};
    plan::ProjectRel columns{plan::make_relation(std::move(rows)),
                             {plan::make_expr(plan::StarExpr{{"parsed"}, std::nullopt, {}})}};
    return columns;
}

// Every catalog message is a flat set of fields: the operation in Spark's spelling, arguments by
// their name in the protocol.
Result<plan::Relation::Node> FromProto::catalog(const proto::Relation& message) const {
    const auto& operation = message.catalog();
    const auto* field = proto::Catalog::descriptor()->FindFieldByNumber(
        static_cast<int>(operation.cat_type_case()));
    if (field == nullptr) return invalid_plan("A catalog operation of an unknown kind");
    plan::CatalogRel catalog;
    catalog.operation = field->camelcase_name();
    const auto& arguments = operation.GetReflection()->GetMessage(operation, field);
    const auto* reflection = arguments.GetReflection();
    const auto* descriptor = arguments.GetDescriptor();
    for (int i = 0; i < descriptor->field_count(); i++) {
        const auto* argument = descriptor->field(i);
        using Type = google::protobuf::FieldDescriptor;
        if (argument->is_map()) {
            const auto& entries = *argument;
            for (int e = 0; e < reflection->FieldSize(arguments, &entries); e++) {
                const auto& entry = reflection->GetRepeatedMessage(arguments, &entries, e);
                const auto* map = entry.GetDescriptor();
                const auto text = [&](int number) {
                    return entry.GetReflection()->GetString(entry, map->FindFieldByNumber(number));
                };
                catalog.arguments["option." + text(1)] = text(2);
            }
        } else if (argument->cpp_type() == Type::CPPTYPE_STRING) {
            if (argument->has_presence() && !reflection->HasField(arguments, argument)) continue;
            catalog.arguments[argument->name()] = reflection->GetString(arguments, argument);
        } else if (argument->cpp_type() == Type::CPPTYPE_BOOL) {
            catalog.arguments[argument->name()] =
                reflection->GetBool(arguments, argument) ? "true" : "false";
        } else if (argument->name() == "schema" && reflection->HasField(arguments, argument)) {
            const auto& schema =
                static_cast<const proto::DataType&>(reflection->GetMessage(arguments, argument));
            MR_TRY(const auto type, type_from_proto(schema));
            catalog.arguments["schema"] = type.json();
        }
    }
    return catalog;
}

Result<plan::Relation::Node> FromProto::node(const proto::Relation& message) const {
    using Kind = proto::Relation;
    switch (message.rel_type_case()) {
        case Kind::kRead: return read(message);
        case Kind::kProject: {
            plan::ProjectRel project;
            if (message.project().has_input()) {
                MR_TRY(project.input, input(message.project()));
            }
            MR_TRY(project.expressions, expressions(message.project().expressions()));
            return project;
        }
        case Kind::kFilter: {
            MR_TRY(auto below, input(message.filter()));
            MR_TRY(auto condition, expression(message.filter().condition()));
            return plan::FilterRel{std::move(below), std::move(condition)};
        }
        case Kind::kJoin: {
            const auto& from = message.join();
            plan::JoinRel join;
            MR_TRY(join.left, relation(from.left()));
            MR_TRY(join.right, relation(from.right()));
            if (from.has_join_condition()) {
                MR_TRY(join.condition, expression(from.join_condition()));
            }
            MR_TRY(join.type, join_type(from.join_type()));
            join.using_columns = strings(from.using_columns());
            return join;
        }
        case Kind::kLateralJoin: {
            const auto& from = message.lateral_join();
            plan::JoinRel join;
            MR_TRY(join.left, relation(from.left()));
            MR_TRY(join.right, relation(from.right()));
            if (from.has_join_condition()) {
                MR_TRY(join.condition, expression(from.join_condition()));
            }
            MR_TRY(join.type, join_type(from.join_type()));
            join.lateral = true;
            return join;
        }
        case Kind::kSetOp: {
            const auto& from = message.set_op();
            plan::SetOpRel set_op;
            MR_TRY(set_op.left, relation(from.left_input()));
            MR_TRY(set_op.right, relation(from.right_input()));
            MR_TRY(set_op.type, set_op_type(from.set_op_type()));
            set_op.all = from.is_all();
            set_op.by_name = from.by_name();
            set_op.allow_missing_columns = from.allow_missing_columns();
            return set_op;
        }
        case Kind::kSort: {
            plan::SortRel sort;
            MR_TRY(sort.input, input(message.sort()));
            MR_TRY(sort.orders, sort_orders(message.sort().order()));
            sort.global = !message.sort().has_is_global() || message.sort().is_global();
            return sort;
        }
        case Kind::kLimit: {
            MR_TRY(auto below, input(message.limit()));
            return plan::LimitRel{std::move(below), integer(message.limit().limit())};
        }
        case Kind::kOffset: {
            MR_TRY(auto below, input(message.offset()));
            return plan::OffsetRel{std::move(below), integer(message.offset().offset())};
        }
        case Kind::kTail: {
            MR_TRY(auto below, input(message.tail()));
            return plan::TailRel{std::move(below), message.tail().limit()};
        }
        case Kind::kAggregate: return aggregate(message);
        case Kind::kSql: {
            plan::SqlRel sql;
            sql.text = message.sql().query();
            MR_TRY(sql.named_arguments, named_arguments(message.sql()));
            MR_TRY(sql.positional_arguments, positional_arguments(message.sql()));
            return sql;
        }
        case Kind::kLocalRelation:
        case Kind::kCachedLocalRelation:
        case Kind::kChunkedCachedLocalRelation: return local_data(message);
        case Kind::kSample: {
            const auto& from = message.sample();
            plan::SampleRel sample;
            MR_TRY(sample.input, input(from));
            sample.lower = from.lower_bound();
            sample.upper = from.upper_bound();
            sample.with_replacement = from.with_replacement();
            if (from.has_seed()) sample.seed = from.seed();
            return sample;
        }
        case Kind::kDeduplicate: {
            const auto& from = message.deduplicate();
            plan::DeduplicateRel deduplicate;
            MR_TRY(deduplicate.input, input(from));
            deduplicate.columns = strings(from.column_names());
            deduplicate.all_columns = from.all_columns_as_keys();
            deduplicate.within_watermark = from.within_watermark();
            return deduplicate;
        }
        case Kind::kRange: {
            const auto& from = message.range();
            if (from.step() == 0) return invalid_plan("requirement failed: step cannot be 0");
            plan::RangeRel range{from.start(), from.end(), from.step(), std::nullopt};
            if (from.has_num_partitions()) range.partitions = from.num_partitions();
            return range;
        }
        case Kind::kSubqueryAlias: {
            MR_TRY(auto below, input(message.subquery_alias()));
            return plan::SubqueryAliasRel{std::move(below),
                                          message.subquery_alias().alias(),
                                          strings(message.subquery_alias().qualifier()),
                                          {}};
        }
        case Kind::kRepartition: {
            MR_TRY(auto below, input(message.repartition()));
            return plan::RepartitionRel{std::move(below)};
        }
        case Kind::kRepartitionByExpression: {
            MR_TRY(auto below, input(message.repartition_by_expression()));
            return plan::RepartitionRel{std::move(below)};
        }
        case Kind::kToDf: {
            MR_TRY(auto below, input(message.to_df()));
            return plan::ToDfRel{std::move(below), strings(message.to_df().column_names())};
        }
        case Kind::kWithColumnsRenamed: {
            const auto& from = message.with_columns_renamed();
            plan::WithColumnsRenamedRel renamed;
            MR_TRY(renamed.input, input(from));
            for (const auto& [before, after] : from.rename_columns_map()) {
                renamed.renames.emplace_back(before, after);
            }
            for (const auto& rename : from.renames()) {
                renamed.renames.emplace_back(rename.col_name(), rename.new_col_name());
            }
            return renamed;
        }
        case Kind::kWithColumns: {
            plan::WithColumnsRel with;
            MR_TRY(with.input, input(message.with_columns()));
            for (const auto& column : message.with_columns().aliases()) {
                MR_TRY(auto named, alias(column));
                with.columns.push_back(
                    plan::make_expr(std::get<plan::AliasExpr>(std::move(named))));
            }
            return with;
        }
        case Kind::kDrop: {
            plan::DropRel drop;
            MR_TRY(drop.input, input(message.drop()));
            MR_TRY(drop.columns, expressions(message.drop().columns()));
            drop.names = strings(message.drop().column_names());
            return drop;
        }
        case Kind::kShowString: {
            const auto& from = message.show_string();
            MR_TRY(auto below, input(from));
            return plan::ShowStringRel{std::move(below), from.num_rows(), from.truncate(),
                                       from.vertical()};
        }
        case Kind::kHtmlString: {
            const auto& from = message.html_string();
            MR_TRY(auto below, input(from));
            return plan::HtmlStringRel{std::move(below), from.num_rows(), from.truncate()};
        }
        case Kind::kHint: {
            plan::HintRel hint;
            MR_TRY(hint.input, input(message.hint()));
            hint.name = message.hint().name();
            MR_TRY(hint.parameters, expressions(message.hint().parameters()));
            return hint;
        }
        case Kind::kUnpivot: return unpivot(message);
        case Kind::kToSchema: {
            MR_TRY(auto below, input(message.to_schema()));
            MR_TRY(auto schema, type_from_proto(message.to_schema().schema()));
            if (!schema.is(plan::TypeKind::kStruct)) return invalid_plan("A schema is a struct");
            return plan::ToSchemaRel{std::move(below), std::move(schema)};
        }
        case Kind::kCollectMetrics: {
            plan::ObserveRel observe;
            MR_TRY(observe.input, input(message.collect_metrics()));
            observe.name = message.collect_metrics().name();
            MR_TRY(observe.metrics, expressions(message.collect_metrics().metrics()));
            plan::AggregateRel metrics;
            metrics.input = observe.input;
            metrics.aggregates = observe.metrics;
            observations_.push_back({observe.name, plan::make_relation(std::move(metrics))});
            return observe;
        }
        case Kind::kParse: return parse(message);
        case Kind::kWithWatermark: {
            MR_TRY(auto below, input(message.with_watermark()));
            return plan::WithWatermarkRel{std::move(below), message.with_watermark().event_time(),
                                          message.with_watermark().delay_threshold()};
        }
        case Kind::kCachedRemoteRelation:
            return plan::CachedRel{message.cached_remote_relation().relation_id()};
        case Kind::kWithRelations: {
            const auto& from = message.with_relations();
            std::vector<plan::RelationPtr> references;
            bool all_named = true;
            for (const auto& reference : from.references()) {
                MR_TRY(auto relation_below, relation(reference));
                all_named = all_named && reference.has_subquery_alias();
                references.push_back(std::move(relation_below));
            }
            MR_TRY(auto root, relation(from.root()));
            // spark.sql(text, df=...): the text may name the frames.
            if (const auto* sql = root->as<plan::SqlRel>(); sql != nullptr && all_named) {
                plan::SqlRel with_views = *sql;
                with_views.views = std::move(references);
                return with_views;
            }
            return plan::WithReferencesRel{std::move(root), std::move(references)};
        }
        case Kind::kUnresolvedTableValuedFunction: {
            const auto& from = message.unresolved_table_valued_function();
            MR_TRY(auto arguments, expressions(from.arguments()));
            plan::GenerateRel generate;
            generate.generator = plan::call(from.function_name(), std::move(arguments));
            return generate;
        }
        case Kind::kFillNa:
        case Kind::kDropNa:
        case Kind::kReplace: return na(message);
        case Kind::kSummary:
        case Kind::kCrosstab:
        case Kind::kDescribe:
        case Kind::kCov:
        case Kind::kCorr:
        case Kind::kApproxQuantile:
        case Kind::kFreqItems:
        case Kind::kSampleBy: return statistics(message);
        case Kind::kCatalog: return catalog(message);
        case Kind::REL_TYPE_NOT_SET:
            return invalid_plan("Expected Relation to be set, but is empty.");
        default: return plan::UnsupportedRel{unsupported_name(message)};
    }
}

}  // namespace millrace::connect
