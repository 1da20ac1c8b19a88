// The kafka sink: each row is a record. Columns value (string or binary, required), key, topic,
// partition and headers; the option topic stands for the column. At least once.
#include <algorithm>
#include <map>

#include "streaming/sink.h"
#include "streaming/topic_offsets.h"
#include "topic/topics.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using columnar::Batch;
using columnar::Batches;
using columnar::ColumnView;
using plan::TypeKind;

namespace {

constexpr std::size_t kAppendRecords = 10'000;

// Kafka's own hash of a key, by which its producers choose the partition.
std::uint32_t murmur2(std::string_view data) {
    constexpr std::uint32_t kMix = 0x5bd1e995;
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(data[i]));
    };
    std::uint32_t hash = 0x9747b28cU ^ static_cast<std::uint32_t>(data.size());
    const std::size_t whole = data.size() / 4 * 4;
    for (std::size_t i = 0; i < whole; i += 4) {
        std::uint32_t word = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
        word *= kMix;
        word ^= word >> 24;
        word *= kMix;
        hash = (hash * kMix) ^ word;
    }
    switch (data.size() - whole) {
        case 3: hash ^= byte(whole + 2) << 16; [[fallthrough]];
        case 2: hash ^= byte(whole + 1) << 8; [[fallthrough]];
        case 1: hash = (hash ^ byte(whole)) * kMix; break;
        default: break;
    }
    hash ^= hash >> 13;
    hash *= kMix;
    return hash ^ (hash >> 15);
}

struct Columns {
    int key = -1;
    int value = -1;
    int topic = -1;
    int partition = -1;
    int headers = -1;
};

bool is_bytes(const plan::DataType& type) {
    return type.is_string() || type.is(TypeKind::kBinary);
}

Result<Columns> find_columns(const std::vector<plan::Field>& fields, bool has_topic) {
    Columns columns;
    const auto find = [&](std::string_view name) {
        const auto field = std::ranges::find_if(fields, [&](const plan::Field& candidate) {
            return std::ranges::equal(candidate.name, name, [](char a, char b) {
                return std::tolower(static_cast<unsigned char>(a)) == b;
            });
        });
        return field == fields.end() ? -1 : static_cast<int>(field - fields.begin());
    };
    const auto wrong_type = [&](std::string_view name, int index, std::string_view wanted) {
        return fail(Code::kAnalysis, "{} attribute unsupported type {}. {}", name,
                    fields[static_cast<std::size_t>(index)].type.simple_string(), wanted);
    };
    const auto type_of = [&](int index) { return fields[static_cast<std::size_t>(index)].type; };
    columns.key = find("key");
    columns.value = find("value");
    columns.topic = find("topic");
    columns.partition = find("partition");
    columns.headers = find("headers");
    if (columns.value < 0) return fail(Code::kAnalysis, "Required attribute 'value' not found.");
    if (!is_bytes(type_of(columns.value))) {
        return wrong_type("value", columns.value, "value must be a STRING or BINARY");
    }
    if (columns.key >= 0 && !is_bytes(type_of(columns.key))) {
        return wrong_type("key", columns.key, "key must be a STRING or BINARY");
    }
    if (columns.topic >= 0 && !type_of(columns.topic).is_string()) {
        return wrong_type("topic", columns.topic, "topic must be a STRING");
    }
    if (columns.partition >= 0 && !type_of(columns.partition).is(TypeKind::kInteger)) {
        return wrong_type("partition", columns.partition, "partition must be an INT");
    }
    if (columns.topic < 0 && !has_topic) {
        return fail(
            Code::kAnalysis,
            "topic option required when no 'topic' attribute is present. Use the topic option "
            "for setting a topic.");
    }
    return columns;
}

class TopicWriter {
public:
    TopicWriter(std::shared_ptr<topic::Topics> topics, std::optional<std::string> topic,
                Columns columns)
        : topics_(std::move(topics)), topic_(std::move(topic)), columns_(columns) {}

