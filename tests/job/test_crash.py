"""kill -9 at random moments, while producing with acks=all and querying.

No acknowledged record may be lost, none that is read twice may be counted twice, and a restart must
be ready in under a second. The seed is printed; MILLRACE_SEED replays it, MILLRACE_KILLS sets the
rounds.
"""

import collections
import json
import os
import random
import threading
import time

import pyarrow.dataset
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from support.server import Server, free_ports, wait_until

SEED = int(os.environ.get("MILLRACE_SEED") or random.SystemRandom().randrange(1 << 31))
KILLS = int(os.environ.get("MILLRACE_KILLS", "20"))
MINUTE_MS = 60_000


class Load:
    """Produces numbered events without pause and remembers which were acknowledged.

    An event that failed may or may not be in the log: its number is never reused, so that each
    number is in the log at most once.
    """

    def __init__(self, brokers):
        self.producer = Producer(
            {
                "bootstrap.servers": brokers,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 2,
                "message.timeout.ms": 60_000,
                "reconnect.backoff.max.ms": 100,
                "log_level": 2,
                "error_cb": lambda error: None,
            }
        )
        self.acknowledged = {}  # number -> offset
        self.sent = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def delivered(self, error, message):
        if error is None:
            self.acknowledged[int(message.key())] = message.offset()

    def work(self):
        while not self.stopping.is_set():
            for _ in range(20):
                event = {"n": self.sent, "page": f"/{self.sent % 7}", "ts_ms": self.sent * 50}
                try:
                    self.producer.produce(
                        "events", json.dumps(event), key=str(self.sent), on_delivery=self.delivered
                    )
                    self.sent += 1
                except BufferError:
                    break
            self.producer.poll(0.01)

    def stop(self):
        self.stopping.set()
        self.thread.join()
        assert self.producer.flush(60) == 0, "every record was answered in the end"


def read_topic(brokers, topic):
    """[(offset, value)] of partition 0, to its end."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "check",
            "enable.auto.commit": False,
            "enable.partition.eof": False,
        }
    )
    try:
        partition = TopicPartition(topic, 0)
        low, high = consumer.get_watermark_offsets(partition, timeout=20)
        consumer.assign([TopicPartition(topic, 0, low)])
        rows = []
        deadline = time.monotonic() + 60
        while high > low and (not rows or rows[-1][0] < high - 1):
            assert (
                time.monotonic() < deadline
            ), f"read {len(rows)} of {high - low} records of {topic}"
            for message in consumer.consume(5000, timeout=1):
                if message.error():
                    raise KafkaException(message.error())
                rows.append((message.offset(), message.value()))
        return rows
    finally:
        consumer.close()


def start_query(remote, brokers, folder, available_now=False):
    spark = SparkSession.builder.remote(remote).create()
    events = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", brokers)
        .option("subscribe", "events")
        .option("startingOffsets", "earliest")
        .load()
        .select(
            F.from_json(F.col("value").cast("string"), "n BIGINT, page STRING, ts_ms BIGINT").alias(
                "e"
            )
        )
        .select(F.timestamp_millis("e.ts_ms").alias("ts"), "e.page", "e.n")
    )
    counts = (
        events.withWatermark("ts", "10 seconds")
        .groupBy(F.window("ts", "1 minute"), "page")
        .agg(F.count("*").alias("hits"), F.sum("n").alias("total"))
        .select("window.start", "page", "hits", "total")
    )
    stream = (
        counts.writeStream.format("parquet")
        .outputMode("append")
        .option("checkpointLocation", str(folder / "checkpoint"))
    )
    if available_now:
        stream = stream.trigger(availableNow=True)
    return spark, stream.start(str(folder / "files"))


def sink_rows(folder):
    listed = {}
    logs = sorted(
        (folder / "files" / "_spark_metadata").iterdir(),
        key=lambda path: int(path.name.split(".")[0]),
    )
    for log in logs:
        for line in log.read_text().splitlines()[1:]:
            entry = json.loads(line)
            listed[entry["path"].removeprefix("file://")] = entry["action"]
    rows = []
    for row in pyarrow.dataset.dataset(list(listed)).to_table().to_pylist():
        rows.append(
            ((int(row["start"].timestamp() * 1000), row["page"]), (row["hits"], row["total"]))
        )
    return rows


def test_nothing_acknowledged_is_lost_and_no_window_counts_twice(tmp_path):
    print(f"MILLRACE_SEED={SEED}")
    chance = random.Random(SEED)
    server = Server(data=tmp_path / "data", ports=free_ports(3), args=["--set", "num.partitions=1"])
    (tmp_path / "data").mkdir()
    slowest = 0.0
    server.start()
    load = Load(server.brokers)
    try:
        wait_until(lambda: len(load.acknowledged) > 50, "the first records are acknowledged")
        spark, query = start_query(server.remote, server.brokers, tmp_path)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.05, 1.0))  # How long the server lives is the experiment.
            server.kill()
            server.start()
            slowest = max(slowest, server.ready_seconds)
            before = len(load.acknowledged)
            wait_until(lambda: len(load.acknowledged) > before, "records are acknowledged again")
            spark, query = start_query(server.remote, server.brokers, tmp_path)
    finally:
        load.stop()

    # What is in the log: everything acknowledged, at its offset, once.
    log = read_topic(server.brokers, "events")
    numbers = [json.loads(value)["n"] for _, value in log]
    at = {json.loads(value)["n"]: offset for offset, value in log}
    assert len(numbers) == len(set(numbers)), "no record is in the log twice"
    lost = [number for number, offset in load.acknowledged.items() if at.get(number) != offset]
    assert (
        not lost
    ), f"acknowledged but not at their offsets: {lost[:10]} of {len(load.acknowledged)}"

    # What the query made of it: each closed window once, with exact counts.
    query.stop()
    spark, query = start_query(server.remote, server.brokers, tmp_path, available_now=True)
    assert query.awaitTermination(60) and query.exception() is None
    want = collections.defaultdict(lambda: [0, 0])
    for number in numbers:
        entry = want[number * 50 // MINUTE_MS * MINUTE_MS, f"/{number % 7}"]
        entry[0] += 1
        entry[1] += number
    watermark = max(numbers) * 50 - 10_000
    closed = {key: tuple(value) for key, value in want.items() if key[0] + MINUTE_MS <= watermark}
    rows = sink_rows(tmp_path)
    assert len(rows) == len(set(key for key, _ in rows)), "no window comes out twice"
    assert dict(rows) == closed
    assert len(closed) >= 7, f"too little went through to say anything: {len(numbers)} records"
    print(
        f"{KILLS} kills, {len(numbers)} records, {len(closed)} windows, "
        f"slowest restart {slowest:.3f} s"
    )
    assert slowest < 1.0
    assert server.stop() == 0
