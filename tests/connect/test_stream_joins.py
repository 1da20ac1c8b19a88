"""Joins of two streams and sessions, as the Spark guide has them, over files, one file a batch."""

import json
import os

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

START = "2024-01-01 "


def files(directory, batches):
    """One file for each batch of rows, in the order they are to be read."""
    directory.mkdir(exist_ok=True)
    for number, rows in enumerate(batches):
        path = directory / f"{number}.json"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))


def stream(spark, directory, schema):
    return (spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).json(str(directory)))


@pytest.fixture
def ads(spark, tmp_path):
    """Impressions and clicks, with the guide's watermarks."""
    impressions = [[(1, "10:00"), (2, "10:10")], [(3, "11:00"), (4, "12:30")],
                   [(5, "16:00")], [(6, "20:00")]]
    clicks = [[(1, "10:30"), (1, "11:00"), (1, "11:01")], [(9, "11:00"), (4, "12:29")],
              [(3, "11:59"), (5, "16:00")], [(6, "20:30")], [(2, "10:20")]]
    files(tmp_path / "impressions",
          [[{"impressionAdId": ad, "impressionTime": f"{START}{at}:00"} for ad, at in batch]
           for batch in impressions])
    files(tmp_path / "clicks",
          [[{"clickAdId": ad, "clickTime": f"{START}{at}:00"} for ad, at in batch]
           for batch in clicks])
    return (stream(spark, tmp_path / "impressions", "impressionAdId INT, impressionTime TIMESTAMP")
            .withWatermark("impressionTime", "2 hours"),
            stream(spark, tmp_path / "clicks", "clickAdId INT, clickTime TIMESTAMP")
            .withWatermark("clickTime", "3 hours"))


WITHIN_AN_HOUR = """
    clickAdId = impressionAdId AND
    clickTime >= impressionTime AND
    clickTime <= impressionTime + interval 1 hour
"""


def run(frame, tmp_path, name, mode="append"):
    """The rows that come out, and the query."""
    query = (frame.writeStream.format("memory").queryName(name).outputMode(mode)
             .option("checkpointLocation", str(tmp_path / f"{name}-checkpoint"))
             .trigger(availableNow=True).start())
    query.awaitTermination()
    assert query.exception() is None
    return frame.sparkSession.table(name).collect(), query


def times(rows):
    """The rows, sorted, with times of the day in place of timestamps."""
    return sorted((tuple(value.strftime("%H:%M") if hasattr(value, "strftime") else value
                         for value in row) for row in rows), key=str)


JOINED = [(1, "10:00", 1, "10:30"), (1, "10:00", 1, "11:00"), (3, "11:00", 3, "11:59"),
          (5, "16:00", 5, "16:00"), (6, "20:00", 6, "20:30")]
IMPRESSIONS_ALONE = [(2, "10:10", None, None), (4, "12:30", None, None)]
CLICKS_ALONE = [(None, None, 1, "11:01"), (None, None, 4, "12:29"), (None, None, 9, "11:00")]


@pytest.mark.parametrize("how, expected", [
    ("inner", JOINED),
    ("leftOuter", JOINED + IMPRESSIONS_ALONE),
    ("rightOuter", JOINED + CLICKS_ALONE),
    ("fullOuter", JOINED + IMPRESSIONS_ALONE + CLICKS_ALONE),
    ("leftSemi", [(1, "10:00"), (3, "11:00"), (5, "16:00"), (6, "20:00")]),
])
def test_impressions_meet_their_clicks(spark, tmp_path, ads, how, expected):
    impressions, clicks = ads
    rows, query = run(impressions.join(clicks, F.expr(WITHIN_AN_HOUR), how), tmp_path, f"ads_{how}")
    assert times(rows) == sorted(expected, key=str)
    state = query.lastProgress["stateOperators"][0]
    assert state["operatorName"] == "symmetricHashJoin"
    dropped = sum(progress["stateOperators"][0]["numRowsDroppedByWatermark"]
                  for progress in query.recentProgress)
    assert dropped == 1, "the click on advertisement 2 came too late"


def test_an_outer_join_of_streams_needs_a_watermark(spark, tmp_path, ads):
    impressions, clicks = ads
    with pytest.raises(AnalysisException) as error:
        (impressions.join(clicks, F.expr("clickAdId = impressionAdId"), "leftOuter")
         .writeStream.format("noop").start())
    assert "is not supported without a watermark in the join keys" in str(error.value)
    with pytest.raises(AnalysisException) as error:
        (impressions.join(clicks, F.expr(WITHIN_AN_HOUR), "leftOuter").writeStream.format("noop")
         .outputMode("update").start())
    assert "is not supported in Update output mode, only in Append output mode" in str(error.value)


def test_joined_rows_are_counted_by_the_hour(spark, tmp_path, ads):
    impressions, clicks = ads
    counted = (impressions.join(clicks, F.expr(WITHIN_AN_HOUR), "leftOuter")
               .groupBy(F.window("impressionTime", "1 hour"))
               .agg(F.count("*").alias("rows"), F.count("clickAdId").alias("clicks"))
               .select("window.start", "rows", "clicks"))
    rows, _ = run(counted, tmp_path, "counted")
    assert times(rows) == [("10:00", 3, 2), ("11:00", 1, 1), ("12:00", 1, 0)]


def test_what_users_do_within_sessions(spark, tmp_path):
    visits = [[("ann", "10:00"), ("ann", "10:04"), ("bob", "10:03")],
              [("bob", "10:20"), ("ann", "10:08"), ("ann", "10:15")],
              [("cid", "12:00")], [("ann", "10:16")]]
    files(tmp_path / "visits", [[{"who": who, "at": f"{START}{at}:00"} for who, at in batch]
                                for batch in visits])
    gap = F.when(F.col("who") == "bob", "30 minutes").otherwise("5 minutes")
    sessions = (stream(spark, tmp_path / "visits", "who STRING, at TIMESTAMP")
                .withWatermark("at", "10 minutes")
                .groupBy(F.session_window("at", gap), "who").count()
                .select("session_window.start", "session_window.end", "who", "count"))
    rows, query = run(sessions, tmp_path, "sessions")
    assert times(rows) == [("10:00", "10:13", "ann", 3), ("10:03", "10:50", "bob", 2),
                           ("10:15", "10:21", "ann", 2)]
    assert (query.lastProgress["stateOperators"][0]["operatorName"]
            == "sessionWindowStateStoreSaveExec")
    with pytest.raises(AnalysisException) as error:
        sessions.writeStream.format("noop").outputMode("update").start()
    assert "session window streaming aggregations" in str(error.value)
