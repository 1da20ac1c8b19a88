"""Transactions with real clients, and kill -9 of the server in the middle of them.

Each record that was committed is read exactly once, none that was aborted is ever read, and a
program that consumes, transforms and produces does so exactly once. The seed is printed;
MILLRACE_SEED replays it, MILLRACE_KILLS sets the rounds.
"""

import collections
import os
import random
import threading
import time

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from support.server import Server, free_ports, wait_until

SEED = int(os.environ.get("MILLRACE_SEED") or random.SystemRandom().randrange(1 << 31))
KILLS = int(os.environ.get("MILLRACE_KILLS", "6"))
QUIET = {"log_level": 0, "error_cb": lambda error: None, "reconnect.backoff.max.ms": 100}


def make_topics(server, **partitions):
    admin = AdminClient({"bootstrap.servers": server.brokers, **QUIET})
    topics = [NewTopic(name, count, 1) for name, count in partitions.items()]
    for made in admin.create_topics(topics).values():
        made.result(30)


def transactional(server, identifier, **settings):
    producer = Producer(
        {
            "bootstrap.servers": server.brokers,
            "transactional.id": identifier,
            "transaction.timeout.ms": 60_000,
            "linger.ms": 1,
            **QUIET,
            **settings,
        }
    )
    producer.init_transactions(60)
    return producer


