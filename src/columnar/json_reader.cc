// from_json: one pass over each text, values written straight into
// DuckDB's vectors. Fields are expected in the order in which the last record had them, so that a
// key costs one comparison.
//
// PERMISSIVE, as Spark 4: a text that is no JSON gives a struct of nulls; a field whose value does
// not fit its type is null and the others are kept; both put the text into the column of corrupt
// records where the schema has one. FAILFAST ends the query. Values of unknown keys are walked,
// since Spark's parser would find them malformed too.
#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include "columnar/display_internal.h"
#include "columnar/json_internal.h"
#include "columnar/json_target_internal.h"
#include "columnar/json_text_internal.h"
#include "columnar/time_format_internal.h"
#include "columnar/time_text_internal.h"
#include "columnar/variant_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

namespace {

using Node = JsonReader::Impl::Node;
using Target = JsonTarget;

Node make_node(const DataType& type) {
    Node node{.type = type, .kind = type.kind()};
    if (type.is(TypeKind::kStruct)) {
        for (const plan::Field& field : type.fields()) {
            if (node.keys.size() < 64) node.awaited |= std::uint64_t{1} << node.keys.size();
            node.keys.push_back(field.name);
            node.children.push_back(make_node(field.type));
        }
    } else if (type.is(TypeKind::kArray)) {
        node.children.push_back(make_node(type.element()));
    } else if (type.is(TypeKind::kMap)) {
        node.children.push_back(make_node(type.key()));
        node.children.push_back(make_node(type.value()));
    }
    return node;
}

// Of a bad record, errors quote no more than this.
constexpr std::size_t kLongestQuote = 1000;

// The first string of a record that stands where a real number should.
struct MisfitText {
    const Node* node = nullptr;
    std::string field;
    std::string value;
};

// What became of a value.
enum class Outcome : std::uint8_t { kGood, kMisfit, kMalformed };

Outcome worse(Outcome a, Outcome b) {
    return std::max(a, b);
}

class Parse {
public:
    Parse(const JsonReader::Impl& reader, Zone* zone) : reader_(reader), zone_(zone) {}

    const MisfitText& misfit_text() const { return misfit_text_; }
    void begin_record(std::string_view record) {
        misfit_text_.node = nullptr;
        record_ = record;
    }

    // The value at the cursor, taken whole unless it is malformed.
    Outcome value(JsonCursor& json, Target& to, idx_t row, int depth) {
        const JsonKind kind = json.kind();
        if (kind == JsonKind::kNone || depth > kDeepestJson) return Outcome::kMalformed;
        if (to.node->kind == TypeKind::kVariant) return variant(json, to, row, depth);
        if (kind == JsonKind::kNull) {
            if (!json.literal(kind)) return Outcome::kMalformed;
            to.set_null(row);
            return Outcome::kGood;
        }
        switch (to.node->kind) {
            case TypeKind::kStruct:
                return kind == JsonKind::kObject ? object(json, to, row, depth)
                                                 : misfit(json, to, row, depth);
            case TypeKind::kArray:
                return kind == JsonKind::kArray ? array(json, to, row, depth)
                                                : misfit(json, to, row, depth);
            case TypeKind::kMap:
                return kind == JsonKind::kObject ? map(json, to, row, depth)
                                                 : misfit(json, to, row, depth);
            case TypeKind::kString:
            case TypeKind::kChar:
            case TypeKind::kVarchar: return text(json, kind, to, row, depth);
            case TypeKind::kBoolean:
                if (kind != JsonKind::kTrue && kind != JsonKind::kFalse)
                    return misfit(json, to, row, depth);
                if (!json.literal(kind)) return Outcome::kMalformed;
                to.put<bool>(row, kind == JsonKind::kTrue);
                return Outcome::kGood;
            case TypeKind::kByte: return integer<std::int8_t>(json, kind, to, row, depth);
            case TypeKind::kShort: return integer<std::int16_t>(json, kind, to, row, depth);
            case TypeKind::kInteger: return integer<std::int32_t>(json, kind, to, row, depth);
            case TypeKind::kLong: return integer<std::int64_t>(json, kind, to, row, depth);
            case TypeKind::kFloat: return real<float>(json, kind, to, row, depth);
            case TypeKind::kDouble: return real<double>(json, kind, to, row, depth);
            case TypeKind::kDecimal: return decimal(json, kind, to, row, depth);
            default: return from_word(json, kind, to, row, depth);
        }
    }

