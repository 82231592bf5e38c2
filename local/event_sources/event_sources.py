"""Keeps one poller per enabled mapping, as Lambda's API lists them at any time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from local.errors import NotEmulated
from local.event_sources import mappings
from local.event_sources.checkpoints import Checkpoints
from local.event_sources.consumer import Consumer
from local.event_sources.delivery import Invoker
from local.event_sources.faulty import FaultyInvoker
from local.event_sources.mappings import QueueMapping, StreamMapping
from local.event_sources.poller import QueuePoller
from local.event_sources.streams import SourceGone
from local.faults import Faults

logger = logging.getLogger("headwater.event_sources")

LIST_SECONDS = 5.0
"""How often mappings are listed when no notification of a change comes: one may be lost."""

FORGET_SECONDS = 5.0
RESTART_SECONDS = 1.0
RECONSIDER_SECONDS = 5.0
"""How often a mapping that was refused is tried again: the function or the queue may have changed, not the mapping."""
STOP_SECONDS = 1.5


class EventSourcesCloud(Protocol):
    """What event sources need of `local.cloud.Cloud`."""

    def client(self, service: Any) -> Any: ...
    def on_stream(self, callback: Callable[[str], None]) -> None: ...
    def on_source(self, callback: Callable[[str], None]) -> None: ...
    def on_control(self, callback: Callable[[str], None]) -> None: ...


class Poller(Protocol):
    """What serves one enabled mapping: `Consumer` for a stream, `QueuePoller` for a queue."""

    started: bool

    def notify(self) -> None:
        """The source may have something new."""

    def stop(self) -> None:
        """Let running invocations finish, then `run` returns."""

    async def run(self) -> None:
        """Serve until `stop`."""


class EventSources:
    """The event source mappings of a cloud. `functions` runs what they invoke, `state` keeps the checkpoints."""

    def __init__(self, cloud: EventSourcesCloud, functions: Invoker, state: Path, faults: Faults | None = None) -> None:
        self._cloud = cloud
        self._faults = faults or Faults()
        self._functions = FaultyInvoker(functions, self._faults)
        self._checkpoints = Checkpoints(state / "checkpoints.json")
        self._runners: dict[str, _Runner] = {}
        self._listed: list[dict[str, Any]] = []
        self._told: dict[str, str] = {}  # the last refusal of each mapping that was logged
        self._missed: dict[str, float] = {}  # since when mappings with checkpoints are not listed
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.not_emulated: dict[str, NotEmulated] = {}
        """Why a mapping is not served, by its UUID. Each is logged once."""
        cloud.on_stream(self._announced)
        cloud.on_source(self._announced)
        cloud.on_control(self._control_changed)

    async def start(self) -> None:
        """Start following the mappings."""
        await self._follow()
        self._task = asyncio.create_task(self._run(), name="event sources")

    async def stop(self) -> None:
        """Let running invocations finish for a moment, then cancel them: their batches come again after a start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await asyncio.gather(*(runner.stop() for runner in self._runners.values()))
        self._runners.clear()

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LIST_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            await self._follow()

    async def _follow(self) -> None:
        try:
            descriptions = await asyncio.to_thread(self._list)
        except (ClientError, BotoCoreError) as error:
            logger.warning("event source mappings cannot be listed: %s", error)
            return
        self._listed = descriptions
        found: dict[str, StreamMapping | QueueMapping] = {}
        for description in descriptions:
            try:
                mapping = mappings.parse(description)
            except NotEmulated as error:
                self.refuse(description["UUID"], error)
            except Exception as error:  # noqa: BLE001 - whatever one mapping holds, the others must be served
                self.refuse(description["UUID"], NotEmulated(f"Event source mapping {description}", repr(error)))
            else:
                found[mapping.uuid] = mapping
        for uuid, mapping in found.items():
            if uuid not in self._runners:
                self._runners[uuid] = _Runner(self, uuid)
            self._runners[uuid].want(mapping)
        listed = {description["UUID"] for description in descriptions}
        for uuid, runner in self._runners.items():
            if uuid not in listed:
                runner.end()
            elif uuid not in found:
                runner.want(None)
        self._forget(listed)

    def _forget(self, listed: set[str]) -> None:
        """Drop what is kept of mappings that were deleted.

        Their checkpoints only after a while: a cloud that is starting again must not make every mapping begin anew.
        """
        now = time.monotonic()
        for uuid in self._told.keys() - listed:
            del self._told[uuid]
            self.not_emulated.pop(uuid, None)
        gone = self._checkpoints.mappings() - listed
        self._missed = {uuid: self._missed.get(uuid, now) for uuid in gone}
        for uuid, since in self._missed.items():
            if now - since >= FORGET_SECONDS:
                self._checkpoints.forget(uuid)

    def _list(self) -> list[dict[str, Any]]:
        pages = self._cloud.client("lambda").get_paginator("list_event_source_mappings").paginate()
        return [mapping for page in pages for mapping in page["EventSourceMappings"]]

    def running(self, uuid: str) -> bool:
        """Whether a mapping is being served."""
        runner = self._runners.get(uuid)
        return runner is not None and runner.started

    def accept(self, uuid: str) -> None:
        """A mapping that is served, perhaps after it was refused as it was before."""
        self.not_emulated.pop(uuid, None)

    def refuse(self, uuid: str, error: NotEmulated) -> None:
        """A mapping that cannot be served as it is."""
        self.not_emulated[uuid] = error
        if self._told.get(uuid) != str(error):
            self._told[uuid] = str(error)
            logger.warning("%s", error)

    def poller(self, mapping: StreamMapping | QueueMapping) -> Poller:
        """What serves a mapping. Raises NotEmulated."""
        if isinstance(mapping, QueueMapping):
            return QueuePoller(mapping, self._cloud, self._functions)
        return Consumer(mapping, self._cloud, self._functions, self._checkpoints, self._faults)

    def state(self) -> list[dict[str, Any]]:
        """Every mapping: what it maps, whether it is served or why not, and its checkpoints by shard."""
        return [
            {
                "uuid": description["UUID"],
                "source": description.get("EventSourceArn"),
                "function": description.get("FunctionArn"),
                "state": description.get("State"),
                "running": self.running(description["UUID"]),
                "refused": str(self.not_emulated.get(description["UUID"]) or "") or None,
                "checkpoints": self._checkpoints.shards(description["UUID"]),
            }
            for description in self._listed
        ]

    def ended(self, uuid: str) -> None:
        """A mapping was deleted and its poller has ended."""
        self._runners.pop(uuid, None)

    def _announced(self, name: str) -> None:
        for runner in self._runners.values():
            runner.notify(name)

    def _control_changed(self, service: str) -> None:
        if service in {"lambda", "cloudformation"}:
            self._changed.set()


