#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "columnar/engine.h"
#include "runtime/disk.h"

namespace millrace::columnar {
namespace {

using plan::Attribute;
using plan::DataType;
using plan::make_logical;

Engine& engine() {
    // Never destroyed: DuckDB's close touches thread-locals, which are gone when statics end.
    static Engine* const kEngine = Engine::make({.threads = 2}).value().release();
    return *kEngine;
}

class Files : public testing::Test {
protected:
    Files() {
        std::string pattern = runtime::system_temporary_directory() + "/columnar_XXXXXX";
        folder_ = mkdtemp(pattern.data());
    }
    ~Files() override { (void)disk_->remove_tree(folder_); }

    std::string write(const std::string& name, const std::string& content) {
        const std::string path = folder_ + "/" + name;
        (void)disk_->make_directories(path.substr(0, path.rfind('/')));
        EXPECT_TRUE(runtime::write_file_durably(*disk_, path, content));
        return path;
    }
    // The schema and the rows of a source, as one text a line.
    std::vector<std::string> read(const std::string& format, const std::string& path,
                                  const plan::Options& options = {},
                                  const char* ddl_like = nullptr) {
        plan::DataSourceRel source{.format = format, .options = options, .paths = {path}};
        std::vector<plan::Field> fields;
        if (ddl_like != nullptr) {
            fields = plan::type_from_json(ddl_like).value().fields();
        } else {
            auto found = file_schema(engine(), source);
            if (!found) return {found.error().to_string()};
            fields = std::move(*found);
        }
        std::vector<Attribute> output;
        for (std::size_t i = 0; i < fields.size(); ++i) {
            output.push_back({.id = i + 1, .name = fields[i].name, .type = fields[i].type});
        }
        malformed_ = 0;
        const auto batches =
            collect(engine(),
                    *make_logical(plan::ScanNode{.scan_id = 1, .source = source, .output = output}),
                    {}, {.malformed_records = &malformed_});
        if (!batches) return {batches.error().to_string()};
        std::vector<std::string> lines = {DataType::structure(fields).simple_string()};
        for (const Batch& batch : *batches) {
            for (std::int64_t row = 0; row < batch.rows(); ++row) {
                std::string line;
                for (std::size_t i = 0; i < fields.size(); ++i) {
                    line += (i == 0 ? "" : "|") + to_display(batch.column(i), row, "UTC");
                }
                lines.push_back(line);
            }
        }
        return lines;
    }

