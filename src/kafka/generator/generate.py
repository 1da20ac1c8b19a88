"""Generates C++ from the message schemas: generate.py SCHEMA_FOLDER OUTPUT_FOLDER

For each schema file one header with structs (messages/fetch.h) and one source with their encode
and decode (messages/fetch.cc); beside them message_table.{h,cc} with every message behind one
type-erased interface, and random_messages.cc, which fills messages for the round-trip tests.
"""

import sys
from pathlib import Path

import schema
from schema import INFINITE, Versions

CPP = {"bool": "bool", "i8": "std::int8_t", "i16": "std::int16_t", "u16": "std::uint16_t",
       "i32": "std::int32_t", "u32": "std::uint32_t", "i64": "std::int64_t", "f64": "double",
       "uuid": "Uuid", "string": "std::string", "bytes": "base::Bytes", "records": "Records",
       "error": "ErrorCode"}
# The least number of bytes that a value takes on the wire, in any version.
LEAST = {"bool": 1, "i8": 1, "i16": 2, "u16": 2, "i32": 4, "u32": 4, "i64": 8, "f64": 8,
         "uuid": 16, "string": 1, "bytes": 1, "records": 1, "error": 2}
PLAIN = {"bool": "boolean", "i8": "i8", "i16": "i16", "u16": "u16", "i32": "i32", "u32": "u32",
         "i64": "i64", "f64": "f64", "uuid": "uuid", "error": "error"}
BANNER = "// Generated from src/kafka/schema/{}.kmsg: change that file instead.\n"


def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


def first_flexible(message):
    flexible = message.flexible
    return flexible.first if flexible.first <= flexible.last else INFINITE


def overlap(a, b):
    return Versions(max(a.first, b.first), min(a.last, b.last))


def condition(versions, bounds):
    """C++ that tells if `version_`, known to be within bounds, is within versions; None: yes.

    It is not called `version`, since a field may be.
    """
    parts = []
    if versions.first > bounds.first:
        parts.append(f"version_ >= {versions.first}")
    if versions.last < bounds.last:
        parts.append(f"version_ <= {versions.last}")
    if versions.first > versions.last or versions.first > bounds.last:
        return "false"
    return " && ".join(parts) or None


class Out:
    def __init__(self):
        self.lines = []
        self.depth = 0

    def __call__(self, text=""):
        self.lines.append("    " * self.depth + text if text else "")

    def open(self, text):
        self(text + " {" if text else "{")
        self.depth += 1

    def close(self, tail=""):
        self.depth -= 1
        self("}" + tail)

    def write(self, path):
        text = "\n".join(self.lines) + "\n"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def least_size(one, bounds, flexible):
    """The least bytes that an element of this struct takes in any version within bounds."""
    least = None
    for version in range(bounds.first, bounds.last + 1):
        size = 1 if version in flexible else 0
        for part in one.fields:
            if version in part.versions and part.tag is None:
                if part.is_array or part.type in ("string", "bytes", "records"):
                    size += 1 if version in flexible else 2
                elif part.is_struct:
                    size += 1
                else:
                    size += LEAST[part.type]
        least = size if least is None else min(least, size)
    return max(1, least or 1)


def element_type(one):
    return one.type if one.is_struct else CPP[one.type]


def can_be_null(one):
    return one.nullable.first <= one.nullable.last and one.type != "records"


def cpp_type(one):
    text = element_type(one)
    if one.is_array:
        text = f"std::vector<{text}>"
    return f"std::optional<{text}>" if can_be_null(one) else text


def initializer(one):
    if one.default == "null":
        return ""
    if can_be_null(one):
        return "{std::in_place}"
    if one.is_array or one.is_struct or one.type in ("string", "bytes", "uuid", "records"):
        return ""
    if one.type == "error":
        return " = ErrorCode::kNone"
    default = one.default or ("false" if one.type == "bool" else "0")
    if default == "-2147483648":
        default = "INT32_MIN"
    elif default == "9223372036854775807":
        default = "INT64_MAX"
    return f" = {default}"


