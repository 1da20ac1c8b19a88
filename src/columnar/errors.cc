#include "columnar/errors_internal.h"

#include <algorithm>
#include <array>
#include <map>
#include <regex>

namespace millrace::columnar {

using base::Code;
using base::Error;

namespace {

struct Known {
    std::string_view name;
    std::string_view sql_state;
    Code code;
    std::string_view message;  // <parameter> is filled in.
    std::string_view java_class;
};

constexpr std::string_view kArithmetic = "org.apache.spark.SparkArithmeticException";
constexpr std::string_view kDateTime = "org.apache.spark.SparkDateTimeException";
constexpr std::string_view kNumberFormat = "org.apache.spark.SparkNumberFormatException";
constexpr std::string_view kRuntime = "org.apache.spark.SparkRuntimeException";
constexpr std::string_view kArrayIndex = "org.apache.spark.SparkArrayIndexOutOfBoundsException";
constexpr std::string_view kIllegalArgument = "org.apache.spark.SparkIllegalArgumentException";

constexpr std::array kKnown = {
    Known{"DIVIDE_BY_ZERO", "22012", Code::kArithmetic,
          "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead. "
          "If necessary set <config> to \"false\" to bypass this error.",
          kArithmetic},
    Known{"REMAINDER_BY_ZERO", "22012", Code::kArithmetic,
          "Remainder by zero. Use `try_mod` to tolerate divisor being 0 and return NULL instead. "
          "If necessary set <config> to \"false\" to bypass this error.",
          kArithmetic},
    Known{"INTERVAL_DIVIDED_BY_ZERO", "22012", Code::kArithmetic,
          "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.",
          kArithmetic},
    Known{"ARITHMETIC_OVERFLOW", "22003", Code::kArithmetic,
          "<message>.<alternative> If necessary set <config> to \"false\" to bypass this error.",
          kArithmetic},
    Known{
        "BINARY_ARITHMETIC_OVERFLOW", "22003", Code::kArithmetic,
        "<value1> <symbol> <value2> caused overflow. Use <functionName> to ignore overflow problem "
        "and return NULL.",
        kArithmetic},
    Known{"CAST_OVERFLOW", "22003", Code::kArithmetic,
          "The value <value> of the type <sourceType> cannot be cast to <targetType> due to an "
          "overflow. Use `try_cast` to tolerate overflow and return NULL instead.",
          kArithmetic},
    Known{
        "CAST_INVALID_INPUT", "22018", Code::kRuntime,
        "The value <expression> of the type <sourceType> cannot be cast to <targetType> because it "
        "is malformed. Correct the value as per the syntax, or change its target type. Use "
        "`try_cast` to tolerate malformed input and return NULL instead.",
        kNumberFormat},
    Known{
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "22003", Code::kArithmetic,
        "<value> cannot be represented as Decimal(<precision>, <scale>). If necessary set <config> "
        "to \"false\" to bypass this error, and return NULL instead.",
        kArithmetic},
    Known{
        "INVALID_ARRAY_INDEX", "22003", Code::kRuntime,
        "The index <indexValue> is out of bounds. The array has <arraySize> elements. Use the SQL "
        "function `get()` to tolerate accessing element at invalid index and return NULL instead.",
        kArrayIndex},
    Known{
        "INVALID_ARRAY_INDEX_IN_ELEMENT_AT", "22003", Code::kRuntime,
        "The index <indexValue> is out of bounds. The array has <arraySize> elements. Use "
        "`try_element_at` to tolerate accessing element at invalid index and return NULL instead.",
        kArrayIndex},
    Known{
        "INVALID_INDEX_OF_ZERO", "22003", Code::kRuntime,
        "The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index "
        "1).",
        kRuntime},
    Known{"MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "22023", Code::kRuntime,
          "Malformed records are detected in record parsing: <badRecord>.\nParse Mode: "
          "<failFastMode>. To process malformed records as null result, try setting the option "
          "'mode' as 'PERMISSIVE'.",
          "org.apache.spark.SparkException"},
    Known{"MALFORMED_RECORD_IN_PARSING.CANNOT_PARSE_STRING_AS_DATATYPE", "22023", Code::kRuntime,
          "Malformed records are detected in record parsing: <badRecord>.\nParse Mode: "
          "<failFastMode>. To process malformed records as null result, try setting the option "
          "'mode' as 'PERMISSIVE'. Cannot parse the value <fieldValue> of the field <fieldName> as "
          "target spark data type <targetType> from the input type <inputType>.",
          kRuntime},
    Known{"MALFORMED_RECORD_IN_PARSING.CANNOT_PARSE_JSON_ARRAYS_AS_STRUCTS", "22023",
          Code::kRuntime,
          "Malformed records are detected in record parsing: <badRecord>.\nParse Mode: "
          "<failFastMode>. To process malformed records as null result, try setting the option "
          "'mode' as 'PERMISSIVE'. Parsing JSON arrays as structs is forbidden.",
          kRuntime},
    Known{"CANNOT_PARSE_TIMESTAMP", "22007", Code::kRuntime,
          "<message>. Use `try_to_timestamp` to tolerate invalid input string and return NULL "
          "instead.",
          kDateTime},
    Known{"CANNOT_PARSE_TIME", "22010", Code::kRuntime,
          "The input string <input> cannot be parsed to a TIME value because it does not match to "
          "the "
          "datetime format <format>.",
          kDateTime},
    Known{"DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION", "22023", Code::kRuntime,
          "<rangeMessage>. If necessary set <ansiConfig> to \"false\" to bypass this error.",
          kDateTime},
    Known{"DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION", "22023", Code::kRuntime,
          "<rangeMessage>.", kDateTime},
    Known{"DATETIME_OVERFLOW", "22008", Code::kRuntime, "Datetime operation overflow: <operation>.",
          kArithmetic},
    Known{"INVALID_TIMEZONE", "22009", Code::kRuntime,
          "The timezone: <timeZone> is invalid. The timezone must be either a region-based zone ID "
          "or a zone offset. Region IDs must have the form 'area/city', such as "
          "'America/Los_Angeles'. Zone offsets must be in the format '(+|-)HH', '(+|-)HH:mm' or "
          "'(+|-)HH:mm:ss', e.g '-08' , '+01:00' or '-13:33:33', and must be in the range from "
          "-18:00 to +18:00. 'Z' and 'UTC' are accepted as synonyms for '+00:00'.",
          kDateTime},
    Known{"COMPARATOR_RETURNS_NULL", "22004", Code::kRuntime,
          "The comparator has returned a NULL for a comparison between <firstValue> and "
          "<secondValue>. It should return a positive integer for \"greater than\", 0 for "
          "\"equal\" and a negative integer for \"less than\". To revert to deprecated behavior "
          "where NULL is treated as 0 (equal), you must set "
          "\"spark.sql.legacy.allowNullComparisonResultInArraySort\" to \"true\".",
          kRuntime},
    Known{"INVALID_PARAMETER_VALUE.TIME_UNIT", "22023", Code::kRuntime,
          "The value of parameter(s) <parameter> in <functionName> is invalid: expects one of the "
          "units 'HOUR', 'MINUTE', 'SECOND', 'MILLISECOND', 'MICROSECOND', but got "
          "'<invalidValue>'.",
          kRuntime},
    Known{"INVALID_PARAMETER_VALUE.DATETIME_UNIT", "22023", Code::kRuntime,
          "The value of parameter(s) <parameter> in <functionName> is invalid: expects one of the "
          "units without quotes YEAR, QUARTER, MONTH, WEEK, DAY, DAYOFYEAR, HOUR, MINUTE, SECOND, "
          "MILLISECOND, MICROSECOND, but got the string literal <invalidValue>.",
          kRuntime},
    Known{"HLL_INVALID_INPUT_SKETCH_BUFFER", "22546", Code::kRuntime,
          "Invalid call to <function>; only valid HLL sketch buffers are supported as inputs (such "
          "as those produced by the `hll_sketch_agg` function).",
          kRuntime},
    Known{"HLL_INVALID_LG_K", "22546", Code::kRuntime,
          "Invalid call to <function>; the `lgConfigK` value must be between <min> and <max>, "
          "inclusive: <value>.",
          kRuntime},
    Known{"HLL_UNION_DIFFERENT_LG_K", "22000", Code::kRuntime,
          "Sketches have different `lgConfigK` values: <left> and <right>. Set the "
          "`allowDifferentLgConfigK` parameter to true to call <function> with different "
          "`lgConfigK` values.",
          kRuntime},
    Known{"KLL_INVALID_INPUT_SKETCH_BUFFER", "22000", Code::kRuntime,
          "Invalid call to <function>; only valid KLL sketch buffers are supported as inputs (such "
          "as those produced by the `kll_sketch_agg` function).",
          kRuntime},
    Known{
        "KLL_SKETCH_INVALID_QUANTILE_RANGE", "22003", Code::kRuntime,
        "For function <functionName>, the quantile value must be between 0.0 and 1.0 (inclusive).",
        kRuntime},
    Known{"KLL_SKETCH_K_OUT_OF_RANGE", "22003", Code::kRuntime,
          "For function <functionName>, the k parameter must be between 8 and 65535 (inclusive), "
          "but got <k>.",
          kRuntime},
    Known{"SKETCH_INVALID_LG_NOM_ENTRIES", "22003", Code::kRuntime,
          "Invalid call to <function>; the `lgNomEntries` value must be between <min> and <max>, "
          "inclusive: <value>.",
          kRuntime},
    Known{"THETA_INVALID_INPUT_SKETCH_BUFFER", "22000", Code::kRuntime,
          "Invalid call to <function>; only valid Theta sketch buffers are supported as inputs "
          "(such as those produced by the `theta_sketch_agg` function).",
          kRuntime},
    Known{"TUPLE_INVALID_INPUT_SKETCH_BUFFER", "22000", Code::kRuntime,
          "Invalid call to <function>; only valid Tuple sketch buffers are supported as inputs "
          "(such as those produced by the corresponding `tuple_sketch_agg_*` function).",
          kRuntime},
    Known{"TUPLE_INVALID_SKETCH_MODE", "22023", Code::kRuntime,
          "Invalid call to <function>: mode '<mode>' is not supported. Valid modes are: "
          "<validModes>.",
          kRuntime},
    Known{"INVALID_PARAMETER_VALUE.PATTERN", "22023", Code::kRuntime,
          "The value of parameter(s) <parameter> in <functionName> is invalid: <value>.", kRuntime},
    Known{"INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX", "22023", Code::kRuntime,
          "The value of parameter(s) `idx` in <functionName> is invalid: Expects group index "
          "between 0 "
          "and <groupCount>, but got <groupIndex>.",
          kRuntime},
    Known{"INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER", "22007", Code::kRuntime,
          "Unrecognized datetime pattern: <pattern>. Illegal pattern character found in datetime "
          "pattern: <c>. Please provide legal character.",
          kIllegalArgument},
    Known{"SCALAR_SUBQUERY_TOO_MANY_ROWS", "21000", Code::kRuntime,
          "More than one row returned by a subquery used as an expression.", kRuntime},
    Known{
        "DUPLICATED_MAP_KEY", "23505", Code::kRuntime,
        "Duplicate map key <key> was found, please check the input data. If you want to remove the "
        "duplicated keys, you can set \"spark.sql.mapKeyDedupPolicy\" to \"LAST_WIN\" so that the "
        "key inserted at last takes precedence.",
        kRuntime},
    Known{"NULL_MAP_KEY", "2200E", Code::kRuntime, "Cannot use null as map key.", kRuntime},
    Known{"USER_RAISED_EXCEPTION", "P0001", Code::kRuntime, "<errorMessage>", kRuntime},
    Known{"ILLEGAL_DAY_OF_WEEK", "22009", Code::kRuntime,
          "Illegal input for day of week: <string>.", kIllegalArgument},
    Known{"CONVERSION_INVALID_INPUT", "22018", Code::kRuntime,
          "The value <str> (<fmt>) cannot be converted to <targetType> because it is malformed. "
          "Correct the value as per the syntax, or change its format. Use <suggestion> to tolerate "
          "malformed input and return NULL instead.",
          kRuntime},
    Known{"INVALID_URL", "22P02", Code::kRuntime,
          "The url is invalid: <url>. Use `try_parse_url` to tolerate invalid URL and return NULL "
          "instead.",
          kIllegalArgument},
    Known{"CANNOT_DECODE_URL", "22546", Code::kRuntime,
          "The provided URL cannot be decoded: <url>. Please ensure that the URL is properly "
          "formatted and try again.",
          kIllegalArgument},
    Known{"INVALID_UTF8_STRING", "22029", Code::kRuntime,
          "Invalid UTF8 byte sequence found in string: <str>.", kIllegalArgument},
    Known{
        "INVALID_FORMAT.MISMATCH_INPUT", "42601", Code::kRuntime,
        "The format is invalid: <format>. The input <inputType> <input> does not match the format.",
        kIllegalArgument},
    Known{"MALFORMED_CHARACTER_CODING", "22000", Code::kRuntime,
          "Invalid value found when performing <function> with <charset>", kRuntime},
    Known{"INVALID_PARAMETER_VALUE.CHARSET", "22023", Code::kRuntime,
          "The value of parameter(s) <parameter> in <functionName> is invalid: expects one of the "
          "<charsets>, but got <charset>.",
          kIllegalArgument},
    Known{"INVALID_PARAMETER_VALUE.BINARY_FORMAT", "22023", Code::kRuntime,
          "The value of parameter(s) <parameter> in <functionName> is invalid: expects one of "
          "binary formats 'base64', 'hex', 'utf-8', but got <invalidFormat>.",
          kRuntime},
    Known{"INVALID_PARAMETER_VALUE.ZERO_INDEX", "22023", Code::kRuntime,
          "The value of parameter(s) <parameter> in <functionName> is invalid: expects %1$, %2$ "
          "and so on, but got %0$.",
          kIllegalArgument},
    Known{"INVALID_PARAMETER_VALUE.LENGTH", "22023", Code::kRuntime,
          "The value of parameter(s) <parameter> in <functionName> is invalid: Expects `length` "
          "greater than or equal to 0, but got <length>.",
          kRuntime},
    Known{"INVALID_PARAMETER_VALUE.AES_CRYPTO_ERROR", "22023", Code::kRuntime,
          "The value of parameter(s) <parameter> in <functionName> is invalid: detail message: "
          "<detailMessage>",
          kRuntime},
    Known{"INVALID_PARAMETER_VALUE.AES_IV_LENGTH", "22023", Code::kRuntime,
          "The value of parameter(s) <parameter> in <functionName> is invalid: supports 16-byte "
          "CBC IVs and 12-byte GCM IVs, but got <actualLength> bytes for <mode>.",
          kRuntime},
    Known{"INVALID_PARAMETER_VALUE.AES_KEY_LENGTH", "22023", Code::kRuntime,
          "The value of parameter(s) <parameter> in <functionName> is invalid: expects a binary "
          "value with 16, 24 or 32 bytes, but got <actualLength> bytes.",
          kRuntime},
    Known{"UNSUPPORTED_FEATURE.AES_MODE", "0A000", Code::kRuntime,
          "The feature is not supported: AES-<mode> with the padding <padding> by the "
          "<functionName> function.",
          kRuntime},
    Known{"UNSUPPORTED_FEATURE.AES_MODE_IV", "0A000", Code::kRuntime,
          "The feature is not supported: <functionName> with AES-<mode> does not support "
          "initialization vectors (IVs).",
          kRuntime},
    Known{"UNSUPPORTED_FEATURE.AES_MODE_AAD", "0A000", Code::kRuntime,
          "The feature is not supported: <functionName> with AES-<mode> does not support "
          "additional authenticate data (AAD).",
          kRuntime},
    Known{"MALFORMED_VARIANT", "22023", Code::kRuntime,
          "Variant binary is malformed. Please check the data source is valid.", kRuntime},
    Known{"INVALID_VARIANT_CAST", "22023", Code::kRuntime,
          "The variant value `<value>` cannot be cast into `<dataType>`. Please use "
          "`try_variant_get` instead.",
          kRuntime},
    Known{"INVALID_VARIANT_GET_PATH", "22023", Code::kRuntime,
          "The path `<path>` is not a valid variant extraction path in `<functionName>`. A valid "
          "path should start with `$` and is followed by zero or more segments like `[123]`, "
          "`.name`, `['name']`, or `[\"name\"]`.",
          kRuntime},
    Known{"VARIANT_DUPLICATE_KEY", "22023", Code::kRuntime,
          "Failed to build variant because of a duplicate object key `<key>`.", kRuntime},
    Known{"INVALID_VECTOR_NORM_DEGREE", "22023", Code::kRuntime,
          "For the <functionName> function, degree must be 1.0, 2.0, or float('inf'), but got "
          "<degree>.",
          kRuntime},
    Known{"VECTOR_DIMENSION_MISMATCH", "22000", Code::kRuntime,
          "Vectors passed to <functionName> must have the same dimension, but got <leftDim> and "
          "<rightDim>.",
          kRuntime},
};

const Known* known(std::string_view name) {
    const auto found = std::ranges::find(kKnown, name, &Known::name);
    return found == kKnown.end() ? nullptr : &*found;
}

Error make_error(std::string name, std::map<std::string, std::string> parameters) {
    const Known* entry = known(name);
    if (entry == nullptr) return {Code::kRuntime, name};
    const auto add = [&](const char* key, const char* value) {
        if (entry->message.find(fmt::format("<{}>", key)) != std::string_view::npos) {
            parameters.try_emplace(key, value);
        }
    };
    add("config", "\"spark.sql.ansi.enabled\"");
    add("ansiConfig", "\"spark.sql.ansi.enabled\"");
    add("alternative", "");
    std::string text;
    std::string_view rest = entry->message;
    while (!rest.empty()) {
        const std::size_t open = rest.find('<');
        const std::size_t close = open == std::string_view::npos ? open : rest.find('>', open);
        if (close == std::string_view::npos) {
            text += rest;
            break;
        }
        text += rest.substr(0, open);
        const std::string key(rest.substr(open + 1, close - open - 1));
        const auto found = parameters.find(key);
        text += found == parameters.end() ? fmt::format("<{}>", key) : found->second;
        rest.remove_prefix(close + 1);
    }
    base::Condition condition{.name = std::move(name),
                              .sql_state = std::string(entry->sql_state),
                              .parameters = std::move(parameters),
                              .java_class = std::string(entry->java_class)};
    // A date or a time that cannot be read raises another class than a number.
    const auto target = condition.parameters.find("targetType");
    if (condition.name == "CAST_INVALID_INPUT" && target != condition.parameters.end()) {
        if (target->second == "\"DATE\"" || target->second.starts_with("\"TIMESTAMP")) {
            condition.java_class = kDateTime;
        } else if (target->second == "\"BOOLEAN\"") {
            condition.java_class = kRuntime;
        }
    }
    std::string message =
        fmt::format("[{}] {} SQLSTATE: {}", condition.name, text, condition.sql_state);
    return {entry->code, std::move(message), std::move(condition)};
}

std::string spark_integer_name(const std::string& duck) {
    if (duck == "INT8") return "TINYINT";
    if (duck == "INT16") return "SMALLINT";
    if (duck == "INT32") return "INT";
    if (duck == "INT64") return "BIGINT";
    if (duck == "INT128") return "DECIMAL(38,0)";
    return duck;
}

}  // namespace

std::string condition_text(
    std::string_view name,
    const std::vector<std::pair<std::string_view, std::string>>& parameters) {
    std::string text = "\x01";
    text += name;
    for (const auto& [key, value] : parameters) {
        text += '\x02';
        text += key;
        text += '\x03';
        for (const char c : value) {
            if (static_cast<unsigned char>(c) > 3) text.push_back(c);
        }
    }
    text += '\x01';
    return text;
}

Error duck_error(const char* raw) {
    std::string message = raw == nullptr ? "unknown error" : raw;
    const std::size_t from = message.find('\x01');
    const std::size_t to = from == std::string::npos ? from : message.find('\x01', from + 1);
    if (to != std::string::npos) {
        const std::string inside = message.substr(from + 1, to - from - 1);
        std::map<std::string, std::string> parameters;
        std::size_t at = inside.find('\x02');
        const std::string name = inside.substr(0, at);
        while (at != std::string::npos) {
            const std::size_t next = inside.find('\x02', at + 1);
            const std::string pair =
                inside.substr(at + 1, next == std::string::npos ? next : next - at - 1);
            const std::size_t split = pair.find('\x03');
            if (split != std::string::npos)
                parameters[pair.substr(0, split)] = pair.substr(split + 1);
            at = next;
        }
        return make_error(name, std::move(parameters));
    }
    if (message.find("mr_cancelled") != std::string::npos ||
        message.find("INTERRUPT Error") != std::string::npos || message == "Interrupted!") {
        return {Code::kCancelled, "the query was cancelled"};
    }
    // A message may quote a value of any length, and the matcher's stack grows with what it
    // matches.
    const std::string head = message.substr(0, 2048);
    std::smatch match;
    // tidy: the text is bounded just above.
    static const std::regex overflow(R"re(Overflow in (addition|subtraction|multiplication) of )re"
                                     R"re((\w+) \((-?\d+) (.) (-?\d+)\))re");
    if (std::regex_search(head, match, overflow)) {
        if (match[2] == "INT8" || match[2] == "INT16") {
            const char* suffix = match[2] == "INT8" ? "Y" : "S";
            return make_error("BINARY_ARITHMETIC_OVERFLOW",
                              {{"value1", match[3].str() + suffix},
                               {"symbol", match[4]},
                               {"value2", match[5].str() + suffix},
                               {"functionName", match[1] == "addition"      ? "`try_add`"
                                                : match[1] == "subtraction" ? "`try_subtract`"
                                                                            : "`try_multiply`"}});
        }
        const std::string function = match[1] == "addition"      ? "try_add"
                                     : match[1] == "subtraction" ? "try_subtract"
                                                                 : "try_multiply";
        return make_error(
            "ARITHMETIC_OVERFLOW",
            {{"message", match[2] == "INT64" ? "long overflow" : "integer overflow"},
             {"alternative",
              fmt::format(" Use '{}' to tolerate overflow and return NULL instead.", function)}});
    }
    // tidy: the text is bounded above.
    static const std::regex range(
        R"re(Type (\w+) with value (\S+) can't be cast because the value is out of range )re"
        R"re(for the destination type (\w+))re");
    if (std::regex_search(head, match, range)) {
        if (match[1] == "INT128")
            return make_error("ARITHMETIC_OVERFLOW", {{"message", "long overflow"}});
        const std::string source = match[1];
        const char* suffix = source == "INT64"    ? "L"
                             : source == "INT16"  ? "S"
                             : source == "DOUBLE" ? "D"
                                                  : "";
        return make_error("CAST_OVERFLOW",
                          {{"value", match[2].str() + suffix},
                           {"sourceType", fmt::format("\"{}\"", spark_integer_name(source))},
                           {"targetType", fmt::format("\"{}\"", spark_integer_name(match[3]))}});
    }
    // tidy: the text is bounded above.
    static const std::regex decimal(
        R"re(Could not cast value (\S+) (?:from \S+ )?to DECIMAL\((\d+),(\d+)\))re");
    if (std::regex_search(head, match, decimal)) {
        return make_error("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
                          {{"value", match[1]}, {"precision", match[2]}, {"scale", match[3]}});
    }
    // tidy: the text is bounded above.
    static const std::regex wide_decimal(
        R"re(Casting value "?([-0-9.]+)"? to type DECIMAL\((\d+),(\d+)\) failed: )re"
        R"re(value is out of range)re");
    if (std::regex_search(head, match, wide_decimal)) {
        return make_error("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
                          {{"value", match[1]}, {"precision", match[2]}, {"scale", match[3]}});
    }
    if (message.find("More than one row returned by a subquery") != std::string::npos) {
        return make_error("SCALAR_SUBQUERY_TOO_MANY_ROWS", {});
    }
    if (message.find("Map keys must be unique") != std::string::npos) {
        return make_error("DUPLICATED_MAP_KEY", {{"key", ""}});
    }
    if (message.find("Map keys can not be NULL") != std::string::npos)
        return make_error("NULL_MAP_KEY", {});
    if (message.find("Out of Range Error") != std::string::npos &&
        message.find("verflow") != std::string::npos) {
        return make_error("ARITHMETIC_OVERFLOW", {{"message", "long overflow"}});
    }
    if (message.starts_with("Out of Memory Error")) return {Code::kResourceExhausted, message};
    if (message.starts_with("IO Error")) return {Code::kIo, message};
    if (message.starts_with("Not implemented Error")) return {Code::kUnsupported, message};
    if (message.find("No function matches the given name and argument types") !=
        std::string::npos) {
        return {
            Code::kUnsupported,
            fmt::format(
                "[UNSUPPORTED_FEATURE.FUNCTION] The feature is not supported: {}. SQLSTATE: 0A000",
                message.substr(0, message.find('\n'))),
            {.name = "UNSUPPORTED_FEATURE.FUNCTION", .sql_state = "0A000"}};
    }
    const std::size_t ours = message.find("Function with name mr_");
    if (ours != std::string::npos) {
        // A row of the function table that has no implementation here yet.
        const std::size_t start = ours + std::string_view("Function with name mr_").size();
        const std::string name = message.substr(start, message.find(' ', start) - start);
        return {
            Code::kUnsupported,
            fmt::format("[UNSUPPORTED_FEATURE.FUNCTION] The feature is not supported: function {}. "
                        "SQLSTATE: 0A000",
                        name),
            {.name = "UNSUPPORTED_FEATURE.FUNCTION", .sql_state = "0A000"}};
    }
    if (message.starts_with("INTERNAL Error") || message.starts_with("Binder Error") ||
        message.starts_with("Parser Error") || message.starts_with("Catalog Error")) {
        // The lowered query is ours: DuckDB's complaint about it is no fault of the user.
        return {Code::kInternal, message};
    }
    return {Code::kRuntime, message};
}

}  // namespace millrace::columnar
