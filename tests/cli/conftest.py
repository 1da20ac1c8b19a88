"""`cli(...)` runs a command of the binary against the module's server."""

import pytest

from support.cli import run_cli


@pytest.fixture
def cli(server):
    def call(*words, **more):
        return run_cli(*words, brokers=server.brokers, **more)

    return call