# ---- structs ----

def structs(out, fields, bounds):
    for one in fields:
        if one.is_struct:
            out.open(f"struct {one.type}")
            structs(out, one.fields, overlap(one.versions, bounds))
            members(out, one.fields, bounds)
            out("void encode(Writer& writer, std::int16_t version) const;")
            out("void decode(Reader& reader, std::int16_t version);")
            out.close(";")


def members(out, fields, bounds):
    for one in fields:
        if one.comment:
            out(f"// {one.comment[0].upper()}{one.comment[1:]}.")
        out(f"{cpp_type(one)} {one.name}{initializer(one)};")


def struct_names(fields):
    for one in fields:
        if one.is_struct:
            yield one
            yield from struct_names(one.fields)


def header(one_schema, folder):
    out = Out()
    out(BANNER.format(one_schema.file).rstrip())
    out("#pragma once")
    out()
    out('#include <cstdint>\n#include <optional>\n#include <string>\n#include <vector>\n')
    out('#include "kafka/types.h"\n')
    out("namespace millrace::kafka {\n")
    out("class Reader;\nclass Writer;")
    for message in one_schema.messages:
        out()
        for line in [message.comment] if message.comment else []:
            out(f"// {line}")
        out.open(f"struct {message.name}")
        if message.kind != "data":
            out(f"static constexpr ApiKey kKey{{{message.key}}};")
        out(f"static constexpr std::int16_t kMinVersion = {message.versions.first};")
        out(f"static constexpr std::int16_t kMaxVersion = {message.versions.last};")
        out(f"static constexpr std::int16_t kFirstFlexibleVersion = {first_flexible(message)};")
        structs(out, message.fields, message.versions)
        members(out, message.fields, message.versions)
        out("void encode(Writer& writer, std::int16_t version) const;")
        out("void decode(Reader& reader, std::int16_t version);")
        out.close(";")
    out("\n}  // namespace millrace::kafka")
    out.write(folder / f"{one_schema.file}.h")


# ---- encode ----

def null_condition(one, bounds):
    """When null may stand on the wire: "true", "false" or a condition on version."""
    where = condition(overlap(one.nullable, one.versions), overlap(one.versions, bounds))
    return "true" if where is None else where


def encode_value(out, one, bounds, value):
    """Write `value`, which is not null."""
    if one.is_struct:
        out(f"{value}.encode(writer, version_);")
    elif one.type in PLAIN:
        out(f"writer.{PLAIN[one.type]}({value});")
    else:
        out(f"writer.{one.type}({value}, flexible);")


def encode_field(out, one, bounds):
    inner = overlap(one.versions, bounds)
    nullable = null_condition(one, bounds)
    optional = can_be_null(one)
    if one.type == "records":
        out(f"writer.records({one.name}, flexible);")
        return
    if one.is_array:
        value = f"(*{one.name})" if optional else one.name
        if optional:
            out.open(f"if ({one.name})")
        out(f"writer.array_length({value}.size(), flexible);")
        out.open(f"for (const auto& element : {value})")
        encode_value(out, one, inner, "element")
        out.close()
        if optional:
            out.close(" else {")
            out.depth += 1
            null_or_empty(out, nullable, "writer.null_array(flexible);",
                          "writer.array_length(0, flexible);")
            out.close()
        return
    if not optional:
        encode_value(out, one, inner, one.name)
        return
    if one.is_struct:
        # A struct that can be null has a byte in front of it: -1 null, 1 present.
        out.open(f"if ({one.name})")
        out("writer.i8(1);")
        out(f"{one.name}->encode(writer, version_);")
        out.close(" else {")
        out.depth += 1
        out("writer.i8(-1);")
        out.close()
        return
    out.open(f"if ({one.name})")
    encode_value(out, one, inner, f"*{one.name}")
    out.close(" else {")
    out.depth += 1
    null_or_empty(out, nullable, f"writer.null_{one.type}(flexible);",
                  f"writer.{one.type}({{}}, flexible);")
    out.close()


