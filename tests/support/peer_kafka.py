"""A real Apache Kafka beside ours, from the scripts of the peers; skipped where those are not."""

import os
import pathlib
import subprocess

import pytest

from support.server import SHARED, free_ports

SCRIPT = pathlib.Path(os.environ.get("MILLRACE_PEERS_SCRIPTS", SHARED / "peers")) / "kafka"
INSTALLED = pathlib.Path(os.environ.get("MILLRACE_PEERS",
                                        pathlib.Path.home() / ".cache/millrace-peers"))


class PeerKafka:
    """One node. Use as a context manager."""

    def __init__(self):
        if not SCRIPT.exists() or not (INSTALLED / "kafka/installed").exists():
            pytest.skip(f"needs a real Kafka: {SCRIPT} install")
        self.port, controller = free_ports(2)
        self.environment = {**os.environ, "KAFKA_PORT": str(self.port),
                            "KAFKA_CONTROLLER_PORT": str(controller), "PEER_HEAP": "-Xmx512m"}

    @property
    def brokers(self):
        return f"127.0.0.1:{self.port}"

    def script(self, *words):
        done = subprocess.run([str(SCRIPT), *words], capture_output=True, text=True, timeout=300,
                              env=self.environment)
        assert done.returncode == 0, done.stdout + done.stderr

    def __enter__(self):
        self.script("start")
        return self

    def __exit__(self, *_):
        self.script("stop")
