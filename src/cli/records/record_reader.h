// RecordReader: records to produce, out of a stream of bytes.
//
// Three ways to part them: delimiters as kcat's -D and -K, a format such as "%k\t%s\n", or JSON
// lines as `consume -J` prints them. A record may be as long as Kafka lets any be (1 GiB here).
// Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "topic/topics.h"

namespace millrace::cli {

// Reads up to `length` bytes; 0 at the end.
using ByteSource = std::function<base::Result<std::size_t>(char* into, std::size_t length)>;

struct InputRecord {
    topic::NewRecord record;
    std::optional<std::int32_t> partition;
};

class RecordReader {
public:
    virtual ~RecordReader() = default;
    // The next record, or none at the end. kParse says which record is wrong and why.
    virtual base::Result<std::optional<InputRecord>> next() = 0;
};

struct InputOptions {
    std::string delimiter = "\n";
    std::string key_delimiter = "";           // Empty: records have no keys.
    std::optional<std::string> key = {};      // Of records without a key of their own.
    std::vector<topic::Header> headers = {};  // Of every record, before its own.
    bool empty_is_null = false;
};

// A record whose key delimiter is missing has no key. What stands behind the last delimiter is a
// record if it is not empty.
std::unique_ptr<RecordReader> read_delimited(ByteSource source, InputOptions options);

// "%k %s %p %T %h" and text between; each must be followed by text, which ends it. kInvalidArgument
// says what is wrong with a format.
base::Result<std::unique_ptr<RecordReader>> read_formatted(ByteSource source,
                                                           std::string_view format,
                                                           InputOptions options);

// kcat's envelopes: "key", "payload", "headers", and the _base64 forms in their place; "ts" where
// "tstype" is "create". Other members are passed over.
std::unique_ptr<RecordReader> read_envelopes(ByteSource source, InputOptions options);

// The whole stream is one record.
std::unique_ptr<RecordReader> read_whole(ByteSource source, InputOptions options);

}  // namespace millrace::cli
