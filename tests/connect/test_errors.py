"""Mistakes get Spark's own exception classes, conditions and parameters."""

import pytest
from pyspark.errors import (AnalysisException, ArithmeticException, IllegalArgumentException,
                            ParseException, SparkNoSuchElementException)
from pyspark.sql import functions as F


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
