// DataFrame: a lazy table. Transformations give new DataFrames and never fail; actions run the
// query and give a Result. Named as in Spark, in snake_case.
//
// A DataFrame keeps its session alive. Copies share the plan. Thread-safe as any immutable value;
// actions may run from several threads at once.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/column.h"
#include "millrace/error.h"
#include "millrace/value.h"

namespace millrace {

namespace api {
class Backend;
}
namespace plan {
struct Relation;
}
class DataFrame;
class DataFrameWriter;
class DataStreamWriter;

// df.group_by(…): what can be done with groups.
class GroupedData {
public:
    DataFrame agg(const std::vector<Column>& aggregates) const;
    DataFrame count() const;
    // Of every named column; all must be numeric but for min and max.
    DataFrame sum(const std::vector<std::string>& columns) const;
    DataFrame avg(const std::vector<std::string>& columns) const;
    DataFrame min(const std::vector<std::string>& columns) const;
    DataFrame max(const std::vector<std::string>& columns) const;
    // One output column for each of `values`; without them, for each value found in the data.
    GroupedData pivot(std::string_view column, const std::vector<Value>& values = {}) const;

private:
    friend class DataFrame;
    struct State;
    explicit GroupedData(std::shared_ptr<const State> state) : state_(std::move(state)) {}
    DataFrame of_each(std::string_view function, const std::vector<std::string>& columns) const;
    std::shared_ptr<const State> state_;
};

class DataFrame {
public:
    using Plan = std::shared_ptr<const plan::Relation>;
    DataFrame(std::shared_ptr<api::Backend> backend, Plan plan);

    // Column of this very DataFrame: tells the sides of a self join apart.
    Column operator[](std::string_view name) const;
    Column col(std::string_view name) const { return (*this)[name]; }

    DataFrame select(const std::vector<Column>& columns) const;
    DataFrame select(std::initializer_list<std::string_view> names) const;
    DataFrame select_expr(const std::vector<std::string>& expressions) const;
    DataFrame filter(const Column& condition) const;
    // SQL text, not a constant: filter("bytes > 0").
    DataFrame filter(const char* condition) const;
    DataFrame filter(const std::string& condition) const { return filter(condition.c_str()); }
    DataFrame where(const Column& condition) const { return filter(condition); }
    DataFrame where(const char* condition) const { return filter(condition); }
    DataFrame where(const std::string& condition) const { return filter(condition); }
    DataFrame with_column(std::string_view name, const Column& value) const;
    DataFrame with_column_renamed(std::string_view from, std::string_view to) const;
    DataFrame drop(const std::vector<std::string>& names) const;
    DataFrame to_df(const std::vector<std::string>& names) const;
    DataFrame alias(std::string_view name) const;

    GroupedData group_by(const std::vector<Column>& columns) const;
    GroupedData group_by(std::initializer_list<std::string_view> names) const;
    GroupedData rollup(const std::vector<Column>& columns) const;
    GroupedData cube(const std::vector<Column>& columns) const;
    DataFrame agg(const std::vector<Column>& aggregates) const;

    DataFrame order_by(const std::vector<Column>& columns) const;
    DataFrame order_by(std::initializer_list<std::string_view> names) const;
    DataFrame limit(std::int64_t rows) const;
    DataFrame offset(std::int64_t rows) const;
    DataFrame distinct() const;
    DataFrame drop_duplicates(const std::vector<std::string>& columns = {}) const;
    DataFrame drop_duplicates_within_watermark(const std::vector<std::string>& columns = {}) const;
    // `how`: inner, left, right, full, left_semi, left_anti (and Spark's other spellings).
    DataFrame join(const DataFrame& right, const Column& condition,
                   std::string_view how = "inner") const;
    DataFrame join(const DataFrame& right, const std::vector<std::string>& using_columns,
                   std::string_view how = "inner") const;
    DataFrame cross_join(const DataFrame& right) const;
    DataFrame union_all(const DataFrame& other) const;
    DataFrame union_by_name(const DataFrame& other, bool allow_missing_columns = false) const;
    DataFrame intersect(const DataFrame& other) const;
    DataFrame except_all(const DataFrame& other) const;
    DataFrame sample(double fraction, std::int64_t seed) const;
    // Rows whose `event_time` lags the latest by more than `delay` ("10 minutes") may be dropped.
    DataFrame with_watermark(std::string_view event_time, std::string_view delay) const;

    // Actions.
    Result<std::vector<Row>> collect() const;
    Result<std::vector<Row>> take(std::int64_t rows) const { return limit(rows).collect(); }
    Result<std::int64_t> count() const;
    // The table as show() prints it; at most `rows` rows, cells cut at `truncate` characters (0:
    // whole).
    Result<std::string> show_string(int rows = 20, int truncate = 20, bool vertical = false) const;
    // The same, printed to standard output.
    Result<void> show(int rows = 20, int truncate = 20) const;
    // "struct<page:string,hits:bigint>"; the tree that printSchema shows; the names alone.
    Result<std::string> schema() const;
    Result<std::string> schema_tree() const;
    Result<std::vector<std::string>> columns() const;
    Result<std::string> explain(bool extended = false) const;
    Result<bool> is_streaming() const;
    Result<void> create_or_replace_temp_view(std::string_view name) const;

    DataFrameWriter write() const;
    DataStreamWriter write_stream() const;

    const Plan& plan() const { return plan_; }
    const std::shared_ptr<api::Backend>& backend() const { return backend_; }

private:
    template <class Node>
    DataFrame derive(Node node) const;
    std::shared_ptr<api::Backend> backend_;
    Plan plan_;
};

// df.write().format("parquet").mode("overwrite").save("out").
class DataFrameWriter {
public:
    explicit DataFrameWriter(DataFrame frame);
    DataFrameWriter& format(std::string_view name);
    DataFrameWriter& mode(std::string_view name);  // append, overwrite, error, ignore
    DataFrameWriter& option(std::string_view key, std::string_view value);
    DataFrameWriter& partition_by(const std::vector<std::string>& columns);
    Result<void> save(std::string_view path = {}) const;
    Result<void> parquet(std::string_view path) const;
    Result<void> json(std::string_view path) const;
    Result<void> csv(std::string_view path) const;

private:
    DataFrame frame_;
    std::string format_;
    std::string mode_ = "error";
    std::map<std::string, std::string> options_;
    std::vector<std::string> partition_by_;
};

// spark.read().format("parquet").load("in"); options and formats as Spark names them.
class DataFrameReader {
public:
    explicit DataFrameReader(std::shared_ptr<api::Backend> backend);
    DataFrameReader& format(std::string_view name);
    DataFrameReader& schema(std::string_view ddl);
    DataFrameReader& option(std::string_view key, std::string_view value);
    DataFrame load(const std::vector<std::string>& paths = {}) const;
    DataFrame parquet(std::string_view path);
    DataFrame json(std::string_view path);
    DataFrame csv(std::string_view path);
    DataFrame text(std::string_view path);
    DataFrame table(std::string_view name) const;

private:
    std::shared_ptr<api::Backend> backend_;
    std::string format_;
    std::string schema_;
    std::map<std::string, std::string> options_;
};

}  // namespace millrace
