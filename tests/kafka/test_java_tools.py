"""Kafka's own command-line tools against the binary, by the peer script that brings them.

MILLRACE_PEERS_SCRIPTS names the folder of that script; without it and without an installed Kafka
the tests say so and are skipped."""

import os
import pathlib

import pytest

from support.server import SHARED, run

SCRIPT = pathlib.Path(os.environ.get("MILLRACE_PEERS_SCRIPTS", SHARED / "peers")) / "kafka"
HOME = pathlib.Path(os.environ.get("MILLRACE_PEERS", pathlib.Path.home() / ".cache/millrace-peers"))

pytestmark = pytest.mark.skipif(
    not SCRIPT.exists() or not list(HOME.glob("kafka/lib/kafka-tools-*.jar")),
    reason=f"Kafka's tools are not installed: no {SCRIPT}, or `{SCRIPT} install` has not been run")


def tool(server, name, *args, input=None):
    return run(SCRIPT, "tool", name, "--bootstrap-server", server.brokers, *args, input=input,
               seconds=120)


def test_console_producer_and_consumer(server):
    lines = [f"line {i}" for i in range(100)]
    tool(server, "kafka-console-producer", "--topic", "java", input="\n".join(lines) + "\n")
    seen = tool(server, "kafka-console-consumer", "--topic", "java", "--from-beginning", "--group",
                "java-readers", "--max-messages", "100")
    assert [line for line in seen.splitlines() if line.startswith("line ")] == lines
    listed = tool(server, "kafka-consumer-groups", "--list").split()
    assert "java-readers" in listed
    described = tool(server, "kafka-consumer-groups", "--describe", "--group", "java-readers")
    row = next(line.split() for line in described.splitlines() if line.startswith("java-readers"))
    assert row[1:6] == ["java", "0", "100", "100", "0"]


def test_topics_are_made_described_grown_and_deleted(server):
    tool(server, "kafka-topics", "--create", "--topic", "made", "--partitions", "3",
         "--replication-factor", "3", "--config", "retention.ms=1000000")
    described = tool(server, "kafka-topics", "--describe", "--topic", "made")
    assert "PartitionCount: 3" in described and "retention.ms=1000000" in described
    tool(server, "kafka-topics", "--alter", "--topic", "made", "--partitions", "5")
    described = tool(server, "kafka-topics", "--describe", "--topic", "made")
    assert "PartitionCount: 5" in described
    configs = tool(server, "kafka-configs", "--describe", "--topic", "made", "--all")
    assert "max.message.bytes=1048588" in configs
    tool(server, "kafka-topics", "--delete", "--topic", "made")
    assert "made" not in tool(server, "kafka-topics", "--list").split()


def test_offsets_and_versions_are_told(server):
    tool(server, "kafka-producer-perf-test", "--topic", "load", "--num-records", "20000",
         "--record-size", "100", "--throughput", "-1", "--command-property", "acks=all")
    offsets = tool(server, "kafka-get-offsets", "--topic", "load")
    assert "load:0:20000" in offsets
    versions = tool(server, "kafka-broker-api-versions")
    assert "Produce(0): 0 to 13" in versions and "Fetch(1): 4 to 18" in versions


def test_configs_are_changed_while_the_server_runs(server):
    def configs(*args):
        return tool(server, "kafka-configs", *args)

    tool(server, "kafka-topics", "--create", "--topic", "tuned", "--replication-factor", "1")
    assert "Completed updating config for topic tuned." in configs(
        "--alter", "--entity-type", "topics", "--entity-name", "tuned", "--add-config",
        "retention.ms=5000,cleanup.policy=[compact,delete]")
    described = configs("--describe", "--entity-type", "topics", "--entity-name", "tuned")
    assert "retention.ms=5000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=5000" \
        in described
    assert "cleanup.policy=compact,delete" in described
    configs("--alter", "--entity-type", "brokers", "--entity-default", "--add-config",
            "log.retention.ms=7000")
    assert "log.retention.ms=7000" in configs("--describe", "--entity-type", "brokers",
                                              "--entity-default")
    configs("--alter", "--entity-type", "clients", "--entity-name", "c1", "--add-config",
            "producer_byte_rate=1024")
    assert "producer_byte_rate=1024.0" in configs("--describe", "--entity-type", "clients")
    configs("--alter", "--entity-type", "groups", "--entity-name", "g1", "--add-config",
            "consumer.session.timeout.ms=50000")
    assert "consumer.session.timeout.ms=50000" in configs("--describe", "--entity-type", "groups",
                                                          "--entity-name", "g1")


def test_the_cluster_is_described_as_one_node(server):
    # This tool wants its own words in another order.
    assert "Cluster ID: " in run(SCRIPT, "tool", "kafka-cluster", "cluster-id",
                                 "--bootstrap-server", server.brokers, seconds=120)
    features = tool(server, "kafka-features", "describe")
    assert "metadata.version" in features and "FinalizedVersionLevel: 4.3-IV0" in features
    quorum = tool(server, "kafka-metadata-quorum", "describe", "--status")
    assert "LeaderId:               1" in quorum
    tool(server, "kafka-topics", "--create", "--topic", "led", "--replication-factor", "1")
    elected = tool(server, "kafka-leader-election", "--election-type", "preferred", "--topic",
                   "led", "--partition", "0")
    assert "Valid replica already elected for partitions led-0" in elected
    assert "No partition reassignments found." in tool(server, "kafka-reassign-partitions",
                                                       "--list")
def test_transactions_are_listed_described_and_ended(server):
    tool(server, "kafka-producer-perf-test", "--topic", "payments", "--num-records", "20000",
         "--record-size", "100", "--throughput", "-1", "--transactional-id", "payer",
         "--transaction-duration-ms", "100", "--command-property", "acks=all")
    rows = tool(server, "kafka-transactions", "list").splitlines()
    payer = next(row.split() for row in rows if row.startswith("payer"))
    assert payer[0] == "payer" and payer[-1] in ("CompleteCommit", "PrepareCommit")
    described = tool(server, "kafka-transactions", "describe", "--transactional-id", "payer")
    assert "payer" in described and "Commit" in described
    producers = tool(server, "kafka-transactions", "describe-producers", "--topic", "payments",
                     "--partition", "0")
    # Producer id, epoch, coordinator epoch, last sequence, time, start of the open transaction.
    assert producers.splitlines()[1].split()[-1] == "None"
    seen = tool(server, "kafka-console-consumer", "--topic", "payments", "--from-beginning",
                "--max-messages", "20000", "--isolation-level", "read_committed",
                "--timeout-ms", "60000")
    assert len(seen.splitlines()) == 20000
