"""Runs suites that others wrote against fresh servers, and prints one table.

    python tests/conformance.py CONFORMANCE [--peers PEERS] [--suites A;B] [--cases "X Y"]
                                [--log DIR] [--report MD]

CONFORMANCE and PEERS are folders of scripts that bring and run the suites (support/suites.py).
Each suite has a server of its own, so that none depends on another; all that it prints goes to a
log file. --cases runs only these of one suite; with the log folder of an earlier run, its other
cases count as they were. --report writes the table and every case that did not pass into the
generated part of a Markdown page (docs/compatibility.md); what it says of other suites stays.
"""

import argparse
import pathlib
import sys
import tempfile

from support import page
from support.server import Server
from support.suites import SUITES, read_cases

def run_suite(suite, folders, log, cases):
    settings = [word for setting in suite.settings for word in ("--set", setting)]
    with Server(args=settings) as server, open(log, "a") as out:
        if cases:
            suite.choose(folders, server, out, cases)
        else:
            suite.run(folders, server, out)
    return read_cases(log.read_text(errors="replace"), suite.counts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("conformance", type=pathlib.Path, help="folder of the suites")
    parser.add_argument("--peers", type=pathlib.Path, help="folder of the real systems' scripts")
    parser.add_argument("--suites", help="of: " + "; ".join(SUITES) + " (separated by ;)")
    parser.add_argument("--cases", default="", help="of the one suite, separated by spaces")
    parser.add_argument(
        "--log", type=pathlib.Path, help="folder for the suites' output (default: a fresh one)"
    )
    parser.add_argument("--report", type=pathlib.Path, help="page whose generated part to write")
    args = parser.parse_args()
    wanted = args.suites.split(";") if args.suites else list(SUITES)
    unknown = [name for name in wanted if name not in SUITES]
    if unknown:
        sys.exit(f"There is no suite {unknown[0]}; there are: {'; '.join(SUITES)}")
    cases = args.cases.split()
    if cases and (len(wanted) != 1 or not SUITES[wanted[0]].choose):
        sys.exit("--cases is for one suite that can run some of its cases")
    folders = {"conformance": args.conformance}
    if args.peers and args.peers.is_dir():
        folders["peers"] = args.peers.resolve()
    logs = args.log or pathlib.Path(tempfile.mkdtemp(prefix="conformance-"))
    logs.mkdir(parents=True, exist_ok=True)
    results = {}
    print(f"{'suite':30} {'passed':>7} {'failed':>7} {'skipped':>7}")
    for name in wanted:
        suite = SUITES[name]
        if suite.folder and suite.folder not in folders:
            print(f"{name:30} not run: it needs the folder --{suite.folder}", flush=True)
            continue
        log = logs / f"{name}.log"
        if not cases:
            log.unlink(missing_ok=True)
        result = run_suite(suite, folders, log, cases)
        results[name] = result
        words = (
            f"{result.passed:7} {result.failed:7} {result.skipped:7}"
            if result
            else "did not come to its end"
        )
        print(f"{name:30} {words}", flush=True)
    print(f"output of each suite: {logs}")
    if args.report:
        entries = {name: page.entry(SUITES[name], result) for name, result in results.items()}
        args.report.write_text(page.update(args.report.read_text(), entries, list(SUITES)))


if __name__ == "__main__":
    main()
