#include "connect/to_proto_internal.h"
#include "spark/connect/relations.pb.h"

namespace millrace::connect {

namespace {

namespace proto = ::spark::connect;
using base::Code;
using base::Result;

std::unexpected<base::Error> unsupported(std::string_view what) {
    return base::fail(Code::kUnsupported, "Spark Connect cannot say {}", what);
}

template <class Repeated>
Result<void> all(const std::vector<plan::ExprPtr>& expressions, Repeated* into) {
    for (const auto& expression : expressions) MR_TRY_VOID(to_proto(*expression, *into->Add()));
    return {};
}

template <class Repeated>
void texts(const std::vector<std::string>& values, Repeated* into) {
    for (const auto& value : values) into->Add(std::string(value));
}

template <class Map>
void options(const plan::Options& values, Map* into) {
    for (const auto& [key, value] : values) (*into)[key] = value;
}

Result<std::int32_t> constant_count(const plan::ExprPtr& expression) {
    const auto* literal = expression->as<plan::Literal>();
    const auto* number = literal == nullptr ? nullptr : std::get_if<std::int64_t>(&literal->value);
    if (number == nullptr) return unsupported("LIMIT or OFFSET of an expression outside SQL");
    return static_cast<std::int32_t>(*number);
}

proto::Join::JoinType join_type(plan::JoinType type) {
    switch (type) {
        case plan::JoinType::kInner: return proto::Join::JOIN_TYPE_INNER;
        case plan::JoinType::kFullOuter: return proto::Join::JOIN_TYPE_FULL_OUTER;
        case plan::JoinType::kLeftOuter: return proto::Join::JOIN_TYPE_LEFT_OUTER;
        case plan::JoinType::kRightOuter: return proto::Join::JOIN_TYPE_RIGHT_OUTER;
        case plan::JoinType::kLeftAnti: return proto::Join::JOIN_TYPE_LEFT_ANTI;
        case plan::JoinType::kLeftSemi: return proto::Join::JOIN_TYPE_LEFT_SEMI;
        case plan::JoinType::kCross: return proto::Join::JOIN_TYPE_CROSS;
    }
    return proto::Join::JOIN_TYPE_UNSPECIFIED;
}

class Writer {
public:
    explicit Writer(proto::Relation& message) : message_(message) {}