    // Any value as it is, a null too.
    static Outcome variant(JsonCursor& json, Target& to, idx_t row, int depth) {
        const char* start = json.position();
        if (!json.skip(depth)) return Outcome::kMalformed;
        VariantBuilder builder;
        if (builder.parse_json({start, static_cast<std::size_t>(json.position() - start)})) {
            to.set_null(row);
            return Outcome::kMisfit;
        }
        put_variant(to.vector, row, builder.value(), builder.metadata());
        to.set_valid(row);
        return Outcome::kGood;
    }

    Outcome object(JsonCursor& json, Target& to, idx_t row, int depth) {
        const Node& node = *to.node;
        const std::size_t count = node.keys.size();
        // Bits of the fields that came, for up to 64; more are nulled beforehand instead.
        std::uint64_t seen = 0;
        if (count > 64) {
            for (Target& child : to.children) child.set_null(row);
        }
        Outcome outcome = Outcome::kGood;
        const bool whole = json.object([&] {
            std::size_t index = to.expected_key;
            if (index >= count || !json.take_key(node.keys[index])) {
                std::string_view key;
                if (!json.string(key, key_buffer_) || !json.colon()) return false;
                const auto found = std::ranges::find(node.keys, key);
                index = static_cast<std::size_t>(found - node.keys.begin());
            }
            if (index == count) return json.skip(depth + 1);
            to.expected_key = index + 1 == count ? 0 : index + 1;
            if (!node.children[index].wanted) return json.skip(depth + 1);
            field_ = node.keys[index];
            const Outcome field = value(json, to.children[index], row, depth + 1);
            if (field == Outcome::kMisfit && !to.children[index].node->type.is_nested()) {
                to.children[index].set_null(row);
            }
            outcome = worse(outcome, field);
            if (index < 64) seen |= std::uint64_t{1} << index;
            return field != Outcome::kMalformed;
        });
        if (!whole) return Outcome::kMalformed;
        if (count <= 64) {
            for (std::uint64_t missing = node.awaited & ~seen; missing != 0;
                 missing &= missing - 1) {
                to.children[static_cast<std::size_t>(std::countr_zero(missing))].set_null(row);
            }
        }
        to.set_valid(row);
        return outcome;
    }

    Outcome array(JsonCursor& json, Target& to, idx_t row, int depth) {
        // Elements of a list lie together: those of a list inside are in another vector.
        const idx_t from = to.list_rows;
        Outcome outcome = Outcome::kGood;
        const bool whole = json.array([&] {
            const idx_t at = to.add_element();
            const Outcome item = value(json, to.children[0], at, depth + 1);
            if (item == Outcome::kMisfit && !to.children[0].node->type.is_nested())
                to.children[0].set_null(at);
            outcome = worse(outcome, item);
            return item != Outcome::kMalformed;
        });
        if (!whole) return Outcome::kMalformed;
        static_cast<duckdb_list_entry*>(to.data)[row] = {.offset = from,
                                                         .length = to.list_rows - from};
        to.set_valid(row);
        return outcome;
    }

private:
    // A value of another kind than its type: walked over, and null.
    Outcome misfit(JsonCursor& json, Target& to, idx_t row, int depth) {
        if (!json.skip(depth)) return Outcome::kMalformed;
        to.set_null(row);
        return Outcome::kMisfit;
    }

