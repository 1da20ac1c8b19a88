// RecordFormat: a consumed record as bytes, by kcat's format language.
//
//     %s %S   value, its length (-1: null)      %k %K   key, its length
//     %R      length of the value as 4 bytes, big-endian (-1: null)
//     %t %p %o  topic, partition, offset        %T      timestamp in milliseconds
//     %h      headers as name=value,...         %%      a percent sign
// %v and %V, as rpk says, are %s and %S. Backslashes are read as in escapes.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/records/unpack.h"
#include "client/consumer.h"

namespace millrace::cli {

class RecordFormat {
public:
    struct Options {
        std::string null_text;        // In the place of a null key or value.
        std::optional<Unpacker> key;  // Else the bytes themselves.
        std::optional<Unpacker> value;
    };

    // kInvalidArgument names the letter that means nothing.
    static base::Result<RecordFormat> parse(std::string_view text, Options options);

    // Appends the record; kCorrupt when it cannot be unpacked, and `out` is as it was.
    base::Result<void> append(const client::Consumer::Record& record, std::string& out) const;

private:
    struct Part {
        char letter = 0;  // 0: `text`.
        std::string text;
    };
    base::Result<void> append_part(const Part& part, const client::Consumer::Record& record,
                                   std::string& out) const;

    std::vector<Part> parts_;
    Options options_;
};

// kcat's envelope of a record as one line of JSON, without the line end. A key or value that is no
// UTF-8 stands in "key_base64" or "payload_base64" beside its readable part, so nothing is lost;
// so does a header's value, with the whole list in "headers_base64".
base::Result<std::string> to_envelope(const client::Consumer::Record& record,
                                      const RecordFormat::Options& options);

}  // namespace millrace::cli
