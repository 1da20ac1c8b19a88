"""How many events a second does the main job take, beside real Spark on the same topic?

Expected: at least 10 times Spark's. Both engines read the topic from Millrace's Kafka port, with
the same PySpark program (examples/top_pages.py): sliding windows to Parquet in append mode, and the
ranking to a memory table in complete mode, each by itself, availableNow, in one process of two
cores. The first run of each is a warm-up (Spark's JVM); the figure is the median of the others.
"""

import argparse
import sys
import tempfile
import time

from measuring import (
    REPOSITORY,
    Peer,
    Server,
    binary,
    have_peers,
    machine,
    median,
    ratio,
    run,
    table,
)

sys.path.insert(0, str(REPOSITORY / "examples"))

from pyspark.sql import SparkSession  # noqa: E402
import top_pages  # noqa: E402


def seconds_of(frame, output_format, mode, **options):
    with tempfile.TemporaryDirectory(prefix="bench-job-") as folder:
        writer = frame.writeStream.format(output_format).outputMode(mode).trigger(availableNow=True)
        writer = writer.option("checkpointLocation", f"{folder}/checkpoint")
        for key, value in options.items():
            writer = writer.option(key, value)
        began = time.monotonic()
        query = writer.start(f"{folder}/files") if output_format == "parquet" else writer.start()
        query.awaitTermination()
        if query.exception() is not None:
            raise query.exception()
        return time.monotonic() - began


def measure(remote, brokers, records, rounds):
    """{job: events a second}, the median of `rounds` after one warm-up."""
    spark = SparkSession.builder.remote(remote).create()
    spark.conf.set("spark.sql.shuffle.partitions", "2")
    views = top_pages.page_views(spark, brokers, "weblog")
    jobs = {
        "windows to Parquet": lambda: seconds_of(
            top_pages.hits_per_window(views), "parquet", "append"
        ),
        "ranking to noop": lambda: seconds_of(top_pages.top_pages(views), "noop", "complete"),
    }
    rates = {}
    for name, job in jobs.items():
        times = [job() for _ in range(rounds + 1)]
        rates[name] = records / median(times[1:])
        print(f"  {remote} {name}: {', '.join(f'{value:.2f}' for value in times)} s", flush=True)
    spark.stop()
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    args = parser.parse_args()
    with Server() as server:
        run(
            binary(),
            "weblog",
            "--brokers",
            server.brokers,
            "--records",
            args.records,
            "--seed",
            1,
            "--quiet",
            seconds=600,
        )
        ours = measure(server.remote, server.brokers, args.records, args.rounds)
        theirs = {}
        if have_peers() and not args.no_peers:
            with Peer("spark"):
                theirs = measure("sc://127.0.0.1:15102", server.brokers, args.records, args.rounds)
    table(
        f"Main job, {args.records:,} events, median of {args.rounds}; {machine()}",
        ["job", "Millrace events/s", "Spark events/s", "ratio"],
        [
            [
                name,
                f"{rate:,.0f}",
                f"{theirs[name]:,.0f}" if name in theirs else "-",
                ratio(rate, theirs.get(name)),
            ]
            for name, rate in ours.items()
        ],
    )


if __name__ == "__main__":
    main()
