"""A PySpark session on the server under test: `spark` is fresh for each test."""

import uuid

import pytest
from pyspark.sql.connect.session import SparkSession


def connect(server, **parameters):
    """A session of its own on `server`; `parameters` go into the URL."""
    parameters.setdefault("session_id", str(uuid.uuid4()))
    tail = ";".join(f"{key}={value}" for key, value in parameters.items())
    return SparkSession.builder.remote(f"{server.remote}/;{tail}").create()


@pytest.fixture
def spark(server):
    session = connect(server)
    yield session
    for query in session.streams.active:
        query.stop()
    session.stop()


@pytest.fixture
def new_session(server):
    """Makes further sessions, stopped at the end."""
    sessions = []

    def make(**parameters):
        sessions.append(connect(server, **parameters))
        return sessions[-1]

    yield make
    for session in sessions:
        session.stop()
