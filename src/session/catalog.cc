#include "session/catalog.h"

#include <algorithm>
#include <cctype>

#include "streaming/memory_table.h"
#include "streaming/query_manager.h"

namespace millrace::session {

namespace {

constexpr std::string_view kGlobalDatabase = "global_temp";

plan::ScanNode scan_of(std::string_view format, std::vector<std::string> table,
                       const std::vector<plan::Field>& fields) {
    plan::ScanNode scan;
    scan.source.format = std::string(format);
    scan.table = std::move(table);
    plan::AttributeId id = 1;
    for (const auto& field : fields) {
        plan::Attribute attribute;
        attribute.id = id++;
        attribute.name = field.name;
        attribute.type = field.type;
        attribute.nullable = field.nullable;
        attribute.metadata_json = field.metadata_json;
        scan.output.push_back(std::move(attribute));
    }
    return scan;
}

bool glob(std::string_view name, std::string_view pattern) {
    if (pattern.empty()) return name.empty();
    if (pattern.front() == '*') {
        for (std::size_t skip = 0; skip <= name.size(); skip++) {
            if (glob(name.substr(skip), pattern.substr(1))) return true;
        }
        return false;
    }
    return !name.empty() && name.front() == pattern.front() &&
           glob(name.substr(1), pattern.substr(1));
}

}  // namespace

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
    return result;
}

bool matches_pattern(std::string_view name, std::string_view pattern) {
    if (pattern.empty()) return true;
    // Stars that stand together mean one; so few patterns are slow, and long ones are refused.
    std::string collapsed;
    for (const char c : lower(pattern)) {
        if (c == '*' && collapsed.ends_with('*')) continue;
        collapsed += c;
    }
    if (std::ranges::count(collapsed, '*') > 8) return false;
    const std::string folded = lower(name);
    std::string_view rest = collapsed;
    while (true) {
        const auto bar = rest.find('|');
        if (glob(folded, rest.substr(0, bar))) return true;
        if (bar == std::string_view::npos) return false;
        rest.remove_prefix(bar + 1);
    }
}

plan::LogicalPtr GlobalViews::find(const std::string& name) const {
    const std::scoped_lock lock(mutex_);
    const auto found = views_.find(lower(name));
    return found == views_.end() ? nullptr : found->second;
}

bool GlobalViews::put(const std::string& name, plan::LogicalPtr view, bool replace) {
    const std::scoped_lock lock(mutex_);
    auto& slot = views_[lower(name)];
    if (slot != nullptr && !replace) return false;
    slot = std::move(view);
    return true;
}

bool GlobalViews::drop(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    return views_.erase(lower(name)) > 0;
}

std::vector<std::string> GlobalViews::names() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> result;
    for (const auto& [name, view] : views_) result.push_back(name);
    return result;
}

SessionCatalog::SessionCatalog(std::shared_ptr<GlobalViews> global_views,
                               streaming::QueryManager& queries)
    : global_views_(std::move(global_views)), queries_(queries) {}

SessionCatalog::SessionCatalog(const SessionCatalog& other)
    : global_views_(other.global_views_), queries_(other.queries_) {
    const std::scoped_lock lock(other.mutex_);
    views_ = other.views_;
    kept_ = other.kept_;
    cached_tables_ = other.cached_tables_;
}

plan::LogicalPtr SessionCatalog::temp_view(const std::vector<std::string>& name) const {
    if (name.size() == 2 && lower(name[0]) == kGlobalDatabase) return global_views_->find(name[1]);
    if (name.size() != 1) return nullptr;
    const std::scoped_lock lock(mutex_);
    const auto found = views_.find(lower(name.front()));
    return found == views_.end() ? nullptr : found->second;
}

plan::LogicalPtr SessionCatalog::cached(const std::string& id) const {
    const std::scoped_lock lock(mutex_);
    const auto found = kept_.find(id);
    if (found == kept_.end()) return nullptr;
    return plan::make_logical(scan_of(kKeptRowsFormat, {id}, found->second.fields));
}

std::optional<plan::ScanNode> SessionCatalog::table(const std::vector<std::string>& name) const {
    if (name.empty()) return std::nullopt;
    const auto table = queries_.memory_table(name.back());
    if (table == nullptr || name.size() != 1) return std::nullopt;
    return scan_of(kMemoryTableFormat, name, table->fields());
}

