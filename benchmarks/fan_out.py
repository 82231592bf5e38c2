"""Claims: an event reaches 1,000 sockets at 8 times the Amplify simulator's rate or more, and a mutation costs the same
CPU beside 1 and beside 3,000 unrelated subscribers, within 1.5 times.

    python -m benchmarks.fan_out [--rounds 3] [--only headwater]

Both serve Headwater's schema and the client's own subscription, each in a process of its own, one after the other in
each round; the load, raw sockets that count frames, is this process. Every socket must get every event exactly once.
The peer is installed from npm into the user's cache on the first run; without Node.js or the registry it is left out.
The exit status is 1 when a claim does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import statistics
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, fields
from time import perf_counter

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.data_planes import amplify, shape
from benchmarks.data_planes.clients import Arrivals, Poster, Subscriber, close, post_all, posters, request, subscribe
from benchmarks.data_planes.plane import PeerAbsent, Plane, started

SOCKETS = 1_000
BURSTS, BURST = 5, 50  # mutations sent at once, on a connection each
PACED, PACE_SECONDS = 30, 0.1
UNRELATED = (1, 1_000, 3_000)
BATCHES, OUR_BATCH, PEER_BATCH = 5, 200, 5  # mutations in a batch: the peer's take a thousand times longer
LEAST_RATIO, MOST_GROWTH = 8.0, 1.5
OPEN_FILES = 8_192


@dataclass
class Figures:
    """What one data plane did in one round."""

    rate: float = 0.0  # messages a second, in bursts
    burst_cpu: float = 0.0  # microseconds of the server for each message
    paced_cpu: float = 0.0
    p50: float = 0.0  # milliseconds from sending a mutation to a socket's frame, paced
    p99: float = 0.0
    beside: list[float] = field(default_factory=list)  # microseconds a mutation, by UNRELATED

    @property
    def growth(self) -> float:
        """How many times the CPU of a mutation beside one unrelated subscriber it takes beside more."""
        return max(self.beside[1:]) / self.beside[0]


class Load:
    """Events to one plane, numbered through."""

    def __init__(self, plane: Plane, arrivals: Arrivals) -> None:
        self._plane = plane
        self._arrivals = arrivals
        self._seq = shape.FIRST_SEQ

    def requests(self, count: int, room: str = "lobby") -> list[bytes]:
        """Mutations that publish the next numbers."""
        numbers = range(self._seq, self._seq + count)
        self._seq += count
        return [request(shape.publish(room, seq)) for seq in numbers]

    async def measured(self, work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
        """The seconds and the server's CPU seconds that something takes."""
        cpu, began = await self._plane.cpu_seconds(), perf_counter()
        await work()
        return perf_counter() - began, await self._plane.cpu_seconds() - cpu

    async def burst(self, sockets: Sequence[Subscriber]) -> tuple[float, float]:
        """Messages a second, and CPU microseconds each."""
        requests = self.requests(BURST)
        messages = BURST * len(sockets)
        self._arrivals.expect(messages)
        async with posters(self._plane.port, BURST) as connections:

            async def work() -> None:
                await asyncio.gather(post_all(connections, requests), self._arrivals.reached())

            seconds, cpu = await self.measured(work)
        self._check(sockets, BURST)
        return messages / seconds, cpu / messages * 1e6

    async def paced(self, sockets: Sequence[Subscriber]) -> tuple[list[float], float]:
        """Milliseconds from each mutation to each of its frames, sorted, and CPU microseconds a message."""
        requests = self.requests(PACED)
        sent: list[float] = []
        self._arrivals.expect(PACED * len(sockets))
        async with posters(self._plane.port, 1) as (poster,):

            async def work() -> None:
                began = perf_counter()
                for number, item in enumerate(requests):
                    await asyncio.sleep(began + number * PACE_SECONDS - perf_counter())
                    sent.append(perf_counter())
                    await poster.post(item)
                await self._arrivals.reached()

            _, cpu = await self.measured(work)
        arrived = [[moment for moment, count in socket.moments for _ in range(count)] for socket in sockets]
        self._check(sockets, PACED)
        late = sorted((at - sent[number]) * 1e3 for moments in arrived for number, at in enumerate(moments))
        return late, cpu / (PACED * len(sockets)) * 1e6

    async def alone(self, count: int) -> float:
        """CPU microseconds of a mutation that no subscriber asked for, one after the other.

        It is the least of several batches: what else the machine does only adds to it.
        """
        async with posters(self._plane.port, 1) as (poster,):
            return min([await self._batch(poster, count) for _ in range(BATCHES)])

    async def _batch(self, poster: Poster, count: int) -> float:
        requests = self.requests(count, room="elsewhere")

        async def work() -> None:
            for item in requests:
                await poster.post(item)

        _, cpu = await self.measured(work)
        return cpu / count * 1e6

    def _check(self, sockets: Sequence[Subscriber], count: int) -> None:
        expected = list(range(self._seq - count, self._seq))
        for socket in sockets:
            if sorted(socket.numbers()) != expected:
                raise RuntimeError(f"a socket got {socket.numbers()} instead of {expected}")
            socket.forget()


