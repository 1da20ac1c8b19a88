#include "streaming/topic_source.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <iterator>

#include "runtime/disk.h"
#include "runtime/thread.h"
#include "streaming/checkpoint.h"
#include "streaming/topic_offsets.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using columnar::Batch;
using columnar::Batches;
using plan::DataType;
using topic::TopicPartition;

namespace {

// So small that the allocator gives the same memory again, and no page is fetched anew.
constexpr std::size_t kReadBytes = 4 << 20;
// What one thread takes at a time; a small batch is one piece, read by the query's own thread.
constexpr std::int64_t kPieceRecords = 100'000;
// How often a topic that is not there at the start is looked for again.
constexpr std::int64_t kLooksForTopics = 3;

plan::DataType header_type() {
    return DataType::array(DataType::structure(
        {{"key", DataType::string(), true, {}}, {"value", DataType::binary(), true, {}}}));
}

std::vector<plan::Field> topic_fields(bool headers) {
    std::vector<plan::Field> fields = {{"key", DataType::binary(), true, {}},
                                       {"value", DataType::binary(), true, {}},
                                       {"topic", DataType::string(), true, {}},
                                       {"partition", DataType::integer(), true, {}},
                                       {"offset", DataType::long_(), true, {}},
                                       {"timestamp", DataType::timestamp(), true, {}},
                                       {"timestampType", DataType::integer(), true, {}}};
    if (headers) fields.push_back({"headers", header_type(), true, {}});
    return fields;
}

bool wants_headers(const plan::Options& options) {
    return option_or(options, "includeheaders", "false") == "true";
}

Result<Batch> to_batch(topic::RecordColumns records, const TopicPartition& partition,
                       bool headers) {
    columnar::BatchBuilder builder(topic_fields(headers));
    const auto rows = static_cast<std::int64_t>(records.rows());
    for (std::size_t i = 0; i < records.rows(); ++i) {
        builder.column(2).append_text(partition.topic);
        if (!headers) continue;
        auto& list = builder.column(7);
        if (records.headers.size() <= i || records.headers[i].empty()) {
            list.append_null();  // As Spark: a record without headers has null.
            continue;
        }
        for (const auto& header : records.headers[i]) {
            list.child(0).child(0).append_text(header.key);
            if (header.value) {
                list.child(0).child(1).append_text(*header.value);
            } else {
                list.child(0).child(1).append_null();
            }
            list.child(0).append_nested();
        }
        list.append_nested(records.headers[i].size());
    }
    const std::vector<std::int32_t> partitions(records.rows(), partition.partition);
    builder.column(3).append_many(partitions.data(), nullptr, rows);
    builder.column(4).append_many(records.offsets.data(), nullptr, rows);
    std::vector<std::int64_t> times(records.timestamps_ms);
    for (std::int64_t& time : times) time *= 1000;
    builder.column(5).append_many(times.data(), nullptr, rows);
    const std::vector<std::int32_t> types(records.timestamp_types.begin(),
                                          records.timestamp_types.end());
    builder.column(6).append_many(types.data(), nullptr, rows);
    MR_TRY_VOID(builder.set_text_column(0, std::move(records.keys), std::move(records.key_offsets),
                                        std::move(records.key_null)));
    MR_TRY_VOID(builder.set_text_column(1, std::move(records.values),
                                        std::move(records.value_offsets),
                                        std::move(records.value_null)));
    return builder.finish();
}

// What is lost when an offset is no longer there: an error, or, with failOnDataLoss false, silence.
Result<void> data_loss(bool fails, std::string message) {
    if (!fails) return {};
    return fail(
        Code::kOutOfRange,
        "{} Some data may have been lost because they are not available in Kafka any more; "
        "either the data was aged out by Kafka or the topic may have been deleted before all "
        "the data in the topic was processed. If you don't want your streaming query to fail "
        "on such cases, set the source option \"failOnDataLoss\" to \"false\".",
        message);
}

// A part of what is read: offsets [from, to) of one partition, and what came of it.
struct Piece {
    TopicPartition partition;
    std::int64_t from = 0;
    std::int64_t to = 0;
    Batches batches;
    std::int64_t oldest_ms = 0;  // 0: no record.
    Result<void> outcome;
};

Result<void> read_piece(topic::Topics& topics, bool headers, Piece& piece) {
    for (std::int64_t at = piece.from; at < piece.to;) {
        MR_TRY(auto read, topics.read(piece.partition, at, piece.to, {kReadBytes, headers}));
        if (read.next_offset <= at) break;
        at = read.next_offset;
        if (read.records.rows() == 0) continue;
        const std::int64_t oldest = std::ranges::min(read.records.timestamps_ms);
        piece.oldest_ms = piece.oldest_ms == 0 ? oldest : std::min(piece.oldest_ms, oldest);
        MR_TRY(Batch batch, to_batch(std::move(read.records), piece.partition, headers));
        piece.batches.push_back(std::move(batch));
    }
    return {};
}

// Each of the threads takes the next piece until none is left.
void read_pieces(topic::Topics& topics, bool headers, std::vector<Piece>& pieces) {
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
        for (std::size_t i = next++; i < pieces.size(); i = next++) {
            pieces[i].outcome = read_piece(topics, headers, pieces[i]);
        }
    };
    std::vector<runtime::Thread> helpers;
    if (topics.reads_in_parallel()) {
        const std::size_t threads = std::min(pieces.size(), runtime::core_count());
        while (helpers.size() + 1 < threads) {
            helpers.emplace_back("stream-read", [&work](std::stop_token) { work(); });
        }
    }
    work();
}

