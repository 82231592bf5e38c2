"""What gql's transport is mended in: each frame that it would have dropped or flattened."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from gql.transport.exceptions import TransportProtocolError, TransportQueryError

from headwater.credentials import Caller, api_key
from headwater.endpoint import Endpoint
from headwater.transport import KEEP_ALIVE_SECONDS, STARTED, AcknowledgedTransport, ServerRefused

DENIED = {"errorType": "UnauthorizedException", "message": "You are not authorized to make this call."}


@pytest.fixture
async def transport() -> AcknowledgedTransport:
    caller = Caller(api_key("k"), Endpoint("http://127.0.0.1:1/graphql", "ws://127.0.0.1:1/graphql/realtime"))
    return AcknowledgedTransport("ws://127.0.0.1:1/graphql/realtime", caller, await caller.grant(), {})


def parsed(transport: AcknowledgedTransport, frame: Any) -> Any:
    return transport._parse_answer(frame if isinstance(frame, str) else json.dumps(frame, separators=(",", ":")))


async def test_start_ack_begins_its_subscription(transport: AcknowledgedTransport) -> None:
    kind, number, result = parsed(transport, {"id": "7", "type": "start_ack"})
    assert (kind, number) == ("start_ack", 7)
    assert result is STARTED


async def test_start_ack_without_an_id_concerns_nobody(transport: AcknowledgedTransport) -> None:
    assert parsed(transport, {"type": "start_ack"}) == ("start_ack", None, None)


async def test_data_is_data(transport: AcknowledgedTransport) -> None:
    kind, number, result = parsed(transport, {"id": "1", "type": "data", "payload": {"data": {"a": 1}}})
    assert (kind, number, result.data) == ("data", 1, {"a": 1})


async def test_a_refused_connection_keeps_its_errors(transport: AcknowledgedTransport) -> None:
    with pytest.raises(ServerRefused) as raised:
        parsed(transport, {"payload": {"errors": [DENIED]}, "type": "connection_error"})
    assert raised.value.errors == [DENIED]


async def test_an_error_of_no_subscription_keeps_its_errors(transport: AcknowledgedTransport) -> None:
    with pytest.raises(ServerRefused) as raised:
        parsed(transport, {"type": "error", "payload": {"errors": [DENIED]}})
    assert raised.value.errors == [DENIED]


async def test_an_error_of_a_subscription_is_its_own(transport: AcknowledgedTransport) -> None:
    with pytest.raises(TransportQueryError) as raised:
        parsed(transport, {"id": "2", "type": "error", "payload": {"errors": [DENIED]}})
    assert raised.value.query_id == 2


async def test_the_server_names_the_longest_silence(transport: AcknowledgedTransport) -> None:
    assert transport.keep_alive_timeout == KEEP_ALIVE_SECONDS
    parsed(transport, {"type": "connection_ack", "payload": {"connectionTimeoutMs": 120_000}})
    assert transport.keep_alive_timeout == 120.0


@pytest.mark.parametrize("payload", [None, {}, {"connectionTimeoutMs": 0}, {"connectionTimeoutMs": "soon"}])
async def test_an_odd_time_out_changes_nothing(transport: AcknowledgedTransport, payload: Any) -> None:
    parsed(transport, {"type": "connection_ack", "payload": payload})
    assert transport.keep_alive_timeout == KEEP_ALIVE_SECONDS


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"type":"news"}'])
async def test_what_is_no_frame_is_a_protocol_error(transport: AcknowledgedTransport, text: str) -> None:
    with pytest.raises(TransportProtocolError):
        parsed(transport, text)


@pytest.mark.parametrize("turns", range(4))
async def test_a_close_that_comes_with_a_ka_ends(transport: AcknowledgedTransport, turns: int) -> None:
    transport._next_keep_alive_message = asyncio.Event()
    checking = asyncio.create_task(transport._check_ws_liveness())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    transport._next_keep_alive_message.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    checking.cancel()
    done, _ = await asyncio.wait({checking}, timeout=5)
    assert done
