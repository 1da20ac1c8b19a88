"""What the benchmarks share: servers, peers, medians, tables."""

import os
import pathlib
import platform
import statistics
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))

from support.server import SHARED, Server, binary, run, wait_until  # noqa: E402, F401

PEERS = pathlib.Path(os.environ.get("PEERS", SHARED / "peers"))


def machine() -> str:
    """Cores, processor, kernel: what every figure is measured on."""
    model = "unknown processor"
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{os.cpu_count()} cores, {model}, Linux {platform.release()}"


def peer(name: str, *words, seconds: float = 900.0) -> str:
    """One call of a peer script."""
    done = subprocess.run(
        [PEERS / name, *map(str, words)], capture_output=True, text=True, timeout=seconds
    )
    if done.returncode != 0:
        raise SystemExit(
            f"{name} {' '.join(map(str, words))} ended with {done.returncode}:\n"
            f"{done.stdout}{done.stderr}"
        )
    return done.stdout


class Peer:
    """A real system from the peer scripts, installed when missing, running inside the `with`."""

    def __init__(self, name: str, *settings):
        self.name, self.settings = name, settings

    def __enter__(self):
        peer(self.name, "install")
        print(peer(self.name, "start", *self.settings).strip(), flush=True)
        return self

    def __exit__(self, *_):
        peer(self.name, "stop")


def have_peers() -> bool:
    return (PEERS / "spark").exists()


def median(values):
    return statistics.median(values)


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(title, head, rows):
    """Print rows of text under a title, columns aligned."""
    rows = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    print(f"\n{title}")
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    sys.stdout.flush()


def ratio(ours, theirs):
    return "-" if not theirs else f"{ours / theirs:.1f}x"


def resident_mb(pid: int) -> float:
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(pid: int) -> float:
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
