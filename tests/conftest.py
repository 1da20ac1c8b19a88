"""Fixtures of the black-box tests: `server` is shared by a module, `fresh_server` by one test."""

import atexit
import gc
import sys
import pathlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from support.server import Server  # noqa: E402


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        yield running


@pytest.fixture
def fresh_server():
    with Server() as running:
        yield running


def pytest_unconfigure():
    """A PySpark client that was not closed asks its server once more when the interpreter ends, and
    tries for minutes; here the servers are gone, many of them killed on purpose."""
    if "pyspark.sql.connect.client.core" not in sys.modules:
        return
    from pyspark.sql.connect.client.core import SparkConnectClient

    for client in gc.get_objects():
        if type(client) is SparkConnectClient:
            atexit.unregister(client._on_exit)