class _Runner:
    """One mapping's task, so that no mapping waits for another: runs a poller for what is wanted at the time."""

    def __init__(self, sources: EventSources, uuid: str) -> None:
        self._sources = sources
        self._uuid = uuid
        self._wanted: StreamMapping | QueueMapping | None = None
        self._poller: Poller | None = None
        self._announced_as = ""
        self._gone = False
        self._deleted = False
        self._stopped = False
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"event source mapping {uuid}")

    def want(self, mapping: StreamMapping | QueueMapping | None) -> None:
        """What the mapping is now; None when it cannot be served as it is."""
        self._deleted = False
        if mapping != self._wanted:
            self._wanted = mapping
            self._interrupt()

    def end(self) -> None:
        """The mapping was deleted."""
        if not self._deleted:
            self._deleted = True
            self._interrupt()

    def _interrupt(self) -> None:
        self._changed.set()
        if self._poller is not None:
            self._poller.stop()

    def notify(self, name: str) -> None:
        """A source has something new."""
        if self._poller is not None and name == self._announced_as:
            self._poller.notify()

    @property
    def started(self) -> bool:
        """Whether records are being read, from the start on that the mapping asks for."""
        return self._poller is not None and self._poller.started

    async def stop(self) -> None:
        """End the task."""
        self._stopped = True
        if self._poller is not None:
            self._poller.stop()
            await asyncio.wait([self._task], timeout=STOP_SECONDS)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        await self._changed.wait()
        while not self._stopped:
            self._changed.clear()
            if self._deleted:
                self._sources.ended(self._uuid)
                return
            if self._wanted is not None and self._wanted.enabled:
                await self._serve(self._wanted)
            else:
                await self._changed.wait()

    async def _serve(self, mapping: StreamMapping | QueueMapping) -> None:
        refusal: NotEmulated | None = None
        try:
            self._poller = self._sources.poller(mapping)
            self._announced_as = mapping.announced_as
            self._sources.accept(self._uuid)
            await self._poller.run()
        except* NotEmulated as errors:
            refusal = _first(errors)
        except* SourceGone:
            if not self._gone:
                logger.warning("%s: there is no %s", mapping.uuid, mapping.source)
            self._gone = True
            await self._pause()
        except* (ClientError, BotoCoreError) as errors:
            if self.started:  # it is told once that the cloud does not answer
                logger.warning("%s cannot read %s and tries on: %s", mapping.uuid, mapping.source, errors.exceptions[0])
            await self._pause()
        except* Exception:  # one mapping's trouble must not end it, let alone the others
            logger.exception("%s failed and starts again from its checkpoint", mapping.uuid)
            await self._pause()
        finally:
            self._poller = None
        if refusal is not None:
            self._sources.refuse(self._uuid, refusal)
            await self._pause(RECONSIDER_SECONDS)

    async def _pause(self, seconds: float = RESTART_SECONDS) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()


def _first(errors: BaseExceptionGroup[NotEmulated]) -> NotEmulated:
    found = errors.exceptions[0]
    return found if isinstance(found, NotEmulated) else _first(found)
