"""`millrace produce` and `consume` against the binary, and beside kcat on the same records."""

import base64
import json
import os
import signal
import subprocess

import pytest

from support.cli import run_cli
from support.server import Server, binary, run, wait_until

ALL_BYTES = bytes(range(256))


def kcat(server, *args, input=None):
    done = subprocess.run(["kcat", "-b", server.brokers, *args], input=input, capture_output=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make(cli, topic, partitions=1):
    assert cli("topic", "create", topic, "-p", partitions, "--if-not-exists").code == 0
    return topic


def values(done):
    assert done.code == 0, done.err
    return done.out.splitlines()


@pytest.fixture
def rich(cli, server):
    """Keys, headers, nulls and empty fields, by kcat; the same for every test of the module."""
    if cli("topic", "describe", "rich").code == 4:
        make(cli, "rich")
        send = ("-P", "-t", "rich")
        kcat(server, *send, "-K:", "-H", "trace=abc", "-H", "empty=", input=b"k1:v1\nk2:v2\n")
        kcat(server, *send, "-K:", "-Z", input=b"k3:\n")
        kcat(server, *send, input=b"no key\n\nbehind an empty one\n")
        kcat(server, *send, "-D", "\\x01", input=ALL_BYTES.replace(b"\x01", b"") + b"\x01")
    return "rich"


FORMATS = ["%s\n", "%s\\n", "%t %p %o %k %K %s %S %T %h\\n", "%R%s", "%%%s%%\\n", "%k\\t%s\\r\\n",
           "\\x41\\x0a%o\\061", "Topic %t [%p] at offset %o: key %k: %s\\n", "%K%S%K%S\\n",
           "\\q%o\\n"]


@pytest.mark.parametrize("format", FORMATS)
def test_formats_print_what_kcat_prints(server, rich, format):
    ours = run_cli("consume", rich, "-e", "-f", format, brokers=server.brokers, text=False)
    assert ours.code == 0, ours.err
    theirs = kcat(server, "-C", "-t", rich, "-e", "-q", "-f", format)
    assert ours.out == theirs and len(theirs) > 5


@pytest.mark.parametrize("options", [[], ["-K", ":"], ["-D", "|"], ["-D", "\\x01\\n"],
                                     ["-K", "\\t", "-D", ";"], ["-c", "2"], ["-o", "-2"],
                                     ["-o", "1"], ["-o", "beginning"], ["-J", "-c", "5"],
                                     ["-s", "key=s", "-c", "3"], ["-s", "value=bBs", "-c", "2"],
                                     ["-s", "value=<H>H$", "-o", "99"]], ids=" ".join)
def test_options_mean_what_they_mean_to_kcat(server, rich, options):
    ours = run_cli("consume", rich, "-e", *options, brokers=server.brokers, text=False)
    assert ours.code == 0, ours.err
    theirs = kcat(server, "-C", "-t", rich, "-e", "-q", *options)
    if "-J" in options:
        assert [json.loads(line) for line in ours.out.splitlines()] == [
            json.loads(line) for line in theirs.splitlines()]
    else:
        assert ours.out == theirs


def test_produced_records_are_those_that_kcat_produces(cli, server):
    inputs = [(["-K", ":"], b"a:1\nb\n:2\nc:\n"), (["-K", ":", "-Z"], b"a:1\n:2\nc:\n"),
              (["-D", ";"], b"a;b;c"), (["-k", "fixed"], b"x\ny\n"),
              (["-H", "a=1", "-H", "b=", "-H", "c"], b"x\n"), (["-p", "1"], b"x\n"),
              (["-z", "gzip"], b"x\n" * 100), (["-c", "2"], b"a\nb\nc\n"),
              ([], ALL_BYTES), (["-K", "\\x02"], b"k\x02v\n")]
    ours, theirs = make(cli, "by-us", 2), make(cli, "by-kcat", 2)
    for options, data in inputs:
        done = run_cli("produce", ours, *options, input=data, brokers=server.brokers, text=False)
        assert done.code == 0 and done.out == b"", (options, done.err)
        kcat(server, "-P", "-t", theirs, *options, input=data)
    print_all = ["-C", "-e", "-q", "-f", "%k|%K|%s|%S|%h|\n"]
    # Without a key the partition is a matter of chance.
    assert sorted(kcat(server, "-t", ours, *print_all).split(b"|\n")) == sorted(
        kcat(server, "-t", theirs, *print_all).split(b"|\n"))


def test_a_topic_is_copied_byte_by_byte_through_envelopes(cli, server, rich):
    copy = make(cli, "copy")
    envelopes = run_cli("consume", rich, "-e", "-J", brokers=server.brokers, text=False)
    sent = run_cli("produce", copy, "--input", "jsonl", "--output", "json", input=envelopes.out,
                   brokers=server.brokers, text=False)
    assert sent.code == 0, sent.err
    assert json.loads(sent.out)["failed"] == 0
    print_all = ["-C", "-e", "-q", "-f", "%k|%K|%s|%S|%h|%T|\n"]
    assert kcat(server, "-t", copy, *print_all) == kcat(server, "-t", rich, *print_all)
    binary_row = [json.loads(line) for line in envelopes.out.splitlines()][-1]
    assert base64.b64decode(binary_row["payload_base64"]) == ALL_BYTES.replace(b"\x01", b"")


def test_empty_lines_are_records_and_offsets_are_printed(cli):
    make(cli, "blank")
    cli("produce", "blank", input="a\n\nb\n")
    assert cli("consume", "blank", "-e", "-O").out == "0:a\n1:\n2:b\n"
    assert cli("consume", "blank", "-e", "-O", "-K", "%").out == "0%%a\n1%%\n2%%b\n"


def test_records_are_read_by_a_format(cli, server):
    topic = make(cli, "by-format", 3)
    done = cli("produce", topic, "-f", "%p %T %k=%s;", input="2 1717171717171 a=1;0 5 b=2;")
    assert done.code == 0, done.err
    assert sorted(values(cli("consume", topic, "-e", "-f", "%p %T %k %s\n"))) == [
        "0 5 b 2", "2 1717171717171 a 1"]
    wrong = cli("produce", topic, "-f", "%p %s;", input="x y;")
    assert wrong.code == 1 and "record 1 of the input" in wrong.err
    assert cli("produce", topic, "-f", "%k%s\\n", input="").code == 2


def test_files_are_one_record_or_lines(cli, server, tmp_path):
    topic = make(cli, "files")
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(ALL_BYTES)
    second.write_bytes(b"x\ny\n")
    assert cli("produce", topic, first, second).code == 0
    assert cli("produce", topic, "-l", second).code == 0
    rows = cli("consume", topic, "-e", "--output", "json").json
    assert [row.get("payload") for row in rows[1:]] == ["x\ny\n", "x", "y"]
    assert base64.b64decode(rows[0]["payload_base64"]) == ALL_BYTES
    assert cli("produce", topic, tmp_path / "missing").code == 4


def test_a_dry_run_sends_nothing(cli):
    topic = make(cli, "dry")
    done = cli("produce", topic, "--dry-run", "--output", "json", input="a\nb\n")
    assert done.code == 0 and done.json["records"] == 2
    assert values(cli("consume", topic, "-e")) == []


def test_what_is_not_there_gives_4(cli):
    make(cli, "narrow")
    assert cli("produce", "nowhere", input="x\n").code == 4
    assert cli("consume", "nowhere", "-e").code == 4
    assert cli("consume", "nowhere", "-G", "g", "-e").code == 4
    assert cli("produce", "narrow", "-p", "7", input="x\n").code == 4
    assert cli("consume", "narrow", "-p", "7", "-e").code == 4
    assert cli("produce", "made-by-asking", "--allow-auto-topic-creation", input="x\n").code == 0
    assert values(cli("consume", "made-by-asking", "-e")) == ["x"]


def test_wrong_words_give_2(cli):
    make(cli, "words")
    for options in (["-o", "soon"], ["-o", "1", "-o", "2"], ["-f", "%q"], ["-s", "z"],
                    ["-p", "x"], ["--output", "xml"], ["--isolation", "dirty"],
                    ["-G", "g", "-o", "5"], ["-G", "g", "-p", "0"]):
        assert cli("consume", "words", "-e", *options).code == 2, options
    for options in (["-z", "rar"], ["--acks", "2"], ["-f", "%s"], ["-D", ""],
                    ["--input", "jsonl", "-f", "%s;"]):
        assert cli("produce", "words", *options, input="").code == 2, options


def test_some_records_that_fail_give_3_and_all_give_1(cli):
    topic = make(cli, "picky")
    cli("topic", "delete", topic)
    cli("topic", "create", topic, "-c", "max.message.bytes=200")
    some = cli("produce", topic, "-X", "batch.num.messages=1", "--output", "json",
               input="small\n" + "x" * 1000 + "\nsmall too\n")
    assert some.code == 3, some.err
    assert (some.json["records"], some.json["failed"]) == (2, 1) and "1 of 3" in some.err
    assert cli("produce", topic, input="x" * 1000 + "\n").code == 1
    assert values(cli("consume", topic, "-e")) == ["small", "small too"]


@pytest.mark.parametrize("offsets, expected", [
    (["start"], range(10)), (["end"], []), (["7"], [7, 8, 9]), (["-3"], [7, 8, 9]),
    (["+3"], range(3, 10)), (["2:5"], [2, 3, 4]), ([":3"], [0, 1, 2]), (["8:end"], [8, 9]),
    (["-100"], range(10)), (["500"], []), (["5:5"], []), (["s@1500", "e@1800"], [5, 6, 7]),
    (["@1970-01-01T00:00:01.500Z:1970-01-01T00:00:01.800Z"], [5, 6, 7]),
    (["@1970-01-01T00:00:01.500Z:200ms"], [5, 6]), (["@2001-01-01"], []),
    (["@-1m"], []), (["e@1200"], [0, 1])])
def test_ranges_choose_records(cli, offsets, expected):
    if cli("topic", "describe", "ranges").code == 4:
        make(cli, "ranges")
        cli("produce", "ranges", "-f", "%T %s\\n",
            input="".join(f"{1000 + 100 * i} {i}\n" for i in range(10)))
    words = [word for offset in offsets for word in ("-o", offset)]
    # s@ and e@ take milliseconds of 13 digits, or a date.
    words = [word.replace("s@1500", "s@1970-01-01T00:00:01.5Z")
             .replace("e@1800", "e@1970-01-01T00:00:01.8Z")
             .replace("e@1200", "e@1970-01-01T00:00:01.2Z") for word in words]
    assert values(cli("consume", "ranges", *words, "-e")) == [str(i) for i in expected]


def test_a_range_with_an_end_needs_no_e(cli):
    make(cli, "bounded")
    cli("produce", "bounded", input="a\nb\nc\n")
    assert values(cli("consume", "bounded", "-o", ":end", seconds=20)) == ["a", "b", "c"]
    assert values(cli("consume", "bounded", "-o", "1:2", seconds=20)) == ["b"]


def test_outputs_of_every_kind_hold_the_same_records(cli):
    import yaml

    make(cli, "kinds")
    cli("produce", "kinds", "-K", ":", input="a:1\nb:no\n")
    lines = cli("consume", "kinds", "-e", "--output", "jsonl").lines
    assert [(row["key"], row["payload"]) for row in lines] == [("a", "1"), ("b", "no")]
    assert cli("consume", "kinds", "-e", "--output", "json").json == lines
    assert yaml.safe_load(cli("consume", "kinds", "-e", "--output", "yaml").out) == lines
    assert cli("consume", "kinds", "-e", "-o", "end", "--output", "json").json == []
    shape = cli("consume", "kinds", "--output", "help").json[0]
    assert set(lines[0]) <= set(shape)


def test_a_group_commits_what_was_printed_and_nothing_more(cli):
    make(cli, "grouped", 2)
    cli("produce", "grouped", input="".join(f"{i}\n" for i in range(100)))
    first = values(cli("consume", "grouped", "-G", "readers", "-c", "37"))
    row = cli("group", "describe", "readers", "-o", "json").json[0]
    assert sum(part["current_offset"] or 0 for part in row["partitions"]) == 37
    rest = values(cli("consume", "grouped", "-G", "readers", "-e"))
    assert len(first) == 37
    assert sorted(map(int, first + rest)) == list(range(100))
    assert cli("group", "describe", "readers", "-o", "json").json[0]["total_lag"] == 0


def test_a_reader_that_goes_away_ends_consume_quietly(cli, server):
    make(cli, "piped")
    cli("produce", "piped", input="".join(f"{i}\n" for i in range(200_000)))
    done = subprocess.run(
        ["bash", "-c", f'"{binary()}" consume piped | head -1; echo "${{PIPESTATUS[0]}}"'],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "MILLRACE_BROKERS": server.brokers})
    assert done.stdout == "0\n0\n" and done.stderr == ""


