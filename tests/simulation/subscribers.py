"""Users of the Python client: they listen, go away, come back where they were, and write down what they were told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from gql.transport.appsync_auth import AppSyncApiKeyAuthentication

from headwater.changes import Change
from headwater.endpoint import Endpoint
from headwater.errors import HeadwaterError, ResyncRequired
from headwater.realtime import Realtime
from headwater.room import Query, Room
from tests.simulation.judge import Diary, Seen
from tests.simulation.kernel import Kernel
from tests.simulation.weather import Weather

DAY_SECONDS = 86_400.0


class Subscriber:
    """One user of one room. `after` is where it starts: 0 for all there is, None for what is new.

    Args:
        query: runs a catch-up query, as `Client.query` does.
        state: reads the room's items as they are now: token by key. For a user who has to start anew.
    """

    def __init__(
        self, name: str, room_id: str, after: int | None, *, kernel: Kernel, weather: Weather,
        query: Query, state: Callable[[str], Mapping[str, str]],
    ) -> None:  # fmt: skip
        self.diary = Diary(name, room_id, from_start=after == 0)
        self.present = False
        self._after = after
        self._room: Room | None = None
        self._kernel = kernel
        self._weather = weather
        self._query = query
        self._state = state
        self._name = name
        endpoint = Endpoint("https://simulated/graphql", "wss://simulated/graphql/realtime")
        self._realtime = Realtime(endpoint, lambda _: AppSyncApiKeyAuthentication("simulated", "key"))

    @property
    def position(self) -> int | None:
        """After which number it goes on."""
        return self._room.position if self._room else self._after

    async def listen(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen_once()
            except ResyncRequired as error:
                # As the client's documentation says: read the state anew, then listen from the head.
                self.diary.resync(self._state(self.diary.room_id), self._kernel.now)
                self._note(f"starts anew after {error.head_seq}")
                self._room, self._after = None, error.head_seq
            except HeadwaterError as error:
                self._note(f"{type(error).__name__}: {error}")
                await asyncio.sleep(self._kernel.random.random() * 5.0)

    async def _listen_once(self) -> None:
        room = self._room = Room(self._query, self._realtime, self.diary.room_id, self.position)
        try:
            await room.start()
            self.diary.live(self._kernel.now)
            self.present = True
            self._note(f"is live after {room.position}")
            longest = 5.0
            while not self._weather.strikes("leave"):
                patience = longest * self._kernel.random.random() if self._weather.strikes("impatient") else None
                try:
                    self._called_back(await asyncio.wait_for(anext(room), patience))
                except TimeoutError:
                    longest *= 2
                    self._note("gives up waiting, and asks again")
        finally:
            self.present = False
            await room.close()
            await self._realtime.close()
        away = self._kernel.random.choice([0.1, 20.0, 2 * DAY_SECONDS]) * self._kernel.random.random()
        self._note(f"goes away for {away:.0f} s")
        await asyncio.sleep(away)

    def _called_back(self, change: Change) -> None:
        token = change.message.text if change.message else None
        self._note(f"{change.source} {change.seq} {change.kind} {change.key} {token and token[:20]}")
        self.diary.seen.append(
            Seen(change.seq, change.event_id, change.kind, change.key, token, self._kernel.now, change.truncated)
        )

    def _note(self, what: str) -> None:
        self._kernel.trace(self._name, what)