    std::int64_t malformed_ = 0;
    std::unique_ptr<runtime::Disk> disk_ = runtime::make_system_disk();
    std::string folder_;
};

Batch sample() {
    BatchBuilder builder({{.name = "name", .type = DataType::string()},
                          {.name = "hits", .type = DataType::long_()},
                          {.name = "at", .type = DataType::timestamp()},
                          {.name = "tags", .type = DataType::array(DataType::string())}});
    builder.column(0).append_text("a, \"b\"");
    builder.column(1).append_int(5);
    builder.column(2).append_int(1'500'000);
    builder.column(3).append_nested(2);
    builder.column(3).child(0).append_text("x");
    builder.column(3).child(0).append_null();
    for (std::size_t i = 0; i < 4; ++i) builder.column(i).append_null();
    return builder.finish().value();
}

TEST_F(Files, parquet_comes_back_as_it_was_written) {
    const std::string path =
        write("a.parquet", encode_file("parquet", {sample()}, {}, "UTC").value());
    EXPECT_THAT(
        read("parquet", path),
        testing::ElementsAre("struct<name:string,hits:bigint,at:timestamp,tags:array<string>>",
                             "a, \"b\"|5|1970-01-01 00:00:01.5|[x, NULL]", "NULL|NULL|NULL|NULL"));
}

TEST_F(Files, parquet_that_is_none_is_an_error) {
    EXPECT_THAT(read("parquet", write("a.parquet", "PAR1 no parquet at all PAR1")).at(0),
                testing::StartsWith("corrupt"));
    std::string content = encode_file("parquet", {sample()}, {}, "UTC").value();
    for (std::size_t at = 0; at < content.size(); at += 11) {
        std::string broken = content;
        broken[at] = '\x7F';
        (void)read("parquet", write("b.parquet", broken));  // An error or rows, never an end.
    }
}

TEST_F(Files, json_lines_are_inferred_and_read) {
    const std::string path =
        write("a.json", "{\"b\":1,\"a\":\"x\"}\n\n{\"a\":\"y\",\"c\":[1.5]}\n");
    EXPECT_THAT(read("json", path),
                testing::ElementsAre("struct<a:string,b:bigint,c:array<double>>", "x|1|NULL",
                                     "y|NULL|[1.5]"));
    EXPECT_THAT(
        read("json", write("b.json", "{\"a\":1}\n{broken\n")),
        testing::ElementsAre("struct<_corrupt_record:string,a:bigint>", "NULL|1", "{broken|NULL"));
}

TEST_F(Files, json_drops_nulls_when_written) {
    EXPECT_EQ(
        encode_file("json", {sample()}, {}, "UTC").value(),
        "{\"name\":\"a, "
        "\\\"b\\\"\",\"hits\":5,\"at\":\"1970-01-01T00:00:01.500Z\",\"tags\":[\"x\",null]}\n{}\n");
}

TEST_F(Files, csv_obeys_its_options) {
    const std::string path = write("a.csv", "id,name,at\n1,\"a,b\",2024-01-02 03:04:05\n2,,\n");
    EXPECT_THAT(read("csv", path),
                testing::ElementsAre("struct<_c0:string,_c1:string,_c2:string>", "id|name|at",
                                     "1|a,b|2024-01-02 03:04:05", "2|NULL|NULL"));
    EXPECT_THAT(read("csv", path, {{"header", "true"}, {"inferschema", "true"}}),
                testing::ElementsAre("struct<id:int,name:string,at:timestamp>",
                                     "1|a,b|2024-01-02 03:04:05", "2|NULL|NULL"));
    EXPECT_THAT(read("csv", write("b.csv", "1;x\n;y\n"), {{"sep", ";"}, {"inferschema", "true"}}),
                testing::ElementsAre("struct<_c0:int,_c1:string>", "1|x", "NULL|y"));
}

// A schema as JSON: `n INT, at DATE` and, where asked for, the column of corrupt records.
std::string schema_of(const std::string& more = "") {
    return R"({"type":"struct","fields":[)"
           R"({"name":"n","type":"integer","nullable":true,"metadata":{}},)"
           R"({"name":"at","type":"date","nullable":true,"metadata":{}})" +
           (more.empty()
                ? ""
                : R"(,{"name":")" + more + R"(","type":"string","nullable":true,"metadata":{}})") +
           "]}";
}

TEST_F(Files, bad_records_of_csv_become_what_the_mode_says) {
    const std::string path =
        write("a.csv", "1,2024-01-02\nx,2024-01-03\n3\n4,never\n5,2024-01-05,more\n,\n");
    EXPECT_THAT(read("csv", path, {}, schema_of().c_str()),
                testing::ElementsAre("struct<n:int,at:date>", "1|2024-01-02", "NULL|2024-01-03",
                                     "3|NULL", "4|NULL", "5|2024-01-05", "NULL|NULL"));
    EXPECT_EQ(malformed_, 4);
    EXPECT_THAT(
        read("csv", path, {}, schema_of("_corrupt_record").c_str()),
        testing::ElementsAre("struct<n:int,at:date,_corrupt_record:string>", "1|2024-01-02|NULL",
                             "NULL|2024-01-03|x,2024-01-03", "3|NULL|3", "4|NULL|4,never",
                             "5|2024-01-05|5,2024-01-05,more", "NULL|NULL|NULL"));
    EXPECT_EQ(malformed_, 4);
    EXPECT_THAT(
        read("csv", path, {{"columnnameofcorruptrecord", "bad"}}, schema_of("bad").c_str()).at(2),
        "NULL|2024-01-03|x,2024-01-03");
    EXPECT_THAT(read("csv", path, {{"mode", "dropMalformed"}}, schema_of().c_str()),
                testing::ElementsAre("struct<n:int,at:date>", "1|2024-01-02", "NULL|NULL"));
    EXPECT_EQ(malformed_, 4);
    EXPECT_THAT(read("csv", path, {{"mode", "FAILFAST"}}, schema_of().c_str()).at(0),
                testing::HasSubstr("[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed "
                                   "records are detected in record parsing: [null,19725]."));
    EXPECT_THAT(read("csv", write("good.csv", "1,2024-01-02\n"), {{"mode", "FAILFAST"}},
                     schema_of().c_str()),
                testing::ElementsAre("struct<n:int,at:date>", "1|2024-01-02"));
}

TEST_F(Files, bad_records_of_json_become_what_the_mode_says) {
    const std::string path = write("a.json",
                                   "{\"n\":1,\"at\":\"2024-01-02\"}\n{broken\n"
                                   "{\"n\":\"x\",\"at\":\"2024-01-03\"}\n\n{\"n\":4}\n");
    EXPECT_THAT(
        read("json", path, {}, schema_of("_corrupt_record").c_str()),
        testing::ElementsAre("struct<n:int,at:date,_corrupt_record:string>", "1|2024-01-02|NULL",
                             "NULL|NULL|{broken",
                             "NULL|2024-01-03|{\"n\":\"x\",\"at\":\"2024-01-03\"}", "4|NULL|NULL"));
    EXPECT_EQ(malformed_, 2);
    EXPECT_THAT(read("json", path, {{"mode", "DROPMALFORMED"}}, schema_of().c_str()),
                testing::ElementsAre("struct<n:int,at:date>", "1|2024-01-02", "4|NULL"));
    EXPECT_EQ(malformed_, 2);
    EXPECT_THAT(read("json", path, {{"mode", "FAILFAST"}}, schema_of().c_str()).at(0),
                testing::HasSubstr("record parsing: [null,null].\nParse Mode: FAILFAST."));
}

TEST_F(Files, text_is_lines) {
    EXPECT_THAT(read("text", write("a.txt", "one\ntwo\r\n\nlast")),
                testing::ElementsAre("struct<value:string>", "one", "two", "", "last"));
}

TEST_F(Files, folders_give_partition_columns) {
    write("t/day=2024-01-01/n=1/a.json", "{\"v\":1}\n");
    write("t/day=2024-01-02/n=2/a.json", "{\"v\":2}\n");
    write("t/_hidden/a.json", "{\"v\":3}\n");
    EXPECT_THAT(read("json", folder_ + "/t"),
                testing::ElementsAre("struct<v:bigint,day:date,n:int>", "1|2024-01-01|1",
                                     "2|2024-01-02|2"));
}

TEST_F(Files, a_manifest_says_which_files_count) {
    const std::string good = write("t/good.txt", "good");
    write("t/leftover.txt", "leftover");
    write("t/_spark_metadata/0", "v1\n{\"path\":\"file://" + good +
                                     "\",\"size\":4,\"isDir\":false,\"modificationTime\":0,"
                                     "\"blockReplication\":1,\"blockSize\":4,\"action\":\"add\"}");
    EXPECT_THAT(read("text", folder_ + "/t"), testing::ElementsAre("struct<value:string>", "good"));
}

TEST_F(Files, what_is_not_there_is_sparks_error) {
    EXPECT_THAT(read("parquet", folder_ + "/none").at(0), testing::HasSubstr("[PATH_NOT_FOUND]"));
    EXPECT_THAT(read("nonsense", folder_).at(0), testing::HasSubstr("[DATA_SOURCE_NOT_FOUND]"));
}

}  // namespace
}  // namespace millrace::columnar
