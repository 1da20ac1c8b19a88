#include <gtest/gtest.h>

#include "connect/operation_internal.h"
#include "connect/workers.h"
#include "spark/connect/base.pb.h"

namespace millrace::connect {

namespace {

using Next = Operation::Next;
constexpr std::chrono::milliseconds kNow{0};

proto::ExecutePlanResponse of_size(std::size_t bytes) {
    proto::ExecutePlanResponse response;
    response.mutable_arrow_batch()->set_data(std::string(bytes, 'x'));
    return response;
}

// The ids that a fresh consumer gets before there is nothing more to take, then how it ended.
std::string drain(Operation& operation, Operation::Consumer consumer) {
    std::string seen;
    while (true) {
        Operation::Response response;
        std::optional<base::Error> error;
        switch (operation.next(consumer, kNow, response, error)) {
            case Next::kResponse: seen += response->response_id() + " "; break;
            case Next::kEnd: return seen + "end";
            case Next::kError: return seen + error->condition()->name;
            case Next::kPreempted: return seen + "preempted";
            case Next::kTimeout: return seen + "wait";
        }
    }
}

std::string attach_and_drain(Operation& operation, const std::string& last) {
    const auto consumer = operation.attach(last);
    return consumer ? drain(operation, *consumer) : consumer.error().condition()->name;
}

}  // namespace

TEST(Operation, gives_responses_in_order_and_then_ends) {
    Operation operation("op", {}, true, {});
    operation.put(of_size(1), "a");
    operation.put(of_size(1), "b");
    const auto consumer = operation.attach("");
    ASSERT_TRUE(consumer);
    EXPECT_EQ(drain(operation, *consumer), "a b wait");
    operation.put(of_size(1), "c");
    operation.succeed();
    EXPECT_EQ(drain(operation, *consumer), "c end");
}

TEST(Operation, goes_on_after_the_last_response_that_was_seen) {
    Operation operation("op", {}, true, {});
    for (const char* id : {"a", "b", "c"}) operation.put(of_size(1), id);
    operation.succeed();
    EXPECT_EQ(attach_and_drain(operation, ""), "a b c end");
    EXPECT_EQ(attach_and_drain(operation, "a"), "b c end");
    EXPECT_EQ(attach_and_drain(operation, "c"), "end");
    EXPECT_EQ(attach_and_drain(operation, "zz"), "INVALID_CURSOR.POSITION_NOT_AVAILABLE");
    EXPECT_TRUE(operation.release_until("b"));
    EXPECT_FALSE(operation.release_until("b"));
    EXPECT_EQ(attach_and_drain(operation, "a"), "INVALID_CURSOR.POSITION_NOT_AVAILABLE");
}

TEST(Operation, a_later_consumer_takes_the_place_of_the_earlier) {
    Operation operation("op", {}, true, {});
    operation.put(of_size(1), "a");
    const auto first = operation.attach("");
    const auto second = operation.attach("");
    EXPECT_EQ(drain(operation, *first), "preempted");
    EXPECT_EQ(drain(operation, *second), "a wait");
}

TEST(Operation, drops_what_was_sent_beyond_the_retry_size_but_keeps_the_last) {
    Operation operation("op", {}, true, {.unsent_bytes = 1 << 20, .retry_bytes = 100});
    for (const char* id : {"a", "b", "c"}) operation.put(of_size(80), id);
    operation.succeed();
    EXPECT_EQ(attach_and_drain(operation, ""), "a b c end");
    EXPECT_EQ(attach_and_drain(operation, "a"), "INVALID_CURSOR.POSITION_NOT_AVAILABLE");
    EXPECT_EQ(attach_and_drain(operation, "c"), "end");
}

TEST(Operation, a_worker_waits_while_too_much_is_unsent) {
    Operation operation("op", {}, true, {.unsent_bytes = 100, .retry_bytes = 100});
    Workers workers(1);
    std::atomic<int> done = 0;
    workers.submit([&] {
        for (int i = 0; i < 10; i++) operation.put(of_size(80), std::to_string(i));
        done = 10;
        operation.succeed();
    });
    const auto consumer = operation.attach("");
    std::string seen;
    while (true) {
        Operation::Response response;
        std::optional<base::Error> error;
        const auto next = operation.next(*consumer, std::chrono::seconds(10), response, error);
        if (next != Next::kResponse) {
            EXPECT_EQ(next, Next::kEnd);
            break;
        }
        seen += response->response_id();
    }
    EXPECT_EQ(seen, "0123456789");
    EXPECT_EQ(done, 10);
}

TEST(Operation, cancelling_wakes_the_worker_and_ends_with_sparks_error) {
    Operation operation("op", {}, true, {.unsent_bytes = 10, .retry_bytes = 10});
    bool woken = false;
    operation.on_cancel([&] { woken = true; });
    operation.put(of_size(80), "a");
    operation.cancel();
    EXPECT_TRUE(woken);
    EXPECT_TRUE(operation.cancelled());
    EXPECT_FALSE(operation.put(of_size(80), "b"));
    operation.fail(base::Error(base::Code::kRuntime, "whatever the engine said"));
    EXPECT_EQ(operation.state(), Operation::State::kCancelled);
    EXPECT_EQ(attach_and_drain(operation, ""), "a OPERATION_CANCELED");
}

TEST(Workers, run_everything_with_a_bounded_number_of_threads) {
    std::atomic<int> ran = 0;
    {
        Workers workers(3);
        for (int i = 0; i < 200; i++) workers.submit([&] { ran++; });
    }
    EXPECT_EQ(ran, 200);
}

}  // namespace millrace::connect
