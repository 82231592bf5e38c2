"""MiniStack as a child process: start, stop, watch, and the typed questions that the rest of `local` asks it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from local.announcements import Announcements
from local.ministack import state_lock
from local.ministack.environment import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from local.role_sessions import Credentials, RoleSessions

logger = logging.getLogger("headwater.cloud")

PROJECT = str(Path(__file__).resolve().parent.parent)
START_SECONDS = 120.0
"""How long MiniStack may take to answer. It takes a second, and some more for each 100,000 items that it reads."""
STOP_SECONDS = 30.0
"""How long MiniStack may take to end. It takes tenths of a second, but a state of hundreds of megabytes takes long to
save, and what was acknowledged matters more than a quick end."""
PREDECESSOR_SECONDS = 6.0
LOG_BYTES = 10_000_000
"""A log that is larger at the start is put aside, in the place of the one before."""

_CLIENT_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    # A refused connection means that MiniStack is gone: no thread should go on trying for long.
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=64,
    s3={"addressing_style": "path"},
)


class CloudError(Exception):
    """MiniStack could not be started, or is gone. The message says what to do."""


@dataclass(frozen=True)
class Resource:
    """One resource of a stack. `properties` are resolved; `emulated` is False for a type that is only recorded."""

    logical_id: str
    type: str
    physical_id: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any]
    status: str
    emulated: bool = True


@dataclass(frozen=True)
class Stack:
    """A deployed stack. `parent` is the name of the stack that nests it."""

    name: str
    id: str
    parent: str | None
    status: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    resources: tuple[Resource, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Principal:
    """Who an access key is. `policies` are the identity policies.

    Each of `limits` is a further set of policies that must allow too (permissions boundary, session policies).
    """

    secret_access_key: str
    arn: str
    account_id: str
    user_id: str
    root: bool
    policies: tuple[Mapping[str, Any], ...] = ()
    limits: tuple[tuple[Mapping[str, Any], ...], ...] = ()


class Cloud(Announcements):
    """The MiniStack child. `state` is its directory (data and log); `mqtt_port` 0 turns the MQTT listener off.

    Whoever runs Lambda functions listens on `invoke_socket`, before or after `start`.
    """

    def __init__(self, *, port: int, mqtt_port: int, state: Path, region: str = "us-east-1") -> None:
        self.port = port
        self.region = region
        self.endpoint = f"http://127.0.0.1:{port}"
        self.log_file = state / "ministack.log"
        self._mqtt_port = mqtt_port
        self._state = state
        self._sockets = _socket_directory(state)
        super().__init__(self._sockets / "notify")
        self.invoke_socket = self._sockets / "invoke"
        self._process: asyncio.subprocess.Process | None = None
        self._lifeline: int | None = None
        self._stopping = False
        self._restarting: asyncio.Future[None] | None = None
        self._session = _session(region)
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.Lock()
        self.sessions = RoleSessions(self._request)

    # --- the process ---

    async def start(self) -> None:
        """Start MiniStack and wait until it answers. Raises CloudError."""
        self._stopping = False
        self._state.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(_wait_for_predecessor, self._state)
        _check_port(self.port, "HEADWATER_AWS_PORT", "the AWS services")
        if self._mqtt_port:
            _check_port(self._mqtt_port, "HEADWATER_MQTT_PORT", "MQTT")
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        self.listen()
        await self._launch()

    async def _launch(self) -> None:
        read_end, self._lifeline = os.pipe()
        command = [sys.executable, "-m", "local.ministack"]
        command += ["--port", str(self.port), "--mqtt-port", str(self._mqtt_port), "--state", str(self._state)]
        command += ["--region", self.region, "--parent-pipe", str(read_end)]
        environment = {
            **os.environ,
            "HEADWATER_NOTIFY": str(self._sockets / "notify"),
            "HEADWATER_INVOKE": str(self.invoke_socket),
            "PYTHONPATH": PROJECT,
        }
        try:
            with self.log_file.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    pass_fds=(read_end,),
                    start_new_session=True,  # Ctrl-C reaches the runner only, which stops us in order
                )
        finally:
            os.close(read_end)
        await self._wait_until_healthy(self._process)

    async def _wait_until_healthy(self, process: asyncio.subprocess.Process) -> None:
        deadline = time.monotonic() + START_SECONDS
        ended = asyncio.ensure_future(process.wait())
        try:
            while time.monotonic() < deadline:
                if ended.done():
                    raise CloudError(self._obituary(ended.result()))
                if await asyncio.to_thread(self._healthy):
                    return
                await asyncio.wait([ended], timeout=0.05)
        finally:
            ended.cancel()
        await self.stop()
        raise CloudError(f"MiniStack does not answer after {START_SECONDS:.0f} s. Its log: {self.log_file}")

    def _healthy(self) -> bool:
        try:
            self._request("GET", "/_headwater/resources")
        except (OSError, ValueError):
            return False
        return True

    def _obituary(self, status: int) -> str:
        tail = self.log_file.read_text(errors="replace").splitlines()[-15:] if self.log_file.exists() else []
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        lines = "\n".join(f"    {line}" for line in tail)
        return f"MiniStack {how}. The end of {self.log_file}:\n{lines}"

    async def died(self) -> str:
        """Wait until the child ends without having been asked to, and return the reason."""
        while True:
            process = self._process
            if process is None:
                raise CloudError("MiniStack was not started.")
            status = await process.wait()
            if self._stopping:
                await asyncio.Event().wait()  # asked to: nobody died
            if self._restarting is not None:
                await asyncio.shield(self._restarting)
            elif process is self._process:
                return self._obituary(status)

    async def crash(self) -> None:
        """Kill the child as by kill -9, and start it again with what it had saved. Everybody else goes on meanwhile.

        Raises:
            CloudError: it does not start again; `died` raises it too.
        """
        if self._process is None or self._stopping:
            raise CloudError("MiniStack does not run.")
        if self._restarting is None:
            self._restarting = asyncio.ensure_future(self._restart(self._process))
        await asyncio.shield(self._restarting)

    async def _restart(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        await asyncio.to_thread(_wait_for_predecessor, self._state)  # a save may still be written
        await self._launch()
        self._restarting = None

    async def stop(self) -> None:
        """Stop the child, which saves its state. Harmless when it does not run."""
        self._stopping = True
        if self._restarting is not None and self._restarting is not asyncio.current_task():
            self._restarting.cancel()
            await asyncio.wait([self._restarting])
            self._restarting = None
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                logger.warning("MiniStack did not stop within %.0f s and is killed.", STOP_SECONDS)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        self.deafen()
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        shutil.rmtree(self._sockets, ignore_errors=True)

    # --- questions ---

    def client(self, service: str) -> Any:
        """The boto3 client of a service with the account's root credentials: one for each service, thread safe."""
        with self._clients_lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service, endpoint_url=self.endpoint, config=_CLIENT_CONFIG
                )
            return self._clients[service]

    def client_of(self, service: str, credentials: Credentials) -> Any:
        """A boto3 client of a service with temporary credentials; the caller keeps it."""
        with self._clients_lock:  # making clients is not thread safe
            return self._session.client(
                service,
                endpoint_url=self.endpoint,
                config=_CLIENT_CONFIG,
                aws_access_key_id=credentials.access_key_id,
                aws_secret_access_key=credentials.secret_access_key,
                aws_session_token=credentials.session_token,
            )

    def _request(self, method: str, path: str, content: object = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.endpoint + path, data=body, method=method)  # noqa: S310 - our own child
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as response:
            return json.loads(response.read())

    async def resources(self) -> list[Stack]:
        """All deployed stacks, parents first, with their resolved resources."""
        answer = await asyncio.to_thread(self._request, "GET", "/_headwater/resources")
        return [_stack(stack) for stack in answer["stacks"]]

    async def principal(self, access_key_id: str, session_token: str | None) -> Principal | None:
        """Who an access key is, or None when MiniStack would refuse it. Never cached here."""
        question = {"accessKeyId": access_key_id, "sessionToken": session_token}
        try:
            answer = await asyncio.to_thread(self._request, "POST", "/_headwater/principal", question)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:
                    return None
                raise
        return Principal(
            secret_access_key=answer["secretAccessKey"],
            arn=answer["arn"],
            account_id=answer["accountId"],
            user_id=answer["userId"],
            root=answer["root"],
            policies=tuple(answer["policies"]),
            limits=tuple(tuple(limit) for limit in answer["limits"]),
        )

    async def role_credentials(self, role_arn: str, session_name: str) -> Credentials:
        """Temporary credentials of a function's role. Raises NotTrusted."""
        return await asyncio.to_thread(self.sessions.get, role_arn, session_name, "lambda.amazonaws.com")

    def denial(self, action: str, resource: str, **caller: str) -> str | None:
        """Why a caller may not do something, in AWS's words; None when it may. Blocks.

        The caller is `accessKeyId`, or `service` (`appsync.amazonaws.com`) on behalf of `sourceArn`.
        """
        question = {"action": action, "resource": resource, **caller}
        found: str | None = self._request("POST", "/_headwater/permission", question)["denied"]
        return found


