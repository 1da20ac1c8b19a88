"""The page of compatibility: a run of some suites says nothing about the others."""

import types

from support import page
from support.suites import Result, read_cases

HEAD = "# Compatibility\n\nWords.\n\n"
ORDER = ["one", "two", "three"]


def suite(quotes=False, **reasons):
    return types.SimpleNamespace(client="client 1", reasons=reasons, quotes=quotes)


def test_of_a_suite_that_quotes_itself_only_conditions_are_shown():
    words = ("'SELECT x'  got X: [NO.SUCH_X] x", "[x]", "1 of 2 pass")
    failed = Result([(str(i), "fail", text) for i, text in enumerate(words)], 0, 3, 0)
    rest = page.entry(suite(quotes=True), failed).rest
    assert [why for _, _, why in rest] == ["NO.SUCH_X", "another answer", "1 of 2 pass"]


def test_a_file_of_many_cases_counts_as_the_suite_counts_it():
    result = read_cases("x/a.sql: 2 of 2\nx/b.sql: 1 of 4\n3 passed, 3 failed\n")
    assert (result.passed, result.failed) == (3, 3)
    assert result.cases == [("x/a.sql", "pass", "2 of 2 pass"), ("x/b.sql", "fail", "1 of 4 pass")]


def test_a_run_of_some_suites_keeps_the_rows_of_the_others():
    failed = Result([("a", "pass", "1 s"), ("b", "fail", "x | y"), ("c", "skip", "")], 1, 1, 1)
    passed = Result([("d", "pass", "")], 1, 0, 0)
    first = {"two": page.entry(suite(c="no TLS"), failed), "three": page.entry(suite(), passed)}
    text = page.update(HEAD + page.MARK, first, ORDER)
    assert text.startswith(HEAD)
    assert "| b | failed | x / y |" in text
    assert "| c | skipped itself | no TLS |" in text
    assert page.update(text, {}, ORDER) == text, "what is read is what was written"

    text = page.update(text, {"one": page.entry(suite(), failed)}, ORDER)
    assert text.index("| one |") < text.index("| two |") < text.index("| three |")
    assert text.count("What did not pass of") == 2

    text = page.update(text, {"two": page.entry(suite(), passed)}, ORDER)
    assert "| two | client 1 | 1 | 0 | 0 |" in text
    assert "**two**" not in text
    assert "What did not pass of **one**" in text

    text = page.update(text, {"three": page.entry(suite(), None)}, ORDER)
    assert "| three | client 1 | – | – | – |" in text


def test_the_last_run_of_a_case_counts_when_a_suite_was_run_in_parts():
    first = "pass a  1 s\nFAIL b  so\n1 passed, 1 failed, 0 skipped\n"
    second = "pass b  2 s\nskip c\n1 passed, 0 failed, 1 skipped\n"
    result = read_cases(first + second)
    assert result.cases == [("a", "pass", "1 s"), ("b", "pass", "2 s"), ("c", "skip", "")]
    assert (result.passed, result.failed, result.skipped) == (2, 0, 1)
    some = read_cases(first + second, lambda name: name != "a")
    assert [case[0] for case in some.cases] == ["b", "c"]
    assert (some.passed, some.failed, some.skipped) == (1, 0, 1)
    assert read_cases("nothing") is None
    totals = read_cases("5 passed, 2 failed\n")
    assert (totals.passed, totals.failed, totals.skipped) == (5, 2, 0)
