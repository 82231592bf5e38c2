"""Signed-in users of a running instance: sign-up, tokens, operations and live subscriptions."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import websockets

from tests.stack.instance import Instance, eventually

PASSWORD = "Secret-Word-42"
SECONDS = 10.0
QUIET_SECONDS = 0.4


@dataclass
class User:
    """Someone who has signed up, and is signed in."""

    instance: Instance
    id: str
    name: str
    tokens: dict[str, str]

    @property
    def access(self) -> str:
        return self.tokens["AccessToken"]

    def sign_in(self) -> None:
        """Get new tokens by the password."""
        self.tokens = _sign_in(self.instance, self.name)

    def refresh(self) -> None:
        """Get new id and access tokens by the refresh token."""
        self.tokens |= self.instance.client("cognito-idp").initiate_auth(
            ClientId=self.instance.outputs["userPoolClientId"],
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": self.tokens["RefreshToken"]},
        )["AuthenticationResult"]

    def ask(self, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """The whole answer to an operation, with the access token unless told otherwise."""
        return ask(self.instance, token or self.access, query, **variables)

    def data(self, query: str, **variables: Any) -> Any:
        """The value of the one field of an operation, which must succeed."""
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer
        (value,) = answer["data"].values()
        return value

    def refusal(self, query: str, **variables: Any) -> str | None:
        """The errorType of an operation's first error; None when it has none."""
        errors = self.ask(query, **variables).get("errors")
        return errors[0].get("errorType") if errors else None

    @asynccontextmanager
    async def listening(self, *queries: tuple[str, dict[str, Any]]) -> AsyncIterator[Listener]:
        """Live subscriptions on one connection, by the access token."""
        async with listening(self.instance, self.access, *queries) as listener:
            yield listener


class Listener:
    """A connection whose subscriptions are live."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self._early: list[dict[str, Any]] = []

    async def acknowledged(self) -> None:
        """Wait until a subscription is acknowledged; others of the connection may be pushed something meanwhile."""
        early = []
        while (frame := await self.frame())["type"] == "data":
            early.append(frame)
        self._early = early
        assert frame["type"] == "start_ack", frame

    async def frame(self) -> dict[str, Any]:
        """The next frame that is no keep-alive."""
        if self._early:
            return self._early.pop(0)
        while True:
            found: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), SECONDS))
            if found["type"] != "ka":
                return found

    async def pushed(self) -> Any:
        """What the next push says of its one field."""
        frame = await self.frame()
        assert frame["type"] == "data", frame
        assert "errors" not in frame["payload"], frame
        (value,) = frame["payload"]["data"].values()
        return value

    async def end(self) -> list[str]:
        """The fields of what is still pushed, until a subscription is completed and the connection closed."""
        pushed: list[str] = []
        completed = 0
        try:
            while True:
                frame = await self.frame()
                completed += frame["type"] == "complete"
                if frame["type"] == "data":
                    pushed += frame["payload"]["data"]
        except websockets.ConnectionClosed:
            assert completed
            return pushed

    async def silent(self) -> bool:
        """Whether nothing comes for a while, on an open connection."""
        try:
            await asyncio.wait_for(self.frame(), QUIET_SECONDS)
        except TimeoutError:
            return True
        except websockets.ConnectionClosed:
            return False
        return False


def ask(instance: Instance, token: str, query: str, **variables: Any) -> dict[str, Any]:
    """The whole answer to an operation by a token."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"content-type": "application/json", "authorization": token}
    request = urllib.request.Request(instance.outputs["graphql"], body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            found = json.load(error)
    return found


def sign_up(instance: Instance, name: str | None = None) -> User:
    """A new user, by the steps of a client: sign-up, the mailed code, sign-in."""
    name = name or f"user-{uuid.uuid4()}"
    cognito, client = instance.client("cognito-idp"), instance.outputs["userPoolClientId"]
    mail = f"{name}@example.com"
    made = cognito.sign_up(
        ClientId=client, Username=name, Password=PASSWORD, UserAttributes=[{"Name": "email", "Value": mail}]
    )
    pattern = rf"Cognito: for {mail}, the code to confirm it is (\d{{6}})"
    (code,) = eventually(lambda: re.findall(pattern, (instance.state / "aws" / "ministack.log").read_text()))
    cognito.confirm_sign_up(ClientId=client, Username=name, ConfirmationCode=code)
    return User(instance, made["UserSub"], name, _sign_in(instance, name))


def operator(instance: Instance) -> User:
    """A new user who is an operator."""
    return _of_group(instance, "operators")


def seller(instance: Instance) -> User:
    """A new user who is a seller."""
    return _of_group(instance, "sellers")


def _of_group(instance: Instance, group: str) -> User:
    user = sign_up(instance)
    instance.client("cognito-idp").admin_add_user_to_group(
        UserPoolId=instance.outputs["userPoolId"], Username=user.name, GroupName=group
    )
    user.sign_in()
    return user


def _sign_in(instance: Instance, name: str) -> dict[str, str]:
    found: dict[str, str] = instance.client("cognito-idp").initiate_auth(
        ClientId=instance.outputs["userPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    return found


@asynccontextmanager
async def listening(
    instance: Instance, token: str | None, *queries: tuple[str, dict[str, Any]]
) -> AsyncIterator[Listener]:
    """Live subscriptions on one connection, by a token or the API key. Each counts as live from `start_ack` on."""
    credentials = {"authorization": token} if token else {"x-api-key": instance.outputs["apiKey"]}
    authorization = {"host": instance.outputs["graphql"].split("/")[2], **credentials}
    header = base64.urlsafe_b64encode(json.dumps(authorization).encode()).decode().rstrip("=")
    subprotocols = [websockets.Subprotocol("graphql-ws"), websockets.Subprotocol(f"header-{header}")]
    async with websockets.connect(instance.outputs["realtime"], subprotocols=subprotocols) as socket:
        listener = Listener(socket)
        await socket.send('{"type": "connection_init"}')
        assert (await listener.frame())["type"] == "connection_ack"
        for number, (query, variables) in enumerate(queries):
            data = json.dumps({"query": query, "variables": variables})
            payload = {"data": data, "extensions": {"authorization": authorization}}
            await socket.send(json.dumps({"id": str(number), "type": "start", "payload": payload}))
            await listener.acknowledged()
        yield listener
