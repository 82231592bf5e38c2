"""Where the suite's sources and functions are deployed, and what the functions have recorded there.

`HEADWATER_CONTRACT_TARGET` says where: `local` (the default) starts `python -m local up` on the suite's template, `aws`
builds and deploys it with the SAM CLI to the account and region of the ambient AWS configuration, and deletes it in the
end. The stack is called `headwater-event-sources`.
"""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import boto3

T = TypeVar("T")

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
TEMPLATE = HERE / "template.yaml"
STACK = "headwater-event-sources"
VARIABLE = "HEADWATER_CONTRACT_TARGET"

START_SECONDS = 180
STOP_SECONDS = 20
DEADLINE_SECONDS = {"local": 40, "aws": 300}
"""How long an event may take. On AWS a new mapping polls a minute after its creation."""


@dataclass(frozen=True)
class Event:
    """One invocation: what a function got, and when it began and ended (nanoseconds since the epoch)."""

    body: Mapping[str, Any]
    started: int
    ended: int

    @property
    def records(self) -> Sequence[Mapping[str, Any]]:
        """The records of the event."""
        records: Sequence[Mapping[str, Any]] = self.body["Records"]
        return records


@dataclass(frozen=True)
class Target:
    """A deployed stack: `outputs` are its own, `aws` the arguments of a boto3 session's clients."""

    name: str
    region: str
    outputs: Mapping[str, str]
    aws: Mapping[str, str]

    def client(self, service: str) -> Any:
        """A boto3 client of the stack's account."""
        return _client(service, self.region, self.aws)

    def events(self, function: str) -> list[Event]:
        """The events that a function got so far, in order."""
        pages = self.client("dynamodb").get_paginator("query").paginate(
            TableName=self.outputs["Recorded"], KeyConditionExpression="pk = :name",
            ExpressionAttributeValues={":name": {"S": function}}, ConsistentRead=True,
        )  # fmt: skip
        return [
            Event(json.loads(item["event"]["S"]), int(item["started"]["N"]), int(item["ended"]["N"]))
            for page in pages
            for item in page["Items"]
        ]

    def wait(self, function: str, condition: Callable[[list[Event]], bool]) -> list[Event]:
        """The events of a function as soon as they fulfil a condition."""
        return self.until(lambda: self.events(function), condition)

    def until(self, ask: Callable[[], T], condition: Callable[[T], object]) -> T:
        """What a question is answered with as soon as it fulfils a condition."""
        deadline = time.monotonic() + DEADLINE_SECONDS[self.name]
        while not condition(answer := ask()):
            assert time.monotonic() < deadline, f"not in {DEADLINE_SECONDS[self.name]} s, but {answer}"
            time.sleep(0.05 if self.name == "local" else 2)
        return answer

    def receive(self, queue: str, wanted: Callable[[str], bool]) -> str:
        """The body of a message that is wanted; what else is in the queue is thrown away."""
        sqs = self.client("sqs")

        def ask() -> list[str]:
            answer = sqs.receive_message(QueueUrl=self.outputs[queue], MaxNumberOfMessages=10, WaitTimeSeconds=2)
            for message in answer.get("Messages", []):
                sqs.delete_message(QueueUrl=self.outputs[queue], ReceiptHandle=message["ReceiptHandle"])
            return [message["Body"] for message in answer.get("Messages", []) if wanted(message["Body"])]

        return self.until(ask, bool)[0]

    def put(self, table: str, **texts: str) -> None:
        """Put items by their keys, one after the other."""
        for key, text in texts.items():
            item = {"pk": {"S": key}, "text": {"S": text}}
            self.client("dynamodb").put_item(TableName=self.outputs[table], Item=item)

    def send(self, queue: str, *texts: str, **arguments: str) -> None:
        """Send messages, one after the other."""
        for text in texts:
            self.client("sqs").send_message(QueueUrl=self.outputs[queue], MessageBody=text, **arguments)

    def stream(self, name: str, *texts: str, key: str = "k") -> None:
        """Put records into a Kinesis stream, one after the other."""
        kinesis = self.client("kinesis")
        for text in texts:
            kinesis.put_record(StreamName=self.outputs[name], PartitionKey=key, Data=text.encode())


@contextmanager
def deployed(folder: Path) -> Iterator[Target]:
    """The target that the environment asks for; `folder` is for its files."""
    name = os.environ.get(VARIABLE) or "local"
    targets = {"local": local, "aws": aws}
    if name not in targets:
        raise ValueError(f"{VARIABLE}={name!r} is no target of this suite; there are {', '.join(targets)}")
    with targets[name](folder) as target:
        yield target


@contextmanager
def local(folder: Path) -> Iterator[Target]:
    """`python -m local up` as a child process with ports and a state directory of its own."""
    environment = {"HEADWATER_SEED": "0", "HEADWATER_STATE": str(folder / "state"), **_free_ports()}
    command = [sys.executable, "-m", "local", "up", "--template", str(TEMPLATE), "--stack", STACK]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        found = _wait_until_ready(process, folder / "state" / "outputs.json", log)
        aws = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "endpoint_url": found["aws"]}
        outputs = _stack_outputs(_client("cloudformation", found["region"], aws))
        yield Target("local", found["region"], outputs, aws)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def aws(folder: Path) -> Iterator[Target]:
    """The stack in the account of the ambient AWS configuration."""
    region = boto3.Session().region_name
    if not region:
        raise ValueError(f"{VARIABLE}=aws needs a region: set AWS_REGION, or one in the AWS profile")
    sam, build = str(Path(sys.executable).parent / "sam"), folder / "build"
    parameters = ["--parameter-overrides", f"PythonRuntime=python3.{sys.version_info.minor}"]
    _run([sam, "build", "--template-file", str(TEMPLATE), "--build-dir", str(build), *parameters])
    _run([
        sam, "deploy", "--template-file", str(build / "template.yaml"), "--stack-name", STACK, "--region", region,
        "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset",
        *parameters,
    ])  # fmt: skip
    try:
        outputs = _stack_outputs(_client("cloudformation", region, {}))
        yield Target("aws", region, outputs, {})
        boto3.resource("s3", region_name=region).Bucket(outputs["Bucket"]).objects.all().delete()
    finally:
        _run([sam, "delete", "--stack-name", STACK, "--region", region, "--no-prompts"])


def _client(service: str, region: str, arguments: Mapping[str, str]) -> Any:
    return cast("Any", boto3.client)(service, region_name=region, **arguments)  # its overloads want a literal name


def _stack_outputs(cloudformation: Any) -> dict[str, str]:
    (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _wait_until_ready(process: subprocess.Popen[bytes], outputs: Path, log: Path) -> dict[str, str]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if outputs.exists():
            found: dict[str, str] = json.loads(outputs.read_text())
            return found
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    raise RuntimeError(f"the local instance did not start:\n{log.read_text()[-4000:]}")


def _free_ports() -> dict[str, str]:
    """Each port with its neighbour, for TLS. Below the ephemeral range, where no outgoing connection takes them."""
    names = ("HEADWATER_PORT", "HEADWATER_AWS_PORT", "HEADWATER_MQTT_PORT")
    candidates = iter(random.sample(range(20000, 32000, 2), 1000))
    with ExitStack() as sockets:

        def pair() -> str:
            for port in candidates:
                try:
                    for number in (port, port + 1):
                        sockets.enter_context(socket.socket()).bind(("127.0.0.1", number))
                except OSError:
                    continue
                return str(port)
            raise RuntimeError("no two neighbouring ports are free")

        return {name: pair() for name in names}


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command[:2])}` failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
