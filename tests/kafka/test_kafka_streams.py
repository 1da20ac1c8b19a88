"""Kafka Streams counts words exactly once, though it and the server are killed meanwhile.

Every count of a word is written once, so what a reader of committed records sees of a word is
1, 2, 3 and so on: a record that is lost, doubled or out of order is seen at once. The seed is
printed; MILLRACE_SEED replays it, MILLRACE_KILLS sets the rounds.
"""

import os
import pathlib
import random
import subprocess
import tempfile
import time

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from support.server import SHARED, Server, free_ports, wait_until

SCRIPT = pathlib.Path(os.environ.get("MILLRACE_PEERS_SCRIPTS", SHARED / "peers")) / "kstreams"
HOME = pathlib.Path(os.environ.get("MILLRACE_PEERS", pathlib.Path.home() / ".cache/millrace-peers"))
PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "support" / "StreamsCount.java"
SEED = int(os.environ.get("MILLRACE_SEED") or random.SystemRandom().randrange(1 << 31))
KILLS = int(os.environ.get("MILLRACE_KILLS", "6"))
SENTENCE = "the quick brown fox jumps over the lazy dog"
QUIET = {"log_level": 0, "error_cb": lambda error: None, "reconnect.backoff.max.ms": 100}

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not list(HOME.glob("kstreams/lib/kafka-streams-*.jar")),
        reason=f"Kafka Streams is not installed: `{SCRIPT} install` brings it",
    ),
]


class Program:
    """The word count, killed and started again on the same state."""

    def __init__(self, server, protocol, folder):
        self.log = folder / "program.log"
        self.command = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        self.command += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]
        self.command += [f"-Djava.io.tmpdir={folder}", "-cp", f"{HOME}/kstreams/lib/*"]
        self.command += [str(PROGRAM), server.brokers, "count", "in", "out"]
        self.command += [str(folder / "state"), protocol]
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def alive(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the program ended:\n{self.log.read_text()[-4000:]}")


class Counts:
    """Reads what is committed, and holds each word to 1, 2, 3 …"""

    def __init__(self, server):
        settings = {
            "bootstrap.servers": server.brokers,
            "group.id": "reader",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            **QUIET,
        }
        self.consumer = Consumer(settings)
        self.consumer.assign([TopicPartition("out", 0, 0)])
        self.words = {}

    def total(self):
        for message in self.consumer.consume(1000, 0.1):
            if message.error():
                assert message.error().code() != KafkaError.OFFSET_OUT_OF_RANGE
                continue
            word, count = message.key().decode(), int(message.value())
            assert count == self.words.get(word, 0) + 1, (
                f"{word} went from {self.words.get(word, 0)} to {count} at {message.offset()}"
            )
            self.words[word] = count
        return sum(self.words.values())


@pytest.mark.parametrize("protocol", ["classic", "streams"])
def test_words_are_counted_exactly_once_through_kills(protocol):
    print(f"MILLRACE_SEED={SEED}")
    dice = random.Random(SEED)
    words = len(SENTENCE.split())
    with tempfile.TemporaryDirectory() as folder, Server(ports=free_ports(3)) as server:
        admin = AdminClient({"bootstrap.servers": server.brokers, **QUIET})
        topics = [NewTopic("in", 2, 1), NewTopic("out", 1, 1)]
        for made in admin.create_topics(topics).values():
            made.result(30)
        feeder = Producer({"bootstrap.servers": server.brokers, "acks": "all", **QUIET})
        counts = Counts(server)
        program = Program(server, protocol, pathlib.Path(folder))
        program.start()
        sentences = 0
        try:
            for turn in range(KILLS):
                before = counts.total()
                for _ in range(100):
                    feeder.produce("in", SENTENCE, partition=sentences % 2)
                    sentences += 1
                assert feeder.flush(60) == 0

                def moved():
                    program.alive()
                    return counts.total() > before

                wait_until(moved, "words are counted", 120)
                time.sleep(dice.random() * 0.5)  # Not to wait for anything: to die at any moment.
                if turn % 2 == 0:
                    server.kill()
                    server.start()
                else:
                    program.kill()
                    program.start()

            def all_counted():
                program.alive()
                return counts.total() >= sentences * words

            wait_until(all_counted, f"all of {sentences * words} words are counted", 180)
        finally:
            program.kill()
        expected = {word: sentences * SENTENCE.split().count(word) for word in SENTENCE.split()}
        assert counts.words == expected
