#include "model/codec.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/check.h"

namespace millrace::model {
namespace {

using base::Bytes;
using base::ByteView;
using base::Code;
using base::fail;
using base::Result;

constexpr std::array<std::string_view, 5> kNames = {"none", "gzip", "snappy", "lz4", "zstd"};

// Room for output that grows geometrically from the size of the input, never past the cap, and is
// not filled before it is written: what a header claims costs nothing.
class Output {
public:
    Output(Bytes& into, std::size_t input_bytes, std::size_t max_bytes)
        : into_(into), max_bytes_(max_bytes) {
        into_.clear();
        resize(std::min(std::max<std::size_t>(4 * input_bytes, 4096), max_bytes));
    }
    char* at() { return into_.data() + used_; }
    std::size_t room() const { return into_.size() - used_; }
    void advance(std::size_t bytes) { used_ += bytes; }
    // False when the cap is reached.
    bool grow() {
        if (into_.size() >= max_bytes_) return false;
        resize(std::min(max_bytes_, 2 * into_.size()));
        return true;
    }
    void finish() { into_.resize(used_); }

private:
    void resize(std::size_t bytes) {
        into_.resize_and_overwrite(bytes, [=](char*, std::size_t) { return bytes; });
    }
    Bytes& into_;
    std::size_t max_bytes_;
    std::size_t used_ = 0;
};

std::unexpected<base::Error> corrupt(Codec codec, std::string_view what) {
    return fail(Code::kCorrupt, "not valid {}: {}", codec_name(codec), what);
}
std::unexpected<base::Error> too_large(Codec codec, std::size_t max_bytes) {
    return fail(Code::kTooLarge, "{} data unpacks to more than {} bytes", codec_name(codec),
                max_bytes);
}

// --- gzip ---------------------------------------------------------------------------------------

constexpr int kGzipWindowBits = 15 + 16;

struct Inflate {
    z_stream stream{};
    Inflate() { MR_CHECK(inflateInit2(&stream, kGzipWindowBits) == Z_OK); }
    ~Inflate() { inflateEnd(&stream); }
};

void compress_gzip(ByteView input, Bytes& into) {
    z_stream stream{};
    MR_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits, 8,
                          Z_DEFAULT_STRATEGY) == Z_OK);
    const std::size_t before = into.size();
    into.resize(before + deflateBound(&stream, input.size()));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(into.data() + before);
    stream.avail_out = static_cast<uInt>(into.size() - before);
    MR_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    into.resize(before + stream.total_out);
    deflateEnd(&stream);
}

Result<void> decompress_gzip(ByteView input, Bytes& into, std::size_t max_bytes) {
    Output output(into, input.size(), max_bytes);
    Inflate inflater;
    z_stream& stream = inflater.stream;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream.avail_in = static_cast<uInt>(input.size());
    while (true) {
        if (output.room() == 0 && !output.grow()) return too_large(Codec::kGzip, max_bytes);
        const std::size_t room = output.room();
        stream.next_out = reinterpret_cast<Bytef*>(output.at());
        stream.avail_out = static_cast<uInt>(room);
        const int code = inflate(&stream, Z_NO_FLUSH);
        output.advance(room - stream.avail_out);
        if (code == Z_STREAM_END) {
            if (stream.avail_in == 0) break;
            if (inflateReset(&stream) != Z_OK)
                return corrupt(Codec::kGzip, "members after each other");
            continue;
        }
        const bool wants_room = stream.avail_out == 0;
        if (code != Z_OK && !(code == Z_BUF_ERROR && wants_room)) {
            return corrupt(Codec::kGzip, stream.msg != nullptr ? stream.msg : "cut off");
        }
        if (stream.avail_in == 0 && !wants_room) return corrupt(Codec::kGzip, "cut off");
    }
    output.finish();
    return {};
}

// --- snappy -------------------------------------------------------------------------------------

