"""DataFrames as people use them, through PySpark's own client."""

import datetime
import decimal

import pytest
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

PEOPLE = [("ada", 36, "math"), ("bob", 25, None), ("cid", 25, "art")]


@pytest.fixture
def people(spark):
    return spark.createDataFrame(PEOPLE, "name string, age int, field string")


def test_version_and_range(spark):
    assert spark.version.startswith("4.")
    assert [row.id for row in spark.range(3).collect()] == [0, 1, 2]
    assert spark.range(10, 0, -3).collect() == [Row(id=10), Row(id=7), Row(id=4), Row(id=1)]


def test_an_empty_result_has_its_schema(spark, people):
    none = people.filter("age > 100")
    assert none.collect() == []
    assert none.schema == people.schema
    assert list(none.toPandas().columns) == ["name", "age", "field"]


def test_values_of_every_simple_type_come_back(spark):
    row = (True, 1, 2.5, "é", b"\x00\xff", datetime.date(1969, 7, 20),
           datetime.datetime(2020, 2, 29, 12, 0, 0, 123456), decimal.Decimal("12.50"), [1, None],
           {"k": 2}, Row(x=1, y="z"))
    schema = ("b boolean, i bigint, d double, s string, bin binary, day date, at timestamp_ntz, "
              "dec decimal(6,2), a array<int>, m map<string,int>, r struct<x:int,y:string>")
    frame = spark.createDataFrame([row, (None,) * 11], schema)
    first, second = frame.collect()
    assert tuple(first) == row
    assert tuple(second) == (None,) * 11


def test_select_filter_and_new_columns(people):
    rows = (people.withColumn("next", F.col("age") + 1).filter(F.col("field").isNotNull())
            .select("name", "next").orderBy("name").collect())
    assert rows == [Row(name="ada", next=37), Row(name="cid", next=26)]


def test_group_and_aggregate(people):
    rows = people.groupBy("age").agg(F.count("*").alias("n"), F.max("name").alias("last"))
    assert rows.orderBy("age").collect() == [Row(age=25, n=2, last="cid"),
                                             Row(age=36, n=1, last="ada")]


def test_join_union_distinct_limit(spark, people):
    fields = spark.createDataFrame([("math", 1), ("art", 2)], ["field", "rank"])
    joined = people.join(fields, "field", "left").orderBy("name")
    assert [row["rank"] for row in joined.collect()] == [1, None, 2]
    assert people.union(people).count() == 6
    assert people.union(people).distinct().count() == 3
    assert people.orderBy(F.desc("name")).limit(1).collect()[0].name == "cid"


def test_a_self_join_knows_which_side_a_column_is_of(people):
    a, b = people.select("name", "age"), people.select("name", "age")
    pairs = a.join(b, a["age"] == b["age"]).filter(a["name"] < b["name"])
    assert [tuple(row) for row in pairs.select(a["name"], b["name"]).collect()] == [("bob", "cid")]


def test_show_prints_sparks_table(people, capsys):
    people.select("name", "field").show(2)
    assert capsys.readouterr().out == (
        "+----+-----+\n|name|field|\n+----+-----+\n| ada| math|\n| bob| NULL|\n+----+-----+\n"
        "only showing top 2 rows\n\n")
    people.select("name").show(1, vertical=True)
    assert capsys.readouterr().out.startswith("-RECORD 0---")


def test_print_schema(people, capsys):
    people.printSchema()
    assert capsys.readouterr().out == (
        "root\n |-- name: string (nullable = true)\n |-- age: integer (nullable = true)\n"
        " |-- field: string (nullable = true)\n\n")


def test_to_pandas(people):
    table = people.orderBy("name").toPandas()
    assert list(table["name"]) == ["ada", "bob", "cid"]
    assert table["age"].dtype.name == "int32"


def test_local_data_beyond_the_cache_threshold_is_uploaded_once(spark):
    rows = [(number, "x" * 100) for number in range(30_000)]
    frame = spark.createDataFrame(rows, ["number", "text"])
    assert frame.count() == 30_000
    assert frame.agg(F.sum("number")).collect()[0][0] == sum(range(30_000))


def test_a_large_result_comes_in_many_batches(spark):
    assert len(spark.range(1_000_000).toPandas()) == 1_000_000


def test_views(spark, people):
    people.createOrReplaceTempView("people")
    assert spark.sql("SELECT max(age) AS m FROM people").collect() == [Row(m=36)]
    assert spark.table("people").count() == 3
    assert [table.name for table in spark.catalog.listTables()] == ["people"]
    assert [(column.name, column.dataType) for column in spark.catalog.listColumns("people")] == [
        ("name", "string"), ("age", "int"), ("field", "string")]
    assert spark.catalog.dropTempView("people") and not spark.catalog.tableExists("people")


def test_sql_with_arguments_and_commands(spark):
    assert spark.sql("SELECT :a + 1 AS b", {"a": 2}).collect() == [Row(b=3)]
    assert spark.sql("SELECT ? || 'x' AS b", ["y"]).collect() == [Row(b="yx")]
    spark.sql("SET spark.sql.shuffle.partitions = 7")
    assert spark.conf.get("spark.sql.shuffle.partitions") == "7"
    spark.sql("CREATE TEMPORARY VIEW v AS SELECT 1 AS one")
    assert [row.viewName for row in spark.sql("SHOW VIEWS").collect()] == ["v"]
    assert spark.sql("EXPLAIN SELECT 1").columns == ["plan"]


def test_a_chain_of_two_hundred_calls(spark):
    frame = spark.range(5)
    for number in range(200):
        frame = frame.limit(1000 - number)
    assert frame.count() == 5


def test_create_with_an_explicit_schema_casts(spark):
    schema = StructType([StructField("n", IntegerType(), False), StructField("s", StringType())])
    frame = spark.createDataFrame([(1, "a")], schema)
    assert frame.schema == schema
    assert frame.collect() == [Row(n=1, s="a")]


def test_checkpoint_keeps_rows(spark):
    kept = spark.range(4).filter("id > 1").localCheckpoint()
    assert [row.id for row in kept.collect()] == [2, 3]
    assert kept.filter("id = 3").count() == 1


def test_cache_is_known_by_what_the_plan_means(spark):
    frame = spark.range(7)
    frame.cache()
    assert spark.range(7).storageLevel.useMemory
    frame.unpersist()
    assert not spark.range(7).storageLevel.useMemory
    assert frame.sameSemantics(spark.range(7)) and not frame.sameSemantics(spark.range(8))


def test_pivot_finds_its_values(spark):
    sales = spark.createDataFrame([(2012, "java", 1), (2012, "net", 2), (2013, "java", 4)],
                                  "year int, course string, earned int")
    rows = sales.groupBy("year").pivot("course").sum("earned").orderBy("year").collect()
    assert rows == [Row(year=2012, java=1, net=2), Row(year=2013, java=4, net=None)]


def test_observed_metrics_come_with_the_rows(spark):
    from pyspark.sql import Observation
    observation = Observation("seen")
    frame = spark.range(5).observe(observation, F.count(F.lit(1)).alias("n"), F.max("id"))
    assert frame.count() == 5
    assert observation.get == {"n": 5, "max(id)": 4}


def test_the_default_format_and_file_urls(spark, tmp_path):
    spark.range(3).write.save(f"file://{tmp_path}/out")
    assert spark.read.load(f"file://{tmp_path}/out").count() == 3
