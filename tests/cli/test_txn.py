"""`millrace txn` against the binary, and in long runs against a real Kafka."""

import shutil

import pytest

from support.cli import run_cli
from support.server import Server, wait_until
from support.transactions import open_transaction


def committed(brokers, topic):
    """The values that a reader of what is committed gets, up to the last stable offset."""
    done = run_cli("consume", topic, "-o", ":end", "-f", "%v\n", brokers=brokers)
    assert done.code == 0, done.err
    return done.out.split()


def listed(cli, *filters):
    done = cli("txn", "list", *filters, "-o", "json")
    assert done.code == 0, done.err
    return {row["transactional_id"]: row["state"] for row in done.json}


def test_transactions_are_listed_and_described(any_kafka, on_any):
    on_any("topic", "create", "listed", "-p", 2)
    running = open_transaction(any_kafka.brokers, "app-open", "listed")
    ended = open_transaction(any_kafka.brokers, "app-ended", "listed")
    ended.commit_transaction(30)
    wait_until(lambda: listed(on_any).get("app-ended") == "CompleteCommit", "the commit is over")

    assert listed(on_any) == {"app-open": "Ongoing", "app-ended": "CompleteCommit"}
    assert list(listed(on_any, "--states", "Ongoing,PrepareAbort")) == ["app-open"]
    assert listed(on_any, "--longer-than", "1h") == {}
    assert list(listed(on_any, "--pattern", "app-e.*")) == ["app-ended"]
    assert listed(on_any, "--pattern", "app") == {}, "the whole id has to match"
    assert on_any("txn", "list", "--pattern", "(").code == 1
    assert on_any("txn", "list", "--longer-than", "5").code == 2
    odd = on_any("txn", "list", "--states", "Odd")
    assert odd.code == 1 and "no transaction can be Odd" in odd.err
    assert on_any("txn", "list", "--states", "Odd,Ongoing").code == 3

    row = on_any("txn", "describe", "app-open", "-o", "json").json[0]
    assert (row["state"], row["timeout_ms"]) == ("Ongoing", 600_000)
    assert row["partitions"] == ["listed/0"]
    assert row["start_ms"] > 1_700_000_000_000
    assert list(listed(on_any, "--producer-ids", row["producer_id"])) == ["app-open"]
    partial = on_any("txn", "describe", "app-ended", "nobody", "-o", "json")
    assert partial.code == 3 and [one["partitions"] for one in partial.json] == [[]]
    assert on_any("txn", "describe", "nobody").code == 4

    assert {"app-open", "app-ended"} <= set(on_any("__complete", "txn", "describe", "").out.split())
    running.abort_transaction(30)


def test_producers_of_partitions_are_described(any_kafka, on_any):
    on_any("topic", "create", "written", "-p", 2)
    running = open_transaction(any_kafka.brokers, "writer", "written", ["a", "b", "c"])
    row = on_any("txn", "describe", "writer", "-o", "json").json[0]
    told = on_any("txn", "describe-producers", "-t", "written", "-o", "json")
    assert told.code == 0, told.err
    assert [(one["partition"], one["producer_id"], one["producer_epoch"], one["last_sequence"],
             one["transaction_start_offset"], one["error"]) for one in told.json] == [
        (0, row["producer_id"], row["producer_epoch"], 2, 0, None)]
    broker = on_any("cluster", "brokers", "-o", "json").json[0]["id"]
    same = on_any("txn", "describe-producers", "-t", "written:0", "--broker", broker, "-o", "json")
    assert same.json == told.json
    partial = on_any("txn", "describe-producers", "-t", "written:0,7", "-o", "json")
    assert partial.code == 3 and [one["partition"] for one in partial.json] == [0, 7]
    assert partial.json[1]["error"] and partial.json[1]["producer_id"] is None
    assert on_any("txn", "describe-producers", "-t", "nowhere").code == 4
    assert on_any("txn", "describe-producers", "-t", "written", "--broker", "77").code == 4
    assert on_any("txn", "describe-producers", "-t", "written:x").code == 2
    running.abort_transaction(30)


