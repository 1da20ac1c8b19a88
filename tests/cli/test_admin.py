"""`millrace topic|group|config|cluster` against the binary: what they do, print and end with."""

import os
import subprocess
import time

import pytest
import yaml
from confluent_kafka import Consumer

from support.cli import run_cli
from support.share_member import ShareMember
from support.server import binary, free_ports, run, wait_until
from support.transactions import open_transaction


def fill(server, topic, count, *args):
    run("kcat", "-b", server.brokers, "-P", "-t", topic, *args,
        input="".join(f"v{i}\n" for i in range(count)))


def read_as(server, group, topic, count):
    run("kcat", "-b", server.brokers, "-G", group, "-c", str(count), "-q", "-X",
        "auto.offset.reset=earliest", topic)


def offsets(cli, group):
    described = cli("group", "describe", group, "-o", "json").json[0]
    return {(row["topic"], row["partition"]): row["current_offset"]
            for row in described["partitions"]}


def topics(cli):
    return {row["name"]: row["partitions"] for row in cli("topic", "list", "-o", "json").json}


def test_topics_are_made_grown_described_and_deleted(cli):
    made = cli("topic", "create", "made", "-p", 3, "-c", "retention.ms=1000000")
    assert made.code == 0 and made.out.split()[-2:] == ["made", "ok"]
    assert cli("topic", "add-partitions", "made", "-n", 2).code == 0
    assert topics(cli)["made"] == 5
    described = cli("topic", "describe", "made", "-o", "json").json
    assert described[0]["partition_count"] == 5 and described[0]["replicas"] == 1
    assert described[0]["configs"] == [
        {"key": "retention.ms", "value": "1000000", "source": "DYNAMIC_TOPIC_CONFIG"}]
    assert [row["partition"] for row in described[0]["partitions"]] == list(range(5))
    everything = cli("topic", "describe", "made", "--all-configs", "-o", "json").json[0]["configs"]
    assert {"cleanup.policy", "retention.ms"} <= {row["key"] for row in everything}
    assert cli("topic", "delete", "made").code == 0
    assert "made" not in topics(cli)


def test_some_that_fail_are_told_and_give_3(cli):
    assert cli("topic", "create", "twice").code == 0
    again = cli("topic", "create", "twice", "once", "-o", "json")
    assert again.code == 3
    assert [(row["topic"], row["status"]) for row in again.json] == [("twice", "failed"),
                                                                     ("once", "ok")]
    assert "already exists" in again.json[0]["error"] and again.json[1]["error"] is None
    assert cli("topic", "create", "twice").code == 1
    assert cli("topic", "create", "twice", "--if-not-exists").code == 0
    assert cli("topic", "delete", "once", "nowhere").code == 3
    described = cli("topic", "describe", "twice", "nowhere", "-o", "json")
    assert described.code == 3 and [row["name"] for row in described.json] == ["twice"]
    assert "there is no topic nowhere" in described.err


def test_what_is_not_there_gives_4_and_is_guessed_at(cli):
    cli("topic", "create", "weblog")
    missing = cli("topic", "describe", "webolg")
    assert missing.code == 4 and missing.out == ""
    assert "did you mean weblog?" in missing.err
    for words in (["topic", "delete", "nowhere"], ["group", "describe", "nowhere"],
                  ["group", "seek", "nowhere", "--to", "start"],
                  ["config", "get", "topic", "weblog", "no.such.option"],
                  ["topic", "add-partitions", "nowhere", "-n", "1"]):
        assert cli(*words).code == 4, words


def test_nobody_there_gives_6_quickly():
    port = free_ports(1)[0]
    for words in (["topic", "list"], ["group", "list"], ["cluster", "health"]):
        began = time.monotonic()
        done = run_cli(*words, brokers=f"127.0.0.1:{port}")
        assert done.code == 6 and done.out == ""
        assert f"127.0.0.1:{port}" in done.err
        assert time.monotonic() - began < 5


def test_a_server_that_never_answers_gives_6_at_the_timeout():
    import socket

    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        began = time.monotonic()
        done = run_cli("topic", "list", "--timeout", "1",
                       brokers=f"127.0.0.1:{mute.getsockname()[1]}")
        assert done.code == 6, done.err
        assert time.monotonic() - began < 6


