// from_json on simdjson's on-demand parser: one pass over each text, values written straight into
// DuckDB's vectors. Fields are expected in the order in which the last record had them, so that a
// key costs one comparison.
//
// PERMISSIVE, as Spark 4: a text that is no JSON gives a struct of nulls; a field whose value does
// not fit its type is null and the others are kept; both put the text into the column of corrupt
// records where the schema has one. FAILFAST ends the query. Values of unknown keys are walked, since
// Spark's parser would find them malformed too.
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "columnar/display_internal.h"
#include "columnar/json_internal.h"
#include "columnar/time_format_internal.h"
#include "columnar/time_text_internal.h"

namespace millrace::columnar {

namespace ondemand = simdjson::ondemand;
using plan::DataType;
using plan::TypeKind;

namespace {

// Deeper JSON is malformed: the walk over it recurses.
constexpr int kDeepestJson = 200;
constexpr std::size_t kPageBytes = 4096;

}  // namespace

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

Outcome worse(Outcome a, Outcome b) { return std::max(a, b); }

class Parse {
public:
    Parse(const JsonReader::Impl& reader, Zone* zone) : reader_(reader), zone_(zone) {}

    Outcome value(ondemand::value json, Target& to, idx_t row, int depth) {
        ondemand::json_type type{};
        if (json.type().get(type) != simdjson::SUCCESS || depth > kDeepestJson) return Outcome::kMalformed;
        if (type == ondemand::json_type::null) {
            bool null = false;
            if (json.is_null().get(null) != simdjson::SUCCESS || !null) return Outcome::kMalformed;
            to.set_null(row);
            return Outcome::kGood;
        }
        switch (to.node->kind) {
            case TypeKind::kStruct:
                if (type != ondemand::json_type::object) return misfit(json, to, row, depth);
                return object(json, to, row, depth);
            case TypeKind::kArray:
                if (type != ondemand::json_type::array) return misfit(json, to, row, depth);
                return array(json, to, row, depth);
            case TypeKind::kMap:
                if (type != ondemand::json_type::object) return misfit(json, to, row, depth);
                return map(json, to, row, depth);
            case TypeKind::kString:
            case TypeKind::kChar:
            case TypeKind::kVarchar: return text(json, type, to, row, depth);
            default: return scalar(json, type, to, row, depth);
        }
    }

    Outcome object(ondemand::value json, Target& to, idx_t row, int depth) {
        ondemand::object members;
        if (json.get_object().get(members) != simdjson::SUCCESS) return Outcome::kMalformed;
        return fields(members, to, row, depth);
    }

    Outcome fields(ondemand::object& members, Target& to, idx_t row, int depth) {
        const Node& node = *to.node;
        const std::size_t count = node.keys.size();
        // Bits of the fields that came, for up to 64; more are nulled beforehand instead.
        std::uint64_t seen = 0;
        if (count > 64) {
            for (Target& child : to.children) child.set_null(row);
        }
        Outcome outcome = Outcome::kGood;
        for (auto member : members) {
            ondemand::raw_json_string key;
            if (member.error() != simdjson::SUCCESS || member.key().get(key) != simdjson::SUCCESS) {
                return Outcome::kMalformed;
            }
            std::size_t index = to.expected_key;
            if (index >= count || !key_is(key, node.keys[index])) index = find_key(key, node);
            if (index == count) {
                outcome = worse(outcome, skip(member.value(), depth + 1));
            } else {
                ondemand::value item;
                if (member.value().get(item) != simdjson::SUCCESS) return Outcome::kMalformed;
                to.expected_key = index + 1 == count ? 0 : index + 1;
                const Outcome field = value(item, to.children[index], row, depth + 1);
                if (field == Outcome::kMisfit) to.children[index].set_null(row);
                outcome = worse(outcome, field);
                if (index < 64) seen |= std::uint64_t{1} << index;
            }
            if (outcome == Outcome::kMalformed) return outcome;
        }
        if (count <= 64) {
            const std::uint64_t all = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
            for (std::uint64_t missing = all & ~seen; missing != 0; missing &= missing - 1) {
                to.children[static_cast<std::size_t>(std::countr_zero(missing))].set_null(row);
            }
        }
        to.set_valid(row);
        return outcome;
    }

