// Transactions as clients of both protocols send them; and mistakes that compatible brokers have
// made, each in a test named after what must not happen.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "broker/sharded_topic.h"
#include "broker/transaction/transaction_log.h"
#include "broker/transactions_harness_internal.h"
#include "kafka/messages/api_versions.h"
#include "kafka/messages/delete_topics.h"
#include "kafka/messages/find_coordinator.h"
#include "storage/log_store.h"

namespace millrace::broker {
namespace {

class Transactions : public testing::Test, protected TransactionHarness {};

TEST_F(Transactions, the_second_protocol_is_told_as_a_finalized_feature) {
    kafka::ApiVersionsRequest request;
    request.client_software_name = "test";
    request.client_software_version = "1.0";
    for (const std::int16_t version : {3, 4}) {
        const auto response = client.call<kafka::ApiVersionsResponse>(request, version);
        ASSERT_TRUE(response);
        EXPECT_GE(response->finalized_features_epoch, 0);
        std::string finalized;
        for (const auto& one : response->finalized_features) {
            if (one.name == "transaction.version") {
                finalized = fmt::format("{}-{}", one.min_version_level, one.max_version_level);
            }
        }
        EXPECT_EQ(finalized, "2-2");
        bool supported = false;
        for (const auto& one : response->supported_features) {
            supported = supported || (one.name == "transaction.version" && one.max_version == 2);
        }
        EXPECT_EQ(supported, version >= 4) << "a minimum of 0 is nothing for older clients";
    }
}

TEST_F(Transactions, the_coordinator_of_a_transactional_id_is_this_broker) {
    kafka::FindCoordinatorRequest request;
    request.key_type = 1;
    request.coordinator_keys = {"id"};
    const auto response = client.call<kafka::FindCoordinatorResponse>(request, 6);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->coordinators.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(response->coordinators.at(0).node_id, 1);
}

TEST_F(Transactions, commits_and_aborts_by_the_second_protocol) {
    create("t");
    Producer producer = init("id");
    EXPECT_EQ(write(producer, "t"), "0");
    EXPECT_EQ(write(producer, "t"), "1");
    EXPECT_EQ(stable("t"), 0);
    EXPECT_EQ(committed_batches("t"), "");
    EXPECT_EQ(end(producer, true), "NONE");
    EXPECT_EQ(producer.producer.epoch, 1);
    await_state("id", "CompleteCommit");
    EXPECT_EQ(stable("t"), 3);
    EXPECT_EQ(committed_batches("t"), "0 1 ");
    EXPECT_EQ(write(producer, "t"), "3");
    EXPECT_EQ(end(producer, false), "NONE");
    await_state("id", "CompleteAbort");
    EXPECT_EQ(committed_batches("t"), "0 1 ");
    EXPECT_EQ(stable("t"), 5);
    // Whoever reads everything sees all of it.
    EXPECT_EQ(list_offset("t", -1).offset, 5);
}

TEST_F(Transactions, commits_and_aborts_by_the_first_protocol) {
    create("t");
    create("u");
    Producer producer = init("id");
    for (const bool commit : {true, false, true}) {
        EXPECT_EQ(add(producer, {"t", "u"}), "NONE NONE");
        EXPECT_NE(write(producer, "t", 11), "INVALID_TXN_STATE");
        EXPECT_EQ(end(producer, commit, 3), "NONE");
    }
    await_state("id", "CompleteCommit");
    EXPECT_EQ(producer.producer.epoch, 0);
    EXPECT_EQ(committed_batches("t"), "0 4 ");
    EXPECT_EQ(stable("t"), 6);
    EXPECT_EQ(stable("u"), 3) << "a marker for each transaction that holds it";
}

TEST_F(Transactions, list_offsets_never_ignores_the_isolation_level) {
    create("t");
    ASSERT_EQ(produce_error("t", make_batch(2)), "NONE");
    Producer producer = init("id");
    EXPECT_EQ(write(producer, "t"), "2");
    const auto at = [&](std::int8_t isolation, std::int64_t timestamp_ms) {
        kafka::ListOffsetsRequest request;
        request.isolation_level = isolation;
        auto& asked = request.topics.emplace_back();
        asked.name = "t";
        asked.partitions.emplace_back().timestamp = timestamp_ms;
        const auto response = client.call<kafka::ListOffsetsResponse>(request, 7);
        MR_CHECK(response);
        return response->topics.at(0).partitions.at(0).offset;
    };
    constexpr std::int64_t kLatest = -1;
    EXPECT_EQ(at(0, kLatest), 3);
    EXPECT_EQ(at(1, kLatest), 2);
    EXPECT_EQ(at(0, 1001), 1);
    EXPECT_EQ(at(1, 1001), 1);
    EXPECT_EQ(end(producer, true), "NONE");
    await_state("id", "CompleteCommit");
    EXPECT_EQ(at(0, kLatest), 4);
    EXPECT_EQ(at(1, kLatest), 4);
}

TEST_F(Transactions, a_waiting_consumer_of_committed_records_is_woken_by_the_commit) {
    create("t");
    Producer producer = init("id");
    EXPECT_EQ(write(producer, "t"), "0");
    TestClient consumer(broker);
    auto request = fetch_request("t", 0, 15'000);
    request.isolation_level = 1;
    consumer.send(request, 12);
    EXPECT_EQ(end(producer, true), "NONE");
    const auto response = consumer.receive<kafka::FetchResponse>(12);
    ASSERT_TRUE(response);
    const auto& one = response->responses.at(0).partitions.at(0);
    EXPECT_GT(one.records.size, 0u);
    EXPECT_EQ(one.last_stable_offset, 2);
}

TEST_F(Transactions, an_aborted_record_is_never_shown_at_any_offset_or_size) {
    create("t");
    Producer one = init("one");
    Producer two = init("two");
    for (int round = 0; round < 6; ++round) {
        write(one, "t");
        write(two, "t");
        write(one, "t");
        EXPECT_EQ(end(one, false), "NONE");
        await_state("one", "CompleteAbort");
        EXPECT_EQ(committed_batches("t"), [&] {
            std::string text;
            for (int i = 0; i < round; ++i) text += fmt::format("{} ", 5 * i + 1);
            return text;
        }());
        EXPECT_EQ(end(two, true), "NONE");
        await_state("two", "CompleteCommit");
    }
    for (std::int64_t from = 0; from <= 30; ++from) {
        std::string expected;
        for (int i = 0; i < 6; ++i) {
            if (5 * i + 1 >= from) expected += fmt::format("{} ", 5 * i + 1);
        }
        EXPECT_EQ(committed_batches("t", 0, from), expected) << from;
    }
}

TEST_F(Transactions, a_delayed_end_never_commits_a_later_transaction) {
    create("t");
    Producer producer = init("id");
    write(producer, "t");
    Producer delayed = producer;
    EXPECT_EQ(end(producer, false), "NONE");
    await_state("id", "CompleteAbort");
    EXPECT_EQ(write(producer, "t"), "2");
    EXPECT_EQ(end(delayed, true), "PRODUCER_FENCED");
    EXPECT_EQ(end(delayed, false, 1), "INVALID_PRODUCER_EPOCH");
    EXPECT_EQ(state("id"), "Ongoing");
    EXPECT_EQ(end(producer, true), "NONE");
    await_state("id", "CompleteCommit");
    EXPECT_EQ(committed_batches("t"), "2 ");
}

TEST_F(Transactions, an_end_comes_from_a_connection_that_never_began_anything) {
    create("t");
    Producer producer = init("id");
    write(producer, "t");
    TestClient other(broker);
    EXPECT_EQ(end(producer, true, 3, &other), "NONE");
    await_state("id", "CompleteCommit");
    EXPECT_EQ(committed_batches("t"), "0 ");
}

TEST_F(Transactions, a_newer_producer_fences_the_older_one_and_aborts_what_it_left) {
    create("t");
    Producer older = init("id");
    write(older, "t");
    Producer newer = init("id");
    EXPECT_EQ(newer.producer.id, older.producer.id);
    EXPECT_GT(newer.producer.epoch, older.producer.epoch + 1);
    EXPECT_EQ(write(older, "t"), "INVALID_PRODUCER_EPOCH");
    EXPECT_EQ(write(older, "t", 9), "INVALID_PRODUCER_EPOCH");
    EXPECT_EQ(add(older, {"t"}), "PRODUCER_FENCED");
    EXPECT_EQ(add(older, {"t"}, 1), "INVALID_PRODUCER_EPOCH");
    EXPECT_EQ(end(older, true), "PRODUCER_FENCED");
    EXPECT_EQ(end(older, true, 3), "PRODUCER_FENCED");
    EXPECT_EQ(commit_offset(older, "g", "t", 1), "INVALID_PRODUCER_EPOCH");
    EXPECT_EQ(init_error("id", 60'000, older.producer, 3), "INVALID_PRODUCER_EPOCH");
    EXPECT_EQ(init_error("id", 60'000, older.producer, 4), "PRODUCER_FENCED");
    EXPECT_EQ(stable("t"), 2);
    EXPECT_EQ(committed_batches("t"), "");
    EXPECT_EQ(write(newer, "t"), "2");
}

TEST_F(Transactions, requests_that_make_no_sense_are_refused_as_kafka_refuses_them) {
    create("t");
    EXPECT_EQ(init_error(""), "INVALID_REQUEST");
    EXPECT_EQ(init_error("id", 0), "INVALID_TRANSACTION_TIMEOUT");
    EXPECT_EQ(init_error("id", 900'001), "INVALID_TRANSACTION_TIMEOUT");
    EXPECT_EQ(init_error("id", 900'000), "NONE");
    EXPECT_EQ(init_error("id", 1000, model::Producer{5, -1}), "INVALID_REQUEST");
    EXPECT_EQ(state("nobody"), "TRANSACTIONAL_ID_NOT_FOUND");
    EXPECT_EQ(state(""), "INVALID_REQUEST");
    Producer stranger{"nobody", {4711, 0}};
    EXPECT_EQ(add(stranger, {"t"}), "INVALID_PRODUCER_ID_MAPPING");
    EXPECT_EQ(end(stranger, true), "INVALID_PRODUCER_ID_MAPPING");
    EXPECT_EQ(write(stranger, "t"), "INVALID_PRODUCER_ID_MAPPING");
    Producer producer = init("id");
    EXPECT_EQ(add(producer, {"t", "missing"}),
              "OPERATION_NOT_ATTEMPTED UNKNOWN_TOPIC_OR_PARTITION");
    EXPECT_EQ(add(producer, {"__transaction_state"}), "TOPIC_AUTHORIZATION_FAILED");
    EXPECT_EQ(state("id"), "Empty");
    EXPECT_EQ(end(producer, true), "INVALID_TXN_STATE");
    EXPECT_EQ(add(Producer{"", producer.producer}, {"t"}), "INVALID_REQUEST");
    EXPECT_EQ(add_offsets(Producer{"", producer.producer}, "g"), "INVALID_REQUEST");
}

TEST_F(Transactions, a_partition_that_was_not_added_is_never_written_by_the_first_protocol) {
    create("t");
    Producer producer = init("id");
    for (const auto& [version, error] :
         {std::pair<std::int16_t, const char*>{9, "INVALID_TXN_STATE"},
          {10, "INVALID_TXN_STATE"},
          {11, "TRANSACTION_ABORTABLE"}}) {
        EXPECT_EQ(write(producer, "t", version), error) << version;
    }
    EXPECT_EQ(commit_offset(producer, "g", "t", 1, 3), "INVALID_TXN_STATE");
    EXPECT_EQ(commit_offset(producer, "g", "t", 1, 4), "TRANSACTION_ABORTABLE");
    Producer nameless{"", producer.producer};
    EXPECT_EQ(write(nameless, "t"), "INVALID_TXN_STATE");
    EXPECT_EQ(list_offset("t", -1).offset, 0);
}

TEST_F(Transactions, brokers_may_ask_for_several_transactions_and_only_ask) {
    create("t");
    Producer one = init("one");
    Producer two = init("two");
    const auto ask = [&](bool verify_only) {
        kafka::AddPartitionsToTxnRequest request;
        for (const Producer* producer : {&one, &two}) {
            request.transactions.push_back({producer->id,
                                            producer->producer.id,
                                            producer->producer.epoch,
                                            verify_only,
                                            {{"t", {0}}}});
        }
        const auto response = client.call<kafka::AddPartitionsToTxnResponse>(request, 5);
        MR_CHECK(response);
        std::string words;
        for (const auto& result : response->results_by_transaction) {
            words +=
                result.transactional_id + " " +
                std::string(error_name(
                    result.topic_results.at(0).results_by_partition.at(0).partition_error_code)) +
                " ";
        }
        return words;
    };
    EXPECT_EQ(ask(true), "one TRANSACTION_ABORTABLE two TRANSACTION_ABORTABLE ");
    EXPECT_EQ(ask(false), "one NONE two NONE ");
    EXPECT_EQ(ask(true), "one NONE two NONE ");
}

// ---- offsets ----

TEST_F(Transactions, offsets_count_only_once_their_transaction_commits) {
    create("t");
    Producer producer = init("id");
    EXPECT_EQ(commit("g", "t", 3), ErrorCode::kNone);
    EXPECT_EQ(commit_offset(producer, "g", "t", 5), "NONE");
    EXPECT_EQ(group_offset("g", "t", false), "3");
    EXPECT_EQ(group_offset("g", "t", true), "UNSTABLE_OFFSET_COMMIT");
    EXPECT_EQ(end(producer, false), "NONE");
    await_state("id", "CompleteAbort");
    EXPECT_EQ(group_offset("g", "t", true), "3");
    EXPECT_EQ(commit_offset(producer, "g", "t", 5), "NONE");
    EXPECT_EQ(end(producer, true), "NONE");
    await_state("id", "CompleteCommit");
    EXPECT_EQ(group_offset("g", "t", true), "5");
    // By the first protocol.
    EXPECT_EQ(add_offsets(producer, "g"), "NONE");
    EXPECT_EQ(commit_offset(producer, "g", "t", 8, 3), "NONE");
    EXPECT_EQ(end(producer, true, 3), "NONE");
    await_state("id", "CompleteCommit");
    EXPECT_EQ(group_offset("g", "t", true), "8");
}

TEST_F(Transactions, a_group_never_disagrees_with_its_log_after_a_restart) {
    create("t");
    create("u");
    Producer commits = init("commits");
    Producer aborts = init("aborts");
    EXPECT_EQ(commit_offset(commits, "g", "t", 5), "NONE");
    EXPECT_EQ(commit_offset(aborts, "g", "u", 6), "NONE");
    broker.restart();
    client.reconnect();
    EXPECT_EQ(group_offset("g", "t", true), "UNSTABLE_OFFSET_COMMIT");
    EXPECT_EQ(group_offset("g", "t", false), "-1");
    // A commit from outside that comes later counts, whatever the transaction says.
    EXPECT_EQ(commit("later", "t", 1), ErrorCode::kNone);
    EXPECT_EQ(commit_offset(commits, "later", "t", 2), "NONE");
    EXPECT_EQ(commit("later", "t", 3), ErrorCode::kNone);
    EXPECT_EQ(end(commits, true), "NONE");
    EXPECT_EQ(end(aborts, false), "NONE");
    await_state("commits", "CompleteCommit");
    await_state("aborts", "CompleteAbort");
    for (int life = 0; life < 2; ++life) {
        EXPECT_EQ(group_offset("g", "t", true), "5");
        EXPECT_EQ(group_offset("g", "u", true), "-1");
        EXPECT_EQ(group_offset("later", "t", true), "3");
        broker.restart();
        client.reconnect();
    }
}

TEST_F(Transactions, offsets_of_a_member_that_is_none_are_refused) {
    create("t");
    Producer producer = init("id");
    kafka::TxnOffsetCommitRequest request;
    request.transactional_id = "id";
    request.group_id = "g";
    request.producer_id = producer.producer.id;
    request.producer_epoch = producer.producer.epoch;
    request.generation_id = 3;
    request.member_id = "member";
    auto& asked = request.topics.emplace_back();
    asked.name = "t";
    asked.partitions.push_back({0, 1, -1, ""});
    const auto response = client.call<kafka::TxnOffsetCommitResponse>(request, 5);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->topics.at(0).partitions.at(0).error_code, ErrorCode::kIllegalGeneration);
}

// ---- restarts and time ----

TEST_F(Transactions, a_coordinator_never_forgets_what_it_has_acknowledged) {
    create("t");
    Producer producer = init("id");
    EXPECT_EQ(write(producer, "t"), "0");
    broker.restart();
    client.reconnect();
    EXPECT_EQ(state("id"), "Ongoing");
    EXPECT_EQ(write(producer, "t"), "1");
    EXPECT_EQ(end(producer, true), "NONE");
    await_state("id", "CompleteCommit");
    broker.restart();
    client.reconnect();
    EXPECT_EQ(committed_batches("t"), "0 1 ");
    EXPECT_EQ(write(producer, "t"), "3");
}

TEST_F(Transactions, a_decision_whose_markers_a_crash_has_cut_short_is_never_left_undone) {
    create("t");
    create("u");
    for (const bool commit : {true, false}) {
        SCOPED_TRACE(commit);
        Producer producer = init("id");
        EXPECT_EQ(add(producer, {"t", "u"}), "NONE NONE");
        const std::string at_t = write(producer, "t", 11);
        producer.sequence = 0;
        const std::string at_u = write(producer, "u", 11);
        // The process dies when the decision is durable and the marker of one partition is.
        broker.restart([&](const std::string& folder) {
            const auto disk = runtime::make_system_disk();
            const auto clock = runtime::make_system_clock();
            auto store = storage::LogStore::open(*disk, *clock, broker.pool(), folder);
            MR_CHECK(store);
            const auto edit = [&](const char* topic, std::int32_t partition,
                                  std::function<bool(storage::Log&)> append) {
                auto log = (*store)->open_log({*model::TopicName::make(topic), {partition}}, {},
                                              broker.loop());
                MR_CHECK(log);
                constexpr auto kEdit =
                    [](std::unique_ptr<storage::Log> edited,
                       std::function<bool(storage::Log&)> work) -> runtime::Task<void> {
                    MR_CHECK(work(*edited));
                    MR_CHECK(co_await edited->close());
                };
                runtime::run_blocking(broker.loop(), kEdit(std::move(*log), std::move(append)));
            };
            TransactionData decided{.producer_id = producer.producer.id,
                                    .producer_epoch = producer.producer.epoch,
                                    .timeout_ms = 60'000,
                                    .state = commit ? TransactionState::kPrepareCommit
                                                    : TransactionState::kPrepareAbort,
                                    .partitions = {{"t", 0}, {"u", 0}},
                                    .update_ms = clock->wall_ms(),
                                    .start_ms = clock->wall_ms()};
            edit("__transaction_state", partition_of_key("id", 8), [&](storage::Log& log) {
                model::BatchBuilder builder;
                builder.add({clock->wall_ms()}, base::ByteView(transaction_key("id")),
                            base::ByteView(transaction_value(decided)));
                base::Bytes bytes = builder.build();
                base::Bytes scratch;
                const auto checked = storage::CheckedBatch::check(
                    bytes, storage::Origin::kCoordinator, {}, {0}, scratch);
                return checked && log.append(*checked).has_value();
            });
            edit("t", 0, [&](storage::Log& log) {
                return log.append_marker(producer.producer, {commit, 0}, false).has_value();
            });
        });
        client.reconnect();
        await_state("id", commit ? "CompleteCommit" : "CompleteAbort");
        EXPECT_EQ(stable("t"), list_offset("t", -1).offset);
        EXPECT_EQ(stable("u"), list_offset("u", -1).offset);
        const std::string shown_t = " " + committed_batches("t");
        const std::string shown_u = " " + committed_batches("u");
        EXPECT_EQ(shown_t.find(" " + at_t + " ") != std::string::npos, commit) << shown_t;
        EXPECT_EQ(shown_u.find(" " + at_u + " ") != std::string::npos, commit) << shown_u;
    }
}

TEST_F(Transactions, a_transaction_never_hangs_for_good_when_its_producer_is_gone) {
    create("t");
    Producer producer = init("id", 100);
    EXPECT_EQ(write(producer, "t"), "0");
    await_state("id", "CompleteAbort");
    EXPECT_EQ(stable("t"), 2);
    EXPECT_EQ(committed_batches("t"), "");
    EXPECT_EQ(write(producer, "t"), "INVALID_PRODUCER_EPOCH");
    // Also when nobody was there to watch the time.
    Producer other = init("other", 100);
    EXPECT_EQ(write(other, "t"), "2");
    broker.restart();
    client.reconnect();
    await_state("other", "CompleteAbort");
    EXPECT_EQ(stable("t"), 4);
}

TEST_F(Transactions, a_transaction_never_hangs_because_a_topic_of_it_is_gone) {
    create("t");
    create("doomed");
    Producer producer = init("id");
    EXPECT_EQ(write(producer, "doomed"), "0");
    producer.sequence = 0;
    EXPECT_EQ(write(producer, "t"), "0");
    kafka::DeleteTopicsRequest request;
    request.topics.push_back({.name = "doomed"});
    ASSERT_TRUE(client.call<kafka::DeleteTopicsResponse>(request, 6));
    EXPECT_EQ(end(producer, true), "NONE");
    await_state("id", "CompleteCommit");
    EXPECT_EQ(committed_batches("t"), "0 ");
}

// ---- for administrators ----

TEST_F(Transactions, producers_and_transactions_are_described_and_listed) {
    create("t");
    Producer open = init("open");
    Producer idle = init("idle");
    write(open, "t");
    kafka::DescribeProducersRequest producers;
    producers.topics.push_back({"t", {0, 9}});
    const auto known = client.call<kafka::DescribeProducersResponse>(producers, 0);
    ASSERT_TRUE(known);
    const auto& active = known->topics.at(0).partitions.at(0).active_producers;
    ASSERT_EQ(active.size(), 1u);
    EXPECT_EQ(active[0].producer_id, open.producer.id);
    EXPECT_EQ(active[0].current_txn_start_offset, 0);
    EXPECT_EQ(active[0].last_sequence, 0);
    EXPECT_EQ(known->topics.at(0).partitions.at(1).error_code, ErrorCode::kUnknownTopicOrPartition);

    kafka::DescribeTransactionsRequest describe;
    describe.transactional_ids = {"open"};
    const auto described = client.call<kafka::DescribeTransactionsResponse>(describe, 0);
    ASSERT_TRUE(described);
    const auto& one = described->transaction_states.at(0);
    EXPECT_EQ(one.transaction_state, "Ongoing");
    EXPECT_EQ(one.producer_id, open.producer.id);
    EXPECT_EQ(one.transaction_timeout_ms, 60'000);
    ASSERT_EQ(one.topics.size(), 1u);
    EXPECT_EQ(one.topics[0].topic, "t");

    const auto list = [&](kafka::ListTransactionsRequest request) {
        const auto response = client.call<kafka::ListTransactionsResponse>(request, 2);
        MR_CHECK(response);
        if (response->error_code != ErrorCode::kNone) {
            return std::string(error_name(response->error_code));
        }
        std::set<std::string> names;
        for (const auto& listed : response->transaction_states) {
            names.insert(listed.transactional_id + " " + listed.transaction_state);
        }
        std::string words;
        for (const auto& name : names) words += name + ", ";
        for (const auto& state : response->unknown_state_filters) words += "unknown " + state;
        return words;
    };
    EXPECT_EQ(list({}), "idle Empty, open Ongoing, ");
    EXPECT_EQ(list({.state_filters = {"Ongoing"}}), "open Ongoing, ");
    EXPECT_EQ(list({.state_filters = {"Ongoing", "Odd"}}), "open Ongoing, unknown Odd");
    EXPECT_EQ(list({.state_filters = {"Odd"}}), "unknown Odd");
    EXPECT_EQ(list({.producer_id_filters = {idle.producer.id}}), "idle Empty, ");
    EXPECT_EQ(list({.state_filters = {"Ongoing"}, .duration_filter = 60'000}), "");
    EXPECT_EQ(list({.transactional_id_pattern = "o.*|x"}), "open Ongoing, ");
    EXPECT_EQ(list({.transactional_id_pattern = "id"}), "") << "the whole name has to match";
    EXPECT_EQ(list({.transactional_id_pattern = ""}), "idle Empty, open Ongoing, ");
    EXPECT_EQ(list({.transactional_id_pattern = "(open"}), "INVALID_REGULAR_EXPRESSION");
}

TEST_F(Transactions, an_administrator_ends_a_transaction_that_hangs) {
    create("t");
    Producer producer = init("id");
    write(producer, "t");
    const auto mark = [&](std::int16_t epoch, std::int8_t protocol) {
        kafka::WriteTxnMarkersRequest request;
        auto& marker = request.markers.emplace_back();
        marker.producer_id = producer.producer.id;
        marker.producer_epoch = epoch;
        marker.coordinator_epoch = 0;
        marker.transaction_version = protocol;
        marker.topics.push_back({"t", {0, 7}});
        const auto response = client.call<kafka::WriteTxnMarkersResponse>(request, 2);
        MR_CHECK(response);
        const auto& partitions = response->markers.at(0).topics.at(0).partitions;
        EXPECT_EQ(partitions.at(1).error_code, ErrorCode::kUnknownTopicOrPartition);
        return std::string(error_name(partitions.at(0).error_code));
    };
    EXPECT_EQ(mark(0, 2), "INVALID_PRODUCER_EPOCH") << "the second protocol wants a newer epoch";
    EXPECT_EQ(stable("t"), 0);
    EXPECT_EQ(mark(0, 0), "NONE");
    EXPECT_EQ(stable("t"), 2);
    EXPECT_EQ(committed_batches("t"), "");
}

// ---- the order of one producer ----

TEST_F(Transactions, requests_of_one_connection_never_overtake_a_verification) {
    create("t");
    Producer producer = init("id");
    for (int round = 0; round < 20; ++round) {
        constexpr int kRequests = 5;
        for (int i = 0; i < kRequests; ++i) {
            const base::Bytes batch = make_batch(
                1, 1000,
                {.producer = producer.producer, .base_sequence = i, .transactional = true});
            auto request = produce_request("t", batch);
            request.transactional_id = producer.id;
            client.send(request, 12);
        }
        for (int i = 0; i < kRequests; ++i) {
            const auto response = client.receive<kafka::ProduceResponse>(12);
            ASSERT_TRUE(response);
            const auto& one = response->responses.at(0).partition_responses.at(0);
            ASSERT_EQ(error_name(one.error_code), "NONE") << round << " " << i;
            EXPECT_EQ(one.base_offset, round * (kRequests + 1) + i);
        }
        producer.sequence = kRequests;
        // The next transaction begins at once: its first batch waits for this one's end.
        ASSERT_EQ(end(producer, true), "NONE");
    }
}

}  // namespace
}  // namespace millrace::broker