def test_a_live_consumer_prints_at_once_and_ends_at_ctrl_c(cli, server):
    make(cli, "live")
    consumer = subprocess.Popen([binary(), "consume", "live", "-o", "end", "-b", server.brokers],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.set_blocking(consumer.stdout.fileno(), False)

    def came():
        cli("produce", "live", input="now\n")
        return consumer.stdout.read()

    try:
        # It may not have asked for the end yet when the first record is sent.
        assert wait_until(came, "a record is printed").startswith(b"now\n")
        consumer.send_signal(signal.SIGINT)
        assert consumer.wait(10) == 0
        assert consumer.stderr.read() == b""
    finally:
        consumer.kill()


def test_large_input_is_whole_and_fast_enough(cli):
    make(cli, "large", 3)
    lines = [f"{i}:" + "x" * (i % 300) for i in range(50_000)]
    sent = cli("produce", "large", "-K", ":", "-z", "lz4", input="\n".join(lines), seconds=120)
    assert sent.code == 0 and "50,000 records" in sent.err
    assert sorted(values(cli("consume", "large", "-e", "-K", ":", seconds=120))) == sorted(lines)


def test_an_interrupted_producer_sends_what_it_has_read(cli, server):
    make(cli, "interrupted")
    producer = subprocess.Popen([binary(), "produce", "interrupted", "-b", server.brokers],
                                stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    producer.stdin.write(b"one\ntwo\n")
    producer.stdin.flush()
    wait_until(lambda: len(values(cli("consume", "interrupted", "-e"))) == 2, "both are there")
    producer.send_signal(signal.SIGINT)
    assert producer.wait(10) == 0
    assert b"2 records" in producer.stderr.read()


def test_nobody_there_gives_6_when_a_server_dies_too():
    with Server() as server:
        assert run_cli("topic", "create", "gone", brokers=server.brokers).code == 0
        server.kill()
        assert run_cli("consume", "gone", "-e", brokers=server.brokers).code == 6
        assert run_cli("produce", "gone", input="x\n", brokers=server.brokers).code == 6


def test_a_consumer_that_waits_for_an_end_gives_6_when_its_server_dies():
    with Server() as server:
        assert run_cli("topic", "create", "short", brokers=server.brokers).code == 0
        assert run_cli("produce", "short", input="x\n", brokers=server.brokers).code == 0
        consumer = subprocess.Popen(
            [binary(), "consume", "short", "-o", "0:10", "--timeout", "1", "-b", server.brokers],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            assert consumer.stdout.readline() == b"x\n"
            server.kill()
            assert consumer.wait(30) == 6
            assert b"any more" in consumer.stderr.read()
        finally:
            consumer.kill()
