"""What Kafka Connect, MirrorMaker and administrators ask: groups, configs, offsets."""

from bodies import coordinator, init, list_offsets, name, produce, topic


def connect_workers_meet(wire):
    """A Connect cluster begins: its topics, their configs, a group of its own protocol, fencing."""
    topic(wire, "connect-configs", cleanup_policy="compact")
    asked = {"resourceType": 2, "resourceName": name("connect-configs")}
    keys = ["cleanup.policy", "retention.ms", "segment.bytes"]
    wire.ask(
        "configs of its topic",
        "DESCRIBE_CONFIGS",
        4,
        {"resources": [{**asked, "configurationKeys": keys}], "includeSynonyms": False},
    )
    again = {
        "topics": [{"name": name("connect-configs"), "numPartitions": 1, "replicationFactor": 1}],
        "timeoutMs": 30000,
    }
    wire.ask("makes its topic again", "CREATE_TOPICS", 7, again)
    group = name("connect-cluster")
    coordinator(wire, group, 0)
    join = {
        "groupId": group,
        "sessionTimeoutMs": 10000,
        "rebalanceTimeoutMs": 60000,
        "protocolType": "connect",
        "protocols": [
            {"name": "sessioned", "metadata": "s"},
            {"name": "compatible", "metadata": "c"},
            {"name": "default", "metadata": "d"},
        ],
    }
    needed = wire.ask("joins", "JOIN_GROUP", 9, {**join, "memberId": ""}, "worker")
    member = needed["memberId"]
    joined = wire.ask("joins again", "JOIN_GROUP", 9, {**join, "memberId": member}, "worker")
    generation = joined["generationId"]
    of = {"groupId": group, "generationId": generation, "memberId": member}
    for what, kind, protocol in (
        ("another type", "consumer", "sessioned"),
        ("another protocol", "connect", "default"),
    ):
        body = {**of, "protocolType": kind, "protocolName": protocol, "assignments": []}
        wire.ask_once(f"syncs with {what}", "SYNC_GROUP", 5, body)
    sync = {
        **of,
        "protocolType": "connect",
        "protocolName": "sessioned",
        "assignments": [{"memberId": member, "assignment": "work"}],
    }
    wire.ask("syncs", "SYNC_GROUP", 5, sync)
    wire.ask("beats", "HEARTBEAT", 4, of)
    wire.ask("beats late", "HEARTBEAT", 4, {**of, "generationId": generation - 1})
    wire.ask("beats as nobody", "HEARTBEAT", 4, {**of, "memberId": "nobody"})
    other = {**join, "protocolType": "consumer", "memberId": ""}
    wire.ask_once("another kind joins", "JOIN_GROUP", 9, other, "other")
    for what, states, types in (
        ("connect", [], ["classic"]),
        ("stable", ["Stable"], []),
        ("none", ["Dead"], []),
    ):
        body = {"statesFilter": states, "typesFilter": types}
        listed = wire.call("LIST_GROUPS", 5, body)
        listed["groups"] = [one for one in listed["groups"] if one["groupId"] == group]
        wire.note(f"lists {what}", listed)
    described = wire.call(
        "DESCRIBE_GROUPS",
        6,
        {"groups": [group, name("nothing")], "includeAuthorizedOperations": True},
    )
    described["groups"].sort(key=lambda one: one["groupId"])
    for one in (m for g in described["groups"] for m in g["members"]):
        one["clientHost"] = "a host"
    wire.note("describes", described)
    wire.ask_once(
        "as consumers", "CONSUMER_GROUP_DESCRIBE", 1,
        {"groupIds": [group], "includeAuthorizedOperations": False},
    )
    gone = [{"memberId": member, "reason": "shutdown"}, {"memberId": "nobody"}]
    wire.ask("leaves", "LEAVE_GROUP", 5, {"groupId": group, "members": gone})
    wire.ask("beats after", "HEARTBEAT", 4, of)
    for identifier in ("connect-cluster-source-0", "connect-cluster-source-1"):
        coordinator(wire, identifier, 1)
        fenced = wire.settled("INIT_PRODUCER_ID", 5, init(name(identifier)))
        wire.note(f"fences {identifier}", [fenced["errorCode"], fenced["producerEpoch"]])
    wire.ask("ends", "LIST_OFFSETS", 9, list_offsets("connect-configs", -1))


