// Transactions over two topics and the offsets of groups, on a simulated disk whose power fails at
// any moment. Whatever was told to a producer holds afterwards: what was committed is there whole,
// what was aborted is not, what was under way is one or the other, the offsets of a group agree
// with the records, and nothing is left open.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "broker/append_signals.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/live_options.h"
#include "broker/partition.h"
#include "broker/services.h"
#include "broker/transaction/coordinator.h"
#include "config/server_options.h"
#include "model/batch_builder.h"
#include "model/records.h"
#include "runtime/sim/sim_disk.h"
#include "runtime/sim/simulation.h"
#include "storage/log_store.h"

namespace millrace::broker {
namespace {

using runtime::SimDisk;
using runtime::Simulation;
using runtime::Task;

constexpr const char* kTopics[] = {"a", "b"};
constexpr int kProducers = 4;

// What a producer has been told of one of its transactions.
struct Outcome {
    int records = 0;       // That were acknowledged, and some more perhaps.
    bool offsets = false;  // The number of the transaction, as the offset of its group.
    bool asked_to_commit = false;
    bool told = false;
};

class World {
public:
    explicit World(std::uint64_t seed) : sim_(seed), disk_(seed, &sim_.clock()) {}

    void start() {
        loops_ = sim_.make_loops(2);
        pool_ = sim_.make_pool(2);
        auto store = storage::LogStore::open(disk_, sim_.clock(), *pool_, "/data");
        ASSERT_TRUE(store) << store.error().to_string();
        store_ = std::move(*store);
        catalog_ = std::make_unique<Catalog>(
            Catalog::Environment{*store_, *loops_, *pool_, sim_.clock(), sim_.dice().random(),
                                 signals_, options_, kNodeId, [](const ClusterState&) {}});
        groups_ = std::make_unique<Coordinator>(*catalog_, sim_.clock(), GroupLimits{}, 2,
                                                std::int64_t{16} << 20);
        transactions_ = std::make_unique<TransactionCoordinator>(*catalog_, *groups_, sim_.clock(),
                                                                 TransactionLimits{}, 2);
        ASSERT_TRUE(sim_.run(loops_->first(), open()));
    }

