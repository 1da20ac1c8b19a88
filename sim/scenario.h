// A scenario runs one part of the product from one seed and tells what broke a promise, if any.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace millrace::sim {

struct Options {
    bool verbose = false;  // Tell what happens, on standard error.
};

// What happened in all runs, so that a reader sees that the faults were really there.
struct Totals {
    std::uint64_t lives = 0;         // Starts of the simulated process.
    std::uint64_t power_cuts = 0;    //
    std::uint64_t disk_faults = 0;   //
    std::uint64_t acknowledged = 0;  // Records or batches that were promised to last.
    std::uint64_t verified = 0;      // Records or rows that were read back and compared.
    std::uint64_t cut_by_crash = 0;  // Unacknowledged ones that a crash took, as it may.

    bool operator==(const Totals&) const = default;
    void add(const Totals& other) {
        lives += other.lives;
        power_cuts += other.power_cuts;
        disk_faults += other.disk_faults;
        acknowledged += other.acknowledged;
        verified += other.verified;
        cut_by_crash += other.cut_by_crash;
    }
};

base::Result<void> run_log_scenario(std::uint64_t seed, const Options& options, Totals& totals);
base::Result<void> run_state_scenario(std::uint64_t seed, const Options& options, Totals& totals);

}  // namespace millrace::sim