def read_all(server, topic, partitions, isolation="read_committed"):
    """Every record of the topic up to its end as that isolation sees it, by partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": server.brokers,
            "group.id": "reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": isolation,
            **QUIET,
        }
    )
    found = {partition: [] for partition in range(partitions)}
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in found])
    ended = set()
    deadline = time.monotonic() + 60
    while len(ended) < partitions:
        assert time.monotonic() < deadline, f"no end of {topic} in sight"
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            ended.add(message.partition())
        else:
            found[message.partition()].append(message.value().decode())
    consumer.close()
    return found


def values(found):
    return [value for partition in found.values() for value in partition]


def test_committed_records_are_read_and_aborted_ones_are_not(server):
    make_topics(server, plain=2)
    producer = transactional(server, "plain")
    for number in range(20):
        producer.begin_transaction()
        for part in range(3):
            producer.produce("plain", f"{number}.{part}", partition=part % 2)
        producer.commit_transaction(60) if number % 3 else producer.abort_transaction(60)
    committed = [f"{number}.{part}" for number in range(20) for part in range(3) if number % 3]
    assert sorted(values(read_all(server, "plain", 2))) == sorted(committed)
    everything = values(read_all(server, "plain", 2, "read_uncommitted"))
    assert set(everything) >= set(committed)


def test_an_open_transaction_holds_back_what_follows_it(server):
    make_topics(server, held=1)
    opened = transactional(server, "opened")
    opened.begin_transaction()
    opened.produce("held", "open")
    opened.flush(30)
    other = transactional(server, "other")
    other.begin_transaction()
    other.produce("held", "other")
    other.commit_transaction(60)
    assert values(read_all(server, "held", 1)) == []
    opened.commit_transaction(60)
    wait_until(
        lambda: values(read_all(server, "held", 1)) == ["open", "other"], "both are read", 30
    )


def test_a_second_producer_of_the_same_id_fences_the_first(server):
    make_topics(server, fenced=1)
    first = transactional(server, "twin")
    first.begin_transaction()
    first.produce("fenced", "of the first")
    first.flush(30)
    second = transactional(server, "twin")
    try:
        first.commit_transaction(30)
        raise AssertionError("the first producer was not fenced")
    except KafkaException as refused:
        assert refused.args[0].code() in (
            KafkaError._FENCED,
            KafkaError.INVALID_PRODUCER_EPOCH,
            KafkaError.PRODUCER_FENCED,
        )
    second.begin_transaction()
    second.produce("fenced", "of the second")
    second.commit_transaction(60)
    assert values(read_all(server, "fenced", 1)) == ["of the second"]


class TransactionalLoad:
    """Commits and aborts numbered transactions without pause, whatever happens to the server.

    A commit whose outcome is unknown is asked for again, as the client tells to; only what it has
    confirmed counts as committed, and only what was never asked to commit as aborted.
    """

    PARTS = 4

    def __init__(self, server, name, topic, partitions, seed):
        self.server, self.name, self.topic, self.partitions = server, name, topic, partitions
        self.dice = random.Random(seed)
        self.committed, self.aborted, self.unknown = set(), set(), set()
        self.number = 0
        self.failure = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        try:
            producer = None
            while not self.stopping.is_set():
                if producer is None:
                    producer = self.open()
                    continue
                if not self.one(producer):
                    producer = None
        except Exception as failure:  # It is told where the test joins.
            self.failure = failure

    def open(self):
        try:
            return transactional(self.server, self.name)
        except KafkaException:
            return None

    def one(self, producer):
        number, self.number = self.number, self.number + 1
        commits = self.dice.random() < 0.7
        asked = False
        try:
            producer.begin_transaction()
            for part in range(self.PARTS):
                producer.produce(
                    self.topic,
                    f"{self.name}.{number}.{part}",
                    partition=self.dice.randrange(self.partitions),
                )
            if self.dice.random() < 0.5:
                producer.flush(30)
            asked = commits
            self.end(producer, commits)
        except KafkaException:
            # A new producer of the same id aborts what is open, unless the commit was decided.
            (self.unknown if asked else self.aborted).add(number)
            return False
        (self.committed if commits else self.aborted).add(number)
        return True

    @staticmethod
    def end(producer, commits):
        deadline = time.monotonic() + 60
        while True:
            try:
                return producer.commit_transaction(5) if commits else producer.abort_transaction(5)
            except KafkaException as refused:
                if not refused.args[0].retriable() or time.monotonic() > deadline:
                    raise

    def stop(self):
        self.stopping.set()
        self.thread.join(120)
        assert not self.thread.is_alive()
        if self.failure:
            raise self.failure


def test_kill_in_the_middle_of_transactions_loses_nothing_and_shows_nothing_aborted():
    print(f"MILLRACE_SEED={SEED}")
    dice = random.Random(SEED)
    partitions = 3
    with Server(ports=free_ports(3)) as server:
        make_topics(server, load=partitions)
        loads = [
            TransactionalLoad(server, f"load-{i}", "load", partitions, dice.random())
            for i in range(3)
        ]
        for _ in range(KILLS):
            before = sum(len(load.committed) for load in loads)
            wait_until(
                lambda: any(load.failure for load in loads)
                or sum(len(load.committed) for load in loads) > before + 5,
                "transactions are committed",
                60,
            )
            time.sleep(dice.random() * 0.2)  # Not to wait for anything: to die at any moment.
            server.kill()
            server.start()
        for load in loads:
            load.stop()
        # Whatever is still open is aborted by the producer that takes over.
        for load in loads:
            transactional(server, load.name)
        seen = collections.Counter(values(read_all(server, "load", partitions)))
        for load in loads:
            for number in range(load.number):
                parts = [
                    seen[f"{load.name}.{number}.{part}"] for part in range(TransactionalLoad.PARTS)
                ]
                if number in load.committed:
                    assert parts == [1] * len(parts), f"committed {load.name}.{number}: {parts}"
                elif number in load.aborted:
                    assert parts == [0] * len(parts), f"aborted {load.name}.{number}: {parts}"
                else:
                    assert parts in ([0] * len(parts), [1] * len(parts)), f"torn {number}: {parts}"
        assert sum(len(load.committed) for load in loads) > KILLS


def copy_until(server, stopping, source, target, count):
    """Consumes, transforms and produces in transactions, from wherever the group stands."""
    while not stopping.is_set():
        producer = consumer = None
        try:
            # Without starting its list of brokers anew, after which librdkafka 2.16 asks a handle
            # that it has given up for the group's coordinator, and waits for ever.
            producer = transactional(
                server, "copier", **{"metadata.recovery.strategy": "none"}
            )
            consumer = Consumer(
                {
                    "bootstrap.servers": server.brokers,
                    "group.id": "copiers",
                    "auto.offset.reset": "earliest",
                    "enable.auto.commit": False,
                    "isolation.level": "read_committed",
                    "session.timeout.ms": 6000,
                    **QUIET,
                }
            )
            consumer.subscribe([source])
            while not stopping.is_set():
                batch = [m for m in consumer.consume(20, 0.2) if not m.error()]
                if not batch:
                    continue
                producer.begin_transaction()
                for message in batch:
                    producer.produce(target, b"copy of " + message.value())
                producer.send_offsets_to_transaction(
                    consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), 30
                )
                producer.commit_transaction(30)
        except KafkaException:
            pass  # A new producer and a new consumer go on from what was committed.
        finally:
            if consumer is not None:
                consumer.close()


def test_consume_transform_produce_is_exactly_once_through_kills():
    print(f"MILLRACE_SEED={SEED}")
    dice = random.Random(SEED)
    with Server(ports=free_ports(3)) as server:
        make_topics(server, source=2, target=1)
        feeder = Producer({"bootstrap.servers": server.brokers, "acks": "all", **QUIET})
        stopping = threading.Event()
        copier = threading.Thread(
            target=copy_until, args=(server, stopping, "source", "target", None)
        )
        copier.start()
        total = 0
        try:
            for _ in range(max(KILLS // 2, 1)):
                for _ in range(200):
                    feeder.produce("source", f"{total}", partition=total % 2)
                    total += 1
                assert feeder.flush(60) == 0
                time.sleep(dice.random() * 0.5)  # Not to wait for anything: to die at any moment.
                server.kill()
                server.start()
            admin = AdminClient({"bootstrap.servers": server.brokers, **QUIET})

            def copied():
                asked = ConsumerGroupTopicPartitions(
                    "copiers", [TopicPartition("source", 0), TopicPartition("source", 1)]
                )
                told = admin.list_consumer_group_offsets([asked])["copiers"].result(30)
                return sum(max(one.offset, 0) for one in told.topic_partitions) >= total

            wait_until(copied, "all is copied", 120, 0.2)
        finally:
            stopping.set()
            copier.join(120)
        seen = collections.Counter(values(read_all(server, "target", 1)))
        source = values(read_all(server, "source", 2))
        assert seen == collections.Counter(f"copy of {value}" for value in source)
        assert set(source) == {str(number) for number in range(total)}
