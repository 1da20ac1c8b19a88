"""How long does the compaction of a gigabyte take, and what do producers feel of it?

Expected: ahead of real Kafka, and the p99 of a produce request at most a few times what it is
alone. A topic of 64 MB segments is loaded with 1 KB records of few keys, then made compacted;
meanwhile a producer writes 1 KB records with acks=all to another topic, one after the other. A
server looks for such work each 15 s, so the begin is seen from what its process reads (/proc), and
the end from the size of the log, as DescribeLogDirs tells it.
"""

import argparse
import asyncio
import random
import re
import threading
import time

import raw
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)
from measuring import Peer, Server, cpu_seconds, have_peers, machine, peer, quantile, table

TOPIC, OTHER = "bench-compaction", "bench-beside"
SIZE, SEGMENT = 1024, 64 << 20
QUIET_S = 5.0  # Sizes that stay so long are the end.
READS = 2 << 20  # Between two looks: more than the producer beside it causes.


def make(brokers):
    admin = AdminClient({"bootstrap.servers": brokers})
    topics = [
        NewTopic(TOPIC, 1, 1, config={"segment.bytes": str(SEGMENT)}),
        NewTopic(OTHER, 1, 1),
    ]
    for made in admin.create_topics(topics).values():
        made.result(60)
    return admin


def fill(brokers, megabytes, keys):
    producer = Producer({"bootstrap.servers": brokers, "acks": "all", "linger.ms": 5})
    dice = random.Random(1)
    payload = dice.randbytes(SIZE)
    for _ in range(megabytes * (1 << 20) // SIZE):
        while True:
            try:
                producer.produce(TOPIC, payload, key=b"%08d" % dice.randrange(keys))
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    assert producer.flush(300) == 0


def compact(admin):
    changes = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01"}
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in changes.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, TOPIC, incremental_configs=entries)
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(30)


class Writer:
    """Writes one record after the other, and remembers when each began and how long it took."""

    def __init__(self, brokers):
        self.producer = Producer({"bootstrap.servers": brokers, "acks": "all", "linger.ms": 0})
        self.samples = []
        self.stopping = False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        payload = b"x" * SIZE
        while not self.stopping:
            began = time.monotonic()
            self.producer.produce(OTHER, payload)
            assert self.producer.flush(60) == 0
            self.samples.append((began, (time.monotonic() - began) * 1000))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()

    def within(self, begin, end):
        return [took for began, took in self.samples if begin <= began <= end]


def bytes_read(pid):
    for line in open(f"/proc/{pid}/io"):
        if line.startswith("rchar:"):
            return int(line.split()[1])
    return 0


async def watch(brokers, pid, seconds):
    """(bytes before, bytes after, begin, end, processor seconds between the two)."""
    connection = await raw.Connection.to(brokers)
    asked = raw.log_dirs(TOPIC)

    async def size():
        return raw.log_dirs_answer(await connection.exchange(asked))[TOPIC, 0]

    begin = end = None
    whole = now = await size()
    read, used, used_at_end = bytes_read(pid), cpu_seconds(pid), 0
    deadline = time.monotonic() + seconds
    while end is None or time.monotonic() < end + QUIET_S:
        assert time.monotonic() < deadline, f"no end of the compaction after {seconds} s"
        earlier, read = read, bytes_read(pid)
        if begin is None and read - earlier > READS:
            begin = time.monotonic()
        if begin is None:
            used = cpu_seconds(pid)
        before, now = now, await size()
        if now != before:
            end, used_at_end = time.monotonic(), cpu_seconds(pid)
        await asyncio.sleep(0.01)
    connection.close()
    assert begin is not None and begin < end, "the size changed before anything was read"
    return whole, now, begin, end, used_at_end - used


def measure(brokers, pid, args):
    admin = make(brokers)
    fill(brokers, args.megabytes, args.keys)
    with Writer(brokers) as writer:
        time.sleep(2)  # Warm.
        alone = time.monotonic()
        time.sleep(args.seconds)
        changed = time.monotonic()
        compact(admin)
        whole, rest, begin, end, used = asyncio.run(watch(brokers, pid, args.limit))
    quiet, beside = writer.within(alone, changed), writer.within(begin, end)
    return {
        "MB before": whole / 1e6,
        "MB after": rest / 1e6,
        "compaction, s": end - begin,
        "compaction, MB/s": whole / (end - begin) / 1e6,
        "processor meanwhile, s": used,
        "produce alone, p50 ms": quantile(quiet, 0.5),
        "produce alone, p99 ms": quantile(quiet, 0.99),
        "produce beside, p50 ms": quantile(beside, 0.5),
        "produce beside, p99 ms": quantile(beside, 0.99),
        "produce beside, max ms": max(beside),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--keys", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=10, help="of producing alone")
    parser.add_argument("--limit", type=float, default=300)
    parser.add_argument("--no-peers", action="store_true")
    args = parser.parse_args()
    columns = {}
    with Server() as server:
        columns["Millrace"] = measure(server.brokers, server.process.pid, args)
    if have_peers() and not args.no_peers:
        with Peer("kafka"):
            pid = int(re.search(r"pid (\d+)", peer("kafka", "status"))[1])
            columns["Kafka (no fsync)"] = measure("127.0.0.1:19092", pid, args)
    table(
        f"{args.megabytes} MB of {args.keys} keys; {machine()}",
        ["measure", *columns],
        [
            [row] + [f"{column[row]:.2f}" for column in columns.values()]
            for row in columns["Millrace"]
        ],
    )


if __name__ == "__main__":
    main()
