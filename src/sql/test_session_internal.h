// A session for tests: settings in a map, a few tables, and plans as text.
#pragma once

#include <map>
#include <string>

#include "sql/analyzer.h"
#include "sql/parser.h"

namespace millrace::sql {

class TestSession : public Conf, public Catalog, public Sources {
public:
    std::map<std::string, std::string> settings;
    std::map<std::string, plan::LogicalPtr> views;

    std::optional<std::string> get(const std::string& key) const override {
        const auto found = settings.find(key);
        return found == settings.end() ? std::nullopt : std::optional(found->second);
    }
    plan::LogicalPtr temp_view(const std::vector<std::string>& name) const override {
        const auto found = views.find(name.back());
        return found == views.end() ? nullptr : found->second;
    }
    plan::LogicalPtr cached(const std::string&) const override { return nullptr; }
    // Any table t… has the columns below.
    std::optional<plan::ScanNode> table(const std::vector<std::string>& name) const override {
        if (name.size() != 1 || (name[0] != "t" && name[0] != "u" && name[0] != "s")) {
            return std::nullopt;
        }
        plan::ScanNode scan;
        scan.source.format = "memory";
        scan.table = name;
        scan.is_streaming = name[0] == "s";
        const auto add = [&](const char* column, const char* type) {
            plan::Attribute attribute;
            attribute.name = column;
            attribute.type = *parse_type(type);
            scan.output.push_back(std::move(attribute));
        };
        if (name[0] == "u") {
            add("a", "int");
            add("x", "string");
            return scan;
        }
        add("a", "int");
        add("b", "bigint");
        add("c", "string");
        add("d", "double");
        add("e", "decimal(10,2)");
        add("ts", "timestamp");
        add("day", "date");
        add("arr", "array<int>");
        add("m", "map<string,int>");
        add("st", "struct<x: int, y: string>");
        add("v", "binary");
        return scan;
    }
    std::vector<std::string> table_names() const override { return {"t", "u", "s"}; }
    base::Result<plan::LogicalPtr> answer(const plan::CatalogRel&) override {
        return base::fail(base::Code::kUnsupported, "no catalog here");
    }
    base::Result<std::vector<plan::Field>> schema_of(
        plan::DataSourceRel& source, const std::optional<plan::DataType>& given) override {
        if (given) return given->fields();
        if (source.format == "kafka") {
            return std::vector<plan::Field>{{"key", plan::DataType::binary(), true, {}},
                                            {"value", plan::DataType::binary(), true, {}},
                                            {"topic", plan::DataType::string(), true, {}},
                                            {"timestamp", plan::DataType::timestamp(), true, {}}};
        }
        return base::fail(base::Code::kUnsupported, "no schema for {}", source.format);
    }

    base::Result<plan::LogicalPtr> analyze(const plan::RelationPtr& relation) {
        AnalysisContext context{.conf = *this,
                                .catalog = *this,
                                .sources = *this,
                                .now_us = 1'700'000'000'000'000,
                                .user = "me"};
        return sql::analyze(relation, context);
    }
    base::Result<plan::LogicalPtr> query(const std::string& text) {
        plan::SqlRel sql;
        sql.text = text;
        return analyze(plan::make_relation(std::move(sql)));
    }
};

}  // namespace millrace::sql
