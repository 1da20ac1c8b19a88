// Clock and Random: the only sources of time and chance, so that a simulation can own both.
//
// Pass them by reference from app/wiring (or a test); nobody calls the system's own. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace millrace::runtime {

using Duration = std::chrono::nanoseconds;

class Clock {
public:
    virtual ~Clock() = default;
    // Milliseconds since the Unix epoch; may jump when an administrator sets the time.
    virtual std::int64_t wall_ms() const = 0;
    // Nanoseconds since an arbitrary start; never goes back.
    virtual std::int64_t monotonic_ns() const = 0;
};

class Random {
public:
    virtual ~Random() = default;
    virtual std::uint64_t next() = 0;
};

std::unique_ptr<Clock> make_system_clock();
// Seeded by the operating system.
std::unique_ptr<Random> make_system_random();
// The same numbers for the same seed, on every machine.
std::unique_ptr<Random> make_seeded_random(std::uint64_t seed);
// A random version 4 UUID in its text form.
std::string make_uuid(Random& random);

}  // namespace millrace::runtime
