"""A member of a share group that only keeps its place: one message of the protocol, by hand.

No client of Python's speaks share groups yet; the tests of tools that look at such groups need one.
"""

import socket
import struct
import uuid


def _string(text):
    if text is None:
        return b"\0"
    data = text.encode()
    return bytes([len(data) + 1]) + data


class ShareMember:
    """Joins `group` and subscribes to `topics`; leaves at the end of a `with`."""

    def __init__(self, brokers, group, topics, client_id="sharer"):
        host, port = brokers.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.group, self.topics, self.client_id = group, topics, client_id
        self.member_id = str(uuid.uuid4())
        self.epoch = 0

    def heartbeat(self, epoch, topics):
        """The epoch after one ShareGroupHeartbeat of version 1, or its error as negative."""
        names = b"\0" if topics is None else (
            bytes([len(topics) + 1]) + b"".join(_string(topic) for topic in topics))
        client = self.client_id.encode()
        request = (struct.pack(">hhih", 76, 1, 7, len(client)) + client + b"\0" +
                   _string(self.group) + _string(self.member_id) + struct.pack(">i", epoch) +
                   _string(None) + names + b"\0")
        self.socket.sendall(struct.pack(">i", len(request)) + request)
        answer = self._read(struct.unpack(">i", self._read(4))[0])
        at = 4 + 1 + 4  # Correlation id, tags, time to pause.
        error = struct.unpack_from(">h", answer, at)[0]
        at += 2
        at += max(answer[at], 1)  # The message.
        at += max(answer[at], 1)  # The member's id.
        return -error if error else struct.unpack_from(">i", answer, at)[0]

    def _read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            assert more, "the server hung up"
            data += more
        return data

    def __enter__(self):
        self.epoch = self.heartbeat(0, self.topics)
        # A coordinator that still loads is asked again.
        for _ in range(100):
            if self.epoch not in (-14, -15, -16):
                break
            self.epoch = self.heartbeat(0, self.topics)
        assert self.epoch > 0, f"joining gave {self.epoch}"
        return self

    def again(self):
        self.epoch = self.heartbeat(self.epoch, None)
        assert self.epoch > 0, f"a heartbeat gave {self.epoch}"

    def __exit__(self, *_):
        self.heartbeat(-1, None)
        self.socket.close()
