"""Runs the real binary's commands: `run_cli` gives code, stdout and stderr."""

import json
import os
import subprocess
from typing import NamedTuple

from support.server import binary


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


def run_cli(*words, brokers=None, input=None, environment=None, seconds=60.0, text=True):
    """Without `check`: what a command ends with is what is tested, but no signal may end it."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
    if brokers:
        variables["MILLRACE_BROKERS"] = brokers
    done = subprocess.run([binary(), *map(str, words)], input=input, capture_output=True,
                          timeout=seconds, text=text, env={**variables, **(environment or {})})
    assert done.returncode >= 0, f"signal {-done.returncode} ended {words}: {done.stderr}"
    return Done(done.returncode, done.stdout, done.stderr)
