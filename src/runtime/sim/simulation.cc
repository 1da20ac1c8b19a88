#include "runtime/sim/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <limits>

namespace millrace::runtime {
namespace {

// The time of day at which every simulation starts: 2026-01-01 00:00:00 UTC.
constexpr std::int64_t kStartMs = 1'767'225'600'000;

class SimLoop final : public Loop, public Simulation::Source {
public:
    explicit SimLoop(Simulation& simulation) : simulation_(&simulation) { simulation.add(*this); }
    ~SimLoop() override {
        stop();
        simulation_->remove(*this);
    }

    void post(Work work) override {
        if (!stopped_) posted_.push_back(std::move(work));
    }
    std::int64_t now_ns() const override { return simulation_->now_ns(); }

    std::optional<std::int64_t> next_ns() const override {
        if (!posted_.empty()) return now_ns();
        return next_deadline_ns();
    }
    void run_one() override {
        const Turn turn(*this);
        // A timer that is due goes before what was posted, so that neither can starve the other.
        if (run_one_timer(now_ns()) || posted_.empty()) return;
        Work taken = std::move(posted_.front());
        posted_.pop_front();
        taken();
    }

    void stop() {
        stopped_ = true;
        const Turn turn(*this);
        std::deque<Work>().swap(posted_);
        destroy_tasks();
    }

private:
    void arm(std::int64_t) override {}  // The simulation asks by itself.

    Simulation* simulation_;
    std::deque<Work> posted_;
    bool stopped_ = false;
};

class SimLoopGroup final : public LoopGroup {
public:
    SimLoopGroup(Simulation& simulation, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            loops_.push_back(std::make_unique<SimLoop>(simulation));
        }
    }
    ~SimLoopGroup() override { stop(); }
    std::size_t size() const override { return loops_.size(); }
    Loop& at(std::size_t index) override {
        MR_CHECK(index < loops_.size());
        return *loops_[index];
    }
    void stop() override {
        for (auto& loop : loops_) loop->stop();
    }

private:
    std::vector<std::unique_ptr<SimLoop>> loops_;
};

// Work starts in its order, on the thread that is free first, and happens at the end of the time it
// takes, so that the order of the ends is random.
class SimPool final : public Pool, public Simulation::Source {
public:
    SimPool(Simulation& simulation, std::size_t threads, Duration longest)
        : simulation_(&simulation), free_at_ns_(threads, 0), longest_ns_(longest.count()) {
        simulation.add(*this);
    }
    ~SimPool() override {
        while (!pending_.empty()) run_one();
        simulation_->remove(*this);
    }

    std::size_t size() const override { return free_at_ns_.size(); }
    void submit(Work work) override {
        std::int64_t& free_at_ns = *std::ranges::min_element(free_at_ns_);
        free_at_ns = std::max(free_at_ns, simulation_->now_ns()) +
                     simulation_->dice().between(0, longest_ns_);
        pending_.emplace(free_at_ns, std::move(work));
    }
    std::optional<std::int64_t> next_ns() const override {
        if (pending_.empty()) return std::nullopt;
        return pending_.begin()->first;
    }
    void run_one() override {
        auto due = pending_.extract(pending_.begin());
        due.mapped()();
    }

private:
    Simulation* simulation_;
    std::vector<std::int64_t> free_at_ns_;  // Per thread.
    std::int64_t longest_ns_;
    std::multimap<std::int64_t, Work> pending_;  // By the time at which it happens.
};

}  // namespace

class Simulation::SimClock final : public Clock {
public:
    explicit SimClock(const Simulation& simulation) : simulation_(&simulation) {}
    std::int64_t wall_ms() const override {
        return simulation_->wall_offset_ms_ + simulation_->now_ns_ / 1'000'000;
    }
    std::int64_t monotonic_ns() const override { return simulation_->now_ns_; }

private:
    const Simulation* simulation_;
};

Simulation::Simulation(std::uint64_t seed)
    : seed_(seed),
      dice_(seed),
      order_(~seed),
      wall_offset_ms_(kStartMs),
      clock_(std::make_unique<SimClock>(*this)) {}

Simulation::~Simulation() {
    MR_CHECK(sources_.empty());
}

std::unique_ptr<LoopGroup> Simulation::make_loops(std::size_t count) {
    MR_CHECK(count > 0);
    return std::make_unique<SimLoopGroup>(*this, count);
}

std::unique_ptr<Pool> Simulation::make_pool(std::size_t threads, Duration longest) {
    MR_CHECK(threads > 0);
    return std::make_unique<SimPool>(*this, threads, longest);
}

bool Simulation::step() {
    std::int64_t earliest_ns = std::numeric_limits<std::int64_t>::max();
    ready_.clear();
    for (Source* source : sources_) {
        const auto next_ns = source->next_ns();
        if (!next_ns) continue;
        const std::int64_t due_ns = std::max(*next_ns, now_ns_);
        if (due_ns < earliest_ns) ready_.clear();
        earliest_ns = std::min(earliest_ns, due_ns);
        if (due_ns == earliest_ns) ready_.push_back(source);
    }
    if (ready_.empty()) return false;
    now_ns_ = earliest_ns;
    ready_[order_.below(ready_.size())]->run_one();
    return true;
}

void Simulation::run_until_idle() {
    while (step()) {
    }
}

void Simulation::run_for(Duration length) {
    const std::int64_t end_ns = now_ns_ + length.count();
    (void)run_until([&] { return false; }, length);
    now_ns_ = std::max(now_ns_, end_ns);
}

bool Simulation::run_until(const std::function<bool()>& done, Duration limit) {
    const std::int64_t end_ns = now_ns_ + limit.count();
    while (!done()) {
        std::optional<std::int64_t> next_ns;
        for (const Source* source : sources_) {
            const auto candidate = source->next_ns();
            if (candidate && (!next_ns || *candidate < *next_ns)) next_ns = candidate;
        }
        if (!next_ns || *next_ns > end_ns) return false;
        (void)step();
    }
    return true;
}

void Simulation::hangs() const {
    fmt::print(stderr, "simulation: a task hangs; seed {} at {} ms\n", seed_, now_ns_ / 1'000'000);
    std::abort();
}

}  // namespace millrace::runtime
