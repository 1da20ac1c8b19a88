// NamePattern: the regular expressions of df.colRegex, matched against whole column names.
//
// A small backtracking matcher for what people write there: characters, classes, groups,
// alternatives, and greedy, lazy and possessive repeats. Its work is bounded by a step count.
// Column names are short; data goes through the engine's own regular expressions. Thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::sql {

class NamePattern {
public:
    // Nothing when the pattern uses what this matcher does not know.
    static std::optional<NamePattern> make(std::string_view pattern, bool case_sensitive);
    bool matches(std::string_view name) const;

    struct Node;

private:
    std::shared_ptr<const Node> root_;
};

}  // namespace millrace::sql
