"""What do heartbeats of 1 000 groups × 10 members cost, and a rebalance of 100 members?

Expected: heartbeats answered within a millisecond at a twentieth of a core, a rebalance bounded by
the members and not by the server; both ahead of real Kafka. Members are coroutines that write the
protocol by hand (raw.py), a hundred connections for all groups, each with one request at a time;
every member beats each three seconds, as clients do. In the rebalance each of 100 members has a
connection of its own and beats every 100 ms; measured is the time from the join of one more until
all know the new generation. Both protocols: classic, and the one of KIP-848.
"""

import argparse
import asyncio
import re
import time
import uuid

import raw
from confluent_kafka.admin import AdminClient, NewTopic
from measuring import Peer, Server, cpu_seconds, have_peers, machine, median, peer, quantile, table

TOPIC = "bench-groups"
INTERVAL_S = 3.0
REBALANCE_BEAT_S = 0.1
ASSIGN_S = 1.5  # Longer than a server waits between two assignments of a group.


class Classic:
    """Members of the classic protocol. An assignment tells how many members share it."""

    name = "classic"

    @staticmethod
    async def join(connection, group, size, member=""):
        """Take part until the group has `size` members; (generation, member)."""
        while True:
            error, generation, member, leads, members = raw.join_answer(
                await connection.exchange(raw.join(group, member))
            )
            if error in raw.NOT_YET | {raw.MEMBER_ID_REQUIRED}:
                await asyncio.sleep(0 if error == raw.MEMBER_ID_REQUIRED else 0.02)
                continue
            assert error == 0, f"error {error} of a join"
            told = str(len(members)).encode()
            shares = {one: told for one in members} if leads else {}
            error, shared = raw.sync_answer(
                await connection.exchange(raw.sync(group, generation, member, shares))
            )
            if error == raw.REBALANCE_IN_PROGRESS:
                continue
            assert error == 0, f"error {error} of a sync"
            if int(shared) == size:
                return generation, member
            while (
                raw.heartbeat_error(
                    await connection.exchange(raw.heartbeat(group, generation, member))
                )
                == 0
            ):
                await asyncio.sleep(0.01)

    @staticmethod
    def beat(group, state):
        return raw.heartbeat(group, *state)

    @staticmethod
    def after(answer, state):
        """What the member beats with next."""
        error = raw.heartbeat_error(answer)
        assert error == 0, f"error {error} of a heartbeat"
        return state

    @staticmethod
    async def rebalance(connections, extra, group):
        """Seconds until all of them and one more are in a new generation."""
        size = len(connections)
        states = await asyncio.gather(
            *(Classic.join(one, group, size) for one in connections)
        )

        async def live(connection, generation, member):
            while True:
                answer = await connection.exchange(raw.heartbeat(group, generation, member))
                if raw.heartbeat_error(answer) == raw.REBALANCE_IN_PROGRESS:
                    return await Classic.join(connection, group, size + 1, member)
                await asyncio.sleep(REBALANCE_BEAT_S)

        living = [asyncio.create_task(live(c, *s)) for c, s in zip(connections, states)]
        await asyncio.sleep(2 * REBALANCE_BEAT_S)
        began = time.monotonic()
        await asyncio.gather(Classic.join(extra, group, size + 1), *living)
        return time.monotonic() - began


class Consumer:
    """Members of KIP-848's protocol, to whom the server assigns."""

    name = "consumer"

    @staticmethod
    async def join(connection, group, _, member=None):
        """(member, epoch, what it has to say that it owns)"""
        member = member or str(uuid.uuid4())
        request = raw.consumer_heartbeat(
            group, member, 0, raw.NOTHING, topic=TOPIC, timeout_ms=60_000
        )
        while True:
            error, epoch, owned = raw.consumer_heartbeat_answer(await connection.exchange(request))
            if error == 0:
                return member, epoch, owned
            assert error in raw.NOT_YET, f"error {error} of a join"
            await asyncio.sleep(0.02)

    @staticmethod
    def beat(group, state):
        return raw.consumer_heartbeat(group, *state)

    @staticmethod
    def after(answer, state):
        error, epoch, owned = raw.consumer_heartbeat_answer(answer)
        assert error == 0, f"error {error} of a heartbeat"
        return state[0], epoch, owned

    @staticmethod
    async def rebalance(connections, extra, group):
        """Seconds until the new member owns partitions and all are in its epoch."""
        size = len(connections)
        states = [await Consumer.join(one, group, size) for one in connections]
        stop = asyncio.Event()

        async def live(at, connection):
            while not stop.is_set():
                answer = await connection.exchange(Consumer.beat(group, states[at]))
                states[at] = Consumer.after(answer, states[at])
                await asyncio.sleep(REBALANCE_BEAT_S)

        def agree(epoch):
            return all(one[1] >= epoch and one[2] == raw.AS_BEFORE for one in states)

        living = [asyncio.create_task(live(at, one)) for at, one in enumerate(connections)]
        newest = max(epoch for _, epoch, _ in states)
        while True:  # Until an assignment comes no more.
            await asyncio.sleep(ASSIGN_S)
            epoch = max(epoch for _, epoch, _ in states)
            if epoch == newest and epoch >= size and agree(epoch):
                break
            newest = epoch
        began = time.monotonic()
        states.append(await Consumer.join(extra, group, size))
        living.append(asyncio.create_task(live(size, extra)))
        while not agree(newest + 1):
            assert time.monotonic() < began + 60, "no agreement after a minute"
            await asyncio.sleep(0.005)
        took = time.monotonic() - began
        stop.set()
        await asyncio.gather(*living)
        return took


