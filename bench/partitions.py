"""What do 10 000 partitions cost: to make, to list, to start with, to recover, in memory?

Expected: below 1 GB, ready again within seconds also after kill -9. A hundred topics of a hundred
partitions, one record in each partition; then, beside real Kafka, a hundred topics of fifty, since
Kafka holds three files open for a partition and ends when it may open no more (`ulimit -n` is often
20 000). Kafka is measured for what its scripts allow (it is not started twice on the same data).
"""

import argparse
import time

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from measuring import Peer, Server, have_peers, machine, median, peer, resident_mb, table


def make(brokers, topics, partitions):
    """Seconds to make them all, twenty topics a request, until each partition has a leader.

    Kafka answers CreateTopics before its broker knows the new partitions."""
    admin = AdminClient({"bootstrap.servers": brokers})
    began = time.monotonic()
    for first in range(0, topics, 20):
        new = [NewTopic(f"wide-{i}", partitions, 1) for i in range(first, min(first + 20, topics))]
        for made in admin.create_topics(new, request_timeout=120, operation_timeout=120).values():
            made.result(180)
    deadline = began + 180
    while count_led(admin) < topics * partitions:
        assert time.monotonic() < deadline, "not all partitions have a leader after three minutes"
        time.sleep(0.01)
    return time.monotonic() - began


def count_led(admin):
    """How many of our partitions are listed with a leader."""
    return sum(
        partition.leader >= 0
        for name, topic in admin.list_topics(timeout=60).topics.items()
        if name.startswith("wide-")
        for partition in topic.partitions.values()
    )


def list_all(brokers, topics, rounds=5):
    """Seconds for the metadata of all topics, the median of `rounds`."""
    admin = AdminClient({"bootstrap.servers": brokers})
    times = []
    for _ in range(rounds + 1):
        began = time.monotonic()
        found = admin.list_topics(timeout=60).topics
        times.append(time.monotonic() - began)
        assert sum(name.startswith("wide-") for name in found) == topics
    return median(times[1:])


def write_each(brokers, topics, partitions):
    """Seconds until one record in every partition is acknowledged with acks=all."""
    failed = []
    producer = Producer(
        {"bootstrap.servers": brokers, "acks": "all", "linger.ms": 50, "message.timeout.ms": 120000}
    )
    began = time.monotonic()
    for topic in range(topics):
        for partition in range(partitions):
            producer.produce(
                f"wide-{topic}",
                b"x" * 100,
                partition=partition,
                on_delivery=lambda error, _: failed.append(error) if error else None,
            )
        producer.poll(0)
    assert producer.flush(180) == 0 and not failed, failed[:1]
    return time.monotonic() - began


def measure_ours(topics, partitions):
    with Server() as server:
        rows = {
            "make": make(server.brokers, topics, partitions),
            "list": list_all(server.brokers, topics),
            "one record in each": write_each(server.brokers, topics, partitions),
        }
        rows["resident MB"] = resident_mb(server.process.pid)
        server.stop(120)
        server.start(120)
        rows["ready after a clean stop"] = server.ready_seconds
        server.kill()
        server.start(120)
        rows["ready after kill -9"] = server.ready_seconds
        rows["resident MB, restarted"] = resident_mb(server.process.pid)
    return rows


def measure_kafka(topics, partitions):
    brokers = "127.0.0.1:19092"
    with Peer("kafka"):
        rows = {
            "make": make(brokers, topics, partitions),
            "list": list_all(brokers, topics),
            "one record in each": write_each(brokers, topics, partitions),
        }
        print(peer("kafka", "status").strip())
    return rows


def show(partitions, ours, theirs=None):
    """Print one table: a row a measure, ours and, where there is one, the peer's."""

    def cell(name, value):
        if value is None:
            return "-"
        return f"{value:.0f}" if name.startswith("resident") else f"{value:.3f} s"

    columns = [ours] if theirs is None else [ours, theirs]
    table(
        f"{partitions:,} partitions; {machine()}",
        ["measure", "Millrace", "Kafka"][: 1 + len(columns)],
        [[name] + [cell(name, column.get(name)) for column in columns] for name in ours],
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--topics", type=int, default=100)
    parser.add_argument("--partitions", type=int, default=100)
    parser.add_argument("--beside-peer", type=int, default=50, metavar="PARTITIONS")
    parser.add_argument("--no-peers", action="store_true")
    args = parser.parse_args()
    show(args.topics * args.partitions, measure_ours(args.topics, args.partitions))
    if have_peers() and not args.no_peers:
        ours = measure_ours(args.topics, args.beside_peer)
        theirs = measure_kafka(args.topics, args.beside_peer)
        show(args.topics * args.beside_peer, ours, theirs)


if __name__ == "__main__":
    main()
