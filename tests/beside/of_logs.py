"""Producing, fetching and asking for offsets, inside and outside of the log."""

from bodies import batch, fetch, init, list_offsets, name, produce, topic


def fetches_outside_of_the_log(wire):
    topic(wire, "bounds")
    wire.ask("first records", "PRODUCE", 9, produce("bounds", ["a", "b", "c"]))
    wire.ask("one more", "PRODUCE", 9, produce("bounds", ["d"]))
    for version in (4, 5, 11, 12):
        for offset in (-1, 5, 99):
            wire.ask_once(f"{offset} v{version}", "FETCH", version, fetch("bounds", offset))
        wire.ask_once(f"at the end v{version}", "FETCH", version, fetch("bounds", 4))
        wire.ask_once(f"in a batch v{version}", "FETCH", version, fetch("bounds", 1))
    wire.ask_once("epoch too new", "FETCH", 12, fetch("bounds", 0, currentLeaderEpoch=9))
    wire.ask_once("epoch", "FETCH", 12, fetch("bounds", 0, currentLeaderEpoch=0))
    wire.ask_once("diverging", "FETCH", 12, fetch("bounds", 9, lastFetchedEpoch=0))
    wire.ask_once("no such partition", "FETCH", 12, fetch("bounds", 0, partition=7))
    wire.ask_once("no such topic", "FETCH", 12, fetch("nowhere", 0))
    deleted = {
        "topics": [{"name": name("bounds"), "partitions": [{"partitionIndex": 0, "offset": 3}]}],
        "timeoutMs": 30000,
    }
    wire.ask("delete records", "DELETE_RECORDS", 2, deleted)
    wire.ask_once("below the start", "FETCH", 12, fetch("bounds", 2))
    wire.ask_once("below, committed", "FETCH", 12, fetch("bounds", 2, isolation=1))
    wire.ask_once("from the start", "FETCH", 12, fetch("bounds", 3))
    for timestamp in (-1, -2, -3, -4, -5, 0, 1 << 60):
        wire.ask_once(f"at {timestamp}", "LIST_OFFSETS", 9, list_offsets("bounds", timestamp))
        wire.ask_once(f"at {timestamp} v1", "LIST_OFFSETS", 1, list_offsets("bounds", timestamp))
    wire.ask_once("of no partition", "LIST_OFFSETS", 9, list_offsets("bounds", -1, partition=7))


def epochs_are_asked_for(wire):
    topic(wire, "epochs")
    wire.ask("records", "PRODUCE", 9, produce("epochs", ["a", "b"]))

    def of(epoch, current=-1, partition=0):
        one = {"partition": partition, "currentLeaderEpoch": current, "leaderEpoch": epoch}
        return {"replicaId": -1, "topics": [{"topic": name("epochs"), "partitions": [one]}]}

    for epoch in (-1, 0, 1, 5):
        wire.ask_once(f"epoch {epoch}", "OFFSET_FOR_LEADER_EPOCH", 4, of(epoch))
    wire.ask_once("fenced", "OFFSET_FOR_LEADER_EPOCH", 4, of(0, current=3))
    wire.ask_once("no partition", "OFFSET_FOR_LEADER_EPOCH", 4, of(0, partition=3))


def batches_are_refused(wire):
    topic(wire, "strict")
    topic(wire, "compacted", cleanup_policy="compact")
    topic(wire, "small", max_message_bytes="100")
    for version in (3, 7, 8, 9, 12):
        wire.ask_once(f"no key v{version}", "PRODUCE", version, produce("compacted", ["a"]))
        wire.ask_once(f"large v{version}", "PRODUCE", version, produce("small", ["a" * 200]))
        wire.ask_once(f"no topic v{version}", "PRODUCE", version, produce("nowhere", ["a"]))
    topic(wire, "timely", message_timestamp_before_max_ms="1000")
    told = wire.call("PRODUCE", 9, produce("timely", ["a", "b"], time=1000))
    for one in told["responses"][0]["partitionResponses"][0]["recordErrors"]:
        one["batchIndexErrorMessage"] = one["batchIndexErrorMessage"].split("[")[0]
    wire.note("late", told)
    wire.ask_once("acks 2", "PRODUCE", 9, produce("strict", ["a"], acks=2))
    own = wire.settled("INIT_PRODUCER_ID", 5, init(None))
    producer = own["producerId"], own["producerEpoch"]
    wire.note("a producer", own)
    for what, sequence, values in (
        ("first", 0, ["a", "b"]),
        ("the same again", 0, ["a", "b"]),
        ("a gap", 5, ["c"]),
        ("inside", 1, ["c"]),
        ("next", 2, ["c"]),
    ):
        body = produce("strict", values, **batch(producer, sequence))
        wire.ask_once(what, "PRODUCE", 9, body)
    newer = producer[0], producer[1] + 1
    wire.ask_once("new epoch", "PRODUCE", 9, produce("strict", ["d"], **batch(newer, 3)))
    wire.ask_once("new epoch at 0", "PRODUCE", 9, produce("strict", ["d"], **batch(newer, 0)))
    wire.ask_once("old epoch", "PRODUCE", 9, produce("strict", ["e"], **batch(producer, 3)))
    wire.ask_once("ahead, unknown", "PRODUCE", 9, produce("strict", ["e"], **batch((77, 0), 3)))

SCENARIOS = [fetches_outside_of_the_log, epochs_are_asked_for, batches_are_refused]
