#include "cli/weblog/tsv.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>

#include "runtime/disk.h"

namespace millrace::cli {
namespace {

constexpr std::string_view kNames = "host\tlogname\ttime\tmethod\turl\tresponse\tbytes\n";

base::Bytes gzip(base::ByteView text) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    base::Bytes packed(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

class TsvWebLogTest : public ::testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/millrace-tsv-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        folder_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    // The values of all records of a file with this content, or the error's words.
    std::string read(base::ByteView content) {
        const std::string path = folder_ + "/log.tsv";
        EXPECT_TRUE(runtime::write_file_durably(*disk_, path, content));
        auto log = TsvWebLog::open(*disk_, path);
        if (!log) return log.error().message();
        std::string values;
        for (;;) {
            const auto record = (*log)->next();
            if (!record) return values + record.error().message();
            if (!*record) break;
            values += (*record)->key + " " + (*record)->value + "\n";
        }
        if ((*log)->skipped_lines() > 0) {
            values += "skipped " + std::to_string((*log)->skipped_lines());
        }
        EXPECT_EQ((*log)->progress(), 1.0);
        return values;
    }

    std::unique_ptr<runtime::Disk> disk_ = runtime::make_system_disk();
    std::string folder_;
};

const std::string kLines = std::string(kNames) + "a.b\t-\t807256804\tGET\t/x\t200\t12\t\t\n";
constexpr std::string_view kEvent =
    R"(a.b {"host":"a.b","timestamp":"1995-08-01T06:00:04.000Z","request":"GET /x",)"
    R"("http_reply":200,"bytes":12})"
    "\n";

TEST_F(TsvWebLogTest, reads_plain_and_gzip_files) {
    EXPECT_EQ(read(kLines), kEvent);
    EXPECT_EQ(read(gzip(kLines)), kEvent);
    // A log rotated and joined: several gzip members in one file.
    EXPECT_EQ(read(gzip(kNames) + gzip(kLines.substr(kNames.size()))), kEvent);
}

TEST_F(TsvWebLogTest, takes_lines_that_end_with_crlf_or_with_the_file) {
    EXPECT_EQ(read(std::string(kNames) + "a.b\t-\t807256804\tGET\t/x\t200\t12\r\n"), kEvent);
    EXPECT_EQ(read(std::string(kNames) + "a.b\t-\t807256804\tGET\t/x\t200\t12"), kEvent);
    EXPECT_EQ(read(kNames), "");
}

TEST_F(TsvWebLogTest, lives_with_odd_lines) {
    EXPECT_EQ(read(std::string(kNames) + "a\t-\tsoon\tGET\t/\t-\t\t\t\nshort\tline\n"),
              R"(a {"host":"a","timestamp":null,"request":"GET /","http_reply":null,"bytes":null})"
              "\nskipped 1");
}

TEST_F(TsvWebLogTest, refuses_what_is_no_such_file) {
    const std::string path = folder_ + "/log.tsv";
    EXPECT_TRUE(read("").starts_with(path + ": the first line must name the columns"));
    EXPECT_TRUE(read("x,y\n1,2\n").starts_with(path + ": the first line must name the columns"));
    const base::Bytes packed = gzip(kLines);
    EXPECT_NE(read(packed.substr(0, packed.size() - 9)).find("gzip: cut off"), std::string::npos);
    base::Bytes damaged = packed;
    damaged[packed.size() / 2] = static_cast<char>(damaged[packed.size() / 2] ^ 0x55);
    EXPECT_NE(read(damaged).find("gzip: "), std::string::npos);
    EXPECT_NE(read(std::string(kNames) + std::string(2 * LineReader::kMaxLineBytes, 'x'))
                  .find("a line is longer than"),
              std::string::npos);
}

TEST_F(TsvWebLogTest, says_that_a_file_is_missing) {
    const auto log = TsvWebLog::open(*disk_, folder_ + "/none.tsv");
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code(), base::Code::kNotFound);
}

}  // namespace
}  // namespace millrace::cli