def test_dry_runs_change_nothing(cli, server):
    cli("topic", "create", "kept", "-p", 1)
    fill(server, "kept", 10)
    read_as(server, "careful", "kept", 4)
    before = (topics(cli), cli("topic", "describe", "kept", "-o", "json").out,
              cli("group", "describe", "careful", "-o", "json").out)
    for words in (["topic", "create", "unborn"], ["topic", "delete", "kept"],
                  ["topic", "add-partitions", "kept", "-n", "3"],
                  ["group", "seek", "careful", "--to", "start"],
                  ["group", "delete", "careful"],
                  ["group", "offset-delete", "careful", "--topics", "kept"]):
        done = cli(*words, "--dry-run")
        assert done.code == 0, (words, done.err)
    assert before == (topics(cli), cli("topic", "describe", "kept", "-o", "json").out,
                      cli("group", "describe", "careful", "-o", "json").out)


def test_dry_runs_tell_what_would_fail(cli):
    cli("topic", "create", "there")
    assert cli("topic", "create", "there", "--dry-run").code == 1
    assert cli("topic", "delete", "nowhere", "--dry-run").code == 4
    assert cli("group", "delete", "nowhere", "--dry-run").code == 4


def test_groups_are_described_with_their_lag(cli, server):
    cli("topic", "create", "lagging", "-p", 1)
    fill(server, "lagging", 10)
    read_as(server, "slow", "lagging", 4)
    row = cli("group", "describe", "slow", "-o", "json").json[0]
    assert (row["group"], row["state"], row["member_count"], row["total_lag"]) == (
        "slow", "Empty", 0, 6)
    part = row["partitions"][0]
    assert (part["topic"], part["partition"], part["current_offset"], part["log_start_offset"],
            part["log_end_offset"], part["lag"]) == ("lagging", 0, 4, 0, 10, 6)
    text = cli("group", "describe", "slow").out
    assert "TOPIC    PARTITION  CURRENT-OFFSET  LOG-START-OFFSET  LOG-END-OFFSET  LAG" in text
    assert {"group": "slow", "type": "classic", "state": "Empty"} in cli(
        "group", "list", "-o", "json").json


