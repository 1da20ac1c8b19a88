"""Starts the real binary on free ports and a fresh folder, and waits until it is ready."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"


def binary() -> str:
    return os.environ.get("MILLRACE_BINARY", str(REPOSITORY / "build/release/millrace"))


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at this moment; held together so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for held in sockets:
            held.bind(("127.0.0.1", 0))
        return [held.getsockname()[1] for held in sockets]
    finally:
        for held in sockets:
            held.close()


def wait_until(condition, what: str, seconds: float = 30.0, pause: float = 0.02):
    """Poll `condition` until it gives something true; return that, or fail by name in the end."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not true: {what}")
        time.sleep(pause)


class Server:
    """One `millrace server`. Use as a context manager; `kill()` is SIGKILL, `stop()` is SIGTERM."""

    def __init__(self, data=None, ports=None, args=(), environment=None):
        self.owned = data is None
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix="millrace-test-"))
        self.kafka_port, self.connect_port, self.http_port = ports or free_ports(3)
        self.args = list(args)
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.ready_seconds = None
        self.log = self.data.parent / (self.data.name + ".log")

    @property
    def brokers(self) -> str:
        return f"127.0.0.1:{self.kafka_port}"

    @property
    def remote(self) -> str:
        return f"sc://127.0.0.1:{self.connect_port}"

    def http(self, path: str, timeout: float = 5.0) -> str:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.http_port}{path}", timeout=timeout
        ) as reply:
            return reply.read().decode()

    def command(self) -> list[str]:
        return [
            binary(),
            "server",
            "--data",
            str(self.data),
            "--kafka-port",
            str(self.kafka_port),
            "--connect-port",
            str(self.connect_port),
            "--http-port",
            str(self.http_port),
            *self.args,
        ]

    def start(self, seconds: float = 30.0) -> "Server":
        began = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, env=self.environment
            )

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(
                    f"the server ended with {self.process.returncode}:\n{self.output()}"
                )
            try:
                return self.http("/ready") is not None
            except OSError:
                return False

        wait_until(ready, f"/ready answers (log: {self.log})", seconds, 0.005)
        self.ready_seconds = time.monotonic() - began
        return self

    def output(self) -> str:
        return self.log.read_text(errors="replace")[-8000:] if self.log.exists() else ""

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self, seconds: float = 20.0) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, failure, *_):
        self.kill()
        if failure is None and self.owned:
            shutil.rmtree(self.data, ignore_errors=True)
            self.log.unlink(missing_ok=True)


def run(*command, input=None, seconds: float = 60.0, check: bool = True) -> str:
    """Run a program without a shell and return its output; its errors are in the failure."""
    done = subprocess.run(
        [str(word) for word in command],
        input=input,
        capture_output=True,
        timeout=seconds,
        text=isinstance(input, str) or input is None,
    )
    if check and done.returncode != 0:
        raise AssertionError(
            f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
    return done.stdout
