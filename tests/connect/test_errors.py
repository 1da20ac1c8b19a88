"""Mistakes get Spark's own exception classes, conditions and parameters."""

import pytest
from pyspark.errors import (AnalysisException, ArithmeticException, IllegalArgumentException,
                            ParseException, SparkNoSuchElementException, StreamingQueryException)
from pyspark.sql import functions as F
from support.server import run


def refused(action, kind):
    with pytest.raises(kind) as error:
        action()
    return error.value


def test_an_unknown_column_names_its_like(spark):
    error = refused(lambda: spark.range(1).select("idd").collect(), AnalysisException)
    assert error.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    assert error.getSqlState() == "42703"
    assert error.getMessageParameters()["objectName"] == "`idd`"
    assert "`id`" in error.getMessageParameters()["proposal"]


def test_an_unknown_view(spark):
    error = refused(lambda: spark.table("nowhere").collect(), AnalysisException)
    assert error.getCondition() == "TABLE_OR_VIEW_NOT_FOUND"


def test_an_unknown_function(spark):
    error = refused(lambda: spark.sql("SELECT nonsense(1)").collect(), AnalysisException)
    assert error.getCondition() == "UNRESOLVED_ROUTINE"
    assert error.getSqlState() == "42883"
    assert error.getMessageParameters()["routineName"] == "`nonsense`"
    error = refused(lambda: spark.range(1).select(F.call_function("nonsense", "id")).collect(),
                    AnalysisException)
    assert error.getCondition() == "UNRESOLVED_ROUTINE"


def test_an_unknown_topic_is_kafkas_error(spark, server):
    kafka = {"kafka.bootstrap.servers": server.brokers, "subscribe": "nowhere"}
    unknown = "UnknownTopicOrPartitionException: This server does not host this topic-partition"
    error = refused(lambda: spark.read.format("kafka").options(**kafka).load().collect(), Exception)
    assert unknown in str(error)
    stream = spark.readStream.format("kafka").options(**kafka).load().writeStream.format("noop")
    query = stream.trigger(availableNow=True).start()
    assert unknown in str(refused(lambda: query.awaitTermination(30), StreamingQueryException))
    # A stream that goes on looks some times more, and then ends too.
    query = stream.trigger(processingTime="0 seconds").start()
    assert unknown in str(refused(lambda: query.awaitTermination(30), StreamingQueryException))
    assert "nowhere" not in run("kcat", "-b", server.brokers, "-L"), "nobody made it"


def test_a_stream_may_begin_before_its_topic(spark, server):
    stream = (spark.readStream.format("kafka").option("subscribe", "later")
              .option("kafka.bootstrap.servers", server.brokers)
              .option("startingOffsets", "earliest").load())
    query = stream.writeStream.format("memory").queryName("later").start()
    run("kcat", "-b", server.brokers, "-P", "-t", "later", input="one\n")
    query.processAllAvailable()
    assert spark.table("later").count() == 1
    query.stop()


def test_a_checkpoint_of_another_query_is_refused_in_words(spark, tmp_path):
    def start(frame, mode):
        return (frame.writeStream.format("noop").outputMode(mode).trigger(availableNow=True)
                .option("checkpointLocation", str(tmp_path / "checkpoint")).start())

    def rate(rows=10):
        return spark.readStream.format("rate-micro-batch").option("rowsPerBatch", rows).load()

    counts = rate().groupBy(F.col("value") % 3).count()
    start(counts, "update").awaitTermination(30)
    start(counts, "update").awaitTermination(30)

    def words(frame, mode):
        """Of the refusal: when it starts, or when it is waited for."""
        return str(refused(lambda: start(frame, mode).awaitTermination(30), Exception))

    other_columns = rate().groupBy(F.col("value").cast("string")).agg(F.max("value"))
    assert "the query has changed" in words(other_columns, "update")
    assert "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA" in words(
        rate().dropDuplicates(["value"]), "append")
    assert "There are [1] sources in the checkpoint offsets and now there are [2]" in words(
        rate().union(rate()).groupBy(F.col("value") % 3).count(), "update")
    # The first one still goes on from where it was.
    start(counts, "update").awaitTermination(30)


def test_bad_sql(spark):
    error = refused(lambda: spark.sql("SELEC 1"), ParseException)
    assert error.getCondition() == "PARSE_SYNTAX_ERROR"
    assert error.getSqlState() == "42601"


def test_a_division_by_zero(spark):
    error = refused(lambda: spark.sql("SELECT 1 / 0").collect(), ArithmeticException)
    assert error.getCondition() == "DIVIDE_BY_ZERO"


def test_a_view_that_is_there(spark):
    spark.range(1).createTempView("v")
    error = refused(lambda: spark.range(1).createTempView("v"), AnalysisException)
    assert error.getCondition() == "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"


def test_settings(spark):
    error = refused(lambda: spark.conf.get("no.such.key"), SparkNoSuchElementException)
    assert error.getCondition() == "SQL_CONF_NOT_FOUND"
    assert spark.conf.get("no.such.key", "x") == "x"
    error = refused(lambda: spark.conf.set("spark.sql.ansi.enabled", "perhaps"),
                    IllegalArgumentException)
    assert error.getCondition() == "INVALID_CONF_VALUE.TYPE_MISMATCH"
    error = refused(lambda: spark.conf.set("spark.master", "x"), AnalysisException)
    assert error.getCondition() == "CANNOT_MODIFY_STATIC_CONFIG"


def test_what_is_not_there_yet_is_named(spark):
    with pytest.raises(Exception) as error:
        spark.range(1).select(F.udf(lambda value: value, "int")("id")).collect()
    assert "upported" in str(error.value)


def test_a_plan_deeper_than_the_limit_is_refused_and_the_server_lives(spark):
    frame = spark.range(1)
    for _ in range(400):
        frame = frame.limit(1)
    try:
        frame.collect()
    except Exception as error:  # The client may refuse it by itself.
        assert "deep" in str(error) or "recursion" in str(error).lower()
    assert spark.range(2).count() == 2
