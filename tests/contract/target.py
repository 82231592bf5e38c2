"""What the contract is held against: a deployed fixture, wherever it is.

`HEADWATER_CONTRACT_TARGET` says where: `local` (the default) starts `python -m local up` on the fixture's template,
`aws` builds and deploys it with the SAM CLI to the account and region of the ambient AWS configuration, and deletes it
in the end; `ministack` asks the AppSync that MiniStack has itself, on the same local deployment. The stack is called
`headwater-contract`.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

import boto3

from tests.contract.api import Api
from tests.contract.ministack import copy_apis
from tests.contract.signing import Signer

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
TEMPLATE = HERE / "template.yaml"
STACK = "headwater-contract"
VARIABLE = "HEADWATER_CONTRACT_TARGET"

START_SECONDS = 180
STOP_SECONDS = 20


@dataclass(frozen=True)
class Target:
    """A deployed fixture: `outputs` are its stack's, `urls` where its APIs answer by their names there."""

    name: str
    region: str
    outputs: Mapping[str, str]
    urls: Mapping[str, tuple[str, str]]
    aws: Mapping[str, str]  # arguments of a boto3 session's clients

    def client(self, service: str) -> Any:
        """A boto3 client of the fixture's account."""
        return _client(service, self.region, self.aws)

    @cached_property
    def api(self) -> Api:
        """The API that most cases ask: API_KEY by default, AWS_IAM besides."""
        return self._api("Api", self.outputs["ApiKey"])

    @cached_property
    def limited(self) -> Api:
        """The API with a depth limit of 3, a resolver limit of 4 and no introspection."""
        return self._api("Limited", self.outputs["LimitedKey"])

    @cached_property
    def empty(self) -> Api:
        """The API without a schema."""
        return self._api("Empty", self.outputs["EmptyKey"])

    @cached_property
    def token(self) -> Api:
        """The API whose only mode is a user pool."""
        return self._api("Token", "")

    @cached_property
    def authorized(self) -> Api:
        """The API whose default mode is a Lambda authorizer, with API_KEY besides."""
        return self._api("Authorized", self.outputs["AuthorizedKey"])

    @cached_property
    def cached(self) -> Api | None:
        """The API with a cache per resolver; on AWS, where it would cost by the hour, there is none."""
        return self._api("Cached", self.outputs["CachedKey"]) if "CachedKey" in self.outputs else None

    def sign_in(self, pool: str = "UserPool", *, group: str | None = None) -> dict[str, str]:
        """The id and access token of a new user, who may be in a group; `Username` is their name."""
        cognito, name, password = self.client("cognito-idp"), f"user-{uuid4()}", f"Aa1!{secrets.token_hex(12)}"
        pool_id, client_id = self.outputs[pool], self.outputs[f"{pool}Client"]
        cognito.admin_create_user(UserPoolId=pool_id, Username=name, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=pool_id, Username=name, Password=password, Permanent=True)
        if group:
            cognito.admin_add_user_to_group(UserPoolId=pool_id, Username=name, GroupName=group)
        answer = cognito.admin_initiate_auth(
            UserPoolId=pool_id, ClientId=client_id, AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password},
        )  # fmt: skip
        return {**answer["AuthenticationResult"], "Username": name}

    @cached_property
    def reader(self) -> Signer:
        """A role with the right to every field but `beyondPolicy` and `onBeyondPolicy`."""
        return self._assume("ReaderRole")

    @cached_property
    def stranger(self) -> Signer:
        """A role without any right."""
        return self._assume("StrangerRole")

    def _api(self, name: str, key: str) -> Api:
        url, realtime_url = self.urls[name]
        return Api(url, realtime_url, key)

    def _assume(self, role: str) -> Signer:
        answer = self.client("sts").assume_role(RoleArn=self.outputs[role], RoleSessionName="contract")
        found = answer["Credentials"]
        return Signer(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], self.region)