    Result<void> operator()(const plan::NamedTableRel& table) {
        auto* to = message_.mutable_read()->mutable_named_table();
        to->set_unparsed_identifier(plan::quote_name(table.parts));
        options(table.options, to->mutable_options());
        message_.mutable_read()->set_is_streaming(table.is_streaming);
        return {};
    }
    Result<void> operator()(const plan::DataSourceRel& source) {
        auto* to = message_.mutable_read()->mutable_data_source();
        if (!source.format.empty()) to->set_format(source.format);
        if (!source.schema.empty()) to->set_schema(source.schema);
        options(source.options, to->mutable_options());
        texts(source.paths, to->mutable_paths());
        texts(source.predicates, to->mutable_predicates());
        message_.mutable_read()->set_is_streaming(source.is_streaming);
        return {};
    }
    Result<void> operator()(const plan::ProjectRel& project) {
        auto* to = message_.mutable_project();
        if (project.input != nullptr) MR_TRY_VOID(to_proto(*project.input, *to->mutable_input()));
        return all(project.expressions, to->mutable_expressions());
    }
    Result<void> operator()(const plan::FilterRel& filter) {
        auto* to = message_.mutable_filter();
        MR_TRY_VOID(to_proto(*filter.input, *to->mutable_input()));
        return to_proto(*filter.condition, *to->mutable_condition());
    }
    Result<void> operator()(const plan::JoinRel& join) {
        if (join.natural) return unsupported("a natural join outside SQL");
        if (join.lateral) {
            auto* to = message_.mutable_lateral_join();
            MR_TRY_VOID(to_proto(*join.left, *to->mutable_left()));
            MR_TRY_VOID(to_proto(*join.right, *to->mutable_right()));
            to->set_join_type(join_type(join.type));
            if (join.condition == nullptr) return {};
            return to_proto(*join.condition, *to->mutable_join_condition());
        }
        auto* to = message_.mutable_join();
        MR_TRY_VOID(to_proto(*join.left, *to->mutable_left()));
        MR_TRY_VOID(to_proto(*join.right, *to->mutable_right()));
        to->set_join_type(join_type(join.type));
        texts(join.using_columns, to->mutable_using_columns());
        if (join.condition == nullptr) return {};
        return to_proto(*join.condition, *to->mutable_join_condition());
    }
    Result<void> operator()(const plan::SetOpRel& set_op) {
        auto* to = message_.mutable_set_op();
        MR_TRY_VOID(to_proto(*set_op.left, *to->mutable_left_input()));
        MR_TRY_VOID(to_proto(*set_op.right, *to->mutable_right_input()));
        using SetOp = proto::SetOperation;
        switch (set_op.type) {
            case plan::SetOpType::kUnion: to->set_set_op_type(SetOp::SET_OP_TYPE_UNION); break;
            case plan::SetOpType::kIntersect:
                to->set_set_op_type(SetOp::SET_OP_TYPE_INTERSECT);
                break;
            case plan::SetOpType::kExcept: to->set_set_op_type(SetOp::SET_OP_TYPE_EXCEPT); break;
        }
        to->set_is_all(set_op.all);
        to->set_by_name(set_op.by_name);
        to->set_allow_missing_columns(set_op.allow_missing_columns);
        return {};
    }
    Result<void> operator()(const plan::SortRel& sort) {
        auto* to = message_.mutable_sort();
        MR_TRY_VOID(to_proto(*sort.input, *to->mutable_input()));
        to->set_is_global(sort.global);
        for (const auto& expression : sort.orders) {
            // A bare column is sorted as col.asc().
            proto::Expression order;
            if (expression->as<plan::SortOrderExpr>() != nullptr) {
                MR_TRY_VOID(to_proto(*expression, order));
            } else {
                plan::SortOrderExpr ascending;
                ascending.child = expression;
                MR_TRY_VOID(to_proto(*plan::make_expr(std::move(ascending)), order));
            }
            *to->add_order() = std::move(*order.mutable_sort_order());
        }
        return {};
    }
    Result<void> operator()(const plan::LimitRel& limit) {
        MR_TRY(const auto count, constant_count(limit.limit));
        message_.mutable_limit()->set_limit(count);
        return to_proto(*limit.input, *message_.mutable_limit()->mutable_input());
    }
    Result<void> operator()(const plan::OffsetRel& offset) {
        MR_TRY(const auto count, constant_count(offset.offset));
        message_.mutable_offset()->set_offset(count);
        return to_proto(*offset.input, *message_.mutable_offset()->mutable_input());
    }
    Result<void> operator()(const plan::TailRel& tail) {
        message_.mutable_tail()->set_limit(static_cast<std::int32_t>(tail.limit));
        return to_proto(*tail.input, *message_.mutable_tail()->mutable_input());
    }
    Result<void> operator()(const plan::AggregateRel& aggregate) {
        if (aggregate.select_list_is_output) return unsupported("a SELECT list outside SQL");
        auto* to = message_.mutable_aggregate();
        using Aggregate = proto::Aggregate;
        switch (aggregate.group_type) {
            case plan::GroupType::kGroupBy:
                to->set_group_type(Aggregate::GROUP_TYPE_GROUPBY);
                break;
            case plan::GroupType::kRollup: to->set_group_type(Aggregate::GROUP_TYPE_ROLLUP); break;
            case plan::GroupType::kCube: to->set_group_type(Aggregate::GROUP_TYPE_CUBE); break;
            case plan::GroupType::kPivot: to->set_group_type(Aggregate::GROUP_TYPE_PIVOT); break;
            case plan::GroupType::kGroupingSets:
                to->set_group_type(Aggregate::GROUP_TYPE_GROUPING_SETS);
                break;
        }
        MR_TRY_VOID(to_proto(*aggregate.input, *to->mutable_input()));
        MR_TRY_VOID(all(aggregate.grouping, to->mutable_grouping_expressions()));
        MR_TRY_VOID(all(aggregate.aggregates, to->mutable_aggregate_expressions()));
        for (const auto& set : aggregate.grouping_sets) {
            MR_TRY_VOID(all(set, to->add_grouping_sets()->mutable_grouping_set()));
        }
        if (aggregate.pivot_column == nullptr) return {};
        for (const auto& value : aggregate.pivot_values) {
            const auto* literal = value->as<plan::Literal>();
            if (literal == nullptr) return unsupported("a pivot value that is no literal");
            to_proto(*literal, *to->mutable_pivot()->add_values());
        }
        return to_proto(*aggregate.pivot_column, *to->mutable_pivot()->mutable_col());
    }
    Result<void> operator()(const plan::SqlRel& sql) {
        if (!sql.views.empty()) {
            auto* with = message_.mutable_with_relations();
            for (const auto& view : sql.views) {
                MR_TRY_VOID(to_proto(*view, *with->add_references()));
            }
            return text(sql, *with->mutable_root()->mutable_sql());
        }
        return text(sql, *message_.mutable_sql());
    }
    Result<void> operator()(const plan::LocalRel& local) {
        if (!local.rows.empty()) return unsupported("rows of expressions outside SQL");
        auto* to = message_.mutable_local_relation();
        if (!local.arrow_ipc.empty()) to->set_data(local.arrow_ipc);
        if (!local.schema.empty()) to->set_schema(local.schema);
        return {};
    }
    Result<void> operator()(const plan::RangeRel& range) {
        auto* to = message_.mutable_range();
        to->set_start(range.start);
        to->set_end(range.end);
        to->set_step(range.step);
        if (range.partitions) to->set_num_partitions(*range.partitions);
        return {};
    }
    Result<void> operator()(const plan::SubqueryAliasRel& alias) {
        if (!alias.column_names.empty()) return unsupported("column aliases of a table alias");
        auto* to = message_.mutable_subquery_alias();
        to->set_alias(alias.alias);
        texts(alias.qualifier, to->mutable_qualifier());
        return to_proto(*alias.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::ToDfRel& to_df) {
        texts(to_df.names, message_.mutable_to_df()->mutable_column_names());
        return to_proto(*to_df.input, *message_.mutable_to_df()->mutable_input());
    }
    Result<void> operator()(const plan::WithColumnsRel& with) {
        auto* to = message_.mutable_with_columns();
        MR_TRY_VOID(to_proto(*with.input, *to->mutable_input()));
        for (const auto& column : with.columns) {
            proto::Expression expression;
            MR_TRY_VOID(to_proto(*column, expression));
            if (!expression.has_alias()) return unsupported("a new column without a name");
            *to->add_aliases() = std::move(*expression.mutable_alias());
        }
        return {};
    }
    Result<void> operator()(const plan::WithColumnsRenamedRel& renamed) {
        auto* to = message_.mutable_with_columns_renamed();
        for (const auto& [before, after] : renamed.renames) {
            auto* rename = to->add_renames();
            rename->set_col_name(before);
            rename->set_new_col_name(after);
        }
        return to_proto(*renamed.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::DropRel& drop) {
        auto* to = message_.mutable_drop();
        texts(drop.names, to->mutable_column_names());
        MR_TRY_VOID(all(drop.columns, to->mutable_columns()));
        return to_proto(*drop.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::DeduplicateRel& deduplicate) {
        auto* to = message_.mutable_deduplicate();
        texts(deduplicate.columns, to->mutable_column_names());
        to->set_all_columns_as_keys(deduplicate.all_columns);
        to->set_within_watermark(deduplicate.within_watermark);
        return to_proto(*deduplicate.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::WithWatermarkRel& watermark) {
        auto* to = message_.mutable_with_watermark();
        to->set_event_time(watermark.event_time);
        to->set_delay_threshold(watermark.delay);
        return to_proto(*watermark.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::ShowStringRel& show) {
        auto* to = message_.mutable_show_string();
        to->set_num_rows(show.rows);
        to->set_truncate(show.truncate);
        to->set_vertical(show.vertical);
        return to_proto(*show.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::HtmlStringRel& html) {
        auto* to = message_.mutable_html_string();
        to->set_num_rows(html.rows);
        to->set_truncate(html.truncate);
        return to_proto(*html.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::SampleRel& sample) {
        auto* to = message_.mutable_sample();
        to->set_lower_bound(sample.lower);
        to->set_upper_bound(sample.upper);
        to->set_with_replacement(sample.with_replacement);
        if (sample.seed) to->set_seed(*sample.seed);
        return to_proto(*sample.input, *to->mutable_input());
    }
    // How rows are spread is the other server's business: the plan has not kept it.
    Result<void> operator()(const plan::RepartitionRel& repartition) {
        return to_proto(*repartition.input, message_);
    }
    Result<void> operator()(const plan::HintRel& hint) {
        auto* to = message_.mutable_hint();
        to->set_name(hint.name);
        MR_TRY_VOID(all(hint.parameters, to->mutable_parameters()));
        return to_proto(*hint.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::ToSchemaRel& to_schema) {
        to_proto(to_schema.schema, *message_.mutable_to_schema()->mutable_schema());
        return to_proto(*to_schema.input, *message_.mutable_to_schema()->mutable_input());
    }
    Result<void> operator()(const plan::UnpivotRel& unpivot) {
        auto* to = message_.mutable_unpivot();
        MR_TRY_VOID(to_proto(*unpivot.input, *to->mutable_input()));
        MR_TRY_VOID(all(unpivot.ids, to->mutable_ids()));
        to->set_variable_column_name(unpivot.variable_column);
        to->set_value_column_name(unpivot.value_column);
        if (!unpivot.values) return {};
        return all(*unpivot.values, to->mutable_values()->mutable_values());
    }
    Result<void> operator()(const plan::NaFillRel& fill) {
        auto* to = message_.mutable_fill_na();
        texts(fill.columns, to->mutable_cols());
        for (const auto& value : fill.values) to_proto(value, *to->add_values());
        return to_proto(*fill.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::NaDropRel& drop) {
        auto* to = message_.mutable_drop_na();
        texts(drop.columns, to->mutable_cols());
        if (drop.min_non_nulls) to->set_min_non_nulls(*drop.min_non_nulls);
        return to_proto(*drop.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::NaReplaceRel& replace) {
        auto* to = message_.mutable_replace();
        texts(replace.columns, to->mutable_cols());
        for (const auto& [before, after] : replace.replacements) {
            auto* pair = to->add_replacements();
            to_proto(before, *pair->mutable_old_value());
            to_proto(after, *pair->mutable_new_value());
        }
        return to_proto(*replace.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::DescribeRel& describe) {
        if (describe.is_summary) {
            texts(describe.statistics, message_.mutable_summary()->mutable_statistics());
            return to_proto(*describe.input, *message_.mutable_summary()->mutable_input());
        }
        texts(describe.columns, message_.mutable_describe()->mutable_cols());
        return to_proto(*describe.input, *message_.mutable_describe()->mutable_input());
    }
    Result<void> operator()(const plan::CachedRel& cached) {
        message_.mutable_cached_remote_relation()->set_relation_id(cached.id);
        return {};
    }
    Result<void> operator()(const plan::WithRel&) { return unsupported("WITH outside SQL"); }
    Result<void> operator()(const plan::WithReferencesRel& with) {
        auto* to = message_.mutable_with_relations();
        for (const auto& reference : with.references) {
            MR_TRY_VOID(to_proto(*reference, *to->add_references()));
        }
        return to_proto(*with.input, *to->mutable_root());
    }
    Result<void> operator()(const plan::GenerateRel& generate) {
        const auto* call = generate.generator->as<plan::FunctionExpr>();
        if (generate.input != nullptr || call == nullptr) return unsupported("LATERAL VIEW");
        auto* to = message_.mutable_unresolved_table_valued_function();
        to->set_function_name(call->name);
        return all(call->args, to->mutable_arguments());
    }
    Result<void> operator()(const plan::ObserveRel& observe) {
        auto* to = message_.mutable_collect_metrics();
        to->set_name(observe.name);
        MR_TRY_VOID(all(observe.metrics, to->mutable_metrics()));
        return to_proto(*observe.input, *to->mutable_input());
    }
    Result<void> operator()(const plan::CatalogRel& catalog) {
        auto* to = message_.mutable_catalog();
        const auto* field =
            proto::Catalog::descriptor()->FindFieldByCamelcaseName(catalog.operation);
        if (field == nullptr) return unsupported("the catalog operation " + catalog.operation);
        auto* arguments = to->GetReflection()->MutableMessage(to, field);
        for (const auto& [name, value] : catalog.arguments) {
            const auto* argument = arguments->GetDescriptor()->FindFieldByName(name);
            if (argument == nullptr) continue;
            using Type = google::protobuf::FieldDescriptor;
            if (argument->cpp_type() == Type::CPPTYPE_STRING) {
                arguments->GetReflection()->SetString(arguments, argument, value);
            } else if (argument->cpp_type() == Type::CPPTYPE_BOOL) {
                arguments->GetReflection()->SetBool(arguments, argument, value == "true");
            }
        }
        return {};
    }
    Result<void> operator()(const plan::UnsupportedRel& what) { return unsupported(what.what); }

private:
    static Result<void> text(const plan::SqlRel& sql, proto::SQL& to) {
        to.set_query(sql.text);
        for (const auto& [name, value] : sql.named_arguments) {
            MR_TRY_VOID(to_proto(*value, (*to.mutable_named_arguments())[name]));
        }
        return all(sql.positional_arguments, to.mutable_pos_arguments());
    }

    proto::Relation& message_;
};

}  // namespace

Result<void> to_proto(const plan::Relation& relation, ::spark::connect::Relation& message) {
    if (relation.plan_id) message.mutable_common()->set_plan_id(*relation.plan_id);
    return std::visit(Writer(message), relation.node);
}

}  // namespace millrace::connect
