#include "model/batch.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "model/batch_builder.h"
#include "model/records.h"

namespace millrace::model {
namespace {

constexpr Codec kAll[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

base::Bytes three_records(Codec codec = Codec::kNone) {
    BatchBuilder builder({.codec = codec, .producer = {7, 2}, .base_sequence = 40});
    builder.add({1000}, "k0", "v0");
    builder.add({900}, std::nullopt, "v1");
    const Header headers[] = {{"h", "x"}, {"", std::nullopt}};
    builder.add({1500}, "", std::nullopt, headers);
    return builder.build();
}

std::span<char> writable(base::Bytes& bytes) {
    return {bytes.data(), bytes.size()};
}

std::string parse_outcome(base::ByteView bytes) {
    const auto batch = RecordBatch::parse(bytes);
    if (!batch) return std::string(base::code_name(batch.error().code()));
    const auto crc = batch->check_crc();
    return crc ? "ok" : "bad crc";
}

std::string text(const std::optional<base::ByteView>& field) {
    return field ? std::string(*field) : "null";
}

// "offset@timestamp key=value h:v" for each record, or the error's code.
std::string records_of(base::ByteView bytes) {
    const auto batch = RecordBatch::parse(bytes);
    if (!batch) return std::string(base::code_name(batch.error().code()));
    base::Bytes scratch;
    const auto payload = unpack(*batch, scratch);
    if (!payload) return std::string(base::code_name(payload.error().code()));
    RecordIterator records(*batch, *payload);
    RecordView record;
    std::string out;
    while (true) {
        const auto found = records.next(record);
        if (!found) return std::string(base::code_name(found.error().code()));
        if (!*found) return out;
        out += fmt::format("{}@{} {}={}", record.offset, record.timestamp, text(record.key),
                           text(record.value));
        for (const HeaderView& header : decode_headers(record)) {
            out += fmt::format(" {}:{}", header.key, text(header.value));
        }
        out += ";";
    }
}

TEST(RecordBatch, is_read_back_as_it_was_built_with_every_codec) {
    for (const Codec codec : kAll) {
        base::Bytes bytes = three_records(codec);
        stamp_position(writable(bytes), {100}, {5});
        const auto batch = RecordBatch::parse(bytes);
        ASSERT_TRUE(batch) << batch.error().to_string();
        EXPECT_TRUE(batch->check_crc());
        EXPECT_EQ(batch->codec(), codec);
        EXPECT_EQ(batch->base_offset(), Offset{100});
        EXPECT_EQ(batch->next_offset(), Offset{103});
        EXPECT_EQ(batch->leader_epoch(), LeaderEpoch{5});
        EXPECT_EQ(batch->producer(), (Producer{7, 2}));
        EXPECT_EQ(batch->base_sequence(), 40);
        EXPECT_EQ(batch->last_sequence(), 42);
        EXPECT_EQ(batch->record_count(), 3);
        EXPECT_EQ(batch->base_timestamp(), Timestamp{1000});
        EXPECT_EQ(batch->max_timestamp(), Timestamp{1500});
        EXPECT_EQ(records_of(bytes), "100@1000 k0=v0;101@900 null=v1;102@1500 =null h:x :null;");
    }
}

TEST(RecordBatch, takes_the_first_batch_of_several) {
    const base::Bytes one = three_records();
    const base::Bytes two = one + one;
    const auto batch = RecordBatch::parse(two);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->size_bytes(), one.size());
}

TEST(RecordBatch, needs_all_its_bytes) {
    const base::Bytes whole = three_records();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        EXPECT_EQ(parse_outcome(base::ByteView(whole).substr(0, length)), "out of range") << length;
    }
    EXPECT_EQ(parse_outcome(whole), "ok");
}

TEST(RecordBatch, notices_a_flip_of_any_bit_that_its_checksum_covers) {
    const base::Bytes good = three_records();
    for (std::size_t at = batch_layout::kMagic; at < good.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            base::Bytes bad = good;
            bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
            EXPECT_NE(parse_outcome(bad), "ok") << at << "." << bit;
        }
    }
}