    Outcome array(ondemand::value json, Target& to, idx_t row, int depth) {
        ondemand::array elements;
        if (json.get_array().get(elements) != simdjson::SUCCESS) return Outcome::kMalformed;
        return list(elements, to, row, depth);
    }

    Outcome list(ondemand::array& elements, Target& to, idx_t row, int depth) {
        // Elements of a list lie together: those of a list inside are in another vector.
        const idx_t from = to.list_rows;
        Outcome outcome = Outcome::kGood;
        for (auto element : elements) {
            ondemand::value json;
            if (element.get(json) != simdjson::SUCCESS) return Outcome::kMalformed;
            const idx_t at = to.add_element();
            const Outcome item = value(json, to.children[0], at, depth + 1);
            if (item == Outcome::kMalformed) return item;
            if (item == Outcome::kMisfit) to.children[0].set_null(at);
            outcome = worse(outcome, item);
        }
        static_cast<duckdb_list_entry*>(to.data)[row] = {.offset = from, .length = to.list_rows - from};
        to.set_valid(row);
        return outcome;
    }

private:
    // Keys with escapes are rare: they are compared after unescaping.
    static bool key_is(const ondemand::raw_json_string& key, const std::string& name) {
        const char* raw = key.raw();
        // Both end: the name with its size, the key with a quote. A zero byte cannot be in the key.
        for (const char c : name) {
            if (*raw != c) return false;
            ++raw;
        }
        return *raw == '"';
    }
    std::size_t find_key(const ondemand::raw_json_string& key, const Node& node) {
        for (std::size_t i = 0; i < node.keys.size(); ++i) {
            if (key_is(key, node.keys[i])) return i;
        }
        const char* raw = key.raw();
        while (*raw != '"' && *raw != '\\') ++raw;
        if (*raw == '"') return node.keys.size();
        const std::string name = unescape(key.raw());
        for (std::size_t i = 0; i < node.keys.size(); ++i) {
            if (node.keys[i] == name) return i;
        }
        return node.keys.size();
    }
    static std::string unescape(const char* raw) {
        const char* end = raw;
        while (*end != '"') end += *end == '\\' ? 2 : 1;
        simdjson::dom::parser parser;
        std::string_view text;
        const std::string quoted_text = "\"" + std::string(raw, end) + "\"";
        simdjson::dom::element element;
        if (parser.parse(quoted_text).get(element) == simdjson::SUCCESS &&
            element.get(text) == simdjson::SUCCESS) {
            return std::string(text);
        }
        return std::string(raw, end);
    }

    Outcome misfit(ondemand::value json, Target& to, idx_t row, int depth) {
        to.set_null(row);
        return worse(Outcome::kMisfit, skip(json, depth));
    }

    // Walk over a value that nobody wants, and find it well formed or not.
    Outcome skip(simdjson::simdjson_result<ondemand::value> json, int depth) {
        ondemand::value value;
        return json.get(value) == simdjson::SUCCESS ? skip(value, depth) : Outcome::kMalformed;
    }
    Outcome skip(ondemand::value value, int depth) {
        ondemand::json_type type{};
        if (depth > kDeepestJson || value.type().get(type) != simdjson::SUCCESS) {
            return Outcome::kMalformed;
        }
        bool good = false;
        switch (type) {
            case ondemand::json_type::object: {
                ondemand::object members;
                if (value.get_object().get(members) != simdjson::SUCCESS) return Outcome::kMalformed;
                for (auto member : members) {
                    if (member.error() != simdjson::SUCCESS ||
                        skip(member.value(), depth + 1) == Outcome::kMalformed) {
                        return Outcome::kMalformed;
                    }
                }
                return Outcome::kGood;
            }
            case ondemand::json_type::array: {
                ondemand::array elements;
                if (value.get_array().get(elements) != simdjson::SUCCESS) return Outcome::kMalformed;
                for (auto element : elements) {
                    if (skip(element, depth + 1) == Outcome::kMalformed) return Outcome::kMalformed;
                }
                return Outcome::kGood;
            }
            case ondemand::json_type::string: {
                std::string_view text;
                return value.get_string().get(text) == simdjson::SUCCESS ? Outcome::kGood
                                                                        : Outcome::kMalformed;
            }
            case ondemand::json_type::number: {
                double number = 0;
                return value.get_double().get(number) == simdjson::SUCCESS ? Outcome::kGood
                                                                          : Outcome::kMalformed;
            }
            case ondemand::json_type::boolean:
                return value.get_bool().get(good) == simdjson::SUCCESS ? Outcome::kGood
                                                                      : Outcome::kMalformed;
            case ondemand::json_type::null:
                return value.is_null().get(good) == simdjson::SUCCESS && good ? Outcome::kGood
                                                                              : Outcome::kMalformed;
        }
        return Outcome::kMalformed;
    }

