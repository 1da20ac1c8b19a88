// Unpacker: binary keys and values as text, by kcat's -s (after Python's struct).
//
//     < little-endian, > big-endian (the default), a space: itself
//     b B h H i I q Q: signed and unsigned numbers of 8, 16, 32, 64 bits
//     c: one character, s: the rest as text, $: here the data must end
// And by three words of our own: hex, base64, string (as it is).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace millrace::cli {

class Unpacker {
public:
    // kInvalidArgument names the letter that means nothing.
    static base::Result<Unpacker> parse(std::string_view text);
    // kCorrupt when the data is shorter than the format, or longer where it must end.
    base::Result<std::string> unpack(base::ByteView data) const;

private:
    explicit Unpacker(std::string format) : format_(std::move(format)) {}
    std::string format_;
};

}  // namespace millrace::cli
