"""Raw requests of Kafka's protocol, as dictionaries, to any broker; by Kafka's own jars."""

import json
import os
import pathlib
import re
import subprocess

from support.server import SHARED, wait_until

SCRIPT = pathlib.Path(os.environ.get("MILLRACE_PEERS_SCRIPTS", SHARED / "peers")) / "kafka"
HOME = pathlib.Path(os.environ.get("MILLRACE_PEERS", pathlib.Path.home() / ".cache/millrace-peers"))
JARS = HOME / "kafka/lib"

# Answers of a broker that has not come so far: asked again.
NOT_YET = {5, 6, 14, 15, 16, 51}


def have_kafka():
    return SCRIPT.exists() and bool(list(JARS.glob("kafka-clients-*.jar")))


def codes(answer):
    """Every error code in an answer, however deep."""
    if isinstance(answer, list):
        return {code for one in answer for code in codes(one)}
    if not isinstance(answer, dict):
        return set()
    own = {value for name, value in answer.items() if name.endswith("errorCode")}
    own |= {value for name, value in answer.items() if name == "acknowledgeErrorCode"}
    return own | {code for value in answer.values() for code in codes(value)}


class Wire:
    """A talk with one broker. `told` keeps what it answered, with ids made comparable."""

    def __init__(self, brokers):
        self.process = subprocess.Popen(
            ["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]
            + [f"{JARS}/*", str(pathlib.Path(__file__).with_name("JsonWire.java")), brokers],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.told = []
        self.seen = {}
        self.epochs_after = None

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)

    def call(self, api, version, body, connection=""):
        """One exchange, whatever comes."""
        asked = {"api": api, "version": version, "connection": connection, "body": body}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the program that sends requests has ended"
        return json.loads(line)

    def hang_up(self, connection):
        self.process.stdin.write(json.dumps({"connection": connection, "close": True}) + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def settled(self, api, version, body, connection="", until=None):
        """The answer once the broker has come so far; `until` waits for more than that."""

        def come():
            answer = self.call(api, version, body, connection)
            ready = not codes(answer) & NOT_YET and (until is None or until(answer))
            return answer if ready else None

        return wait_until(come, f"{api} is answered as far as it is waited for", 60)

    def note(self, name, answer):
        """Keep an answer to be compared."""
        self.told.append((name, self.comparable(answer)))
        return answer

    def ask(self, name, api, version, body, connection=""):
        return self.note(name, self.settled(api, version, body, connection))

    def ask_once(self, name, api, version, body, connection=""):
        return self.note(name, self.call(api, version, body, connection))

    IDS = {"producerId", "topicId", "memberId"}
    HASHED = {"configs", "resultsByTopicV3AndBelow"}  # Kafka has them in the order of a hash map.
    # Of groups; `epochs_after` is what they are counted from.
    EPOCHS = {"memberEpoch", "groupEpoch", "assignmentEpoch"}
    TIMES = re.compile(r"([tT]imestamp|TimestampMs|TimeMs)$")

    def comparable(self, answer, field=""):
        """Ids become the order in which they were first told; times become whether there is one."""
        if isinstance(answer, dict):
            told = {name: self.comparable(value, name) for name, value in answer.items()}
            for list_of in self.HASHED & told.keys():
                told[list_of].sort(key=lambda one: one["name"])
            return told
        if isinstance(answer, list):
            return [self.comparable(one, field) for one in answer]
        if field in self.EPOCHS and answer > 0 and self.epochs_after is not None:
            return answer - self.epochs_after
        if field == "errorMessage" and answer and self.epochs_after is not None:
            return re.sub(r"\(\d+\)", "(an epoch)", answer)
        if field == "leader":  # Of a group: one of its members.
            field = "memberId"
        if field in self.IDS and answer not in (-1, "", None):
            return self.seen.setdefault((field, answer), f"{field} {len(self.seen)}")
        if self.TIMES.search(field) and isinstance(answer, int) and field != "throttleTimeMs":
            return "a time" if answer > 0 else answer
        return answer
