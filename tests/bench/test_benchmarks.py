"""The benchmarks start: each finds what it imports and explains itself."""

import os
import sys

import pytest

from support.server import REPOSITORY, run

BENCHMARKS = sorted(
    path for path in (REPOSITORY / "bench").glob("*.py") if "__main__" in path.read_text()
)


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_a_benchmark_explains_itself(path, monkeypatch):
    monkeypatch.setitem(os.environ, "PYTHONPATH", str(REPOSITORY / "bench"))
    question = path.read_text().splitlines()[0].strip('"')
    assert " ".join(question.split()) in " ".join(run(sys.executable, path, "--help").split())
