"""How soon is a fresh server ready, and what does it cost when idle?

Expected: ready below 100 ms; next to no processor time when idle. Ready is when /ready answers.
"""

import argparse
import time

from measuring import Server, cpu_seconds, machine, median, resident_mb, table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--idle-seconds", type=float, default=10)
    args = parser.parse_args()
    ready = []
    for _ in range(args.rounds):
        with Server() as server:
            ready.append(server.ready_seconds * 1000)
    with Server() as server:
        before = cpu_seconds(server.process.pid)
        time.sleep(args.idle_seconds)
        idle = (cpu_seconds(server.process.pid) - before) / args.idle_seconds * 100
        memory = resident_mb(server.process.pid)
    table(
        f"Start and idle, median of {args.rounds}; {machine()}",
        ["measure", "value"],
        [
            ["ready after", f"{median(ready):.0f} ms (worst {max(ready):.0f})"],
            ["resident when idle", f"{memory:.0f} MB"],
            ["processor when idle", f"{idle:.2f} % of a core"],
        ],
    )


if __name__ == "__main__":
    main()