def test_a_group_with_members_shows_them_and_cannot_be_moved(cli, server):
    cli("topic", "create", "busy", "-p", 2)
    fill(server, "busy", 3)
    consumer = subprocess.Popen(
        ["kcat", "-b", server.brokers, "-G", "workers", "-X", "auto.offset.reset=earliest",
         "-X", "client.id=worker", "-u", "busy"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        for _ in range(3):
            consumer.stdout.readline()
        row = cli("group", "describe", "workers", "-o", "json").json[0]
        assert row["state"] == "Stable" and row["member_count"] == 1
        assert row["members"][0]["client_id"] == "worker"
        assert row["members"][0]["partitions"] == ["busy/0", "busy/1"]
        assert {part["client_id"] for part in row["partitions"]} == {"worker"}
        refused = cli("group", "seek", "workers", "--to", "start", "-t", "busy",
                      "--allow-new-topics", "-o", "json")
        assert refused.code == 1
        assert all("stop its consumers first" in row["error"] for row in refused.json)
        assert cli("group", "delete", "workers", "--dry-run").code == 1
    finally:
        consumer.terminate()
        consumer.wait()


def test_groups_and_their_offsets_are_deleted(cli, server):
    cli("topic", "create", "forgotten", "-p", 2)
    fill(server, "forgotten", 5, "-p", "0")
    fill(server, "forgotten", 5, "-p", "1")
    cli("group", "seek", "forgetful", "--to", "end", "-t", "forgotten", "--allow-new-topics")
    assert offsets(cli, "forgetful") == {("forgotten", 0): 5, ("forgotten", 1): 5}
    done = cli("group", "offset-delete", "forgetful", "--topics", "forgotten:1", "-o", "json")
    assert done.code == 0, done.err
    assert done.json == [{"topic": "forgotten", "partition": 1, "prior_offset": 5, "status": "ok",
                          "error": None}]
    assert offsets(cli, "forgetful") == {("forgotten", 0): 5}
    partial = cli("group", "delete", "forgetful", "nowhere", "-o", "json")
    assert partial.code == 3
    assert [row["status"] for row in partial.json] == ["ok", "failed"]
    assert cli("group", "delete", "nowhere").code == 4
    assert cli("group", "describe", "forgetful").code == 4


def test_a_group_of_the_newer_protocol_is_told_with_its_members(any_kafka, on_any):
    on_any("topic", "create", "newer", "-p", 1)
    fill(any_kafka, "newer", 3)
    consumer = Consumer({"bootstrap.servers": any_kafka.brokers, "group.id": "modern",
                         "group.protocol": "consumer", "auto.offset.reset": "earliest",
                         "client.id": "reader", "group.instance.id": "first"})
    consumer.subscribe(["newer"])
    try:
        came = []
        wait_until(lambda: came.append(consumer.poll(0.1)) or
                   sum(one is not None and not one.error() for one in came) == 3, "3 records")
        consumer.commit(asynchronous=False)
        assert {"group": "modern", "type": "consumer", "state": "Stable"} in on_any(
            "group", "list", "--types", "consumer", "--states", "stable", "-o", "json").json
        described = on_any("group", "describe", "modern", "-o", "json")
        assert described.code == 0, described.err
        group = described.json[0]
        assert (group["type"], group["state"], group["balancer"], group["total_lag"]) == (
            "consumer", "Stable", "uniform", 0)
        member = group["members"][0]
        assert (member["client_id"], member["instance_id"], member["partitions"]) == (
            "reader", "first", ["newer/0"])
        assert member["epoch"] == group["epoch"] > 0 and group["member_count"] == 1
        assert [row["client_id"] for row in group["partitions"]] == ["reader"]
        refused = on_any("group", "seek", "modern", "--to", "start", "-o", "json")
        assert refused.code == 1 and "stop its consumers first" in refused.json[0]["error"]
        assert on_any("group", "delete", "modern", "--dry-run").code == 1
    finally:
        consumer.close()


def test_a_group_of_the_newer_protocol_is_moved(on_any, any_kafka):
    on_any("topic", "create", "moving", "-p", 1)
    fill(any_kafka, "moving", 3)
    consumer = Consumer({"bootstrap.servers": any_kafka.brokers, "group.id": "movable",
                         "group.protocol": "consumer", "auto.offset.reset": "earliest"})
    consumer.subscribe(["moving"])
    wait_until(lambda: consumer.poll(0.1), "a record")
    consumer.commit(asynchronous=False)
    consumer.close()
    assert on_any("group", "seek", "movable", "--to", "start").code == 0
    assert offsets(on_any, "movable") == {("moving", 0): 0}
    assert on_any("group", "delete", "movable").code == 0
    assert on_any("group", "describe", "movable").code == 4


def test_share_groups_are_told_moved_and_deleted(any_kafka, on_any):
    on_any("topic", "create", "shared", "-p", 2)
    fill(any_kafka, "shared", 5, "-p", "0")
    with ShareMember(any_kafka.brokers, "sharers", ["shared"]) as member:
        def described():
            member.again()
            done = on_any("group", "describe", "sharers", "-o", "json")
            assert done.code == 0, done.err
            return done.json[0]

        group = wait_until(lambda: (one := described())["members"] and
                           one["members"][0]["partitions"] and one, "partitions are given out")
        assert (group["type"], group["state"]) == ("share", "Stable")
        assert group["members"][0]["client_id"] == "sharer"
        assert group["members"][0]["partitions"] == ["shared/0", "shared/1"]
        assert {"group": "sharers", "type": "share", "state": "Stable"} in on_any(
            "group", "list", "--types", "share", "-o", "json").json
        refused = on_any("group", "seek", "sharers", "--to", "end", "-t", "shared",
                         "--allow-new-topics")
        assert refused.code == 1
    seek = ["group", "seek", "sharers", "-t", "shared", "--allow-new-topics"]
    assert on_any(*seek, "--to", "3", "--dry-run").code == 0
    assert on_any(*seek, "--to", "3", "-o", "json").code == 0
    assert offsets(on_any, "sharers") == {("shared", 0): 3, ("shared", 1): 0}
    assert on_any("group", "seek", "sharers", "--to", "start").code == 0
    assert offsets(on_any, "sharers") == {("shared", 0): 0, ("shared", 1): 0}
    assert on_any("group", "offset-delete", "sharers", "--topics", "shared:0").code == 1
    assert on_any("group", "offset-delete", "sharers", "--topics", "shared", "--dry-run").code == 0
    assert on_any("group", "offset-delete", "sharers", "--topics", "shared").code == 0
    assert offsets(on_any, "sharers") == {}
    assert on_any("group", "delete", "sharers").code == 0
    assert on_any("group", "describe", "sharers").code == 4


@pytest.mark.parametrize("target, expected", [
    (["--to", "start"], 0), (["--to", "end"], 10), (["--to", "7"], 7), (["--to", "700"], 10),
    (["--to", "current"], 4), (["--to", "+2"], 6), (["--to=-3"], 1), (["--to", "-3"], 1),
    (["--to", "@2001-01-01"], 0), (["--to", "@now"], 10), (["--to", "-1h"], 0)])
def test_seeking_moves_a_group(cli, server, target, expected):
    group = f"mover-{expected}-{len(target)}-{target[-1].strip('-@+=')}"
    if "moved" not in topics(cli):
        cli("topic", "create", "moved", "-p", 1)
        fill(server, "moved", 10)
    read_as(server, group, "moved", 4)
    done = cli("group", "seek", group, *target, "-o", "json")
    assert done.code == 0, done.err
    assert done.json == [{"topic": "moved", "partition": 0, "prior_offset": 4,
                          "current_offset": expected, "error": None}]
    assert offsets(cli, group) == {("moved", 0): expected}


def test_seeking_takes_offsets_from_a_file_and_from_another_group(cli, server, tmp_path):
    cli("topic", "create", "filed", "-p", 2)
    fill(server, "filed", 10, "-p", "0")
    fill(server, "filed", 10, "-p", "1")
    lines = tmp_path / "offsets.txt"
    lines.write_text("# saved yesterday\nfiled 0 3\nfiled 1 5\n")
    assert cli("group", "seek", "new-one", "--to-file", lines).code == 0
    assert offsets(cli, "new-one") == {("filed", 0): 3, ("filed", 1): 5}
    assert cli("group", "seek", "newer-one", "--to-group", "new-one").code == 0
    assert offsets(cli, "newer-one") == offsets(cli, "new-one")
    lines.write_text("filed 0 9\nfiled 7 1\n")
    partial = cli("group", "seek", "new-one", "--to-file", lines, "-o", "json")
    assert partial.code == 3
    assert [row["error"] is None for row in partial.json] == [True, False]
    assert offsets(cli, "new-one") == {("filed", 0): 9, ("filed", 1): 5}
    lines.write_text("filed zero 9\n")
    wrong = cli("group", "seek", "new-one", "--to-file", lines)
    assert wrong.code == 2 and "line 1" in wrong.err


def test_seeking_gives_a_group_new_topics_only_when_told(cli, server):
    cli("topic", "create", "fresh", "-p", 2)
    fill(server, "fresh", 5, "-p", "1")
    refused = cli("group", "seek", "starter", "--to", "end", "--topics", "fresh")
    assert refused.code == 4 and "--allow-new-topics" in refused.err
    assert cli("group", "seek", "starter", "--to", "end", "--topics", "fresh",
               "--allow-new-topics").code == 0
    assert offsets(cli, "starter") == {("fresh", 0): 0, ("fresh", 1): 5}


def test_settings_are_listed_and_got(cli):
    cli("topic", "create", "set", "-c", "retention.ms=7000")
    listed = cli("config", "list", "topic", "set", "--own", "-o", "json").json
    assert listed == [{"key": "retention.ms", "value": "7000", "source": "DYNAMIC_TOPIC_CONFIG",
                       "read_only": False, "sensitive": False}]
    got = cli("config", "get", "topic", "set", "retention.ms", "cleanup.policy", "-o", "jsonl")
    assert got.lines == [{"key": "retention.ms", "value": "7000"},
                         {"key": "cleanup.policy", "value": "delete"}]
    typo = cli("config", "get", "topic", "set", "retention.m")
    assert typo.code == 4 and "did you mean retention.ms?" in typo.err
    broker = cli("cluster", "brokers", "-o", "json").json[0]["id"]
    assert len(cli("config", "list", "broker", broker, "-o", "json").json) > 20


def test_settings_are_changed_one_by_one(cli):
    cli("topic", "create", "changed", "-c", "retention.ms=7000", "-c", "segment.bytes=2000000")

    def own():
        listed = cli("config", "list", "topic", "changed", "--own", "-o", "json").json
        return {row["key"]: row["value"] for row in listed}

    before = own()
    would = cli("config", "set", "topic", "changed", "retention.ms=9000", "--dry-run", "-o", "json")
    assert would.code == 0, would.err
    assert would.json == [{"key": "retention.ms", "prior_value": "7000", "value": "9000"}]
    assert own() == before
    assert cli("config", "set", "topic", "changed", "retention.ms=9000").code == 0
    assert own() == {"retention.ms": "9000", "segment.bytes": "2000000"}
    assert cli("topic", "alter-config", "changed", "-s", "cleanup.policy=compact", "-d",
               "segment.bytes").code == 0
    assert own() == {"retention.ms": "9000", "cleanup.policy": "compact"}
    assert cli("config", "delete", "topic", "changed", "retention.ms").code == 0
    assert own() == {"cleanup.policy": "compact"}
    for words in (["config", "set", "topic", "changed", "retention.ms=soon"],
                  ["config", "set", "topic", "changed", "no.such.option=1"],
                  ["topic", "alter-config", "changed", "-s", "retention.ms=soon"]):
        assert cli(*words).code == 1, words
    assert cli("topic", "alter-config", "changed", "nowhere", "-s", "retention.ms=1").code == 3
    assert cli("config", "set", "topic", "nowhere", "retention.ms=1").code == 4
    assert own() == {"cleanup.policy": "compact", "retention.ms": "1"}


def test_the_cluster_is_told(cli, server):
    info = cli("cluster", "info", "-o", "json").json
    assert f"{info['brokers'][0]['host']}:{info['brokers'][0]['port']}" == server.brokers
    assert info["controller"] == info["brokers"][0]["id"] and len(info["cluster_id"]) == 22
    assert cli("cluster", "health", "-o", "json").json["healthy"] is True
    cli("topic", "create", "seen", "-p", 2)
    metadata = cli("cluster", "metadata", "-o", "json").json
    assert [row["partition"] for row in metadata["topics"] if row["name"] == "seen"] == [0, 1]


SHAPED = [["topic", "list"], ["topic", "describe", "shaped"], ["group", "list"],
          ["group", "describe", "shaper"], ["config", "list", "topic", "shaped"],
          ["config", "get", "topic", "shaped", "retention.ms"], ["cluster", "info"],
          ["cluster", "health"], ["cluster", "brokers"], ["cluster", "metadata"],
          ["group", "seek", "shaper", "--to", "end", "--dry-run"],
          ["topic", "create", "unshaped", "--dry-run"],
          ["topic", "delete", "shaped", "--dry-run"],
          ["group", "delete", "shaper", "--dry-run"],
          ["group", "offset-delete", "shaper", "--topics", "shaped", "--dry-run"],
          ["topic", "add-partitions", "shaped", "-n", "1", "--dry-run"],
          ["cluster", "features", "describe"], ["cluster", "logdirs"], ["cluster", "quorum"],
          ["cluster", "features", "set", "group.version=1", "--dry-run"],
          ["cluster", "quotas", "describe"],
          ["cluster", "quotas", "alter", "--name", "user=shaped", "--add",
           "producer_byte_rate=1", "--dry-run"],
          ["txn", "list"], ["txn", "describe", "shaping"],
          ["txn", "describe-producers", "-t", "shaped"],
          ["txn", "terminate", "shaping", "--dry-run"]]

MOVING = [["cluster", "logdirs"], ["cluster", "quorum"]]  # Never twice the same.


def keys_of(value):
    if isinstance(value, dict):
        return {key: keys_of(member) for key, member in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [keys_of(value[0])]
    return None


def has_shape(value, shape):
    if isinstance(shape, dict):
        same_keys = list(value) == list(shape)
        return same_keys and all(has_shape(value[key], shape[key]) for key in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(has_shape(item, shape[0]) for item in value)
    if value is None:
        return shape.endswith("?")
    shape = shape.rstrip("?")
    if shape.startswith("["):
        return isinstance(value, list) and all(has_shape(item, shape[1:-1]) for item in value)
    if shape == "number":
        return type(value) in (int, float)
    return type(value) is {"string": str, "int": int, "bool": bool}[shape]


@pytest.mark.parametrize("words", SHAPED, ids=" ".join)
def test_the_shape_that_help_prints_is_the_shape_of_the_output(cli, server, words):
    if "shaped" not in topics(cli):
        cli("topic", "create", "shaped", "-c", "retention.ms=1000000000")
        fill(server, "shaped", 3)
        read_as(server, "shaper", "shaped", 1)
        open_transaction(server.brokers, "shaping", "shaped").abort_transaction(30)
        cli("cluster", "quotas", "alter", "--name", "user=shaped", "--add", "producer_byte_rate=1")
    shape = cli(*words, "-o", "help").json
    document = cli(*words, "-o", "json").json
    assert document != [] and has_shape(document, shape), (shape, document)
    in_yaml = yaml.safe_load(cli(*words, "-o", "yaml").out)
    lines = cli(*words, "-o", "jsonl").lines
    if words in MOVING:
        assert has_shape(in_yaml, shape) and all(keys_of(one) == keys_of(lines[0]) for one in lines)
        return
    assert in_yaml == document
    assert lines == (document if isinstance(document, list) else [document])


def test_a_reader_that_goes_away_ends_a_command_quietly(cli, server):
    cli("topic", "create", *[f"many-{i}" for i in range(200)])
    done = subprocess.run(
        ["bash", "-c", f'"{binary()}" topic list | head -1; echo "${{PIPESTATUS[0]}}"'],
        capture_output=True, text=True, env={**os.environ, "MILLRACE_BROKERS": server.brokers})
    assert done.stdout.split()[-1] == "0" and done.stderr == ""


def test_output_that_cannot_be_written_is_a_failure(server):
    with open("/dev/full", "w") as full:
        done = subprocess.run([binary(), "topic", "list", "-b", server.brokers], stdout=full,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "No space left" in done.stderr


def test_passwords_are_never_printed(cli):
    for words in (["-X", "sasl.password=hunter2secret", "-X", "no.such=1"],
                  ["-X", "ssl.key.password=hunter2secret", "-X", "ssl.key.location=/nowhere",
                   "-X", "security.protocol=ssl"],
                  ["-X", "hunter2secret"],
                  ["-X", "sasl.password=hunter2secret", "-X", "security.protocol=sasl_plaintext",
                   "-X", "sasl.mechanism=PLAIN", "-X", "sasl.username=me", "--timeout", "2"]):
        done = cli("topic", "list", *words)
        assert done.code != 0
        assert "hunter2secret" not in done.out + done.err, words


def test_tls_to_a_server_without_tls_is_a_failure_in_words(server, cli):
    done = cli("topic", "list", "-X", "security.protocol=ssl", "--timeout", "5")
    assert done.code == 6 and "SSL" in done.err, done


def test_settings_come_from_a_file_too(server, tmp_path):
    settings = tmp_path / "client.properties"
    settings.write_text(f"bootstrap.servers={server.brokers}\nclient.id=from-file\n")
    assert run_cli("topic", "list", "-F", settings).code == 0
    assert run_cli("topic", "list", environment={"MILLRACE_CLIENT_CONFIG": str(settings)}).code == 0
    settings.write_text("no such line\n")
    wrong = run_cli("topic", "list", "-F", settings)
    assert wrong.code == 2 and str(settings) in wrong.err