// All records of the ranges [from, to) of each partition.
Result<Batches> read_ranges(topic::Topics& topics, const PartitionOffsets& from,
                            const PartitionOffsets& to, const plan::Options& options,
                            std::int64_t& oldest_ms) {
    const bool headers = wants_headers(options);
    const bool fails = option_or(options, "failondataloss", "true") != "false";
    std::vector<Piece> pieces;
    for (const auto& [partition, end] : to) {
        const auto start = from.find(partition);
        std::int64_t at = start == from.end() ? 0 : start->second;
        if (at < end) {
            const auto range = topics.offsets(partition);
            if (!range && range.error().code() != Code::kNotFound) return fail(range.error());
            if (!range || at < range->first || end > range->next) {
                MR_TRY_VOID(data_loss(
                    fails, fmt::format("Partition {}-{}: offsets {} to {} are not all there.",
                                       partition.topic, partition.partition, at, end)));
                if (!range) continue;
                at = std::max(at, range->first);
            }
        }
        for (; at < end; at += kPieceRecords) {
            pieces.push_back({.partition = partition,
                              .from = at,
                              .to = std::min(at + kPieceRecords, end),
                              .batches = {},
                              .outcome = {}});
        }
    }
    read_pieces(topics, headers, pieces);
    Batches batches;
    for (Piece& piece : pieces) {
        MR_TRY_VOID(piece.outcome);
        std::ranges::move(piece.batches, std::back_inserter(batches));
        if (piece.oldest_ms == 0) continue;
        oldest_ms = oldest_ms == 0 ? piece.oldest_ms : std::min(oldest_ms, piece.oldest_ms);
    }
    return batches;
}

class TopicSource final : public MicroBatchSource {
public:
    TopicSource(plan::Options options, std::shared_ptr<topic::Topics> topics, runtime::Disk& disk,
                std::string directory)
        : options_(std::move(options)),
          topics_(std::move(topics)),
          log_(disk, std::move(directory)) {}

    Result<void> prepare() {
        MR_TRY(max_records_, number_option(options_, "maxoffsetspertrigger"));
        fails_on_loss_ = option_or(options_, "failondataloss", "true") != "false";
        MR_TRY(const auto retries, number_option(options_, "fetchoffset.numretries"));
        looks_left_ = retries.value_or(kLooksForTopics);
        // Also finds wrong options at the start of the query.
        MR_TRY_VOID(subscribed_partitions(options_, *topics_, MissingTopics::kHaveNoPartitions));
        return {};
    }

    std::string description() const override {
        return "KafkaV2[" + subscription_text(options_) + "]";
    }

