#!/usr/bin/env python3
"""Tests of tidy.py: per rule one small project that is right, and one that is not."""

import pathlib
import tempfile
import unittest

import tidy

HEADER = "// What it is.\n#pragma once\n"
ROOMS = {
    "src/base/CMakeLists.txt": "millrace_room(base PUBLIC_LIBS mr_fmt LIBS mr_spdlog)\n",
    "src/runtime/CMakeLists.txt": "millrace_room(runtime PUBLIC base LIBS mr_asio)\n",
    "src/kafka/CMakeLists.txt": "millrace_room(kafka PUBLIC base)\n",
    "src/storage/CMakeLists.txt": "millrace_room(storage PUBLIC base\n"
    "  PRIVATE kafka LIBS mr_zstd)\n",
    "src/broker/CMakeLists.txt": "millrace_room(broker PRIVATE kafka storage)\n",
}


def found(rule, files):
    """path:line of each complaint of `rule` about `files` in a project with ROOMS."""
    project = {**ROOMS, **files}
    return [f"{c.path.split('/')[-1]}:{c.line}" for c in sorted(rule(project))]


class Rooms(unittest.TestCase):
    def test_an_include_names_a_declared_room(self):
        text = '#include "storage/log.h"\n#include "base/error.h"\n#include <vector>\n'
        self.assertEqual(found(tidy.check_rooms, {"src/storage/log.cc": text}), [])
        self.assertEqual(found(tidy.check_rooms, {"src/kafka/a.cc": text}), ["a.cc:1"])

    def test_an_include_needs_its_room(self):
        self.assertEqual(found(tidy.check_rooms, {"src/base/a.cc": '#include "a.h"\n'}), ["a.cc:1"])
        self.assertEqual(
            found(tidy.check_rooms, {"src/base/a.cc": '#include "millrace/session.h"\n'}), []
        )

    def test_only_broker_includes_kafka_even_where_it_is_declared(self):
        text = '#include "kafka/frame.h"\n'
        self.assertEqual(found(tidy.check_rooms, {"src/broker/a.cc": text}), [])
        self.assertEqual(found(tidy.check_rooms, {"src/storage/a.cc": text}), ["a.cc:1"])


class Libraries(unittest.TestCase):
    def check(self, path, header):
        return found(tidy.check_libraries, {path: f"// Why.\n#include <{header}>\n"})

    def test_a_library_has_one_home(self):
        self.assertEqual(self.check("src/runtime/a.cc", "boost/asio.hpp"), [])
        self.assertEqual(self.check("src/storage/a.cc", "boost/asio.hpp"), ["a.cc:2"])

    def test_a_library_is_named_in_libs(self):
        self.assertEqual(self.check("src/storage/a.cc", "zstd.h"), [])
        self.assertEqual(self.check("src/base/a.cc", "zstd.h"), ["a.cc:2"])

    def test_no_header_shows_it_to_others(self):
        self.assertEqual(self.check("src/storage/a.h", "zstd.h"), ["a.h:2"])
        self.assertEqual(self.check("src/storage/a_internal.h", "zstd.h"), [])

    def test_gtest_is_for_tests(self):
        self.assertEqual(self.check("src/base/a_test.cc", "gtest/gtest.h"), [])
        self.assertEqual(self.check("src/base/a.cc", "gtest/gtest.h"), ["a.cc:2"])


class Calls(unittest.TestCase):
    def check(self, line, path="src/storage/a.cc"):
        return found(tidy.check_calls, {path: line + "\n"})

    def test_banned_calls(self):
        for line in (
            "::write(fd, b, n);",
            "auto f = ::open(p, 0);",
            "::fsync(fd);",
            "now = time(nullptr);",
            "now = std::time(0);",
            "system(command);",
            "popen(c, m);",
            "std::thread t(f);",
            "std::this_thread::sleep_for(1s);",
            "usleep(3);",
            "std::random_device device;",
            "auto t = std::chrono::steady_clock::now();",
            "assert(x);",
            "auto n = std::stoi(text);",
            "std::cout << 1;",
            "fopen(p, m);",
        ):
            self.assertEqual(self.check(line), ["a.cc:1"], line)

    def test_their_namesakes_are_fine(self):
        for line in (
            "file->write(b);",
            "disk.open(path, mode);",
            "co_await write(b);",
            "open(path);",
            "time_ms = clock.wall_ms();",
            "batch.time();",
            "static_assert(x);",
            "// system(command) is what we never do",
            'log("time(nullptr)");',
            "std::thread::id id;",
            "operating_system(x);",
        ):
            self.assertEqual(self.check(line), [], line)

    def test_a_reason_allows_one(self):
        self.assertEqual(
            self.check("// tidy: the library has no event to wait for\nusleep(3);"), []
        )
        self.assertEqual(self.check("usleep(3);  // tidy: no event"), [])
        self.assertEqual(self.check("// tidy: one\n\nusleep(3);"), ["a.cc:3"])

    def test_their_homes_are_fine(self):
        self.assertEqual(self.check("::fsync(fd);", "src/runtime/disk.cc"), [])
        self.assertEqual(self.check("std::thread t(f);", "src/storage/a_test.cc"), [])
        self.assertEqual(self.check("sleep_for(1s);", "src/storage/a_test.cc"), ["a_test.cc:1"])
        self.assertEqual(self.check("GTEST_SKIP();", "src/storage/a_test.cc"), ["a_test.cc:1"])


