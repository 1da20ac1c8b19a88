"""Ranks the pages of a web log by hits while the records arrive.

Plain PySpark: the same text runs on Apache Spark and on Millrace.

    python examples/top_pages.py --remote sc://127.0.0.1:15002 --brokers 127.0.0.1:9092

Three queries read the topic `weblog` (docs/formats/weblog_event.md):
  - hits and bytes per page and 1-hour window that slides by 10 minutes, once the watermark has
    passed its end, to the topic `page_hits`, and
  - the same to Parquet files;
  - the live top 20 pages to the memory table `top_pages`.
"""

import argparse
import tempfile

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

EVENT = "host STRING, timestamp TIMESTAMP, request STRING, http_reply INT, bytes BIGINT"
IMAGE = r"\.(gif|jpg|jpeg|png|xbm|bmp|ico)$"


def page_views(spark, brokers, topic):
    """Successful GETs of pages: timestamp, page, bytes."""
    records = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", brokers)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .load()
    )
    events = records.select(
        F.from_json(F.col("value").cast("string"), EVENT).alias("event")
    ).select("event.*")
    return (
        events.where((F.col("http_reply") == 200) & F.col("request").startswith("GET "))
        .withColumn("page", F.regexp_extract("request", r"^GET ([^?]*)", 1))
        .where(~F.lower("page").rlike(IMAGE))
        .select("timestamp", "page", "bytes")
    )


def hits_per_window(views):
    """One row a window and page, final once the watermark has passed the window's end."""
    return (
        views.withWatermark("timestamp", "10 minutes")
        .groupBy(F.window("timestamp", "1 hour", "10 minutes"), "page")
        .agg(F.count("*").alias("hits"), F.sum("bytes").alias("bytes"))
        .select("window.start", "window.end", "page", "hits", "bytes")
    )


def top_pages(views):
    """The 20 most visited pages so far."""
    return (
        views.groupBy("page")
        .agg(F.count("*").alias("hits"), F.sum("bytes").alias("bytes"))
        .orderBy(F.desc("hits"), "page")
        .limit(20)
    )


def start(spark, args):
    views = page_views(spark, args.brokers, args.topic)
    windows = hits_per_window(views)

    def writer(frame, name):
        stream = frame.writeStream.queryName(name).option(
            "checkpointLocation", f"{args.checkpoint}/{name}"
        )
        return stream.trigger(availableNow=True) if args.available_now else stream

    to_topic = (
        writer(
            windows.select(F.col("page").alias("key"), F.to_json(F.struct("*")).alias("value")),
            "page_hits",
        )
        .format("kafka")
        .option("kafka.bootstrap.servers", args.brokers)
        .option("topic", args.output_topic)
        .outputMode("append")
        .start()
    )
    to_files = (
        writer(windows, "page_hits_files").format("parquet").outputMode("append").start(args.output)
    )
    # A memory table cannot outlive its server, and neither may its checkpoint: it starts afresh.
    ranking = (
        top_pages(views).writeStream.queryName("top_pages").format("memory").outputMode("complete")
    )
    ranking = ranking.trigger(availableNow=True) if args.available_now else ranking
    return [to_topic, to_files, ranking.start()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--remote", default="sc://127.0.0.1:15002", help="Spark Connect server")
    parser.add_argument("--brokers", default="127.0.0.1:9092", help="Kafka bootstrap servers")
    parser.add_argument("--topic", default="weblog", help="topic to read")
    parser.add_argument("--output-topic", default="page_hits", help="topic to write windows to")
    parser.add_argument("--output", help="folder for Parquet files (default: a fresh one)")
    parser.add_argument("--checkpoint", help="folder for checkpoints (default: a fresh one)")
    parser.add_argument("--available-now", action="store_true", help="read what is there, then end")
    parser.add_argument(
        "--every", type=float, default=1.0, help="seconds between shows of the ranking"
    )
    args = parser.parse_args()
    args.output = args.output or tempfile.mkdtemp(prefix="page_hits-")
    args.checkpoint = args.checkpoint or tempfile.mkdtemp(prefix="top_pages-")

    spark = SparkSession.builder.remote(args.remote).getOrCreate()
    queries = start(spark, args)
    try:
        while any(query.isActive for query in queries):
            if args.available_now:
                for query in queries:
                    query.awaitTermination()
            else:
                queries[-1].awaitTermination(args.every)
            for query in queries:
                if query.exception() is not None:
                    raise query.exception()
            spark.table("top_pages").show(truncate=False)
    except KeyboardInterrupt:
        for query in queries:
            query.stop()
    print(f"windows: topic {args.output_topic}, files {args.output}; checkpoints {args.checkpoint}")
    spark.stop()


if __name__ == "__main__":
    main()
