"""Runs the external suites of a folder against a fresh server and prints one table.

    python tests/conformance.py FOLDER [suite ...] [--log DIR]

Each suite is a program of that folder that prints "N passed, N failed[, N skipped]" as its last
line; all that it prints goes to a log file. A suite gets a server of its own, so that none depends
on another.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

from support.server import Server

# What exists so far. Not yet: transactions, share groups, the new group protocol (the librdkafka
# numbers that need them fail), and Spark statements beyond queries and views.
SUITES = {
    "spark_functions": lambda folder, server: [
        sys.executable,
        folder / "spark_functions.py",
        server.remote,
    ],
    "pyspark_doctests": lambda folder, server: [
        sys.executable,
        folder / "pyspark_doctests.py",
        "--remote",
        server.remote,
    ],
    "spark_golden_sql": lambda folder, server: [
        sys.executable,
        folder / "spark_golden_sql.py",
        server.remote,
    ],
    "franz-go": lambda folder, server: [folder / "franz-go", server.brokers, "-seconds", "120"],
    "librdkafka": lambda folder, server: [folder / "librdkafka", "-seconds", "120", server.brokers],
}
# Some tests of librdkafka count on Kafka's pause before a group's first rebalance.
ARGUMENTS = {
    "librdkafka": ["--set", "num.partitions=4", "--set", "group.initial.rebalance.delay.ms=3000"]
}


def run_suite(name, folder, log):
    """(passed, failed, skipped), or None when the suite did not come to its end."""
    with Server(args=ARGUMENTS.get(name, [])) as server, open(log, "w") as out:
        subprocess.run(
            list(map(str, SUITES[name](folder, server))), stdout=out, stderr=subprocess.STDOUT
        )
    found = re.findall(
        r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", log.read_text(errors="replace"), re.M
    )
    return tuple(int(number or 0) for number in found[-1]) if found else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument(
        "suites", nargs="*", default=list(SUITES), metavar="suite", help="of: " + ", ".join(SUITES)
    )
    parser.add_argument(
        "--log", type=pathlib.Path, help="folder for the suites' output (default: a fresh one)"
    )
    args = parser.parse_args()
    logs = args.log or pathlib.Path(tempfile.mkdtemp(prefix="conformance-"))
    logs.mkdir(parents=True, exist_ok=True)
    print(f"{'suite':20} {'passed':>7} {'failed':>7} {'skipped':>7}")
    for name in args.suites:
        result = run_suite(name, args.folder, logs / f"{name}.log")
        words = "did not come to its end" if result is None else "{:7} {:7} {:7}".format(*result)
        print(f"{name:20} {words}", flush=True)
    print(f"output of each suite: {logs}")


if __name__ == "__main__":
    main()
