"""A full disk: appends are refused in words, reads go on, and all is well once there is room."""

import os
import pathlib
import re
import subprocess

import pytest

from support.server import Server, run, wait_until

ROOM_MB = 24


def may_mount() -> bool:
    """Whether this user may have a file system of its own: in a name space of its own."""
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
    )
    return done.returncode == 0


pytestmark = pytest.mark.skipif(
    not may_mount(), reason="no file system of one's own: unshare --mount is not allowed here"
)


class ServerOnSmallDisk(Server):
    """Its data folder is a file system of ROOM_MB, which only the server sees."""

    def command(self):
        mount = f"mount -t tmpfs -o size={ROOM_MB}m tmpfs '{self.data}' && exec \"$@\""
        return [
            *("unshare", "--map-root-user", "--mount"),
            *("sh", "-c", mount, "sh"),
            *super().command(),
        ]

    def seen(self, name) -> pathlib.Path:
        """A file of the data folder, as this process can reach it."""
        return pathlib.Path(f"/proc/{self.process.pid}/root{self.data}/{name}")

    def free(self) -> int:
        room = os.statvfs(self.seen(""))
        return room.f_bavail * room.f_frsize


@pytest.fixture
def server():
    with ServerOnSmallDisk() as running:
        yield running


def produce(server, value, topic="t"):
    """kcat's outcome with one record."""
    return subprocess.run(
        ["kcat", "-b", server.brokers, "-P", "-t", topic, "-X", "message.timeout.ms=2000"],
        input=value,
        capture_output=True,
        text=True,
        timeout=60,
    )


def consume(server, topic="t"):
    return run("kcat", "-b", server.brokers, "-C", "-t", topic, "-e", "-q").splitlines()


def test_a_full_disk_refuses_writes_and_recovers(server):
    assert produce(server, "first\n").returncode == 0
    filler = server.seen("filler")
    filler.write_bytes(b"\0" * (server.free() - (1 << 20)))

    big = "x" * 200_000
    accepted = 0
    while (outcome := produce(server, f"{accepted} {big}\n")).returncode == 0:
        accepted += 1
        assert accepted < 100, "the disk is full and appends go on"
    refused = re.search(
        r"^millrace_log_refused_appends_total (\d+)$", server.http("/metrics"), re.MULTILINE
    )
    assert int(refused[1]) >= 1, outcome.stderr
    assert len(re.findall("No space left on device", server.output())) == 1, "told once"
    assert server.http("/ready") == "ready\n"
    assert [line.split()[0] for line in consume(server)] == [
        "first", *(str(number) for number in range(accepted))
    ]

    filler.unlink()
    wait_until(lambda: produce(server, "after\n").returncode == 0, "appends succeed again")
    assert "there is room again" in server.output()
    assert consume(server)[-1] == "after"
    assert server.stop() == 0


def test_a_query_on_a_full_disk_ends_in_words_and_goes_on_from_its_checkpoint(server):
    from pyspark.errors import StreamingQueryException
    from pyspark.sql.connect.session import SparkSession

    spark = SparkSession.builder.remote(server.remote).create()
    stream = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", server.brokers)
        .option("subscribe", "t")
        .option("startingOffsets", "earliest")
        .load()
        .groupBy("value")
        .count()
    )

    def start():
        return (
            stream.writeStream.format("noop")
            .outputMode("complete")
            .option("checkpointLocation", f"{server.data}/checkpoint")
            .start()
        )

    assert produce(server, "one\n").returncode == 0
    query = start()
    query.processAllAvailable()
    query.stop()
    rows = "".join(f"{number:08}\n" for number in range(20_000))
    assert produce(server, rows).returncode == 0
    # Room for the offsets of the next batch, not for its state.
    filler = server.seen("filler")
    filler.write_bytes(b"\0" * (server.free() - (100 << 10)))
    query = start()
    with pytest.raises(StreamingQueryException, match="No space left on device"):
        query.awaitTermination(30)
    filler.unlink()

    query = start()
    query.processAllAvailable()
    total = query.lastProgress["stateOperators"][0]["numRowsTotal"]
    assert total == 1 + 20_000
    query.stop()
    spark.stop()
