#include "cli/weblog/line_reader.h"

#include <zlib.h>

#include "base/check.h"
#include "runtime/disk.h"

namespace millrace::cli {

namespace {
// What is read at once. Deflate packs at most a thousandfold, so a hostile file costs 32 MiB.
constexpr std::size_t kChunkBytes = 32 * 1024;
constexpr std::size_t kInflatedBytes = 256 * 1024;
}  // namespace

// zlib's inflate over gzip members that follow one another.
class LineReader::Gzip {
public:
    Gzip() { MR_CHECK(inflateInit2(&stream_, 16 + MAX_WBITS) == Z_OK); }
    ~Gzip() { inflateEnd(&stream_); }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;

    // Inflate all of `input` onto `output`.
    base::Result<void> add(base::ByteView input, base::Bytes& output) {
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
        stream_.avail_in = static_cast<uInt>(input.size());
        while (stream_.avail_in > 0) {
            if (ended_) {
                inflateReset(&stream_);
                ended_ = false;
            }
            const std::size_t before = output.size();
            output.resize(before + kInflatedBytes);
            stream_.next_out = reinterpret_cast<Bytef*>(output.data() + before);
            stream_.avail_out = static_cast<uInt>(kInflatedBytes);
            const int outcome = inflate(&stream_, Z_NO_FLUSH);
            output.resize(before + kInflatedBytes - stream_.avail_out);
            ended_ = outcome == Z_STREAM_END;
            if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) {
                return base::fail(base::Code::kCorrupt, "gzip: {}",
                                  stream_.msg != nullptr ? stream_.msg : "damaged");
            }
        }
        return {};
    }
    bool ended() const { return ended_; }

private:
    z_stream stream_{};
    bool ended_ = false;
};

LineReader::LineReader(std::unique_ptr<runtime::File> file, std::uint64_t size_bytes)
    : file_(std::move(file)), size_bytes_(size_bytes) {}
LineReader::~LineReader() = default;

base::Result<std::unique_ptr<LineReader>> LineReader::open(runtime::Disk& disk,
                                                           const std::string& path) {
    MR_TRY(std::unique_ptr<runtime::File> file, disk.open(path, runtime::OpenMode::kRead));
    MR_TRY(const std::uint64_t size_bytes, file->size_bytes());
    char magic[2] = {};
    MR_TRY(const std::size_t read, file->read_at(0, magic, sizeof(magic)));
    std::unique_ptr<LineReader> reader(new LineReader(std::move(file), size_bytes));
    if (read == 2 && magic[0] == '\x1f' && magic[1] == '\x8b') {
        reader->gzip_ = std::make_unique<Gzip>();
    }
    return reader;
}

base::Result<bool> LineReader::read_more() {
    text_.erase(0, taken_);
    searched_ -= taken_;
    taken_ = 0;
    base::Bytes chunk(kChunkBytes, '\0');
    MR_TRY(const std::size_t read, file_->read_at(position_, chunk.data(), chunk.size()));
    chunk.resize(read);
    position_ += read;
    if (read == 0) {
        if (gzip_ && !gzip_->ended()) {
            return base::fail(base::Code::kCorrupt, "{}: gzip: cut off", file_->path());
        }
        return false;
    }
    if (gzip_) {
        const base::Result<void> outcome = gzip_->add(chunk, text_);
        if (!outcome) return base::fail(outcome.error().with(file_->path()));
    } else {
        text_ += chunk;
    }
    return true;
}

base::Result<std::optional<std::string>> LineReader::next() {
    for (;;) {
        const auto end = text_.find('\n', searched_);
        if (end != base::Bytes::npos) {
            std::string line = text_.substr(taken_, end - taken_);
            taken_ = searched_ = end + 1;
            if (line.ends_with('\r')) line.pop_back();
            return std::optional(std::move(line));
        }
        searched_ = text_.size();
        if (text_.size() - taken_ > kMaxLineBytes) {
            return base::fail(base::Code::kTooLarge, "{}: a line is longer than {} bytes",
                              file_->path(), kMaxLineBytes);
        }
        MR_TRY(const bool more, read_more());
        if (more) continue;
        if (taken_ == text_.size()) return std::optional<std::string>();
        std::string line = text_.substr(taken_);
        taken_ = searched_ = text_.size();
        return std::optional(std::move(line));
    }
}

double LineReader::progress() const {
    return size_bytes_ == 0 ? 1.0
                            : static_cast<double>(position_) / static_cast<double>(size_bytes_);
}

}  // namespace millrace::cli
