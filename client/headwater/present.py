"""A client that is present in a room: it joins, gives signs of life in the server's rhythm, and leaves.

Two things end a presence without its client: the server has heard nothing for two intervals, or took the right away. In
the first case the client joins again, in the second it stops and says so in `error`. docs/presence.md has the model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from random import random
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from uuid import uuid4

from pydantic import ValidationError

from headwater import clock
from headwater.backoff import full_jitter
from headwater.errors import (
    GraphQLFailure,
    HeadwaterError,
    Internal,
    NotFound,
    UnexpectedAnswer,
    Unreachable,
    is_transient,
)
from headwater.generated import documents
from headwater.generated.fragments import Presence
from headwater.generated.heartbeat import Heartbeat
from headwater.generated.join_room import JoinRoom

# Heartbeats come after this part of the interval, and a little more by chance: early enough that what takes a while on
# the way is not late, not so early that the server takes it for one too many (half an interval).
EARLIEST, SPREAD = 0.85, 0.1

# What is not answered by then is tried again: one heartbeat may be lost, but there is no time to wait 35 s for it.
ATTEMPT_SECONDS: Final = 7.0
LEAVE_SECONDS: Final = 2.0

# How often the clock is looked at. The timers of a machine that slept go off late by as long as it did.
TICK_SECONDS: Final = 1.0

Execute = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
Answer = TypeVar("Answer", JoinRoom, Heartbeat)


def is_grey(presence: Presence, now: datetime, grey_after_seconds: float) -> bool:
    """Whether someone is to be shown as grey: a heartbeat is overdue, or nothing has been told of them for too long.

    Args:
        now: the server's time, as `Present.server_time` has it.
        grey_after_seconds: as `joinRoom` and `presence` answer it.
    """
    return presence.absent or now - presence.last_seen > timedelta(seconds=grey_after_seconds)


class Present:
    """Presence in one room, for as long as the `async with` block lasts. Made by `Client.present`.

    Attributes:
        room_id: the room.
        client_id: tells this client from the other devices of its user. To be shown to nobody.
        presence: the presence as the server last answered it; None before that.
        error: what has ended it; None while it goes on, and after it was closed.
        heartbeat_seconds: the interval, as the server last answered it.
        grey_after_seconds: for `is_grey`.
        closed: whether it was ended by `close`, or by the end of the block.
    """

    def __init__(
        self,
        execute: Execute,
        wait: Callable[[float], Awaitable[object]],
        room_id: str,
        *,
        name: str | None = None,
        client_id: str | None = None,
        now: Callable[[], float] = clock.now,
        chance: Callable[[], float] = random,
    ) -> None:
        """Args:
        execute: runs a mutation and returns its `data`; raises HeadwaterErrors.
        wait: waits so many seconds, or until the network returns.
        now: seconds, of a clock that goes on while the machine sleeps.
        chance: uniform in [0, 1).
        """
        self.room_id = room_id
        self.client_id = client_id or str(uuid4())
        self.presence: Presence | None = None
        self.error: HeadwaterError | None = None
        self.heartbeat_seconds = 0
        self.grey_after_seconds = 0
        self.closed = False
        self._name = name
        self._execute = execute
        self._wait = wait
        self._now = now
        self._chance = chance
        # When the last question that was answered was asked, and answered.
        self._asked_at = self._answered_at = float("-inf")
        self._joined: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Join.

        Raises:
            Unauthorized, InvalidInput: the server refused it.
            Unreachable: there was no answer, or the client is closed.
        """
        if self._task is not None or self.closed:
            raise RuntimeError("a presence begins once: make another with `present`")
        self._joined = asyncio.get_running_loop().create_future()
        self._task = task = asyncio.create_task(self._run(), name=f"present in {self.room_id}")
        try:
            await asyncio.wait({self._joined, task}, return_when=asyncio.FIRST_COMPLETED)
            if task.cancelled():
                raise Unreachable("the client was closed")
            if self.error is not None:
                raise self.error
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave the room, unless that takes more than 2 seconds: then the presence ends by itself."""
        self.closed = True
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        (defect,) = await asyncio.gather(task, return_exceptions=True)
        if self.error is None:
            # What was asked last may have arrived without an answer, so one leaves in any case.
            with suppress(HeadwaterError, TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._execute(documents.LEAVE_ROOM, {"input": self._input})
        if isinstance(defect, Exception):
            raise defect

    @property
    def is_present(self) -> bool:
        """Whether the server, as far as is known, still counts this client as being in the room."""
        running = self._task is not None and not self._task.done()
        return running and self._now() - self._asked_at < 2 * self.heartbeat_seconds

    @property
    def server_time(self) -> datetime | None:
        """The time by the server's clock, from its last answer; None before there is one."""
        if self.presence is None:
            return None
        return self.presence.last_seen + timedelta(seconds=self._now() - self._answered_at)

    def is_grey(self, presence: Presence) -> bool:
        """Whether someone in the room is to be shown as grey. All are, too, while the feed that shows them is not
        `live`."""
        now = self.server_time
        return now is None or is_grey(presence, now, self.grey_after_seconds)

    @property
    def _input(self) -> dict[str, Any]:
        return {"roomId": self.room_id, "clientId": self.client_id}

    async def _run(self) -> None:
        attempt = 0
        while True:
            try:
                await self._give_sign()
            except HeadwaterError as error:
                if self._ends(error):
                    self.error = error
                    return
                await self._wait(max(_least(error), full_jitter(attempt, chance=self._chance)))
                attempt += 1
                continue
            attempt = 0
            await self._next_is_due()

    def _ends(self, error: HeadwaterError) -> bool:
        if isinstance(error, Unreachable) and self.presence is None:
            return True  # whoever enters is told at once, as by a feed
        return not is_transient(error) and not isinstance(error, Internal)

    async def _give_sign(self) -> None:
        if self.is_present:
            try:
                await self._beat()
            except NotFound:
                self._asked_at = float("-inf")
            else:
                return
        # A heartbeat was NotFound; or it would be, because the server has heard nothing for two intervals.
        await self._join()

    async def _join(self) -> None:
        given = self._input if self._name is None else {**self._input, "name": self._name}
        asked_at, data = await self._ask(documents.JOIN_ROOM, given)
        answer = _parsed(JoinRoom, data).join_room
        if answer is None:
            raise UnexpectedAnswer("joinRoom answered nothing")
        self.grey_after_seconds = answer.grey_after_seconds
        self._answered(asked_at, answer.presence, answer.heartbeat_seconds)
        if self._joined is not None and not self._joined.done():
            self._joined.set_result(None)

    async def _beat(self) -> None:
        asked_at, data = await self._ask(documents.HEARTBEAT, self._input)
        answer = _parsed(Heartbeat, data).heartbeat
        if answer is None or self.presence is None:
            raise UnexpectedAnswer("heartbeat answered nothing")
        here = self.presence.model_copy(update={"last_seen": answer.last_seen, "absent": False})
        self._answered(asked_at, here, answer.heartbeat_seconds)

    async def _ask(self, document: str, given: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        asked_at = self._now()
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return asked_at, await self._execute(document, {"input": given})
        except TimeoutError:
            raise Unreachable(f"no answer in {ATTEMPT_SECONDS:.0f} s") from None

    def _answered(self, asked_at: float, presence: Presence, heartbeat_seconds: int) -> None:
        self.presence = presence
        self.heartbeat_seconds = heartbeat_seconds
        self._asked_at = asked_at
        self._answered_at = self._now()

    async def _next_is_due(self) -> None:
        # From when it was asked: the server heard it no sooner than that.
        due = self._asked_at + self.heartbeat_seconds * (EARLIEST + SPREAD * self._chance())
        while (left := due - self._now()) > 0:  # noqa: ASYNC110 - nothing tells that the machine slept
            await asyncio.sleep(min(left, TICK_SECONDS))


def _least(error: HeadwaterError) -> float:
    """For how many seconds the server wants to be left alone."""
    info = error.info if isinstance(error, GraphQLFailure) else None
    least = info.get("retryAfterMs") if isinstance(info, dict) else None
    return least / 1000 if isinstance(least, int | float) else 0.0


def _parsed(kind: type[Answer], data: dict[str, Any]) -> Answer:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise UnexpectedAnswer(str(error)) from error
