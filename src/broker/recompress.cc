#include "broker/recompress.h"

#include "base/crc32c.h"
#include "model/records.h"

namespace millrace::broker {

namespace layout = model::batch_layout;

std::optional<model::Codec> wanted_codec(std::string_view compression_type) {
    if (compression_type == "producer") return std::nullopt;
    if (compression_type == "uncompressed") return model::Codec::kNone;
    return model::codec_from_name(compression_type);
}

base::Result<base::Bytes> recompress(const model::RecordBatch& batch, model::Codec codec) {
    base::Bytes scratch;
    MR_TRY(const base::ByteView payload, model::unpack(batch, scratch));
    base::Bytes made(batch.bytes().substr(0, model::kBatchHeaderBytes));
    if (codec == model::Codec::kNone) {
        made.append(payload);
    } else {
        model::compress(codec, payload, made);
    }
    const auto attributes = static_cast<std::int16_t>((batch.attributes() & ~layout::kCodecMask) |
                                                      static_cast<std::int16_t>(codec));
    base::store_big_endian(made.data() + layout::kLength,
                           static_cast<std::int32_t>(made.size() - model::kBatchPrefixBytes));
    base::store_big_endian(made.data() + layout::kAttributes, attributes);
    base::store_big_endian(made.data() + layout::kCrc,
                           base::crc32c(base::ByteView(made).substr(layout::kAttributes)));
    return made;
}

}  // namespace millrace::broker