    Outcome map(JsonCursor& json, Target& to, idx_t row, int depth) {
        const idx_t from = to.list_rows;
        Outcome outcome = Outcome::kGood;
        const bool whole = json.object([&] {
            std::string_view key;
            if (!json.string(key, key_buffer_)) return false;
            const idx_t at = to.add_element();
            to.children[0].put_text(at, key);
            if (!json.colon()) return false;
            const Outcome item = value(json, to.children[1], at, depth + 1);
            if (item == Outcome::kMisfit && !to.children[1].node->type.is_nested())
                to.children[1].set_null(at);
            outcome = worse(outcome, item);
            return item != Outcome::kMalformed;
        });
        if (!whole) return Outcome::kMalformed;
        static_cast<duckdb_list_entry*>(to.data)[row] = {.offset = from,
                                                         .length = to.list_rows - from};
        to.set_valid(row);
        return outcome;
    }

    // A string column takes any value: what is no string is kept as its JSON text.
    Outcome text(JsonCursor& json, JsonKind kind, Target& to, idx_t row, int depth) {
        std::string_view content;
        if (kind == JsonKind::kString) {
            if (!json.string(content, buffer_)) return Outcome::kMalformed;
        } else {
            const char* start = json.position();
            if (!json.skip(depth)) return Outcome::kMalformed;
            content = {start, static_cast<std::size_t>(json.position() - start)};
        }
        // Where escapes were resolved it is in the buffer.
        const bool in_record =
            content.data() >= record_.data() && content.data() < record_.data() + record_.size();
        to.put_text(row, content, reader_.borrows && in_record);
        return Outcome::kGood;
    }

    template <class T>
    Outcome integer(JsonCursor& json, JsonKind kind, Target& to, idx_t row, int depth) {
        std::string_view digits;
        bool whole = false;
        if (kind != JsonKind::kNumber) return misfit(json, to, row, depth);
        if (!json.number(digits, whole)) return Outcome::kMalformed;
        T number{};
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (!whole || error != std::errc()) return Outcome::kMisfit;
        to.put<T>(row, number);
        return Outcome::kGood;
    }

    template <class T>
    Outcome real(JsonCursor& json, JsonKind kind, Target& to, idx_t row, int depth) {
        std::string_view word;
        if (kind == JsonKind::kNumber) {
            bool whole = false;
            if (!json.number(word, whole)) return Outcome::kMalformed;
            T number{};
            const auto [end, error] =
                std::from_chars(word.data(), word.data() + word.size(), number);
            if (error == std::errc::result_out_of_range) {
                const bool tiny = word.find("e-") != std::string_view::npos ||
                                  word.find("E-") != std::string_view::npos;
                number = tiny ? T{0} : std::numeric_limits<T>::infinity();
                if (word.front() == '-') number = -number;
            }
            to.put<T>(row, number);
            return Outcome::kGood;
        }
        if (kind != JsonKind::kString) return misfit(json, to, row, depth);
        if (!json.string(word, buffer_)) return Outcome::kMalformed;
        constexpr T kInfinity = std::numeric_limits<T>::infinity();
        if (!reader_.allow_non_numeric) return Outcome::kMisfit;
        if (word == "NaN") {
            to.put<T>(row, std::numeric_limits<T>::quiet_NaN());
        } else if (word == "+INF" || word == "+Infinity" || word == "Infinity" || word == "INF") {
            to.put<T>(row, kInfinity);
        } else if (word == "-INF" || word == "-Infinity") {
            to.put<T>(row, -kInfinity);
        } else {
            if (reader_.fail_fast && misfit_text_.node == nullptr) {
                misfit_text_ = {to.node, std::string(field_), std::string(word)};
            }
            return Outcome::kMisfit;
        }
        return Outcome::kGood;
    }

