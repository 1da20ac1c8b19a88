"""millrace weblog: the same records for a seed, a recorded log, malformed and late records."""

import gzip
import json

from support.server import binary, run


def produce(server, topic, *words):
    run(binary(), "weblog", "--brokers", server.brokers, "--topic", topic, "--quiet", *words)
    values = run("kcat", "-b", server.brokers, "-C", "-t", topic, "-e", "-q")
    return values.splitlines()


def test_the_same_seed_gives_the_same_records(server):
    first = produce(server, "first", "--records", 2000, "--seed", 5)
    second = produce(server, "second", "--records", 2000, "--seed", 5)
    other = produce(server, "other", "--records", 2000, "--seed", 6)
    assert len(first) == 2000
    assert first == second != other


def test_generated_records_have_the_form_of_an_event(server):
    events = [
        json.loads(line) for line in produce(server, "form", "--records", 500, "--malformed", 0)
    ]
    for event in events:
        assert list(event) == ["host", "timestamp", "request", "http_reply", "bytes"]
        assert event["request"].split(" ")[0] in ("GET", "HEAD", "POST")
        assert event["timestamp"].endswith("Z")


def test_some_records_are_malformed_when_asked_for(server):
    def is_event(line):
        try:
            return isinstance(json.loads(line)["request"], str)
        except (ValueError, KeyError):
            return False

    lines = produce(server, "malformed", "--records", 1000, "--malformed", 200)
    bad = sum(not is_event(line) for line in lines)
    assert 100 < bad < 300


def test_a_recorded_log_becomes_events(server, tmp_path):
    log = tmp_path / "log.tsv.gz"
    log.write_bytes(
        gzip.compress(
            b"host\tlogname\ttime\tmethod\turl\tresponse\tbytes\treferer\tuseragent\n"
            b'a.b\t-\t807256804\tGET\t/caf\xe9?q="1"\t200\t12\t\t\n'
            b"c\t-\tsoon\tGET\t/\t-\t-\t\t\n"
            b"broken line\n"
        )
    )
    first, second = [json.loads(line) for line in produce(server, "recorded", "--input", log)]
    assert first == {
        "host": "a.b",
        "timestamp": "1995-08-01T06:00:04.000Z",
        "request": 'GET /café?q="1"',
        "http_reply": 200,
        "bytes": 12,
    }
    assert second["timestamp"] is second["http_reply"] is second["bytes"] is None
