#include "cli/records/record_reader.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "base/strings.h"
#include "cli/records/escapes.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;

namespace {

constexpr std::size_t kMaxRecordBytes = 1 << 30;
constexpr std::size_t kChunkBytes = 64 << 10;

// Takes a stream apart at delimiters.
class Splitter {
public:
    explicit Splitter(ByteSource source) : source_(std::move(source)) {}

    struct Piece {
        std::string text;
        bool is_delimited = false;  // False: the stream ended.
    };
    // What stands before the next delimiter, or before the end.
    Result<Piece> until(std::string_view delimiter) {
        std::size_t searched = 0;
        while (true) {
            const std::string_view rest = std::string_view(buffer_).substr(position_);
            const auto found = rest.find(delimiter, searched);
            if (found != std::string_view::npos) {
                Piece piece{.text = std::string(rest.substr(0, found)), .is_delimited = true};
                position_ += found + delimiter.size();
                return piece;
            }
            if (rest.size() > kMaxRecordBytes) {
                return fail(Code::kTooLarge, "a record is longer than {} bytes", kMaxRecordBytes);
            }
            searched = rest.size() - std::min(rest.size(), delimiter.size() - 1);
            MR_TRY(const bool more, fill());
            if (more) continue;
            Piece piece{.text = buffer_.substr(position_), .is_delimited = false};
            position_ = buffer_.size();
            return piece;
        }
    }
    // Takes `text` off the front: whether it stood there.
    Result<bool> take(std::string_view text) {
        while (buffer_.size() - position_ < text.size()) {
            MR_TRY(const bool more, fill());
            if (!more) return false;
        }
        if (!std::string_view(buffer_).substr(position_).starts_with(text)) return false;
        position_ += text.size();
        return true;
    }
    Result<bool> at_end() {
        if (position_ < buffer_.size()) return false;
        MR_TRY(const bool more, fill());
        return !more;
    }

private:
    Result<bool> fill() {
        if (position_ > buffer_.size() / 2) {
            buffer_.erase(0, position_);
            position_ = 0;
        }
        const std::size_t before = buffer_.size();
        buffer_.resize(before + kChunkBytes);
        const auto count = source_(buffer_.data() + before, kChunkBytes);
        buffer_.resize(before + count.value_or(0));
        if (!count) return fail(count.error());
        return *count > 0;
    }

    ByteSource source_;
    std::string buffer_;
    std::size_t position_ = 0;
};

InputRecord make_record(const InputOptions& options, std::optional<std::string> key,
                        std::optional<std::string> value) {
    InputRecord input;
    input.record.key = key ? std::move(key) : options.key;
    input.record.value = std::move(value);
    input.record.headers = options.headers;
    if (!options.empty_is_null) return input;
    for (auto* field : {&input.record.key, &input.record.value}) {
        if (*field && (*field)->empty()) field->reset();
    }
    return input;
}

class DelimitedReader final : public RecordReader {
public:
    DelimitedReader(ByteSource source, InputOptions options)
        : splitter_(std::move(source)), options_(std::move(options)) {}

    Result<std::optional<InputRecord>> next() override {
        MR_TRY(auto piece, splitter_.until(options_.delimiter));
        if (!piece.is_delimited && piece.text.empty()) return std::nullopt;
        std::optional<std::string> key;
        if (!options_.key_delimiter.empty()) {
            const auto end = piece.text.find(options_.key_delimiter);
            if (end != std::string::npos) {
                key = piece.text.substr(0, end);
                piece.text.erase(0, end + options_.key_delimiter.size());
            }
        }
        return make_record(options_, std::move(key), std::move(piece.text));
    }

private:
    Splitter splitter_;
    const InputOptions options_;
};

struct FormatPart {
    char letter = 0;   // 0: text that must stand at the front.
    std::string text;  // What ends the field.
};

class FormattedReader final : public RecordReader {
public:
    FormattedReader(ByteSource source, std::vector<FormatPart> parts, InputOptions options)
        : splitter_(std::move(source)), parts_(std::move(parts)), options_(std::move(options)) {}

