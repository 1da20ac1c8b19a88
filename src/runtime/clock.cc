#include "runtime/clock.h"

#include <fmt/format.h>
#include <sys/random.h>

#include "base/check.h"

namespace millrace::runtime {
namespace {

class SystemClock final : public Clock {
public:
    std::int64_t wall_ms() const override {
        return since_epoch<std::chrono::system_clock, std::chrono::milliseconds>();
    }
    std::int64_t monotonic_ns() const override {
        return since_epoch<std::chrono::steady_clock, std::chrono::nanoseconds>();
    }

private:
    template <class Source, class Unit>
    static std::int64_t since_epoch() {
        return std::chrono::duration_cast<Unit>(Source::now().time_since_epoch()).count();
    }
};

class SystemRandom final : public Random {
public:
    std::uint64_t next() override {
        std::uint64_t number = 0;
        MR_CHECK(getrandom(&number, sizeof(number), 0) == sizeof(number));
        return number;
    }
};

// SplitMix64: every seed gives a full-period sequence without a warm-up.
class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() override {
        std::uint64_t mixed = (state_ += 0x9E3779B97F4A7C15);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

private:
    std::uint64_t state_;
};

}  // namespace

std::unique_ptr<Clock> make_system_clock() {
    return std::make_unique<SystemClock>();
}
std::unique_ptr<Random> make_system_random() {
    return std::make_unique<SystemRandom>();
}
std::unique_ptr<Random> make_seeded_random(std::uint64_t seed) {
    return std::make_unique<SeededRandom>(seed);
}

std::string make_uuid(Random& random) {
    std::uint64_t high = random.next();
    std::uint64_t low = random.next();
    high = (high & ~0xF000ULL) | 0x4000ULL;      // Version 4.
    low = (low & ~(3ULL << 62)) | (2ULL << 62);  // The variant of RFC 9562.
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF,
                       high & 0xFFFF, low >> 48, low & 0xFFFFFFFFFFFF);
}

}  // namespace millrace::runtime
