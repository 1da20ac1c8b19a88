// Commands: plans that change something instead of giving rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "plan/relation.h"

namespace millrace::plan {

enum class SaveMode : std::uint8_t { kAppend, kOverwrite, kErrorIfExists, kIgnore };

struct WriteCommand {  // df.write…save(path) / saveAsTable / insertInto
    RelationPtr input;
    std::string format;  // Empty: the session's spark.sql.sources.default.
    SaveMode mode = SaveMode::kErrorIfExists;
    std::string path;
    std::vector<std::string> table;
    bool insert_into = false;
    std::vector<std::string> partition_by;
    std::vector<std::string> sort_by;
    Options options;
};
struct CreateViewCommand {
    RelationPtr input;
    std::string name;
    bool global = false;
    bool replace = false;
    std::vector<std::string> column_names;
};
struct DropViewCommand {
    std::vector<std::string> name;
    bool if_exists = false;
};
struct SetConfCommand {  // SET, SET k, SET k=v, RESET
    std::optional<std::string> key;
    std::optional<std::string> value;
    bool reset = false;
};
struct ShowCommand {  // SHOW TABLES/VIEWS/FUNCTIONS/COLUMNS …, DESCRIBE, EXPLAIN
    std::string what;
    std::vector<std::string> name;
    std::string pattern;
    std::string mode;  // EXPLAIN's.
    RelationPtr query;
};
enum class TriggerKind : std::uint8_t {
    kDefault,
    kProcessingTime,
    kAvailableNow,
    kOnce,
    kContinuous,
    kRealTime
};
struct Trigger {
    TriggerKind kind = TriggerKind::kDefault;
    std::string interval;  // "10 seconds"
};
struct StartStreamCommand {  // df.writeStream…start()
    RelationPtr input;
    std::string format;
    Options options;
    std::vector<std::string> partition_by;
    Trigger trigger;
    std::string output_mode;  // "append", "update", "complete"; empty: append.
    std::string query_name;
    std::string path;
    std::vector<std::string> table;
};

using Command = std::variant<WriteCommand, CreateViewCommand, DropViewCommand, SetConfCommand,
                             ShowCommand, StartStreamCommand>;

// What one SQL statement is.
using Statement = std::variant<RelationPtr, Command>;

}  // namespace millrace::plan