    Outcome map(ondemand::value json, Target& to, idx_t row, int depth) {
        ondemand::object members;
        if (json.get_object().get(members) != simdjson::SUCCESS) return Outcome::kMalformed;
        const idx_t from = to.list_rows;
        Outcome outcome = Outcome::kGood;
        for (auto member : members) {
            std::string_view key;
            if (member.error() != simdjson::SUCCESS || member.unescaped_key().get(key) != simdjson::SUCCESS) {
                return Outcome::kMalformed;
            }
            const idx_t at = to.add_element();
            to.children[0].put_text(at, key);
            ondemand::value item;
            if (member.value().get(item) != simdjson::SUCCESS) return Outcome::kMalformed;
            const Outcome made = value(item, to.children[1], at, depth + 1);
            if (made == Outcome::kMalformed) return made;
            if (made == Outcome::kMisfit) to.children[1].set_null(at);
            outcome = worse(outcome, made);
        }
        static_cast<duckdb_list_entry*>(to.data)[row] = {.offset = from, .length = to.list_rows - from};
        to.set_valid(row);
        return outcome;
    }

    // A string column takes any value: what is no string is kept as its JSON text.
    Outcome text(ondemand::value json, ondemand::json_type type, Target& to, idx_t row, int depth) {
        std::string_view content;
        if (type == ondemand::json_type::string) {
            if (json.get_string().get(content) != simdjson::SUCCESS) return Outcome::kMalformed;
            to.put_text(row, content);
            return Outcome::kGood;
        }
        if (type == ondemand::json_type::object || type == ondemand::json_type::array) {
            const char* start = json.raw_json_token().data();
            if (skip(json, depth) == Outcome::kMalformed) return Outcome::kMalformed;
            // Behind the value lies the next token; the text ends at the last bracket before it.
            const char open = *start;
            const char close = open == '{' ? '}' : ']';
            std::size_t nesting = 0;
            bool in_string = false;
            const char* end = start;
            while (true) {
                const char c = *end++;
                if (in_string) {
                    if (c == '\\') ++end;
                    if (c == '"') in_string = false;
                } else if (c == '"') {
                    in_string = true;
                } else if (c == open) {
                    ++nesting;
                } else if (c == close && --nesting == 0) {
                    break;
                }
            }
            to.put_text(row, {start, static_cast<std::size_t>(end - start)});
            return Outcome::kGood;
        }
        content = trim_all(json.raw_json_token());
        if (skip(json, depth) == Outcome::kMalformed) return Outcome::kMalformed;
        to.put_text(row, content);
        return Outcome::kGood;
    }

    template <class T>
    Outcome integer(ondemand::value json, ondemand::json_type type, Target& to, idx_t row, int depth) {
        if (type != ondemand::json_type::number) return misfit(json, to, row, depth);
        std::int64_t number = 0;
        if (json.get_int64().get(number) != simdjson::SUCCESS ||
            number < std::numeric_limits<T>::min() || number > std::numeric_limits<T>::max()) {
            to.set_null(row);
            // 1.5 or a number too large is JSON all the same; 1x is not.
            const std::string_view token = trim_all(json.raw_json_token());
            const bool plain = token.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
            return plain ? Outcome::kMisfit : Outcome::kMalformed;
        }
        to.put<T>(row, static_cast<T>(number));
        return Outcome::kGood;
    }

