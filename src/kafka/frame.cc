#include "kafka/frame.h"

#include "kafka/reader.h"
#include "kafka/writer.h"

namespace millrace::kafka {

void RequestHeader::decode_untagged(Reader& reader) {
    key = ApiKey{reader.i16()};
    version = reader.i16();
    correlation_id = reader.i32();
    client_id = reader.nullable_string(/*flexible=*/false);
}

void RequestHeader::encode(Writer& writer, bool flexible) const {
    writer.i16(static_cast<std::int16_t>(key));
    writer.i16(version);
    writer.i32(correlation_id);
    if (client_id) {
        writer.string(*client_id, /*flexible=*/false);
    } else {
        writer.null_string(/*flexible=*/false);
    }
    if (flexible) writer.unsigned_varint(0);
}

void encode_response_header(Writer& writer, ApiKey key, std::int32_t correlation_id,
                            bool flexible) {
    writer.i32(correlation_id);
    if (flexible && key != ApiKey::kApiVersions) writer.unsigned_varint(0);
}

}  // namespace millrace::kafka
