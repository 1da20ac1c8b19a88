"""Transactions: fencing, timeouts, ends that come twice, offsets, lists."""

from bodies import (
    RUN,
    add,
    batch,
    coordinator,
    end,
    fetch,
    init,
    list_offsets,
    name,
    produce,
    take,
    topic,
    txn_offsets,
)


def described(wire, transactional, state):
    """The transaction once it is in that state."""
    return wire.settled(
        "DESCRIBE_TRANSACTIONS",
        0,
        {"transactionalIds": [transactional]},
        until=lambda a: a["transactionStates"][0]["transactionState"] == state,
    )


def a_transaction_of_the_first_kind(wire):
    topic(wire, "first")
    identifier = name("first-kind")
    # Nobody here is to have the id 0, which also stands for none.
    wire.settled("INIT_PRODUCER_ID", 5, init(None))
    producer = take(wire, identifier)
    aborted = [(0, 5), (1, 6)]
    for isolation in (0, 1):
        wire.ask_once("empty", "LIST_OFFSETS", 9, list_offsets("first", -1, isolation))
    unadded = produce("first", ["x"], transactional=identifier, **batch(producer, 0))
    wire.ask_once("without adding, v9", "PRODUCE", 9, unadded)
    wire.ask("add", "ADD_PARTITIONS_TO_TXN", 3, add(identifier, producer, name("first")))
    wire.ask_once(
        "add nothing known", "ADD_PARTITIONS_TO_TXN", 3, add(identifier, producer, name("none"))
    )
    both = add(identifier, producer, name("first"), "none-such")
    wire.ask_once("add both", "ADD_PARTITIONS_TO_TXN", 3, both)
    wire.ask("records", "PRODUCE", 9, unadded)
    wire.ask_once("open", "LIST_OFFSETS", 9, list_offsets("first", -1, 1))
    wire.ask_once("open, all", "LIST_OFFSETS", 9, list_offsets("first", -1, 0))
    wire.ask_once("open, read", "FETCH", 12, fetch("first", 0, isolation=1))
    wire.ask_once("open, read all", "FETCH", 12, fetch("first", 0))
    wire.ask_once("open, described", "DESCRIBE_TRANSACTIONS", 0, {"transactionalIds": [identifier]})
    producers = {"topics": [{"name": name("first"), "partitionIndexes": [0, 9]}]}
    wire.ask_once("open, producers", "DESCRIBE_PRODUCERS", 0, producers)
    stale = producer[0], producer[1] - 1
    newer = producer[0], producer[1] + 1
    for what, one in (("stale", stale), ("newer", newer), ("foreign", (producer[0] + 999, 0))):
        for version in (0, 3):
            body = add(identifier, one, name("first"))
            wire.ask_once(f"{what} adds v{version}", "ADD_PARTITIONS_TO_TXN", version, body)
        for version in (1, 4):
            wire.ask_once(f"{what} ends v{version}", "END_TXN", version, end(identifier, one, True))
        wire.ask_once(
            f"{what} offsets",
            "ADD_OFFSETS_TO_TXN",
            3,
            {
                "transactionalId": identifier,
                "producerId": one[0],
                "producerEpoch": one[1],
                "groupId": name("g"),
            },
        )
        body = produce("first", ["y"], transactional=identifier, **batch(one, 1))
        wire.ask_once(f"{what} records", "PRODUCE", 9, body)
        coordinator(wire, name("g"), 0)
        body = txn_offsets(identifier, name("g"), one, "first", 5)
        wire.ask(f"{what} commits offsets", "TXN_OFFSET_COMMIT", 3, body)
    wire.ask("end", "END_TXN", 3, end(identifier, producer, False))
    wire.settled(
        "LIST_OFFSETS",
        9,
        list_offsets("first", -1, 1),
        until=lambda a: a["topics"][0]["partitions"][0]["offset"] == aborted[0][0] + 2,
    )
    for isolation in (0, 1):
        wire.ask_once(f"aborted {isolation}", "FETCH", 12, fetch("first", 0, isolation=isolation))
        wire.ask_once(f"after {isolation}", "FETCH", 12, fetch("first", 2, isolation=isolation))
    wire.ask("end again", "END_TXN", 3, end(identifier, producer, False))
    wire.ask("end otherwise", "END_TXN", 3, end(identifier, producer, True))
    wire.ask_once("ended, producers", "DESCRIBE_PRODUCERS", 0, producers)
    wire.ask_once(
        "ended, described",
        "DESCRIBE_TRANSACTIONS",
        0,
        {"transactionalIds": [identifier, name("nobody"), ""]},
    )
    wire.ask("of no id", "END_TXN", 3, end(name("nobody"), producer, True))
    wire.ask(
        "add to no id", "ADD_PARTITIONS_TO_TXN", 3, add(name("nobody"), producer, name("first"))
    )