// xerial's framing, as Java's producers write it: magic, version, lowest compatible version, then
// blocks of [i32 length][bare snappy].
constexpr ByteView kXerialMagic("\x82SNAPPY\0", 8);
constexpr std::size_t kXerialHeaderBytes = 16;
constexpr std::size_t kXerialBlockBytes = 32 * 1024;

void compress_snappy(ByteView input, Bytes& into) {
    into.append(kXerialMagic);
    base::append_big_endian(into, std::int32_t{1});
    base::append_big_endian(into, std::int32_t{1});
    Bytes block;
    for (std::size_t at = 0; at < input.size(); at += kXerialBlockBytes) {
        const ByteView part = input.substr(at, kXerialBlockBytes);
        snappy::Compress(part.data(), part.size(), &block);
        base::append_big_endian(into, static_cast<std::int32_t>(block.size()));
        into += block;
    }
}

Result<void> append_bare_snappy(ByteView block, Bytes& into, std::size_t max_bytes) {
    std::size_t length = 0;
    if (!snappy::GetUncompressedLength(block.data(), block.size(), &length)) {
        return corrupt(Codec::kSnappy, "no length");
    }
    if (length > max_bytes - into.size()) return too_large(Codec::kSnappy, max_bytes);
    // A snappy element of three bytes gives at most 64: a larger claim is a lie.
    if (length > 64 + block.size() * 32) return corrupt(Codec::kSnappy, "impossible length");
    const std::size_t before = into.size();
    const std::size_t size = before + length;
    if (size > into.capacity()) into.reserve(std::max(size, 2 * into.capacity()));
    into.resize_and_overwrite(size, [=](char*, std::size_t) { return size; });
    if (!snappy::RawUncompress(block.data(), block.size(), into.data() + before)) {
        return corrupt(Codec::kSnappy, "bad element");
    }
    return {};
}

Result<void> decompress_snappy(ByteView input, Bytes& into, std::size_t max_bytes) {
    into.clear();
    if (!input.starts_with(kXerialMagic)) return append_bare_snappy(input, into, max_bytes);
    if (input.size() < kXerialHeaderBytes) return corrupt(Codec::kSnappy, "cut off");
    input.remove_prefix(kXerialHeaderBytes);
    while (!input.empty()) {
        // Streams written one after the other repeat the header.
        if (input.starts_with(kXerialMagic) && input.size() >= kXerialHeaderBytes) {
            input.remove_prefix(kXerialHeaderBytes);
            continue;
        }
        if (input.size() < 4) return corrupt(Codec::kSnappy, "cut off");
        const auto length = base::load_big_endian<std::uint32_t>(input.data());
        input.remove_prefix(4);
        if (length > input.size()) return corrupt(Codec::kSnappy, "cut off");
        MR_TRY_VOID(append_bare_snappy(input.substr(0, length), into, max_bytes));
        input.remove_prefix(length);
    }
    return {};
}

// --- lz4 ----------------------------------------------------------------------------------------

void compress_lz4(ByteView input, Bytes& into) {
    LZ4F_preferences_t preferences{};
    // Java's reader refuses blocks that depend on each other.
    preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    const std::size_t before = into.size();
    into.resize(before + LZ4F_compressFrameBound(input.size(), &preferences));
    const std::size_t written = LZ4F_compressFrame(into.data() + before, into.size() - before,
                                                   input.data(), input.size(), &preferences);
    MR_CHECK(LZ4F_isError(written) == 0);
    into.resize(before + written);
}

struct FreeLz4 {
    void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

LZ4F_dctx* lz4_context() {
    thread_local const std::unique_ptr<LZ4F_dctx, FreeLz4> context = [] {
        LZ4F_dctx* made = nullptr;
        MR_CHECK(LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION)) == 0);
        return std::unique_ptr<LZ4F_dctx, FreeLz4>(made);
    }();
    LZ4F_resetDecompressionContext(context.get());
    return context.get();
}

