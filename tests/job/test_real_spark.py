"""The log is good enough for Spark, and the engine equals Spark: the same PySpark program on a real
Spark that reads and writes at Millrace's Kafka port gives the rows that Millrace gives."""

import os
import pathlib
import subprocess
import sys

import pytest

from support.server import SHARED, Server, binary, free_ports, run

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import expected  # noqa: E402
import test_top_pages as job  # noqa: E402

PEERS = pathlib.Path(os.environ.get("PEERS", SHARED / "peers"))
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not (PEERS / "spark").exists(),
        reason=f"the scripts that start a real Spark are not here: {PEERS}",
    ),
    pytest.mark.skipif(not job.LOG.exists(), reason=f"the real log is not here: {job.LOG}"),
]


@pytest.fixture(scope="module")
def real_spark():
    """The address of a real Spark Connect server."""
    (port,) = free_ports(1)

    def spark(verb, seconds):
        done = subprocess.run(
            [PEERS / "spark", verb],
            env={**os.environ, "SPARK_PORT": str(port)},
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, f"spark {verb}:\n{done.stdout}\n{done.stderr}"

    spark("install", 900)
    spark("start", 120)
    try:
        yield f"sc://127.0.0.1:{port}"
    finally:
        spark("stop", 60)


@pytest.fixture(scope="module")
def logs():
    """A server with the real log in topic `weblog`, and one in topic `noisy` whose records come out
    of order and late, some of them malformed."""
    with Server() as server:
        to = ("weblog", "--brokers", server.brokers, "--quiet")
        run(binary(), *to, "--input", job.LOG)
        run(binary(), *to, "--topic", "noisy", "--records", 200_000, "--seed", 7)
        yield server


def results(server, remote, topic, folder):
    """What the program leaves when `remote` runs it: ranking, windows in the topic and in files."""
    name = "millrace" if remote == server.remote else "spark"
    command = job.programs(server, folder / name)["pyspark"]
    command[command.index("--remote") + 1] = remote
    command[command.index("--output-topic") + 1] = f"hits-{topic}-{name}"
    output = run(*command, "--topic", topic, seconds=300)
    in_topic = job.windows_in_topic(server, f"hits-{topic}-{name}")
    in_files = job.windows_in_files(folder / name / "files")
    assert len(dict(in_topic)) == len(in_topic), "each window comes out once"
    return job.ranking_in(output), dict(in_topic), dict(in_files)


@pytest.mark.parametrize("topic", ["weblog", "noisy"])
def test_spark_at_our_port_gives_our_rows(logs, real_spark, tmp_path, topic):
    ours = results(logs, logs.remote, topic, tmp_path)
    theirs = results(logs, real_spark, topic, tmp_path)
    assert len(ours[0]) == 20
    assert len(ours[1]) > 1000
    assert ours[0] == theirs[0]
    assert ours[1] == theirs[1]
    assert ours[2] == theirs[2] == ours[1]
    if topic == "weblog":
        assert ours[0] == expected.top_pages(job.LOG)
