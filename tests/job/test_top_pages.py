"""The main job on the real log: every window and the ranking equal an independent computation."""

import datetime
import json
import pathlib
import re
import sys

import pyarrow.dataset
import pytest

from support.server import REPOSITORY, SHARED, Server, binary, run

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import expected  # noqa: E402

LOG = SHARED / "data" / "nasa_19950801.tsv.gz"
pytestmark = pytest.mark.skipif(not LOG.exists(), reason=f"the real log is not here: {LOG}")


@pytest.fixture(scope="module")
def served_log():
    with Server() as server:
        run(binary(), "weblog", "--brokers", server.brokers, "--input", LOG, "--quiet")
        yield server


def seconds(iso):
    return int(datetime.datetime.fromisoformat(iso.replace("Z", "+00:00")).timestamp())


def windows_in_topic(server, topic):
    lines = run(
        "kcat", "-b", server.brokers, "-C", "-t", topic, "-e", "-q", "-f", "%k\t%s\n"
    ).splitlines()
    rows = []
    for line in lines:
        key, value = line.split("\t", 1)
        row = json.loads(value)
        assert row["page"] == key
        rows.append(((seconds(row["start"]), row["page"]), [row["hits"], row.get("bytes") or 0]))
        assert seconds(row["end"]) - seconds(row["start"]) == 3600
    return rows


def windows_in_files(folder):
    """What a reader that honours the sink's log sees."""
    listed = []
    for log in sorted((folder / "_spark_metadata").glob("[!.]*")):  # Spark keeps checksums there.
        assert log.read_text().splitlines()[0] == "v1"
        listed += [
            json.loads(line)["path"].removeprefix("file://")
            for line in log.read_text().splitlines()[1:]
        ]
    table = pyarrow.dataset.dataset(listed).to_table().to_pylist()
    return [
        ((int(row["start"].timestamp()), row["page"]), [row["hits"], row["bytes"] or 0])
        for row in table
    ]


def ranking_in(text):
    """[(page, hits)] of the last table that show() printed."""
    rows = re.findall(r"^\|(/[^|\s]*) *\|(\d+) *\|", text.split("|page ")[-1], re.MULTILINE)
    return [(page, int(hits)) for page, hits in rows]


def programs(server, folder):
    where = [
        "--brokers",
        server.brokers,
        "--available-now",
        "--output",
        folder / "files",
        "--checkpoint",
        folder / "checkpoint",
    ]
    return {
        "pyspark": [
            sys.executable,
            "-W",
            "ignore",
            REPOSITORY / "examples/top_pages.py",
            "--remote",
            server.remote,
            "--output-topic",
            "page_hits_py",
            *where,
        ],
        "c++": [
            pathlib.Path(binary()).parent / "top_pages",
            "--remote",
            server.remote,
            "--output-topic",
            "page_hits_cc",
            *where,
        ],
    }


@pytest.mark.parametrize("program", ["pyspark", "c++"])
def test_every_window_and_the_ranking_equal_an_independent_computation(
    served_log, tmp_path, program
):
    command = programs(served_log, tmp_path)[program]
    output = run(*command, seconds=120)
    assert ranking_in(output) == expected.top_pages(LOG)

    want = {key: [hits, size] for key, (hits, size) in expected.closed_windows(LOG).items()}
    assert len(want) > 16_000
    for rows in (
        windows_in_topic(served_log, command[command.index("--output-topic") + 1]),
        windows_in_files(tmp_path / "files"),
    ):
        assert len(rows) == len(want), "each window comes out once"
        assert dict(rows) == want
