#include "cli/completion/completion.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>

#include "base/strings.h"
#include "cli/kafka/options.h"
#include "cli/program.h"
#include "client/cluster.h"

namespace millrace::cli {
namespace {

// What an option or argument takes: "TOPIC", "FORMAT", "topic|broker" ...
std::string kind_of(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    return type.substr(0, type.find_first_of(":["));
}

const CLI::Option* option_named(const CLI::App& app, const std::string& word) {
    for (const CLI::Option* option : app.get_options()) {
        if (option->nonpositional() && option->check_name(word)) return option;
    }
    for (const CLI::App* group :
         app.get_subcommands([](const CLI::App* any) { return any->get_name().empty(); })) {
        if (const CLI::Option* const found = option_named(*group, word)) return found;
    }
    return nullptr;
}

void add_options(const CLI::App& app, std::vector<std::string>& into) {
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_snames()) into.push_back("-" + name);
        for (const std::string& name : option->get_lnames()) into.push_back("--" + name);
    }
    for (const CLI::App* group :
         app.get_subcommands([](const CLI::App* any) { return any->get_name().empty(); })) {
        add_options(*group, into);
    }
}

const CLI::App* subcommand_named(const CLI::App& app, const std::string& word) {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (!word.empty() && command->get_name() == word) return command;
    }
    return nullptr;
}

std::vector<std::string> values_of(const std::string& kind, const std::vector<std::string>& words,
                                   const NameSource& names) {
    if (kind == "TOPIC" || kind == "GROUP" || kind == "TRANSACTION") return names(kind, words);
    if (kind == "FORMAT") return {"help", "json", "jsonl", "text", "yaml"};
    std::vector<std::string> values;
    if (!kind.contains('|')) return values;
    for (const std::string_view choice : base::split(kind, '|')) values.emplace_back(choice);
    return values;
}

// Where an unfinished command line stands.
struct Place {
    const CLI::App* app;
    const CLI::Option* pending = nullptr;  // An option that waits for its value.
    std::size_t arguments = 0;             // Positional ones that are there already.
};

Place place_of(const CLI::App& root, const std::vector<std::string>& words) {
    Place place{.app = &root};
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        const std::string& word = words[i];
        if (place.pending != nullptr) {
            place.pending = nullptr;
        } else if (word.size() > 1 && word.starts_with('-')) {
            const CLI::Option* const option = option_named(*place.app, word);
            if (option != nullptr && option->get_expected_min() > 0) place.pending = option;
        } else if (const CLI::App* const command = subcommand_named(*place.app, word)) {
            place.app = command;
            place.arguments = 0;
        } else {
            ++place.arguments;
        }
    }
    return place;
}

}  // namespace

std::vector<std::string> complete(const CLI::App& app, const std::vector<std::string>& words,
                                  const NameSource& names) {
    const std::string current = words.empty() ? "" : words.back();
    const Place place = place_of(app, words);
    std::vector<std::string> candidates;
    if (place.pending != nullptr) {
        candidates = values_of(kind_of(*place.pending), words, names);
    } else if (current.starts_with('-')) {
        add_options(*place.app, candidates);
    } else {
        for (const CLI::App* command : place.app->get_subcommands(
                 [](const CLI::App* any) { return !any->get_name().empty(); })) {
            candidates.push_back(command->get_name());
        }
        std::size_t at = 0;
        for (const CLI::Option* option : place.app->get_options()) {
            if (!option->get_positional()) continue;
            // The last argument of a list takes all that follow.
            const bool is_list = option->get_items_expected_max() > 1;
            if (at++ < place.arguments && !is_list) continue;
            const auto values = values_of(kind_of(*option), words, names);
            candidates.insert(candidates.end(), values.begin(), values.end());
            break;
        }
    }
    std::erase_if(candidates, [&](const std::string& word) { return !word.starts_with(current); });
    std::ranges::sort(candidates);
    candidates.erase(std::ranges::unique(candidates).begin(), candidates.end());
    return candidates;
}

std::vector<std::string> names_of_cluster(const Program& program, std::string_view kind,
                                          const std::vector<std::string>& words) {
    KafkaOptions options;
    for (std::size_t i = 0; i + 2 < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "-b" || word == "--brokers") options.brokers = words[i + 1];
        if (word == "-F" || word == "--client-config") options.config_file = words[i + 1];
        if (word == "-X") options.settings.push_back(words[i + 1]);
    }
    std::vector<std::string> names;
    const auto settings = settings_of(program, options);
    if (!settings) return names;
    // A person waits at the keyboard.
    const auto cluster = program.kafka.connect(*settings, std::chrono::seconds(1));
    if (!cluster) return names;
    if (kind == "TRANSACTION") {
        const auto direct = (*cluster)->direct();
        if (!direct) return names;
        const auto list = (*direct)->transactions({});
        if (!list) return names;
        for (const auto& one : list->transactions) names.push_back(one.id);
        return names;
    }
    if (kind == "GROUP") {
        const auto groups = (*cluster)->groups();
        if (!groups) return names;
        for (const auto& group : *groups) names.push_back(group.name);
        return names;
    }
    const auto overview = (*cluster)->overview();
    if (!overview) return names;
    for (const auto& [name, topic] : overview->topics) names.push_back(name);
    return names;
}

}  // namespace millrace::cli