def a_transaction_of_the_second_kind(wire):
    topic(wire, "second")
    identifier = name("second-kind")
    producer = take(wire, identifier)

    def send(who, sequence, version=12):
        body = produce("second", ["x"], transactional=identifier, **batch(who, sequence))
        return "PRODUCE", version, body

    wire.ask("records", *send(producer, 0))
    wire.ask_once("open", "DESCRIBE_TRANSACTIONS", 0, {"transactionalIds": [identifier]})
    wire.ask_once("old way", "END_TXN", 3, end(identifier, (producer[0], producer[1] + 1), True))
    ended = wire.ask("commit", "END_TXN", 5, end(identifier, producer, True))
    bumped = ended["producerId"], ended["producerEpoch"]
    wire.note("the epoch grows", bumped[1] - producer[1])
    wire.ask("commit again", "END_TXN", 5, end(identifier, producer, True))
    wire.ask_once("abort it now", "END_TXN", 5, end(identifier, producer, False))
    wire.ask_once("late records", *send(producer, 1))
    wire.ask("an empty commit", "END_TXN", 5, end(identifier, bumped, True))
    wire.ask("an empty abort", "END_TXN", 5, end(identifier, bumped, False))
    told = described(wire, identifier, "CompleteAbort")
    state = told["transactionStates"][0]
    now = state["producerId"], state["producerEpoch"]
    wire.note("after that", told)
    wire.ask("next records", *send(now, 0))
    wire.ask("abort", "END_TXN", 5, end(identifier, now, False))
    described(wire, identifier, "CompleteAbort")
    wire.ask_once("read", "FETCH", 12, fetch("second", 0, isolation=1))
    wire.ask("stale end", "END_TXN", 5, end(identifier, producer, True))


def producers_fence_each_other(wire):
    identifier = name("fenced")
    topic(wire, "fences")
    coordinator(wire, identifier, 1)
    first = take(wire, identifier)
    second = take(wire, identifier)
    wire.note("epochs", [first[1], second[1], second[0] == first[0]])
    for what, one in (("old", first), ("own", second)):
        for version in (3, 4, 5):
            told = wire.settled("INIT_PRODUCER_ID", version, init(identifier, producer=one))
            wire.note(f"{what} again v{version}", told["errorCode"])
            if told["errorCode"] == 0 and version == 5:
                wire.note("its epoch", told["producerEpoch"] - one[1])
    wire.ask_once("unknown id", "INIT_PRODUCER_ID", 5, init(identifier, producer=(123456, 3)))
    wire.ask_once("timeout too long", "INIT_PRODUCER_ID", 5, init(identifier, timeout_ms=10**9))
    wire.ask_once("timeout 0", "INIT_PRODUCER_ID", 5, init(identifier, timeout_ms=0))
    wire.ask_once("timeout -1", "INIT_PRODUCER_ID", 5, init(identifier, timeout_ms=-1))
    wire.ask_once("no name", "INIT_PRODUCER_ID", 5, init(""))
    open_one = take(wire, identifier)
    body = produce("fences", ["x"], transactional=identifier, **batch(open_one, 0))
    wire.ask("records", "PRODUCE", 12, body)
    taken = wire.settled("INIT_PRODUCER_ID", 5, init(identifier))
    wire.note("takes over", taken["producerEpoch"] - open_one[1])
    body = produce("fences", ["y"], transactional=identifier, **batch(open_one, 1))
    wire.ask_once("a zombie's records", "PRODUCE", 12, body)
    wire.ask_once("a zombie's end", "END_TXN", 5, end(identifier, open_one, True))
    wire.ask_once("a zombie's end v3", "END_TXN", 3, end(identifier, open_one, True))
    wire.ask_once(
        "a zombie adds", "ADD_PARTITIONS_TO_TXN", 3, add(identifier, open_one, name("fences"))
    )
    wire.ask_once("read", "FETCH", 12, fetch("fences", 0, isolation=1))