std::vector<std::string> SessionCatalog::table_names() const {
    std::vector<std::string> names = view_names();
    for (auto& name : memory_tables()) names.push_back(std::move(name));
    return names;
}

bool SessionCatalog::put_view(const std::string& name, plan::LogicalPtr view, bool global,
                              bool replace) {
    if (global) return global_views_->put(name, std::move(view), replace);
    const std::scoped_lock lock(mutex_);
    auto& slot = views_[lower(name)];
    if (slot != nullptr && !replace) return false;
    slot = std::move(view);
    return true;
}

bool SessionCatalog::drop_view(const std::string& name, bool global) {
    if (global) return global_views_->drop(name);
    const std::scoped_lock lock(mutex_);
    return views_.erase(lower(name)) > 0;
}

std::vector<std::string> SessionCatalog::view_names() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, view] : views_) names.push_back(name);
    return names;
}

std::vector<std::string> SessionCatalog::memory_tables() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& name : memory_tables_) {
        if (queries_.memory_table(name) != nullptr) names.push_back(name);
    }
    return names;
}

void SessionCatalog::note_memory_table(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    memory_tables_.insert(name);
}

void SessionCatalog::keep(const std::string& id, std::vector<plan::Field> fields,
                          columnar::Batches rows) {
    const std::scoped_lock lock(mutex_);
    kept_[id] = {std::move(fields), std::move(rows)};
}

void SessionCatalog::release(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    kept_.erase(id);
}

base::Result<std::optional<columnar::Batches>> SessionCatalog::rows_of(
    const plan::ScanNode& scan) const {
    if (scan.table.empty()) return std::nullopt;
    if (scan.source.format == kMemoryTableFormat) {
        const auto table = queries_.memory_table(scan.table.back());
        if (table == nullptr) {
            return base::fail(base::Code::kNotFound, "The memory table {} is no longer there",
                              plan::quote_name(scan.table));
        }
        return table->snapshot();
    }
    if (scan.source.format == kKeptRowsFormat) {
        const std::scoped_lock lock(mutex_);
        const auto found = kept_.find(scan.table.back());
        if (found == kept_.end()) {
            return base::fail(base::Code::kNotFound, "No DataFrame with id {} is kept any longer",
                              scan.table.back());
        }
        return found->second.rows;
    }
    return std::nullopt;
}

plan::LogicalPtr to_plan(const Table& table) {
    plan::LocalDataNode node;
    plan::AttributeId id = 1;
    for (const auto& field : table.fields) {
        plan::Attribute attribute;
        attribute.id = id++;
        attribute.name = field.name;
        attribute.type = field.type;
        attribute.nullable = field.nullable;
        node.output.push_back(std::move(attribute));
    }
    for (const auto& row : table.rows) {
        std::vector<plan::TypedExprPtr> values;
        for (std::size_t i = 0; i < row.size(); i++) {
            plan::TypedExpr value;
            value.node = row[i];
            value.type = table.fields[i].type;
            value.nullable = row[i].is_null();
            values.push_back(std::make_shared<const plan::TypedExpr>(std::move(value)));
        }
        node.rows.push_back(std::move(values));
    }
    return plan::make_logical(std::move(node));
}

namespace {

void append(columnar::BatchBuilder::Column& column, const plan::Literal& value) {
    if (value.is_null()) return column.append_null();
    if (const auto* flag = std::get_if<bool>(&value.value)) return column.append_bool(*flag);
    if (const auto* number = std::get_if<std::int64_t>(&value.value)) {
        return column.append_int(*number);
    }
    if (const auto* text = std::get_if<std::string>(&value.value)) return column.append_text(*text);
    const auto* elements = std::get_if<std::vector<plan::Literal>>(&value.value);
    if (elements == nullptr) return column.append_null();
    column.append_nested(elements->size());
    for (const auto& element : *elements) append(column.child(0), element);
}

}  // namespace

base::Result<columnar::Batches> to_batches(const Table& table) {
    columnar::BatchBuilder builder(table.fields);
    for (const auto& row : table.rows) {
        for (std::size_t i = 0; i < row.size(); i++) append(builder.column(i), row[i]);
    }
    MR_TRY(auto batch, builder.finish());
    return columnar::Batches{std::move(batch)};
}

}  // namespace millrace::session
