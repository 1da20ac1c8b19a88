"""Reads the message schemas (../schema/*.kmsg) into plain objects; ../README.md tells how."""

import re
from dataclasses import dataclass, field
from pathlib import Path

INFINITE = 32767
PRIMITIVES = {"bool", "i8", "i16", "u16", "i32", "u32", "i64", "f64", "uuid",
              "string", "bytes", "records", "error"}


class SchemaError(Exception):
    pass


@dataclass(frozen=True)
class Versions:
    """An inclusive range; `none` is first > last."""
    first: int = 0
    last: int = INFINITE

    def __contains__(self, version):
        return self.first <= version <= self.last

    @staticmethod
    def parse(text):
        if text == "none":
            return Versions(1, 0)
        if match := re.fullmatch(r"(\d+)\+", text):
            return Versions(int(match[1]))
        if match := re.fullmatch(r"(\d+)(?:-(\d+))?", text):
            return Versions(int(match[1]), int(match[2] or match[1]))
        raise SchemaError(f"not a range of versions: {text}")


@dataclass
class Field:
    name: str
    type: str                       # A primitive, or the name of a struct.
    is_array: bool
    nullable: Versions
    versions: Versions
    tag: int | None = None          # A tagged field when not None.
    default: str | None = None      # As written; "null", a number, true or false.
    comment: str = ""
    fields: list = field(default_factory=list)  # Of a struct type.

    @property
    def is_struct(self):
        return self.type not in PRIMITIVES


@dataclass
class Message:
    name: str                       # FetchRequest, OffsetCommitValue
    kind: str                       # request, response or data
    key: int                        # The API key; -1 for data.
    versions: Versions
    flexible: Versions
    comment: str
    fields: list = field(default_factory=list)


@dataclass
class Schema:
    file: str                       # The stem: fetch
    messages: list


HEAD = re.compile(r"(request|data)\s+(\w+)(?:\s+key\s+(\d+))?"
                  r"\s+versions\s+(\S+)\s+flexible\s+(\S+)$")
FIELD = re.compile(r"(?P<name>[a-z]\w*)\s+(?P<array>\[\])?(?P<type>\w+)"
                   r"(?P<null>\?(?:\d+\+|\d+(?:-\d+)?)?)?"
                   r"(?:\s+(?P<versions>\d+\+|\d+(?:-\d+)?))?(?:\s+tag\s+(?P<tag>\d+))?"
                   r"(?:\s+=\s+(?P<default>\S+))?$")


def parse_field(text, comment):
    match = FIELD.fullmatch(text)
    if not match:
        raise SchemaError(f"not a field: {text}")
    null = match["null"]
    if null is None:
        nullable = Versions.parse("none")
    else:
        nullable = Versions.parse(null[1:]) if len(null) > 1 else Versions()
    tag = int(match["tag"]) if match["tag"] else None
    versions = Versions.parse(match["versions"]) if match["versions"] else Versions()
    return Field(match["name"], match["type"], bool(match["array"]), nullable, versions, tag,
                 match["default"], comment)


def parse(path):
    schema = Schema(re.sub(r"^\d+_", "", path.stem), [])
    notes = []                      # Comment lines that wait for the message they describe.
    stack = []                      # (indent, list of fields) of the message being read.
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text, _, comment = line.partition("#")
        indent, text, comment = len(text) - len(text.lstrip()), text.strip(), comment.strip()
        try:
            if not text:
                if comment:
                    notes.append(comment)
                continue
            if indent == 0:
                if text == "response":
                    asked = schema.messages[-1]
                    message = Message(asked.name.removesuffix("Request") + "Response", "response",
                                      asked.key, asked.versions, asked.flexible, " ".join(notes))
                elif match := HEAD.fullmatch(text):
                    kind, name, key, versions, flexible = match.groups()
                    name += "Request" if kind == "request" else ""
                    message = Message(name, kind, int(key) if key else -1, Versions.parse(versions),
                                      Versions.parse(flexible), " ".join(notes))
                else:
                    raise SchemaError(f"neither request, response nor data: {text}")
                schema.messages.append(message)
                notes = []
                stack = [(2, message.fields)]
                continue
            one = parse_field(text, comment or " ".join(notes))
            while indent < stack[-1][0]:
                stack.pop()
            if indent > stack[-1][0]:
                owner = stack[-1][1][-1]
                if not owner.is_struct:
                    raise SchemaError(f"{owner.name} is a {owner.type} and has no fields")
                stack.append((indent, owner.fields))
            stack[-1][1].append(one)
            notes = []
        except (SchemaError, IndexError) as error:
            raise SchemaError(f"{path.name}:{number}: {error}") from None
    for message in schema.messages:
        check_structs(path.name, message.fields)
    return schema


def check_structs(file, fields):
    for one in fields:
        if one.is_struct and not one.fields:
            raise SchemaError(f"{file}: {one.name}: {one.type} is no primitive and has no fields")
        check_structs(file, one.fields)


def load(folder):
    return [parse(path) for path in sorted(Path(folder).glob("*.kmsg"))]
