// Types and column lists in DDL.
#include "sql/errors.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::fail;
using plan::Field;

namespace {

std::optional<DataType> simple_type(std::string_view name) {
    using Make = DataType (*)();
    static constexpr std::pair<std::string_view, Make> kTypes[] = {
        {"boolean", DataType::boolean},
        {"tinyint", DataType::byte_},
        {"byte", DataType::byte_},
        {"smallint", DataType::short_},
        {"short", DataType::short_},
        {"int", DataType::integer},
        {"integer", DataType::integer},
        {"bigint", DataType::long_},
        {"long", DataType::long_},
        {"float", DataType::float_},
        {"real", DataType::float_},
        {"double", DataType::double_},
        {"string", DataType::string},
        {"binary", DataType::binary},
        {"date", DataType::date},
        {"timestamp", DataType::timestamp},
        {"timestamp_ltz", DataType::timestamp},
        {"timestamp_ntz", DataType::timestamp_ntz},
        {"void", DataType::null},
        {"null", DataType::null},
        {"variant", DataType::variant},
    };
    for (const auto& [text, make] : kTypes) {
        if (same_word(text, name)) return make();
    }
    return std::nullopt;
}

int unit_of(std::string_view word) {
    static constexpr std::string_view kUnits[] = {"day", "hour", "minute", "second"};
    for (int i = 0; i < 4; ++i) {
        if (same_word(word, kUnits[i])) return i;
    }
    return -1;
}

int bounded_number(std::string_view text) {
    constexpr std::int64_t kMost = 1'000'000'000;
    std::int64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
        if (value > kMost) return -1;
    }
    return static_cast<int>(value);
}

}  // namespace

Result<DataType> Parser::interval_type() {
    if (at_word("year") || at_word("month")) {
        const int from = take_word("year") ? 0 : (take(), 1);
        int to = from;
        if (take_word("to")) {
            MR_TRY_VOID(expect_word("month"));
            to = 1;
        }
        return DataType::year_month_interval(from, to);
    }
    if (const int from = peek().kind == TokenKind::kWord ? unit_of(peek().text) : -1; from >= 0) {
        take();
        int to = from;
        if (take_word("to")) {
            to = unit_of(peek().text);
            if (to <= from) return fail(syntax_error());
            take();
        }
        return DataType::day_time_interval(from, to);
    }
    return DataType::calendar_interval();
}

Result<Field> Parser::field(bool with_colon) {
    Field result;
    MR_TRY(result.name, identifier());
    if (with_colon) take_symbol(":");
    MR_TRY(result.type, type());
    while (true) {
        if (take_words({"not", "null"})) {
            result.nullable = false;
        } else if (take_word("comment")) {
            if (peek().kind != TokenKind::kString) return fail(syntax_error());
            std::string comment;
            for (const char c : take().value) {
                if (c == '"' || c == '\\') comment += '\\';
                if (static_cast<unsigned char>(c) < 0x20) {
                    comment += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                } else {
                    comment += c;
                }
            }
            result.metadata_json = "{\"comment\":\"" + comment + "\"}";
        } else {
            return result;
        }
    }
}

Result<DataType> Parser::struct_fields(std::string_view closing) {
    std::vector<Field> fields;
    if (!at_symbol(closing)) {
        do {
            MR_TRY(Field next, field(true));
            fields.push_back(std::move(next));
        } while (take_symbol(","));
    }
    return DataType::structure(std::move(fields));
}

