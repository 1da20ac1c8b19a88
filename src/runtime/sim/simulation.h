// Simulation: virtual time, loops and a pool on the calling thread, all in an order that one seed
// decides.
//
//     Simulation sim(seed);
//     const auto loops = sim.make_loops(2);
//     EXPECT_EQ(sim.run(loops->first(), produce(...)), ...);
//
// What is ready at the same moment runs in a random order; time jumps to the next event when
// nothing is ready, so that an hour costs nothing. The same seed gives the same run. A crash of a
// process is: disk.crash(), loops->stop(), destroy what lived in them, disk.restart(), start again.
// Thread rule: one thread for everything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/check.h"
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "runtime/pool.h"

namespace millrace::runtime {

// Random choices from a seed, as tests want them.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : random_(make_seeded_random(seed)) {}
    // 0 .. count-1; `count` is at least 1.
    std::uint64_t below(std::uint64_t count) { return random_->next() % count; }
    std::int64_t between(std::int64_t least, std::int64_t most) {
        return least +
               static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
    }
    bool chance(double probability) {
        return static_cast<double>(random_->next() >> 11) * 0x1p-53 < probability;
    }
    Random& random() { return *random_; }

private:
    std::unique_ptr<Random> random_;
};

class Simulation {
public:
    // Something that has work at certain times: a loop, a pool, the network.
    class Source {
    public:
        virtual ~Source() = default;
        // When its next piece of work is due (now or before: at once), or nullopt.
        virtual std::optional<std::int64_t> next_ns() const = 0;
        virtual void run_one() = 0;
    };

    explicit Simulation(std::uint64_t seed);
    ~Simulation();
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    std::uint64_t seed() const { return seed_; }
    Dice& dice() { return dice_; }
    Clock& clock() { return *clock_; }
    std::int64_t now_ns() const { return now_ns_; }
    // What an administrator, or a bad time server, does.
    void jump_wall_ms(std::int64_t by_ms) { wall_offset_ms_ += by_ms; }

    std::unique_ptr<LoopGroup> make_loops(std::size_t count);
    // Every piece of work takes between nothing and `longest` of virtual time.
    std::unique_ptr<Pool> make_pool(std::size_t threads,
                                    Duration longest = std::chrono::milliseconds(2));

    // Run one piece of work; false when nothing is left, now or later.
    bool step();
    // Run until nothing is left. Not for programs with a timer that always starts anew.
    void run_until_idle();
    void run_for(Duration length);
    // Run until `done` says so; false when the time is up, or nothing is left, before that.
    bool run_until(const std::function<bool()>& done, Duration limit = std::chrono::hours(1));
    // Run `task` on `loop` to its end, and give its value. The process ends, naming the seed, when
    // the task is still waiting after `limit`: a hang.
    template <class T>
    T run(Loop& loop, Task<T> task, Duration limit = std::chrono::hours(24));

    // For sources: from their making to their end.
    void add(Source& source) { sources_.push_back(&source); }
    void remove(Source& source) { std::erase(sources_, &source); }

private:
    class SimClock;
    [[noreturn]] void hangs() const;

    std::uint64_t seed_;
    Dice dice_;   // For the test and the faults,
    Dice order_;  // and for the order of events.
    std::int64_t now_ns_ = 0;
    std::int64_t wall_offset_ms_;
    std::unique_ptr<Clock> clock_;
    std::vector<Source*> sources_;
    std::vector<Source*> ready_;  // Kept for its capacity.
};

template <class T>
T Simulation::run(Loop& loop, Task<T> task, Duration limit) {
    struct Outcome {
        std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    };
    const auto outcome = std::make_shared<Outcome>();
    constexpr auto kRun = [](Task<T> inner, std::shared_ptr<Outcome> into) -> Task<void> {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(inner);
            into->value = true;
        } else {
            into->value.emplace(co_await std::move(inner));
        }
    };
    spawn(loop, kRun(std::move(task), outcome));
    if (!run_until([&] { return outcome->value.has_value(); }, limit)) hangs();
    if constexpr (!std::is_void_v<T>) return std::move(*outcome->value);
}

}  // namespace millrace::runtime
