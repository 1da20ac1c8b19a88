// VARIANT: a value of any shape in Spark's binary encoding, which is Parquet's: one text of bytes
// for the value, one (the metadata) for the names of its objects' fields.
//
// In DuckDB a variant is STRUCT(f0 BLOB, f1 BLOB): value, metadata. Bytes may come from a client:
// every read is checked against their end, and what does not fit is kInvalid.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/functions_internal.h"
#include "columnar/time_zone_internal.h"

namespace millrace::columnar {

enum class VariantKind : std::uint8_t {
    kNull,
    kBoolean,
    kLong,
    kDouble,
    kFloat,
    kDecimal,
    kString,
    kBinary,
    kDate,
    kTimestamp,
    kTimestampNtz,
    kObject,
    kArray,
    kInvalid
};

// More nesting than this is refused: readers recurse.
inline constexpr int kDeepestVariant = 200;

// A decimal with the scale that it was written with.
struct VariantDecimal {
    __int128 unscaled = 0;
    int scale = 0;
    int precision() const;
    // Without zeros at the end of its fraction.
    VariantDecimal stripped() const;
};

class JsonCursor;

class VariantView {
public:
    VariantView(std::string_view value, std::string_view metadata)
        : value_(value), metadata_(metadata) {}

    VariantKind kind() const;
    bool boolean() const { return type_info() == 1; }
    std::int64_t integer() const;  // Longs, dates and times.
    double real() const;           // Floats too.
    VariantDecimal decimal() const;
    std::string_view text() const;  // Strings and binaries.

    std::size_t size() const;  // Of an object or an array.
    VariantView element(std::size_t index) const;
    std::string_view key(std::size_t index) const;
    std::optional<VariantView> field(std::string_view name) const;

    // The bytes of this value alone.
    std::string_view bytes() const;
    std::string_view metadata() const { return metadata_; }

    // False when the bytes are malformed somewhere.
    bool append_json(std::string& to, Zone* zone, int depth = 0) const;
    // As CAST(… AS STRING): strings bare.
    bool append_text(std::string& to, Zone* zone) const;
    // As schema_of_variant says it, objects as structs; nothing when malformed.
    std::optional<plan::DataType> schema(int depth = 0) const;

private:
    struct Container {
        std::size_t size = 0;
        std::size_t ids = 0;      // Where the ids of an object's keys begin.
        std::size_t offsets = 0;  // Where the offsets begin, and after them the data.
        std::size_t data = 0;
        std::size_t id_bytes = 0;
        std::size_t offset_bytes = 0;
    };
    std::uint8_t header() const {
        return value_.empty() ? 0xFF : static_cast<std::uint8_t>(value_[0]);
    }
    int type_info() const { return header() >> 2; }
    std::optional<Container> container() const;
    // A little-endian number; nothing past the end.
    static std::optional<std::uint64_t> number(std::string_view bytes, std::size_t at,
                                               std::size_t width);
    std::optional<std::string_view> name_of(std::uint64_t id) const;

    std::string_view value_;
    std::string_view metadata_;
};

// "OBJECT<a: BIGINT>" from the type that schema() gives.
std::string variant_schema_text(const plan::DataType& type);
plan::DataType merged_variant_schema(const plan::DataType& left, const plan::DataType& right);

// Writes one variant: values in the order they come, containers from their finished parts.
class VariantBuilder {
public:
    // One JSON value; the reason when it is none: a condition's name and its parameters.
    struct Failure {
        std::string condition;
        std::vector<std::pair<std::string_view, std::string>> parameters;
    };
    std::optional<Failure> parse_json(std::string_view text);
    // A value of a column: structs and maps become objects. `row` may be null.
    void append(const ColumnView& column, std::int64_t row);

    const std::string& value() const { return value_; }
    std::string metadata() const;
    void clear();

private:
    struct Part {
        std::uint32_t id = 0;
        std::size_t offset = 0;  // From the container's start.
    };
    void append_null() { primitive(0, {}); }
    void append_bool(bool value) { primitive(value ? 1 : 2, {}); }
    void append_long(std::int64_t value);
    void append_double(double value);
    void append_float(float value);
    bool append_decimal(__int128 unscaled, int scale);
    void append_text(std::string_view text);
    void append_fixed(int type, const void* bytes, std::size_t size);
    void primitive(int type, std::string_view content);
    std::uint32_t key_id(std::string_view name);
    // Puts the header before the parts, which begin at `start`.
    bool close_object(std::size_t start, std::vector<Part>& parts, std::string* duplicate);
    void close_array(std::size_t start, const std::vector<Part>& parts);
    std::optional<Failure> json_value(JsonCursor& json, int depth);
    bool json_number(std::string_view text, bool integer);

    std::string value_;
    std::vector<std::string> keys_;
    std::map<std::string, std::uint32_t, std::less<>> ids_;
};

// Steps of "$.a['b'][0]"; nothing when it is no such path.
struct VariantStep {
    bool is_index = false;
    std::size_t index = 0;
    std::string key;
};
std::optional<std::vector<VariantStep>> variant_path(std::string_view path);
std::optional<VariantView> variant_at(VariantView view, const std::vector<VariantStep>& steps);

// Into a vector of variants.
void put_variant(duckdb_vector vector, idx_t row, std::string_view value,
                 std::string_view metadata);
void put_null_variant(duckdb_vector vector, idx_t row);

// The functions over variants whose types do not depend on a query.
Result<void> register_variant_functions(duckdb_connection connection);

// Any type -> variant; Call::extra() is the TextForm with the type.
void run_to_variant(Call& call);

// (variant, path) -> a type, for variant_get and casts; Call::extra() is the VariantCast.
class VariantCast {
public:
    // `raises`: what does not fit is an error, else null.
    static Result<std::unique_ptr<VariantCast>> make(const plan::DataType& type,
                                                     const std::string& time_zone, bool raises,
                                                     std::string function);
    ~VariantCast();
    struct Impl;
    const Impl& impl() const { return *impl_; }

private:
    explicit VariantCast(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};
void run_variant_cast(Call& call);

}  // namespace millrace::columnar
