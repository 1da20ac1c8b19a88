#!/usr/bin/env python3
"""Check what keeps the house in order; run by ctest, or by hand: tools/tidy.py [folder]

Prints one line per complaint, `file:line: rule: what to do`, and exits with 1 if there is any.
The rules are tables at the head of this file; ARCHITECTURE.md says why they are as they are.
"""

import pathlib
import re
import sys
import time
from typing import NamedTuple

FOLDERS = (
    ".ci",
    "bench",
    "changes",
    "cmake",
    "docs",
    "examples",
    "fuzz",
    "include",
    "sim",
    "src",
    "tests",
    "tools",
)
CODE = (".cc", ".h", ".py", ".cmake", ".kmsg", ".inc", ".sh")
TEXT = CODE + (".md", ".txt", ".json", ".in", "")
MAX_COLUMNS = 100
MAX_LINES = 600
# Files that were longer when the rule came, with the lines they may have until they are split. A
# number here may only fall.
LONG_FILES = {
    "src/columnar/json_reader.cc": 635,
    "src/columnar/lower_function.cc": 695,
    "src/columnar/lower_node.cc": 645,
}

# A library's headers -> the target that a room must name in LIBS to include them, and the only
# rooms that may (None: any room that names it). Generated messages bring gRPC with them.
LIBRARIES = (
    (r"(arrow|parquet)/", "mr_arrow", {"columnar"}),
    (r"duckdb\.h", "mr_duckdb", {"columnar"}),
    (r"librdkafka/", "mr_rdkafka", {"client"}),
    (r"(grpcpp|grpc|google/protobuf)/|spark/connect/\w+(\.grpc)?\.pb\.h", "mr_grpc", {"connect"}),
    (r"boost/", "mr_asio", {"runtime", "http"}),
    (r"spdlog/", "mr_spdlog", {"base"}),
    (r"CLI/", "mr_cli11", {"cli", "app"}),
    (r"rocksdb/", "mr_rocksdb", {"state"}),
    (r"simdjson\.h", "mr_simdjson", None),
    (r"pcre2\.h", "mr_pcre2", None),
    (r"re2/", "mr_re2", {"broker"}),
    (r"openssl/", "mr_crypto", {"broker", "columnar"}),
    (r"unicode/", "mr_icu", None),
    (r"zlib\.h", "mr_zlib", None),
    (r"zstd\.h", "mr_zstd", None),
    (r"lz4(frame|hc)?\.h", "mr_lz4", None),
    (r"snappy(-c)?\.h", "mr_snappy", None),
)
# Rooms that only these may include; app wires everything together and may include any.
RESERVED = {"kafka": {"broker", "client"}, "broker": {"platform"}, "client": {"platform", "cli"}}

