"""`cli(...)` runs a command of the binary against the module's server."""

import pytest

from support.cli import run_cli
from support.peer_kafka import PeerKafka
from support.server import Server


@pytest.fixture
def cli(server):
    def call(*words, **more):
        return run_cli(*words, brokers=server.brokers, **more)

    return call


@pytest.fixture(scope="module",
                params=["millrace", pytest.param("kafka", marks=pytest.mark.long)])
def any_kafka(request):
    """A server of ours, and in long runs a real Kafka too: the commands work on both."""
    with Server() if request.param == "millrace" else PeerKafka() as running:
        running.is_ours = request.param == "millrace"
        yield running


@pytest.fixture
def on_any(any_kafka):
    def call(*words, **more):
        return run_cli(*words, brokers=any_kafka.brokers, **more)

    return call