def a_mirror_is_set_up(wire):
    """MirrorMaker: topics grow, configs are copied, offsets of others' groups are set."""
    topic(wire, "mirrored")
    grow = {
        "topics": [{"name": name("mirrored"), "count": 3}],
        "timeoutMs": 30000,
        "validateOnly": False,
    }
    wire.ask("grows", "CREATE_PARTITIONS", 3, grow)
    wire.ask("grows to the same", "CREATE_PARTITIONS", 3, grow)
    grow["topics"][0]["count"] = 2
    wire.ask("shrinks", "CREATE_PARTITIONS", 3, grow)
    grow["topics"][0]["name"] = name("nowhere")
    wire.ask_once("grows nothing", "CREATE_PARTITIONS", 3, grow)
    everything = {
        "resourceTypeFilter": 2,
        "resourceNameFilter": None,
        "patternTypeFilter": 1,
        "principalFilter": None,
        "hostFilter": None,
        "operation": 1,
        "permissionType": 1,
    }
    wire.ask_once("acls", "DESCRIBE_ACLS", 3, everything)

    def configs(*changes, validate=False, of="mirrored"):
        entries = [
            {"name": key, "configOperation": operation, "value": value}
            for key, operation, value in changes
        ]
        resource = {"resourceType": 2, "resourceName": name(of), "configs": entries}
        return {"resources": [resource], "validateOnly": validate}

    for what, body in {
        "sets": configs(("retention.ms", 0, "1000"), ("cleanup.policy", 2, "compact")),
        "deletes": configs(("retention.ms", 1, None)),
        "subtracts": configs(("cleanup.policy", 3, "delete")),
        "only looks": configs(("retention.ms", 0, "7"), validate=True),
        "sets nonsense": configs(("retention.ms", 0, "soon")),
        "sets what is none": configs(("no.such.config", 0, "1")),
        "sets one twice": configs(("retention.ms", 0, "1"), ("retention.ms", 0, "2")),
        "appends to a number": configs(("retention.ms", 2, "1")),
        "sets null": configs(("retention.ms", 0, None)),
        "sets nothing's": configs(("retention.ms", 0, "1"), of="nowhere"),
    }.items():
        wire.ask_once(what, "INCREMENTAL_ALTER_CONFIGS", 1, body)
    keys = ["cleanup.policy", "retention.ms", "max.message.bytes", "no.such"]
    asked = {"resourceType": 2, "resourceName": name("mirrored"), "configurationKeys": keys}
    wire.ask_once(
        "configs", "DESCRIBE_CONFIGS", 4, {"resources": [asked], "includeSynonyms": True}
    )
    group = name("mirrored-group")
    coordinator(wire, group, 0)

    def commit(what, offset, partition=0, **member):
        one = {"partitionIndex": partition, "committedOffset": offset, "committedMetadata": "m"}
        topics = [{"name": name("mirrored"), "partitions": [one]}]
        wire.ask_once(what, "OFFSET_COMMIT", 8, {"groupId": group, "topics": topics, **member})

    nobody = {"generationIdOrMemberEpoch": -1, "memberId": ""}
    commit("sets an offset", 42, **nobody)
    commit("sets it back", 7, **nobody)
    commit("of no partition", 7, partition=9, **nobody)
    commit("with a generation", 8, generationIdOrMemberEpoch=3, memberId="")
    commit("as somebody", 8, generationIdOrMemberEpoch=3, memberId="somebody")
    topics = [{"name": name("mirrored"), "partitionIndexes": [0, 1]}]
    for version, body in (
        (7, {"groupId": group, "topics": topics, "requireStable": True}),
        (8, {"groups": [{"groupId": group, "topics": topics}], "requireStable": True}),
        (9, {"groups": [{"groupId": group, "topics": None}], "requireStable": True}),
        (9, {"groups": [{"groupId": name("no-group"), "topics": topics}], "requireStable": False}),
    ):
        wire.ask_once(f"offsets v{version}", "OFFSET_FETCH", version, body)
    listed = wire.call("LIST_GROUPS", 5, {"statesFilter": ["Empty"], "typesFilter": []})
    listed["groups"] = [one for one in listed["groups"] if one["groupId"] == group]
    wire.note("lists", listed)
    deleted = {
        "groupId": group,
        "topics": [
            {"name": name("mirrored"), "partitions": [{"partitionIndex": 0}]}
        ],
    }
    wire.ask_once("forgets an offset", "OFFSET_DELETE", 0, deleted)
    wire.ask_once("forgets of no group", "OFFSET_DELETE", 0, {**deleted, "groupId": name("none")})
    wire.ask_once("deletes it", "DELETE_GROUPS", 2, {"groupsNames": [group]})
    wire.ask_once("deletes it again", "DELETE_GROUPS", 2, {"groupsNames": [group]})