    template <class T>
    Outcome real(ondemand::value json, ondemand::json_type type, Target& to, idx_t row, int depth) {
        if (type == ondemand::json_type::number) {
            double number = 0;
            if (json.get_double().get(number) != simdjson::SUCCESS) return Outcome::kMalformed;
            to.put<T>(row, static_cast<T>(number));
            return Outcome::kGood;
        }
        std::string_view word;
        if (type != ondemand::json_type::string) return misfit(json, to, row, depth);
        if (json.get_string().get(word) != simdjson::SUCCESS) return Outcome::kMalformed;
        constexpr T kInfinity = std::numeric_limits<T>::infinity();
        if (reader_.allow_non_numeric) {
            if (word == "NaN") {
                to.put<T>(row, std::numeric_limits<T>::quiet_NaN());
                return Outcome::kGood;
            }
            if (word == "+INF" || word == "+Infinity" || word == "Infinity" || word == "INF") {
                to.put<T>(row, kInfinity);
                return Outcome::kGood;
            }
            if (word == "-INF" || word == "-Infinity") {
                to.put<T>(row, -kInfinity);
                return Outcome::kGood;
            }
        }
        return Outcome::kMisfit;
    }

    Outcome decimal(ondemand::value json, ondemand::json_type type, Target& to, idx_t row, int depth) {
        std::string_view digits;
        if (type == ondemand::json_type::string) {
            if (json.get_string().get(digits) != simdjson::SUCCESS) return Outcome::kMalformed;
        } else if (type == ondemand::json_type::number) {
            digits = trim_all(json.raw_json_token());
            if (skip(json, depth) == Outcome::kMalformed) return Outcome::kMalformed;
        } else {
            return misfit(json, to, row, depth);
        }
        __int128 unscaled = 0;
        if (!parse_decimal(digits, to.node->type.precision(), to.node->type.scale(), unscaled)) {
            return Outcome::kMisfit;
        }
        const int precision = to.node->type.precision();
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

    Outcome timestamp(ondemand::value json, ondemand::json_type type, Target& to, idx_t row, int depth) {
        const bool instant = to.node->kind == TypeKind::kTimestamp;
        if (type == ondemand::json_type::number && instant) {
            std::int64_t seconds = 0;
            if (json.get_int64().get(seconds) != simdjson::SUCCESS) return misfit(json, to, row, depth);
            std::int64_t us = 0;
            if (__builtin_mul_overflow(seconds, 1'000'000, &us)) return Outcome::kMisfit;
            to.put<std::int64_t>(row, us);
            return Outcome::kGood;
        }
        if (type != ondemand::json_type::string) return misfit(json, to, row, depth);
        std::string_view word;
        if (json.get_string().get(word) != simdjson::SUCCESS) return Outcome::kMalformed;
        std::optional<std::int64_t> us;
        if (instant) {
            us = reader_.timestamp_format ? reader_.timestamp_format->parse_instant(word, *zone_)
                                          : parse_timestamp(word, *zone_);
        } else if (reader_.timestamp_ntz_format) {
            us = reader_.timestamp_ntz_format->parse_local(word);
        } else {
            const auto parsed = parse_local_time(word);
            if (parsed && !parsed->has_zone) us = parsed->local_us;
        }
        if (!us) return Outcome::kMisfit;
        to.put<std::int64_t>(row, *us);
        return Outcome::kGood;
    }

    Outcome scalar(ondemand::value json, ondemand::json_type type, Target& to, idx_t row, int depth) {
        switch (to.node->kind) {
            case TypeKind::kBoolean: {
                bool flag = false;
                if (type != ondemand::json_type::boolean) return misfit(json, to, row, depth);
                if (json.get_bool().get(flag) != simdjson::SUCCESS) return Outcome::kMalformed;
                to.put<bool>(row, flag);
                return Outcome::kGood;
            }
            case TypeKind::kByte: return integer<std::int8_t>(json, type, to, row, depth);
            case TypeKind::kShort: return integer<std::int16_t>(json, type, to, row, depth);
            case TypeKind::kInteger: return integer<std::int32_t>(json, type, to, row, depth);
            case TypeKind::kLong: return integer<std::int64_t>(json, type, to, row, depth);
            case TypeKind::kFloat: return real<float>(json, type, to, row, depth);
            case TypeKind::kDouble: return real<double>(json, type, to, row, depth);
            case TypeKind::kDecimal: return decimal(json, type, to, row, depth);
            case TypeKind::kTimestamp:
            case TypeKind::kTimestampNtz: return timestamp(json, type, to, row, depth);
            case TypeKind::kDate: {
                std::string_view word;
                if (type != ondemand::json_type::string) return misfit(json, to, row, depth);
                if (json.get_string().get(word) != simdjson::SUCCESS) return Outcome::kMalformed;
                const auto days = reader_.date_format ? reader_.date_format->parse_date(word)
                                                      : parse_date(word);
                if (!days) return Outcome::kMisfit;
                to.put<std::int32_t>(row, *days);
                return Outcome::kGood;
            }
            case TypeKind::kBinary: {
                std::string_view word;
                if (type != ondemand::json_type::string) return misfit(json, to, row, depth);
                if (json.get_string().get(word) != simdjson::SUCCESS) return Outcome::kMalformed;
                std::string bytes;
                if (!decode_base64(word, bytes)) return Outcome::kMisfit;
                duckdb_unsafe_vector_assign_string_element_len(to.vector, row, bytes.data(), bytes.size());
                to.set_valid(row);
                return Outcome::kGood;
            }
            default: return misfit(json, to, row, depth);
        }
    }

    const JsonReader::Impl& reader_;
    Zone* zone_;
};

// The text with room behind it for simdjson, which reads some bytes past the end but minds only
// those before it. In the middle of a page these are ours to read; near its end the text is copied.
simdjson::padded_string_view padded(std::string_view text, std::string& buffer) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
    constexpr bool kAlwaysCopy = true;
#else
    constexpr bool kAlwaysCopy = false;
#endif
#else
    constexpr bool kAlwaysCopy = false;
#endif
    const auto end = reinterpret_cast<std::uintptr_t>(text.data()) + text.size();
    if (kAlwaysCopy || (end & (kPageBytes - 1)) + simdjson::SIMDJSON_PADDING >= kPageBytes) {
        buffer.assign(text);
        buffer.append(simdjson::SIMDJSON_PADDING, '\0');
        return simdjson::padded_string_view(buffer.data(), text.size(), buffer.size());
    }
    return simdjson::padded_string_view(text.data(), text.size(),
                                        text.size() + simdjson::SIMDJSON_PADDING);
}

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

Result<std::unique_ptr<JsonReader>> JsonReader::make(const DataType& type, const plan::Options& options,
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
    if (const std::string* flag = option("allownonnumericnumbers")) impl->allow_non_numeric = *flag != "false";
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
    thread_local ondemand::parser parser;
    thread_local std::string buffer;
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
        Outcome outcome = Outcome::kMalformed;
        ondemand::document document;
        if (parser.iterate(padded(text, buffer)).get(document) == simdjson::SUCCESS) {
            if (reader.root.kind == TypeKind::kStruct) {
                ondemand::object members;
                if (document.get_object().get(members) == simdjson::SUCCESS) {
                    outcome = parse.fields(members, root, row, 1);
                }
            } else if (reader.root.kind == TypeKind::kArray) {
                ondemand::array elements;
                ondemand::value whole;
                if (document.get_array().get(elements) == simdjson::SUCCESS) {
                    outcome = parse.list(elements, root, row, 1);
                } else if (reader.root.children[0].kind == TypeKind::kStruct &&
                           document.get_value().get(whole) == simdjson::SUCCESS) {
                    // One object where an array of them is expected counts as an array of one.
                    const idx_t at = root.add_element();
                    outcome = parse.value(whole, root.children[0], at, 1);
                    static_cast<duckdb_list_entry*>(root.data)[row] = {.offset = at, .length = 1};
                    root.set_valid(row);
                }
            } else {
                ondemand::value whole;
                if (document.get_value().get(whole) == simdjson::SUCCESS) {
                    outcome = parse.value(whole, root, row, 1);
                    if (outcome == Outcome::kMisfit) outcome = Outcome::kMalformed;
                }
            }
        }
        if (outcome == Outcome::kGood) {
            if (reader.corrupt_field >= 0) {
                root.children[static_cast<std::size_t>(reader.corrupt_field)].set_null(row);
            }
            continue;
        }
        if (reader.fail_fast) {
            call.fail("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
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
