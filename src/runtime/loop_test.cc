#include "runtime/loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/gate.h"
#include "runtime/pool.h"
#include "runtime/thread.h"

namespace millrace::runtime {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

Task<int> answer(int number) {
    co_return number;
}
Task<int> sum_to(int last) {
    int sum = 0;
    for (int i = 1; i <= last; ++i) sum += co_await answer(i);
    co_return sum;
}

class LoopTest : public testing::Test {
protected:
    template <class T>
    T run_here(Task<T> task) {
        return run_blocking(loops->first(), std::move(task));
    }
    std::unique_ptr<LoopGroup> loops = make_system_loops(2);
};

TEST_F(LoopTest, runs_tasks_without_growing_the_stack) {
    EXPECT_EQ(run_here(sum_to(60'000)), 1'800'030'000);
}

TEST_F(LoopTest, call_on_comes_back_to_the_calling_loop) {
    const auto visit = [](LoopGroup& group) -> Task<std::string> {
        std::string path;
        const auto note = [&] { path += Loop::current() == &group.at(0) ? 'a' : 'b'; };
        note();
        path += co_await call_on(group.at(1), [&] {
            note();
            return "-";
        });
        note();
        path += co_await call_on(group.at(1), [&]() -> Task<std::string> {
            note();
            co_await Loop::current()->sleep(milliseconds(1));
            co_return "+";  // Captures are fine here: call_on keeps the lambda alive.
        });
        note();
        co_return path;
    };
    EXPECT_EQ(run_here(visit(*loops)), "ab-ab+a");
}

TEST_F(LoopTest, runs_posts_in_order_and_never_inline) {
    const auto post_some = [](LoopGroup& group) -> Task<std::vector<int>> {
        std::vector<int> order;
        OneShot<void> done;
        for (int i = 0; i < 3; ++i) group.first().post([&order, i] { order.push_back(i); });
        group.first().post([done] { done.set(); });
        order.push_back(-1);
        co_await done;
        co_return order;
    };
    EXPECT_EQ(run_here(post_some(*loops)), (std::vector{-1, 0, 1, 2}));
}

TEST_F(LoopTest, rings_timers_in_order_of_their_deadlines_and_not_the_cancelled_ones) {
    const auto rings = [](Loop& loop) -> Task<std::string> {
        std::string rung;
        const auto later = [&](int ms, char name) {
            return loop.call_after(milliseconds(ms), [&rung, name] { rung += name; });
        };
        std::vector<Timer> timers;
        timers.push_back(later(4, 'd'));
        timers.push_back(later(2, 'b'));
        timers.push_back(later(1, 'a'));
        timers.push_back(later(3, 'c'));
        timers.push_back(loop.call_after(hours(1), [&rung] { rung += 'z'; }));
        timers[3].cancel();
        timers[3].cancel();
        co_await loop.sleep(milliseconds(5));
        co_return rung;
    };
    EXPECT_EQ(run_here(rings(loops->first())), "abd");
}

TEST_F(LoopTest, when_all_gives_the_values_in_the_order_of_the_tasks) {
    const auto all = []() -> Task<std::vector<int>> {
        std::vector<Task<int>> tasks;
        for (int i = 0; i < 5; ++i) tasks.push_back(sum_to(i));
        co_return co_await when_all(std::move(tasks));
    };
    EXPECT_EQ(run_here(all()), (std::vector{0, 1, 3, 6, 10}));
    const auto none = []() -> Task<std::vector<int>> {
        co_return co_await when_all(std::vector<Task<int>>());
    };
    EXPECT_EQ(run_here(none()).size(), 0u);
}

// A value that counts how many of it are alive.
struct Counted {
    explicit Counted(std::atomic<int>& alive) : count(&alive) { ++*count; }
    ~Counted() { --*count; }
    Counted(const Counted&) = delete;
    std::atomic<int>* count;
};

TEST_F(LoopTest, destroys_unfinished_tasks_timers_and_posts_with_the_loops) {
    std::atomic<int> alive = 0;
    const auto wait_for_ever = [](std::unique_ptr<Counted>, int kind) -> Task<void> {
        Condition never;
        const OneShot<int> not_set;
        if (kind == 0) co_await never.wait();
        if (kind == 1) co_await never.wait_for(hours(1));
        if (kind == 2) co_await Loop::current()->sleep(hours(1));
        if (kind == 3) co_await not_set.wait_for(hours(1));
        if (kind == 4) co_await not_set;
    };
    const auto started = [&](Loop& loop) -> Task<void> {
        for (int kind = 0; kind < 5; ++kind) {
            spawn(loop, wait_for_ever(std::make_unique<Counted>(alive), kind));
        }
        co_await yield();
        co_await yield();
    };
    run_here(started(loops->first()));
    EXPECT_EQ(alive, 5);
    loops->stop();
    EXPECT_EQ(alive, 0);

    spawn(loops->first(), wait_for_ever(std::make_unique<Counted>(alive), 0));
    loops->first().post([counted = std::make_unique<Counted>(alive)] {});
    EXPECT_EQ(alive, 0) << "what is given to a stopped loop is dropped";
}

TEST_F(LoopTest, one_shot_carries_the_first_value_set_from_any_thread) {
    const auto receive = [](OneShot<std::string> event) -> Task<std::string> {
        co_return co_await event;
    };
    OneShot<std::string> before;
    EXPECT_TRUE(before.set("early"));
    EXPECT_FALSE(before.set("second"));
    EXPECT_EQ(run_here(receive(before)), "early");

    for (int i = 0; i < 200; ++i) {
        const OneShot<std::string> event;
        const Thread setter("setter", [event](const std::stop_token&) { event.set("x"); });
        ASSERT_EQ(run_here(receive(event)), "x");
    }
}

TEST_F(LoopTest, one_shot_and_condition_time_out) {
    const auto waits = []() -> Task<std::string> {
        OneShot<int> event;
        Condition condition;
        std::string seen;
        seen += (co_await event.wait_for(milliseconds(1))) ? "set " : "late ";
        seen += (co_await condition.wait_for(milliseconds(1))) ? "told " : "late ";
        event.set(7);
        seen += std::to_string((co_await event.wait_for(hours(1))).value());
        co_return seen;
    };
    EXPECT_EQ(run_here(waits()), "late late 7");
}

TEST_F(LoopTest, condition_wakes_everyone_who_waits) {
    struct Shared {
        Condition condition;
        std::vector<int> woken;
        Gate gate;
    };
    const auto waiter = [](Shared& shared, Gate::Holder, int id) -> Task<void> {
        const bool told = id % 2 == 0 ? co_await shared.condition.wait()
                                      : co_await shared.condition.wait_for(hours(1));
        if (told) shared.woken.push_back(id);
    };
    const auto wake = [&](Loop& loop) -> Task<std::vector<int>> {
        Shared shared;
        for (int id = 0; id < 4; ++id) {
            spawn(loop, waiter(shared, std::move(shared.gate.enter()).value(), id));
        }
        co_await yield();
        shared.condition.notify_all();
        co_await shared.gate.close();
        co_return shared.woken;
    };
    EXPECT_EQ(run_here(wake(loops->first())), (std::vector{0, 1, 2, 3}));
}

TEST_F(LoopTest, gate_refuses_newcomers_and_waits_for_those_inside) {
    const auto visit = [](Loop& loop) -> Task<std::string> {
        Gate gate;
        std::string story;
        auto pass = gate.enter();
        loop.post([&story, pass = std::move(pass).value()] { story += "left "; });
        auto closing = gate.close();
        story += gate.enter() ? "entered " : "refused ";
        co_await std::move(closing);
        story += gate.inside() == 0 ? "empty" : "not empty";
        co_await gate.close();
        co_return story;
    };
    EXPECT_EQ(run_here(visit(loops->first())), "refused left empty");
}

TEST_F(LoopTest, pool_results_come_back_to_the_calling_loop) {
    const auto pool = make_system_pool("test", 2);
    const auto compute = [](Pool& threads) -> Task<int> {
        Loop* const home = Loop::current();
        int sum = 0;
        for (int i = 0; i < 100; ++i) {
            sum += co_await run(threads, [i] { return Loop::current() == nullptr ? i : -1000; });
            if (Loop::current() != home) co_return -1;
        }
        co_await run(threads, [] {});
        co_return sum;
    };
    EXPECT_EQ(run_here(compute(*pool)), 4950);
}

TEST(Pool, runs_everything_submitted_before_it_dies) {
    std::atomic<int> count = 0;
    {
        const auto pool = make_system_pool("test", 3);
        for (int i = 0; i < 1000; ++i) pool->submit([&count] { ++count; });
    }
    EXPECT_EQ(count, 1000);
}

TEST(Thread, is_asked_to_stop_and_joined) {
    bool asked = false;
    {
        const Thread thread("test", [&asked](const std::stop_token& stop) {
            while (!stop.stop_requested()) std::this_thread::yield();
            asked = true;
        });
    }
    EXPECT_TRUE(asked);
    Thread none;
    EXPECT_FALSE(none.joinable());
    none.join();
}

}  // namespace
}  // namespace millrace::runtime