def test_a_transaction_is_aborted_in_one_partition(any_kafka, on_any):
    on_any("topic", "create", "stuck", "-p", 1)
    running = open_transaction(any_kafka.brokers, "stuck-one", "stuck", ["never", "seen"])
    on_any("produce", "stuck", input="behind\n")
    assert committed(any_kafka.brokers, "stuck") == []
    assert on_any("txn", "abort", "stuck:0", "--start-offset", "1").code == 4
    would = on_any("txn", "abort", "stuck:0", "--start-offset", "0", "--dry-run", "-o", "json")
    assert would.code == 0 and would.json[0]["status"] == "would be done"
    assert committed(any_kafka.brokers, "stuck") == []
    done = on_any("txn", "abort", "stuck:0", "--start-offset", "0", "-o", "json")
    assert done.code == 0, done.err + done.out
    assert committed(any_kafka.brokers, "stuck") == ["behind"]
    for wrong in (["stuck", "--start-offset", "0"], ["stuck:0"], ["stuck:0", "--producer-id", "1"],
                  ["stuck:0", "--start-offset", "0", "--producer-id", "1"]):
        assert on_any("txn", "abort", *wrong).code == 2, wrong
    # Of an older epoch than the producer's: it is told, not done.
    fenced = on_any("txn", "abort", "stuck:0", "--producer-id", would.json[0]["producer_id"],
                    "--producer-epoch", "0", "-o", "json")
    assert fenced.code in (0, 1)
    on_any("txn", "terminate", "stuck-one")
    del running


def test_an_id_is_terminated_and_its_producer_fenced(any_kafka, on_any):
    on_any("topic", "create", "ended", "-p", 1)
    running = open_transaction(any_kafka.brokers, "lost", "ended", ["never"])
    assert on_any("txn", "terminate", "lost", "--dry-run").code == 0
    assert listed(on_any)["lost"] == "Ongoing"
    done = on_any("txn", "terminate", "lost", "nobody", "-o", "json")
    assert done.code == 3
    assert [row["status"] for row in done.json] == ["ok", "failed"]
    wait_until(lambda: listed(on_any).get("lost") in ("CompleteAbort", "Empty"), "it has ended")
    on_any("produce", "ended", input="behind\n")
    assert committed(any_kafka.brokers, "ended") == ["behind"]
    with pytest.raises(Exception, match="(?i)fenced|epoch"):
        running.commit_transaction(30)
    assert on_any("txn", "terminate", "nobody").code == 4


def test_nothing_hangs_where_coordinators_know_what_is_open(any_kafka, on_any):
    on_any("topic", "create", "known", "-p", 1)
    running = open_transaction(any_kafka.brokers, "known-one", "known")
    done = on_any("txn", "find-hanging", "-t", "known", "--max-transaction-timeout", "0ms", "-o",
                  "json")
    assert done.code == 0 and done.json == [], done.err
    assert on_any("txn", "find-hanging", "--max-transaction-timeout", "soon").code == 2
    running.abort_transaction(30)


def test_what_no_coordinator_knows_of_hangs_and_is_aborted():
    """A server whose log of transactions was lost: markers that nobody will send."""
    with Server() as server:
        def cli(*words):
            return run_cli(*words, brokers=server.brokers)

        cli("topic", "create", "hung", "-p", 1)
        running = open_transaction(server.brokers, "forgotten", "hung", ["never"])
        cli("produce", "hung", "-p", "0")
        server.kill()
        for folder in server.data.glob("**/__transaction_state*"):
            shutil.rmtree(folder)
        server.start()
        assert "forgotten" not in listed(cli)
        quick = ["-t", "hung", "--max-transaction-timeout", "0ms", "-o", "json"]
        found = cli("txn", "find-hanging", *quick)
        assert found.code == 0, found.err
        assert [(row["topic"], row["partition"], row["start_offset"]) for row in found.json] == [
            ("hung", 0, 0)]
        assert cli("txn", "find-hanging", "-t", "hung", "-o", "json").json == [], "too young yet"
        row = found.json[0]
        done = cli("txn", "abort", "hung:0", "--producer-id", row["producer_id"],
                   "--producer-epoch", row["producer_epoch"])
        assert done.code == 0, done.out
        assert cli("txn", "find-hanging", *quick).json == []
        del running