@contextmanager
def deployed(folder: Path) -> Iterator[Target]:
    """The target that the environment asks for; `folder` is for its files."""
    name = os.environ.get(VARIABLE) or "local"
    targets = {"local": local, "aws": aws, "ministack": ministack}
    if name not in targets:
        raise ValueError(f"{VARIABLE}={name!r} is no target; there are {', '.join(targets)}")
    with targets[name](folder) as target:
        yield target


@contextmanager
def local(folder: Path) -> Iterator[Target]:
    """The data plane of `python -m local up`."""
    with _instance(folder) as found:
        outputs = _stack_outputs(_client("cloudformation", found["region"], _local_credentials(found)))
        yield Target("local", found["region"], outputs, _local_urls(outputs, found), _local_credentials(found))


@contextmanager
def ministack(folder: Path) -> Iterator[Target]:
    """MiniStack's own AppSync, which has no real-time endpoint, beside what `python -m local up` deployed."""
    with _instance(folder) as found:
        credentials = _local_credentials(found)
        outputs = _stack_outputs(_client("cloudformation", found["region"], credentials))
        outputs, urls = copy_apis(
            found["aws"], outputs,
            _client("appsync", found["region"], credentials), _client("s3", found["region"], credentials),
        )  # fmt: skip
        yield Target("ministack", found["region"], outputs, urls, credentials)


@contextmanager
def _instance(folder: Path) -> Iterator[dict[str, str]]:
    """`python -m local up` as a child process with ports and a state directory of its own; its outputs.json."""
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
        yield _wait_until_ready(process, folder / "state" / "outputs.json", log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def aws(folder: Path) -> Iterator[Target]:
    """The fixture in the account of the ambient AWS configuration."""
    region = boto3.Session().region_name
    if not region:
        raise ValueError(f"{VARIABLE}=aws needs a region: set AWS_REGION, or one in the AWS profile")
    sam, build = str(Path(sys.executable).parent / "sam"), folder / "build"
    parameters = ["--parameter-overrides", f"PythonRuntime=python3.{sys.version_info.minor}", "WithCache=false"]
    _run([sam, "build", "--template-file", str(TEMPLATE), "--build-dir", str(build), *parameters])
    _run([
        sam, "deploy", "--template-file", str(build / "template.yaml"), "--stack-name", STACK, "--region", region,
        "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset",
        *parameters,
    ])  # fmt: skip
    try:
        outputs = _stack_outputs(_client("cloudformation", region, {}))
        urls = {name: (url, _realtime(url)) for name, url in _graphql_urls(outputs).items()}
        yield Target("aws", region, outputs, urls, {})
    finally:
        _run([sam, "delete", "--stack-name", STACK, "--region", region, "--no-prompts"])


def _client(service: str, region: str, arguments: Mapping[str, str]) -> Any:
    return cast("Any", boto3.client)(service, region_name=region, **arguments)  # its overloads want a literal name


def _realtime(url: str) -> str:
    return url.replace("https://", "wss://").replace(".appsync-api.", ".appsync-realtime-api.")


def _graphql_urls(outputs: Mapping[str, str]) -> dict[str, str]:
    return {name.removesuffix("Url"): value for name, value in outputs.items() if name.endswith("Url")}


def _local_urls(outputs: Mapping[str, str], found: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The main API is at the endpoint itself, each other one below its id."""
    base, realtime = found["graphql"].removesuffix("/graphql"), found["realtime"].removesuffix("/graphql/realtime")
    urls = {"Api": (found["graphql"], found["realtime"])}
    for name, url in _graphql_urls(outputs).items():
        urls.setdefault(name, (f"{base}/{_api_id(url)}/graphql", f"{realtime}/{_api_id(url)}/graphql/realtime"))
    return urls


def _api_id(url: str) -> str:
    """The id in the URL that AWS gives an API."""
    return (urlsplit(url).hostname or "").partition(".")[0]


def _local_credentials(found: Mapping[str, str]) -> dict[str, str]:
    return {"aws_access_key_id": "test", "aws_secret_access_key": "test", "endpoint_url": found["aws"]}


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
