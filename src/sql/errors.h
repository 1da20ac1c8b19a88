// Spark's error conditions: the one place where analysis and parsing make their errors.
//
// The table (errors.inc) holds each condition's SQLSTATE and message template; spark_error() fills
// it in. Messages read "[CONDITION] text SQLSTATE: nnnnn", as Spark prints them, with the place in
// the query behind where it is known. Thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "plan/expression.h"

namespace millrace::sql {

using ErrorParameters = std::map<std::string, std::string>;

// Where in a query an error lies: its text and the part that is wrong. Empty text: unknown.
struct Site {
    std::string_view text;
    plan::Origin origin;
};

// An AnalysisException. An unknown condition is a defect and aborts.
base::Error spark_error(std::string_view condition, const ErrorParameters& parameters,
                        const Site& site = {});
// A ParseException: the message ends with position, text and caret.
base::Error parse_error(std::string_view condition, const ErrorParameters& parameters,
                        const Site& site);
// Text that Spark raises under a numbered condition of its own (streaming's rules).
base::Error legacy_error(std::string_view condition, std::string message);
// UNSUPPORTED_FEATURE for what this program does not have, naming what was met.
base::Error unsupported(std::string_view what, const Site& site = {});

// Parameters as Spark quotes them.
std::string quoted_id(const std::vector<std::string>& parts);  // `a`.`b`
std::string quoted_id(std::string_view name);                  // `a`
std::string quoted_type(const plan::DataType& type);           // "INT"
std::string quoted_expr(std::string_view text);                // "(a + 1)"

// Line and column (both from the start of `text`; lines from 1, columns from 0) of a byte offset.
std::pair<int, int> line_and_column(std::string_view text, int offset);

// `candidates` by likeness to `name`, most alike first, at most five, quoted for a proposal list.
std::string proposals(std::string_view name,
                      const std::vector<std::vector<std::string>>& candidates);

}  // namespace millrace::sql
