"""Users of the Python client: they follow a room, go away, crash, come back, and write down what they were told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from gql.transport.appsync_auth import AppSyncApiKeyAuthentication

from headwater import topics
from headwater.changes import Change, Resync
from headwater.credentials import LEAD_SECONDS, Caller, Grant
from headwater.endpoint import Endpoint
from headwater.errors import HeadwaterError
from headwater.feed import Feed
from headwater.generated.fragments import Message
from headwater.log import Query
from headwater.network import Network
from headwater.realtime import Realtime
from headwater.states import State
from tests.simulation.judge import Diary, Seen
from tests.simulation.kernel import Kernel
from tests.simulation.weather import Weather

DAY_SECONDS = 86_400.0
ENDPOINT = Endpoint("https://simulated/graphql", "wss://simulated/graphql/realtime")


class Crash(Exception):
    """The program ends where it is, and is started again."""


class SimulatedNetwork(Network):
    """A wait of simulated time, which a return of the network may end."""

    def __init__(self, kernel: Kernel, weather: Weather) -> None:
        super().__init__(ENDPOINT.url)
        self._kernel = kernel
        self._weather = weather

    async def reached(self) -> bool:
        """The network is always there: what fails is the way of WebSockets."""
        return True

    async def wait(self, seconds: float) -> bool:
        """Wait."""
        returns = self._weather.strikes("network returns")
        await asyncio.sleep(seconds * self._kernel.random.random() if returns else seconds)
        return returns


class Tokens:
    """What the caller shows: a token that lasts for some seconds, and then another.

    `seconds` is infinite for a caller whose credentials do not expire.
    """

    def __init__(self, kernel: Kernel, weather: Weather, seconds: float) -> None:
        self._kernel = kernel
        self._weather = weather
        self._seconds = seconds
        self._expires_at = 0.0

    async def __call__(self, _: Endpoint) -> Grant:
        now = self._kernel.wall_ms() / 1000
        # An application renews its token in good time, or just when it is over.
        lead = 0.0 if self._weather.strikes("old token") else min(2 * LEAD_SECONDS, self._seconds / 2)
        if self._expires_at - lead <= now:
            self._expires_at = now + self._seconds
        expires_at = None if self._seconds == float("inf") else self._expires_at
        return Grant(AppSyncApiKeyAuthentication("simulated", "key"), expires_at, str(self._expires_at))


class Cursors:
    """A cursor store that survives its program."""

    def __init__(self) -> None:
        self._cursors: dict[str, int] = {}

    def load(self, topic: str) -> int | None:
        """A topic's cursor."""
        return self._cursors.get(topic)

    def save(self, topic: str, seq: int) -> None:
        """Keep it."""
        self._cursors[topic] = seq


class Subscriber:
    """One user of one room. `after` is where it starts: 0 for all there is, None for what is new.

    Args:
        query: runs a query, as `Client.query` does.
        cursors: where it keeps how far it has come; None for a program that remembers that and does not crash.
    """

    def __init__(
        self, name: str, room_id: str, after: int | None, *, kernel: Kernel, weather: Weather, query: Query,
        tokens: Tokens, cursors: Cursors | None,
    ) -> None:  # fmt: skip
        self.diary = Diary(name, room_id, from_start=after == 0)
        self.present = False
        self.busy = False  # with an event that it was handed and has not noted yet
        self.feed: Feed[Any] | None = None
        self.caller = Caller(tokens, ENDPOINT)
        self.said: State = "connecting"
        self.on_said: Callable[[], None] = lambda: None
        self._after = after
        self._cursors = cursors
        self._kernel = kernel
        self._weather = weather
        self._query = query
        self._name = name
        self._network = SimulatedNetwork(kernel, weather)
        self._realtime = Realtime(ENDPOINT, self.caller, self._network)

    @property
    def position(self) -> int | None:
        """After which number it goes on."""
        return self.feed.position if self.feed else self._after

    @property
    def items(self) -> dict[str, str]:
        """What its feed shows."""
        return {key: message.text for key, message in self.feed.items.items()} if self.feed else {}

    async def listen(self) -> None:
        """Listen until cancelled. A program that cannot begin is started again less and less often."""
        pause = 5.0
        while True:
            try:
                await self._listen_once()
                pause = 5.0
            except Crash:
                self._note("crashes")
            except HeadwaterError as error:
                self._note(f"{type(error).__name__}: {error}")
                await asyncio.sleep(self._kernel.random.random() * pause)
                pause = min(2 * pause, 600.0)

    def _feed(self) -> Feed[Any]:
        after = self.position
        topic = topics.topic(f"room:{self.diary.room_id}")
        if self._cursors is not None:
            cursor = self._cursors.load(topic.name)
            self.diary.restart(cursor)
            after = self._after if cursor is None else None
        return Feed(self._query, self._realtime, topic, after=after, cursor=self._cursors, said=self._said)

    async def _listen_once(self) -> None:
        feed = self.feed = self._feed()
        try:
            await feed.start()
            self.diary.live(self._kernel.now)
            self.present = True
            self._note(f"has caught up to {feed.position}, {feed.state}")
            longest = 5.0
            while not self._weather.strikes("leave"):
                patience = longest * self._kernel.random.random() if self._weather.strikes("impatient") else None
                try:
                    event = await asyncio.wait_for(anext(feed), patience)
                except TimeoutError:
                    longest *= 2
                    self._note("gives up waiting, and asks again")
                else:
                    await self._called_back(event)
        finally:
            self.present = False
            await feed.close()
            await self._realtime.close()
        away = self._kernel.random.choice([0.1, 20.0, 2 * DAY_SECONDS]) * self._kernel.random.random()
        self._note(f"goes away for {away:.0f} s")
        await asyncio.sleep(away)

    async def _called_back(self, event: Change[Message] | Resync[Message]) -> None:
        self.busy = True
        try:
            await self._handle(event)
        finally:
            self.busy = False

    async def _handle(self, event: Change[Message] | Resync[Message]) -> None:
        if self._weather.strikes("busy"):
            await asyncio.sleep(self._kernel.random.random() * 30.0)
        if self._cursors is not None and self._weather.strikes("crash"):
            raise Crash
        if isinstance(event, Resync):
            self._note(f"begins anew after {event.position}")
            self.diary.resync({key: message.text for key, message in event.items.items()}, self._kernel.now)
            return
        token = event.item.text if event.item else None
        self._note(f"{event.source} {event.seq} {event.kind} {event.key} {token and token[:20]}")
        self.diary.seen.append(
            Seen(event.seq, event.event_id, event.kind, event.key, token, self._kernel.now, event.truncated)
        )

    def _said(self) -> None:
        if self.feed is not None and self.said != self.feed.state:
            self.said = self.feed.state
            self._note(f"says {self.said}")
            self.on_said()

    def _note(self, what: str) -> None:
        self._kernel.trace(self._name, what)