    // Producers work until the power fails.
    void work() {
        for (int p = 0; p < kProducers; ++p) {
            runtime::spawn(loops_->at(sim_.dice().below(2)), produce(p));
        }
        sim_.run_for(std::chrono::microseconds(sim_.dice().between(0, 60'000)));
    }

    void crash() {
        disk_.crash();
        // What the pool was given runs to its end, on a disk that is gone: as long as there are the
        // coroutines that wait for it.
        pool_.reset();
        loops_->stop();
        transactions_.reset();
        groups_.reset();
        catalog_.reset();
        store_.reset();
        loops_.reset();
        disk_.restart();
    }

    // Takes over every transactional id, so that nothing stays open, and looks at all of it.
    void check() {
        for (int p = 0; p < kProducers; ++p) sim_.run(loops_->first(), take_over(p));
        std::map<std::pair<int, int>, int> seen;  // Records of each transaction.
        for (const char* topic : kTopics) {
            const auto partition = catalog_->find(topic)->partition(0);
            storage::Log& log = *partition->log();
            ASSERT_TRUE(sim_.run(partition->loop(), log.wait_durable(log.offsets().log_end)));
            on(partition->loop(), [&] { read(*partition->log(), seen); });
        }
        for (const auto& [name, outcome] : outcomes_) {
            const auto& [p, n] = name;
            const int count = seen.contains(name) ? seen.at(name) : 0;
            const std::string words = fmt::format("transaction {} of producer {}", n, p);
            if (outcome.told && outcome.asked_to_commit) {
                ASSERT_EQ(count, outcome.records) << words;
            } else if (!outcome.asked_to_commit) {
                ASSERT_EQ(count, 0) << words;
            } else {
                ASSERT_TRUE(count == 0 || count == outcome.records) << words << ": " << count;
            }
        }
        for (int p = 0; p < kProducers; ++p) {
            int last = -1;
            for (const auto& [name, outcome] : outcomes_) {
                if (name.first == p && outcome.offsets && seen.contains(name)) last = name.second;
            }
            ASSERT_EQ(group_offset(p), last) << "group of producer " << p;
        }
        committed_ += seen.size();
    }
    std::size_t committed() const { return committed_; }

private:
    template <class Fn>
    void on(runtime::Loop& loop, Fn fn) {
        constexpr auto kCall = [](Fn* call) -> Task<void> {
            (*call)();
            co_return;
        };
        sim_.run(loop, kCall(&fn));
    }

    Task<bool> open() {
        if (!co_await catalog_->open()) co_return false;
        if (!co_await groups_->open()) co_return false;
        if (!co_await transactions_->open()) co_return false;
        for (const char* topic : kTopics) {
            if (catalog_->find(topic)) continue;
            if (!co_await catalog_->create(topic, 1, {{"segment.bytes", "2000"}})) co_return false;
        }
        co_return true;
    }

    // A producer of the first protocol adds every partition before it writes there.
    static bool second_protocol(int p) { return p % 2 == 0; }
    static std::string id_of(int p) { return fmt::format("producer-{}", p); }

    Task<model::Producer> init(int p) {
        while (true) {
            const auto shard = co_await transactions_->shard(id_of(p));
            MR_CHECK(shard);
            const auto answer = co_await runtime::call_on((*shard)->loop(), [&] {
                return (*shard)->init(id_of(p), {.timeout_ms = 600'000, .expected = {}});
            });
            if (answer.error == ErrorCode::kNone) co_return answer.producer;
            MR_CHECK(answer.error == ErrorCode::kConcurrentTransactions);
            co_await runtime::Loop::current()->sleep(std::chrono::milliseconds(1));
        }
    }
    Task<void> take_over(int p) {
        co_await init(p);
        co_return;
    }

    Task<void> produce(int p) {
        model::Producer producer = co_await init(p);
        while (true) {
            Outcome& outcome = outcomes_[{p, next_[p]}];
            const int n = next_[p]++;
            std::map<std::string, std::int32_t>& by_topic = sequences_[producer];
            const int records = static_cast<int>(sim_.dice().between(1, 4));
            outcome.records = records;
            for (int r = 0; r < records; ++r) {
                const std::string topic = kTopics[sim_.dice().below(2)];
                co_await write(p, n, producer, topic, by_topic[topic]++);
            }
            if (sim_.dice().chance(0.5)) {
                outcome.offsets = true;
                co_await commit_offset(p, n, producer);
            }
            const bool commit = sim_.dice().chance(0.6);
            outcome.asked_to_commit = commit;
            producer = co_await end(p, producer, commit);
            outcome.told = true;
        }
    }

    // False: not yet, since the transaction before is at its end.
    Task<bool> added(int p, model::Producer producer, TransactionPartition partition) {
        const auto outcomes =
            co_await transactions_->verify({id_of(p), producer, {partition}, /*add=*/true});
        if (outcomes[0] == ErrorCode::kConcurrentTransactions) {
            co_await transactions_->wait_until_idle(id_of(p), 10);
            co_return false;
        }
        MR_CHECK(outcomes[0] == ErrorCode::kNone);
        co_return true;
    }

    // A batch, as the Produce handler takes it.
    Task<void> write(int p, int n, model::Producer producer, std::string topic,
                     std::int32_t sequence) {
        const auto partition = catalog_->find(topic)->partition(0);
        storage::Log& log = *partition->log();
        while (!second_protocol(p) && !co_await added(p, producer, {topic, 0})) {
        }
        while (true) {
            const std::uint64_t token = co_await runtime::call_on(
                partition->loop(), [&] { return log.start_verification(producer, sequence); });
            if (token != 0 && !co_await added(p, producer, {topic, 0})) continue;
            model::BatchBuilder builder(
                {.producer = producer, .base_sequence = sequence, .transactional = true});
            builder.add({0}, std::nullopt, base::ByteView(fmt::format("{} {}", p, n)));
            base::Bytes bytes = builder.build();
            const bool durable = co_await runtime::call_on(
                partition->loop(), [&] { return append(log, bytes, token); });
            MR_CHECK(durable);
            co_return;
        }
    }
    static Task<bool> append(storage::Log& log, base::Bytes& bytes, std::uint64_t token) {
        base::Bytes scratch;
        const auto checked = storage::CheckedBatch::check(bytes, storage::Origin::kClient,
                                                          log.config(), {0}, scratch);
        MR_CHECK(checked);
        const auto appended = log.append(*checked, {.verification = token});
        if (!appended) {
            fmt::print(stderr, "APPEND {}\n", appended.error().to_string());
            co_return false;
        }
        co_return (co_await log.wait_durable(appended->next_offset)).has_value();
    }

    Task<void> commit_offset(int p, int n, model::Producer producer) {
        const std::string group = fmt::format("group-{}", p);
        const auto shard = co_await groups_->shard(group);
        const auto index = co_await groups_->offsets_partition(group);
        MR_CHECK(shard && index);
        const TransactionPartition offsets{Coordinator::kOffsetsTopic, *index};
        while (!second_protocol(p) && !co_await added(p, producer, offsets)) {
        }
        while (true) {
            const std::uint64_t token = co_await runtime::call_on(
                (*shard)->loop(), [&] { return (*shard)->start_verification(producer); });
            if (token != 0 && !co_await added(p, producer, offsets)) continue;
            std::vector<OffsetWrite> writes;
            writes.push_back({{"a", 0}, n, -1, ""});
            const ErrorCode outcome = co_await runtime::call_on((*shard)->loop(), [&] {
                return (*shard)->commit_in_transaction(group, {}, producer, token,
                                                       std::move(writes));
            });
            MR_CHECK(outcome == ErrorCode::kNone);
            co_return;
        }
    }

    Task<model::Producer> end(int p, model::Producer producer, bool commit) {
        const auto shard = co_await transactions_->shard(id_of(p));
        MR_CHECK(shard);
        const auto answer = co_await runtime::call_on((*shard)->loop(), [&] {
            return (*shard)->end(id_of(p), {producer, commit, second_protocol(p)});
        });
        MR_CHECK(answer.error == ErrorCode::kNone);
        co_return answer.producer;
    }

    void read(storage::Log& log, std::map<std::pair<int, int>, int>& seen) {
        const auto offsets = log.offsets();
        ASSERT_EQ(offsets.last_stable, offsets.log_end) << "something is left open";
        model::Offset at = offsets.log_start;
        while (at < offsets.last_stable) {
            const auto slice = log.read(at, 500, storage::Isolation::kReadCommitted);
            ASSERT_TRUE(slice) << slice.error().to_string();
            const auto bytes = slice->load();
            ASSERT_TRUE(bytes && !bytes->empty());
            storage::AbortedFilter filter(log.aborted_transactions(at, slice->bound));
            for (base::ByteView rest = *bytes; !rest.empty();) {
                const auto batch = model::RecordBatch::parse(rest);
                if (!batch) break;
                rest.remove_prefix(batch->size_bytes());
                at = batch->next_offset();
                if (filter.leaves_out(*batch)) continue;
                base::Bytes scratch;
                const auto payload = model::unpack(*batch, scratch);
                model::RecordIterator records(*batch, *payload);
                model::RecordView record;
                while (*records.next(record)) {
                    std::pair<int, int> name;
                    const char* const end = record.value->data() + record.value->size();
                    const auto first = std::from_chars(record.value->data(), end, name.first);
                    std::from_chars(first.ptr + 1, end, name.second);
                    ++seen[name];
                }
            }
        }
    }

    std::int64_t group_offset(int p) {
        const std::string group = fmt::format("group-{}", p);
        GroupShard* shard = groups_->shard_of_partition(partition_of_key(group, 2));
        if (!shard) return -1;
        std::int64_t offset = -1;
        on(shard->loop(), [&] {
            EXPECT_FALSE(shard->unstable(group, {"a", 0})) << "for ever";
            const auto found = shard->fetch(group, {{"a", 0}});
            if (found[0]) offset = found[0]->offset;
        });
        return offset;
    }

    Simulation sim_;
    SimDisk disk_;
    AppendSignals signals_;
    LiveOptions options_{config::ServerOptions{}};
    std::unique_ptr<runtime::LoopGroup> loops_;
    std::unique_ptr<runtime::Pool> pool_;
    std::unique_ptr<storage::LogStore> store_;
    std::unique_ptr<Catalog> catalog_;
    std::unique_ptr<Coordinator> groups_;
    std::unique_ptr<TransactionCoordinator> transactions_;
    std::map<std::pair<int, int>, Outcome> outcomes_;  // By producer and number.
    std::map<int, int> next_;
    std::map<model::Producer, std::map<std::string, std::int32_t>> sequences_;
    std::size_t committed_ = 0;
};

TEST(TransactionCrash, a_power_cut_never_tears_a_transaction) {
    const char* const one = std::getenv("MILLRACE_SEED");
    const char* const many = std::getenv("MILLRACE_SEEDS");
    const std::uint64_t first =
        one != nullptr ? std::strtoull(one, nullptr, 10) : std::random_device{}();
    const std::uint64_t count = one != nullptr    ? 1
                                : many != nullptr ? std::strtoull(many, nullptr, 10)
                                                  : 40;
    std::size_t committed = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        SCOPED_TRACE(fmt::format("MILLRACE_SEED={}", seed));
        World world(seed);
        for (int life = 0; life < 5; ++life) {
            world.start();
            if (testing::Test::HasFailure()) return;
            if (life > 0) world.check();
            if (testing::Test::HasFailure()) return;
            world.work();
            world.crash();
        }
        committed += world.committed();
    }
    EXPECT_TRUE(one != nullptr || committed > count) << "the test must see transactions";
}

}  // namespace
}  // namespace millrace::broker
