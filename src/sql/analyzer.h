// The analyzer: Spark's rules for names, types, coercion and errors, applied to an unresolved plan.
//
// analyze() turns what a front end wrote into a LogicalPlan or into Spark's own error (condition,
// SQLSTATE, parameters, query context). It looks up views and tables through Catalog and the
// columns of data sources through Sources, and touches nothing else. Not thread-safe per session;
// free of shared state between sessions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "plan/command.h"
#include "plan/logical.h"

namespace millrace::sql {

// A session's settings, keyed by Spark's names; unset keys have Spark's defaults.
class Conf {
public:
    virtual ~Conf() = default;
    virtual std::optional<std::string> get(const std::string& key) const = 0;
    bool ansi() const;              // spark.sql.ansi.enabled, true by default
    bool case_sensitive() const;    // spark.sql.caseSensitive, false by default
    std::string time_zone() const;  // spark.sql.session.timeZone
};

class Catalog {
public:
    virtual ~Catalog() = default;
    // A temporary view's plan as it was written or analyzed; nullptr when there is none.
    virtual plan::LogicalPtr temp_view(const std::vector<std::string>& name) const = 0;
    // A relation kept under an id (CachedRel); nullptr when there is none.
    virtual plan::LogicalPtr cached(const std::string& id) const = 0;
    // A table as a scan, e.g. of a memory sink; nullptr when there is none. Attribute ids are given
    // by the analyzer.
    virtual std::optional<plan::ScanNode> table(const std::vector<std::string>& name) const = 0;
    // Names for "did you mean".
    virtual std::vector<std::string> table_names() const = 0;
    // Rows of a catalog question (spark.catalog.*).
    virtual base::Result<plan::LogicalPtr> answer(const plan::CatalogRel& question) = 0;
};

class Sources {
public:
    virtual ~Sources() = default;
    // The columns of a data source: fixed (kafka, rate), given by its schema option, or read from
    // the files. `source.schema`, when not empty, has been parsed into `given`. What was left out
    // of `source` is filled in: the default format, paths that came as an option.
    virtual base::Result<std::vector<plan::Field>> schema_of(
        plan::DataSourceRel& source, const std::optional<plan::DataType>& given) = 0;
};

struct AnalysisContext {
    const Conf& conf;
    Catalog& catalog;
    Sources& sources;
    std::int64_t now_us = 0;  // current_timestamp() of this query.
    std::string user;
};

base::Result<plan::LogicalPtr> analyze(const plan::RelationPtr& relation, AnalysisContext& context);

}  // namespace millrace::sql
