#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands_internal.h"

namespace millrace::cli {
namespace {

// Each asks the program itself, so that a script never grows old. What a shell has no candidates
// for may be a file.
constexpr std::string_view kBash = R"(# millrace completion bash
_millrace() {
    local line="${COMP_LINE:0:COMP_POINT}" word
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    word="${COMP_WORDS[COMP_CWORD]}"
    local whole="${words[-1]}" IFS=$'\n'
    COMPREPLY=($("${words[0]}" __complete "${words[@]:1}" 2>/dev/null))
    # Bash parts words at : and = too, and wants what follows the last of them.
    if [[ $whole != "$word" ]]; then
        local start="${whole%"$word"}"
        [[ $word == [:=] ]] && start="$whole"
        COMPREPLY=("${COMPREPLY[@]#"$start"}")
    fi
}
complete -o default -F _millrace millrace
)";

constexpr std::string_view kZsh = R"(#compdef millrace
# millrace completion zsh
_millrace() {
    local -a found
    found=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then
        compadd -a found
    else
        _files
    fi
}
compdef _millrace millrace
)";

constexpr std::string_view kFish = R"(# millrace completion fish
function __millrace_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c millrace -a '(__millrace_complete)'
)";

}  // namespace

void add_completion_command(CLI::App& app, const Program&, Action& action) {
    CLI::App* const command =
        app.add_subcommand("completion", "Print the completion script of a shell");
    const auto shell = std::make_shared<std::string>();
    command->add_option("shell", *shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}))
        ->type_name("bash|zsh|fish");
    command->footer(
        "Names of topics and groups are asked of the cluster of --brokers or MILLRACE_BROKERS.\n"
        "Examples:\n"
        "  source <(millrace completion bash)\n"
        "  source <(millrace completion zsh)\n"
        "  millrace completion fish | source");
    command->callback([shell, &action] {
        action = [shell] {
            fmt::print("{}", *shell == "bash" ? kBash : *shell == "zsh" ? kZsh : kFish);
            return 0;
        };
    });
}

}  // namespace millrace::cli
