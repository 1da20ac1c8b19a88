#include "streaming/query_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/log.h"
#include "runtime/clock.h"
#include "runtime/sim/sim_disk.h"
#include "streaming/memory_table.h"
#include "streaming/page_plans_internal.h"
#include "topic/in_memory_topics.h"

namespace millrace::streaming {
namespace {

using namespace std::chrono_literals;
using base::Code;
using test::Plans;

class QueryManagerTest : public testing::Test {
protected:
    QueryManagerTest() {
        base::set_log_level(base::LogLevel::kOff);
        clock_ = runtime::make_system_clock();
        topics_ = std::make_shared<topic::InMemoryTopics>(*clock_);
        EXPECT_TRUE(topics_->create({.name = "in", .partitions = 1, .configs = {}}));
        manager_ = std::make_unique<QueryManager>(
            Services{test::engine(),
                     disk_,
                     *clock_,
                     *random_,
                     [this](const plan::Options&) -> Result<std::shared_ptr<topic::Topics>> {
                         return topics_;
                     },
                     "/tmp",
                     {}});
    }
    void send(const std::string& page) {
        EXPECT_TRUE(topics_->append(
            {"in", 0}, {{.key = std::nullopt, .value = page, .timestamp_ms = -1, .headers = {}}}));
    }
    QuerySpec spec(const std::string& name,
                   plan::TriggerKind trigger = plan::TriggerKind::kDefault) {
        QuerySpec made;
        made.name = name;
        made.plan = Plans({{"subscribe", "in"}, {"startingoffsets", "earliest"}}).hits_per_page();
        made.mode = OutputMode::kComplete;
        made.trigger = {trigger, "50 milliseconds"};
        made.sink.format = "memory";
        return made;
    }
    std::shared_ptr<StreamingQuery> start(QuerySpec given) {
        auto query = manager_->start(std::move(given));
        EXPECT_TRUE(query) << query.error().to_string();
        return query ? *query : nullptr;
    }
    std::int64_t rows_of(const std::string& table) {
        return columnar::total_rows(manager_->memory_table(table)->snapshot());
    }