def _session(region: str) -> Any:
    """A boto3 session of the local account which reads nothing of the user's AWS configuration (profiles, files)."""
    variables = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return boto3.session.Session(
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        region_name=region,
        botocore_session=botocore.session.Session(session_vars=variables),
    )


def _socket_directory(state: Path) -> Path:
    """Where the AF_UNIX sockets are: below `state`, unless their path would be too long (107 bytes on Linux)."""
    directory = state.resolve() / "sockets"
    return directory if len(str(directory)) < 90 else Path(tempfile.mkdtemp(prefix="headwater-"))


def _wait_for_predecessor(state: Path) -> None:
    """After kill -9 of the runner its MiniStack saves and ends by itself; until then it holds state and port."""
    try:
        os.close(state_lock.acquire(state, PREDECESSOR_SECONDS))
    except state_lock.StateInUse as error:
        raise CloudError(str(error)) from error


def _check_port(port: int, variable: str, what: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CloudError(
                f"Port {port} for {what} is not free ({error.strerror}). Is Headwater running already? "
                f"Stop what uses it, or set {variable} to another port."
            ) from error


def _stack(answer: Mapping[str, Any]) -> Stack:
    resources = tuple(
        Resource(
            logical_id=resource["logicalId"],
            type=resource["type"],
            physical_id=resource["physicalId"],
            properties=resource["properties"],
            attributes=resource["attributes"],
            status=resource["status"],
            emulated=resource["emulated"],
        )
        for resource in answer["resources"]
    )
    return Stack(
        name=answer["name"],
        id=answer["id"],
        parent=answer["parent"],
        status=answer["status"],
        parameters=answer["parameters"],
        resources=resources,
        outputs=answer["outputs"],
    )