def a_transaction_times_out(wire):
    identifier = name("late")
    topic(wire, "lates")
    producer = take(wire, identifier, timeout_ms=500)
    body = produce("lates", ["x"], transactional=identifier, **batch(producer, 0))
    wire.ask("records", "PRODUCE", 12, body)
    told = described(wire, identifier, "CompleteAbort")
    wire.note("timed out", told)
    wire.note("epoch grew", told["transactionStates"][0]["producerEpoch"] - producer[1])
    for version in (1, 3, 5):
        wire.ask_once(f"end v{version}", "END_TXN", version, end(identifier, producer, True))
    body = produce("lates", ["y"], transactional=identifier, **batch(producer, 1))
    wire.ask_once("more records", "PRODUCE", 12, body)
    wire.ask_once("read", "FETCH", 12, fetch("lates", 0, isolation=1))
    again = wire.settled("INIT_PRODUCER_ID", 5, init(identifier, producer=producer))
    wire.note("asks for a new epoch", again["errorCode"])


def offsets_in_transactions(wire):
    identifier, group = name("mover"), name("moved")
    topic(wire, "moves")
    coordinator(wire, group, 0)
    producer = take(wire, identifier)
    protocols = [{"name": "range", "metadata": "x"}]
    join = {
        "groupId": group,
        "sessionTimeoutMs": 30000,
        "rebalanceTimeoutMs": 30000,
        "memberId": "",
        "protocolType": "consumer",
        "protocols": protocols,
    }
    needed = wire.ask("join", "JOIN_GROUP", 9, join)
    joined = wire.ask("join again", "JOIN_GROUP", 9, {**join, "memberId": needed["memberId"]})
    member, generation = joined["memberId"], joined["generationId"]
    sync = {
        "groupId": group,
        "generationId": generation,
        "memberId": member,
        "protocolType": "consumer",
        "protocolName": "range",
        "assignments": [{"memberId": member, "assignment": "all"}],
    }
    wire.ask("sync", "SYNC_GROUP", 5, sync)

    def commit(what, version, offset=7, **member_of):
        body = txn_offsets(identifier, group, producer, "moves", offset, **member_of)
        wire.ask(what, "TXN_OFFSET_COMMIT", version, body)

    def fetched(what, stable):
        asked = {"groupId": group, "topics": [{"name": name("moves"), "partitionIndexes": [0]}]}
        wire.ask_once(
            what, "OFFSET_FETCH", 8, {"groups": [asked], "requireStable": stable}
        )

    wire.ask(
        "add offsets",
        "ADD_OFFSETS_TO_TXN",
        3,
        {
            "transactionalId": identifier,
            "producerId": producer[0],
            "producerEpoch": producer[1],
            "groupId": group,
        },
    )
    commit("stale generation", 3, generation=generation + 5, member=member)
    commit("older generation", 3, generation=max(generation - 1, 0), member=member)
    commit("foreign member", 3, generation=generation, member="nobody")
    commit("foreign member, no generation", 3, member="nobody")
    commit("no member", 3)
    commit("member", 3, generation=generation, member=member)
    fetched("pending", False)
    fetched("pending, stable", True)
    one = {"partitionIndex": 0, "committedOffset": 3, "committedMetadata": "m"}
    plain = {
        "groupId": group,
        "generationIdOrMemberEpoch": generation,
        "memberId": member,
        "topics": [{"name": name("moves"), "partitions": [one]}],
    }
    wire.ask_once("others commit", "OFFSET_COMMIT", 8, plain)
    for one in (group, name("none")):
        wire.ask_once(f"delete {one}", "DELETE_GROUPS", 2, {"groupsNames": [one]})
    wire.ask_once(
        "delete offset",
        "OFFSET_DELETE",
        0,
        {
            "groupId": group,
            "topics": [{"name": name("moves"), "partitions": [{"partitionIndex": 0}]}],
        },
    )
    wire.ask("commit", "END_TXN", 3, end(identifier, producer, True))
    wire.settled(
        "OFFSET_FETCH",
        8,
        {
            "groups": [
                {"groupId": group, "topics": [{"name": name("moves"), "partitionIndexes": [0]}]}
            ],
            "requireStable": True,
        },
        until=lambda a: 88 not in codes_of(a),
    )
    fetched("committed", True)
    gone = [{"memberId": member}, {"memberId": "nobody"}]
    wire.ask("leave", "LEAVE_GROUP", 5, {"groupId": group, "members": gone})
    commit("after it left", 3, generation=generation, member=member)
    other = txn_offsets(identifier, name("other"), producer, "moves", 9)
    wire.ask("second kind", "TXN_OFFSET_COMMIT", 5, other)
    told = described(wire, identifier, "Ongoing")
    # How many partitions the topic of offsets has is each server's own affair.
    told["transactionStates"][0]["topics"][0]["partitions"] = []
    wire.note("described", told)
    wire.ask("abort", "END_TXN", 3, end(identifier, producer, False))


