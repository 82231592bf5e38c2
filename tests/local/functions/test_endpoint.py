"""The invocation socket, over HTTP as the local cloud speaks to it."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any
from urllib.parse import quote

import h11

from tests.local.functions.conftest import Deployed


async def post(
    deployed: Deployed, *functions: str, body: bytes = b"{}", headers: dict[str, str] | None = None
) -> list[tuple[int, dict[str, str], Any]]:
    """Post one invocation after the other over one connection."""
    reader, writer = await asyncio.open_unix_connection(str(deployed.functions.socket_path))
    connection = h11.Connection(h11.CLIENT)
    answers = []
    for function in functions:
        path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
        fields = {"host": "localhost", "content-length": str(len(body)), **(headers or {})}
        request = h11.Request(method="POST", target=path, headers=list(fields.items()))
        for event in (request, h11.Data(data=body), h11.EndOfMessage()):
            writer.write(connection.send(event) or b"")
        answers.append(await _answer(connection, reader))
        connection.start_next_cycle()
    writer.close()
    await writer.wait_closed()
    return answers


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[int, dict[str, str], Any]:
    status, headers, body = 0, {}, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode(): value.decode() for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return status, headers, json.loads(body)


async def test_functions_are_invoked_by_arn_and_by_name(deployed: Deployed) -> None:
    deployed.deploy("def handler(event, context): return [event, context.aws_request_id]")
    arn = "arn:aws:lambda:eu-west-1:000000000000:function:greet"
    answers = await post(deployed, arn, "greet", body=b'{"a": 1}', headers={"X-Amz-Request-Id": "r-1"})
    assert [(status, payload) for status, _, payload in answers] == [(200, [{"a": 1}, "r-1"])] * 2


async def test_an_answer_carries_the_log(deployed: Deployed) -> None:
    deployed.deploy("def handler(event, context): print('said')")
    [(_, headers, _)] = await post(deployed, "greet")
    assert "\nsaid\n" in base64.b64decode(headers["x-amz-log-result"]).decode()
    assert "x-amz-function-error" not in headers


async def test_a_function_error_is_a_success_with_a_header(deployed: Deployed) -> None:
    deployed.deploy("def handler(event, context): raise KeyError('k')")
    [(status, headers, payload)] = await post(deployed, "greet")
    assert (status, headers["x-amz-function-error"], payload["errorType"]) == (200, "Unhandled", "KeyError")


async def test_an_unknown_function_is_a_404(deployed: Deployed) -> None:
    [(status, headers, payload)] = await post(deployed, "nobody")
    assert (status, headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    assert payload["Message"] == "Function not found: nobody"


async def test_a_throttled_function_is_a_429(deployed: Deployed) -> None:
    deployed.deploy("", reserved_concurrency=0)
    [(status, _, payload)] = await post(deployed, "greet")
    assert (status, payload["Reason"]) == (429, "ReservedFunctionConcurrentInvocationLimitExceeded")


async def test_an_event_that_is_too_large_is_a_413(deployed: Deployed) -> None:
    deployed.deploy("def handler(event, context): pass")
    [(status, _, payload)] = await post(deployed, "greet", body=b'"' + b"x" * 6 * 1024 * 1024 + b'"')
    assert (status, payload["Code"]) == (413, "RequestTooLargeException")


async def test_asynchronous_invocations_are_refused(deployed: Deployed) -> None:
    deployed.deploy("def handler(event, context): pass")
    [(status, _, _)] = await post(deployed, "greet", headers={"X-Amz-Invocation-Type": "Event"})
    assert status == 400


async def test_anything_else_on_the_socket_is_a_404(deployed: Deployed) -> None:
    reader, writer = await asyncio.open_unix_connection(str(deployed.functions.socket_path))
    writer.write(b"GET /elsewhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
    writer.close()


async def test_what_is_no_http_is_a_400(deployed: Deployed) -> None:
    reader, writer = await asyncio.open_unix_connection(str(deployed.functions.socket_path))
    writer.write(b"\x00\x01\x02 nonsense\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()
