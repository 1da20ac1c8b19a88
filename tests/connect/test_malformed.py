"""Records that are no JSON or CSV, or not of the schema: nulls that are counted, or errors."""

import json
import re

import pytest
from pyspark.errors import AnalysisException, SparkRuntimeException, StreamingQueryException
from pyspark.sql import functions as F
from support.server import run, wait_until

GOOD = ['{"n":1,"page":"/a"}', '{"n":2,"page":"/b","more":[1]}', "{}"]
BAD = ['{"n":1', "no json", '{"n":"x","page":"/c"}']


def parsed(frame, schema="n INT, page STRING", **options):
    return frame.select(F.from_json("value", schema, options).alias("r")).select("r.*")


def lines(spark, *values):
    return spark.createDataFrame([(value,) for value in values], "value STRING")


def test_permissive_keeps_what_fits(spark):
    rows = parsed(lines(spark, *GOOD, *BAD)).collect()
    assert [tuple(row) for row in rows] == [
        (1, "/a"), (2, "/b"), (None, None), (None, None), (None, None), (None, "/c")]


def test_the_text_is_kept_where_a_column_is_there_for_it(spark):
    for options, column in (({}, "_corrupt_record"),
                            ({"columnNameOfCorruptRecord": "bad"}, "bad")):
        rows = parsed(lines(spark, GOOD[0], *BAD), f"n INT, page STRING, {column} STRING",
                      **options).collect()
        assert [row[column] for row in rows] == [None, *BAD]


@pytest.mark.parametrize("record, condition, told", [
    ("no json", "WITHOUT_SUGGESTION", "[null,null]"),
    ('{"n":"x","page":"/c"}', "WITHOUT_SUGGESTION", "[null,/c]"),
    ("[1]", "CANNOT_PARSE_JSON_ARRAYS_AS_STRUCTS", "[1]"),
])
def test_fail_fast_is_an_error(spark, record, condition, told):
    assert parsed(lines(spark, *GOOD), mode="FAILFAST").count() == len(GOOD)
    with pytest.raises(Exception) as error:
        parsed(lines(spark, GOOD[0], record), mode="FAILFAST").collect()
    assert error.value.getCondition() == f"MALFORMED_RECORD_IN_PARSING.{condition}"
    assert error.value.getSqlState() == "22023"
    assert error.value.getMessageParameters() == {"badRecord": told, "failFastMode": "FAILFAST"}


def test_fail_fast_names_the_field_that_is_no_number(spark):
    with pytest.raises(SparkRuntimeException) as error:
        parsed(lines(spark, '{"n":"str"}'), "n FLOAT", mode="FAILFAST").collect()
    assert error.value.getMessageParameters() == {
        "badRecord": '{"n":"str"}', "failFastMode": "FAILFAST", "fieldName": "`n`",
        "fieldValue": "'str'", "inputType": "StringType", "targetType": "FloatType"}


def test_from_json_cannot_drop_rows(spark):
    with pytest.raises(AnalysisException) as error:
        parsed(lines(spark, *BAD), mode="DROPMALFORMED").collect()
    assert error.value.getCondition() == "PARSE_MODE_UNSUPPORTED"


@pytest.mark.parametrize("format, content, good, corrupt", [
    ("json", '{"n":1,"page":"/a"}\n{"n"\n{"n":"x","page":"/c"}\n', (1, "/a"),
     [None, '{"n"', '{"n":"x","page":"/c"}']),
    ("csv", "1,/a\nx,/b\n3\n", (1, "/a"), [None, "x,/b", "3"]),
])
def test_readers_obey_the_mode(spark, tmp_path, format, content, good, corrupt):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "part").write_text(content)

    def read(schema="n INT, page STRING", **options):
        return spark.read.format(format).schema(schema).options(**options).load(
            str(tmp_path / "in"))

    rows = read("n INT, page STRING, _corrupt_record STRING").collect()
    assert tuple(rows[0])[:2] == good
    assert [row["_corrupt_record"] for row in rows] == corrupt
    assert [tuple(row) for row in read(mode="DROPMALFORMED").collect()] == [good]
    with pytest.raises(Exception, match="MALFORMED_RECORD_IN_PARSING"):
        read(mode="FAILFAST").collect()


def counted(server, name):
    found = re.search(
        rf'^millrace_query_malformed_records_total{{query="{name}"}} (\d+)$',
        server.http("/metrics"), re.MULTILINE)
    return int(found[1]) if found else None


def test_a_stream_counts_them_and_goes_on(spark, server):
    topic, name = "malformed", "malformed_counted"
    run("kcat", "-b", server.brokers, "-P", "-t", topic, input="\n".join(GOOD + BAD) + "\n")
    events = (spark.readStream.format("kafka")
              .option("kafka.bootstrap.servers", server.brokers).option("subscribe", topic)
              .option("startingOffsets", "earliest").load()
              .select(F.col("value").cast("string").alias("value")))
    query = (parsed(events).where("n > 0").where(~F.lower("page").rlike("x"))
             .groupBy("page").count()
             .writeStream.format("memory").queryName(name).outputMode("complete").start())
    query.processAllAvailable()
    assert sorted(map(tuple, spark.table(name).collect())) == [("/a", 1), ("/b", 1)]
    progress = query.lastProgress
    assert progress["sources"][0]["numInputRows"] == len(GOOD + BAD)
    assert progress["sources"][0]["metrics"]["malformedRecords"] == str(len(BAD))
    assert counted(server, name) == len(BAD)
    assert f"query {name}: active" in server.http("/")
    assert f"{len(BAD)} malformed records" in server.http("/")

    run("kcat", "-b", server.brokers, "-P", "-t", topic, input="{\n" + GOOD[0] + "\n")
    query.processAllAvailable()
    wait_until(lambda: counted(server, name) == len(BAD) + 1, "one more is counted")
    assert query.isActive and query.exception() is None
    query.stop()


def test_a_stream_of_files_counts_them(spark, server, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("1,/a\nx,/b\n3\n")
    query = (spark.readStream.schema("n INT, page STRING").csv(str(tmp_path / "in"))
             .writeStream.format("memory").queryName("malformed_files").start())
    query.processAllAvailable()
    assert spark.table("malformed_files").count() == 3
    assert json.loads(query.lastProgress.json)["sources"][0]["metrics"] == {
        "malformedRecords": "2"}
    assert counted(server, "malformed_files") == 2
    query.stop()


def test_a_stream_that_fails_fast_ends_with_the_error(spark, server):
    run("kcat", "-b", server.brokers, "-P", "-t", "failfast", input=BAD[1] + "\n")
    events = (spark.readStream.format("kafka")
              .option("kafka.bootstrap.servers", server.brokers).option("subscribe", "failfast")
              .option("startingOffsets", "earliest").load()
              .select(F.col("value").cast("string").alias("value")))
    query = parsed(events, mode="FAILFAST").writeStream.format("noop").start()
    with pytest.raises(StreamingQueryException, match="MALFORMED_RECORD_IN_PARSING"):
        query.awaitTermination(30)