class Files(unittest.TestCase):
    def test_what_git_keeps_for_a_linked_work_tree_is_no_file_of_the_project(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / ".git").write_text("gitdir: elsewhere\n")
            (root / "README.md").write_text("# A\n")
            self.assertEqual(list(tidy.project_files(root)), ["README.md"])


class Headers(unittest.TestCase):
    user = {"src/base/a.cc": '#include "base/a.h"\n'}

    def test_a_header_guards_itself_and_opens_with_a_comment(self):
        self.assertEqual(found(tidy.check_headers, {**self.user, "src/base/a.h": HEADER}), [])
        self.assertEqual(
            found(tidy.check_headers, {**self.user, "src/base/a.h": "// What it is.\n"}), ["a.h:1"]
        )
        self.assertEqual(
            found(tidy.check_headers, {**self.user, "src/base/a.h": "#pragma once\n"}), ["a.h:1"]
        )

    def test_a_header_that_nothing_includes_is_dead(self):
        self.assertEqual(found(tidy.check_headers, {"src/base/b.h": HEADER}), ["b.h:1"])


class Tests(unittest.TestCase):
    def test_a_test_file_asserts(self):
        for text, wrong in (
            ("TEST(A, b) { EXPECT_EQ(1, 1); }\n", []),
            ("TEST(A, b) { run(); }\n", ["a_test.cc:1"]),
            ("void f() { EXPECT_EQ(1, 1); }\n", ["a_test.cc:1"]),
        ):
            self.assertEqual(found(tidy.check_tests, {"src/base/a_test.cc": text}), wrong, text)


class Text(unittest.TestCase):
    def check(self, text, path="src/base/a.cc"):
        return found(tidy.check_text, {path: text})

    def test_columns_and_white_space(self):
        self.assertEqual(self.check("x" * 100 + "\n"), [])
        self.assertEqual(self.check("x" * 101 + "\n"), ["a.cc:1"])
        self.assertEqual(self.check("x" * 101 + "\n", "docs/a.md"), [])
        self.assertEqual(self.check("int a; \n"), ["a.cc:1"])
        self.assertEqual(self.check("int a;\n\tint b;\n"), ["a.cc:2"])
        self.assertEqual(self.check("int a;"), ["a.cc:1"])

    def test_unfinished_work(self):
        self.assertEqual(self.check("// TO" "DO: more\n"), ["a.cc:1"])
        self.assertEqual(self.check("int x;\n// not for n" "ow\n"), ["a.cc:2"])
        self.assertEqual(self.check("int kAutodo;\n"), [])

    def test_places(self):
        self.assertEqual(self.check("see py" "pi.org\n", "docs/a.md"), ["a.md:1"])
        self.assertEqual(self.check("in /wo" "rk/here\n", "README.md"), ["README.md:1"])
        self.assertEqual(self.check("in /network/here\n", "README.md"), [])

    def test_length(self):
        self.assertEqual(self.check("x\n" * 599), [])
        self.assertEqual(self.check("x\n" * 601), ["a.cc:602"])


class Links(unittest.TestCase):
    def test_relative_links_lead_somewhere(self):
        files = {
            "docs/a.md": "[b](b.md) [c](../README.md#top) [d](adr/) [e](https://e.org/)\n",
            "docs/b.md": "b\n",
            "README.md": "r\n",
            "docs/adr/0001.md": "1\n",
        }
        self.assertEqual(found(tidy.check_links, files), [])
        del files["docs/b.md"]
        self.assertEqual(found(tidy.check_links, files), ["a.md:1"])


if __name__ == "__main__":
    unittest.main()
