// Sink: where the rows of each batch go.
//
// write() is called once a batch, also when there are no rows, and again with the same batch id and
// rows when a batch runs again after a crash: files, memory and callbacks that keep the id write
// them once; kafka, console and others at least once. Belongs to the query's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "columnar/batch.h"
#include "streaming/query.h"

namespace millrace::streaming {

class MemoryTable;

class Sink {
public:
    virtual ~Sink() = default;
    virtual std::string description() const = 0;
    // The rows written as progress reports show them; -1 where Spark's sink does not count.
    virtual Result<std::int64_t> write(std::int64_t batch_id, const columnar::Batches& rows) = 0;
};

struct SinkContext {
    const Services& services;
    const QuerySpec& spec;
    std::vector<plan::Field> fields;
    std::shared_ptr<MemoryTable> table;  // For the memory sink.
};
// Checks that the sink can take the fields in the query's output mode.
Result<std::unique_ptr<Sink>> make_sink(const SinkContext& context);

Result<std::unique_ptr<Sink>> make_topic_sink(const SinkContext& context);
Result<std::unique_ptr<Sink>> make_file_sink(const SinkContext& context);

}  // namespace millrace::streaming
