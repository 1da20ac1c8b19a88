#include "millrace/dataframe.h"

#include <atomic>
#include <cstdio>

#include "api/backend.h"
#include "api/convert.h"
#include "millrace/functions.h"
#include "millrace/streaming.h"
#include "plan/command.h"
#include "plan/relation.h"

namespace millrace {

namespace {

using plan::ExprPtr;
using plan::RelationPtr;

// Ids that df["x"] refers to; unique in the process.
std::int64_t next_plan_id() {
    static std::atomic<std::int64_t> last = 0;
    return ++last;
}

std::vector<ExprPtr> expressions(const std::vector<Column>& columns) {
    std::vector<ExprPtr> result;
    for (const Column& column : columns) result.push_back(column.expression());
    return result;
}

std::vector<Column> columns_of(std::initializer_list<std::string_view> names) {
    std::vector<Column> result;
    for (const std::string_view name : names) result.push_back(functions::col(name));
    return result;
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

plan::Options lower_keys(const std::map<std::string, std::string>& options) {
    plan::Options result;
    for (const auto& [key, value] : options) result[lower(key)] = value;
    return result;
}

// Spark's spellings; what is none of them joins as "inner" would and is refused by the caller.
plan::JoinType join_type(std::string_view how) {
    std::string word = lower(how);
    std::erase(word, '_');
    if (word == "left" || word == "leftouter") return plan::JoinType::kLeftOuter;
    if (word == "right" || word == "rightouter") return plan::JoinType::kRightOuter;
    if (word == "full" || word == "fullouter" || word == "outer") return plan::JoinType::kFullOuter;
    if (word == "leftsemi" || word == "semi") return plan::JoinType::kLeftSemi;
    if (word == "leftanti" || word == "anti") return plan::JoinType::kLeftAnti;
    if (word == "cross") return plan::JoinType::kCross;
    return plan::JoinType::kInner;
}

Column ordered(const Column& column) {
    return column.expression()->as<plan::SortOrderExpr>() != nullptr ? column : column.asc();
}

plan::SetOpRel set_op(RelationPtr left, RelationPtr right, plan::SetOpType type, bool all) {
    plan::SetOpRel result;
    result.left = std::move(left);
    result.right = std::move(right);
    result.type = type;
    result.all = all;
    return result;
}

}  // namespace

struct GroupedData::State {
    DataFrame frame;
    plan::GroupType type = plan::GroupType::kGroupBy;
    std::vector<ExprPtr> grouping;
    ExprPtr pivot_column;
    std::vector<ExprPtr> pivot_values;
};

DataFrame GroupedData::agg(const std::vector<Column>& aggregates) const {
    plan::AggregateRel aggregate;
    aggregate.input = state_->frame.plan();
    aggregate.group_type = state_->type;
    aggregate.grouping = state_->grouping;
    aggregate.aggregates = expressions(aggregates);
    aggregate.pivot_column = state_->pivot_column;
    aggregate.pivot_values = state_->pivot_values;
    return {state_->frame.backend(), plan::make_relation(std::move(aggregate), next_plan_id())};
}
DataFrame GroupedData::count() const {
    return agg({functions::count(Column(1)).alias("count")});
}
DataFrame GroupedData::of_each(std::string_view function,
                               const std::vector<std::string>& columns) const {
    std::vector<Column> aggregates;
    for (const std::string& name : columns) {
        aggregates.push_back(functions::call(function, {functions::col(name)}));
    }
    return agg(aggregates);
}
DataFrame GroupedData::sum(const std::vector<std::string>& columns) const {
    return of_each("sum", columns);
}
DataFrame GroupedData::avg(const std::vector<std::string>& columns) const {
    return of_each("avg", columns);
}
DataFrame GroupedData::min(const std::vector<std::string>& columns) const {
    return of_each("min", columns);
}
DataFrame GroupedData::max(const std::vector<std::string>& columns) const {
    return of_each("max", columns);
}
GroupedData GroupedData::pivot(std::string_view column, const std::vector<Value>& values) const {
    auto state = std::make_shared<State>(*state_);
    state->type = plan::GroupType::kPivot;
    state->pivot_column = functions::col(column).expression();
    for (const Value& value : values) state->pivot_values.push_back(Column(value).expression());
    return GroupedData(std::move(state));
}

DataFrame::DataFrame(std::shared_ptr<api::Backend> backend, Plan plan)
    : backend_(std::move(backend)), plan_(std::move(plan)) {}

template <class Node>
DataFrame DataFrame::derive(Node node) const {
    return {backend_, plan::make_relation(std::move(node), next_plan_id())};
}

Column DataFrame::operator[](std::string_view name) const {
    const Column column = functions::col(name);
    const auto* attribute = column.expression()->as<plan::AttributeExpr>();
    if (attribute == nullptr) return column;
    plan::AttributeExpr own = *attribute;
    own.plan_id = plan_->plan_id;
    return Column(plan::make_expr(std::move(own)));
}

DataFrame DataFrame::select(const std::vector<Column>& columns) const {
    return derive(plan::ProjectRel{plan_, expressions(columns)});
}
DataFrame DataFrame::select(std::initializer_list<std::string_view> names) const {
    return select(columns_of(names));
}
DataFrame DataFrame::select_expr(const std::vector<std::string>& texts) const {
    std::vector<Column> columns;
    for (const std::string& text : texts) columns.push_back(functions::expr(text));
    return select(columns);
}
DataFrame DataFrame::filter(const Column& condition) const {
    return derive(plan::FilterRel{plan_, condition.expression()});
}
DataFrame DataFrame::filter(const char* condition) const {
    return filter(functions::expr(condition));
}
DataFrame DataFrame::with_column(std::string_view name, const Column& value) const {
    return derive(plan::WithColumnsRel{plan_, {value.alias(name).expression()}});
}
DataFrame DataFrame::with_column_renamed(std::string_view from, std::string_view to) const {
    return derive(plan::WithColumnsRenamedRel{plan_, {{std::string(from), std::string(to)}}});
}
DataFrame DataFrame::drop(const std::vector<std::string>& names) const {
    return derive(plan::DropRel{plan_, {}, names});
}
DataFrame DataFrame::to_df(const std::vector<std::string>& names) const {
    return derive(plan::ToDfRel{plan_, names});
}
DataFrame DataFrame::alias(std::string_view name) const {
    return derive(plan::SubqueryAliasRel{plan_, std::string(name), {}, {}});
}

GroupedData DataFrame::group_by(const std::vector<Column>& columns) const {
    return GroupedData(std::make_shared<GroupedData::State>(
        GroupedData::State{*this, plan::GroupType::kGroupBy, expressions(columns), {}, {}}));
}
GroupedData DataFrame::group_by(std::initializer_list<std::string_view> names) const {
    return group_by(columns_of(names));
}
GroupedData DataFrame::rollup(const std::vector<Column>& columns) const {
    return GroupedData(std::make_shared<GroupedData::State>(
        GroupedData::State{*this, plan::GroupType::kRollup, expressions(columns), {}, {}}));
}
GroupedData DataFrame::cube(const std::vector<Column>& columns) const {
    return GroupedData(std::make_shared<GroupedData::State>(
        GroupedData::State{*this, plan::GroupType::kCube, expressions(columns), {}, {}}));
}
DataFrame DataFrame::agg(const std::vector<Column>& aggregates) const {
    return group_by(std::vector<Column>{}).agg(aggregates);
}

DataFrame DataFrame::order_by(const std::vector<Column>& columns) const {
    std::vector<ExprPtr> orders;
    for (const Column& column : columns) orders.push_back(ordered(column).expression());
    return derive(plan::SortRel{plan_, std::move(orders), true});
}
DataFrame DataFrame::order_by(std::initializer_list<std::string_view> names) const {
    return order_by(columns_of(names));
}
DataFrame DataFrame::limit(std::int64_t rows) const {
    return derive(plan::LimitRel{plan_, Column(rows).expression()});
}
DataFrame DataFrame::offset(std::int64_t rows) const {
    return derive(plan::OffsetRel{plan_, Column(rows).expression()});
}
DataFrame DataFrame::distinct() const {
    return derive(plan::DeduplicateRel{plan_, {}, true, false});
}
DataFrame DataFrame::drop_duplicates(const std::vector<std::string>& columns) const {
    return derive(plan::DeduplicateRel{plan_, columns, columns.empty(), false});
}
DataFrame DataFrame::drop_duplicates_within_watermark(
    const std::vector<std::string>& columns) const {
    return derive(plan::DeduplicateRel{plan_, columns, columns.empty(), true});
}
DataFrame DataFrame::join(const DataFrame& right, const Column& condition,
                          std::string_view how) const {
    plan::JoinRel join;
    join.left = plan_;
    join.right = right.plan();
    join.condition = condition.expression();
    join.type = join_type(how);
    return derive(std::move(join));
}
DataFrame DataFrame::join(const DataFrame& right, const std::vector<std::string>& using_columns,
                          std::string_view how) const {
    plan::JoinRel join;
    join.left = plan_;
    join.right = right.plan();
    join.type = join_type(how);
    join.using_columns = using_columns;
    return derive(std::move(join));
}
DataFrame DataFrame::cross_join(const DataFrame& right) const {
    plan::JoinRel join;
    join.left = plan_;
    join.right = right.plan();
    join.type = plan::JoinType::kCross;
    return derive(std::move(join));
}
DataFrame DataFrame::union_all(const DataFrame& other) const {
    return derive(set_op(plan_, other.plan(), plan::SetOpType::kUnion, true));
}
DataFrame DataFrame::union_by_name(const DataFrame& other, bool allow_missing_columns) const {
    plan::SetOpRel by_name = set_op(plan_, other.plan(), plan::SetOpType::kUnion, true);
    by_name.by_name = true;
    by_name.allow_missing_columns = allow_missing_columns;
    return derive(std::move(by_name));
}
DataFrame DataFrame::intersect(const DataFrame& other) const {
    return derive(set_op(plan_, other.plan(), plan::SetOpType::kIntersect, false));
}
DataFrame DataFrame::except_all(const DataFrame& other) const {
    return derive(set_op(plan_, other.plan(), plan::SetOpType::kExcept, true));
}
DataFrame DataFrame::sample(double fraction, std::int64_t seed) const {
    return derive(plan::SampleRel{plan_, 0, fraction, false, seed});
}
DataFrame DataFrame::with_watermark(std::string_view event_time, std::string_view delay) const {
    return derive(plan::WithWatermarkRel{plan_, std::string(event_time), std::string(delay)});
}

Result<std::vector<Row>> DataFrame::collect() const {
    auto rows = backend_->collect(plan_);
    if (!rows) return std::unexpected(api::to_public(rows.error()));
    return api::to_rows(rows->schema, rows->batches);
}

Result<std::int64_t> DataFrame::count() const {
    auto rows = agg({functions::count(Column(1)).alias("count")}).collect();
    if (!rows) return std::unexpected(std::move(rows.error()));
    return rows->at(0).get<std::int64_t>("count").value_or(0);
}

Result<std::string> DataFrame::show_string(int rows, int truncate, bool vertical) const {
    auto shown = derive(plan::ShowStringRel{plan_, rows, truncate, vertical}).collect();
    if (!shown) return std::unexpected(std::move(shown.error()));
    return shown->at(0)[0].to_string();
}

Result<void> DataFrame::show(int rows, int truncate) const {
    auto text = show_string(rows, truncate);
    if (!text) return std::unexpected(std::move(text.error()));
    std::fputs((*text + "\n").c_str(), stdout);
    return {};
}

Result<std::string> DataFrame::schema() const {
    auto type = backend_->schema(plan_);
    if (!type) return std::unexpected(api::to_public(type.error()));
    return type->simple_string();
}
Result<std::string> DataFrame::schema_tree() const {
    auto type = backend_->schema(plan_);
    if (!type) return std::unexpected(api::to_public(type.error()));
    return type->tree_string();
}
Result<std::vector<std::string>> DataFrame::columns() const {
    auto type = backend_->schema(plan_);
    if (!type) return std::unexpected(api::to_public(type.error()));
    std::vector<std::string> names;
    for (const plan::Field& field : type->fields()) names.push_back(field.name);
    return names;
}
Result<std::string> DataFrame::explain(bool extended) const {
    return api::to_public(backend_->explain(plan_, extended));
}
Result<bool> DataFrame::is_streaming() const {
    return api::to_public(backend_->is_streaming(plan_));
}
Result<void> DataFrame::create_or_replace_temp_view(std::string_view name) const {
    return api::to_public(
        backend_->execute(plan::CreateViewCommand{plan_, std::string(name), false, true, {}}));
}

DataFrameWriter DataFrame::write() const {
    return DataFrameWriter(*this);
}
DataStreamWriter DataFrame::write_stream() const {
    return DataStreamWriter(*this);
}

DataFrameWriter::DataFrameWriter(DataFrame frame) : frame_(std::move(frame)) {}
DataFrameWriter& DataFrameWriter::format(std::string_view name) {
    format_ = lower(name);
    return *this;
}
DataFrameWriter& DataFrameWriter::mode(std::string_view name) {
    mode_ = lower(name);
    return *this;
}
DataFrameWriter& DataFrameWriter::option(std::string_view key, std::string_view value) {
    options_[std::string(key)] = value;
    return *this;
}
DataFrameWriter& DataFrameWriter::partition_by(const std::vector<std::string>& columns) {
    partition_by_ = columns;
    return *this;
}
Result<void> DataFrameWriter::save(std::string_view path) const {
    plan::WriteCommand command;
    command.input = frame_.plan();
    command.format = format_;
    if (mode_ == "append") {
        command.mode = plan::SaveMode::kAppend;
    } else if (mode_ == "overwrite") {
        command.mode = plan::SaveMode::kOverwrite;
    } else if (mode_ == "ignore") {
        command.mode = plan::SaveMode::kIgnore;
    } else if (mode_ != "error" && mode_ != "errorifexists" && mode_ != "default") {
        return std::unexpected(
            Error{"Unknown save mode '" + mode_ + "': use append, overwrite, error or ignore.",
                  "INVALID_SAVE_MODE",
                  "42000",
                  {{"mode", mode_}}});
    }
    command.path = path;
    command.partition_by = partition_by_;
    command.options = lower_keys(options_);
    return api::to_public(frame_.backend()->execute(std::move(command)));
}
Result<void> DataFrameWriter::parquet(std::string_view path) const {
    return DataFrameWriter(*this).format("parquet").save(path);
}
Result<void> DataFrameWriter::json(std::string_view path) const {
    return DataFrameWriter(*this).format("json").save(path);
}
Result<void> DataFrameWriter::csv(std::string_view path) const {
    return DataFrameWriter(*this).format("csv").save(path);
}

DataFrameReader::DataFrameReader(std::shared_ptr<api::Backend> backend)
    : backend_(std::move(backend)) {}
DataFrameReader& DataFrameReader::format(std::string_view name) {
    format_ = lower(name);
    return *this;
}
DataFrameReader& DataFrameReader::schema(std::string_view ddl) {
    schema_ = ddl;
    return *this;
}
DataFrameReader& DataFrameReader::option(std::string_view key, std::string_view value) {
    options_[std::string(key)] = value;
    return *this;
}
DataFrame DataFrameReader::load(const std::vector<std::string>& paths) const {
    plan::DataSourceRel source;
    source.format = format_.empty() ? "parquet" : format_;
    source.schema = schema_;
    source.options = lower_keys(options_);
    source.paths = paths;
    return {backend_, plan::make_relation(std::move(source), next_plan_id())};
}
DataFrame DataFrameReader::parquet(std::string_view path) {
    return format("parquet").load({std::string(path)});
}
DataFrame DataFrameReader::json(std::string_view path) {
    return format("json").load({std::string(path)});
}
DataFrame DataFrameReader::csv(std::string_view path) {
    return format("csv").load({std::string(path)});
}
DataFrame DataFrameReader::text(std::string_view path) {
    return format("text").load({std::string(path)});
}
DataFrame DataFrameReader::table(std::string_view name) const {
    const auto parts = plan::split_name(name);
    plan::NamedTableRel relation;
    relation.parts = parts ? *parts : std::vector<std::string>{std::string(name)};
    relation.options = lower_keys(options_);
    return {backend_, plan::make_relation(std::move(relation), next_plan_id())};
}

}  // namespace millrace
