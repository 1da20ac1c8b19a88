// SessionConf: the settings of one session, by Spark's names.
//
// A key is known when it has a row in the table of defaults (conf_table.cc) or was set; asking for
// an unknown one is Spark's error SQL_CONF_NOT_FOUND, which clients rely on. Values are checked
// against the row's kind when they are set. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sql/analyzer.h"

namespace millrace::session {

using base::Code;
using base::fail;
using base::Result;

// One known setting.
struct ConfRow {
    enum class Kind : std::uint8_t { kText, kBoolean, kInteger, kBytes, kZone };
    std::string_view key;
    std::string_view default_value;
    Kind kind = Kind::kText;
    bool fixed = false;     // Static in Spark: cannot be set in a session.
    bool optional = false;  // Known, but without a default.
};
std::span<const ConfRow> conf_table();  // Sorted by key.
const ConfRow* find_conf(std::string_view key);

class SessionConf final : public sql::Conf {
public:
    explicit SessionConf(std::map<std::string, std::string> server_settings = {});
    SessionConf(const SessionConf& other);

    // The value that is set, else the default; nullopt when there is neither.
    std::optional<std::string> get(const std::string& key) const override;
    // Only what was set, here or for the whole server: no default of Spark's.
    std::optional<std::string> get_set(const std::string& key) const;
    // As get(), but an unknown key is an error.
    Result<std::optional<std::string>> require(const std::string& key) const;
    Result<void> set(const std::string& key, const std::string& value);
    Result<void> unset(const std::string& key);
    void reset();
    bool is_modifiable(const std::string& key) const;
    // What was set, and with `defaults` also the settings that have a default.
    std::map<std::string, std::string> all(bool defaults) const;
    bool is_true(const std::string& key) const;
    std::int64_t integer(const std::string& key, std::int64_t otherwise) const;

private:
    const std::map<std::string, std::string> server_settings_;
    mutable std::mutex mutex_;
    std::map<std::string, std::string> values_;
};

}  // namespace millrace::session