async def form(protocol, brokers, groups, members, lanes):
    """Connections, and what each has to beat for: [(connection, [(group, state)])]."""
    homes = []

    async def lane(number):
        connections = [await raw.Connection.to(brokers) for _ in range(members)]
        states = [[] for _ in connections]
        for index in range(number, groups, lanes):
            group = f"{protocol.name}-{index}"
            await raw.find_coordinator(connections[0], group)
            joined = await asyncio.gather(
                *(protocol.join(one, group, members) for one in connections)
            )
            for own, state in zip(states, joined):
                own.append((group, state))
        homes.extend(zip(connections, states))

    await asyncio.gather(*(lane(number) for number in range(lanes)))
    return homes


class Beats:
    """The heartbeats of the members of one connection, one after the other and round again."""

    def __init__(self, protocol, states):
        self.protocol, self.states = protocol, list(states)
        self.requests = [protocol.beat(group, state) for group, state in states]
        self.turn = self.changes = 0

    async def one(self, connection):
        at = self.turn % len(self.requests)
        self.turn += 1
        answer = await connection.exchange(self.requests[at])
        group, state = self.states[at]
        after = self.protocol.after(answer, state)
        if after != state:
            self.changes += 1
            self.states[at] = group, after
            self.requests[at] = self.protocol.beat(group, after)


async def settle(homes):
    """Beat until nobody has anything new: all know what the last of their group has changed."""
    while True:
        before = sum(own.changes for _, own in homes)
        await load(homes, INTERVAL_S)
        if sum(own.changes for _, own in homes) == before:
            return


async def load(homes, seconds):
    """Every member beats each three seconds: the latencies in ms."""
    latencies = []

    async def beats(connection, own):
        pause = INTERVAL_S / len(own.requests)
        began = time.monotonic()
        for turn in range(int(seconds / pause)):
            if (wait := began + turn * pause - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            before = time.perf_counter()
            await own.one(connection)
            latencies.append((time.perf_counter() - before) * 1000)

    await asyncio.gather(*(beats(*home) for home in homes))
    return latencies


async def flood(homes, seconds):
    """As many as there can be: heartbeats a second."""
    count = 0

    async def beats(connection, own):
        nonlocal count
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await own.one(connection)
            count += 1

    await asyncio.gather(*(beats(*home) for home in homes))
    return count / seconds


async def measure(protocol, brokers, pid, args):
    rows = {}
    began = time.monotonic()
    homes = await form(protocol, brokers, args.groups, args.members, args.lanes)
    rows["formed, s"] = time.monotonic() - began
    homes = [(connection, Beats(protocol, states)) for connection, states in homes]
    await settle(homes)
    before = cpu_seconds(pid)
    latencies = await load(homes, args.seconds)
    used = cpu_seconds(pid) - before
    rows["heartbeats/s of the load"] = len(latencies) / args.seconds
    rows["p50, ms"] = quantile(latencies, 0.5)
    rows["p99, ms"] = quantile(latencies, 0.99)
    rows["processor, % of a core"] = 100 * used / args.seconds
    before = cpu_seconds(pid)
    rate = await flood(homes, args.seconds)
    rows["heartbeats/s at most (the client's bound)"] = rate
    rows["processor µs each, then"] = 1e6 * (cpu_seconds(pid) - before) / (rate * args.seconds)
    for connection, _ in homes:
        connection.close()
    took = []
    for turn in range(args.rounds):
        connections = [await raw.Connection.to(brokers) for _ in range(args.rebalance + 1)]
        group = f"{protocol.name}-many-{turn}"
        await raw.find_coordinator(connections[0], group)
        took.append(await protocol.rebalance(connections[:-1], connections[-1], group))
        for connection in connections:
            connection.close()
    rows[f"rebalance of {args.rebalance} members, s"] = median(took)
    return rows


def measure_all(brokers, pid, args):
    admin = AdminClient({"bootstrap.servers": brokers})
    for made in admin.create_topics([NewTopic(TOPIC, 2 * args.rebalance, 1)]).values():
        made.result(60)
    return {
        protocol.name: asyncio.run(measure(protocol, brokers, pid, args))
        for protocol in (Classic, Consumer)
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, default=1000)
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--lanes", type=int, default=10, help="times --members are the connections")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rebalance", type=int, default=100, metavar="MEMBERS")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    args = parser.parse_args()
    columns = {}
    # As Kafka's script has it: a group does not wait for more members than have come.
    with Server(args=["--set", "group.initial.rebalance.delay.ms=0"]) as server:
        columns["Millrace"] = measure_all(server.brokers, server.process.pid, args)
    if have_peers() and not args.no_peers:
        with Peer("kafka"):
            pid = int(re.search(r"pid (\d+)", peer("kafka", "status"))[1])
            columns["Kafka"] = measure_all("127.0.0.1:19092", pid, args)
    for protocol in (Classic.name, Consumer.name):
        first = next(iter(columns.values()))[protocol]
        table(
            f"{args.groups} groups x {args.members} members, {protocol} protocol; {machine()}",
            ["measure", *columns],
            [
                [row] + [f"{column[protocol][row]:.3g}" if column[protocol][row] < 1000
                         else f"{column[protocol][row]:.0f}" for column in columns.values()]
                for row in first
            ],
        )


if __name__ == "__main__":
    main()