    Outcome decimal(JsonCursor& json, JsonKind kind, Target& to, idx_t row, int depth) {
        std::string_view digits;
        bool whole = false;
        if (kind == JsonKind::kString) {
            if (!json.string(digits, buffer_)) return Outcome::kMalformed;
        } else if (kind != JsonKind::kNumber) {
            return misfit(json, to, row, depth);
        } else if (!json.number(digits, whole)) {
            return Outcome::kMalformed;
        }
        const int precision = to.node->type.precision();
        __int128 unscaled = 0;
        if (!parse_decimal(digits, precision, to.node->type.scale(), unscaled))
            return Outcome::kMisfit;
        if (precision <= 4) {
            to.put<std::int16_t>(row, static_cast<std::int16_t>(unscaled));
        } else if (precision <= 9) {
            to.put<std::int32_t>(row, static_cast<std::int32_t>(unscaled));
        } else if (precision <= 18) {
            to.put<std::int64_t>(row, static_cast<std::int64_t>(unscaled));
        } else {
            to.put<__int128>(row, unscaled);
        }
        return Outcome::kGood;
    }

    // Types that JSON writes as strings: times, dates, binary.
    Outcome from_word(JsonCursor& json, JsonKind kind, Target& to, idx_t row, int depth) {
        const TypeKind type = to.node->kind;
        std::string_view word;
        if (type == TypeKind::kTimestamp && kind == JsonKind::kNumber) {
            bool whole = false;
            std::int64_t us = 0;
            if (!json.number(word, whole)) return Outcome::kMalformed;
            const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), us);
            if (!whole || error != std::errc() ||
                __builtin_mul_overflow(us, std::int64_t{1'000'000}, &us)) {
                return Outcome::kMisfit;
            }
            to.put<std::int64_t>(row, us);
            return Outcome::kGood;
        }
        if (kind != JsonKind::kString) return misfit(json, to, row, depth);
        if (!json.string(word, buffer_)) return Outcome::kMalformed;
        if (type == TypeKind::kDate) {
            const auto days =
                reader_.date_format ? reader_.date_format->parse_date(word) : parse_date(word);
            if (!days) return Outcome::kMisfit;
            to.put<std::int32_t>(row, *days);
            return Outcome::kGood;
        }
        if (type == TypeKind::kBinary) {
            std::string bytes;
            if (!decode_base64(word, bytes)) return Outcome::kMisfit;
            duckdb_unsafe_vector_assign_string_element_len(to.vector, row, bytes.data(),
                                                           bytes.size());
            to.set_valid(row);
            return Outcome::kGood;
        }
        std::optional<std::int64_t> us;
        if (type == TypeKind::kTimestamp) {
            us = reader_.timestamp_format ? reader_.timestamp_format->parse_instant(word, *zone_)
                                          : parse_timestamp(word, *zone_);
        } else if (type == TypeKind::kTimestampNtz && reader_.timestamp_ntz_format) {
            us = reader_.timestamp_ntz_format->parse_local(word);
        } else if (type == TypeKind::kTimestampNtz) {
            const auto parsed = parse_local_time(word);
            if (parsed && !parsed->has_zone) us = parsed->local_us;
        }
        if (!us) return Outcome::kMisfit;
        to.put<std::int64_t>(row, *us);
        return Outcome::kGood;
    }

    const JsonReader::Impl& reader_;
    Zone* zone_;
    MisfitText misfit_text_;
    std::string_view record_;
    std::string_view field_;  // Whose value is being read.
    std::string buffer_;
    std::string key_buffer_;
};

