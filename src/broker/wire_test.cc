// Requests as clients send them: versions, connections, producing and fetching; and mistakes that
// compatible brokers have made, each in a test named after what must not happen.
#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <memory>
#include <set>
#include <vector>

#include "broker/wire_harness_internal.h"
#include "kafka/messages/api_versions.h"
#include "kafka/messages/metadata.h"

namespace millrace::broker {
namespace {

class Wire : public testing::Test, protected WireHarness {};

using std::chrono::steady_clock;

// ---- versions ----

TEST_F(Wire, an_unknown_version_of_api_versions_is_never_answered_with_more_than_a_v0_body) {
    client.send(kafka::ApiVersionsRequest{}, 4);
    ASSERT_TRUE(client.receive<kafka::ApiVersionsResponse>(4));
    // Version 99, which nobody knows.
    kafka::Writer writer;
    writer.begin_frame();
    kafka::RequestHeader{kafka::ApiKey::kApiVersions, 99, 7, "future"}.encode(writer, true);
    writer.end_frame();
    client.send_bytes(writer.take_all());
    const auto response = client.receive<kafka::ApiVersionsResponse>(0);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->error_code, ErrorCode::kUnsupportedVersion);
    ASSERT_EQ(response->api_keys.size(), 1u);
    EXPECT_EQ(response->api_keys[0].api_key, 18);
    EXPECT_EQ(response->api_keys[0].max_version, 4);
}

TEST_F(Wire, the_minimum_of_produce_is_never_told_above_zero) {
    kafka::ApiVersionsRequest request;
    request.client_software_name = "test";
    request.client_software_version = "1.0";
    const auto response = client.call<kafka::ApiVersionsResponse>(request, 3);
    ASSERT_TRUE(response);
    ASSERT_EQ(response->error_code, ErrorCode::kNone);
    for (const auto& api : response->api_keys) {
        if (api.api_key == 0) {
            EXPECT_EQ(api.min_version, 0);
            EXPECT_EQ(api.max_version, 13);
        }
    }
}

TEST_F(Wire, answers_come_in_the_order_of_the_requests) {
    create("t");
    const base::Bytes batch = make_batch(1);
    for (int i = 0; i < 50; ++i) {
        client.send(produce_request("t", batch, i % 2 == 0 ? -1 : 1), 9);
        client.send(kafka::MetadataRequest{}, 9);
    }
    const std::int32_t last = client.sent();
    std::int64_t expected_offset = 0;
    for (std::int32_t id = last - 99; id <= last; ++id) {
        if ((last - id) % 2 == 1) {
            const auto produced = client.receive<kafka::ProduceResponse>(9);
            ASSERT_TRUE(produced);
            EXPECT_EQ(produced->responses.at(0).partition_responses.at(0).base_offset,
                      expected_offset++);
        } else {
            ASSERT_TRUE(client.receive<kafka::MetadataResponse>(9));
        }
        EXPECT_EQ(client.answered(), id);
    }
}

// ---- connections ----

TEST_F(Wire, garbage_closes_its_own_connection_alone) {
    const base::Bytes cases[] = {
        base::Bytes("GET / HTTP/1.1\r\n\r\n"),                      // A size of over a gigabyte.
        base::Bytes("\xff\xff\xff\xff", 4),                         // A negative size.
        base::Bytes("\0\0\0\0", 4),                                 // No header.
        base::Bytes("\0\0\0\x0a\x7f\xff\0\0\0\0\0\1\xff\xff", 14),  // An unknown key.
        base::Bytes("\0\0\0\x0a\0\3\0\x63\0\0\0\1\xff\xff", 14),    // Metadata 99.
        base::Bytes("\0\0\0\x0b\0\3\0\1\0\0\0\1\xff\xff\x7f", 15),  // A body that breaks off.
    };
    for (const base::Bytes& garbage : cases) {
        TestClient other(broker);
        other.send_bytes(garbage);
        EXPECT_FALSE(other.receive_frame());
    }
    EXPECT_TRUE(client.call<kafka::MetadataResponse>(kafka::MetadataRequest{}, 5));
}

// Posts a chain of works, each by the one before it; the last waits for `go`.
void post_chain(runtime::Loop& loop, int length, std::shared_ptr<std::latch> go) {
    loop.post([&loop, length, go = std::move(go)]() mutable {
        if (length == 1) {
            go->wait();
        } else {
            post_chain(loop, length - 1, std::move(go));
        }
    });
}

TEST_F(Wire, a_client_that_has_hung_up_before_its_loop_looks_is_let_go_of) {
    // A busy loop lets sockets have their turn after some rounds of what was posted: wherever in
    // its rounds a connection begins, its end must not come before its own beginnings have run.
    for (int rounds = 1; rounds <= 20; ++rounds) {
        const auto go = std::make_shared<std::latch>(1);
        post_chain(broker.loops().at(1), rounds, go);
        for (int i = 0; i < 4; ++i) TestClient(broker).send_bytes("");
        go->count_down();
    }
    TestClient another(broker);
    another.send(kafka::ApiVersionsRequest{}, 4);
    EXPECT_TRUE(another.receive<kafka::ApiVersionsResponse>(4));
}

TEST_F(Wire, a_client_that_goes_away_in_the_middle_leaves_nothing_behind) {
    create("t");
    {
        TestClient other(broker);
        other.send(fetch_request("t", 0, 600'000), 12);  // A very patient client ...
        other.send_bytes(base::Bytes("\0\0\0\x40half", 8));
    }  // ... that hangs up.
    EXPECT_TRUE(client.call<kafka::MetadataResponse>(kafka::MetadataRequest{}, 5));
}  // The broker stops without waiting for ten minutes.

// ---- producing ----

TEST_F(Wire, produce_refuses_what_must_not_get_into_the_log) {
    create("t");
    create("small", 1, {{"max.message.bytes", "200"}});
    const base::Bytes good = make_batch(3);
    base::Bytes corrupt = good;
    corrupt.back() ^= 1;
    base::Bytes old_format = good;
    old_format[16] = 1;
    base::Bytes wrong_count = good;
    wrong_count[60] = 9;
    EXPECT_EQ(produce_error("t", good), "NONE");
    EXPECT_EQ(produce_error("t", corrupt), "CORRUPT_MESSAGE");
    EXPECT_EQ(produce_error("t", old_format), "UNSUPPORTED_FOR_MESSAGE_FORMAT");
    EXPECT_EQ(produce_error("t", wrong_count), "CORRUPT_MESSAGE");
    EXPECT_EQ(produce_error("t", good + good), "INVALID_RECORD");
    EXPECT_EQ(produce_error("t", ""), "INVALID_RECORD");
    EXPECT_EQ(produce_error("small", make_batch(50)), "MESSAGE_TOO_LARGE");
    EXPECT_EQ(produce_error("nowhere", good), "UNKNOWN_TOPIC_OR_PARTITION");
    EXPECT_EQ(produce_error("t", good, 2), "INVALID_REQUIRED_ACKS");
    EXPECT_EQ(produce_error("t", good, -2), "INVALID_REQUIRED_ACKS");
    EXPECT_EQ(produce("t", good, -1, 9, /*partition=*/5).error,
              ErrorCode::kUnknownTopicOrPartition);
    EXPECT_EQ(list_offset("t", -1).offset, 3);  // Only the good one got in.
}

TEST_F(Wire, zstd_is_refused_from_clients_too_old_to_know_it) {
    create("t");
    const base::Bytes batch = make_batch(3, 1000, {.codec = model::Codec::kZstd});
    EXPECT_EQ(produce_error("t", batch, -1, 6), "UNSUPPORTED_COMPRESSION_TYPE");
    EXPECT_EQ(produce_error("t", batch, -1, 7), "NONE");
}

TEST_F(Wire, every_codec_comes_back_as_the_bytes_that_were_sent) {
    create("t");
    std::int64_t offset = 0;
    for (const auto codec : {model::Codec::kNone, model::Codec::kGzip, model::Codec::kSnappy,
                             model::Codec::kLz4, model::Codec::kZstd}) {
        const base::Bytes batch = make_batch(20, 1000, {.codec = codec});
        ASSERT_EQ(produce("t", batch).base_offset, offset);
        const auto fetched = fetch("t", offset);
        // Only the base offset and the leader epoch are stamped.
        ASSERT_EQ(fetched.records.size, batch.size());
        EXPECT_EQ(fetched.records.view().substr(16), base::ByteView(batch).substr(16));
        offset += 20;
    }
}

TEST_F(Wire, a_topic_with_a_codec_of_its_own_packs_batches_anew) {
    create("t", 1, {{"compression.type", "lz4"}});
    create("plain", 1, {{"compression.type", "uncompressed"}});
    for (const auto codec : {model::Codec::kNone, model::Codec::kGzip, model::Codec::kLz4}) {
        const base::Bytes sent = make_batch(30, 1000, {.codec = codec});
        for (const char* topic : {"t", "plain"}) {
            const Produced produced = produce(topic, sent);
            ASSERT_EQ(produced.error, ErrorCode::kNone);
            const auto fetched = fetch(topic, produced.base_offset);
            const auto batch = model::RecordBatch::parse(fetched.records.view());
            ASSERT_TRUE(batch);
            EXPECT_EQ(batch->codec(), *topic == 't' ? model::Codec::kLz4 : model::Codec::kNone);
            EXPECT_TRUE(batch->check_crc());
            base::Bytes scratch;
            EXPECT_TRUE(model::check_records(*batch, {}, scratch));
            EXPECT_EQ(batch->record_count(), 30);
        }
    }
}

TEST_F(Wire, records_without_key_on_a_compacted_topic_are_named_one_by_one) {
    create("t", 1, {{"cleanup.policy", "compact"}});
    model::BatchBuilder builder;
    builder.add(model::Timestamp{1}, "key", "a");
    builder.add(model::Timestamp{1}, std::nullopt, "b");
    builder.add(model::Timestamp{1}, "key", "c");
    builder.add(model::Timestamp{1}, std::nullopt, "d");
    const base::Bytes batch = builder.build();
    const auto response = client.call<kafka::ProduceResponse>(produce_request("t", batch), 9);
    ASSERT_TRUE(response);
    const auto& answer = response->responses.at(0).partition_responses.at(0);
    EXPECT_EQ(answer.error_code, ErrorCode::kInvalidRecord);
    ASSERT_EQ(answer.record_errors.size(), 2u);
    EXPECT_EQ(answer.record_errors[0].batch_index, 1);
    EXPECT_EQ(answer.record_errors[1].batch_index, 3);
    EXPECT_EQ(answer.record_errors[1].batch_index_error_message,
              "Compacted topic cannot accept message without key in topic partition t-0");
    EXPECT_TRUE(answer.error_message->starts_with(
        "One or more records have been rejected due to 2 record errors in total, and only showing "
        "the first three errors at most: [RecordError(batchIndex=1, message='Compacted topic "));
    EXPECT_EQ(answer.log_start_offset, 0);
}

TEST_F(Wire, records_out_of_time_are_named_one_by_one) {
    create("t", 1, {{"message.timestamp.before.max.ms", "1000"}});
    model::BatchBuilder builder;
    builder.add(model::Timestamp{5}, "key", "a");
    builder.add(model::Timestamp{7}, "key", "b");
    const auto response =
        client.call<kafka::ProduceResponse>(produce_request("t", builder.build()), 9);
    ASSERT_TRUE(response);
    const auto& answer = response->responses.at(0).partition_responses.at(0);
    EXPECT_EQ(answer.error_code, ErrorCode::kInvalidTimestamp);
    ASSERT_EQ(answer.record_errors.size(), 2u);
    EXPECT_TRUE(answer.record_errors[1].batch_index_error_message->starts_with(
        "Timestamp 7 of message with offset 1 is out of range. The timestamp should be within ["));
    EXPECT_EQ(answer.error_message,
              "One or more records have been rejected due to invalid timestamp");
    EXPECT_EQ(answer.log_start_offset, 0);
}

TEST_F(Wire, an_error_for_which_clients_have_words_comes_without_a_message) {
    create("small", 1, {{"max.message.bytes", "100"}});
    for (const char* topic : {"small", "nowhere"}) {
        const auto response =
            client.call<kafka::ProduceResponse>(produce_request(topic, make_batch(50)), 9);
        ASSERT_TRUE(response);
        const auto& answer = response->responses.at(0).partition_responses.at(0);
        EXPECT_NE(answer.error_code, ErrorCode::kNone);
        EXPECT_EQ(answer.error_message, std::nullopt);
        EXPECT_EQ(answer.log_start_offset, -1);
    }
}

TEST_F(Wire, acks_0_is_never_answered) {
    create("t");
    client.send(produce_request("t", make_batch(1), 0), 9);
    ASSERT_TRUE(client.call<kafka::MetadataResponse>(kafka::MetadataRequest{}, 5));
    EXPECT_EQ(client.answered(), client.sent());
    EXPECT_EQ(produce("t", make_batch(1)).base_offset, 1);
}

TEST_F(Wire, a_repeated_batch_is_never_called_out_of_order_nor_written_twice) {
    create("t");
    const model::Producer producer{new_producer_id(client), 0};
    std::vector<base::Bytes> batches;
    for (int i = 0; i < 6; ++i) {
        batches.push_back(make_batch(2, 1000, {.producer = producer, .base_sequence = 2 * i}));
        EXPECT_EQ(produce("t", batches.back()).base_offset, 2 * i);
    }
    for (int i = 1; i < 6; ++i) {
        const Produced again = produce("t", batches[static_cast<std::size_t>(i)]);
        EXPECT_EQ(again.error, ErrorCode::kNone) << i;
        EXPECT_EQ(again.base_offset, 2 * i);
    }
    const auto gap = make_batch(2, 1000, {.producer = producer, .base_sequence = 14});
    EXPECT_EQ(produce_error("t", gap), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    broker.restart();
    TestClient later(broker);
    const auto response = later.call<kafka::ProduceResponse>(produce_request("t", batches[5]), 9);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->responses.at(0).partition_responses.at(0).base_offset, 10);
}

TEST_F(Wire, producer_ids_are_never_given_twice) {
    std::set<std::int64_t> seen;
    for (int round = 0; round < 3; ++round) {
        TestClient one(broker);
        for (int i = 0; i < 20; ++i) {
            EXPECT_TRUE(seen.insert(new_producer_id(one)).second);
        }
        broker.restart();
    }
}

TEST_F(Wire, log_append_time_never_leaves_a_stale_checksum) {
    create("t", 1, {{"message.timestamp.type", "LogAppendTime"}});
    ASSERT_EQ(produce_error("t", make_batch(3, 5)), "NONE");
    const auto fetched = fetch("t", 0);
    const auto batch = model::RecordBatch::parse(fetched.records.view());
    ASSERT_TRUE(batch);
    EXPECT_TRUE(batch->check_crc());
    EXPECT_EQ(batch->timestamp_type(), model::TimestampType::kLogAppendTime);
    EXPECT_GT(batch->max_timestamp().ms, 1'600'000'000'000);
}

// ---- fetching ----

TEST_F(Wire, a_fetch_that_waits_is_woken_by_the_append_and_not_by_the_clock) {
    create("t");
    TestClient reader(broker);
    reader.send(fetch_request("t", 0, /*max_wait_ms=*/60'000), 12);
    const auto began = steady_clock::now();
    ASSERT_EQ(produce_error("t", make_batch(1)), "NONE");
    const auto response = reader.receive<kafka::FetchResponse>(12);
    ASSERT_TRUE(response);
    EXPECT_GT(response->responses.at(0).partitions.at(0).records.size, 0u);
    EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(10));
}

TEST_F(Wire, a_fetch_is_never_answered_before_its_time_without_data) {
    create("t");
    const auto began = steady_clock::now();
    const auto response = client.call<kafka::FetchResponse>(fetch_request("t", 0, 300), 12);
    ASSERT_TRUE(response);
    EXPECT_GE(steady_clock::now() - began, std::chrono::milliseconds(290));
    EXPECT_EQ(response->responses.at(0).partitions.at(0).records.size, 0u);
    EXPECT_FALSE(response->responses.at(0).partitions.at(0).records.null);
}

TEST_F(Wire, a_fetch_waits_for_min_bytes_over_several_appends) {
    create("t");
    TestClient reader(broker);
    const base::Bytes batch = make_batch(1);
    reader.send(fetch_request("t", 0, 60'000, static_cast<std::int32_t>(3 * batch.size())), 12);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(produce_error("t", batch), "NONE");
    const auto response = reader.receive<kafka::FetchResponse>(12);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->responses.at(0).partitions.at(0).records.size, 3 * batch.size());
}

TEST_F(Wire, the_first_batch_comes_whole_however_small_the_limit) {
    create("t");
    const base::Bytes batch = make_batch(100);
    ASSERT_EQ(produce_error("t", batch), "NONE");
    ASSERT_EQ(produce_error("t", batch), "NONE");
    auto request = fetch_request("t", 0);
    request.max_bytes = 10;
    request.topics[0].partitions[0].partition_max_bytes = 10;
    const auto response = client.call<kafka::FetchResponse>(request, 12);
    ASSERT_TRUE(response);
    const auto& records = response->responses.at(0).partitions.at(0).records;
    const auto first = model::RecordBatch::parse(records.view());
    ASSERT_TRUE(first);
    EXPECT_EQ(first->record_count(), 100);
    EXPECT_LT(records.size, 2 * batch.size());
}

TEST_F(Wire, fetch_tells_a_reader_where_its_log_parted_from_ours) {
    create("t");
    ASSERT_EQ(produce_error("t", make_batch(3)), "NONE");
    const auto ask = [&](std::int64_t offset, std::int32_t last_epoch) {
        auto request = fetch_request("t", offset);
        request.max_wait_ms = 60'000;  // Not to be waited for.
        request.min_bytes = 1'000'000;
        request.topics[0].partitions[0].last_fetched_epoch = last_epoch;
        const auto response = client.call<kafka::FetchResponse>(request, 12);
        MR_CHECK(response);
        const auto& answer = response->responses.at(0).partitions.at(0);
        return fmt::format("{} {}@{} {}", error_name(answer.error_code),
                           answer.diverging_epoch.end_offset, answer.diverging_epoch.epoch,
                           answer.high_watermark);
    };
    EXPECT_EQ(ask(9, 0), "NONE 3@0 3");
    EXPECT_EQ(ask(0, 4), "OFFSET_OUT_OF_RANGE -1@-1 -1");
    EXPECT_EQ(fetch("t", 0).diverging_epoch.epoch, -1);
}

TEST_F(Wire, fetch_tells_what_is_wrong_with_a_partition) {
    create("t");
    ASSERT_EQ(produce_error("t", make_batch(3)), "NONE");
    EXPECT_EQ(fetch("t", 3).error_code, ErrorCode::kNone);
    const auto beyond = fetch("t", 4);
    EXPECT_EQ(beyond.error_code, ErrorCode::kOffsetOutOfRange);
    // As Kafka has it, an error comes without offsets.
    EXPECT_EQ(beyond.high_watermark, -1);
    EXPECT_EQ(beyond.last_stable_offset, -1);
    EXPECT_EQ(beyond.log_start_offset, -1);
    EXPECT_FALSE(beyond.aborted_transactions.has_value());
    const auto nowhere = fetch("nowhere", 0);
    EXPECT_EQ(nowhere.error_code, ErrorCode::kUnknownTopicOrPartition);
    EXPECT_EQ(nowhere.high_watermark, -1);
    EXPECT_TRUE(nowhere.aborted_transactions.has_value());
    auto request = fetch_request("t", 0);
    request.topics[0].partitions[0].current_leader_epoch = 7;
    const auto response = client.call<kafka::FetchResponse>(request, 12);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->responses.at(0).partitions.at(0).error_code,
              ErrorCode::kUnknownLeaderEpoch);
    request = fetch_request("", 0);
    request.topics[0].topic_id = {1, 2};
    const auto by_id = client.call<kafka::FetchResponse>(request, 16);
    ASSERT_TRUE(by_id);
    EXPECT_EQ(by_id->responses.at(0).partitions.at(0).error_code, ErrorCode::kUnknownTopicId);
}

TEST_F(Wire, large_answers_come_whole_and_in_order) {
    create("t");
    model::BatchBuilder builder;
    for (int i = 0; i < 8; ++i) {
        builder.add(model::Timestamp{1000}, std::nullopt, base::Bytes(100'000, 'x'));
    }
    const base::Bytes batch = builder.build();
    for (int i = 0; i < 4; ++i) ASSERT_EQ(produce_error("t", batch), "NONE");
    auto request = fetch_request("t", 0);
    request.max_bytes = 50 << 20;
    request.topics[0].partitions[0].partition_max_bytes = 50 << 20;
    const auto response = client.call<kafka::FetchResponse>(request, 12);
    ASSERT_TRUE(response);
    const auto& records = response->responses.at(0).partitions.at(0).records;
    ASSERT_EQ(records.size, 4 * batch.size());
    std::int64_t offset = 0;
    for (base::ByteView rest = records.view(); !rest.empty(); offset += 8) {
        const auto one = model::RecordBatch::parse(rest);
        ASSERT_TRUE(one);
        EXPECT_EQ(one->base_offset().value, offset);
        EXPECT_TRUE(one->check_crc());
        rest.remove_prefix(one->size_bytes());
    }
}

}  // namespace
}  // namespace millrace::broker
