"""The TypeScript client in a process of its own, Node or Chromium, called in JSON lines (see programs/lines.js)."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ANSWER_SECONDS = 40


class ProgramError(Exception):
    """What the library threw: `name` is that of its class."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['name']}: {error['message']}")
        self.name: str = error["name"]
        self.type: str | None = error.get("type")


class ProgramGone(Exception):
    """The process ended, or the page, before it answered."""


@dataclass
class Followed:
    """What a feed handed out, in order, and the states that it told, each with the time in seconds."""

    topic: str
    name: str
    changes: list[dict[str, Any]] = field(default_factory=list)
    states: list[tuple[str, float]] = field(default_factory=list)
    last_arrived: float = 0
    error: dict[str, Any] | None = None
    ended: bool = False

    @property
    def state(self) -> str:
        """The state that was told last."""
        return self.states[-1][0] if self.states else ""

    @property
    def texts(self) -> list[str]:
        """The texts of the messages that came."""
        return [change["item"]["text"] for change in self.changes if change.get("item")]

    def assert_gapless(self) -> None:
        """Each number once, in order; what a resync skipped is not looked at."""
        numbers = [change["seq"] for change in self.changes]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True, numbers

    def take(self, event: Mapping[str, Any]) -> None:
        """Keep one event that the program sent."""
        if "change" in event:
            self.changes.append(event["change"])
            self.last_arrived = event["arrived"] / 1000
        elif "state" in event:
            self.states.append((event["state"], event["at"] / 1000))
        elif "error" in event:
            self.error = event["error"]
        else:
            self.ended = True


class Program:
    """Starts the process; calls wait for its answer, what is emitted is collected in the background."""

    def __init__(
        self, platform: str, command: list[str], folder: Path, environment: Mapping[str, str], log: Path
    ) -> None:
        self.platform = platform
        self._log = log
        self._writing = threading.Lock()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output
            )
        self._ids = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._feeds: dict[tuple[str, str], Followed] = {}
        self.ended: dict[str, list[dict[str, Any]]] = {}  # of queued mutations, by id
        self.asked: list[tuple[str, str]] = []  # pages of Chromium, and what they sent to the API
        self.tokens: list[dict[str, Any]] = []  # what the library asked for
        self._ready = self._over = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, name=log.stem, daemon=True)
        self._reader.start()
        try:
            self.wait(lambda: self._ready, 60, "the process to be ready")
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def call(self, call: str, page: str = "page", seconds: float = ANSWER_SECONDS, /, **argument: Any) -> Any:
        """What a call of calls.js (or a control of browser.js) answers.

        Raises:
            ProgramError: what the library threw.
            ProgramGone: the process ended meanwhile.
        """
        assert self._process.stdin
        number = next(self._ids)
        request = {"id": number, "page": page, "call": call, "argument": argument}
        try:
            with self._writing:
                self._process.stdin.write(json.dumps(request).encode() + b"\n")
                self._process.stdin.flush()
        except (BrokenPipeError, ValueError):  # ValueError: closed on this side
            raise ProgramGone(call) from None
        self.wait(lambda: number in self._answers or self._over, seconds, f"the answer of {call}")
        answer = self._answers.pop(number, None)
        if answer is None:
            raise ProgramGone(call)
        if "error" in answer:
            raise ProgramError(answer["error"])
        return answer["value"]

    def live(self, topic: str, page: str = "page", **options: Any) -> Followed:
        """Follow a topic; returns at once."""
        followed = Followed(topic, f"feed {next(self._ids)}")
        self._feeds[page, followed.name] = followed
        self.call("live", page, name=followed.name, topic=topic, options=options)
        return followed

    def ready(self, followed: Followed, page: str = "page") -> None:
        """Wait until a feed is live for the first time."""
        self.call("ready", page, name=followed.name)

    def look(self, followed: Followed, page: str = "page") -> dict[str, Any]:
        """A feed's items, pending keys, position, state and transport now."""
        found: dict[str, Any] = self.call("look", page, name=followed.name)
        return found

    def close_feed(self, followed: Followed, page: str = "page") -> None:
        """End a feed."""
        self.call("close", page, name=followed.name)

    def wait(self, probe: Callable[[], object], seconds: float, what: str) -> None:
        """Return when a probe, asked after each line that the process writes, is true."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (found := probe()) and not self._over and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
        assert found or self._over, f"waited {seconds} s for {what}; {self._tail()}"
        assert found or what.startswith("the answer"), (
            f"the process ended while it was waited for {what}; {self._tail()}"
        )

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._finish()

    def close(self) -> None:
        """End the process and its reader."""
        assert self._process.stdin
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._finish()

    def _finish(self) -> None:
        assert self._process.stdout
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        with suppress(BrokenPipeError):
            assert self._process.stdin
            self._process.stdin.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            if not line.endswith(b"\n"):
                break  # killed in the middle of it
            self._take(json.loads(line))
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        with self._changed:
            page = message.get("page", "page")
            if "id" in message:
                self._answers[message["id"]] = message
            elif "feed" in message:
                self._feeds[page, message["feed"]].take(message)
            elif "ended" in message:
                self.ended.setdefault(message["ended"], []).append(message)
            elif "asked" in message:
                self.asked.append((page, message["asked"] or ""))
            elif "token" in message:
                self.tokens.append(message["token"])
            else:
                self._ready = True
            self._changed.notify_all()

    def _tail(self) -> str:
        return f"its log ends with:\n{self._log.read_text()[-2000:]}"
