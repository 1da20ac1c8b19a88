"""How many transactions of 100 records does a producer commit a second, beside real Kafka?

Expected: at least as many, though each commit here waits for the disk. librdkafka by way of its
Python binding: one producer, 1 KB records, one partition, each transaction committed before the
next begins. Kafka runs as it comes (no fsync) and with fsync.
"""

import argparse
import time

from confluent_kafka import Producer

from measuring import Peer, Server, have_peers, machine, median, quantile, ratio, table

RECORDS, SIZE = 100, 1024


def measure(brokers, transactions, rounds):
    """(transactions a second, p99 of a commit in ms): the medians of `rounds` after a warm-up."""
    payload = b"x" * SIZE
    rates, tails = [], []
    for turn in range(rounds + 1):
        producer = Producer(
            {
                "bootstrap.servers": brokers,
                "transactional.id": f"bench-{turn}",
                "linger.ms": 1,
                "batch.size": 1_000_000,
            }
        )
        producer.init_transactions(60)
        commits = []
        began = time.monotonic()
        for _ in range(transactions):
            producer.begin_transaction()
            for _ in range(RECORDS):
                producer.produce("bench-txn", payload, partition=0)
            before = time.monotonic()
            producer.commit_transaction(60)
            commits.append((time.monotonic() - before) * 1000)
        rates.append(transactions / (time.monotonic() - began))
        tails.append(quantile(commits, 0.99))
    return median(rates[1:]), median(tails[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--transactions", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    args = parser.parse_args()
    with Server(args=["--set", "num.partitions=1"]) as server:
        ours = measure(server.brokers, args.transactions, args.rounds)
    rows = {"Millrace (every commit on disk)": ours}
    if have_peers() and not args.no_peers:
        for name, settings in {"Kafka (no fsync)": (), "Kafka (fsync)": ("fsync",)}.items():
            with Peer("kafka", *settings):
                rows[name] = measure("127.0.0.1:19092", args.transactions, args.rounds)
    table(
        f"{RECORDS} records of {SIZE} B a transaction, median of {args.rounds}; {machine()}",
        ["server", "transactions/s", "commit p99 ms", "ours to it"],
        [
            [name, f"{rate:.0f}", f"{tail:.1f}", ratio(ours[0], rate)]
            for name, (rate, tail) in rows.items()
        ],
    )


if __name__ == "__main__":
    main()
