// The same promises over the wire: librdkafka as a client of our own broker.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "broker/broker.h"
#include "client/remote_topics.h"
#include "config/server_options.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "runtime/socket.h"
#include "topic/contract.h"
#include "topic/topics.h"

namespace millrace::app {
namespace {

class RunningBroker {
public:
    RunningBroker()
        : folder_(std::filesystem::temp_directory_path() / "millrace-app-XXXXXX"),
          disk_(runtime::make_system_disk()),
          clock_(runtime::make_system_clock()),
          random_(runtime::make_system_random()),
          loops_(runtime::make_system_loops(2)),
          pool_(runtime::make_system_pool("disk", 2)),
          network_(runtime::make_system_network(*loops_)),
          broker_({*loops_, *pool_, *network_, *disk_, *clock_, *random_}, options()) {
        EXPECT_TRUE(runtime::run_blocking(loops_->first(), broker_.start()));
    }
    ~RunningBroker() {
        runtime::run_blocking(loops_->first(), broker_.stop());
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    RunningBroker(const RunningBroker&) = delete;
    RunningBroker& operator=(const RunningBroker&) = delete;

    topic::Topics& local() { return broker_.topics(); }
    client::Settings settings() const {
        return {{"bootstrap.servers", fmt::format("127.0.0.1:{}", broker_.port())}};
    }

private:
    config::ServerOptions options() {
        EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
        config::ServerOptions options;
        options.data_dir = folder_;
        options.kafka_port = 0;
        return options;
    }

    std::string folder_;
    std::unique_ptr<runtime::Disk> disk_;
    std::unique_ptr<runtime::Clock> clock_;
    std::unique_ptr<runtime::Random> random_;
    std::unique_ptr<runtime::LoopGroup> loops_;
    std::unique_ptr<runtime::Pool> pool_;
    std::unique_ptr<runtime::Network> network_;
    broker::Broker broker_;
};

TEST(RemoteTopics, keep_the_contract_on_our_own_broker) {
    RunningBroker broker;
    const auto topics = client::connect_topics(broker.settings());
    ASSERT_TRUE(topics) << topics.error().to_string();
    EXPECT_EQ(topic::broken_promises(**topics, "remote"), std::vector<std::string>());
}

TEST(RemoteTopics, see_what_the_local_ones_see) {
    RunningBroker broker;
    const auto remote = client::connect_topics(broker.settings());
    ASSERT_TRUE(remote) << remote.error().to_string();
    ASSERT_TRUE(broker.local().create(
        {.name = "t", .partitions = 3, .configs = {{"retention.ms", "12345"}}}));
    for (int i = 0; i < 100; ++i) {
        const topic::TopicPartition to{"t", i % 3};
        topic::Topics& through = i % 2 == 0 ? broker.local() : **remote;
        ASSERT_TRUE(through.append(to, {{.key = fmt::format("k{}", i),
                                         .value = std::string(static_cast<std::size_t>(i), 'v'),
                                         .timestamp_ms = 1000 + i,
                                         .headers = {{"i", fmt::format("{}", i)}}}}));
    }
    for (int partition = 0; partition < 3; ++partition) {
        const topic::TopicPartition from{"t", partition};
        const auto range = (*remote)->offsets(from);
        ASSERT_TRUE(range) << range.error().to_string();
        const auto a = broker.local().read(from, range->first, range->next, {.headers = true});
        const auto b = (*remote)->read(from, range->first, range->next, {.headers = true});
        ASSERT_TRUE(a && b);
        EXPECT_EQ(a->next_offset, b->next_offset);
        EXPECT_EQ(a->records.offsets, b->records.offsets);
        EXPECT_EQ(a->records.timestamps_ms, b->records.timestamps_ms);
        EXPECT_EQ(a->records.keys, b->records.keys);
        EXPECT_EQ(a->records.values, b->records.values);
        EXPECT_EQ(a->records.value_offsets, b->records.value_offsets);
        EXPECT_EQ(a->records.headers, b->records.headers);
    }
    const auto described = (*remote)->describe("t");
    ASSERT_TRUE(described) << described.error().to_string();
    EXPECT_EQ(described->configs, (std::map<std::string, std::string>{{"retention.ms", "12345"}}));
}

}  // namespace
}  // namespace millrace::app
