// The keys and values of internal topics as Kafka writes them: 16 bits in front, then a message. In
// front of a value stands the message's version, in front of a key the number of its kind.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "kafka/reader.h"
#include "kafka/writer.h"

namespace millrace::broker {

template <class Message>
base::Bytes encode_versioned(std::int16_t leading, const Message& message,
                             std::int16_t version = 0) {
    kafka::Writer writer;
    writer.i16(leading);
    message.encode(writer, version);
    return writer.take_all();
}

// The message of a value; nullopt for a version that is not known, and for what cannot be read.
template <class Message>
std::optional<Message> decode_versioned(base::ByteView value) {
    kafka::Reader reader(value);
    const std::int16_t version = reader.i16();
    if (version < Message::kMinVersion || version > Message::kMaxVersion) return std::nullopt;
    Message message;
    message.decode(reader, version);
    if (!reader.ok()) return std::nullopt;
    return message;
}

// What stands behind the number of its kind in a key.
template <class Message>
std::optional<Message> decode_key_of_kind(kafka::Reader& reader) {
    Message message;
    message.decode(reader, 0);
    if (!reader.ok()) return std::nullopt;
    return message;
}

}  // namespace millrace::broker