# What a line of code may not call, why not, and the places where it may: rooms, or kinds of file.
BANNED = (
    (
        r"(?<![\w:>.])::(open|openat|creat|read|pread|write|pwrite|fsync|fdatasync|unlink|rename|"
        r"ftruncate|mkdir)\s*\(",
        "files are reached through runtime::Disk",
        {"runtime"},
    ),
    (
        r"\b(fopen|fdopen)\s*\(|\bstd::(ifstream|ofstream|fstream)\b",
        "files are reached through runtime::Disk",
        {"runtime", "test", "bench"},
    ),
    (
        r"(?<![\w.>])(std::)?time\s*\(\s*(NULL|nullptr|0|&\w+)?\s*\)|\bgettimeofday\s*\(|"
        r"\bclock_gettime\s*\(|_clock::now\s*\(",
        "time comes from runtime::Clock",
        {"base", "runtime", "test", "bench"},
    ),
    (
        r"\bstd::(thread|jthread|async)\b(?!::)",
        "threads are a runtime::Loop or a runtime::Pool",
        {"runtime", "test", "bench"},
    ),
    (
        r"\bsleep_(for|until)\s*\(|(?<![\w:>.])(::)?(usleep|sleep|nanosleep)\s*\(",
        "wait for the event itself, with a deadline",
        {"runtime"},
    ),
    (
        r"\bstd::random_device\b|(?<![\w:>.])s?rand\s*\(",
        "chance comes from runtime::Random, whose seed a test can print",
        {"runtime", "test"},
    ),
    (r"(?<![\w:>.])(std::)?(system|popen)\s*\(", "no shell is started from code", set()),
    (
        r"(?<![\w:>.])(std::)?(sprintf|strcpy|strcat|atoi|atol|gets)\s*\(",
        "use fmt::format or std::from_chars",
        set(),
    ),
    (r"\bstd::sto(i|l|ll|ul|ull|d|f)\s*\(", "it throws: use std::from_chars", set()),
    (r"\bstd::regex\b", "it is slow and overflows the stack: use PCRE2", set()),
    (r"(?<![\w:>.])assert\s*\(", "use MR_CHECK: always on", set()),
    (
        r"\bstd::(cout|cerr)\b|(?<![\w:>.])(std::)?printf\s*\(",
        "log through base/log.h, or return the text to cli",
        {"cli", "app", "test", "bench"},
    ),
    (r"\busing namespace std\s*;", "name what is used", set()),
    (r"\bDISABLED_|\bGTEST_SKIP\b", "a test that does not run proves nothing", set()),
)
# Words of unfinished work, split so that this file does not hold them.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b|\bfor n" r"ow\b")
# Registries are reached by package name through their clients; no machine's folders either.
PLACES = re.compile(
    r"py"
    r"pi\.org|python"
    r"hosted|npm"
    r"js\.(org|com)|repo1?\.ma"
    r"ven|ma"
    r"ven\.org|"
    r"crates"
    r"\.io|proxy\.go"
    r"lang|deb\.deb"
    r"ian|/wo"
    r"rk/|/ro"
    r"ot/"
)

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


class Complaint(NamedTuple):
    path: str
    line: int
    rule: str
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


class Room(NamedTuple):
    rooms: set
    libs: set


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def room_of(path):
    """The room that holds `path`, or None: src/<room>/..."""
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def kind_of(path):
    match = re.search(r"_(test|bench|fuzz)\.(cc|h)$", path)
    return match.group(1) if match else "test" if path.startswith("tests/") else ""


def is_cpp(path):
    return path.endswith((".cc", ".h"))


def without_comments(text):
    """C++ with comments and the insides of strings blanked; lines and columns stay."""
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S
    )

    def blank(match):
        found = match.group()
        kept = found[0] if found[0] in "\"'" else " "
        return kept + re.sub(r"[^\n]", " ", found[1:-1]) + kept if len(found) > 1 else found

    return token.sub(blank, text)


def declared_rooms(files):
    """Room -> what its millrace_room call names."""
    rooms = {}
    for path, text in files.items():
        match = re.fullmatch(r"src/(\w+)/CMakeLists\.txt", path)
        call = re.search(r"millrace_room\(\s*(\w+)([^)]*)\)", text) if match else None
        if not call:
            continue
        named, scope = {"PUBLIC": [], "PRIVATE": [], "LIBS": [], "PUBLIC_LIBS": []}, None
        for word in call.group(2).split():
            if word in named:
                scope = word
            elif scope:
                named[scope].append(word)
        if "millrace_spark_messages" in named["LIBS"]:
            named["LIBS"].append("mr_grpc")
        rooms[match.group(1)] = Room(
            set(named["PUBLIC"] + named["PRIVATE"]), set(named["LIBS"] + named["PUBLIC_LIBS"])
        )
    return rooms


def named_in_cmake(files):
    """Files that a CMakeLists.txt names: part of a generated library, not of the room around it."""
    lists = {path: text for path, text in files.items() if path.endswith("CMakeLists.txt")}
    return {
        path
        for path in files
        if is_cpp(path)
        and any(
            path.startswith(folder[: -len("CMakeLists.txt")]) and path.rsplit("/", 1)[-1] in text
            for folder, text in lists.items()
        )
    }


