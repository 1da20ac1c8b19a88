// millrace_sim: runs scenarios from seeds and prints the seed of each that breaks a promise.
//
//     millrace_sim --seeds 100000 --first-seed 1      many seeds
//     millrace_sim --scenario log --seed 4711         one of them again, telling what happens
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/strings.h"
#include "sim/scenario.h"

namespace {

using millrace::base::Result;
using millrace::sim::Options;
using millrace::sim::Totals;

struct Scenario {
    std::string_view name;
    Result<void> (*run)(std::uint64_t seed, const Options& options, Totals& totals);
};
constexpr Scenario kScenarios[] = {
    {"log", millrace::sim::run_log_scenario},
    {"state", millrace::sim::run_state_scenario},
};

constexpr std::string_view kHelp =
    "millrace_sim runs scenarios on a virtual disk and clock, from seeds.\n"
    "  --scenario NAME   only this one (log, state)\n"
    "  --seeds N         how many seeds (100)\n"
    "  --first-seed N    the first of them (1)\n"
    "  --seed N          this one alone, telling what happens\n";

// What to print when a broken invariant ends the process.
char replay_words[160];

void on_abort(int) {
    // tidy: a signal handler may do no more than this.
    const auto ignored = ::write(STDERR_FILENO, replay_words, std::strlen(replay_words));
    (void)ignored;
}

struct Arguments {
    std::string_view scenario;
    std::int64_t seeds = 100;
    std::int64_t first_seed = 1;
    Options options;
};

Result<Arguments> parse(const std::vector<std::string_view>& words) {
    Arguments arguments;
    for (std::size_t i = 0; i < words.size(); i += 2) {
        if (i + 1 == words.size()) {
            return millrace::base::fail(millrace::base::Code::kInvalidArgument,
                                        "'{}' is unknown or needs a value", words[i]);
        }
        if (words[i] == "--scenario") {
            arguments.scenario = words[i + 1];
            continue;
        }
        MR_TRY(const std::int64_t number, millrace::base::parse_int64(words[i + 1], 0));
        if (words[i] == "--seeds") {
            arguments.seeds = number;
        } else if (words[i] == "--first-seed") {
            arguments.first_seed = number;
        } else if (words[i] == "--seed") {
            arguments.first_seed = number;
            arguments.seeds = 1;
            arguments.options.verbose = true;
        } else {
            return millrace::base::fail(millrace::base::Code::kInvalidArgument, "'{}' is unknown",
                                        words[i]);
        }
    }
    return arguments;
}

// Every so often a seed runs twice: what cannot be replayed cannot be mended.
constexpr std::uint64_t kSeedsPerReplay = 16;

Result<void> run_one(const Scenario& scenario, std::uint64_t seed, const Arguments& arguments,
                     Totals& totals) {
    Totals first;
    auto outcome = scenario.run(seed, arguments.options, first);
    totals.add(first);
    if (!outcome || seed % kSeedsPerReplay != 0 || arguments.options.verbose) return outcome;
    Totals second;
    outcome = scenario.run(seed, arguments.options, second);
    if (outcome && !(first == second)) {
        return millrace::base::fail(millrace::base::Code::kInternal,
                                    "the same seed gave two different runs");
    }
    return outcome;
}

// The number of seeds that failed.
int run(const Scenario& scenario, const Arguments& arguments) {
    Totals totals;
    int failed = 0;
    for (std::int64_t seed = arguments.first_seed;
         seed < arguments.first_seed + arguments.seeds && failed < 10; ++seed) {
        const auto end =
            fmt::format_to_n(replay_words, sizeof(replay_words) - 1,
                             "replay: millrace_sim --scenario {} --seed {}\n", scenario.name, seed);
        *end.out = '\0';
        const auto outcome = run_one(scenario, static_cast<std::uint64_t>(seed), arguments, totals);
        if (outcome) continue;
        ++failed;
        fmt::print(stderr, "scenario {}, seed {}: {}\n{}", scenario.name, seed,
                   outcome.error().message(), replay_words);
    }
    fmt::print(
        "{}: {} seeds from {}, {} failed; {} starts, {} power cuts, {} disk faults, {} "
        "acknowledged, {} cut by a crash, {} read back and compared\n",
        scenario.name, arguments.seeds, arguments.first_seed, failed, totals.lives,
        totals.power_cuts, totals.disk_faults, totals.acknowledged, totals.cut_by_crash,
        totals.verified);
    return failed;
}

}  // namespace

int main(int count, char** words) {
    const std::vector<std::string_view> given(words + 1, words + count);
    if (!given.empty() && given[0] == "--help") {
        fmt::print("{}", kHelp);
        return 0;
    }
    const auto arguments = parse(given);
    if (!arguments) {
        fmt::print(stderr, "{}\n{}", arguments.error().message(), kHelp);
        return 2;
    }
    std::signal(SIGABRT, on_abort);
    millrace::base::set_log_level(arguments->options.verbose ? millrace::base::LogLevel::kInfo
                                                             : millrace::base::LogLevel::kOff);
    int failed = 0;
    bool found = false;
    for (const Scenario& scenario : kScenarios) {
        if (!arguments->scenario.empty() && arguments->scenario != scenario.name) continue;
        found = true;
        failed += run(scenario, *arguments);
    }
    if (!found) fmt::print(stderr, "there is no scenario '{}'\n", arguments->scenario);
    return failed == 0 && found ? 0 : 1;
}
