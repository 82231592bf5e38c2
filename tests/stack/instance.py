"""A running instance as its users have one: the command, its environment, its outputs.json."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import boto3

T = TypeVar("T")

PROJECT = Path(__file__).resolve().parents[2]
PORTS = (20000, 32000)
START_SECONDS = 180
STOP_SECONDS = 5


def free_ports() -> dict[str, str]:
    """Ports for one instance: the HTTP port comes with its neighbour for TLS.

    They are below the ephemeral range: an outgoing connection of any process would else take one now and then in the
    seconds until the instance listens, or while it restarts.
    """
    names = ("HEADWATER_PORT", "HEADWATER_AWS_PORT", "HEADWATER_MQTT_PORT")
    candidates = iter(random.sample(range(*PORTS, 2), 1000))
    with ExitStack() as sockets:

        def pair() -> str:
            for port in candidates:
                try:
                    for number in (port, port + 1):
                        sockets.enter_context(socket.socket()).bind(("127.0.0.1", number))
                except OSError:
                    continue
                return str(port)
            raise AssertionError("no two neighbouring ports are free")

        return {name: pair() for name in names}


class Instance:
    """`python -m local up` on ports and a state directory of its own."""

    def __init__(
        self, state: Path, environment: Mapping[str, str] | None = None, arguments: tuple[str, ...] = ()
    ) -> None:
        self.state = state
        self.environment = {"HEADWATER_SEED": "0", **free_ports(), **(environment or {}), "HEADWATER_STATE": str(state)}
        self.arguments = arguments
        self.log = state.parent / f"{state.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the command and return at once."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local", "up", *self.arguments],
                cwd=PROJECT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self.process

    def start(self) -> float:
        """Start and wait until it is ready; returns the seconds that took."""
        began = time.monotonic()
        process = self.launch()
        while not self._ready(process):
            if process.poll() is not None:
                raise AssertionError(f"it ended with {process.returncode}:\n{self.log.read_text()[-4000:]}")
            if time.monotonic() - began > START_SECONDS:
                self.kill()
                raise AssertionError(f"not ready after {START_SECONDS} s:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.02)
        return time.monotonic() - began

    def _ready(self, process: subprocess.Popen[bytes]) -> bool:
        # After kill -9 the outputs of the killed process lie there until the next one begins.
        try:
            return bool(self.outputs["pid"] == process.pid)
        except FileNotFoundError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> float:
        """End it with a signal as a user would; returns the seconds that took."""
        assert self.process
        began = time.monotonic()
        self.process.send_signal(number)
        try:
            self.process.wait(STOP_SECONDS + 15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running after the signal:\n{self.log.read_text()[-4000:]}") from None
        return time.monotonic() - began

    def kill(self) -> None:
        """kill -9 of the one process; its children have to notice by themselves."""
        assert self.process
        self.process.kill()
        self.process.wait()

    @property
    def outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.state / "outputs.json").read_text())
        return found

    def client(self, service: str) -> Any:
        """A boto3 client of the local cloud, as the README says."""
        return boto3.client(
            service,  # type: ignore[call-overload]  # the name is a variable
            endpoint_url=self.outputs["aws"],
            region_name=self.outputs["region"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """One operation with the API key; the whole answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"content-type": "application/json", "x-api-key": self.outputs["apiKey"]}
        request = urllib.request.Request(self.outputs["graphql"], body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def send(self, room: str, text: str, author: str = "ada") -> dict[str, Any]:
        """Send a message; it must succeed."""
        answer = self.graphql(
            "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { id roomId author text version } }",
            input={"roomId": room, "text": text, "author": author},
        )
        assert "errors" not in answer, answer
        message: dict[str, Any] = answer["data"]["sendMessage"]
        return message

    def resources(self, kind: str) -> dict[str, str]:
        """Physical ids by logical id of one resource type, over all nested stacks."""
        return resources(self, self.outputs["stack"], kind)


def resources(instance: Instance, stack: str, kind: str) -> dict[str, str]:
    """Physical ids by logical id of one resource type of a stack, over all stacks nested in it."""
    found = {}
    pending = [stack]
    cloudformation = instance.client("cloudformation")
    while pending:
        for resource in cloudformation.describe_stack_resources(StackName=pending.pop())["StackResources"]:
            if resource["ResourceType"] == "AWS::CloudFormation::Stack":
                pending.append(resource["PhysicalResourceId"])
            elif resource["ResourceType"] == kind:
                found[resource["LogicalResourceId"]] = resource["PhysicalResourceId"]
    return found


def eventually(probe: Callable[[], T], seconds: float = 10) -> T:
    """The first true answer of a probe, or a failure when the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < deadline, f"still {found!r} after {seconds} s"
        time.sleep(0.02)
    return found


def running(state: Path, **environment: str) -> Iterator[Instance]:
    """A started instance that is stopped afterwards: the body of a fixture."""
    instance = Instance(state, environment)
    instance.start()
    yield instance
    if instance.process and instance.process.poll() is None:
        instance.stop()