    runtime::SimDisk disk_{1};
    std::unique_ptr<runtime::Clock> clock_;
    std::unique_ptr<runtime::Random> random_ = runtime::make_seeded_random(1);
    std::shared_ptr<topic::InMemoryTopics> topics_;
    std::unique_ptr<QueryManager> manager_;
};

TEST_F(QueryManagerTest, an_append_shows_in_the_memory_table) {
    const auto query = start(spec("pages"));
    ASSERT_TRUE(query->process_all_available());
    EXPECT_EQ(rows_of("pages"), 0);
    send("a");
    send("b");
    ASSERT_TRUE(query->process_all_available());
    EXPECT_EQ(rows_of("pages"), 2);
    EXPECT_TRUE(query->is_active());
    EXPECT_THAT(*query->last_progress(), testing::HasSubstr("\"name\":\"pages\""));
    query->stop();
    EXPECT_FALSE(query->is_active());
    EXPECT_FALSE(query->exception());
    EXPECT_EQ(query->status().message, "Stopped");
    EXPECT_EQ(rows_of("pages"), 2) << "the table outlives its query";
    EXPECT_EQ(disk_.used_bytes(), 0U) << "a query without a checkpoint leaves nothing";
}

TEST_F(QueryManagerTest, available_now_and_once_end_by_themselves) {
    send("a");
    for (const auto trigger : {plan::TriggerKind::kAvailableNow, plan::TriggerKind::kOnce}) {
        const auto query = start(spec("pages", trigger));
        ASSERT_TRUE(*query->await_termination(10s));
        EXPECT_EQ(rows_of("pages"), 1);
    }
    EXPECT_THAT(manager_->active(), testing::IsEmpty());
}

TEST_F(QueryManagerTest, processing_time_runs_in_intervals) {
    const auto query = start(spec("pages", plan::TriggerKind::kProcessingTime));
    send("a");
    ASSERT_TRUE(query->process_all_available());
    EXPECT_EQ(rows_of("pages"), 1);
    query->stop();
}

TEST_F(QueryManagerTest, names_and_checkpoints_belong_to_one_active_query) {
    auto first = spec("pages");
    first.checkpoint_location = "/checkpoint";
    const auto query = start(first);
    const auto same_name = manager_->start(spec("pages"));
    ASSERT_FALSE(same_name);
    EXPECT_THAT(same_name.error().message(), testing::HasSubstr("already active"));
    auto second = spec("others");
    second.checkpoint_location = "/checkpoint";
    const auto same_checkpoint = manager_->start(second);
    ASSERT_FALSE(same_checkpoint);
    EXPECT_EQ(same_checkpoint.error().code(), Code::kConflict);
    const std::string id = query->id();
    query->stop();
    const auto again = start(first);
    EXPECT_EQ(again->id(), id) << "the id survives";
    EXPECT_NE(again->run_id(), query->run_id());
}

TEST_F(QueryManagerTest, a_failing_query_ends_alone_and_says_why) {
    // Shared: the good query ends, and says so, when this test's variables are gone.
    struct Heard {
        std::mutex mutex;
        std::vector<std::string> events;
    };
    const auto heard = std::make_shared<Heard>();
    manager_->add_listener([heard](const QueryEvent& event) {
        const std::lock_guard lock(heard->mutex);
        if (event.kind != QueryEvent::Kind::kProgress) heard->events.push_back(event.json);
    });
    const auto good = start(spec("good"));
    auto failing = spec("bad");
    failing.sink.callback = [](std::int64_t, const auto&, const auto&) -> Result<void> {
        return base::fail(Code::kRuntime, "the sink is on fire");
    };
    send("a");
    const auto bad = start(failing);
    const auto outcome = bad->await_termination(10s);
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error().message(), testing::HasSubstr("the sink is on fire"));
    EXPECT_EQ(bad->cause()->message(), "the sink is on fire");
    EXPECT_TRUE(good->is_active());
    ASSERT_TRUE(good->process_all_available());
    const auto any = manager_->await_any_termination(0ms);
    EXPECT_FALSE(any);
    manager_->reset_terminated();
    EXPECT_EQ(*manager_->await_any_termination(0ms), false);
    const std::lock_guard lock(heard->mutex);
    ASSERT_EQ(heard->events.size(), 3U);
    EXPECT_THAT(heard->events[2], testing::HasSubstr("on fire"));
}

TEST_F(QueryManagerTest, a_sink_may_stop_its_own_query) {
    std::atomic<StreamingQuery*> self = nullptr;
    auto given = spec("own");
    given.sink.callback = [&](std::int64_t, const auto&, const auto&) -> Result<void> {
        if (self != nullptr) self.load()->stop();
        return {};
    };
    const auto query = start(given);
    self = query.get();
    send("a");
    EXPECT_TRUE(*query->await_termination(10s));
    EXPECT_FALSE(query->exception());
}

TEST_F(QueryManagerTest, what_cannot_run_is_refused_before_it_starts) {
    const auto refused = [&](QuerySpec given) {
        const auto outcome = manager_->start(std::move(given));
        return outcome ? std::string("started") : outcome.error().message();
    };
    auto append = spec("a");
    append.mode = OutputMode::kAppend;
    EXPECT_THAT(refused(append), testing::HasSubstr("without watermark"));
    auto nameless = spec("");
    EXPECT_THAT(refused(nameless), testing::HasSubstr("queryName must be specified"));
    auto sink = spec("a");
    sink.sink.format = "nosuch";
    EXPECT_THAT(refused(sink), testing::HasSubstr("DATA_SOURCE_NOT_FOUND"));
    auto complete = spec("a");
    complete.plan = Plans({{"subscribe", "in"}}).views();
    EXPECT_THAT(refused(complete), testing::HasSubstr("complete"));
    auto continuous = spec("a", plan::TriggerKind::kContinuous);
    EXPECT_NE(refused(continuous), "started");
    EXPECT_THAT(manager_->active(), testing::IsEmpty());
}

}  // namespace
}  // namespace millrace::streaming
