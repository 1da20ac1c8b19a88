"""`millrace cluster` on what servers hold, and what it changes; in long runs a real Kafka too."""

import pytest


def quotas(cli, *words):
    done = cli("cluster", "quotas", "describe", *words, "-o", "json")
    assert done.code == 0, done.err
    return {(row["user"], row["client_id"], row["ip"], row["quota"]): row["value"]
            for row in done.json}


def test_log_folders_are_told(on_any):
    on_any("topic", "create", "stored", "-p", 2)
    on_any("produce", "stored", "-p", "0", input="some text\n")
    folders = on_any("cluster", "logdirs", "-t", "stored", "-o", "json")
    assert folders.code == 0, folders.err
    assert len(folders.json) == 1 and folders.json[0]["error"] is None
    assert folders.json[0]["total_bytes"] >= folders.json[0]["usable_bytes"] > 0
    rows = folders.json[0]["partitions"]
    assert [(row["topic"], row["partition"], row["future"]) for row in rows] == [
        ("stored", 0, False), ("stored", 1, False)]
    assert rows[0]["size_bytes"] > 60 and rows[1]["size_bytes"] == 0
    assert folders.json[0]["size_bytes"] == rows[0]["size_bytes"]
    broker = on_any("cluster", "brokers", "-o", "json").json[0]["id"]
    everything = on_any("cluster", "logdirs", "--broker", broker, "-o", "json").json
    assert "stored" in {row["topic"] for row in everything[0]["partitions"]}
    assert on_any("cluster", "logdirs", "-t", "nowhere").code == 4
    assert on_any("cluster", "logdirs", "--broker", "77").code == 4


def test_quotas_are_set_told_and_taken_away(on_any):
    loader = ["cluster", "quotas", "alter", "--name", "client-id=loader"]
    assert on_any(*loader, "--add", "producer_byte_rate=1048576", "--add",
                  "request_percentage=12.5").code == 0
    assert on_any("cluster", "quotas", "alter", "--name", "user=ann", "--default", "client-id",
                  "--add", "consumer_byte_rate=5000").code == 0
    assert quotas(on_any) == {
        (None, "loader", None, "producer_byte_rate"): 1048576,
        (None, "loader", None, "request_percentage"): 12.5,
        ("ann", "(default)", None, "consumer_byte_rate"): 5000}
    assert list(quotas(on_any, "--name", "user=ann")) == [
        ("ann", "(default)", None, "consumer_byte_rate")]
    assert quotas(on_any, "--name", "user=nobody") == {}
    before = quotas(on_any)
    assert on_any(*loader, "--delete", "producer_byte_rate", "--dry-run").code == 0
    assert quotas(on_any) == before
    assert on_any(*loader, "--delete", "producer_byte_rate").code == 0
    assert on_any(*loader, "--add", "nonsense=1").code == 1
    for wrong in (["--add", "producer_byte_rate=1"], ["--name", "client-id=a"],
                  ["--name", "group=a", "--add", "producer_byte_rate=1"],
                  ["--name", "user=a", "--add", "producer_byte_rate=fast"],
                  ["--name", "user=a", "--default", "user", "--add", "producer_byte_rate=1"]):
        assert on_any("cluster", "quotas", "alter", *wrong).code == 2, wrong
    assert on_any(*loader, "--delete", "request_percentage").code == 0
    assert on_any("cluster", "quotas", "alter", "--name", "user=ann", "--default", "client-id",
                  "--delete", "consumer_byte_rate").code == 0
    assert quotas(on_any) == {}


def test_features_are_told_and_set(on_any):
    told = on_any("cluster", "features", "describe", "-o", "json")
    assert told.code == 0, told.err
    rows = {row["feature"]: row for row in told.json}
    assert rows["transaction.version"] == {"feature": "transaction.version", "supported_min": 0,
                                           "supported_max": 2, "finalized": 2}
    assert rows["metadata.version"]["finalized"] >= 1
    assert on_any("cluster", "features", "set", "transaction.version=2", "--dry-run").code == 0
    lower = on_any("cluster", "features", "set", "transaction.version=1", "--dry-run", "-o", "json")
    assert lower.code == 1 and "transaction.version" in lower.json[0]["error"]
    assert on_any("cluster", "features", "set", "transaction.version=1", "--downgrade",
                  "--dry-run").code == 0
    assert on_any("cluster", "features", "set", "no.such.feature=1").code == 1
    assert on_any("cluster", "features", "set", "transaction.version=high").code == 2


def test_the_quorum_is_told(on_any):
    told = on_any("cluster", "quorum", "-o", "json")
    assert told.code == 0, told.err
    leader = [row for row in told.json["replicas"] if row["role"] == "leader"]
    assert [row["id"] for row in leader] == [told.json["leader"]] and leader[0]["lag"] == 0
    assert leader[0]["log_end_offset"] >= told.json["high_watermark"] > 0


@pytest.mark.parametrize("words", [["cluster", "logdirs"], ["cluster", "quorum"],
                                   ["cluster", "quotas", "describe"], ["txn", "list"],
                                   ["cluster", "features", "describe"]])
def test_listeners_with_security_are_not_asked(cli, words):
    refused = cli(*words, "-X", "security.protocol=sasl_plaintext", "-X", "sasl.mechanisms=PLAIN",
                  "-X", "sasl.username=ann", "-X", "sasl.password=secret", "--timeout", "1")
    assert refused.code in (5, 6) and "secret" not in refused.err