def null_or_empty(out, nullable, null, empty):
    if nullable == "true":
        out(null)
    elif nullable == "false":
        out(empty)
    else:
        out.open(f"if ({nullable})")
        out(null)
        out.close(" else {")
        out.depth += 1
        out(empty)
        out.close()


def is_default(one):
    """C++ that tells whether a tagged field holds its default, and so is left out."""
    if one.default == "null":
        return f"!{one.name}"
    if one.is_array or one.type in ("string", "bytes"):
        name = one.name
        return f"{name} && {name}->empty()" if can_be_null(one) else f"{name}.empty()"
    if one.type == "uuid":
        return f"{one.name} == Uuid{{}}"
    if one.type == "error":
        return f"{one.name} == ErrorCode::kNone"
    if one.is_struct:
        return " && ".join(f"{one.name}.{is_default(part)}" for part in one.fields)
    return f"{one.name} == {initializer(one).removeprefix(' = ')}"


def guarded(out, one, bounds, body):
    where = condition(one.versions, bounds)
    if where == "false":
        return
    if where:
        out.open(f"if ({where})")
    body()
    if where:
        out.close()


def is_flexible(flexible, bounds):
    if flexible.first > flexible.last or flexible.first > bounds.last:
        return "false"
    return "true" if flexible.first <= bounds.first else f"version_ >= {flexible.first}"


def encoder(out, name, fields, bounds, flexible):
    out.open(f"void {name}::encode(Writer& writer, [[maybe_unused]] std::int16_t version_) const")
    out(f"[[maybe_unused]] const bool flexible = {is_flexible(flexible, bounds)};")
    for one in fields:
        if one.tag is None:
            guarded(out, one, bounds, lambda one=one: encode_field(out, one, bounds))
    if is_flexible(flexible, bounds) != "false":
        tagged = sorted((one for one in fields if one.tag is not None), key=lambda one: one.tag)
        out("if (!flexible) return;")
        if not tagged:
            out("writer.unsigned_varint(0);")
        else:
            out("std::uint32_t tags = 0;")
            for one in tagged:
                where = condition(one.versions, bounds)
                present = f"!({is_default(one)})" + (f" && {where}" if where else "")
                out(f"const bool has_{one.name} = {present};")
                out(f"tags += has_{one.name};")
            out("writer.unsigned_varint(tags);")
            for one in tagged:
                out.open(f"if (has_{one.name})")
                out(f"writer.begin_tag({one.tag});")
                encode_field(out, one, overlap(one.versions, bounds))
                out("writer.end_tag();")
                out.close()
    out.close()
    out()


# ---- decode ----

def decode_value(one, value):
    if one.is_struct:
        return f"{value}.decode(reader, version_);"
    if one.type in PLAIN:
        return f"{value} = reader.{PLAIN[one.type]}();"
    return f"{value} = reader.{one.type}(flexible);"


