"""kcat, and librdkafka beneath it, against the binary: everything that its four modes do."""

import json

import pytest

from support.server import Server, run

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def kcat(server, *args, input=None, seconds=30.0):
    return run("kcat", "-b", server.brokers, *args, input=input, seconds=seconds)


def produce(server, topic, lines, *args):
    kcat(server, "-P", "-t", topic, *args, input="".join(f"{line}\n" for line in lines))


def consume(server, topic, *args):
    return kcat(server, "-C", "-t", topic, "-o", "beginning", "-e", "-q", *args).splitlines()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("acks", ["-1", "1"])
def test_records_come_back_as_they_went(server, codec, acks):
    topic = f"codec-{codec}{acks}"
    lines = [f"record {i} " + "x" * (i % 200) for i in range(2000)]
    produce(server, topic, lines, "-z", codec, "-X", f"request.required.acks={acks}")
    assert consume(server, topic) == lines


def test_acks_0_gets_records_in_too(server):
    produce(server, "acks0", ["a", "b"], "-X", "request.required.acks=0")
    # Nothing tells when: a second, acknowledged record of the same connection's broker comes last.
    produce(server, "acks0", ["c"])
    assert consume(server, "acks0") == ["a", "b", "c"]


def test_keys_headers_nulls_and_timestamps(server):
    produce(server, "rich", ["k1:v1", "k2:v2"], "-K:", "-H", "trace=abc", "-H", "empty=")
    produce(server, "rich", ["k3:"], "-K:", "-Z")
    seen = consume(server, "rich", "-f", "%o %k %s %S %h\n")
    assert seen[0] == "0 k1 v1 2 trace=abc,empty="
    assert seen[2].startswith("2 k3  -1")
    rows = [json.loads(line) for line in consume(server, "rich", "-J")]
    assert [row["key"] for row in rows] == ["k1", "k2", "k3"]
    assert rows[2]["payload"] is None
    assert all(row["tstype"] == "create" and row["ts"] > 1_600_000_000_000 for row in rows)


def test_metadata_lists_broker_and_topics(server):
    produce(server, "listed", ["x"])
    listing = json.loads(kcat(server, "-L", "-J"))
    assert [broker["name"] for broker in listing["brokers"]] == [server.brokers]
    topic = next(one for one in listing["topics"] if one["topic"] == "listed")
    assert topic["partitions"][0]["leader"] == listing["brokers"][0]["id"]


def test_offsets_by_timestamp(server):
    produce(server, "timed", [f"{i}" for i in range(10)])
    rows = [json.loads(line) for line in consume(server, "timed", "-J")]
    middle = next(row for row in rows if row["ts"] >= rows[5]["ts"])

    def query(timestamp):
        return kcat(server, "-Q", "-t", f"timed:0:{timestamp}").split()[-1]

    assert query(-2) == "0"
    assert query(-1) == "10"
    assert query(rows[5]["ts"]) == str(middle["offset"])
    assert query(rows[-1]["ts"] + 1_000_000) == "-1"


def test_a_group_goes_on_where_it_stopped(server):
    def read(count):
        return kcat(server, "-G", "readers", "-c", str(count), "-q", "-X",
                    "auto.offset.reset=earliest", "grouped").splitlines()

    produce(server, "grouped", [f"{i}" for i in range(10)])
    assert read(4) == ["0", "1", "2", "3"]
    assert read(6) == ["4", "5", "6", "7", "8", "9"]


def test_what_was_acknowledged_survives_kill_and_restart():
    lines = [f"record {i}" for i in range(5000)]
    with Server() as server:
        produce(server, "durable", lines)
        kcat(server, "-G", "readers", "-c", "100", "-q", "-X", "auto.offset.reset=earliest",
             "durable")
        server.kill()
        server.start()
        assert consume(server, "durable") == lines
        rest = kcat(server, "-G", "readers", "-e", "-q", "-X", "auto.offset.reset=earliest",
                    "durable").splitlines()
        assert rest == lines[100:]
        assert server.stop() == 0


def test_a_record_that_is_too_large_is_refused_and_harms_nothing(server):
    with pytest.raises(AssertionError, match="too large|larger"):
        produce(server, "large", ["x" * 2_000_000], "-X", "message.max.bytes=3000000")
    produce(server, "large", ["small"])
    assert consume(server, "large") == ["small"]
