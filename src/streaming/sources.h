// Sources of streaming queries, and the bounded read of topics that batch queries make.
//
// A MicroBatchSource says how far its data reaches as an offset in JSON (Spark's own forms, so that
// checkpoints are shared) and gives the rows between two offsets, the same rows however often they
// are asked for. Topics are reached through TopicsProvider, so that this room knows no client.
// Thread rule: a source belongs to its query's thread; its wake callback may come from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "columnar/batch.h"
#include "plan/logical.h"

namespace millrace::topic {
class Topics;
class Watch;
}  // namespace millrace::topic

namespace millrace::streaming {

using base::Result;

// The topics that a source's or sink's options mean: the server's own log when they hold no
// kafka.bootstrap.servers or name this server, else a remote one. Called with lower-case keys.
using TopicsProvider =
    std::function<Result<std::shared_ptr<topic::Topics>>(const plan::Options& options)>;

// The columns of the sources that have fixed ones (kafka, rate, rate-micro-batch, socket); nullopt
// for any other format.
std::optional<std::vector<plan::Field>> fixed_schema(const plan::DataSourceRel& source);

// spark.read.format("kafka"): all records between the starting and ending offsets of the options.
Result<columnar::Batches> read_topics(const plan::DataSourceRel& source,
                                      const TopicsProvider& topics);

// df.write.format("kafka"): one record per row, durable when it returns.
Result<void> write_topics(const columnar::Batches& rows, const plan::Options& options,
                          const TopicsProvider& topics);

struct ReadLimit {
    bool unlimited = false;  // Ignore the source's rate limits: Trigger.Once.
};

class MicroBatchSource {
public:
    virtual ~MicroBatchSource() = default;
    // What progress reports show, e.g. "KafkaV2[Subscribe[weblog]]".
    virtual std::string description() const = 0;
    // Where the very first batch begins; nullopt for sources that begin at nothing ("-").
    virtual Result<std::optional<std::string>> initial_offset() = 0;
    // The end of the next batch after `start`, within the source's rate limits; `start` itself when
    // there is nothing new, nullopt when nothing was ever there.
    virtual Result<std::optional<std::string>> next_offset(const std::optional<std::string>& start,
                                                           const ReadLimit& limit) = 0;
    // The end of all data there is now, for progress reports; nullopt when unknown.
    virtual std::optional<std::string> latest_offset() const { return std::nullopt; }
    // The rows of (start, end].
    virtual Result<columnar::Batches> read(const std::optional<std::string>& start,
                                           const std::string& end) = 0;
    // All up to `end` has been committed and will not be asked for again.
    virtual Result<void> commit(const std::string& end) {
        static_cast<void>(end);
        return {};
    }
    // From now on next_offset() goes no further than what exists at this call (availableNow).
    virtual Result<void> prepare_for_available_now() = 0;
    // Call `wake` whenever there may be new data. False when the source cannot tell, so that the
    // query has to look after it in intervals.
    virtual bool watch(std::function<void()> wake) {
        static_cast<void>(wake);
        return false;
    }
    // The names and values of progress' sources[].metrics.
    virtual plan::Options metrics() const { return {}; }
    // Records of the last read() that did not parse as the schema has it and became nulls.
    virtual std::int64_t malformed_records() const { return 0; }
    // When the records of the last read() were appended, oldest, in ms; 0 when unknown.
    virtual std::int64_t oldest_append_ms() const { return 0; }
};

}  // namespace millrace::streaming
