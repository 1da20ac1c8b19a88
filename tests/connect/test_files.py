"""df.write and spark.read: Spark's folders of files."""

import re

import pytest
from pyspark.errors import AnalysisException


@pytest.fixture
def frame(spark):
    return spark.createDataFrame([(1, "a", "x"), (2, "b", "y"), (3, None, "x")],
                                 "n int, s string, part string")


@pytest.mark.parametrize("format", ["parquet", "json", "csv"])
def test_what_was_written_is_read_again(spark, frame, tmp_path, format):
    path = str(tmp_path / format)
    frame.write.format(format).option("header", True).save(path)
    names = sorted(entry.name for entry in (tmp_path / format).iterdir())
    assert names[0] == "_SUCCESS"
    suffix = {"parquet": r"\.snappy\.parquet", "json": r"\.json", "csv": r"\.csv"}[format]
    assert all(re.fullmatch(r"part-\d{5}-[0-9a-f-]{36}-c000" + suffix, name) for name in names[1:])
    back = spark.read.schema(frame.schema).format(format).option("header", True).load(path)
    assert {tuple(row) for row in back.collect()} == {tuple(row) for row in frame.collect()}


def test_save_modes(spark, frame, tmp_path):
    path = str(tmp_path / "out")
    frame.write.parquet(path)
    with pytest.raises(AnalysisException) as refused:
        frame.write.parquet(path)
    assert refused.value.getCondition() == "PATH_ALREADY_EXISTS"
    frame.write.mode("ignore").parquet(path)
    assert spark.read.parquet(path).count() == 3
    frame.write.mode("append").parquet(path)
    assert spark.read.parquet(path).count() == 6
    frame.limit(1).write.mode("overwrite").parquet(path)
    assert spark.read.parquet(path).count() == 1


def test_partitions_are_folders(frame, tmp_path):
    frame.write.partitionBy("part").parquet(str(tmp_path / "out"))
    folders = sorted(entry.name for entry in (tmp_path / "out").iterdir() if entry.is_dir())
    assert folders == ["part=x", "part=y"]


def test_a_missing_path_and_an_unknown_format_have_sparks_names(spark, tmp_path):
    with pytest.raises(AnalysisException) as missing:
        spark.read.parquet(str(tmp_path / "nothing")).collect()
    assert missing.value.getCondition() == "PATH_NOT_FOUND"
    with pytest.raises(Exception) as unknown:
        spark.read.format("nonsense").load().collect()
    assert unknown.value.getCondition() == "DATA_SOURCE_NOT_FOUND"
