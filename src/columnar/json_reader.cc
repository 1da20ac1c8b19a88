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
#include "columnar/json_text_internal.h"
#include "columnar/time_format_internal.h"
#include "columnar/time_text_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

struct JsonReader::Impl {
    struct Node {
        DataType type;
        TypeKind kind = TypeKind::kNull;
        std::vector<std::string> keys;  // Struct: names of the fields.
        std::vector<Node> children;     // Struct: fields; array: element; map: key, value.
    };
    Node root;
    int corrupt_field = -1;  // Of the root struct.
    bool fail_fast = false;
    bool drop_malformed = false;
    bool allow_non_numeric = true;
    std::string time_zone;
    std::optional<TimeFormat> timestamp_format;
    std::optional<TimeFormat> timestamp_ntz_format;
    std::optional<TimeFormat> date_format;
};

namespace {

using Node = JsonReader::Impl::Node;

Node make_node(const DataType& type) {
    Node node{.type = type, .kind = type.kind()};
    if (type.is(TypeKind::kStruct)) {
        for (const plan::Field& field : type.fields()) {
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

// Where one Node's values go in this chunk. Lists grow while they are written, which moves their
// children's memory: attach() is called again after each growth.
struct Target {
    const Node* node = nullptr;
    duckdb_vector vector = nullptr;
    void* data = nullptr;
    std::uint64_t* validity = nullptr;
    idx_t list_rows = 0;
    idx_t list_capacity = 0;
    std::size_t expected_key = 0;  // Index of the field that the next key is likely to name.
    std::vector<Target> children;

    void attach(const Node& what, duckdb_vector to) {
        node = &what;
        vector = to;
        data = duckdb_vector_get_data(to);
        duckdb_vector_ensure_validity_writable(to);
        validity = duckdb_vector_get_validity(to);
        children.resize(what.children.size());
        if (what.kind == TypeKind::kStruct) {
            for (std::size_t i = 0; i < children.size(); ++i) {
                children[i].attach(what.children[i], duckdb_struct_vector_get_child(to, i));
            }
        } else if (what.kind == TypeKind::kArray) {
            children[0].attach(what.children[0], duckdb_list_vector_get_child(to));
        } else if (what.kind == TypeKind::kMap) {
            const duckdb_vector pairs = duckdb_list_vector_get_child(to);
            for (std::size_t i = 0; i < 2; ++i) {
                children[i].attach(what.children[i], duckdb_struct_vector_get_child(pairs, i));
            }
        }
    }
    // Room for one more list element; its row.
    idx_t add_element() {
        if (list_rows == list_capacity) {
            list_capacity = std::max<idx_t>(2048, list_capacity * 2);
            duckdb_list_vector_reserve(vector, list_capacity);
            data = duckdb_vector_get_data(vector);
            if (node->kind == TypeKind::kArray) {
                children[0].attach(node->children[0], duckdb_list_vector_get_child(vector));
            } else {
                const duckdb_vector pairs = duckdb_list_vector_get_child(vector);
                for (std::size_t i = 0; i < 2; ++i) {
                    children[i].attach(node->children[i], duckdb_struct_vector_get_child(pairs, i));
                }
            }
        }
        return list_rows++;
    }
    void finish() {
        if (node->kind == TypeKind::kArray || node->kind == TypeKind::kMap) {
            duckdb_list_vector_set_size(vector, list_rows);
        }
        for (Target& child : children) child.finish();
    }
    void set_valid(idx_t row) { validity[row >> 6] |= std::uint64_t{1} << (row & 63); }
    void set_null(idx_t row) {
        validity[row >> 6] &= ~(std::uint64_t{1} << (row & 63));
        if (node->kind == TypeKind::kStruct) {
            for (Target& child : children) child.set_null(row);
        } else if (node->kind == TypeKind::kArray || node->kind == TypeKind::kMap) {
            static_cast<duckdb_list_entry*>(data)[row] = {.offset = list_rows, .length = 0};
        }
    }
    template <class T>
    void put(idx_t row, T value) {
        static_cast<T*>(data)[row] = value;
        set_valid(row);
    }
    void put_text(idx_t row, std::string_view text) {
        if (text.size() <= 12) {
            static_cast<duckdb_string_t*>(data)[row] = duck_string(text);
        } else {
            duckdb_unsafe_vector_assign_string_element_len(vector, row, text.data(), text.size());
        }
        set_valid(row);
    }
};

// What became of a value.
enum class Outcome : std::uint8_t { kGood, kMisfit, kMalformed };

Outcome worse(Outcome a, Outcome b) {
    return std::max(a, b);
}

class Parse {
public:
    Parse(const JsonReader::Impl& reader, Zone* zone) : reader_(reader), zone_(zone) {}

    // The value at the cursor, taken whole unless it is malformed.
    Outcome value(JsonCursor& json, Target& to, idx_t row, int depth) {
        const JsonKind kind = json.kind();
        if (kind == JsonKind::kNone || depth > kDeepestJson) return Outcome::kMalformed;
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
            const std::uint64_t all =
                count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
            for (std::uint64_t missing = all & ~seen; missing != 0; missing &= missing - 1) {
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
        to.put_text(row, content);
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
    std::string buffer_;
    std::string key_buffer_;
};

bool blank(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
}

}  // namespace

bool decode_base64(std::string_view text, std::string& bytes) {
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        int value = 0;
        if (c >= 'A' && c <= 'Z') {
            value = c - 'A';
        } else if (c >= 'a' && c <= 'z') {
            value = c - 'a' + 26;
        } else if (c >= '0' && c <= '9') {
            value = c - '0' + 52;
        } else if (c == '+' || c == '-') {
            value = 62;
        } else if (c == '/' || c == '_') {
            value = 63;
        } else if (c == '=' || c == '\r' || c == '\n') {
            continue;
        } else {
            return false;
        }
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        if (++count == 4) {
            bytes.push_back(static_cast<char>(bits >> 16));
            bytes.push_back(static_cast<char>(bits >> 8));
            bytes.push_back(static_cast<char>(bits));
            bits = 0;
            count = 0;
        }
    }
    if (count == 1) return false;
    if (count == 2) bytes.push_back(static_cast<char>(bits >> 4));
    if (count == 3) {
        bytes.push_back(static_cast<char>(bits >> 10));
        bytes.push_back(static_cast<char>(bits >> 2));
    }
    return true;
}

bool parse_decimal(std::string_view text, int precision, int scale, __int128& unscaled) {
    text = trim_all(text);
    bool negative = false;
    std::size_t at = 0;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) negative = text[at++] == '-';
    // Digits without leading zeros, and the power of ten of the last one.
    std::string digits;
    std::int64_t exponent = 0;
    bool point = false;
    bool any = false;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (c >= '0' && c <= '9') {
            any = true;
            if (!(digits.empty() && c == '0')) digits.push_back(c);
            if (point) --exponent;
        } else if (c == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (!any) return false;
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        bool minus = false;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) minus = text[at++] == '-';
        std::int64_t power = 0;
        const std::size_t start = at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
            power = std::min<std::int64_t>(power * 10 + (text[at] - '0'), 1'000'000);
        }
        if (at == start) return false;
        exponent += minus ? -power : power;
    }
    if (at != text.size()) return false;
    // Bring the last digit to the scale: zeros at its end, or digits cut off and rounded half up.
    const std::int64_t shift = exponent + scale;
    bool round_up = false;
    if (digits.empty()) {
        unscaled = 0;
        return true;
    }
    if (shift < 0) {
        const auto cut = static_cast<std::size_t>(-shift);
        if (cut > digits.size()) {
            unscaled = 0;
            return true;
        }
        round_up = digits[digits.size() - cut] >= '5';
        digits.resize(digits.size() - cut);
    } else {
        if (shift > 40) return false;
        digits.append(static_cast<std::size_t>(shift), '0');
    }
    if (digits.size() > static_cast<std::size_t>(precision)) return false;
    __int128 value = 0;
    for (const char c : digits) value = value * 10 + (c - '0');
    if (round_up) ++value;
    __int128 limit = 1;
    for (int i = 0; i < precision; ++i) limit *= 10;
    if (value >= limit) return false;
    unscaled = negative ? -value : value;
    return true;
}

JsonReader::JsonReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JsonReader::~JsonReader() = default;

Result<std::unique_ptr<JsonReader>> JsonReader::make(const DataType& type,
                                                     const plan::Options& options,
                                                     const std::string& time_zone) {
    auto impl = std::make_unique<Impl>();
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
    return std::unique_ptr<JsonReader>(new JsonReader(std::move(impl)));
}

void run_from_json(Call& call) {
    const JsonReader::Impl& reader = static_cast<const JsonReader*>(call.extra())->impl();
    Zone* zone = thread_zone(reader.time_zone);
    const auto texts = call.column<duckdb_string_t>(0);
    Target root;
    root.attach(reader.root, call.output());
    Parse parse(reader, zone);
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
        if (reader.fail_fast) {
            call.fail(
                "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
                {{"badRecord", std::string(text.substr(0, 200))}, {"failFastMode", "FAILFAST"}});
            return;
        }
        if (outcome == Outcome::kMalformed) {
            root.set_null(row);
            if (reader.root.kind == TypeKind::kStruct) root.set_valid(row);
        }
        if (reader.corrupt_field >= 0) {
            root.children[static_cast<std::size_t>(reader.corrupt_field)].put_text(row, text);
        }
    }
    root.finish();
}

}  // namespace millrace::columnar
