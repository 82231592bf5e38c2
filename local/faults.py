"""Faults on purpose: parts ask at named points whether one strikes, and carry it out where it happens.

    if self._faults.active and (strike := self._faults.strike("drop-push", containing=payload)):
        strike.did("dropped a push")
        return

`active` is False until a fault is set: that one check is all that a part pays. Nothing outlives the process. All of it
belongs to the event loop's thread.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from local.control import Control, ControlRequest
from local.control_client import ControlError
from local.fault_switches import SWITCHES, FaultError, Value, as_json, switch

log = logging.getLogger("headwater.faults")

REMEMBERED = 100
"""How many of the last strikes of a fault are listed."""

Act = Callable[[Mapping[str, Any]], Awaitable[str]]
"""What carries a fault out that is an act of its own, by its options; returns what it did."""

About = str | bytes | tuple[str, ...]


class Faults:
    """The switches of one instance. `clock` gives seconds of any monotonic clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.active = False
        """Whether any fault is set."""
        self.clock = clock
        self._set: dict[str, _Fault] = {}
        self._acts: dict[str, Act] = {}
        self._acting: set[asyncio.Future[str]] = set()

    def set(self, name: str, /, **options: object) -> None:
        """Turn a fault on, in the place of itself with other options. It begins to count anew.

        Raises:
            FaultError: there is no such fault or option, or the option does not take the value.
        """
        values = switch(name).read(options)
        self.clear(name)
        fault = self._set[name] = _Fault(name, values, self.clock)
        self.active = True
        act = self._acts.get(name)
        if act is not None:
            fault.task = asyncio.get_running_loop().create_task(self._perform(fault, act))
        log.warning("fault %s is set: %s", name, {key: value for key, value in values.items() if value is not None})

    def clear(self, name: str | None = None) -> None:
        """Turn a fault off, or all. Raises FaultError when there is no such fault."""
        if name is not None:
            switch(name)
        for each in list(self._set) if name is None else [name]:
            fault = self._set.pop(each, None)
            if fault is not None:
                fault.cleared = True
                if fault.task is not None:
                    fault.task.cancel()
        self.active = bool(self._set)

    def strike(self, name: str, **about: About) -> Strike | None:
        """Whether a fault strikes here and now. `about` is what its targets are compared with."""
        fault = self._set.get(name)
        return None if fault is None or not fault.strikes(about) else Strike(fault)

    def performs(self, name: str, act: Act) -> None:
        """Register who carries out a fault that nobody asks for: `act` is called when it is set and strikes."""
        self._acts[name] = act

    def stop(self) -> None:
        """Turn everything off."""
        self.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Every switch, and of those that are set the options and what they did."""
        return [
            {**as_json(one), "set": fault.as_json() if (fault := self._set.get(one.name)) else None}
            for one in SWITCHES.values()
        ]

    def serve(self, control: Control) -> None:
        """Answer on the control socket."""
        control.route("GET", "/faults", self._list)
        control.route("POST", "/faults/{name}", self._post)
        control.route("DELETE", "/faults", self._delete)
        control.route("DELETE", "/faults/{name}", self._delete)

    async def _list(self, _: ControlRequest) -> Any:
        return {"faults": self.listed()}

    async def _post(self, request: ControlRequest) -> Any:
        options = {} if request.body is None else request.body
        if not isinstance(options, dict):
            raise ControlError("BadFault", "the options are no JSON object")
        try:
            self.set(request.parameters["name"], **options)
        except FaultError as error:
            raise ControlError("BadFault", str(error)) from None
        return await self._list(request)

    async def _delete(self, request: ControlRequest) -> Any:
        try:
            self.clear(request.parameters.get("name"))
        except FaultError as error:
            raise ControlError("BadFault", str(error)) from None
        return await self._list(request)

    async def _perform(self, fault: _Fault, act: Act) -> None:
        every = fault.options["every"]
        await asyncio.sleep(float(fault.options["after"] or 0))
        for turn in itertools.count():
            if turn and (every is None or fault.spent):
                fault.finished = True
                return
            if turn:
                await asyncio.sleep(float(every or 0))
            if not fault.strikes({}):
                continue
            strike = Strike(fault)
            try:
                # What has begun is brought to its end, whoever clears the fault meanwhile.
                acting = asyncio.ensure_future(act(fault.options))
                self._acting.add(acting)
                acting.add_done_callback(self._acting.discard)
                strike.did(await asyncio.shield(acting))
            except Exception as error:  # the edge of whoever carries it out
                log.exception("fault %s failed", fault.name)
                strike.did(f"failed: {error}")
                return


class Strike:
    """One time that a fault strikes. `options` has all of the fault's, None for what was not given."""

    __slots__ = ("_fault", "options")

    def __init__(self, fault: _Fault) -> None:
        self._fault = fault
        self.options: Mapping[str, Any] = fault.options

    @property
    def stands(self) -> bool:
        """False once the fault was cleared or its duration is over: for those whose effect lasts."""
        return not self._fault.cleared and not self._fault.over

    @property
    def random(self) -> random.Random:
        """The fault's own source of chances."""
        return self._fault.random

    def did(self, what: str) -> None:
        """What came of it, for those who list it."""
        self._fault.did(what)

    def missed(self) -> None:
        """Nothing came of it: it does not count."""
        self._fault.struck -= 1


class _Fault:
    """A fault that is set."""

    def __init__(self, name: str, options: Mapping[str, Value | None], clock: Callable[[], float]) -> None:
        self.name = name
        self.cleared = False
        self.finished = False
        self.struck = 0
        self.task: asyncio.Task[None] | None = None
        seed = options["seed"]
        seed = random.SystemRandom().randrange(2**32) if seed is None else seed
        self.options = {**options, "seed": seed}
        self.random = random.Random(seed)  # noqa: S311  reproducible on purpose
        self._targets = [
            (option.name, str(options[option.name]), option.target)
            for option in switch(name).options
            if option.target and options[option.name] is not None
        ]
        self._clock = clock
        self._began = clock()
        self._did: deque[dict[str, str]] = deque(maxlen=REMEMBERED)
        self._outcomes = 0

    @property
    def over(self) -> bool:
        duration = self.options["duration"]
        return duration is not None and self._clock() - self._began >= float(duration)

    @property
    def spent(self) -> bool:
        count = self.options["count"]
        return self.finished or self.over or (count is not None and self.struck >= int(count))

    def strikes(self, about: Mapping[str, About]) -> bool:
        if self.spent or not all(_meets(about.get(name, ""), wanted, how) for name, wanted, how in self._targets):
            return False
        probability = float(self.options["probability"] or 0)
        if probability < 1 and self.random.random() >= probability:
            return False
        self.struck += 1
        return True

    def did(self, what: str) -> None:
        self._outcomes += 1
        self._did.append({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "what": what})

    def as_json(self) -> dict[str, Any]:
        given = {name: value for name, value in self.options.items() if value is not None}
        return {
            "options": given, "struck": self.struck, "outcomes": self._outcomes, "spent": self.spent,
            "last": list(self._did),
        }  # fmt: skip


def _meets(found: About, wanted: str, how: str) -> bool:
    if how == "equal":
        return wanted == found or (isinstance(found, tuple) and wanted in found)
    if isinstance(found, bytes):
        return wanted.encode() in found
    return wanted in found if isinstance(found, str) else any(wanted in each for each in found)
