"""The control socket: routes, errors, who may connect, and what is left behind."""

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local.control import Control, ControlRequest
from local.control_client import ControlClient, ControlError, NoInstanceError, socket_path


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Control]:
    control = Control(tmp_path)
    control.route("GET", "/things", everything)
    control.route("POST", "/things/{name}", everything)
    control.route("GET", "/broken", broken)
    control.route("GET", "/endless", endless)
    control.route("GET", "/no-json", no_json)
    await control.start()
    yield control
    await control.stop()


def left_in(state: Path) -> list[Path]:
    return list(state.iterdir())


async def everything(request: ControlRequest) -> Any:
    return {"parameters": request.parameters, "query": request.query, "body": request.body}


async def broken(_: ControlRequest) -> Any:
    raise ValueError("out of cheese")


async def endless(_: ControlRequest) -> Any:
    await asyncio.Event().wait()


async def no_json(_: ControlRequest) -> Any:
    return object()


async def ask(state: Path, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> Any:
    return await asyncio.to_thread(ControlClient(state, seconds=5).request, method, path, body, query)


@pytest.mark.usefixtures("control")
async def test_a_handler_gets_parameters_query_and_body(tmp_path: Path) -> None:
    assert await ask(tmp_path, "GET", "/things", query={"a": "1 2", "b": ""}) == {
        "parameters": {}, "query": {"a": "1 2", "b": ""}, "body": None,
    }  # fmt: skip
    answer = await ask(tmp_path, "POST", "/things/room:ä b", {"n": [1, None]})
    assert answer == {"parameters": {"name": "room:ä b"}, "query": {}, "body": {"n": [1, None]}}


@pytest.mark.usefixtures("control")
@pytest.mark.parametrize(
    ("method", "path", "code", "status"),
    [
        ("GET", "/nothing", "NotFound", 404),
        ("GET", "/things/x/y", "NotFound", 404),
        ("DELETE", "/things", "BadMethod", 405),
        ("GET", "/broken", "Internal", 500),
        ("GET", "/no-json", "Internal", 500),
    ],
)
async def test_what_goes_wrong_is_a_typed_error(tmp_path: Path, method: str, path: str, code: str, status: int) -> None:
    with pytest.raises(ControlError) as refused:
        await ask(tmp_path, method, path)
    assert (refused.value.code, refused.value.status) == (code, status)


async def test_a_handler_refuses_with_its_own_code(control: Control, tmp_path: Path) -> None:
    async def handler(_: ControlRequest) -> Any:
        raise ControlError("TooMuch", "at most 3", 409)

    control.route("POST", "/much", handler)
    with pytest.raises(ControlError, match="at most 3") as refused:
        await ask(tmp_path, "POST", "/much")
    assert (refused.value.code, refused.value.status) == ("TooMuch", 409)


@pytest.mark.usefixtures("control")
async def test_a_body_that_is_no_json_is_refused(tmp_path: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(socket_path(tmp_path)))
    writer.write(b"POST /things/x HTTP/1.1\r\nhost: control\r\ncontent-length: 1\r\n\r\n{")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    writer.close()
    await writer.wait_closed()


@pytest.mark.usefixtures("control")
async def test_only_its_user_may_connect(tmp_path: Path) -> None:
    assert stat.S_IMODE(socket_path(tmp_path).stat().st_mode) == 0o600


@pytest.mark.usefixtures("control")
async def test_a_client_gives_up_in_time(tmp_path: Path) -> None:
    with pytest.raises(ControlError) as refused:
        await asyncio.to_thread(ControlClient(tmp_path, seconds=0.1).get, "/endless")
    assert refused.value.code == "TimedOut"


async def test_a_stop_does_not_wait_for_what_does_not_end(control: Control, tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def handler(_: ControlRequest) -> Any:
        asked.set()
        await asyncio.Event().wait()

    control.route("GET", "/hanging", handler)
    asking = asyncio.create_task(ask(tmp_path, "GET", "/hanging"))
    async with asyncio.timeout(5):
        await asked.wait()
        await control.stop()
        with pytest.raises(NoInstanceError):
            await asking
    assert not left_in(tmp_path)


async def test_without_an_instance_the_message_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NoInstanceError, match="make dev"):
        await ask(tmp_path, "GET", "/things")


async def test_what_a_killed_instance_left_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "control.sock"))
    left.close()
    with pytest.raises(NoInstanceError, match="refused"):
        await ask(tmp_path, "GET", "/things")
    control = Control(tmp_path)
    control.route("GET", "/things", everything)
    await control.start()
    assert await ask(tmp_path, "GET", "/things")
    await control.stop()
    assert not left_in(tmp_path)


async def test_a_long_state_directory_has_a_link_to_its_socket(tmp_path: Path) -> None:
    state = tmp_path / ("long" * 30)
    control = Control(state)
    control.route("GET", "/things", everything)
    await control.start()
    place = socket_path(state)
    assert len(str(place)) < 104
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert await ask(state, "GET", "/things")

    again = Control(state)  # after kill -9 of the first, whose folder goes with its link
    again.route("GET", "/things", everything)
    await again.start()
    assert not place.parent.exists()
    assert await ask(state, "GET", "/things")
    await again.stop()
    await control.stop()
    assert not left_in(state)
