// What may stand at the end of an unfinished command line: commands, options, values, and the names
// of topics, groups and transactional ids that the cluster tells of.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace millrace::cli {

struct Program;

// The names that exist of a kind ("TOPIC", "GROUP", "TRANSACTION"); `words` are those of the
// command line, which may say where the cluster is.
using NameSource = std::function<std::vector<std::string>(std::string_view kind,
                                                          const std::vector<std::string>& words)>;

// Candidates for the last of `words` (which may be empty), sorted. Empty where files or anything
// else may stand.
std::vector<std::string> complete(const CLI::App& app, const std::vector<std::string>& words,
                                  const NameSource& names);

// Asks the cluster, for a second at most; nothing when it cannot be asked.
std::vector<std::string> names_of_cluster(const Program& program, std::string_view kind,
                                          const std::vector<std::string>& words);

}  // namespace millrace::cli
