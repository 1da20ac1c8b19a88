"""Share groups: what a member acquires, what becomes of it, and what sessions refuse."""

import time
import uuid

from bodies import batch, coordinator, end, name, produce, take, topic
from support.server import wait_until

ACCEPT, RELEASE, REJECT, RENEW = 1, 2, 3, 4
INVALID_RECORD_STATE = 121


def group_config(wire, group, **configs):
    """Set options of a group."""
    wire.settled(
        "INCREMENTAL_ALTER_CONFIGS",
        1,
        {
            "resources": [
                {
                    "resourceType": 32,
                    "resourceName": group,
                    "configs": [
                        {"name": key.replace("_", "."), "configOperation": 0, "value": value}
                        for key, value in configs.items()
                    ],
                }
            ],
            "validateOnly": False,
        },
    )


class Member:
    """One member of a share group that reads partition 0 of one topic."""

    def __init__(self, wire, group, topic_name, topic_id, label):
        self.wire, self.group, self.topic_id, self.label = wire, group, topic_id, label
        # The same on both sides, so that what is told of it is equal.
        self.id = str(uuid.uuid5(uuid.NAMESPACE_URL, group + label))
        self.epoch = 0
        coordinator(wire, group, 0)
        self.last = self.beat(0, [topic_name])
        wait_until(self.assigned, f"partitions for the member {label}", 60)
        wire.note(f"{label} is assigned", self.last["assignment"])
        self.member_epoch = self.last["memberEpoch"]

    def assigned(self):
        """Whether the last answer brought partitions; the next one may, when it did not."""
        if (self.last.get("assignment") or {}).get("topicPartitions"):
            return True
        self.last = self.beat(self.last["memberEpoch"])
        return False

    def beat(self, epoch, topics=None):
        body = {"groupId": self.group, "memberId": self.id, "memberEpoch": epoch}
        body["subscribedTopicNames"] = topics
        return self.wire.settled("SHARE_GROUP_HEARTBEAT", 1, body, self.label)

    def topics(self, acknowledged):
        batches = [
            {"firstOffset": first, "lastOffset": last, "acknowledgeTypes": types}
            for first, last, *types in acknowledged
        ]
        partition = {"partitionIndex": 0, "acknowledgementBatches": batches}
        return [{"topicId": self.topic_id, "partitions": [partition]}]

    def fetch(self, acknowledged=(), wait_ms=500, epoch=None, records=500, version=2, **more):
        body = {
            "groupId": self.group,
            "memberId": self.id,
            "shareSessionEpoch": self.epoch if epoch is None else epoch,
            "maxWaitMs": wait_ms,
            "minBytes": 1,
            "maxBytes": 1 << 20,
            "maxRecords": records,
            "batchSize": records,
            "topics": self.topics(acknowledged) if acknowledged or self.epoch == 0 else [],
            **more,
        }
        answer = self.wire.call("SHARE_FETCH", version, body, self.label)
        if answer.get("errorCode") == 0 and epoch is None:
            self.epoch += 1
        return answer

    def fetched(self, what, acknowledged=(), **more):
        return self.wire.note(f"{self.label} {what}", self.fetch(acknowledged, **more))

    def acquires(self, what, seconds=60):
        """Note the first answer that has records."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.fetch()
            found = [p for t in answer.get("responses", []) for p in t["partitions"]]
            if any(p["acquiredRecords"] for p in found):
                return self.wire.note(f"{self.label} {what}", answer)
            assert time.monotonic() < deadline, f"{self.label} acquires nothing: {answer}"

    def acknowledge(self, what, *acknowledged, epoch=None, version=2, **more):
        body = {
            "groupId": self.group,
            "memberId": self.id,
            "shareSessionEpoch": self.epoch if epoch is None else epoch,
            "topics": self.topics(acknowledged) if acknowledged else [],
            **more,
        }
        answer = self.wire.call("SHARE_ACKNOWLEDGE", version, body, self.label)
        if answer.get("errorCode") == 0 and epoch is None:
            self.epoch += 1
        for one in (p for t in answer["responses"] for p in t["partitions"]):
            # Kafka's words depend on which records it holds together as one.
            if one["errorCode"] == INVALID_RECORD_STATE:
                one["errorMessage"] = "words"
        return self.wire.note(f"{self.label} {what}", answer)


def write(wire, of, *values):
    for value in values:
        wire.settled("PRODUCE", 9, produce(of, [value]))


def group_state(wire, group, what):
    body = {"groupIds": [group], "includeAuthorizedOperations": False}
    told = wire.settled("SHARE_GROUP_DESCRIBE", 1, body)
    for one in told["groups"]:
        one["members"] = len(one["members"])
        # Epochs count what a server has seen of its topics.
        one["groupEpoch"] = one["assignmentEpoch"] = 0
    wire.note(what, told)


def records_are_shared(wire):
    topic_id = topic(wire, "shared")
    group = name("sharers")
    group_config(wire, group, share_auto_offset_reset="earliest")
    for one in ("a", "b", "c", "d", "e", "f"):
        write(wire, "shared", one)
    first = Member(wire, group, name("shared"), topic_id, "first")
    first.acquires("gets all")
    first.fetched("gets nothing more")
    first.acknowledge("accepts, releases, rejects", (0, 0, ACCEPT), (1, 2, RELEASE), (3, 3, REJECT))
    first.acquires("gets what was released")
    second = Member(wire, group, name("shared"), topic_id, "second")
    second.fetched("opens its session", wait_ms=100)
    second.acknowledge("accepts of another", (1, 1, ACCEPT))
    second.acknowledge("accepts of nobody", (90, 91, ACCEPT))
    first.acknowledge("accepts again", (0, 0, ACCEPT))
    first.acknowledge("accepts a part", (1, 1, ACCEPT))
    first.acknowledge("a type for each", (2, 4, ACCEPT, 0, ACCEPT))
    first.acknowledge("too many types", (4, 5, ACCEPT, ACCEPT, ACCEPT))
    first.acknowledge("a wrong type", (5, 5, 9))
    first.acknowledge("backwards", (5, 4, ACCEPT))
    first.acknowledge("overlapping", (5, 5, ACCEPT), (5, 5, RELEASE))
    first.acknowledge("overlapping more", (4, 5, ACCEPT), (4, 5, RELEASE))
    first.acknowledge("renews without saying so", (5, 5, RENEW))
    first.acknowledge("renews", (5, 5, RENEW), isRenewAck=True)
    first.fetched("accepts by the way", [(5, 5, ACCEPT)], wait_ms=100)
    group_state(wire, group, "described")
    wire.ask_once(
        "start offset",
        "DESCRIBE_SHARE_GROUP_OFFSETS",
        1,
        {
            "groups": [
                {"groupId": group, "topics": [{"topicName": name("shared"), "partitions": [0]}]}
            ]
        },
    )
    first.acknowledge("closes", epoch=-1)
    first.acknowledge("after closing", (5, 5, ACCEPT))


def deliveries_are_counted(wire):
    topic_id = topic(wire, "counted")
    group = name("counters")
    group_config(wire, group, share_auto_offset_reset="earliest")
    write(wire, "counted", "a", "b")
    member = Member(wire, group, name("counted"), topic_id, "member")
    for count in range(5):
        member.acquires(f"gets it, {count}")
        member.acknowledge(f"releases, {count}", (0, 0, RELEASE), (1, 1, RELEASE))
    member.fetched("gets it no more", wait_ms=300)
    write(wire, "counted", "c")
    member.acquires("gets the next")
    member.fetched("closes", epoch=-1, wait_ms=0)


def sessions_are_kept(wire):
    topic_id = topic(wire, "sessions")
    group = name("sessions")
    group_config(wire, group, share_auto_offset_reset="earliest")
    write(wire, "sessions", "a", "b", "c")
    member = Member(wire, group, name("sessions"), topic_id, "member")
    member.fetched("without a session", epoch=3)
    member.acknowledge("acknowledges without one", (0, 0, ACCEPT), epoch=3)
    member.acknowledge("acknowledges at its begin", (0, 0, ACCEPT), epoch=0)
    member.fetched("acknowledges while it opens", [(0, 0, ACCEPT)], epoch=0)
    member.acquires("opens")
    member.fetched("an epoch ahead", epoch=member.epoch + 5)
    member.acknowledge("an epoch ahead", (0, 0, ACCEPT), epoch=member.epoch + 5)
    stranger = Member.__new__(Member)
    stranger.__dict__.update(member.__dict__, id="no uuid", epoch=0, label="stranger")
    stranger.fetched("opens")
    stranger.__dict__.update(id="")
    stranger.fetched("has no name")
    member.fetched("too few records", records=0)
    member.fetched("goes, and gives back", epoch=-1, wait_ms=0)
    member.epoch = 0
    member.acquires("comes again")
    member.fetched("asks for a mode that is none", shareAcquireMode=7)
    member.epoch += 1
    member.fetched("goes on", wait_ms=0)


def locks_expire(wire):
    topic_id = topic(wire, "locks")
    group = name("locks")
    group_config(
        wire, group, share_auto_offset_reset="earliest", share_record_lock_duration_ms="15000"
    )
    write(wire, "locks", "a", "b")
    holder = Member(wire, group, name("locks"), topic_id, "holder")
    heir = Member(wire, group, name("locks"), topic_id, "heir")
    holder.acquires("gets them")
    heir.acquires("gets them in the end")
    holder.acknowledge("is too late", (0, 0, ACCEPT))
    heir.acknowledge("accepts", (0, 1, ACCEPT))


def only_committed_records_are_shared(wire):
    topic_id = topic(wire, "committed")
    group = name("committed")
    group_config(
        wire,
        group,
        share_auto_offset_reset="earliest",
        share_isolation_level="read_committed",
    )
    transactional = name("share-txn")
    producer = take(wire, transactional)
    write(wire, "committed", "plain")

    def send(value):
        body = produce("committed", [value], transactional=transactional, **batch(producer, 0))
        wire.ask(value, "PRODUCE", 12, body)

    send("aborted")
    member = Member(wire, group, name("committed"), topic_id, "member")
    member.acquires("sees up to the open one")
    member.fetched("sees no further", wait_ms=200)
    ended = wire.ask("abort", "END_TXN", 5, end(transactional, producer, False))
    producer = ended["producerId"], ended["producerEpoch"]
    send("committed")
    wire.ask("commit", "END_TXN", 5, end(transactional, producer, True))
    write(wire, "committed", "last")
    seen = []
    deadline = time.monotonic() + 60
    while 5 not in seen:
        assert time.monotonic() < deadline, f"only {seen} came"
        answer = member.fetch()
        for one in answer["responses"]:
            for run in one["partitions"][0]["acquiredRecords"]:
                seen += range(run["firstOffset"], run["lastOffset"] + 1)
    # Kafka hands out the offsets of markers, for clients to pass over; here they are passed over.
    wire.note("acquired", [offset for offset in seen if offset not in (2, 4)])


SCENARIOS = [
    records_are_shared,
    deliveries_are_counted,
    sessions_are_kept,
    locks_expire,
    only_committed_records_are_shared,
]
