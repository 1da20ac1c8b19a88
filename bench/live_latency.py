"""How long from a record's append until its result row can be read, live, beside real Spark?

Expected: p50 below 10 ms, and a twentieth of Spark's. A steady load (10 000 events/s) flows into a
topic, stamped with its time of append; a query counts hits per page in update mode and writes to
another topic the page, its count and the newest of those times; a consumer takes the wall clock
less that time as each row arrives. Producer, engine and consumer share the machine and its clock.
"""

import argparse
import json
import subprocess
import tempfile
import time

from confluent_kafka import Consumer, TopicPartition
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from measuring import Peer, Server, binary, have_peers, machine, quantile, ratio, table

EVENT = "host STRING, timestamp TIMESTAMP, request STRING, http_reply INT, bytes BIGINT"


def measure(remote, brokers, rate, warm_up, seconds, output):
    """Latencies in ms of every row that arrived in the measured time."""
    spark = SparkSession.builder.remote(remote).create()
    spark.conf.set("spark.sql.shuffle.partitions", "2")
    load = subprocess.Popen(
        [
            binary(),
            "weblog",
            "--brokers",
            brokers,
            "--rate",
            str(rate),
            "--records",
            str(int(rate * (warm_up + seconds + 30))),
            "--seed",
            "1",
            "--quiet",
        ]
    )
    query = None
    try:
        with tempfile.TemporaryDirectory(prefix="bench-live-") as folder:
            events = (
                spark.readStream.format("kafka")
                .option("kafka.bootstrap.servers", brokers)
                .option("subscribe", "weblog")
                .option("startingOffsets", "latest")
                .load()
                .select(
                    "timestamp", F.from_json(F.col("value").cast("string"), EVENT).alias("event")
                )
                .where(F.col("event.http_reply") == 200)
            )
            counts = (
                events.groupBy(F.col("event.request").alias("page"))
                .agg(F.count("*").alias("hits"), F.max("timestamp").alias("newest"))
                .select(
                    F.to_json(
                        F.struct("page", "hits", F.unix_millis("newest").alias("newest"))
                    ).alias("value")
                )
            )
            query = (
                counts.writeStream.format("kafka")
                .outputMode("update")
                .option("kafka.bootstrap.servers", brokers)
                .option("topic", output)
                .option("checkpointLocation", f"{folder}/checkpoint")
                .start()
            )
            consumer = Consumer(
                {
                    "bootstrap.servers": brokers,
                    "group.id": "bench",
                    "fetch.wait.max.ms": 100,
                    "enable.auto.commit": False,
                    "topic.metadata.refresh.interval.ms": 500,
                }
            )
            consumer.assign([TopicPartition(output, 0, 0)])
            latencies = []
            begin = time.time() + warm_up
            while time.time() < begin + seconds:
                # One by one: consume() waits until its whole number has come, or the time is up.
                message = consumer.poll(0.05)
                now = time.time()
                if message is not None and message.error() is None and now >= begin:
                    latencies.append(now * 1000 - json.loads(message.value())["newest"])
            consumer.close()
            query.stop()
    finally:
        load.kill()
        load.wait()
    spark.stop()
    return latencies


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--no-peers", action="store_true")
    args = parser.parse_args()
    # The time of a record is when it was appended, not when its producer made it.
    settings = ["num.partitions=1", "log.message.timestamp.type=LogAppendTime"]
    with Server(args=[word for setting in settings for word in ("--set", setting)]) as server:
        results = {
            "Millrace": measure(
                server.remote, server.brokers, args.rate, 5, args.seconds, "live-ours"
            )
        }
        if have_peers() and not args.no_peers:
            with Peer("spark"):
                results["Spark"] = measure(
                    "sc://127.0.0.1:15102",
                    server.brokers,
                    args.rate,
                    30,
                    args.seconds,
                    "live-spark",
                )
    ours = results["Millrace"]
    rows = []
    for name, values in results.items():
        rows.append(
            [
                name,
                len(values),
                *(f"{quantile(values, share):.1f}" for share in (0.5, 0.99, 0.999)),
                ratio(quantile(values, 0.5), quantile(ours, 0.5)),
            ]
        )
    table(
        f"Append to visible row at {args.rate:,} events/s, {args.seconds:.0f} s; {machine()}",
        ["engine", "rows", "p50 ms", "p99 ms", "p99.9 ms", "p50 to ours"],
        rows,
    )


if __name__ == "__main__":
    main()
