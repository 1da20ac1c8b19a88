// SessionCatalog: temporary views, kept rows and memory-sink tables under the names that plans use.
//
// Views hold analyzed plans. Kept rows (checkpoints, foreachBatch's frames) and memory tables
// appear in plans as scans of the formats below, which Session binds to batches when the plan runs.
// Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "columnar/batch.h"
#include "sql/analyzer.h"

namespace millrace::streaming {
class QueryManager;
}

namespace millrace::session {

inline constexpr std::string_view kMemoryTableFormat = "memory";
inline constexpr std::string_view kKeptRowsFormat = "kept-rows";

// Views that all sessions of a server see, as global_temp.<name>. Thread-safe.
class GlobalViews {
public:
    plan::LogicalPtr find(const std::string& name) const;
    // False when the name is taken and `replace` is not set.
    bool put(const std::string& name, plan::LogicalPtr view, bool replace);
    bool drop(const std::string& name);
    std::vector<std::string> names() const;

private:
    mutable std::mutex mutex_;
    std::map<std::string, plan::LogicalPtr> views_;  // By lower-case name.
};

class SessionCatalog final : public sql::Catalog {
public:
    SessionCatalog(std::shared_ptr<GlobalViews> global_views, streaming::QueryManager& queries);
    SessionCatalog(const SessionCatalog& other);

    plan::LogicalPtr temp_view(const std::vector<std::string>& name) const override;
    plan::LogicalPtr cached(const std::string& id) const override;
    std::optional<plan::ScanNode> table(const std::vector<std::string>& name) const override;
    std::vector<std::string> table_names() const override;
    base::Result<plan::LogicalPtr> answer(const plan::CatalogRel& question) override;

    bool put_view(const std::string& name, plan::LogicalPtr view, bool global, bool replace);
    bool drop_view(const std::string& name, bool global);
    std::vector<std::string> view_names() const;
    std::vector<std::string> global_view_names() const { return global_views_->names(); }
    // Memory-sink tables that queries of this session fill: those it lists. Others of the server
    // can be read by name.
    std::vector<std::string> memory_tables() const;
    void note_memory_table(const std::string& name);

    void keep(const std::string& id, std::vector<plan::Field> fields, columnar::Batches rows);
    void release(const std::string& id);
    // The rows that a scan of one of the formats above reads; nullopt: it is another's scan.
    base::Result<std::optional<columnar::Batches>> rows_of(const plan::ScanNode& scan) const;

private:
    struct Kept {
        std::vector<plan::Field> fields;
        columnar::Batches rows;
    };
    const std::shared_ptr<GlobalViews> global_views_;
    streaming::QueryManager& queries_;
    mutable std::mutex mutex_;
    std::map<std::string, plan::LogicalPtr> views_;  // By lower-case name.
    std::map<std::string, Kept> kept_;
    std::set<std::string> memory_tables_;
    std::map<std::string, bool> cached_tables_;
};

// A relation of constant rows: how catalog answers and SHOW commands come to be rows.
struct Table {
    std::vector<plan::Field> fields;
    std::vector<std::vector<plan::Literal>> rows;
};
plan::LogicalPtr to_plan(const Table& table);
base::Result<columnar::Batches> to_batches(const Table& table);

std::string lower(std::string_view text);
// Does `name` match a pattern of SHOW … LIKE: '*' any text, '|' alternatives, case ignored?
bool matches_pattern(std::string_view name, std::string_view pattern);

}  // namespace millrace::session