def decode_field(out, one, bounds, flexible):
    inner = overlap(one.versions, bounds)
    nullable = null_condition(one, bounds)
    optional = can_be_null(one)
    if one.is_array:
        least = least_size(one, inner, flexible) if one.is_struct else LEAST[one.type]
        target = f"{one.name}->" if optional else f"{one.name}."
        out.open("")
        out(f"const std::int32_t length_ = reader.array_length(flexible, {least}, {nullable});")
        if optional:
            out(f"if (length_ < 0) {one.name}.reset(); else {one.name}.emplace();")
        else:
            out(f"{one.name}.clear();")
        if not one.is_struct and one.type in PLAIN and one.type != "bool":
            out(f"if (length_ > 0) {target}reserve(static_cast<std::size_t>(length_));")
        out.open("for (std::int32_t at_ = 0; at_ < length_ && reader.ok(); ++at_)")
        if one.is_struct:
            out(f"{target}emplace_back().decode(reader, version_);")
        elif one.type in PLAIN:
            out(f"{target}push_back(reader.{PLAIN[one.type]}());")
        else:
            out(f"{target}push_back(reader.{one.type}(flexible));")
        out.close()
        out.close()
    elif one.type == "records":
        out(f"{one.name} = reader.records(flexible, {nullable});")
    elif not optional:
        out(decode_value(one, one.name))
    elif one.is_struct:
        out.open("if (reader.i8() < 0)")
        out(f"{one.name}.reset();")
        out.close(" else {")
        out.depth += 1
        # Not emplace(): while its class is open, a nested struct does not count as default
        # constructible.
        out(f"{one.name}.emplace({one.type}{{}}).decode(reader, version_);")
        out.close()
    elif nullable == "true":
        out(f"{one.name} = reader.nullable_{one.type}(flexible);")
    elif nullable == "false":
        out(f"{one.name} = reader.{one.type}(flexible);")
    else:
        out.open(f"if ({nullable})")
        out(f"{one.name} = reader.nullable_{one.type}(flexible);")
        out.close(" else {")
        out.depth += 1
        out(f"{one.name} = reader.{one.type}(flexible);")
        out.close()


def decoder(out, name, fields, bounds, flexible):
    out.open(f"void {name}::decode(Reader& reader, [[maybe_unused]] std::int16_t version_)")
    out(f"[[maybe_unused]] const bool flexible = {is_flexible(flexible, bounds)};")
    for one in fields:
        if one.tag is None:
            guarded(out, one, bounds, lambda one=one: decode_field(out, one, bounds, flexible))
    if is_flexible(flexible, bounds) != "false":
        out("if (!flexible) return;")
        tagged = sorted((one for one in fields if one.tag is not None), key=lambda one: one.tag)
        if not tagged:
            out("reader.skip_tags();")
        else:
            out("std::uint32_t tags = reader.tag_count();")
            out.open("for (; tags > 0 && reader.ok(); --tags)")
            out("const Reader::Tag tag = reader.begin_tag();")
            out.open("switch (tag.number)")
            for one in tagged:
                where = condition(one.versions, bounds)
                out.open(f"case {one.tag}:")
                if where:
                    out.open(f"if ({where})")
                decode_field(out, one, overlap(one.versions, bounds), flexible)
                if where:
                    out.close()
                out("break;")
                out.close()
            out("default: break;")
            out.close()
            out("reader.end_tag(tag);")
            out.close()
    out.close()
    out()


def nested(fields, bounds, prefix):
    """Every struct with its full C++ name and the versions in which it can appear."""
    for one in fields:
        if one.is_struct:
            inner = overlap(one.versions, bounds)
            yield f"{prefix}::{one.type}", one.fields, inner
            yield from nested(one.fields, inner, f"{prefix}::{one.type}")


def source(one_schema, folder):
    out = Out()
    out(BANNER.format(one_schema.file))
    out(f'#include "kafka/messages/{one_schema.file}.h"\n')
    out('#include "kafka/reader.h"\n#include "kafka/writer.h"\n')
    out("namespace millrace::kafka {\n")
    for message in one_schema.messages:
        for name, fields, bounds in [(message.name, message.fields, message.versions),
                                     *nested(message.fields, message.versions, message.name)]:
            encoder(out, name, fields, bounds, message.flexible)
            decoder(out, name, fields, bounds, message.flexible)
    out("}  // namespace millrace::kafka")
    out.write(folder / f"{one_schema.file}.cc")


# ---- the table of all messages, and random ones ----