TEST(RecordBatch, refuses_headers_that_contradict_themselves) {
    struct Case {
        std::size_t at;
        std::int32_t value;
        std::string outcome;
    };
    for (const auto& [at, value, outcome] : std::initializer_list<Case>{
             {batch_layout::kLength, 48, "corrupt"},
             {batch_layout::kLength, -1, "corrupt"},
             {batch_layout::kLength, std::numeric_limits<std::int32_t>::max(), "out of range"},
             {batch_layout::kCount, -1, "corrupt"},
             {batch_layout::kCount, 4, "corrupt"},
             {batch_layout::kLastOffsetDelta, -1, "corrupt"},
             {batch_layout::kBaseOffset, -1, "corrupt"},
             {batch_layout::kBaseOffset, std::numeric_limits<std::int32_t>::max(), "corrupt"}}) {
        base::Bytes bytes = three_records();
        base::store_big_endian(bytes.data() + at, value);
        if (at == batch_layout::kBaseOffset && value > 0) {
            base::store_big_endian(bytes.data(), std::numeric_limits<std::int64_t>::max());
        }
        EXPECT_EQ(parse_outcome(bytes), outcome) << at << " := " << value;
    }
    base::Bytes old_format = three_records();
    old_format[batch_layout::kMagic] = 1;
    EXPECT_EQ(parse_outcome(old_format), "unsupported");
}

TEST(RecordBatch, counts_sequences_past_the_largest_as_kafka_does) {
    BatchBuilder builder(
        {.producer = {1, 0}, .base_sequence = std::numeric_limits<std::int32_t>::max() - 1});
    for (int i = 0; i < 4; ++i) builder.add({0}, "k", "v");
    const base::Bytes bytes = builder.build();
    EXPECT_EQ(RecordBatch::parse(bytes)->last_sequence(), 1);
}

TEST(RecordBatch, keeps_its_checksum_when_moved_and_gets_a_new_one_with_log_append_time) {
    base::Bytes bytes = three_records();
    const auto crc = RecordBatch::parse(bytes)->crc();
    stamp_position(writable(bytes), {1LL << 40}, {9});
    EXPECT_EQ(RecordBatch::parse(bytes)->crc(), crc);
    EXPECT_EQ(parse_outcome(bytes), "ok");

    stamp_timestamps(writable(bytes), TimestampType::kLogAppendTime, {777});
    EXPECT_NE(RecordBatch::parse(bytes)->crc(), crc);
    EXPECT_EQ(parse_outcome(bytes), "ok");
    EXPECT_EQ(RecordBatch::parse(bytes)->timestamp_type(), TimestampType::kLogAppendTime);
    EXPECT_EQ(
        records_of(bytes),
        "1099511627776@777 k0=v0;1099511627777@777 null=v1;1099511627778@777 =null h:x :null;");
}

struct Checked {
    std::string outcome;
    Timestamp max_timestamp;
};
Checked check(base::ByteView bytes, const RecordRules& rules = {}) {
    base::Bytes scratch;
    const auto batch = RecordBatch::parse(bytes);
    if (!batch) return {std::string(base::code_name(batch.error().code())), {}};
    const auto summary = check_records(*batch, rules, scratch);
    if (!summary) return {std::string(base::code_name(summary.error().code())), {}};
    return {"ok", summary->max_timestamp};
}

TEST(RecordBatch, is_checked_record_by_record) {
    for (const Codec codec : kAll) {
        EXPECT_EQ(check(three_records(codec)).outcome, "ok");
        EXPECT_EQ(check(three_records(codec)).max_timestamp, Timestamp{1500});
        EXPECT_EQ(check(three_records(codec), {.require_keys = true}).outcome, "invalid argument");
        EXPECT_EQ(check(three_records(codec), {.max_unpacked_bytes = 10}).outcome,
                  codec == Codec::kNone ? "ok" : "too large");
        base::Bytes fewer = three_records(codec);
        base::store_big_endian(fewer.data() + batch_layout::kCount, std::int32_t{2});
        EXPECT_EQ(check(fewer).outcome, "corrupt");
        base::store_big_endian(fewer.data() + batch_layout::kLastOffsetDelta, std::int32_t{1});
        EXPECT_EQ(check(fewer).outcome, "corrupt") << "bytes are left over";
        base::Bytes more = three_records(codec);
        base::store_big_endian(more.data() + batch_layout::kCount, std::int32_t{4});
        base::store_big_endian(more.data() + batch_layout::kLastOffsetDelta, std::int32_t{3});
        EXPECT_EQ(check(more).outcome, "corrupt");
    }
}