    Result<std::optional<InputRecord>> next() override {
        MR_TRY(const bool ended, splitter_.at_end());
        if (ended) return std::nullopt;
        ++number_;
        auto record = read();
        if (record) return std::move(*record);
        return fail(record.error().with(fmt::format("record {} of the input", number_)));
    }

private:
    Result<InputRecord> read() {
        std::optional<std::string> key;
        std::optional<std::string> value;
        std::string headers;
        std::optional<std::int32_t> partition;
        std::int64_t timestamp_ms = -1;
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            const FormatPart& part = parts_[i];
            if (part.letter == 0) {
                MR_TRY(const bool there, splitter_.take(part.text));
                if (!there) return fail(Code::kParse, "{} is missing", base::json_quote(part.text));
                continue;
            }
            MR_TRY(auto piece, splitter_.until(part.text));
            // Only the last record's last delimiter may be missing.
            if (!piece.is_delimited && i + 1 < parts_.size()) {
                return fail(Code::kParse, "{} is missing behind %{}", base::json_quote(part.text),
                            part.letter);
            }
            switch (part.letter) {
                case 'k': key = std::move(piece.text); break;
                case 's': value = std::move(piece.text); break;
                case 'h': headers = std::move(piece.text); break;
                case 'p': {
                    MR_TRY(const auto number, base::parse_int64(piece.text, 0, INT32_MAX));
                    partition = static_cast<std::int32_t>(number);
                    break;
                }
                default: {
                    MR_TRY(timestamp_ms, base::parse_int64(piece.text, -1));
                }
            }
        }
        InputRecord input = make_record(options_, std::move(key), std::move(value));
        input.partition = partition;
        input.record.timestamp_ms = timestamp_ms;
        MR_TRY_VOID(add_headers(headers, input.record.headers));
        return input;
    }

    // As %h prints them.
    static Result<void> add_headers(std::string_view text, std::vector<topic::Header>& headers) {
        if (text.empty()) return {};
        for (const std::string_view part : base::split(text, ',')) {
            const auto equals = part.find('=');
            if (equals == std::string_view::npos) {
                return fail(Code::kParse, "the header {} is not name=value",
                            base::json_quote(part));
            }
            const std::string_view value = part.substr(equals + 1);
            headers.push_back({std::string(part.substr(0, equals)), std::nullopt});
            if (value != "NULL") headers.back().value = std::string(value);
        }
        return {};
    }

    Splitter splitter_;
    const std::vector<FormatPart> parts_;
    const InputOptions options_;
    std::uint64_t number_ = 0;
};

// The bytes of a member, by its _base64 form where there is one.
Result<std::optional<std::string>> bytes_of(const base::JsonValue& json, const std::string& name) {
    if (json.find(name + "_base64") != nullptr) {
        MR_TRY(const std::string text, json.get_string(name + "_base64"));
        MR_TRY(std::string bytes, base::from_base64(text));
        return bytes;
    }
    const base::JsonValue* const found = json.find(name);
    if (found == nullptr || found->is_null()) return std::nullopt;
    MR_TRY(std::string text, found->as_string());
    return text;
}

Result<void> add_headers(const base::JsonValue& json, std::vector<topic::Header>& headers) {
    const base::JsonValue* const encoded = json.find("headers_base64");
    const base::JsonValue* const list = encoded != nullptr ? encoded : json.find("headers");
    if (list == nullptr) return {};
    const base::JsonArray& items = list->items();
    if (items.size() % 2 != 0) return fail(Code::kParse, "headers come in pairs");
    for (std::size_t i = 0; i < items.size(); i += 2) {
        MR_TRY(std::string name, items[i].as_string());
        headers.push_back({std::move(name), std::nullopt});
        if (items[i + 1].is_null()) continue;
        MR_TRY(std::string value, items[i + 1].as_string());
        if (encoded != nullptr) {
            MR_TRY(value, base::from_base64(value));
        }
        headers.back().value = std::move(value);
    }
    return {};
}

class EnvelopeReader final : public RecordReader {
public:
    EnvelopeReader(ByteSource source, InputOptions options)
        : splitter_(std::move(source)), options_(std::move(options)) {}