def table(schemas, folder):
    out = Out()
    out("// Generated by src/kafka/generator: every message behind one interface, for tests.\n")
    out('#include "kafka/message_table.h"\n')
    for one in schemas:
        out(f'#include "kafka/messages/{one.file}.h"')
    out('#include "kafka/reader.h"\n#include "kafka/writer.h"\n')
    out("namespace millrace::kafka {\n")
    out.open("namespace")
    out("template <class T>")
    out.open("bool recode(base::ByteView from, std::int16_t version_, base::Bytes* to)")
    out("Reader reader(from);")
    out("T message;")
    out("message.decode(reader, version_);")
    out("if (!reader.ok() || reader.left() != 0) return false;")
    out("Writer writer;")
    out("message.encode(writer, version_);")
    out("*to = writer.take_all();")
    out("return true;")
    out.close()
    out.close("  // namespace")
    out()
    out.open("const std::vector<MessageType>& message_types()")
    out.open("static const std::vector<MessageType> types =")
    for one in schemas:
        for message in one.messages:
            is_request = str(message.kind == "request").lower()
            out(f'{{"{message.name}", {message.key}, {is_request}, {message.versions.first}, '
                f"{message.versions.last}, {first_flexible(message)}, recode<{message.name}>}},")
    out.close(";")
    out("return types;")
    out.close()
    out("\n}  // namespace millrace::kafka")
    out.write(folder / "message_table.cc")


def random_value(out, one, target):
    if one.is_struct:
        out(f"fill({target}, random, version_);")
    else:
        out(f"fill({target}, random);")


def random_fill(out, name, fields, bounds):
    out.open(f"[[maybe_unused]] void fill({name}& into, Filler& random, "
             "[[maybe_unused]] std::int16_t version_)")
    for one in fields:
        def body(one=one):
            target = f"into.{one.name}"
            nullable = null_condition(one, bounds)
            if one.type == "records":
                out(f"fill({target}, random);")
                return
            if can_be_null(one):
                out.open(f"if (({nullable}) && random.one_in(4))")
                out(f"{target}.reset();")
                out.close(" else {")
                out.depth += 1
                out(f"{target}.emplace(decltype({target})::value_type{{}});")
                target = f"(*{target})"
            if one.is_array:
                out.open("for (int count = random.count(); count > 0; --count)")
                if one.is_struct:
                    out(f"fill({target}.emplace_back(), random, version_);")
                else:
                    out(f"{CPP[one.type]} element{{}};")
                    out("fill(element, random);")
                    out(f"{target}.push_back(element);")
                out.close()
            else:
                random_value(out, one, target)
            if can_be_null(one):
                out.close()
        guarded(out, one, bounds, body)
    out.close()
    out()


def random_messages(schemas, folder):
    out = Out()
    out("// Generated by src/kafka/generator: messages of random content, for round trips.\n")
    for one in schemas:
        out(f'#include "kafka/messages/{one.file}.h"')
    out('#include "kafka/random_messages.h"\n#include "kafka/writer.h"\n')
    out("namespace millrace::kafka {\n")
    out.open("namespace")
    for one in schemas:
        for message in one.messages:
            parts = list(nested(message.fields, message.versions, message.name))
            for name, fields, bounds in reversed(parts):
                random_fill(out, name, fields, bounds)
            random_fill(out, message.name, message.fields, message.versions)
    out("template <class T>")
    out.open("base::Bytes encoded(Filler& random, std::int16_t version_)")
    out("T message;")
    out("fill(message, random, version_);")
    out("Writer writer;")
    out("message.encode(writer, version_);")
    out("return writer.take_all();")
    out.close()
    out.close("  // namespace")
    out()
    out.open("base::Bytes random_message(std::string_view name, std::int16_t version_, "
             "Filler& random)")
    for one in schemas:
        for message in one.messages:
            out(f'if (name == "{message.name}") return encoded<{message.name}>(random, version_);')
    out("return {};")
    out.close()
    out("\n}  // namespace millrace::kafka")
    out.write(folder / "random_messages.cc")


def main():
    schemas = schema.load(sys.argv[1])
    root = Path(sys.argv[2])
    messages = root / "kafka" / "messages"
    messages.mkdir(parents=True, exist_ok=True)
    for one in schemas:
        header(one, messages)
        source(one, messages)
    table(schemas, root)
    random_messages(schemas, root)


if __name__ == "__main__":
    main()