def members_come_by_the_new_protocol(wire):
    topic_id = topic(wire, "modern", partitions=2)
    wire.settled("PRODUCE", 9, produce("modern", ["a"]))
    group = name("modern-group")
    coordinator(wire, group, 0)
    base = {"groupId": group, "rebalanceTimeoutMs": 30000}

    def beat(what, epoch, member="member-1", **more):
        body = {**base, "memberId": member, "memberEpoch": epoch, **more}
        return wire.ask_once(what, "CONSUMER_GROUP_HEARTBEAT", 1, body)

    topics = {"subscribedTopicNames": [name("modern")]}
    for turn in range(2):
        warm = wire.settled(
            "CONSUMER_GROUP_HEARTBEAT",
            1,
            {**base, "memberId": "warm", "memberEpoch": 0, "topicPartitions": [], **topics},
        )
        if turn == 0:  # A new group of Kafka 4.3 begins with 2, one of ours with 1.
            wire.epochs_after = warm["memberEpoch"] - 1
        beat("the first goes", -1, "warm")
    beat("joins without topics", 0, topicPartitions=[])
    beat("joins without a name", 0, member="", topicPartitions=[], **topics)
    one = [{"topicId": topic_id, "partitions": [0]}]
    beat("joins with partitions", 0, topicPartitions=one, **topics)
    beat("joins without a timeout", 0, topicPartitions=[], rebalanceTimeoutMs=-1, **topics)
    beat("an assignor that is none", 0, topicPartitions=[], serverAssignor="best", **topics)
    beat("joins", 0, topicPartitions=[], **topics)
    # Assignments come with a later heartbeat.
    assigned = wire.settled(
        "CONSUMER_GROUP_HEARTBEAT",
        1,
        {**base, "memberId": "member-1", "memberEpoch": 0, "topicPartitions": [], **topics},
        until=lambda answer: (answer["assignment"] or {}).get("topicPartitions"),
    )
    wire.note("assigned", assigned["assignment"])
    epoch = assigned["memberEpoch"]
    beat("beats", epoch)
    beat("ahead", epoch + 5)
    beat("behind", epoch - 1)
    beat("nobody", epoch, member="nobody")
    body = {**base, "memberId": "member-1", "memberEpoch": epoch, "subscribedTopicRegex": "("}
    wrong = wire.call("CONSUMER_GROUP_HEARTBEAT", 1, body)
    # What is wrong with it is told in the words of the library that reads it.
    wire.note("a regex that is none", [wrong["errorCode"], wrong["errorMessage"][:60]])
    owned = [{"topicId": topic_id, "partitions": [0, 1]}]
    beat("owns", epoch, topicPartitions=owned)
    one = {"partitionIndex": 0, "committedOffset": 1, "committedMetadata": ""}
    for what, member, member_epoch in (
        ("commits", "member-1", epoch),
        ("commits stale", "member-1", epoch - 1),
        ("commits ahead", "member-1", epoch + 5),
        ("commits as nobody", "nobody", epoch),
        ("commits without a member", "", -1),
    ):
        body = {
            "groupId": group,
            "generationIdOrMemberEpoch": member_epoch,
            "memberId": member,
            "topics": [{"name": name("modern"), "partitions": [one]}],
        }
        wire.ask_once(what, "OFFSET_COMMIT", 9, body)
        asked = {
            "groupId": group,
            "memberId": member,
            "memberEpoch": member_epoch,
            "topics": [{"name": name("modern"), "partitionIndexes": [0]}],
        }
        wire.ask_once(
            f"{what}: fetches", "OFFSET_FETCH", 9, {"groups": [asked], "requireStable": False}
        )
    classic = {
        "groupId": group,
        "sessionTimeoutMs": 10000,
        "rebalanceTimeoutMs": 60000,
        "memberId": "",
        "protocolType": "connect",
        "protocols": [{"name": "default", "metadata": "d"}],
    }
    wire.ask_once("a worker joins", "JOIN_GROUP", 9, classic)
    share = {"groupId": group, "memberId": "s", "memberEpoch": 0, **topics}
    wire.ask_once("a sharer joins", "SHARE_GROUP_HEARTBEAT", 1, share)
    told = wire.call(
        "CONSUMER_GROUP_DESCRIBE",
        1,
        {"groupIds": [group, name("nothing")], "includeAuthorizedOperations": True},
    )
    told["groups"].sort(key=lambda one: one["groupId"])
    for one in (m for g in told["groups"] for m in g["members"]):
        one["clientHost"] = "a host"
    wire.note("described", told)
    beat("leaves", -1)
    beat("leaves again", -1)


SCENARIOS = [connect_workers_meet, a_mirror_is_set_up, members_come_by_the_new_protocol]