std::string columns_of(const RecordColumns& columns) {
    std::string out;
    for (std::size_t row = 0; row < columns.rows(); ++row) {
        const auto cell = [&](const base::Bytes& bytes, const std::vector<std::uint64_t>& offsets,
                              bool null) {
            return null ? "null" : bytes.substr(offsets[row], offsets[row + 1] - offsets[row]);
        };
        out +=
            fmt::format("{}@{} {}={}", columns.offsets[row], columns.timestamps_ms[row],
                        cell(columns.keys, columns.key_offsets, columns.key_null[row] != 0),
                        cell(columns.values, columns.value_offsets, columns.value_null[row] != 0));
        if (!columns.headers.empty()) {
            for (const Header& header : columns.headers[row]) {
                out += fmt::format(" {}:{}", header.key, header.value.value_or("null"));
            }
        }
        out += ";";
    }
    return out;
}

TEST(RecordColumns, hold_what_the_iterator_sees) {
    for (const Codec codec : kAll) {
        base::Bytes bytes = three_records(codec);
        stamp_position(writable(bytes), {100}, {0});
        const auto batch = RecordBatch::parse(bytes);
        base::Bytes scratch;
        RecordColumns columns;
        ASSERT_TRUE(decode_into(*batch, {{0}, {1000}, true}, scratch, columns));
        EXPECT_EQ(columns_of(columns), records_of(bytes));
        ASSERT_TRUE(decode_into(*batch, {{101}, {102}, true}, scratch, columns));
        EXPECT_EQ(columns_of(columns), records_of(bytes) + "101@900 null=v1;");
        ASSERT_TRUE(decode_into(*batch, {{103}, {1000}, true}, scratch, columns));
        ASSERT_TRUE(decode_into(*batch, {{0}, {100}, true}, scratch, columns));
        EXPECT_EQ(columns.rows(), 4U);
    }
}

TEST(RecordColumns, stay_as_they_were_when_a_batch_is_bad) {
    base::Bytes bytes = three_records();
    const base::Bytes good = bytes;
    base::Bytes scratch;
    RecordColumns columns;
    ASSERT_TRUE(decode_into(*RecordBatch::parse(good), {{0}, {10}, true}, scratch, columns));
    const std::string before = columns_of(columns);
    base::store_big_endian(bytes.data() + batch_layout::kLastOffsetDelta, std::int32_t{1 << 30});
    for (const std::int32_t count : {2, 4, 1 << 30}) {
        base::store_big_endian(bytes.data() + batch_layout::kCount, count);
        EXPECT_FALSE(decode_into(*RecordBatch::parse(bytes), {{0}, {10}, true}, scratch, columns));
        EXPECT_EQ(columns_of(columns), before);
        EXPECT_EQ(columns.headers.size(), 3U);
    }
}

TEST(RecordColumns, leave_control_batches_out) {
    BatchBuilder builder({.producer = {1, 0}, .transactional = true, .control = true});
    builder.add({0}, base::ByteView("\0\0\0\1", 4), base::ByteView("\0\0\0\0\0\0", 6));
    const base::Bytes bytes = builder.build();
    RecordColumns columns;
    base::Bytes scratch;
    ASSERT_TRUE(decode_into(*RecordBatch::parse(bytes), {{0}, {10}}, scratch, columns));
    EXPECT_EQ(columns.rows(), 0U);
}

TEST(RecordBatch, never_reads_outside_its_bytes_whatever_they_are) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    for (int round = 0; round < 20000; ++round) {
        base::Bytes bytes = three_records(kAll[random() % 5]);
        for (int change = 0; change < 3; ++change) {
            bytes[17 + random() % (bytes.size() - 17)] = static_cast<char>(random());
        }
        const std::string one = records_of(bytes);
        const auto batch = RecordBatch::parse(bytes);
        if (!batch) continue;
        RecordColumns columns;
        base::Bytes scratch;
        const auto decoded = decode_into(
            *batch, {{0}, {std::numeric_limits<std::int64_t>::max()}, true}, scratch, columns);
        if (decoded && !batch->control()) EXPECT_EQ(columns_of(columns), one);
    }
}

}  // namespace
}  // namespace millrace::model
