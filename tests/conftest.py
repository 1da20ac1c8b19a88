"""Fixtures of the black-box tests: `server` is shared by a module, `fresh_server` by one test."""

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
