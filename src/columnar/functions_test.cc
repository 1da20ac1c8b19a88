#include "columnar/functions_internal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "columnar/errors_internal.h"

namespace millrace::columnar {
namespace {

// A database with our functions alone, asked in DuckDB's SQL.
class Functions : public testing::Test {
protected:
    static void SetUpTestSuite() {
        database_ = new DuckDatabase;
        connection_ = new DuckConnection;
        ASSERT_EQ(duckdb_open(nullptr, database_->out()), DuckDBSuccess);
        ASSERT_EQ(duckdb_connect(database_->get(), connection_->out()), DuckDBSuccess);
        FunctionList list;
        add_all_functions(list);
        ASSERT_TRUE(list.register_all(connection_->get()));
        DuckResult result;
        ASSERT_EQ(
            duckdb_query(connection_->get(), std::string(macro_script()).c_str(), result.out()),
            DuckDBSuccess)
            << duckdb_result_error(result.out());
    }
    static void TearDownTestSuite() {
        delete connection_;
        delete database_;
    }
    static std::string eval(const std::string& expression) {
        DuckResult result;
        const std::string sql = "SELECT CAST(" + expression + " AS VARCHAR)";
        if (duckdb_query(connection_->get(), sql.c_str(), result.out()) != DuckDBSuccess) {
            return duck_error(duckdb_result_error(result.out())).message();
        }
        const DuckChunk chunk(duckdb_fetch_chunk(result.get()));
        const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk.get(), 0);
        if (vector_is_null(duckdb_vector_get_validity(vector), 0)) return "NULL";
        return std::string(
            text_of(*static_cast<const duckdb_string_t*>(duckdb_vector_get_data(vector))));
    }
    static void check(const std::vector<std::pair<std::string, std::string>>& cases) {
        for (const auto& [expression, expected] : cases)
            EXPECT_EQ(eval(expression), expected) << expression;
    }
    static DuckDatabase* database_;
    static DuckConnection* connection_;
};
DuckDatabase* Functions::database_ = nullptr;
DuckConnection* Functions::connection_ = nullptr;

TEST_F(Functions, regular_expressions_are_javas) {
    check({{"mr_rlike('/images/a.gif', '\\.(gif|jpg)$')", "true"},
           {"mr_rlike('abc', '(?<=a)b(?=c)')", "true"},
           {"mr_rlike('abab', '^(ab)\\1$')", "true"},
           {"mr_regexp_extract('GET /a/b?x HTTP/1.0', '^(\\w+) ([^ ?]+)', 2)", "/a/b"},
           {"mr_regexp_extract('none', '(\\d+)', 1)", ""},
           {"mr_regexp_replace('a1b22', '(\\d+)', '<$1>', 1)", "a<1>b<22>"},
           {"mr_regexp_replace('abc', '', '-', 1)", "-a-b-c-"},
           {"mr_split('a,b,,c,,', ',', -1)", "[a, b, '', c, '', '']"},
           {"mr_split('oneAtwoBthreeC', '[ABC]', 2)", "[one, twoBthreeC]"},
           {"mr_split('héé', '', -1)", "[h, é, é]"},
           {"mr_regexp_extract_all('a1b2', '(\\d)', 1)", "[1, 2]"},
           {"mr_regexp_count('a1b2', '\\d')", "2"},
           {"mr_regexp_instr('éa1', '\\d')", "3"}});
    EXPECT_THAT(eval("mr_rlike('a', '(')"),
                testing::HasSubstr("[INVALID_PARAMETER_VALUE.PATTERN]"));
    EXPECT_THAT(eval("mr_regexp_extract('a1', '(\\d)', 2)"),
                testing::HasSubstr("Expects group index between 0 and 1, but got 2"));
}

TEST_F(Functions, text_is_cut_as_in_spark) {
    check({{"mr_substring('Spark SQL', 5, 2147483647)", "k SQL"},
           {"mr_substring('Spark SQL', -3, 2147483647)", "SQL"},
           {"mr_substring('hello', 0, 2)", "he"},
           {"mr_substring('hello', -10, 7)", "he"},
           {"mr_substring('héllo', 2, 2)", "él"},
           {"mr_substring_index('www.apache.org', '.', 2)", "www.apache"},
           {"mr_substring_index('www.apache.org', '.', -2)", "apache.org"},
           {"mr_lpad('hi', 5, 'xy')", "xyxhi"},
           {"mr_rpad('hi', 1, 'xy')", "h"},
           {"mr_locate('bar', 'foobarbar', 5)", "7"},
           {"mr_initcap('sPark sql')", "Spark Sql"},
           {"mr_translate('AaBbCc', 'abc', '123')", "A1B2C3"},
           {"mr_overlay('Spark SQL', '_', 6, -1)", "Spark_SQL"},
           {"mr_split_part('11.12.13', '.', 3)", "13"},
           {"mr_soundex('Miller')", "M460"},
           {"mr_conv('100', 2, 10, 'ansi')", "4"},
           {"mr_conv('-10', 16, -10, 'ansi')", "-16"},
           {"mr_hex(17::BIGINT)", "11"},
           {"mr_hex('Spark SQL')", "537061726B2053514C"},
           {"mr_parse_url('ansi', 'http://spark.apache.org/path?query=1', 'QUERY', 'query')", "1"},
           {"mr_parse_url('ansi', 'http://u@spark.apache.org:80/path?query=1', 'HOST')",
            "spark.apache.org"},
           {"mr_url_decode('https%3A%2F%2Fspark.apache.org', 'ansi')", "https://spark.apache.org"},
           {"mr_format_number(12332.123456::DOUBLE, 4)", "12,332.1235"},
           {"mr_mask('abcd-EFGH-8765', 'X', 'x', 'n', NULL)", "xxxx-XXXX-nnnn"}});
}

TEST_F(Functions, numbers_take_a_format) {
    check({{"mr_format_number('1234567.891', 2)", "1,234,567.89"},
           {"mr_format_number('0.125', 2)", "0.12"},
           {"mr_format_number('-0.001', 2)", "-0.00"},
           {"mr_format_number('99.995', 2)", "100.00"},
           {"mr_format_number(5::DOUBLE, -1)", "NULL"},
           {"mr_format_number(12332.123456::DOUBLE, '##################.###')", "12332.123"},
           {"mr_format_number(0.5::DOUBLE, '#.##')", "0.5"},
           {"mr_format_number(0.5::DOUBLE, '#.00')", ".50"},
           {"mr_format_number('0.256', '#%')", "26%"},
           {"mr_format_number(1234.5::DOUBLE, '$#,##0.00')", "$1,234.50"},
           {"mr_to_char('-12454.8', '99G999D9S')", "12,454.8-"},
           {"mr_to_number('$78.12', '$99.99', 'ansi')", "78.12"},
           {"mr_to_number('x', '9', 'try')", "NULL"}});
    EXPECT_THAT(eval("mr_to_number('x', '9', 'ansi')"),
                testing::HasSubstr("[INVALID_FORMAT.MISMATCH_INPUT]"));
}

TEST_F(Functions, patterns_of_printf_are_javas) {
    check({{"mr_format_string('%5d|%-5d|%05d|%,d', '4444', '42', '42', '-42', '1234567')",
            "   42|42   |-0042|1,234,567"},
           {"mr_format_string('%x %X %o', '444', '255', '-1', '8')", "ff FFFFFFFF 10"},
           {"mr_format_string('%.2f %e', 'ff', '3.145', '12345.678')", "3.15 1.234568e+04"},
           {"mr_format_string('%2$s %1$s %%', 'ss', 'a', NULL)", "null a %"},
           {"mr_format_string('%(d % d %+d', '444', '-1', '1', '1')", "(1)  1 +1"},
           {"mr_format_string('%c', '4', '8364')", "\u20AC"}});
    EXPECT_THAT(eval("mr_format_string('%d', 's', 'a')"),
                testing::HasSubstr("d != java.lang.String"));
    EXPECT_THAT(eval("mr_format_string('%s', '')"), testing::HasSubstr("Format specifier '%s'"));
    EXPECT_THAT(eval("mr_format_string('%0$s', 's', 'a')"),
                testing::HasSubstr("[INVALID_PARAMETER_VALUE.ZERO_INDEX]"));
}

TEST_F(Functions, bytes_and_text_turn_into_each_other) {
    check(
        {{"mr_unbase64('U3 Bh!cms=')", "Spark"},
         {"mr_to_binary('abc', 'try')", "\\x0A\\xBC"},
         {"mr_to_binary('a!', 'base64', 'try')", "NULL"},
         {"mr_to_binary('ab c=', 'base64', 'try')", "i\\xB7"},
         {"mr_decode(mr_encode('h\u00E9\U0001F600', 'utf-16le'), 'utf-16le')", "h\u00E9\U0001F600"},
         {"mr_validate_utf8('\\x80'::BLOB, 'try')", "NULL"},
         {"mr_url_decode('%zz', 'try')", "NULL"},
         {"mr_parse_url('try', 'http://a b', 'HOST')", "NULL"},
         {"mr_parse_url('try', 'mailto:a@b', 'PATH')", "NULL"},
         {"mr_sentences('Hi there! Good morning.', 'en', NULL)",
          "[[Hi, there], [Good, morning]]"}});
    EXPECT_THAT(eval("mr_encode('\u00E9', 'us-ascii')"),
                testing::HasSubstr("[MALFORMED_CHARACTER_CODING]"));
    EXPECT_THAT(eval("mr_decode('a'::BLOB, 'cp1252')"),
                testing::HasSubstr("[INVALID_PARAMETER_VALUE.CHARSET]"));
    EXPECT_THAT(eval("mr_validate_utf8('\\x80'::BLOB, 'ansi')"),
                testing::HasSubstr("[INVALID_UTF8_STRING]"));
}

TEST_F(Functions, aes_and_sha2_are_javas) {
    const std::string key = "'0000111122223333'::BLOB";
    check({{"mr_sha2('Spark'::BLOB, 224)",
            "dbeab94971678d36af2195851c0f7485775a2a7c60073d62fc04549c"},
           {"mr_sha2('Spark'::BLOB, 1)", "NULL"},
           {"base64(mr_aes_encrypt('Spark SQL'::BLOB, '1234567890abcdef'::BLOB, 'ECB', 'PKCS', "
            "''::BLOB, ''::BLOB))",
            "3lmwu+Mw0H3fi5NDvcu9lg=="},
           {"mr_aes_decrypt(mr_aes_encrypt('Spark'::BLOB, " + key +
                ", 'GCM', 'DEFAULT', ''::BLOB, 'aad'::BLOB), " + key +
                ", 'GCM', 'DEFAULT', 'aad'::BLOB, 'ansi')",
            "Spark"},
           {"mr_aes_decrypt('Spark'::BLOB, " + key + ", 'GCM', 'DEFAULT', ''::BLOB, 'try')",
            "NULL"}});
    EXPECT_THAT(eval("mr_aes_encrypt('a'::BLOB, 'b'::BLOB, 'GCM', 'DEFAULT', ''::BLOB, ''::BLOB)"),
                testing::HasSubstr("[INVALID_PARAMETER_VALUE.AES_KEY_LENGTH]"));
}

TEST_F(Functions, hashes_are_sparks) {
    // From Spark's documentation of hash and xxhash64.
    check({{"mr_hash('Spark', [123], 2::INTEGER)", "-1321691492"},
           {"mr_xxhash64('Spark', [123], 2::INTEGER)", "5602566077635097486"},
           {"mr_crc32('Spark')", "1557323817"}});
}

TEST_F(Functions, times_obey_javas_patterns) {
    check({{"mr_date_format(make_timestamptz(1714557845678000), 'yyyy-MM-dd''T''HH:mm:ss.SSSXXX', "
            "'Europe/Berlin')",
            "2024-05-01T12:04:05.678+02:00"},
           {"mr_date_format(make_timestamptz(0), 'EEE, d MMM y h:mm a', 'UTC')",
            "Thu, 1 Jan 1970 12:00 AM"},
           {"mr_unix_timestamp('01/May/2024:10:04:05 +0000', 'dd/MMM/yyyy:HH:mm:ss Z', 'UTC', "
            "'ansi')",
            "1714557845"},
           {"mr_to_date('20240229', 'yyyyMMdd', 'ansi')", "2024-02-29"},
           {"mr_to_date('20230229', 'yyyyMMdd', 'try')", "NULL"},
           {"mr_trunc(DATE '2019-08-04', 'week')", "2019-07-29"},
           {"mr_next_day(DATE '2015-01-14', 'TU', 'ansi')", "2015-01-20"},
           {"mr_months_between(make_timestamptz(857125800000000), "
            "make_timestamptz(846633600000000), true, 'UTC')",
            "3.94959677"}});
    EXPECT_THAT(eval("mr_to_timestamp('x', 'yyyy', 'UTC', 'ansi')"),
                testing::HasSubstr("[CANNOT_PARSE_TIMESTAMP]"));
    EXPECT_THAT(eval("mr_date_format(make_timestamptz(0), 'YYYY', 'UTC')"),
                testing::HasSubstr("[INVALID_DATETIME_PATTERN"));
}

TEST_F(Functions, decimals_are_exact) {
    check({{"mr_decimal('divide', '1', '3', 38, 6, 'ansi')", "0.333333"},
           {"mr_decimal('divide', '2', '3', 38, 6, 'ansi')", "0.666667"},
           {"mr_decimal('divide', '-2', '3', 38, 6, 'ansi')", "-0.666667"},
           {"mr_decimal('multiply', '99999999999999999999.99', '9.99', 38, 4, 'ansi')",
            "998999999999999999999.9001"},
           {"mr_decimal('add', '1.5', '2.25', 10, 2, 'ansi')", "3.75"},
           {"mr_decimal('add', '99', '1', 2, 0, 'try')", "NULL"}});
    EXPECT_THAT(eval("mr_decimal('add', '99', '1', 2, 0, 'ansi')"),
                testing::HasSubstr("100 cannot be represented as Decimal(2, 0)"));
}

TEST_F(Functions, json_is_found_by_path) {
    check({{R"(mr_get_json_object('{"a":{"b":[1,{"c":"x"}]}}', '$.a.b[1].c'))", "x"},
           {R"(mr_get_json_object('[{"a":1},{"a":2}]', '$[*].a'))", "[1,2]"},
           {R"(mr_get_json_object('{"a":null}', '$.a'))", "NULL"},
           {R"(mr_get_json_object('{broken', '$.a'))", "NULL"},
           {R"(mr_json_array_length('[1,2,[3]]'))", "3"},
           {R"(mr_json_object_keys('{"f1":1,"f2":{"f3":2}}'))", "[f1, f2]"},
           {R"(mr_schema_of_json('[{"col":0}]'))", "ARRAY<STRUCT<col: BIGINT>>"}});
}

TEST_F(Functions, arrays_keep_order_and_nulls) {
    check({{"mr_array_distinct([1, 2, 3, NULL, 3, NULL])", "[1, 2, 3, NULL]"},
           {"mr_array_contains([1, NULL], 2)", "NULL"},
           {"mr_array_intersect([1, 2, 3], [1, 3, 5])", "[1, 3]"},
           {"mr_array_except([1, 2, NULL], [1])", "[2, NULL]"},
           {"mr_slice([1, 2, 3, 4], -2, 2)", "[3, 4]"},
           {"mr_array_insert([1, 2, 3, 4], 5, 5)", "[1, 2, 3, 4, 5]"},
           {"mr_array_insert([5, 3, 2, 1], -4, 4)", "[5, 4, 3, 2, 1]"},
           {"mr_sequence(5, 1)", "[5, 4, 3, 2, 1]"}});
}

TEST_F(Functions, integers_wrap_only_where_asked) {
    check({{"mr_wrap_add(2147483647, 1)", "-2147483648"},
           {"mr_wrap_multiply(9223372036854775807::BIGINT, 2::BIGINT)", "-2"},
           {"mr_shift_right_unsigned(-1, 28)", "15"}});
}

}  // namespace
}  // namespace millrace::columnar
