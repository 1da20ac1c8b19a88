// Byte slices and big-endian numbers: the vocabulary of every wire and disk format.
//
// Bytes own, ByteView borrows. Both are the standard string types, so they pass to files, sockets
// and protobuf without a copy. load_* and store_* do not check bounds: the caller has.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace millrace::base {

using Bytes = std::string;
using ByteView = std::string_view;

template <class Integer>
Integer load_big_endian(const void* from) {
    Integer value;
    std::memcpy(&value, from, sizeof(value));
    return std::byteswap(value);
}

template <class Integer>
void store_big_endian(void* to, Integer value) {
    value = std::byteswap(value);
    std::memcpy(to, &value, sizeof(value));
}

template <class Integer>
void append_big_endian(Bytes& to, Integer value) {
    char raw[sizeof(value)];
    store_big_endian(raw, value);
    to.append(raw, sizeof(raw));
}

static_assert(std::endian::native == std::endian::little,
              "Millrace runs on little-endian machines");

}  // namespace millrace::base