def codes_of(answer):
    return {p["errorCode"] for g in answer["groups"] for t in g["topics"] for p in t["partitions"]}


def transactions_are_listed(wire):
    identifiers = [name(f"listed-{one}") for one in "ab"]
    producers = [take(wire, one) for one in identifiers]
    topic(wire, "lists")
    body = produce("lists", ["x"], transactional=identifiers[0], **batch(producers[0], 0))
    wire.ask("records", "PRODUCE", 12, body)

    def listed(what, version, **filters):
        told = wire.call("LIST_TRANSACTIONS", version, filters)
        mine = [one for one in told["transactionStates"] if one["transactionalId"] in identifiers]
        told["transactionStates"] = sorted(mine, key=lambda one: one["transactionalId"])
        wire.note(what, told)

    listed("all", 0)
    listed("ongoing", 0, stateFilters=["Ongoing"])
    listed("empty", 0, stateFilters=["Empty", "NoSuchState"])
    listed("a producer", 0, producerIdFilters=[producers[1][0]])
    listed("no producer", 0, producerIdFilters=[987654])
    listed("long", 1, durationFilter=3600000)
    listed("any time", 1, durationFilter=0)
    for pattern in ("listed-a.*", f".*listed-b-{RUN}", "", "nothing"):
        listed(f"pattern {pattern.replace(RUN, 'RUN')}", 2, transactionalIdPattern=pattern)
    wrong = wire.call("LIST_TRANSACTIONS", 2, {"transactionalIdPattern": "("})
    wire.note("wrong pattern", wrong["errorCode"])
    wire.ask("end", "END_TXN", 5, end(identifiers[0], producers[0], True))

SCENARIOS = [
    a_transaction_of_the_first_kind,
    a_transaction_of_the_second_kind,
    producers_fence_each_other,
    a_transaction_times_out,
    offsets_in_transactions,
    transactions_are_listed,
]