// A value as Spark's rows show themselves: without quotes, times as numbers.
void append_internal(std::string& to, const Target& from, idx_t row) {
    if (vector_is_null(from.validity, row)) {
        to += "null";
        return;
    }
    const auto at = [&]<class T>(T) { return static_cast<const T*>(from.data)[row]; };
    switch (from.node->kind) {
        case TypeKind::kBoolean: to += at(false) ? "true" : "false"; break;
        case TypeKind::kByte: to += std::to_string(at(std::int8_t{})); break;
        case TypeKind::kShort: to += std::to_string(at(std::int16_t{})); break;
        case TypeKind::kInteger:
        case TypeKind::kDate: to += std::to_string(at(std::int32_t{})); break;
        case TypeKind::kLong:
        case TypeKind::kTimestamp:
        case TypeKind::kTimestampNtz: to += std::to_string(at(std::int64_t{})); break;
        case TypeKind::kFloat: append_float_text(to, at(float{})); break;
        case TypeKind::kDouble: append_double_text(to, at(double{})); break;
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar: to += text_of(at(duckdb_string_t{})); break;
        case TypeKind::kDecimal: {
            const int precision = from.node->type.precision();
            const __int128 value = precision <= 4    ? __int128{at(std::int16_t{})}
                                   : precision <= 9  ? __int128{at(std::int32_t{})}
                                   : precision <= 18 ? __int128{at(std::int64_t{})}
                                                     : at(__int128{});
            append_decimal_text(to, value, from.node->type.scale());
            break;
        }
        case TypeKind::kStruct:
            to += '[';
            for (const Target& child : from.children) {
                if (&child != &from.children.front()) to += ',';
                append_internal(to, child, row);
            }
            to += ']';
            break;
        default: {
            const auto entry = at(duckdb_list_entry{});
            to += '[';
            for (idx_t i = 0; i < entry.length && from.children.size() == 1; ++i) {
                if (i > 0) to += ',';
                append_internal(to, from.children[0], entry.offset + i);
            }
            to += ']';
        }
    }
}

// Ends the query with the first thing that is wrong with a record, in Spark's words.
void fail_fast(Call& call, const JsonReader::Impl& reader, Target& root, idx_t row,
               std::string_view text, Outcome outcome, const MisfitText& misfit) {
    const std::string record(text.substr(0, kLongestQuote));
    const std::pair<std::string_view, std::string> mode("failFastMode", "FAILFAST");
    if (outcome == Outcome::kMisfit && misfit.node != nullptr) {
        const bool is_float = misfit.node->kind == TypeKind::kFloat;
        call.fail("MALFORMED_RECORD_IN_PARSING.CANNOT_PARSE_STRING_AS_DATATYPE",
                  {{"badRecord", record},
                   mode,
                   {"fieldName", fmt::format("`{}`", misfit.field)},
                   {"fieldValue", fmt::format("'{}'", misfit.value)},
                   {"inputType", "StringType"},
                   {"targetType", is_float ? "FloatType" : "DoubleType"}});
        return;
    }
    if (outcome == Outcome::kMalformed && reader.root.kind == TypeKind::kStruct) {
        JsonCursor again(text);
        if (again.kind() == JsonKind::kArray && again.skip()) {
            call.fail("MALFORMED_RECORD_IN_PARSING.CANNOT_PARSE_JSON_ARRAYS_AS_STRUCTS",
                      {{"badRecord", record}, mode});
            return;
        }
    }
    std::string shown;
    if (reader.corrupt_field >= 0) {
        root.children[static_cast<std::size_t>(reader.corrupt_field)].put_text(row, record);
    }
    // What is no struct has no parts to show.
    if (reader.root.kind == TypeKind::kStruct) {
        append_internal(shown, root, row);
    } else {
        shown = "[null]";
    }
    call.fail("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
              {{"badRecord", shown.substr(0, kLongestQuote)}, mode});
}

bool blank(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
}

}  // namespace

JsonReader::JsonReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JsonReader::~JsonReader() = default;

