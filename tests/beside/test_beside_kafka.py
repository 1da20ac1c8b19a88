"""What a real Kafka answers is what we answer: the same raw requests to both, every field compared.

Long, since it starts a Kafka: MILLRACE_PEERS_SCRIPTS names the folder of the script that brings it.
Each scenario asks one broker and notes the answers; ids and times are made comparable
(support/wire.py).
"""

import contextlib
import difflib
import json
import os
import subprocess

import of_groups
import of_logs
import of_shares
import of_transactions
import pytest
from bodies import RUN

from support.server import Server, free_ports
from support.wire import SCRIPT, Wire, have_kafka

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not have_kafka(), reason=f"no {SCRIPT}, or it has not been installed"),
]


@contextlib.contextmanager
def real_kafka():
    if address := os.environ.get("MILLRACE_REAL_KAFKA"):
        yield address
        return
    port, controller = free_ports(2)
    environment = {
        **os.environ,
        "KAFKA_PORT": str(port),
        "KAFKA_CONTROLLER_PORT": str(controller),
        "PEER_HEAP": "-Xmx512m",
    }
    subprocess.run([SCRIPT, "start"], env=environment, check=True, capture_output=True)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        subprocess.run([SCRIPT, "stop"], env=environment, check=True)


@pytest.fixture(scope="module")
def brokers():
    with Server() as ours, real_kafka() as theirs:
        yield {"Kafka": theirs, "Millrace": ours.brokers}


SCENARIOS = [
    scenario
    for module in (of_logs, of_transactions, of_shares, of_groups)
    for scenario in module.SCENARIOS
]


def transcript(wire, scenario):
    scenario(wire)
    lines = []
    for what, answer in wire.told:
        lines += [f"== {what}", *json.dumps(answer, indent=1, sort_keys=True).splitlines()]
    return [line.replace(RUN, "RUN") for line in lines]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_both_answer_alike(brokers, scenario):
    told = {}
    for server, address in brokers.items():
        with contextlib.closing(Wire(address)) as wire:
            told[server] = transcript(wire, scenario)
    assert told["Kafka"], "nothing was asked"
    found = difflib.unified_diff(told["Kafka"], told["Millrace"], "Kafka", "Millrace", n=12)
    assert told["Kafka"] == told["Millrace"], "\n" + "\n".join(found)
