"""Requests of Kafka's protocol written by hand, for more members than clients can be started."""

import asyncio
import struct

FIND_COORDINATOR, JOIN, HEARTBEAT, SYNC, LOG_DIRS, CONSUMER_HEARTBEAT = 10, 11, 12, 14, 35, 68
REBALANCE_IN_PROGRESS, MEMBER_ID_REQUIRED = 27, 79
NOT_YET = {14, 15, 16}


def text(value):
    """A string of the older encoding; None is null."""
    if value is None:
        return struct.pack(">h", -1)
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def compact(value):
    """A string of the flexible encoding, shorter than 127 bytes."""
    if value is None:
        return b"\0"
    data = value.encode()
    return bytes([len(data) + 1]) + data


def frame(key, version, body, flexible=False):
    """A whole request; its correlation id is always 1, since answers come in order."""
    head = struct.pack(">hhi", key, version, 1) + text("bench") + (b"\0" if flexible else b"")
    return struct.pack(">i", len(head) + len(body)) + head + body


class Reader:
    """Takes the fields of an answer one after the other."""

    def __init__(self, data, at=4):
        self.data, self.at = data, at

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0]

    def bytes(self, length):
        self.at += length
        return self.data[self.at - length : self.at]

    def text(self):
        length = self.take("h")
        return None if length < 0 else self.bytes(length).decode()

    def compact(self):
        length = self.take("b")
        return None if length == 0 else self.bytes(length - 1).decode()


class Connection:
    """One connection, one request at a time, as Kafka serves them."""

    @classmethod
    async def to(cls, brokers):
        self = cls()
        host, port = brokers.split(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        return self

    async def exchange(self, request):
        self.writer.write(request)
        (length,) = struct.unpack(">i", await self.reader.readexactly(4))
        return await self.reader.readexactly(length)

    def close(self):
        self.writer.close()


def heartbeat(group, generation, member):
    body = text(group) + struct.pack(">i", generation) + text(member) + text(None)
    return frame(HEARTBEAT, 3, body)


def heartbeat_error(answer):
    return Reader(answer, 8).take("h")


NOTHING, AS_BEFORE = b"\x01", b"\0"


def consumer_heartbeat(group, member, epoch, owned=AS_BEFORE, topic=None, timeout_ms=-1):
    """Joins with epoch 0 and a topic, owning nothing; later ones may say what is owned."""
    body = compact(group) + compact(member) + struct.pack(">i", epoch)
    body += compact(None) * 2 + struct.pack(">i", timeout_ms)
    body += (b"\x02" + compact(topic)) if topic else b"\0"  # One topic, or as before.
    body += compact(None) * 2
    return frame(CONSUMER_HEARTBEAT, 1, body + owned + b"\0", flexible=True)


def consumer_heartbeat_answer(answer):
    """(error, epoch, what is assigned, as it is written in the next heartbeat)"""
    reader = Reader(answer, 5 + 4)  # Behind the correlation id, its tags, and the throttle.
    error = reader.take("h")
    reader.compact()
    reader.compact()
    epoch = reader.take("i")
    reader.take("i")
    told = reader.take("b") >= 0
    # Behind it are the tags of the assignment and of the answer, of which there are none.
    return error, epoch, answer[reader.at : -2] if told else AS_BEFORE


def join(group, member, timeout_ms=60_000):
    body = text(group) + struct.pack(">ii", 45_000, timeout_ms) + text(member) + text(None)
    body += text("consumer") + struct.pack(">i", 1) + text("range") + struct.pack(">i", 0)
    return frame(JOIN, 5, body)


def join_answer(answer):
    """(error, generation, member, whether it leads, members)"""
    reader = Reader(answer)
    reader.take("i")
    error, generation = reader.take("h"), reader.take("i")
    reader.text()
    leader, member = reader.text(), reader.text()
    members = []
    for _ in range(reader.take("i")):
        members.append(reader.text())
        reader.text()
        reader.bytes(max(reader.take("i"), 0))
    return error, generation, member, leader == member, members


def sync(group, generation, member, assignments):
    body = text(group) + struct.pack(">i", generation) + text(member) + text(None)
    body += struct.pack(">i", len(assignments))
    for one, assignment in assignments.items():
        body += text(one) + struct.pack(">i", len(assignment)) + assignment
    return frame(SYNC, 3, body)


def sync_answer(answer):
    """(error, assignment)"""
    reader = Reader(answer)
    reader.take("i")
    error = reader.take("h")
    return error, reader.bytes(max(reader.take("i"), 0))


async def find_coordinator(connection, group):
    """Wait until the group has a coordinator."""
    while True:
        answer = await connection.exchange(
            frame(FIND_COORDINATOR, 2, text(group) + struct.pack(">b", 0))
        )
        error = Reader(answer, 8).take("h")
        if error == 0:
            return
        assert error in NOT_YET, f"error {error} instead of a coordinator"
        await asyncio.sleep(0.05)


def log_dirs_answer(answer):
    """Bytes by (topic, partition)."""
    reader = Reader(answer)
    reader.take("i")
    sizes = {}
    for _ in range(reader.take("i")):
        reader.take("h")
        reader.text()
        for _ in range(reader.take("i")):
            topic = reader.text()
            for _ in range(reader.take("i")):
                partition, size, _, _ = (reader.take(form) for form in ("i", "q", "q", "b"))
                sizes[topic, partition] = size
    return sizes


def log_dirs(topic, partition=0):
    body = struct.pack(">i", 1) + text(topic) + struct.pack(">ii", 1, partition)
    return frame(LOG_DIRS, 1, body)
