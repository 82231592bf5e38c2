"""What a running instance answers on the control socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local.appsync.definition import AuthMode
from local.appsync.journal import Journal
from local.appsync.request import Caller
from local.control import Control
from local.control_client import ControlClient, ControlError
from local.explain.invocations import Invocations
from local.explain.routes import register
from local.functions import Invocation

ARN = "arn:aws:lambda:us-east-1:000000000000:function:publish"


class Functions:
    async def invoke(self, function_arn: str, event: bytes, *, request_id: str | None = None) -> Invocation:
        del function_arn, event, request_id
        return Invocation(b"null", None, b"")


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[ControlClient]:
    journal = Journal()
    for number in range(3):
        entry = journal.publish("api", "send", ("onMessage",), Caller(AuthMode.API_KEY), f"request {number}")
        entry.key = "send"
        journal.delivered(entry)
        journal.settle(entry, b'{"data":{"send":{"room":"r","eventId":"e%d"}}}' % number)
    invocations = Invocations(Functions())
    await invocations.invoke(ARN, b'{"Records":[{"eventID":"e1"}]}')
    control = Control(tmp_path)
    register(control, journal, invocations)
    await control.start()
    yield ControlClient(tmp_path)
    await control.stop()


async def ask(control: ControlClient, path: str, **question: Any) -> Any:
    return await asyncio.to_thread(control.post, f"/explain/{path}", question)


async def test_the_publishes_of_a_topic(control: ControlClient) -> None:
    found = await ask(control, "publishes", topic="r", limit=2)
    assert [each["requestId"] for each in found["publishes"]] == ["request 2", "request 1"]
    assert found["clients"] is None
    found = await ask(control, "publishes", topic="r", limit=9, client="nobody", containing=["e0"])
    assert [each["eventIds"] for each in found["publishes"]] == [["e0"]]
    assert found["clients"] == []


async def test_the_invocations_with_records(control: ControlClient) -> None:
    found = await ask(control, "invocations", eventIds=["e1", "e9"], function=ARN)
    assert [each["outcome"] for each in found["records"].values()] == ["OK"]
    assert found["lastFailure"] is None


async def test_the_clients(control: ControlClient) -> None:
    assert await asyncio.to_thread(control.get, "/explain/clients") == []


@pytest.mark.parametrize(
    ("path", "question"),
    [
        ("publishes", {"limit": 1}),
        ("publishes", {"topic": "r", "limit": 0}),
        ("publishes", {"topic": "r", "limit": "1"}),
        ("publishes", {"topic": "r", "limit": 1, "client": 7}),
        ("publishes", {"topic": "r", "limit": 1, "containing": [7]}),
        ("invocations", {"eventIds": "e", "function": ARN}),
        ("invocations", {"eventIds": []}),
    ],
)
async def test_a_question_that_is_none_is_refused(control: ControlClient, path: str, question: dict[str, Any]) -> None:
    with pytest.raises(ControlError) as refused:
        await ask(control, path, **question)
    assert refused.value.code == "BadRequest"