def check_rooms(files):
    """Includes name a room that is declared, and reserved rooms stay reserved."""
    rooms = declared_rooms(files)
    folders = {room_of(path) for path in files} - {None}
    for path, text in files.items():
        room = room_of(path)
        if room not in rooms or not is_cpp(path):
            continue
        for match in INCLUDE.finditer(text):
            quote, header = match.groups()
            other, line = header.split("/")[0], line_of(text, match.start())
            if quote == "<" or other == room:
                continue
            if other not in folders:
                if not header.startswith("millrace/") and not header.endswith(".pb.h"):
                    yield Complaint(
                        path, line, "rooms", f'"{header}" is of no room: write "<room>/file.h"'
                    )
                continue
            if other not in rooms[room].rooms:
                yield Complaint(
                    path, line, "rooms", f"{room} does not name {other} in its millrace_room call"
                )
            if room != "app" and room not in RESERVED.get(other, {room}):
                allowed = ", ".join(sorted(RESERVED[other]))
                yield Complaint(path, line, "rooms", f"only {allowed} may include {other}")


def check_libraries(files):
    """Third-party headers are at home, named in LIBS, and in no header that others see."""
    rooms = declared_rooms(files)
    generated = named_in_cmake(files)
    for path, text in files.items():
        room = room_of(path)
        if not is_cpp(path) or (room and room not in rooms) or path in generated:
            continue
        for match in INCLUDE.finditer(text):
            header, line = match.group(2), line_of(text, match.start())
            for pattern, lib, homes in LIBRARIES:
                if room is None or not re.match(pattern, header):
                    continue
                if homes is not None and room not in homes:
                    yield Complaint(
                        path, line, "libraries", f"<{header}> belongs to {', '.join(sorted(homes))}"
                    )
                elif lib not in rooms[room].libs:
                    yield Complaint(
                        path, line, "libraries", f"name {lib} in the LIBS of room {room}"
                    )
                elif path.endswith(".h") and not path.endswith("_internal.h"):
                    yield Complaint(
                        path, line, "libraries", f"include <{header}> in a .cc or an *_internal.h"
                    )
            if re.match(r"g(test|mock)/", header) and not (
                kind_of(path) or "testing" in path or room is None
            ):
                yield Complaint(path, line, "libraries", "GoogleTest is for *_test.cc")


def check_calls(files):
    """Banned calls, with what to use instead; `// tidy: <why>` there or above allows one."""
    for path, text in files.items():
        if not is_cpp(path) or path.startswith(("examples/", "include/")):
            continue
        code, lines = without_comments(text), text.split("\n")
        for pattern, advice, allowed in BANNED:
            if room_of(path) in allowed or kind_of(path) in allowed:
                continue
            for match in re.finditer(pattern, code):
                line = line_of(code, match.start())
                if not any("// tidy: " in near for near in lines[max(line - 2, 0) : line]):
                    yield Complaint(path, line, "calls", f"{match.group().strip()}: {advice}")


def check_headers(files):
    """Headers guard themselves, say what they are for, and are included by somebody."""
    rooms = declared_rooms(files)
    generated = named_in_cmake(files)
    included = set()
    for path, text in files.items():
        if path.endswith((".cc", ".h", ".inc", ".in", ".py", ".cmake")):
            included |= {header for _, header in INCLUDE.findall(text)}
    for path, text in files.items():
        if not path.endswith(".h"):
            continue
        if not re.search(r"^#pragma once$", text, re.M):
            yield Complaint(path, 1, "headers", "add #pragma once")
        if not text.startswith("//"):
            yield Complaint(path, 1, "headers", "open with a comment: purpose, rule, thread rule")
        name = path.split("/", 1)[1]
        if room_of(path) in rooms and name not in included and path not in generated:
            yield Complaint(path, 1, "dead", "nothing includes this header")