    Result<std::optional<InputRecord>> next() override {
        while (true) {
            MR_TRY(const auto piece, splitter_.until("\n"));
            if (!piece.is_delimited && piece.text.empty()) return std::nullopt;
            ++line_;
            if (base::trim(piece.text).empty()) continue;
            auto record = parse(piece.text);
            if (record) return std::move(*record);
            return fail(record.error().with(fmt::format("line {} of the input", line_)));
        }
    }

private:
    Result<InputRecord> parse(std::string_view line) const {
        MR_TRY(const base::JsonValue json, base::parse_json(line, {.max_bytes = kMaxRecordBytes}));
        if (!json.is_object()) return fail(Code::kParse, "it is no JSON object");
        MR_TRY(auto key, bytes_of(json, "key"));
        MR_TRY(auto value, bytes_of(json, "payload"));
        InputRecord input = make_record(options_, std::move(key), std::move(value));
        MR_TRY_VOID(add_headers(json, input.record.headers));
        if (json.get_string("tstype").value_or("") == "create") {
            MR_TRY(input.record.timestamp_ms, json.get_int("ts"));
        }
        return input;
    }

    Splitter splitter_;
    const InputOptions options_;
    std::uint64_t line_ = 0;
};

class WholeReader final : public RecordReader {
public:
    WholeReader(ByteSource source, InputOptions options)
        : source_(std::move(source)), options_(std::move(options)) {}

    Result<std::optional<InputRecord>> next() override {
        if (done_) return std::nullopt;
        done_ = true;
        std::string all;
        while (true) {
            const std::size_t before = all.size();
            all.resize(before + kChunkBytes);
            const auto count = source_(all.data() + before, kChunkBytes);
            if (!count) return fail(count.error());
            all.resize(before + *count);
            if (*count == 0) return make_record(options_, {}, std::move(all));
            if (all.size() > kMaxRecordBytes) {
                return fail(Code::kTooLarge, "the file is longer than {} bytes", kMaxRecordBytes);
            }
        }
    }

private:
    ByteSource source_;
    const InputOptions options_;
    bool done_ = false;
};

}  // namespace

std::unique_ptr<RecordReader> read_delimited(ByteSource source, InputOptions options) {
    return std::make_unique<DelimitedReader>(std::move(source), std::move(options));
}

Result<std::unique_ptr<RecordReader>> read_formatted(ByteSource source, std::string_view format,
                                                     InputOptions options) {
    std::vector<FormatPart> parts;
    while (!format.empty()) {
        const auto percent = format.find('%');
        if (percent != 0) {
            std::string text = unescape(format.substr(0, percent));
            if (parts.empty() || parts.back().letter == 0 || !parts.back().text.empty()) {
                parts.push_back({0, std::move(text)});
            } else {
                parts.back().text = std::move(text);
            }
            format.remove_prefix(percent == std::string_view::npos ? format.size() : percent);
            continue;
        }
        char letter = format.size() > 1 ? format[1] : ' ';
        if (letter == 'v') letter = 's';
        if (!std::string_view("kspTh").contains(letter)) {
            return fail(Code::kInvalidArgument,
                        "%{} means nothing in a format of input: there are %k %s %p %T %h", letter);
        }
        if (!parts.empty() && parts.back().letter != 0 && parts.back().text.empty()) {
            return fail(Code::kInvalidArgument, "put something between %{} and %{} to part them",
                        parts.back().letter, letter);
        }
        if (std::ranges::find(parts, letter, &FormatPart::letter) != parts.end()) {
            return fail(Code::kInvalidArgument, "%{} stands there twice", letter);
        }
        parts.push_back({letter, ""});
        format.remove_prefix(2);
    }
    if (parts.empty() || parts.back().text.empty()) {
        return fail(Code::kInvalidArgument,
                    "the format must end with what parts records, as in '%k\\t%s\\n'");
    }
    return std::make_unique<FormattedReader>(std::move(source), std::move(parts),
                                             std::move(options));
}

std::unique_ptr<RecordReader> read_envelopes(ByteSource source, InputOptions options) {
    return std::make_unique<EnvelopeReader>(std::move(source), std::move(options));
}

std::unique_ptr<RecordReader> read_whole(ByteSource source, InputOptions options) {
    return std::make_unique<WholeReader>(std::move(source), std::move(options));
}

}  // namespace millrace::cli
