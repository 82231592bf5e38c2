"""A JavaScript client library in a process of its own, called in JSON lines (see `lines.js`)."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Send = Callable[[str, str], object]  # a message's room and text

# Longer than any wait inside the libraries (15 s for an acknowledgement), so that a hang is a failure and not a flake.
ANSWER_SECONDS = 20
LIVE_SECONDS = 15
PROBE = "Is anybody there?"

LIVE = "subscription ($room: ID!) { onMessages(roomId: $room) { roomId items { seq message { text } } } }"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { id roomId author text } }"
MESSAGES = "query ($room: ID!) { messages(roomId: $room) { items { id text } } }"
ROOT_OF_THE_ACCOUNT = {"accessKeyId": "test", "secretAccessKey": "test"}


class ClientError(Exception):
    """What the library reported to the application: as JSON, the members of its error that JavaScript can read."""


@dataclass
class Subscription:
    """What a subscription brought, in order."""

    name: str
    room: str
    changes: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    completed: bool = False

    @property
    def texts(self) -> list[str]:
        """The texts of the room's messages, without the probes that showed when it was live."""
        return [text for text in (change["message"]["text"] for change in self.changes) if text != PROBE]

    def take(self, event: Mapping[str, Any]) -> None:
        """Keep one event that the driver sent."""
        if "data" in event:
            envelope = event["data"]["onMessages"]
            assert envelope["roomId"] == self.room, event
            self.changes += envelope["items"]
        elif "error" in event:
            self.errors.append(event["error"])
        else:
            self.completed = True


class Driver:
    """Starts the process; calls wait for the library's answer, subscriptions fill in the background."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output
            )
        self._ids = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._ready = self._ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, name=log.stem, daemon=True)
        self._reader.start()
        try:
            self.wait(lambda: self._ready, 60, "the process to be ready")
        except BaseException:
            self.close()
            raise

    def connect(
        self, outputs: Mapping[str, Any], credentials: Mapping[str, str] = ROOT_OF_THE_ACCOUNT, token: str | None = None
    ) -> None:
        """Configure the library with an `amplify_outputs.json`, AWS credentials for IAM and a token for other modes."""
        self._call("connect", amplifyOutputs=outputs, credentials=credentials, token=token)

    def connect_users(self, outputs: Mapping[str, Any]) -> None:
        """Configure Amplify with an `amplify_outputs.json` that has a user pool, for `authenticate`."""
        self._call("connect", amplifyOutputs=outputs, signsIn=True)

    def authenticate(self, step: str, **input: Any) -> Any:  # noqa: A002 - Amplify's word
        """A step of Amplify's Auth (`signUp`, `signIn`, ...); `tokens` are those of its session.

        Raises:
            ClientError: the library reported an error.
        """
        return self._call("authenticate", step=step, input=input)

    def run(
        self, document: str, mode: str = "API_KEY", authorization: str | None = None, **variables: Any
    ) -> dict[str, Any]:
        """The data of a query or mutation; `authorization` replaces the token that the library would send.

        Raises:
            ClientError: the library reported an error.
        """
        more = {"authorization": authorization} if authorization else {}
        data: dict[str, Any] = self._call("run", document=document, mode=mode, variables=variables, **more)
        return data

    def subscribe(self, room: str, mode: str = "API_KEY", document: str = LIVE) -> Subscription:
        """Start a subscription; nothing says yet that it is live."""
        subscription = Subscription(f"subscription {next(self._ids)}", room)
        self._subscriptions[subscription.name] = subscription
        self._call("subscribe", name=subscription.name, document=document, mode=mode, variables={"room": room})
        return subscription

    def listen(self, send: Send, room: str, mode: str = "API_KEY") -> Subscription:
        """Start a subscription and return when it is live."""
        subscription = self.subscribe(room, mode)
        self.wait_until_live(send, subscription)
        return subscription

    def wait_until_live(self, send: Send, subscription: Subscription, seconds: float = LIVE_SECONDS) -> None:
        """Send to the room until something arrives that was not there before.

        The libraries do not say alike when a subscription is live, and not at all after a reconnect.
        """
        before = len(subscription.changes)
        deadline = time.monotonic() + seconds
        while len(subscription.changes) == before:
            assert not subscription.errors, subscription.errors
            assert time.monotonic() < deadline, f"nothing arrived in {seconds} s; {self._tail()}"
            send(subscription.room, PROBE)
            with self._changed:
                self._changed.wait_for(lambda: len(subscription.changes) > before or bool(subscription.errors), 0.25)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop a subscription as an application does."""
        self._call("unsubscribe", name=subscription.name)

    def wait(self, probe: Callable[[], object], seconds: float, what: str) -> None:
        """Return when a probe, asked after each line that the process writes, is true."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (found := probe()) and not self._ended and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
        assert found, f"waited {seconds} s for {what}; {self._tail()}"

    def close(self) -> None:
        """End the process and its reader."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def _call(self, call: str, **argument: Any) -> Any:
        assert self._process.stdin
        number = next(self._ids)
        self._process.stdin.write(json.dumps({"id": number, "call": call, "argument": argument}).encode() + b"\n")
        self._process.stdin.flush()
        self.wait(lambda: number in self._answers, ANSWER_SECONDS, f"the answer of {call}")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise ClientError(json.dumps(answer["error"]))
        return answer["value"]

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            message = json.loads(line)
            with self._changed:
                if "id" in message:
                    self._answers[message["id"]] = message
                elif "subscription" in message:
                    self._subscriptions[message["subscription"]].take(message)
                else:
                    self._ready = True
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _tail(self) -> str:
        return f"its log ends with:\n{self._log.read_text()[-2000:]}"