def check_tests(files):
    """Every test file tests."""
    for path, text in files.items():
        if path.endswith("_test.cc") and room_of(path):
            if not re.search(r"\b(EXPECT|ASSERT)_", text):
                yield Complaint(path, 1, "tests", "asserts nothing")
            if not re.search(r"^(TYPED_)?TEST(_[FP])?\(|_TEST\(", text, re.M):
                yield Complaint(path, 1, "tests", "holds no TEST")
        elif re.search(r"^tests/.*test_\w+\.py$", path) and "assert" not in text:
            yield Complaint(path, 1, "tests", "asserts nothing")


def check_text(files):
    """Columns, white space, length, words of unfinished work, places."""
    for path, text in files.items():
        code = path.endswith(CODE) or "." not in path.rsplit("/", 1)[-1]
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            if code and len(line) > MAX_COLUMNS:
                yield Complaint(path, number, "columns", f"{len(line)} columns; {MAX_COLUMNS} fit")
            if code and line != line.rstrip():
                yield Complaint(path, number, "space", "remove the white space at the end")
            if code and "\t" in line and "Makefile" not in path:
                yield Complaint(path, number, "space", "write a tab as spaces, or as \\t in text")
        for match in UNFINISHED.finditer(text) if code else ():
            yield Complaint(
                path,
                line_of(text, match.start()),
                "unfinished",
                f'"{match.group()}": finish it, or say what is unsupported',
            )
        for match in PLACES.finditer(text):
            yield Complaint(
                path,
                line_of(text, match.start()),
                "places",
                f"{match.group()}: no registry's host and no machine's folder",
            )
        if path.endswith((".cc", ".h", ".py")) and len(lines) > LONG_FILES.get(path, MAX_LINES):
            yield Complaint(
                path,
                len(lines),
                "length",
                f"over {LONG_FILES.get(path, MAX_LINES)} lines: which second idea hides in it?",
            )
        if text and not text.endswith("\n"):
            yield Complaint(path, len(lines), "space", "end the last line")


def check_links(files):
    """Relative links in Markdown lead somewhere."""
    folders = {str(pathlib.PurePosixPath(path).parent) for path in files}
    folders |= {
        str(parent) for folder in set(folders) for parent in pathlib.PurePosixPath(folder).parents
    }
    for path, text in files.items():
        if not path.endswith(".md"):
            continue
        for match in re.finditer(r"\]\(([^)#:\s]+)(#[^)]*)?\)", text):
            target = []
            for part in (pathlib.PurePosixPath(path).parent / match.group(1)).parts:
                target = target[:-1] if part == ".." else target + [part]
            if "/".join(target) not in files and "/".join(target) not in folders:
                yield Complaint(
                    path, line_of(text, match.start()), "links", f"{match.group(1)} is not there"
                )


RULES = (
    check_rooms,
    check_libraries,
    check_calls,
    check_headers,
    check_tests,
    check_text,
    check_links,
)


def complaints(files):
    found = [complaint for rule in RULES for complaint in rule(files)]
    return sorted(set(found))


def project_files(root):
    files = {}
    for path in root.iterdir():
        if path.name == ".git":  # A file in a linked work tree.
            continue
        if path.is_file() and (path.suffix in TEXT or path.name.startswith(".clang")):
            files[path.name] = path.read_text()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in TEXT and path.is_file() and "__pycache__" not in path.parts:
                files[str(path.relative_to(root))] = path.read_text()
    return files


def main():
    started = time.monotonic()
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    files = project_files(root.resolve())
    found = complaints(files)
    for complaint in found:
        print(complaint)
    print(
        f"tidy: {len(files)} files, {len(found) or 'no'} complaint{'s' * (len(found) != 1)} "
        f"in {time.monotonic() - started:.1f} s"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
