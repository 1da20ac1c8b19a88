// from_json and to_json: JSON text into typed columns and back, as Spark's JacksonParser and
// JacksonGenerator do.
#pragma once

#include <memory>
#include <string>

#include "columnar/functions_internal.h"
#include "columnar/live_fields_internal.h"
#include "plan/relation.h"

namespace millrace::columnar {

// Reads JSON of one schema. Immutable: used by any number of threads at once.
class JsonReader {
public:
    // `type`: a struct, an array or a map. Options have lower-case keys. `wanted`: the fields of
    // the struct that anybody looks at; the others are walked over and null, unless a misfit in
    // them would show (FAILFAST, a column of corrupt records). `borrows`: the texts outlive the
    // run, so that long strings refer to them instead of being copied.
    static Result<std::unique_ptr<JsonReader>> make(const plan::DataType& type,
                                                    const plan::Options& options,
                                                    const std::string& time_zone,
                                                    const FieldSet& wanted = std::nullopt,
                                                    bool borrows = false);
    ~JsonReader();

    struct Impl;
    const Impl& impl() const { return *impl_; }

private:
    explicit JsonReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};
// (VARCHAR or BLOB) -> the reader's type; Call::extra() is the JsonReader.
void run_from_json(Call& call);

class JsonWriter {
public:
    static Result<std::unique_ptr<JsonWriter>> make(const plan::DataType& type,
                                                    const plan::Options& options,
                                                    const std::string& time_zone);
    ~JsonWriter();

    struct Impl;
    const Impl& impl() const { return *impl_; }

private:
    explicit JsonWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};
// One value as JSON, "null" for null: what JSON files are written with.
void append_json(std::string& to, const JsonWriter& writer, const ColumnView& column,
                 std::int64_t row);
// The writer's type -> VARCHAR; Call::extra() is the JsonWriter.
void run_to_json(Call& call);

// CAST(nested value AS STRING).
struct TextForm {
    plan::DataType type;
    std::string time_zone;
};
void run_to_text(Call& call);

// Text in quotes, as JSON writes it; bytes as base 64.
void append_json_string(std::string& to, std::string_view text);
void append_base64(std::string& to, std::string_view bytes);
// Base 64, also the form for URLs; false for other characters.
bool decode_base64(std::string_view text, std::string& bytes);
// "1.5e3" as an unscaled value, rounded half up to the scale; false when it is no number or does
// not fit.
bool parse_decimal(std::string_view text, int precision, int scale, __int128& unscaled);

}  // namespace millrace::columnar