    Result<void> write(const Batches& rows) {
        for (const Batch& batch : rows) MR_TRY_VOID(add(batch));
        for (auto& [partition, records] : pending_) {
            if (records.empty()) continue;
            MR_TRY_VOID(topics_->append(partition, records));
            records.clear();
        }
        return {};
    }

private:
    Result<void> add(const Batch& batch) {
        const auto view = [&](int index) {
            return index < 0 ? ColumnView() : batch.column(static_cast<std::size_t>(index));
        };
        const ColumnView key = view(columns_.key);
        const ColumnView value = view(columns_.value);
        const ColumnView name = view(columns_.topic);
        const ColumnView partition = view(columns_.partition);
        const ColumnView headers = view(columns_.headers);
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            topic::NewRecord record;
            if (columns_.key >= 0 && !key.is_null(row)) record.key = base::Bytes(key.text(row));
            if (!value.is_null(row)) record.value = base::Bytes(value.text(row));
            if (columns_.headers >= 0 && !headers.is_null(row)) add_headers(headers, row, record);
            topic::TopicPartition to;
            if (topic_) {
                to.topic = *topic_;
            } else if (!name.is_null(row)) {
                to.topic = name.text(row);
            } else {
                return fail(Code::kRuntime,
                            "null topic present in the data. Use the topic option for setting a "
                            "topic.");
            }
            MR_TRY(const std::int32_t count, partitions_of(to.topic));
            if (columns_.partition >= 0 && !partition.is_null(row)) {
                to.partition = partition.value<std::int32_t>(row);
                if (to.partition < 0 || to.partition >= count) {
                    return fail(Code::kRuntime,
                                "Topic {} not present in metadata: partition {} of {}", to.topic,
                                to.partition, count);
                }
            } else if (record.key) {
                to.partition = static_cast<std::int32_t>((murmur2(*record.key) & 0x7fffffff) %
                                                         static_cast<std::uint32_t>(count));
            } else {
                // Records without a key go together, a batch to a partition in turn.
                to.partition = static_cast<std::int32_t>(turn_ % static_cast<std::uint32_t>(count));
            }
            auto& records = pending_[to];
            records.push_back(std::move(record));
            if (records.size() >= kAppendRecords) {
                MR_TRY_VOID(topics_->append(to, records));
                records.clear();
            }
        }
        ++turn_;
        return {};
    }

    static void add_headers(const ColumnView& headers, std::int64_t row, topic::NewRecord& record) {
        const ColumnView& entry = headers.children[0];
        for (std::int64_t i = headers.offsets32[row]; i < headers.offsets32[row + 1]; ++i) {
            topic::Header header{std::string(entry.children[0].text(i)), std::nullopt};
            if (!entry.children[1].is_null(i))
                header.value = base::Bytes(entry.children[1].text(i));
            record.headers.push_back(std::move(header));
        }
    }

    Result<std::int32_t> partitions_of(const std::string& topic) {
        if (const auto known = partitions_.find(topic); known != partitions_.end()) {
            return known->second;
        }
        auto description = topics_->describe(topic);
        if (!description && description.error().code() == Code::kNotFound) {
            // As Kafka's auto.create.topics.enable.
            const auto made = topics_->create({.name = topic, .partitions = 1, .configs = {}});
            if (!made && made.error().code() != Code::kAlreadyExists) return fail(made.error());
            description = topics_->describe(topic);
        }
        if (!description) return fail(description.error());
        return partitions_[topic] = description->partitions;
    }

    const std::shared_ptr<topic::Topics> topics_;
    const std::optional<std::string> topic_;
    const Columns columns_;
    std::map<std::string, std::int32_t> partitions_;
    std::map<topic::TopicPartition, std::vector<topic::NewRecord>> pending_;
    std::uint32_t turn_ = 0;
};

class TopicSink final : public Sink {
public:
    explicit TopicSink(TopicWriter writer) : writer_(std::move(writer)) {}
    std::string description() const override { return "KafkaTable"; }
    Result<std::int64_t> write(std::int64_t, const Batches& rows) override {
        MR_TRY_VOID(writer_.write(rows));
        return columnar::total_rows(rows);
    }

private:
    TopicWriter writer_;
};

Result<TopicWriter> make_writer(const plan::Options& options, const TopicsProvider& topics,
                                const std::vector<plan::Field>& fields) {
    std::optional<std::string> topic;
    if (const auto named = options.find("topic"); named != options.end()) topic = named->second;
    MR_TRY(const Columns columns, find_columns(fields, topic.has_value()));
    MR_TRY(auto reached, topics(options));
    return TopicWriter(std::move(reached), std::move(topic), columns);
}

}  // namespace

Result<std::unique_ptr<Sink>> make_topic_sink(const SinkContext& context) {
    MR_TRY(TopicWriter writer,
           make_writer(context.spec.sink.options, context.services.topics, context.fields));
    return std::make_unique<TopicSink>(std::move(writer));
}

Result<void> write_topics(const Batches& rows, const plan::Options& options,
                          const TopicsProvider& topics) {
    if (rows.empty()) return {};
    MR_TRY(TopicWriter writer, make_writer(options, topics, rows.front().fields()));
    return writer.write(rows);
}

}  // namespace millrace::streaming
