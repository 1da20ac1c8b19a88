"""Consumer groups of both protocols with librdkafka, through kill -9 of the server, and what an
administrator may do with them."""

import pytest
from confluent_kafka import (Consumer, ConsumerGroupState, ConsumerGroupTopicPartitions,
                             ConsumerGroupType, KafkaException, Producer, TopicPartition)
from confluent_kafka.admin import AdminClient, NewTopic

from support.server import wait_until

BOTH = pytest.mark.parametrize("protocol", ["classic", "consumer"])


class Member:
    """A consumer that remembers what it was told and what it has read."""

    def __init__(self, server, group, topic, protocol):
        settings = {"bootstrap.servers": server.brokers, "group.id": group,
                    "group.protocol": protocol, "auto.offset.reset": "earliest",
                    "enable.auto.commit": False, "reconnect.backoff.max.ms": 200,
                    "topic.metadata.refresh.interval.ms": 500}
        if protocol == "classic":
            settings["session.timeout.ms"] = 20000
            settings["heartbeat.interval.ms"] = 300
        self.values = []
        self.changes = 0
        self.consumer = Consumer(settings)
        self.consumer.subscribe([topic], on_assign=self.note, on_revoke=self.note)

    def note(self, consumer, partitions):
        self.changes += 1

    def poll(self):
        message = self.consumer.poll(0.05)
        if message is not None and not message.error():
            self.values.append(message.value().decode())

    def partitions(self):
        return sorted(one.partition for one in self.consumer.assignment())


def make_topic(server, name, partitions):
    admin = AdminClient({"bootstrap.servers": server.brokers})
    for made in admin.create_topics([NewTopic(name, partitions)]).values():
        made.result(20)
    return admin


def produce(server, topic, values):
    producer = Producer({"bootstrap.servers": server.brokers})
    for i, value in enumerate(values):
        producer.produce(topic, value, partition=i % 4)
    assert producer.flush(30) == 0


def poll_until(members, condition, what, seconds=60):
    def step():
        for member in members:
            member.poll()
        return condition()
    wait_until(step, what, seconds, 0)


def read(members):
    return sorted(value for member in members for value in member.values)


@BOTH
def test_a_killed_server_never_makes_members_rebalance_or_lose_records(fresh_server, protocol):
    server = fresh_server
    make_topic(server, "t", 4)
    members = [Member(server, "g", "t", protocol) for _ in range(2)]
    poll_until(members, lambda: all(len(m.partitions()) == 2 for m in members), "two each")
    first = [f"a{i:04}" for i in range(400)]
    produce(server, "t", first)
    poll_until(members, lambda: read(members) == first, "all is read")
    for member in members:
        member.consumer.commit(asynchronous=False)
    changes = [m.changes for m in members]
    assignments = [m.partitions() for m in members]

    server.kill()
    server.start()
    second = [f"b{i:04}" for i in range(400)]
    produce(server, "t", second)
    poll_until(members, lambda: len(read(members)) >= 800, "the rest is read")
    assert read(members) == first + second
    for member in members:
        member.consumer.commit(asynchronous=False)
    assert [m.changes for m in members] == changes
    assert [m.partitions() for m in members] == assignments

    # One goes, the other takes over and begins behind what was committed.
    members[0].consumer.close()
    stays = members[1]
    poll_until([stays], lambda: len(stays.partitions()) == 4, "four for the one that stays")
    produce(server, "t", ["c0", "c1", "c2", "c3"])
    poll_until([stays], lambda: {"c0", "c1", "c2", "c3"} <= set(stays.values), "the last is read")
    assert not set(stays.values) & set(members[0].values)
    stays.consumer.close()


@BOTH
def test_groups_are_listed_described_and_deleted(fresh_server, protocol):
    server = fresh_server
    admin = make_topic(server, "t", 4)
    produce(server, "t", ["x"] * 8)
    member = Member(server, "g", "t", protocol)
    poll_until([member], lambda: len(member.values) == 8, "all is read")
    member.consumer.commit(asynchronous=False)

    kind = ConsumerGroupType.CLASSIC if protocol == "classic" else ConsumerGroupType.CONSUMER
    listed = admin.list_consumer_groups(types={kind}).result(20).valid
    assert [(one.group_id, one.state) for one in listed] == [("g", ConsumerGroupState.STABLE)]
    group = admin.describe_consumer_groups(["g"])["g"].result(20)
    assert group.type == kind and group.state == ConsumerGroupState.STABLE
    (described,) = group.members
    assert sorted(one.partition for one in described.assignment.topic_partitions) == [0, 1, 2, 3]

    offsets = ConsumerGroupTopicPartitions("g", [TopicPartition("t", 0, 1)])
    with pytest.raises(KafkaException):
        admin.delete_consumer_groups(["g"])["g"].result(20)
    refused = admin.alter_consumer_group_offsets([offsets])["g"].result(20)
    assert refused.topic_partitions[0].error.name() == "UNKNOWN_MEMBER_ID"
    member.consumer.close()

    def is_empty():
        return (admin.describe_consumer_groups(["g"])["g"].result(20).state
                == ConsumerGroupState.EMPTY)
    wait_until(is_empty, "the group is empty")
    admin.alter_consumer_group_offsets([offsets])["g"].result(20)
    kept = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("g")])["g"].result(20)
    assert {one.partition: one.offset for one in kept.topic_partitions} == {0: 1, 1: 2, 2: 2, 3: 2}
    admin.delete_consumer_groups(["g"])["g"].result(20)
    assert admin.list_consumer_groups().result(20).valid == []


def test_members_change_their_protocol_one_by_one(fresh_server):
    server = fresh_server
    make_topic(server, "t", 4)
    old = [Member(server, "g", "t", "classic") for _ in range(2)]
    poll_until(old, lambda: all(len(m.partitions()) == 2 for m in old), "two each")
    old[0].consumer.close()
    new = Member(server, "g", "t", "consumer")
    mixed = [old[1], new]
    poll_until(mixed, lambda: all(len(m.partitions()) == 2 for m in mixed), "two each, mixed")
    produce(server, "t", [f"m{i}" for i in range(8)])
    # Nothing is committed, so who is called back reads again from the start: once or twice each.
    poll_until(mixed, lambda: set(read(mixed)) == {f"m{i}" for i in range(8)}, "all is read")
    # And back.
    new.consumer.close()
    again = Member(server, "g", "t", "classic")
    back = [old[1], again]
    poll_until(back, lambda: all(len(m.partitions()) == 2 for m in back), "two each, back")
    admin = AdminClient({"bootstrap.servers": server.brokers})
    group = admin.describe_consumer_groups(["g"])["g"].result(20)
    assert group.type == ConsumerGroupType.CLASSIC
    for member in back:
        member.consumer.close()


def test_a_regular_expression_follows_new_topics(fresh_server):
    server = fresh_server
    make_topic(server, "logs-a", 1)
    member = Member(server, "g", "^logs-.*", "consumer")
    topics = lambda: {one.topic for one in member.consumer.assignment()}  # noqa: E731
    poll_until([member], lambda: topics() == {"logs-a"}, "the first topic")
    make_topic(server, "logs-b", 1)
    make_topic(server, "other", 1)
    poll_until([member], lambda: topics() == {"logs-a", "logs-b"}, "the second topic")
    member.consumer.close()
