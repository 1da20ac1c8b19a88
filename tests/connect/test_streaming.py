"""Structured Streaming through PySpark: start, watch, control, stop."""

import json

import pytest
from pyspark.errors import AnalysisException, StreamingQueryException
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQueryListener
from support.server import wait_until


def rate(spark, rows=100):
    return spark.readStream.format("rate").option("rowsPerSecond", rows).load()


def test_a_memory_table_can_be_asked_while_it_is_filled(spark):
    query = (rate(spark).groupBy((F.col("value") % 2).alias("odd")).count()
             .writeStream.format("memory").queryName("odds").outputMode("complete").start())
    assert query.isActive and query.name == "odds"
    wait_until(lambda: spark.table("odds").count() == 2, "both groups are there")
    assert spark.sql("SELECT sum(count) AS n FROM odds").collect()[0].n > 0
    progress = wait_until(lambda: query.lastProgress, "there is progress")
    assert progress["name"] == "odds" and progress["id"] == query.id
    assert json.loads(progress.json)["sources"]
    assert query.recentProgress
    assert query.status["isTriggerActive"] in (True, False)
    assert [active.id for active in spark.streams.active] == [query.id]
    assert spark.streams.get(query.id).runId == query.runId
    query.stop()
    assert not query.isActive and spark.streams.active == []
    assert query.exception() is None
    assert query.awaitTermination(5)


def test_await_termination_times_out(spark):
    query = rate(spark).writeStream.format("noop").start()
    assert query.awaitTermination(1) is False
    query.stop()


def test_files_available_now_to_files(spark, tmp_path):
    for number in range(3):
        spark.range(number * 10, number * 10 + 10).write.mode("append").json(str(tmp_path / "in"))
    stream = spark.readStream.schema("id long").json(str(tmp_path / "in"))
    assert stream.isStreaming
    start = (stream.filter("id % 2 = 0").writeStream.format("parquet")
             .option("checkpointLocation", str(tmp_path / "checkpoint"))
             .trigger(availableNow=True))
    start.start(str(tmp_path / "out")).awaitTermination()
    assert spark.read.parquet(str(tmp_path / "out")).count() == 15
    spark.range(100, 110).write.mode("append").json(str(tmp_path / "in"))
    start.start(str(tmp_path / "out")).awaitTermination()
    assert spark.read.parquet(str(tmp_path / "out")).count() == 20


def test_what_cannot_be_a_stream(spark):
    with pytest.raises(AnalysisException) as error:
        spark.range(1).writeStream.format("noop").start()
    assert error.value.getCondition() == "WRITE_STREAM_NOT_ALLOWED"
    with pytest.raises(AnalysisException):
        rate(spark).collect()


def test_a_failed_query_tells_why(spark, tmp_path):
    spark.range(1).write.json(str(tmp_path / "in"))
    query = (spark.readStream.schema("id long").json(str(tmp_path / "in"))
             .select(F.expr("1 / id")).writeStream.format("noop").start())
    with pytest.raises(StreamingQueryException):
        query.awaitTermination(30)
    assert "DIVIDE_BY_ZERO" in str(query.exception())


def test_listeners_hear_of_progress_and_the_end(spark):
    heard = []

    class Listener(StreamingQueryListener):
        def onQueryStarted(self, event):
            heard.append(("started", str(event.id)))

        def onQueryProgress(self, event):
            heard.append(("progress", str(event.progress.id)))

        def onQueryIdle(self, event):
            pass

        def onQueryTerminated(self, event):
            heard.append(("terminated", str(event.id)))

    listener = Listener()
    spark.streams.addListener(listener)
    query = rate(spark).writeStream.format("noop").start()
    wait_until(lambda: ("progress", query.id) in heard, "progress was heard of")
    query.stop()
    wait_until(lambda: ("terminated", query.id) in heard, "the end was heard of")
    assert heard[0] == ("started", query.id)
    spark.streams.removeListener(listener)