Result<std::unique_ptr<JsonReader>> JsonReader::make(const DataType& type,
                                                     const plan::Options& options,
                                                     const std::string& time_zone,
                                                     const FieldSet& wanted, bool borrows) {
    auto impl = std::make_unique<Impl>();
    impl->borrows = borrows;
    impl->root = make_node(type);
    impl->time_zone = time_zone;
    const auto option = [&](const char* name) -> const std::string* {
        const auto found = options.find(name);
        return found == options.end() ? nullptr : &found->second;
    };
    if (const std::string* zone = option("timezone")) impl->time_zone = *zone;
    MR_TRY_VOID(Zone::find(impl->time_zone));
    if (const std::string* mode = option("mode")) {
        std::string upper = *mode;
        for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        impl->fail_fast = upper == "FAILFAST";
        impl->drop_malformed = upper == "DROPMALFORMED";
    }
    if (const std::string* flag = option("allownonnumericnumbers"))
        impl->allow_non_numeric = *flag != "false";
    const auto format = [&](const char* name, std::optional<TimeFormat>& to) -> Result<void> {
        const std::string* pattern = option(name);
        if (pattern == nullptr) return {};
        MR_TRY(to, TimeFormat::make(*pattern));
        return {};
    };
    MR_TRY_VOID(format("timestampformat", impl->timestamp_format));
    MR_TRY_VOID(format("timestampntzformat", impl->timestamp_ntz_format));
    MR_TRY_VOID(format("dateformat", impl->date_format));
    const std::string* corrupt = option("columnnameofcorruptrecord");
    const std::string corrupt_name = corrupt == nullptr ? "_corrupt_record" : *corrupt;
    if (type.is(TypeKind::kStruct)) {
        for (std::size_t i = 0; i < type.fields().size(); ++i) {
            if (type.fields()[i].name == corrupt_name && type.fields()[i].type.is_string()) {
                impl->corrupt_field = static_cast<int>(i);
                // It is no field of the data: no key can name it.
                impl->root.keys[i] = std::string(1, '\0');
            }
        }
    }
    if (wanted && type.is(TypeKind::kStruct) && !impl->fail_fast && impl->corrupt_field < 0) {
        for (std::size_t i = 0; i < impl->root.children.size(); ++i) {
            if (wanted->contains(static_cast<int>(i))) continue;
            impl->root.children[i].wanted = false;
            if (i < 64) impl->root.awaited &= ~(std::uint64_t{1} << i);
        }
    }
    return std::unique_ptr<JsonReader>(new JsonReader(std::move(impl)));
}

void run_from_json(Call& call) {
    const JsonReader::Impl& reader = static_cast<const JsonReader*>(call.extra())->impl();
    Zone* zone = thread_zone(reader.time_zone);
    const auto texts = call.column<duckdb_string_t>(0);
    Target root;
    root.attach(reader.root, call.output());
    for (Target& child : root.children) {
        if (!child.node->wanted) child.set_all_null(call.rows());
    }
    Parse parse(reader, zone);
    std::int64_t malformed = 0;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (texts.is_null(row)) {
            root.set_null(row);
            continue;
        }
        const std::string_view text = text_of(texts[row]);
        if (blank(text)) {
            root.set_null(row);
            continue;
        }
        JsonCursor json(text);
        const JsonKind kind = json.kind();
        Outcome outcome = Outcome::kMalformed;
        parse.begin_record(text);
        if (reader.root.kind == TypeKind::kArray && kind == JsonKind::kObject &&
            reader.root.children[0].kind == TypeKind::kStruct) {
            // One object where an array of them is expected counts as an array of one.
            const idx_t at = root.add_element();
            outcome = parse.value(json, root.children[0], at, 1);
            static_cast<duckdb_list_entry*>(root.data)[row] = {.offset = at, .length = 1};
            root.set_valid(row);
        } else if (kind ==
                   (reader.root.kind == TypeKind::kArray ? JsonKind::kArray : JsonKind::kObject)) {
            outcome = parse.value(json, root, row, 0);
        }
        if (outcome == Outcome::kGood) {
            if (reader.corrupt_field >= 0) {
                root.children[static_cast<std::size_t>(reader.corrupt_field)].set_null(row);
            }
            continue;
        }
        if (outcome == Outcome::kMalformed) {
            root.set_null(row);
            if (reader.root.kind == TypeKind::kStruct) root.set_valid(row);
        }
        if (reader.fail_fast) {
            fail_fast(call, reader, root, row, text, outcome, parse.misfit_text());
            return;
        }
        ++malformed;
        if (reader.drop_malformed) {
            root.set_null(row);
            continue;
        }
        if (reader.corrupt_field >= 0) {
            root.children[static_cast<std::size_t>(reader.corrupt_field)].put_text(row, text);
        }
    }
    root.finish();
    if (malformed > 0) call.note_malformed(malformed);
}

}  // namespace millrace::columnar