Result<void> decompress_lz4(ByteView input, Bytes& into, std::size_t max_bytes) {
    Output output(into, input.size(), max_bytes);
    LZ4F_dctx* const context = lz4_context();
    std::size_t hint = 1;
    while (!input.empty() || hint != 0) {
        if (output.room() == 0 && !output.grow()) return too_large(Codec::kLz4, max_bytes);
        std::size_t written = output.room();
        std::size_t consumed = input.size();
        hint = LZ4F_decompress(context, output.at(), &written, input.data(), &consumed, nullptr);
        if (LZ4F_isError(hint) != 0) return corrupt(Codec::kLz4, LZ4F_getErrorName(hint));
        if (hint != 0 && written == 0 && consumed == 0) return corrupt(Codec::kLz4, "cut off");
        output.advance(written);
        input.remove_prefix(consumed);
    }
    output.finish();
    return {};
}

// --- zstd ---------------------------------------------------------------------------------------

constexpr int kZstdLevel = 3;

struct FreeZstd {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

void compress_zstd(ByteView input, Bytes& into) {
    thread_local const std::unique_ptr<ZSTD_CCtx, FreeZstd> context(ZSTD_createCCtx());
    const std::size_t before = into.size();
    into.resize(before + ZSTD_compressBound(input.size()));
    const std::size_t written =
        ZSTD_compressCCtx(context.get(), into.data() + before, into.size() - before, input.data(),
                          input.size(), kZstdLevel);
    MR_CHECK(ZSTD_isError(written) == 0);
    into.resize(before + written);
}

Result<void> decompress_zstd(ByteView input, Bytes& into, std::size_t max_bytes) {
    thread_local const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
    ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
    Output output(into, input.size(), max_bytes);
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    std::size_t hint = 1;
    while (in.pos < in.size || hint != 0) {
        if (output.room() == 0 && !output.grow()) return too_large(Codec::kZstd, max_bytes);
        ZSTD_outBuffer out{output.at(), output.room(), 0};
        const std::size_t before = in.pos;
        hint = ZSTD_decompressStream(context.get(), &out, &in);
        if (ZSTD_isError(hint) != 0) return corrupt(Codec::kZstd, ZSTD_getErrorName(hint));
        if (hint != 0 && out.pos == 0 && in.pos == before) return corrupt(Codec::kZstd, "cut off");
        output.advance(out.pos);
    }
    output.finish();
    return {};
}

}  // namespace

std::string_view codec_name(Codec codec) {
    return kNames[static_cast<std::size_t>(codec)];
}

std::optional<Codec> codec_from_name(std::string_view name) {
    const auto* found = std::ranges::find(kNames, name);
    if (found == kNames.end()) return std::nullopt;
    return static_cast<Codec>(found - kNames.begin());
}

void compress(Codec codec, ByteView input, Bytes& into) {
    switch (codec) {
        case Codec::kNone: into.append(input); return;
        case Codec::kGzip: return compress_gzip(input, into);
        case Codec::kSnappy: return compress_snappy(input, into);
        case Codec::kLz4: return compress_lz4(input, into);
        case Codec::kZstd: return compress_zstd(input, into);
    }
    MR_CHECK(false);
}

Result<void> decompress(Codec codec, ByteView input, Bytes& into, std::size_t max_bytes) {
    switch (codec) {
        case Codec::kNone:
            if (input.size() > max_bytes) return too_large(codec, max_bytes);
            into.assign(input);
            return {};
        case Codec::kGzip: return decompress_gzip(input, into, max_bytes);
        case Codec::kSnappy: return decompress_snappy(input, into, max_bytes);
        case Codec::kLz4: return decompress_lz4(input, into, max_bytes);
        case Codec::kZstd: return decompress_zstd(input, into, max_bytes);
    }
    MR_CHECK(false);
}

}  // namespace millrace::model
