"""Checks the schemas field by field against Kafka's own message definitions: check.py SCHEMA_FOLDER

Kafka's definitions are common/message/*.json in the Maven artifacts kafka-clients and
kafka-{group,share,transaction}-coordinator of org.apache.kafka. KAFKA_CLIENTS_JAR names the first
(the others are looked for beside it); else all are looked for in the folders below. Without them
the check says so and exits with 77, which ctest shows as skipped.

For every version that we have: the same fields in the same order, of the same type, with the same
rules of null, tags and defaults, flexible or not. Struct names are ours, and so are comments.
"""

import json
import os
import re
import sys
import zipfile
from pathlib import Path

import schema
from schema import Versions

TYPES = {"int8": "i8", "int16": "i16", "uint16": "u16", "int32": "i32", "uint32": "u32",
         "int64": "i64", "float64": "f64"}
FOLDERS = ["~/.cache/millrace-peers/kafka/lib", "~/.m2/repository/org/apache/kafka"]


def find_jars():
    named = os.environ.get("KAFKA_CLIENTS_JAR")
    folders = [Path(named).parent] if named else [Path(one).expanduser() for one in FOLDERS]
    for folder in folders:
        clients = sorted(folder.glob("**/kafka-clients-[0-9]*.jar"), key=release)
        others = [sorted(folder.glob(f"**/kafka-{room}-coordinator-[0-9]*.jar"), key=release)
                  for room in ("group", "share", "transaction")]
        if named:
            clients = [Path(named)]
        if clients:
            return [clients[-1], *(found[-1] for found in others if found)]
    return []


def release(path):
    return [int(part) for part in re.findall(r"\d+", path.stem)]


def definitions(jars):
    found = {}
    for jar in jars:
        with zipfile.ZipFile(jar) as archive:
            for name in archive.namelist():
                if name.startswith("common/message/") and name.endswith(".json"):
                    text = re.sub(r"^\s*//.*$", "", archive.read(name).decode(), flags=re.M)
                    found[Path(name).stem] = json.loads(text)
    return found


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def versions(text):
    return Versions.parse(text) if text else Versions.parse("none")


def plain(value):
    """Defaults in one form: numbers as decimal text, nothing for zero, false and empty."""
    if value is None or value == "" or value is False:
        return ""
    text = str(value).lower()
    if re.fullmatch(r"-?(0x[0-9a-f]+|\d+)", text):
        return "" if int(text, 0) == 0 else str(int(text, 0))
    return "" if text == "false" else text


class Checker:
    def __init__(self):
        self.faults = []
        self.checked = 0

    def fault(self, where, text):
        self.faults.append(f"{where}: {text}")

    def message(self, ours, theirs):
        for version in range(ours.versions.first, ours.versions.last + 1):
            if version not in versions(theirs["validVersions"]):
                self.fault(ours.name, f"version {version} is not Kafka's")
            if (version in ours.flexible) != (version in versions(theirs["flexibleVersions"])):
                self.fault(ours.name, f"version {version} differs in being flexible")
            common = {one["name"]: one["fields"] for one in theirs.get("commonStructs", [])}
            self.fields(f"{ours.name} v{version}", ours.fields, theirs["fields"], common, version,
                        version in ours.flexible)
        if ours.key >= 0 and ours.key != theirs["apiKey"]:
            self.fault(ours.name, f"key {ours.key} is {theirs['apiKey']} in Kafka")

    def fields(self, where, ours, theirs, common, version, flexible):
        mine = [one for one in ours if version in one.versions]
        kafkas = [one for one in theirs
                  if version in versions(one.get("versions") or one["taggedVersions"])]
        if [one.name for one in mine] != [snake(one["name"]) for one in kafkas]:
            self.fault(where, f"fields {[one.name for one in mine]} are "
                              f"{[snake(one['name']) for one in kafkas]} in Kafka")
            return
        for one, kafka in zip(mine, kafkas):
            self.field(f"{where} {one.name}", one, kafka, common, version, flexible)

    def field(self, where, one, kafka, common, version, flexible):
        self.checked += 1
        is_array = kafka["type"].startswith("[]")
        base = kafka["type"].removeprefix("[]")
        fields = kafka.get("fields") or common.get(base)
        if is_array != one.is_array:
            self.fault(where, "is an array on one side only")
        if bool(fields) != one.is_struct:
            self.fault(where, "is a struct on one side only")
        elif not fields:
            mine = "i16" if one.type == "error" else one.type
            if mine != TYPES.get(base, base):
                self.fault(where, f"{one.type} is {base} in Kafka")
        if (version in one.nullable) != (version in versions(kafka.get("nullableVersions"))):
            self.fault(where, "differs in being nullable")
        tag = kafka.get("tag") if version in versions(kafka.get("taggedVersions")) else None
        if one.tag != tag:
            self.fault(where, f"tag {one.tag} is {tag} in Kafka")
        # Kafka writes a default of null as text or as JSON's own null.
        default = "null" if kafka.get("default", "") is None else kafka.get("default")
        if plain(one.default) != plain(default):
            self.fault(where, f"default {one.default} is {default} in Kafka")
        if fields and one.is_struct:
            self.fields(where, one.fields, fields, common, version, flexible)


def main():
    jars = find_jars()
    if not jars:
        print("skipped: no kafka-clients jar. Name one in KAFKA_CLIENTS_JAR, or fetch it with\n"
              "  mvn dependency:get -Dartifact=org.apache.kafka:kafka-clients:4.3.1")
        return 77
    kafka = definitions(jars)
    checker = Checker()
    unknown = []
    for one in schema.load(sys.argv[1]):
        for message in one.messages:
            if message.name in kafka:
                checker.message(message, kafka[message.name])
            else:
                unknown.append(message.name)
    for fault in checker.faults:
        print(fault)
    print(f"{checker.checked} fields compared with {', '.join(jar.name for jar in jars)}: "
          f"{len(checker.faults)} differ")
    if unknown:
        print(f"not defined there: {', '.join(unknown)}")
    client_messages = [name for name in unknown if name.endswith(("Request", "Response"))]
    return 1 if checker.faults or client_messages else 0


if __name__ == "__main__":
    sys.exit(main())
