#include "cli/records/record_format.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "base/strings.h"
#include "cli/records/escapes.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;
using client::Consumer;

namespace {

constexpr std::string_view kLetters = "skSKRtpoThvV";

std::int64_t length_of(const std::optional<base::Bytes>& field) {
    return field ? static_cast<std::int64_t>(field->size()) : -1;
}

void append_big_endian(std::int64_t number, std::string& out) {
    for (const int shift : {24, 16, 8, 0}) {
        out += static_cast<char>((static_cast<std::uint64_t>(number) >> shift) & 0xFF);
    }
}

Result<void> append_field(const std::optional<base::Bytes>& field,
                          const std::optional<Unpacker>& unpacker, std::string_view null_text,
                          std::string_view what, std::string& out) {
    if (!field) {
        out += null_text;
        return {};
    }
    // An empty field is no number of any kind: kcat leaves it empty too.
    if (!unpacker || field->empty()) {
        out += *field;
        return {};
    }
    const auto text = unpacker->unpack(*field);
    if (!text) return fail(text.error().with(what));
    out += *text;
    return {};
}

std::string place_of(const Consumer::Record& record) {
    return fmt::format("{}-{} at offset {}", record.partition.topic, record.partition.partition,
                       record.offset);
}

}  // namespace

Result<RecordFormat> RecordFormat::parse(std::string_view text, Options options) {
    RecordFormat format;
    format.options_ = std::move(options);
    while (!text.empty()) {
        const auto percent = text.find('%');
        if (percent != 0) {
            format.parts_.push_back({0, unescape(text.substr(0, percent))});
            text.remove_prefix(percent == std::string_view::npos ? text.size() : percent);
            continue;
        }
        if (text.size() == 1) {
            return fail(Code::kInvalidArgument, "the format ends with %: write %% for a percent");
        }
        const char letter = text[1];
        text.remove_prefix(2);
        if (letter == '%') {
            format.parts_.push_back({0, "%"});
        } else if (kLetters.contains(letter)) {
            format.parts_.push_back({letter == 'v' ? 's' : letter == 'V' ? 'S' : letter, ""});
        } else {
            return fail(Code::kInvalidArgument,
                        "%{} means nothing in a format: there are %t %p %o %T %k %K %s %S %R %h "
                        "and %%",
                        letter);
        }
    }
    return format;
}

Result<void> RecordFormat::append_part(const Part& part, const Consumer::Record& record,
                                       std::string& out) const {
    switch (part.letter) {
        case 's':
            return append_field(record.value, options_.value, options_.null_text, "value", out);
        case 'k': return append_field(record.key, options_.key, options_.null_text, "key", out);
        case 'S': out += std::to_string(length_of(record.value)); break;
        case 'K': out += std::to_string(length_of(record.key)); break;
        case 'R': append_big_endian(length_of(record.value), out); break;
        case 't': out += record.partition.topic; break;
        case 'p': out += std::to_string(record.partition.partition); break;
        case 'o': out += std::to_string(record.offset); break;
        case 'T': out += std::to_string(record.timestamp_ms); break;
        case 'h':
            for (std::size_t i = 0; i < record.headers.size(); ++i) {
                if (i > 0) out += ',';
                out += record.headers[i].key;
                out += '=';
                out += record.headers[i].value.value_or("NULL");
            }
            break;
        default: out += part.text;
    }
    return {};
}

Result<void> RecordFormat::append(const Consumer::Record& record, std::string& out) const {
    const std::size_t before = out.size();
    for (const Part& part : parts_) {
        const auto outcome = append_part(part, record, out);
        if (outcome) continue;
        out.resize(before);
        return fail(outcome.error().with(place_of(record)));
    }
    return {};
}

Result<std::string> to_envelope(const Consumer::Record& record,
                                const RecordFormat::Options& options) {
    base::JsonWriter json;
    json.begin_object();
    json.key("topic").value(record.partition.topic);
    json.key("partition").value(record.partition.partition);
    json.key("offset").value(record.offset);
    if (record.timestamp_type != Consumer::TimestampType::kNone) {
        json.key("tstype").value(
            record.timestamp_type == Consumer::TimestampType::kCreate ? "create" : "logappend");
        json.key("ts").value(record.timestamp_ms);
    }
    json.key("broker").value(record.broker);
    if (!record.headers.empty()) {
        json.key("headers").begin_array();
        for (const topic::Header& header : record.headers) {
            json.value(header.key);
            header.value ? json.value(*header.value) : json.value(nullptr);
        }
        json.end_array();
        if (std::ranges::any_of(record.headers, [](const topic::Header& header) {
                return header.value && !base::is_valid_utf8(*header.value);
            })) {
            json.key("headers_base64").begin_array();
            for (const topic::Header& header : record.headers) {
                json.value(header.key);
                header.value ? json.value(base::to_base64(*header.value)) : json.value(nullptr);
            }
            json.end_array();
        }
    }
    const auto add = [&](std::string_view name, const std::optional<base::Bytes>& field,
                         const std::optional<Unpacker>& unpacker) -> Result<void> {
        if (!field) {
            json.key(name).value(nullptr);
            return {};
        }
        std::string text;
        const auto outcome = append_field(field, unpacker, "", name, text);
        if (!outcome) return fail(outcome.error().with(place_of(record)));
        json.key(name).value(text);
        if (!base::is_valid_utf8(text)) {
            json.key(fmt::format("{}_base64", name)).value(base::to_base64(text));
        }
        return {};
    };
    MR_TRY_VOID(add("key", record.key, options.key));
    MR_TRY_VOID(add("payload", record.value, options.value));
    json.end_object();
    return json.take();
}

}  // namespace millrace::cli
