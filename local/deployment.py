"""A deployed stack as a command sees it from outside: its outputs and clients, on the local instance or on AWS.

DeploymentError   the stack, its outputs or the service cannot be reached; the message says what to do
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from local.settings import Settings

DEFAULT_STACK = "headwater"
INVOKE_SECONDS = 910.0
"""Longer than any function may run (900 s): to give up earlier would leave it running unseen."""


class DeploymentError(Exception):
    """What was asked of a deployment could not be done."""


class Deployment:
    """One stack. Blocks; errors of the services are DeploymentErrors."""

    def __init__(self, stack: str, session: Any, endpoint: str | None = None) -> None:
        self.stack = stack
        self._session = session
        self._endpoint = endpoint
        self._clients: dict[str, Any] = {}
        self._outputs: Mapping[str, str] | None = None

    def client(self, service: str) -> Any:
        """A boto3 client of a service. It never calls twice: whoever invokes a function decides about that."""
        from botocore.config import Config

        if service not in self._clients:
            config = Config(
                read_timeout=INVOKE_SECONDS if service == "lambda" else 60,
                connect_timeout=5,
                retries={"mode": "standard", "total_max_attempts": 1 if service == "lambda" else 3},
            )
            self._clients[service] = self._session.client(service, endpoint_url=self._endpoint, config=config)
        return self._clients[service]

    def output(self, name: str) -> str:
        """An output of the stack. Raises DeploymentError."""
        if self._outputs is None:
            stacks = self.call("cloudformation", "describe_stacks", StackName=self.stack)["Stacks"]
            self._outputs = {each["OutputKey"]: each["OutputValue"] for each in stacks[0].get("Outputs", [])}
        if name not in self._outputs:
            raise DeploymentError(
                f"the stack {self.stack} has no output {name}: it is not Headwater's, or not all of it is deployed"
            )
        return self._outputs[name]

    def call(self, service: str, operation: str, **arguments: Any) -> Any:
        """Call a service. Raises DeploymentError."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self.client(service), operation)(**arguments)
        except (BotoCoreError, ClientError) as error:
            raise DeploymentError(f"{service} {operation}: {error}") from error

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Run a function and return what it answered. Raises DeploymentError, also when it failed."""
        payload = json.dumps(event, ensure_ascii=False).encode()
        answer = self.call("lambda", "invoke", FunctionName=function, Payload=payload)
        content = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            detail = content if isinstance(content, dict) else {}
            raise DeploymentError(f"{function} failed: {detail.get('errorType')}: {detail.get('errorMessage')}")
        return content


def instance_outputs(settings: Settings) -> dict[str, Any]:
    """The outputs.json of the instance that runs on these settings. Raises DeploymentError."""
    file = settings.outputs_file
    try:
        found: dict[str, Any] = json.loads(file.read_text())
        os.kill(int(found["pid"]), 0)  # after kill -9 its outputs are still there
    except (FileNotFoundError, ProcessLookupError):
        raise DeploymentError(
            f"no instance runs on {file.parent}: start one with `make dev`, or set HEADWATER_STATE to its directory"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise DeploymentError(f"{file} is not what an instance writes: start one with `make dev`") from None
    return found


def on_instance(outputs: Mapping[str, Any], stack: str | None = None) -> Deployment:
    """The stack that a running instance serves, by its outputs.json, or another one that is deployed there."""
    return Deployment(stack or str(outputs["stack"]), _local_session(str(outputs["region"])), str(outputs["aws"]))


def on_aws(stack: str | None, profile: str | None, region: str | None) -> Deployment:
    """A stack on AWS, with the credentials of a profile or of the environment. Raises DeploymentError."""
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session(profile_name=profile, region_name=region)
    except BotoCoreError as error:
        raise DeploymentError(str(error)) from error
    if session.region_name is None:
        raise DeploymentError("no region is set: give one with --region")
    return Deployment(stack or DEFAULT_STACK, session)


def _local_session(region: str) -> Any:
    """A session for the local cloud, which reads nothing of the user's AWS configuration."""
    import boto3
    import botocore.session

    variables = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return boto3.Session(
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the local cloud's
        region_name=region,
        botocore_session=botocore.session.Session(session_vars=variables),
    )
