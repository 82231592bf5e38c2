"""People who come, go and vanish, over a DynamoDB and a delayed queue in memory that fail in every way there is.

The code under test runs in containers that are killed and suspended at any request; time is simulated.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from domain import presence, presence_chain, presences
from domain.caller import ANONYMOUS, Caller
from domain.errors import NotFound
from domain.presence import Place, Rhythm
from domain.presence_chain import Chains
from domain.presences import Presences
from domain.queue import QueueError
from domain.table import Table
from tests.simulation.clock import SimulatedClock
from tests.simulation.dynamodb import Client, DynamoDB
from tests.simulation.kernel import EPOCH_MS, Host, Kernel
from tests.simulation.network import Network
from tests.simulation.weather import Weather

T = TypeVar("T")

TABLE, ROOM = "MainTable", "lobby"
FUNCTION_SECONDS, VISIBILITY_SECONDS = 25.0, 60.0
FAULTS = {
    "kill": 0.02, "suspend": 0.01, "slow": 0.02, "throttle": 0.05, "table 500": 0.04, "table silence": 0.02,
    "conflict": 0.05, "query lag": 0.3, "storage 500": 0.08, "storage silence": 0.04, "redeliver": 0.2, "overlap": 0.2,
    "late": 0.1,
}  # fmt: skip


@dataclass
class Waiting:
    """A message in the queue. `visible_at` in simulated seconds."""

    body: str
    visible_at: float
    deliveries: int = 0


class DelayedQueue:
    """SQS: delays, deliveries at least once, and late ones; a message comes again until it is deleted."""

    def __init__(self, kernel: Kernel, network: Network, weather: Weather) -> None:
        self._kernel = kernel
        self._network = network
        self._weather = weather
        self.messages: dict[str, Waiting] = {}
        self.sent = 0
        self.suspended_for = 0.0  # the next process that sends stands still so long, right after it has sent

    def send(self, message: Mapping[str, Any], delay_seconds: int = 0) -> None:
        """As `domain.queue.Queue.send`, from within a process."""
        assert 0 <= delay_seconds <= presence_chain.LONGEST_DELAY_SECONDS
        body, strikes = json.dumps(message), self._weather.strikes
        self._network.point("send")
        if strikes("storage silence") or strikes("storage 500"):
            if self._kernel.random.random() < 0.5:
                self._kernel.later(self._kernel.random.random() * 5.0, self._put, body, delay_seconds)
            self._kernel.sleep(self._network.latency())
            raise QueueError("no answer, or 500")
        self._kernel.sleep(self._network.latency())
        self._put(body, delay_seconds)
        if self.suspended_for:
            self._kernel.current().host.frozen_until = self._kernel.now + self.suspended_for
            self.suspended_for = 0.0
            self._kernel.sleep(0.0)
        self._network.point("send answered")

    def _put(self, body: str, delay_seconds: int) -> None:
        self.sent += 1
        late = self._kernel.random.random() * 20.0 if self._weather.strikes("late") else 0.0
        self.messages[f"message-{self.sent}"] = Waiting(body, self._kernel.now + delay_seconds + late)

    def by_presence(self) -> Counter[str]:
        """How many messages there are for each presence."""
        return Counter(str(json.loads(each.body)["id"]) for each in self.messages.values())


@dataclass
class World:
    """One schedule.

    Attributes:
        shown: how often each presence was pushed, by kind of change.
        wrong: what must not have happened.
        leaving: presences that somebody has asked to end, until they join again.
    """

    seed: int
    chances: Mapping[str, float] = field(default_factory=dict)
    rhythm: Rhythm = field(default_factory=lambda: Rhythm(30))

    def __post_init__(self) -> None:
        self.kernel = Kernel(self.seed)
        self.weather = Weather(self.kernel.random, dict(self.chances))
        self.service = DynamoDB(self.kernel, self.weather)
        self.network = Network(self.kernel, self.weather)
        self.queue = DelayedQueue(self.kernel, self.network, self.weather)
        self.shown: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.leaving: set[str] = set()
        self.containers = 0
        self.counted = 0
        self.service.listen(TABLE, self._change)

    # --- what runs in containers

    def table(self) -> Table:
        client: Any = Client(self.service, self.network, self.kernel, self.weather)
        return Table(TABLE, client)

    def presences(self, host: Host) -> Presences:
        clock = SimulatedClock(self.kernel, host)
        no_log: Any = None
        return Presences(self.table(), no_log, self.queue, clock, self.rhythm, self._count)

    def _count(self, caller: Caller, field: str) -> None:
        del caller, field
        self.counted += 1

    async def invoke(self, work: Callable[[Host], T]) -> T | None:
        """Run a function in a new container; None when it was killed or out of time."""
        self.containers += 1
        host = Host(f"container-{self.containers}")
        process = self.kernel.process(host, host.name, lambda: work(host))
        done, _ = await asyncio.wait({process.done}, timeout=FUNCTION_SECONDS)
        if not done:
            host.kill()
            return None
        if isinstance(error := process.done.exception(), NotFound):
            raise error
        if error is not None:
            self.kernel.trace(host.name, f"ends with {error!r}")
            return None
        answer: T = process.done.result()
        return answer

    # --- the mapping of the queue

    async def poll(self) -> None:
        """Deliver what is visible, for ever."""
        tasks = set[asyncio.Task[None]]()
        while True:
            await asyncio.sleep(0.2)
            for message_id, waiting in list(self.queue.messages.items()):
                if waiting.visible_at <= self.kernel.now:
                    waiting.visible_at = self.kernel.now + VISIBILITY_SECONDS
                    if self.weather.strikes("overlap"):
                        waiting.visible_at = self.kernel.now + self.kernel.random.random() * 5.0
                    tasks.add(asyncio.ensure_future(self._deliver(message_id, waiting)))
            tasks = {each for each in tasks if not each.done()}

    async def _deliver(self, message_id: str, waiting: Waiting) -> None:
        waiting.deliveries += 1
        question = presence_chain.from_message(json.loads(waiting.body))

        def work(host: Host) -> bool:
            chains = Chains(self.table(), self.queue, SimulatedClock(self.kernel, host), self.rhythm)
            self.kernel.current().note(f"{message_id} asks {question}")
            chains.ask(question, message_id)
            return True

        if await self.invoke(work) and not self.weather.strikes("redeliver"):
            self.queue.messages.pop(message_id, None)

    # --- clients

    def place(self, client_id: str) -> Place:
        return presence.place(ANONYMOUS, ROOM, client_id)

    async def join(self, client_id: str) -> bool:
        """Whether it was acknowledged."""
        self.leaving.discard(self.place(client_id).id)
        answer = await self.invoke(
            lambda host: presences.join_room(
                self.presences(host), ANONYMOUS, room_id=ROOM, client_id=client_id, name=client_id
            )
        )
        return answer is not None

    async def heartbeat(self, client_id: str) -> bool:
        """Whether the presence is still there, as far as known. Raises NotFound when it is not."""
        answer = await self.invoke(
            lambda host: presences.heartbeat(self.presences(host), ANONYMOUS, room_id=ROOM, client_id=client_id)
        )
        return answer is not None

    async def leave(self, client_id: str) -> bool:
        """Whether it was acknowledged."""
        self.leaving.add(self.place(client_id).id)
        answer = await self.invoke(
            lambda host: presences.leave_room(self.presences(host), ANONYMOUS, room_id=ROOM, client_id=client_id)
        )
        return answer is not None

    # --- the judge

    @property
    def now_ms(self) -> int:
        return self.kernel.wall_ms()

    def items(self, prefix: str) -> dict[str, dict[str, Any]]:
        """The items of a kind, by the id of the presence."""
        found = {}
        for item in self.service.items(TABLE):
            if item["pk"]["S"].startswith(prefix):
                found[item["sk"]["S"].rpartition("#")[2]] = item
        return found

    def here(self) -> set[str]:
        return set(self.items(presence.PREFIX))

    def agree(self) -> None:
        """What is shown has a heartbeat, and the other way round."""
        assert self.here() == set(self.items(presence.HEARTBEAT_PREFIX)), self.kernel.trace.text()

    def _change(self, key: Any, old: Any, new: Any) -> None:
        kind = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        presence_id = key["sk"]["S"].rpartition("#")[2]
        self.kernel.trace("table", f"{kind} {key['pk']['S'].partition('#')[0]} of {presence_id[:6]}")
        if key["pk"]["S"].startswith(presence.PREFIX):
            self.shown[kind] += 1
            return
        if new is not None and old is not None and int(new["beat"]["N"]) < int(old["beat"]["N"]):
            self.wrong.append(f"a heartbeat goes back: {old} -> {new}")
        if new is None and presence_id not in self.leaving:
            silent = self.now_ms - int(old["beat"]["N"])
            if silent < self.rhythm.gone:
                self.wrong.append(f"{presence_id} was removed {silent} ms after its heartbeat")

    def run(self, main: Callable[[], Any]) -> None:
        """A schedule from its beginning to its end."""

        async def whole() -> None:
            polling = asyncio.ensure_future(self.poll())
            await main()
            polling.cancel()

        try:
            self.kernel.run(whole())
            assert not self.wrong, self.wrong
        except AssertionError as error:
            raise AssertionError(f"seed {self.seed}: {error}\n{self.kernel.trace.text()}") from error


def seconds(ms: int) -> float:
    """Simulated seconds of a wall time."""
    return (ms - EPOCH_MS) / 1000
