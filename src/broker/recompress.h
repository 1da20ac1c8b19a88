// recompress: what a topic's compression.type asks for, where it is not "producer".
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/codec.h"

namespace millrace::broker {

// The codec that compression.type names; nullopt for "producer", which keeps batches as they come.
std::optional<model::Codec> wanted_codec(std::string_view compression_type);

// The same batch with its records in `codec`, and a new checksum. Offsets, sequences, timestamps
// and the number of records stay.
base::Result<base::Bytes> recompress(const model::RecordBatch& batch, model::Codec codec);

}  // namespace millrace::broker
