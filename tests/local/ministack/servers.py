"""Starts MiniStack processes for the contract tests: the mended one of the launcher, and the stock one."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

PROJECT = Path(__file__).resolve().parents[3]
DEADLINE_SECONDS = 20.0


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], Any], what: str, seconds: float = DEADLINE_SECONDS) -> Any:
    """Ask until the answer is true, and return it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"Not within {seconds} s: {what}")
        time.sleep(0.02)


def zipped(source: str) -> bytes:
    """A function's code archive with one `handler.py`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("handler.py"), source)  # without the time of day, so that it compares
    return buffer.getvalue()


@dataclass
class Server:
    """A running MiniStack. `mended` is False for the stock one."""

    port: int
    state: Path
    mended: bool
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HEADWATER_"))}
        if self.mended:
            command = ["local.ministack", "--port", str(self.port), "--state", str(self.state)]
            kept["HEADWATER_TTL_SWEEP_SECONDS"] = "0.1"
        else:
            command = ["ministack"]
            kept |= {"GATEWAY_PORT": str(self.port), "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0"}
            kept |= {"PERSIST_STATE": "1", "STATE_DIR": str(self.state / "state"), "SFTP_ENABLED": "0"}
            kept |= {"S3_PERSIST": "1", "S3_DATA_DIR": str(self.state / "s3")}
        self.state.mkdir(parents=True, exist_ok=True)
        with (self.state / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=PROJECT,
                env={**kept, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, f"MiniStack answers; its log is {self.state / 'log'}", 60)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.state / "log").read_text()
        try:
            urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=5).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """Ask it to stop, as Ctrl-C would, and wait."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(DEADLINE_SECONDS)

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(DEADLINE_SECONDS)

    def save(self) -> None:
        """Wait for a save that holds everything until now; for a mended server."""
        current = self.state / "current"
        for number in range(2):  # a save may be under way: the second one begins after this call
            before = current.readlink()
            self.client("ssm").put_parameter(Name="save", Value=str(number), Type="String", Overwrite=True)
            wait_until(lambda last=before: current.readlink() != last, "a save")  # type: ignore[misc]

    def client(self, service: str, **credentials: str) -> Any:
        """A boto3 client with the account's credentials, or with others."""
        given = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"} | credentials
        config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        return boto3.session.Session().client(  # type: ignore[call-overload]
            service, endpoint_url=self.endpoint, config=config, **given
        )

    def deploy(self, name: str, template: str, **parameters: str) -> dict[str, str]:
        """Create or update a stack, wait, and return its outputs. Raises AssertionError with the reason."""
        cloudformation = self.client("cloudformation")
        arguments = {
            "StackName": name,
            "TemplateBody": template,
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        }
        try:
            cloudformation.describe_stacks(StackName=name)
        except cloudformation.exceptions.ClientError:
            cloudformation.create_stack(**arguments)
        else:
            cloudformation.update_stack(**arguments)
        stack = self._settled(name)
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), (
            stack["StackStatus"],
            self.failures(name),
        )
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def _settled(self, name: str) -> Any:
        def settled() -> Any:
            stack = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        return wait_until(settled, f"stack {name} settles")

    def failures(self, name: str) -> list[str]:
        """Why resources of a stack failed."""
        events = self.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        return [event.get("ResourceStatusReason", "") for event in events if "FAILED" in event["ResourceStatus"]]

    def delete(self, name: str) -> None:
        """Delete a stack and wait until it is gone."""
        cloudformation = self.client("cloudformation")
        identifier = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=name)
        status = self._settled(identifier)["StackStatus"]
        assert status == "DELETE_COMPLETE", (status, self.failures(identifier))

    def put_template(self, key: str, template: str) -> str:
        """Store a nested template, and return the URL that its parent names."""
        s3 = self.client("s3")
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket="templates")
        s3.put_object(Bucket="templates", Key=key, Body=template.encode())
        return f"{self.endpoint}/templates/{key}"

    def create_function(self, name: str, source: str) -> None:
        """Create a Lambda function with its role from the source of its `handler.py`."""
        principal = {"Service": "lambda.amazonaws.com"}
        statement = [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]
        trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
        role = self.client("iam").create_role(RoleName=f"role-of-{name}", AssumeRolePolicyDocument=trust)["Role"]
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=role["Arn"],
            Handler="handler.handle",
            Code={"ZipFile": zipped(source)},
        )

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a plain GET."""
        try:
            with urllib.request.urlopen(self.endpoint + path, timeout=5) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


@contextlib.contextmanager
def running(state: Path, *, mended: bool, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server of the test's own, gone at the end."""
    server = Server(free_port(), state, mended, environment or {})
    try:
        server.start()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()