    Result<std::optional<std::string>> initial_offset() override {
        if (!initial_) {
            auto found = find_initial_offset();
            // A topic may be about to be made: it is looked for some times more, as by Spark.
            if (!found && found.error().code() == Code::kNotFound && looks_left_-- > 0) {
                return std::nullopt;
            }
            if (!found) return fail(std::move(found).error());
            initial_ = std::move(*found);
        }
        return initial_;
    }

    Result<std::optional<std::string>> next_offset(const std::optional<std::string>& start,
                                                   const ReadLimit& limit) override {
        if (!start) return std::nullopt;  // The topics are not there yet.
        MR_TRY(PartitionOffsets from, parse(start));
        MR_TRY(PartitionOffsets end, current_end());
        if (fixed_end_) {
            end = *fixed_end_;
        }
        for (const auto& [partition, offset] : from) {
            if (!end.contains(partition)) {
                MR_TRY_VOID(
                    data_loss(fails_on_loss_, fmt::format("Partitions {}-{} are gone.",
                                                          partition.topic, partition.partition)));
            } else if (end[partition] < offset) {
                MR_TRY_VOID(data_loss(
                    fails_on_loss_,
                    fmt::format("Partition {}-{}'s offset was changed from {} to {}.",
                                partition.topic, partition.partition, offset, end[partition])));
                end[partition] = offset;
            }
        }
        latest_ = offsets_to_json(end);
        if (max_records_ && !limit.unlimited) {
            MR_TRY(end, limited(from, end));
        }
        return std::optional(offsets_to_json(end));
    }

    std::optional<std::string> latest_offset() const override { return latest_; }

    Result<Batches> read(const std::optional<std::string>& start, const std::string& end) override {
        MR_TRY(PartitionOffsets from, parse(start));
        MR_TRY(const PartitionOffsets to, offsets_from_json(end));
        MR_TRY_VOID(add_new_partitions(from, to));
        oldest_ms_ = 0;
        return read_ranges(*topics_, from, to, options_, oldest_ms_);
    }

    Result<void> prepare_for_available_now() override {
        looks_left_ = 0;  // Nothing is waited for.
        MR_TRY(fixed_end_, current_end());
        return {};
    }

    bool watch(std::function<void()> wake) override {
        const auto names = subscribed_topics(options_);
        for (const auto& name : names) watches_.push_back(topics_->watch(name, wake));
        // Topics that a pattern will match later can only be looked for.
        return !names.empty();
    }

    std::int64_t oldest_append_ms() const override { return oldest_ms_; }

private:
    static Result<PartitionOffsets> parse(const std::optional<std::string>& offset) {
        return offset ? offsets_from_json(*offset) : Result<PartitionOffsets>(PartitionOffsets());
    }

    Result<std::string> find_initial_offset() {
        // Spark's file begins with a zero byte, for its release 2.1.0.
        constexpr std::string_view kPrefix("\0v1\n", 4);
        MR_TRY(const auto kept, log_.read(0));
        if (kept) {
            std::string_view text = *kept;
            if (text.starts_with('\0')) text.remove_prefix(1);
            if (!text.starts_with("v1\n")) {
                return fail(Code::kCorrupt, "{}/0 is no log of initial offsets", log_.directory());
            }
            return std::string(text.substr(3));
        }
        MR_TRY(const auto partitions,
               subscribed_partitions(options_, *topics_, MissingTopics::kAreAnError));
        MR_TRY(const auto offsets,
               bound_offsets(options_, "starting", kLatestOffset, partitions, *topics_));
        const std::string json = offsets_to_json(offsets);
        MR_TRY_VOID(log_.write(0, std::string(kPrefix) + json));
        return json;
    }

    Result<PartitionOffsets> current_end() {
        // What is gone that was there at the start is lost data, of which next_offset() tells.
        MR_TRY(const auto partitions,
               subscribed_partitions(options_, *topics_, MissingTopics::kHaveNoPartitions));
        PartitionOffsets end;
        for (const auto& partition : partitions) {
            MR_TRY(const auto range, topics_->offsets(partition));
            end[partition] = range.next;
        }
        return end;
    }

