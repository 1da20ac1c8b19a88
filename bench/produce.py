"""How fast does a producer get 1 KB records acknowledged with acks=all, beside real Kafka?

Expected: at least as fast, though every acknowledgement here waits for the disk. librdkafka by way
of its Python binding (one process, records made beforehand), and Java's own tool through the peer
scripts; the servers run one after the other, each on a fresh folder. Kafka runs as it comes (no
fsync) and with fsync.
"""

import argparse
import re
import time

from confluent_kafka import Producer

from measuring import Peer, Server, have_peers, machine, median, peer, ratio, table

SIZE = 1024


def librdkafka_rate(brokers, records, rounds):
    """MB/s, the median of `rounds` after a warm-up."""
    payload = bytes(index * 7 % 256 for index in range(SIZE))
    rates = []
    for turn in range(rounds + 1):
        failed = []
        producer = Producer(
            {
                "bootstrap.servers": brokers,
                "acks": "all",
                "linger.ms": 5,
                "batch.size": 1_000_000,
                "queue.buffering.max.messages": 200_000,
            }
        )
        began = time.monotonic()
        for _ in range(records):
            while True:
                try:
                    producer.produce(
                        f"bench-{turn}",
                        payload,
                        on_delivery=lambda error, _: failed.append(error) if error else None,
                    )
                    break
                except BufferError:
                    producer.poll(0.01)
            producer.poll(0)
        producer.flush()
        if failed:
            raise SystemExit(f"{len(failed)} records were not acknowledged: {failed[0]}")
        rates.append(records * SIZE / 1e6 / (time.monotonic() - began))
    return median(rates[1:])


def java_rate(brokers, records, rounds):
    rates = []
    for turn in range(rounds + 1):
        topic = f"bench-java-{turn}"
        peer(
            "kafka",
            "tool",
            "kafka-topics",
            "--bootstrap-server",
            brokers,
            "--create",
            "--topic",
            topic,
            "--partitions",
            1,
        )
        text = peer(
            "kafka",
            "tool",
            "kafka-producer-perf-test",
            "--bootstrap-server",
            brokers,
            "--topic",
            topic,
            "--num-records",
            records,
            "--record-size",
            SIZE,
            "--throughput",
            -1,
            "--command-property",
            "acks=all",
            "--command-property",
            "linger.ms=5",
            "--command-property",
            "batch.size=131072",
        )
        rates.append(float(re.findall(r"\(([\d.]+) MB/sec\)", text)[-1]) * 1.048576)
    return median(rates[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    args = parser.parse_args()
    peers = have_peers() and not args.no_peers
    clients = {"librdkafka": librdkafka_rate, **({"Java": java_rate} if peers else {})}
    if peers:
        peer("kafka", "install")

    def measure(brokers):
        return {
            name: client(brokers, args.records, args.rounds) for name, client in clients.items()
        }

    with Server(args=["--set", "num.partitions=1"]) as server:
        rates = {"Millrace (fsync before every acknowledgement)": measure(server.brokers)}
    if peers:
        for name, settings in {"Kafka (no fsync)": (), "Kafka (fsync)": ("fsync",)}.items():
            with Peer("kafka", *settings):
                rates[name] = measure("127.0.0.1:19092")
    ours = next(iter(rates.values()))
    table(
        f"Producer, {args.records:,} x {SIZE} B, acks=all, one partition, MB/s, "
        f"median of {args.rounds}; {machine()}",
        ["server", *clients, *(f"ours to it, {name}" for name in clients)],
        [
            [
                name,
                *(f"{values[client]:.0f}" for client in clients),
                *(ratio(ours[client], values[client]) for client in clients),
            ]
            for name, values in rates.items()
        ],
    )


if __name__ == "__main__":
    main()
