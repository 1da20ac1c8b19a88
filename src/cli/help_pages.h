// The help of every command as one page of Markdown: docs/cli.md.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace millrace::cli {

std::string help_pages(const CLI::App& app);

}  // namespace millrace::cli