async def measure(plane: Plane, mutations: int) -> Figures:
    """One round on a fresh data plane. `mutations` are in a batch beside each number of unrelated subscribers."""
    arrivals = Arrivals()
    load = Load(plane, arrivals)
    figures = Figures()
    sockets = await subscribe(plane.port, arrivals, [shape.subscribe("lobby")] * SOCKETS)
    for socket in sockets:
        socket.forget()
    gc.freeze()
    await load.burst(sockets)
    bursts = [await load.burst(sockets) for _ in range(BURSTS)]
    figures.rate = statistics.median(rate for rate, _ in bursts)
    figures.burst_cpu = statistics.median(cpu for _, cpu in bursts)
    late, figures.paced_cpu = await load.paced(sockets)
    figures.p50, figures.p99 = late[len(late) // 2], late[len(late) * 99 // 100]
    close(sockets)
    others: list[Subscriber] = []
    await load.alone(mutations)
    for count in UNRELATED:
        more = [shape.subscribe(f"room {number}") for number in range(len(others), count)]
        others += await subscribe(plane.port, arrivals, more)
        figures.beside.append(await load.alone(mutations))
    close(others)
    return figures


def median(rounds: Sequence[Figures]) -> Figures:
    """Each figure's median."""
    result = Figures()
    for each in fields(Figures):
        values = [getattr(figures, each.name) for figures in rounds]
        if each.name == "beside":
            result.beside = [statistics.median(column) for column in zip(*values, strict=True)]
        else:
            setattr(result, each.name, statistics.median(values))
    return result


async def compare(rounds: int, *, peers: bool) -> tuple[list[Figures], list[Figures], str]:
    """The rounds of this project and of the peer, in pairs, or none of the peer and why."""
    absent = "left out"
    peer_command: list[str] | None = None
    if peers:
        try:
            peer_command = amplify.command(await amplify.install())
        except PeerAbsent as reason:
            absent = str(reason)
    ours: list[Figures] = []
    theirs: list[Figures] = []
    for _ in range(rounds):
        async with started([sys.executable, "-m", "benchmarks.data_planes.headwater"], shape.ROOT) as plane:
            ours.append(await measure(plane, OUR_BATCH))
        if peer_command:
            try:
                async with started(peer_command, shape.ROOT) as plane:
                    theirs.append(await measure(plane, PEER_BATCH))
            except PeerAbsent as reason:
                absent, peer_command = str(reason), None
                theirs.clear()
    return ours, theirs, absent


def table(columns: dict[str, Figures], rounds: int) -> Table:
    """The figures, a column for each data plane."""
    result = Table(title=f"One event to {SOCKETS:,} sockets, medians of {rounds}")
    result.add_column("")
    for name in columns:
        result.add_column(name, justify="right")

    def row(name: str, figure: Callable[[Figures], str]) -> None:
        result.add_row(name, *map(figure, columns.values()))

    row("bursts: messages a second", lambda of: f"{of.rate:,.0f}")
    row("bursts: CPU us a message", lambda of: f"{of.burst_cpu:.2f}")
    row("paced: ms to a socket, p50", lambda of: f"{of.p50:.1f}")
    row("paced: ms to a socket, p99", lambda of: f"{of.p99:.1f}")
    row("paced: CPU us a message", lambda of: f"{of.paced_cpu:.2f}")
    for number, count in enumerate(UNRELATED):
        row(f"CPU us a mutation beside {count:,}", lambda of, number=number: f"{of.beside[number]:,.0f}")  # type: ignore[misc]
    return result


def main() -> int:
    """Print the table and the verdicts; the status says whether the claims hold."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--only", choices=["headwater"])
    chosen = arguments.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    ours, theirs, absent = uvloop.run(compare(chosen.rounds, peers=chosen.only is None))
    console = Console()
    columns = {"headwater": median(ours)}
    if theirs:
        columns[f"amplify simulator {amplify.VERSION}"] = median(theirs)
    console.print(table(columns, chosen.rounds))
    # Within a round, for the machine's speed changes from one to the next.
    growth = statistics.median(each.growth for each in ours)
    claim = f"CPU of a mutation grows {growth:.2f} times; at most {MOST_GROWTH} is claimed"
    verdicts = [(growth <= MOST_GROWTH, claim)]
    if theirs:
        ratio = statistics.median(mine.rate / peer.rate for mine, peer in zip(ours, theirs, strict=True))
        verdicts.append((ratio >= LEAST_RATIO, f"{ratio:.1f} times the peer's rate; at least {LEAST_RATIO} is claimed"))
    else:
        console.print(f"the Amplify simulator is absent: {absent}", markup=False)
    for holds, text in verdicts:
        console.print(f"{'holds' if holds else 'DOES NOT HOLD'}: {text}")
    return int(not all(holds for holds, _ in verdicts))


if __name__ == "__main__":
    sys.exit(main())