Result<DataType> Parser::type() {
    const Deeper deeper(*this);
    if (deeper.too_deep()) return fail(too_complex());
    if (!at_identifier()) return fail(syntax_error());
    const Token name = take();
    const auto numbers = [&](std::vector<int>& into) -> Result<void> {
        if (!take_symbol("(")) return {};
        do {
            const bool negative = take_symbol("-");
            if (peek().kind != TokenKind::kNumber) return fail(syntax_error());
            const int value = bounded_number(peek().text);
            if (value < 0) return fail(syntax_error());
            take();
            into.push_back(negative ? -value : value);
        } while (take_symbol(","));
        return expect_symbol(")");
    };
    const auto is = [&](std::string_view word) { return same_word(name.text, word); };
    const auto at_name = [&] { return plan::Origin{.start = name.start, .stop = name.stop}; };
    if (is("array")) {
        if (!take_symbol("<")) {
            return fail(error_at(at_name(), "INCOMPLETE_TYPE_DEFINITION.ARRAY",
                                 {{"elementType", "<INT>"}}));
        }
        MR_TRY(DataType element, type());
        // ">>" closes two brackets.
        if (at_symbol(">>") || at_symbol(">>>")) {
            reset(static_cast<std::size_t>(peek().start) + 1);
            return DataType::array(std::move(element));
        }
        MR_TRY_VOID(expect_symbol(">"));
        return DataType::array(std::move(element));
    }
    if (is("map")) {
        if (!take_symbol("<")) {
            return fail(error_at(at_name(), "INCOMPLETE_TYPE_DEFINITION.MAP", {}));
        }
        MR_TRY(DataType key, type());
        MR_TRY_VOID(expect_symbol(","));
        MR_TRY(DataType value, type());
        if (at_symbol(">>") || at_symbol(">>>")) {
            reset(static_cast<std::size_t>(peek().start) + 1);
        } else {
            MR_TRY_VOID(expect_symbol(">"));
        }
        return DataType::map(std::move(key), std::move(value));
    }
    if (is("struct")) {
        if (take_symbol("<>")) return DataType::structure({});
        if (!take_symbol("<")) {
            return fail(error_at(at_name(), "INCOMPLETE_TYPE_DEFINITION.STRUCT", {}));
        }
        MR_TRY(DataType result, struct_fields(">"));
        if (at_symbol(">>") || at_symbol(">>>")) {
            reset(static_cast<std::size_t>(peek().start) + 1);
        } else {
            MR_TRY_VOID(expect_symbol(">"));
        }
        return result;
    }
    if (is("interval")) return interval_type();
    std::vector<int> sizes;
    MR_TRY_VOID(numbers(sizes));
    if (sizes.empty()) {
        if (is("timestamp") && take_words({"without", "time", "zone"})) {
            return DataType::timestamp_ntz();
        }
        if (is("timestamp") && take_words({"with", "local", "time", "zone"})) {
            return DataType::timestamp();
        }
        if (const auto found = simple_type(name.text)) {
            // STRING COLLATE UTF8_BINARY is plain STRING.
            if (is("string") && take_word("collate")) {
                MR_TRY(const auto collation, name_parts());
                if (!same_word(collation.back(), "utf8_binary")) {
                    return fail(unsupported("collation " + collation.back(),
                                            {lexer_.text(), origin_from(name.start)}));
                }
            }
            return *found;
        }
    }
    if (is("decimal") || is("dec") || is("numeric")) {
        const int precision = sizes.empty() ? 10 : sizes[0];
        const int scale = sizes.size() > 1 ? sizes[1] : 0;
        if (sizes.size() > 2) return fail(syntax_error());
        if (precision > 38) {
            return fail(
                spark_error("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
                            {{"precision", std::to_string(precision)}, {"maxPrecision", "38"}}));
        }
        if (precision < 1 || scale < 0 || scale > precision) return fail(syntax_error());
        return DataType::decimal(precision, scale);
    }
    if (is("time") && sizes.size() <= 1) {
        const int precision = sizes.empty() ? 6 : sizes[0];
        if (precision >= 0 && precision <= 6) return DataType::time(precision);
    }
    if (sizes.size() == 1 && sizes[0] > 0) {
        if (is("char") || is("character")) return DataType::char_(sizes[0]);
        if (is("varchar")) return DataType::varchar(sizes[0]);
    }
    if (sizes.empty() && (is("char") || is("character") || is("varchar"))) {
        std::string upper(name.text);
        for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        return fail(error_at(at_name(), "DATATYPE_MISSING_SIZE", {{"type", "\"" + upper + "\""}}));
    }
    std::string shown(name.text);
    for (char& c : shown) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return fail(error_at(origin_from(name.start), "UNSUPPORTED_DATATYPE",
                         {{"typeName", "\"" + shown + "\""}}));
}

Result<DataType> Parser::type_only() {
    const std::size_t start = mark();
    auto single = type();
    if (single && at_end()) return single;
    // Not a type: a list of columns.
    reset(start);
    if (at_end()) return DataType::structure({});
    std::vector<Field> fields;
    do {
        auto next = field(true);
        if (!next) return fail(next.error());
        fields.push_back(std::move(*next));
    } while (take_symbol(","));
    if (!at_end()) return fail(syntax_error());
    return DataType::structure(std::move(fields));
}

}  // namespace millrace::sql