    // Partitions that came after the start are read from their beginning.
    Result<void> add_new_partitions(PartitionOffsets& from, const PartitionOffsets& to) {
        for (const auto& [partition, _] : to) {
            if (from.contains(partition)) continue;
            MR_TRY(const auto range, topics_->offsets(partition));
            from[partition] = range.first;
        }
        return {};
    }

    // At most max_records_, in proportion to what each partition holds, and at least one of each.
    Result<PartitionOffsets> limited(PartitionOffsets from, const PartitionOffsets& end) {
        MR_TRY_VOID(add_new_partitions(from, end));
        double total = 0;
        for (const auto& [partition, to] : end) {
            total += static_cast<double>(std::max<std::int64_t>(to - from[partition], 0));
        }
        if (total < 1) return end;
        PartitionOffsets result;
        for (const auto& [partition, to] : end) {
            const std::int64_t begin = from[partition];
            if (to <= begin) {
                result[partition] = to;
                continue;
            }
            const double share =
                static_cast<double>(*max_records_) * (static_cast<double>(to - begin) / total);
            const double records = share < 1 ? std::ceil(share) : std::floor(share);
            result[partition] = records >= static_cast<double>(to - begin)
                                    ? to
                                    : begin + static_cast<std::int64_t>(records);
        }
        return result;
    }

    const plan::Options options_;
    const std::shared_ptr<topic::Topics> topics_;
    NumberedLog log_;
    std::optional<std::int64_t> max_records_;
    bool fails_on_loss_ = true;
    std::int64_t looks_left_ = kLooksForTopics;
    std::optional<std::string> initial_;
    std::optional<PartitionOffsets> fixed_end_;
    std::optional<std::string> latest_;
    std::int64_t oldest_ms_ = 0;
    std::vector<std::unique_ptr<topic::Watch>> watches_;
};

}  // namespace

Result<std::unique_ptr<MicroBatchSource>> make_topic_source(const plan::ScanNode& scan,
                                                            const TopicsProvider& topics,
                                                            runtime::Disk& disk,
                                                            std::string directory) {
    for (const std::string option :
         {"endingoffsets", "endingtimestamp", "endingoffsetsbytimestamp"}) {
        if (!scan.source.options.contains(option)) continue;
        return fail(Code::kInvalidArgument, "{} not supported in streaming queries", option);
    }
    MR_TRY(auto reached, topics(scan.source.options));
    auto source = std::make_unique<TopicSource>(scan.source.options, std::move(reached), disk,
                                                std::move(directory));
    MR_TRY_VOID(source->prepare());
    return source;
}

Result<Batches> read_topics(const plan::DataSourceRel& source, const TopicsProvider& topics) {
    const auto starting = source.options.find("startingoffsets");
    if (starting != source.options.end() && starting->second == "latest") {
        return fail(Code::kInvalidArgument,
                    "starting offset can't be latest for batch queries on Kafka");
    }
    const auto ending = source.options.find("endingoffsets");
    if (ending != source.options.end() && ending->second == "earliest") {
        return fail(Code::kInvalidArgument,
                    "ending offset can't be earliest for batch queries on Kafka");
    }
    MR_TRY(const auto reached, topics(source.options));
    MR_TRY(const auto partitions,
           subscribed_partitions(source.options, *reached, MissingTopics::kAreAnError));
    MR_TRY(const auto from,
           bound_offsets(source.options, "starting", kEarliestOffset, partitions, *reached));
    MR_TRY(const auto to,
           bound_offsets(source.options, "ending", kLatestOffset, partitions, *reached));
    std::int64_t oldest_ms = 0;
    return read_ranges(*reached, from, to, source.options, oldest_ms);
}

std::optional<std::vector<plan::Field>> fixed_schema(const plan::DataSourceRel& source) {
    if (source.format == "kafka") return topic_fields(wants_headers(source.options));
    if (source.format == "rate" || source.format == "rate-micro-batch") {
        return std::vector<plan::Field>{{"timestamp", DataType::timestamp(), true, {}},
                                        {"value", DataType::long_(), true, {}}};
    }
    return std::nullopt;
}

}  // namespace millrace::streaming
