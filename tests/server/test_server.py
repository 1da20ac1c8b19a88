"""The server as a program: options, ports and folders in use, stopping, status pages, garbage."""

import os
import re
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

from pyspark.sql.connect.session import SparkSession
from support.server import Server, binary, free_ports, run


def fails(*words, environment=None):
    """(exit code, standard error) of a command that is to end by itself."""
    done = subprocess.run(
        [binary(), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, **(environment or {})},
    )
    return done.returncode, done.stderr


def talk(port, data, seconds=5.0):
    """What comes back until the server closes the connection; None if it does not within time."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(data)
        reply = b""
        try:
            while piece := connection.recv(65536):
                reply += piece
        except ConnectionResetError:
            pass
        except TimeoutError:
            return None
        return reply


def test_status_pages(server):
    assert server.http("/ready") == "ready\n"
    assert f"kcat -b 127.0.0.1:{server.kafka_port} -L" in server.http("/")
    with pytest.raises(urllib.error.HTTPError) as refused:
        server.http("/nothing")
    assert refused.value.code == 404


def test_metrics_are_prometheus_text(server):
    run("kcat", "-b", server.brokers, "-P", "-t", "metered", input="one\n")
    lines = server.http("/metrics").splitlines()
    assert lines
    sample = re.compile(r'^[a-zA-Z_:][\w:]*(\{[\w]+="[^"]*"(,[\w]+="[^"]*")*\})? -?[\d.e+-]+$')
    for line in lines:
        assert line.startswith(("# HELP ", "# TYPE ")) or sample.match(line), line
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert int(values["millrace_topics"]) >= 1
    assert int(values["millrace_log_appended_bytes_total"]) > 0


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\x00\x00\x04\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff" + b"\x00" * 64,
        os.urandom(4096),
    ],
    ids=["http", "unknown key", "huge frame", "random"],
)
def test_garbage_closes_that_connection_alone(server, garbage):
    spark = SparkSession.builder.remote(server.remote).create()
    assert spark.range(3).count() == 3
    with socket.create_connection(("127.0.0.1", server.kafka_port)) as other:
        for port in (server.kafka_port, server.http_port, server.connect_port):
            data = garbage if port == server.kafka_port else b"\x16\x03\x01" + garbage + b"\r\n\r\n"
            assert talk(port, data) is not None, "the connection stays open"
        # ApiVersions 0 with correlation id 7, on the connection that was open all the time.
        other.sendall(b"\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x07\xff\xff")
        assert other.recv(8)[4:] == b"\x00\x00\x00\x07"
    assert server.http("/ready") == "ready\n"
    assert "broker 1 at" in run("kcat", "-b", server.brokers, "-L")
    assert spark.range(4).count() == 4, "a session lives on"
    spark.stop()


def test_half_a_request_holds_up_nobody(server):
    """A client that never ends its request keeps its own connection, no other one."""
    halves = {
        server.kafka_port: b"\x00\x00\x00\x0a\x00\x12",
        server.http_port: b"GET /ready HTTP/1.1\r\nHost: x",
        server.connect_port: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00",
    }
    held = [socket.create_connection(("127.0.0.1", port)) for port in halves]
    for connection, half in zip(held, halves.values()):
        connection.sendall(half)
    assert server.http("/ready") == "ready\n"
    assert "broker 1 at" in run("kcat", "-b", server.brokers, "-L")
    for connection in held:
        connection.close()


def test_a_port_in_use_is_told_and_ends_with_1(server, tmp_path):
    flags = {
        "--kafka-port": server.kafka_port,
        "--connect-port": server.connect_port,
        "--http-port": server.http_port,
    }
    for flag, port in flags.items():
        ports = {"--kafka-port": 0, "--connect-port": 0, "--http-port": 0, flag: port}
        words = [word for pair in ports.items() for word in pair]
        code, errors = fails("server", "--data", tmp_path / "other", *words)
        assert (code, str(port) in errors, "in use" in errors) == (1, True, True), errors


def test_a_data_folder_in_use_is_told_and_ends_with_1(server):
    ports = ("--kafka-port", 0, "--connect-port", 0, "--http-port", 0)
    code, errors = fails("server", "--data", server.data, *ports)
    assert code == 1
    assert str(server.data) in errors and "in use" in errors
    assert str(server.process.pid) in errors, "the holder is named"


def test_options_come_from_file_environment_and_command_line(tmp_path):
    kafka, connect, http = free_ports(3)
    config = tmp_path / "millrace.properties"
    config.write_text(f"# ours\nkafka.port = 1\nhttp.port = {http}\nnum.partitions=3\n")
    environment = {"MILLRACE_KAFKA_PORT": str(kafka)}
    server = Server(data=tmp_path / "data", environment=environment)
    server.kafka_port, server.connect_port, server.http_port = kafka, connect, http
    server.command = lambda: [
        binary(),
        "server",
        *("--config", str(config)),
        *("--data", str(server.data)),
        *("--connect-port", str(connect)),
    ]
    with server:
        run("kcat", "-b", server.brokers, "-P", "-t", "made", input="one\n")
        assert 'topic "made" with 3 partitions' in run("kcat", "-b", server.brokers, "-L")
        assert server.stop() == 0


@pytest.mark.parametrize(
    "words, code, told",
    [
        (["server", "--kafka-port", "x"], 1, "'x' is not a whole number"),
        (["server", "--set", "kafka.prot=1"], 1, "did you mean 'kafka.port'?"),
        (["server", "--config", "/nowhere/at/all"], 4, "/nowhere/at/all"),
        (["serve"], 2, "--help"),
        ([], 2, "--help"),
        (["topic", "list", "--brokers", "127.0.0.1:1"], 6, "127.0.0.1:1"),
        (["weblog", "--input", "/nowhere/at/all"], 4, "/nowhere/at/all"),
    ],
)
def test_wrong_use_is_told(words, code, told):
    assert fails(*words)[0] == code
    assert told in fails(*words)[1]


def test_every_command_has_help_with_an_example():
    for words in (
        [],
        ["server"],
        ["weblog"],
        ["demo"],
        ["topic"],
        ["topic", "create"],
        ["version"],
    ):
        assert "Example" in run(binary(), *words, "--help")


def test_stops_cleanly_and_keeps_what_it_had(tmp_path):
    with Server(data=tmp_path / "data") as server:
        run("kcat", "-b", server.brokers, "-P", "-t", "kept", input="one\ntwo\n")
        assert server.stop() == 0
        assert "stopped" in server.output()
        server.start()
        assert run("kcat", "-b", server.brokers, "-C", "-t", "kept", "-e", "-q") == "one\ntwo\n"


def test_topics_by_the_command_line(fresh_server):
    brokers = ("--brokers", fresh_server.brokers)
    run(binary(), "topic", "create", "t", "--partitions", 2, *brokers)
    listed = run(binary(), "topic", "list", *brokers).splitlines()
    assert [line.split() for line in listed[1:]] == [["t", "2", "1"]]
    assert fails("topic", "create", "t", *brokers)[0] == 1
    run(binary(), "weblog", "--topic", "t", "--records", 1000, "--quiet", *brokers)
    described = run(binary(), "topic", "describe", "t", *brokers)
    partitions = described.splitlines()[described.splitlines().index("PARTITIONS") + 2 :]
    assert sum(int(line.split()[5]) for line in partitions) == 1000
    run(binary(), "topic", "delete", "t", *brokers)
    assert fails("topic", "describe", "t", *brokers)[0] == 4
