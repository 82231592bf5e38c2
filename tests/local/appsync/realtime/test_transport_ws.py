"""`graphql-transport-ws` with no loop, no port and no waiting."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.appsync.failures import HttpError
from local.appsync.realtime.effects import Begin, Cancel, Close, Connect, Effect, Send
from local.appsync.realtime.operations import Operation
from local.appsync.realtime.transport_ws import TransportWsProtocol

ACK = Send(b'{"type":"connection_ack"}')
INVALID = Close(4400, "Invalid message")
QUERY = {"query": "subscription { onRoom }"}


def receive(protocol: TransportWsProtocol, frame: Any, now: float = 0) -> list[Effect]:
    return protocol.receive(frame if isinstance(frame, str) else json.dumps(frame), now)


def frames(effects: list[Effect]) -> list[Any]:
    return [json.loads(effect.text) if isinstance(effect, Send) else effect for effect in effects]


def waiting(**headers: str) -> TransportWsProtocol:
    return TransportWsProtocol(0, headers)


def connecting(protocol: TransportWsProtocol, payload: Any = None) -> Connect:
    (effect,) = receive(protocol, {"type": "connection_init", "payload": payload})
    assert isinstance(effect, Connect)
    return effect


def ready(maximum: int = 200, admit: Callable[[], bool] = lambda: True) -> TransportWsProtocol:
    protocol = TransportWsProtocol(0, {}, maximum, admit)
    assert connecting(protocol, {"x-api-key": "da2-key"}).connected() == [ACK]
    return protocol


def subscribe_frame(identifier: Any = "1", payload: Any = QUERY) -> dict[str, Any]:
    return {"id": identifier, "type": "subscribe", "payload": payload}


def begin(protocol: TransportWsProtocol, identifier: str = "1") -> Begin:
    (effect,) = receive(protocol, subscribe_frame(identifier))
    assert isinstance(effect, Begin)
    return effect


def live(protocol: TransportWsProtocol, identifier: str = "1") -> Operation:
    operation = begin(protocol, identifier).operation
    assert protocol.established(operation) == []
    return operation


@pytest.mark.parametrize(
    "payload",
    [
        {"x-api-key": "da2-key"},
        {"X-Api-Key": "da2-key"},
        {"headers": {"X-Api-Key": "da2-key"}},
        {"headers": {"x-api-key": "another"}, "x-api-key": "da2-key"},
        {"x-api-key": "da2-key", "editor": {"name": "Altair"}, "version": 1, "none": None},
    ],
)
def test_init_brings_credentials_plain_or_under_headers(payload: dict[str, Any]) -> None:
    assert connecting(waiting(), payload).headers == {"x-api-key": "da2-key"}


def test_init_goes_before_the_headers_of_the_handshake_but_its_cookie() -> None:
    protocol = waiting(authorization="old", host="localhost", cookie="secret")
    assert connecting(protocol, {"Authorization": "new"}).headers == {"authorization": "new", "host": "localhost"}


@pytest.mark.parametrize("frame", [{"type": "connection_init"}, {"type": "connection_init", "payload": None}])
def test_the_payload_of_init_is_optional(frame: dict[str, Any]) -> None:
    (effect,) = receive(waiting(), frame)
    assert isinstance(effect, Connect)
    assert effect.connected() == [ACK]


@pytest.mark.parametrize(
    ("status", "code"), [(401, 4403), (403, 4403), (400, 4403), (404, 4403), (500, 4500), (501, 4500)]
)
def test_refused_credentials_close_the_socket_with_the_reason(status: int, code: int) -> None:
    error = HttpError(status, "SomeException", "No.")
    assert connecting(waiting()).rejected(error) == [Close(code, "SomeException: No.")]


def test_a_client_that_does_not_initialise_is_closed_after_10_seconds() -> None:
    protocol = TransportWsProtocol(5, {})
    assert protocol.wake_at == 15
    assert protocol.wake(14) == []
    assert protocol.wake(15) == [Close(4408, "Connection initialisation timeout")]
    assert protocol.wake_at == float("inf")


def test_a_slow_authorizer_is_no_initialisation_timeout() -> None:
    protocol = waiting()
    wanted = connecting(protocol)
    assert protocol.wake(15) == []
    assert wanted.connected() == [ACK]


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_second_init_closes_the_socket_at_any_moment(acknowledged: bool) -> None:
    protocol = waiting()
    wanted = connecting(protocol)
    if acknowledged:
        wanted.connected()
    assert receive(protocol, {"type": "connection_init"}) == [Close(4429, "Too many initialisation requests")]
    assert wanted.connected() == []
    assert wanted.rejected(HttpError(401, "x", "x")) == []


@pytest.mark.parametrize("initialised", [False, True])
def test_subscribing_before_the_acknowledgement_closes_the_socket(initialised: bool) -> None:
    protocol = waiting()
    if initialised:
        connecting(protocol)
    assert receive(protocol, subscribe_frame()) == [Close(4401, "Unauthorized")]


def test_subscribe_begins_an_operation_with_the_connections_credentials() -> None:
    operation = begin(ready()).operation
    assert operation.query == QUERY
    assert operation.authorization == {"x-api-key": "da2-key"}
    assert operation.data == "{}"


def test_events_are_next_frames_in_order_also_those_before_it_was_live() -> None:
    protocol = ready()
    operation = begin(protocol, "a").operation
    assert operation.frame(b'{"data":1}') == ()
    assert frames(protocol.established(operation)) == [{"id": "a", "type": "next", "payload": {"data": 1}}]
    assert b"".join(operation.frame(b'{"data":2}')) == b'{"id":"a","type":"next","payload":{"data":2}}'


def test_a_query_or_mutation_is_answered_and_completed_and_its_id_is_free() -> None:
    protocol = ready()
    answered = begin(protocol).answered
    assert answered is not None
    assert frames(answered(b'{"data":{"room":"hall"}}')) == [
        {"id": "1", "type": "next", "payload": {"data": {"room": "hall"}}},
        {"id": "1", "type": "complete"},
    ]
    begin(protocol)


def test_an_answer_after_the_clients_complete_is_dropped() -> None:
    protocol = ready()
    effect = begin(protocol)
    assert effect.answered is not None
    assert receive(protocol, {"id": "1", "type": "complete"}) == [Cancel(effect.operation)]
    assert effect.answered(b"{}") == []


def test_a_failed_operation_gets_a_list_of_errors_and_no_complete() -> None:
    protocol = ready()
    operation = begin(protocol).operation
    assert frames(protocol.failed(operation, [{"message": "no"}])) == [
        {"id": "1", "type": "error", "payload": [{"message": "no"}]}
    ]
    assert protocol.failed(operation, [{"message": "no"}]) == []
    begin(protocol)


def test_complete_of_the_client_cancels_and_is_not_answered() -> None:
    protocol = ready()
    operation = live(protocol)
    assert receive(protocol, {"id": "1", "type": "complete"}) == [Cancel(operation)]
    assert operation.frame(b"{}") == ()
    assert protocol.established(operation) == [Cancel(operation)]


def test_complete_of_an_id_that_is_not_in_use_is_ignored() -> None:
    assert receive(ready(), {"id": "gone", "type": "complete"}) == []


def test_an_invalidated_subscription_completes_and_the_connection_lives_on() -> None:
    protocol = ready()
    operation = live(protocol)
    assert frames(protocol.ended(operation)) == [{"id": "1", "type": "complete"}]
    assert protocol.ended(operation) == []
    begin(protocol)


@pytest.mark.parametrize("established", [False, True])
def test_a_duplicate_id_closes_the_socket_even_if_the_first_is_still_preparing(established: bool) -> None:
    protocol = ready()
    operation = live(protocol) if established else begin(protocol).operation
    expected = [Cancel(operation), Close(4409, "Subscriber for 1 already exists")]
    assert receive(protocol, subscribe_frame()) == expected


def test_one_subscription_too_many_gets_an_error() -> None:
    protocol = ready(maximum=1)
    begin(protocol)
    problem = {"errorType": "MaxSubscriptionsReachedError", "message": "Max number of 1 subscriptions reached"}
    assert frames(receive(protocol, subscribe_frame("2"))) == [{"id": "2", "type": "error", "payload": [problem]}]


def test_a_subscribe_over_the_rate_gets_an_error() -> None:
    protocol = ready(admit=iter([True, False]).__next__)
    problem = {"errorType": "LimitExceededError", "message": "Rate limit exceeded"}
    assert frames(receive(protocol, subscribe_frame())) == [{"id": "1", "type": "error", "payload": [problem]}]


def test_too_many_connects_are_asked_to_come_again() -> None:
    problem: Any = {"message": "Rate limit exceeded", "errorType": "LimitExceededError", "errorCode": 429}
    assert waiting().refuse(problem, 0) == [Close(1013, "Rate limit exceeded")]


@pytest.mark.parametrize("payload", [{}, {"payload": None}, {"payload": {"a": [1]}}])
def test_a_ping_is_answered_with_its_payload_at_any_moment(payload: dict[str, Any]) -> None:
    for protocol in (waiting(), ready()):
        assert frames(receive(protocol, {"type": "ping"} | payload)) == [{"type": "pong"} | payload]


def test_a_pong_is_ignored() -> None:
    assert receive(ready(), {"type": "pong", "payload": {}}) == []


def test_the_server_pings_every_60_seconds() -> None:
    protocol = TransportWsProtocol(0, {})
    receive(protocol, {"type": "connection_init"}, now=5)
    assert protocol.wake_at == 65
    assert protocol.wake(65) == [Send(b'{"type":"ping"}')]
    assert protocol.wake_at == 125


def test_a_connection_ends_after_24_hours() -> None:
    protocol = ready()
    operation = live(protocol)
    assert protocol.wake(24 * 3600) == [Cancel(operation), Close(1001, "Connection lifetime of 24 hours reached")]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param("meow", id="no JSON"),
        pytest.param([], id="a list"),
        pytest.param({}, id="no type"),
        pytest.param({"type": 1}, id="a type that is no text"),
        pytest.param({"type": "start", "id": "1"}, id="the older protocol"),
        pytest.param({"type": "next", "id": "1", "payload": {}}, id="a server's frame"),
        pytest.param({"type": "connection_init", "payload": "key"}, id="init with a text"),
        pytest.param({"type": "ping", "payload": []}, id="ping with a list"),
        pytest.param('{"type":"ping","payload":{"a":' + "[" * 1000 + "]" * 1000 + "}}", id="ping nested deeply"),
        pytest.param({"type": "complete"}, id="complete without an id"),
        pytest.param({"type": "complete", "id": 1}, id="complete of a number"),
        pytest.param(subscribe_frame(1), id="an id that is no text"),
        pytest.param(subscribe_frame(""), id="an empty id"),
        pytest.param(subscribe_frame(payload=None), id="no payload"),
        pytest.param(subscribe_frame(payload={}), id="no query"),
        pytest.param(subscribe_frame(payload={"query": None}), id="a query that is no text"),
        pytest.param(subscribe_frame(payload=QUERY | {"variables": []}), id="variables that are no object"),
        pytest.param(subscribe_frame(payload=QUERY | {"operationName": 1}), id="a name that is no text"),
    ],
)
def test_an_invalid_message_closes_the_socket(frame: Any) -> None:
    protocol = ready()
    operation = live(protocol, "alive")
    cancelled, closed = receive(protocol, frame)
    assert cancelled == Cancel(operation)
    assert isinstance(closed, Close)
    assert (closed.code, closed.reason[:15]) == (4400, "Invalid message")
    assert receive(protocol, {"type": "ping"}) == []


def test_a_binary_message_closes_the_socket() -> None:
    assert ready().receive(None, 0) == [INVALID]


types = ["connection_init", "subscribe", "complete", "ping", "pong", "next"]
members = st.none() | st.integers() | st.sampled_from(["1", "2", *types])
almost_frames = st.fixed_dictionaries(
    {"type": st.sampled_from(types) | members},
    optional={"id": members, "payload": st.just(QUERY) | st.dictionaries(st.sampled_from(["query", "a"]), members)},
)


@given(st.lists(almost_frames.map(json.dumps) | st.text(), max_size=20))
def test_no_sequence_of_frames_breaks_the_protocol(texts: list[str]) -> None:
    protocol = TransportWsProtocol(0, {}, 2)
    begun: set[Operation] = set()
    closed = 0
    for number, text in enumerate(texts):
        for effect in protocol.receive(text, number):
            match effect:
                case Connect(_, connected, _):
                    connected()
                case Begin(operation):
                    begun.add(operation)
                    if number % 2:
                        protocol.established(operation)
                case Cancel(operation):
                    begun.remove(operation)
                case Close():
                    closed += 1
        assert len(begun) <= 2
    assert closed <= 1
    assert {effect.operation for effect in protocol.lost() if isinstance(effect, Cancel)} == begun
