"""The real-time protocol with no loop, no port and no waiting: what it answers to which frame at which moment."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.appsync.realtime.effects import Begin, Cancel, Close, Effect, Send
from local.appsync.realtime.operations import Operation, State
from local.appsync.realtime.protocol import RealtimeProtocol

NO_AUTHORIZATION = {"errorType": "UnauthorizedException", "message": "Valid authorization header not provided."}
NO_QUERY = {"errorType": "MalformedHttpRequestException", "message": "Unable to parse GraphQL query."}
UNSUPPORTED = {
    "type": "error",
    "payload": {
        "errors": [
            {"errorType": "UnsupportedOperation", "message": "unknown not supported through the realtime channel"}
        ]
    },
}


def start_frame(identifier: str = "1", data: str = '{"query":"subscription { onRoom }"}') -> dict[str, Any]:
    authorization = {"Host": "localhost", "x-api-key": "da2-key"}
    payload = {"data": data, "extensions": {"authorization": authorization}}
    return {"id": identifier, "type": "start", "payload": payload}


def receive(protocol: RealtimeProtocol, frame: Any, now: float = 0) -> list[Effect]:
    return protocol.receive(frame if isinstance(frame, str) else json.dumps(frame), now)


def frames(effects: list[Effect]) -> list[Any]:
    """The decoded frames among effects; anything else stays as it is."""
    return [json.loads(effect.text) if isinstance(effect, Send) else effect for effect in effects]


def begin(protocol: RealtimeProtocol, identifier: str = "1") -> Operation:
    (effect,) = receive(protocol, start_frame(identifier))
    assert isinstance(effect, Begin)
    return effect.operation


def live(protocol: RealtimeProtocol, identifier: str = "1") -> Operation:
    operation = begin(protocol, identifier)
    protocol.established(operation)
    return operation


def test_init_is_acknowledged_with_the_timeout_and_followed_by_a_keep_alive() -> None:
    effects = receive(RealtimeProtocol(0), {"type": "connection_init", "payload": {}})
    assert effects == [
        Send(b'{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}'),
        Send(b'{"type":"ka"}'),
    ]


def test_keep_alives_come_every_60_seconds_after_the_first() -> None:
    protocol = RealtimeProtocol(100)
    receive(protocol, {"type": "connection_init"}, now=110)
    assert protocol.wake_at == 170
    assert protocol.wake(169) == []
    assert protocol.wake(170) == [Send(b'{"type":"ka"}')]
    assert protocol.wake_at == 230


def test_keep_alives_come_without_init_too() -> None:
    protocol = RealtimeProtocol(0)
    assert protocol.wake(60) == [Send(b'{"type":"ka"}')]


def test_a_connection_ends_after_24_hours() -> None:
    protocol = RealtimeProtocol(0)
    operation = live(protocol)
    now = 0.0
    effects: list[Effect] = []
    while not any(isinstance(effect, Close) for effect in effects):
        now = protocol.wake_at
        effects = protocol.wake(now)
    assert now == 24 * 3600
    assert effects == [Cancel(operation), Close(1001, "Connection lifetime of 24 hours reached")]
    assert protocol.wake_at == float("inf")


def test_a_refused_connect_says_why_and_closes_a_second_later() -> None:
    protocol = RealtimeProtocol(0)
    effects = protocol.refuse({"message": "NoProtocolError", "errorCode": 400}, now=5)
    expected = b'{"payload":{"errors":[{"message":"NoProtocolError","errorCode":400}]},"type":"connection_error"}'
    assert effects == [Send(expected)]
    assert receive(protocol, {"type": "connection_init"}) == []
    assert receive(protocol, start_frame()) == []
    assert protocol.wake_at == 6
    assert protocol.wake(6) == [Close(1008, "NoProtocolError")]


def test_start_asks_to_begin_with_the_exact_data_and_lower_case_headers() -> None:
    data = '{"query": "subscription { onRoom }",  "variables": null}'
    (effect,) = receive(RealtimeProtocol(0), start_frame(data=data))
    assert isinstance(effect, Begin)
    assert effect.operation.data == data
    assert effect.operation.query == {"query": "subscription { onRoom }", "variables": None}
    assert effect.operation.authorization == {"host": "localhost", "x-api-key": "da2-key"}


def test_start_is_acknowledged_only_once_it_is_live() -> None:
    protocol = RealtimeProtocol(0)
    operation = begin(protocol, "f7a49717")
    assert protocol.established(operation) == [Send(b'{"id":"f7a49717","type":"start_ack"}')]
    assert operation.state is State.LIVE


def test_events_that_come_before_the_acknowledgement_follow_it_in_order() -> None:
    protocol = RealtimeProtocol(0)
    operation = begin(protocol)
    assert operation.frame(b'{"data":1}') == ()
    assert operation.frame(b'{"data":2}') == ()
    assert frames(protocol.established(operation)) == [
        {"id": "1", "type": "start_ack"},
        {"id": "1", "type": "data", "payload": {"data": 1}},
        {"id": "1", "type": "data", "payload": {"data": 2}},
    ]


def test_a_data_frame_carries_the_shared_payload_unchanged() -> None:
    protocol = RealtimeProtocol(0)
    operation = live(protocol, 'quote " and ü')
    payload = b'{"data":{"onRoom":{"text":"hi"}}}'
    parts = operation.frame(payload)
    assert any(part is payload for part in parts)
    assert json.loads(b"".join(parts)) == {"id": 'quote " and ü', "type": "data", "payload": json.loads(payload)}


def test_stop_completes_and_nothing_follows() -> None:
    protocol = RealtimeProtocol(0)
    operation = live(protocol)
    assert receive(protocol, {"id": "1", "type": "stop"}) == [
        Cancel(operation),
        Send(b'{"id":"1","type":"complete"}'),
    ]
    assert operation.frame(b"{}") == ()


def test_stop_during_preparation_completes_and_the_late_subscription_is_cancelled() -> None:
    protocol = RealtimeProtocol(0)
    operation = begin(protocol)
    assert frames(receive(protocol, {"id": "1", "type": "stop"}))[1] == {"id": "1", "type": "complete"}
    assert operation.frame(b"{}") == ()
    assert protocol.established(operation) == [Cancel(operation)]


def test_an_id_can_be_used_again_after_stop_while_the_old_start_is_still_preparing() -> None:
    protocol = RealtimeProtocol(0)
    old = begin(protocol)
    receive(protocol, {"id": "1", "type": "stop"})
    new = begin(protocol)
    assert protocol.established(old) == [Cancel(old)]
    assert frames(protocol.established(new)) == [{"id": "1", "type": "start_ack"}]


def test_a_failed_start_answers_with_its_id_and_frees_it() -> None:
    protocol = RealtimeProtocol(0)
    operation = begin(protocol)
    problem = {"errorType": "Unauthorized", "message": "Not Authorized to access onRoom on type Subscription"}
    effects = protocol.failed(operation, [problem])  # type: ignore[list-item]
    assert frames(effects) == [{"id": "1", "type": "error", "payload": {"errors": [problem]}}]
    begin(protocol)


def test_a_failure_after_stop_is_silent() -> None:
    protocol = RealtimeProtocol(0)
    operation = begin(protocol)
    receive(protocol, {"id": "1", "type": "stop"})
    assert protocol.failed(operation, [{"message": "late"}]) == []


def test_a_query_over_the_socket_is_answered_without_an_id() -> None:
    protocol = RealtimeProtocol(0)
    problem = {"errorType": "UnsupportedOperation", "message": "query and mutations not supported"}
    effects = protocol.failed(begin(protocol), [problem])  # type: ignore[list-item]
    assert frames(effects) == [{"type": "error", "payload": {"errors": [problem]}}]


@pytest.mark.parametrize("state", ["preparing", "live"])
def test_a_duplicate_id_is_refused_and_the_first_lives_on(state: str) -> None:
    protocol = RealtimeProtocol(0)
    first = begin(protocol)
    if state == "live":
        protocol.established(first)
    problem = {"errorType": "DuplicatedOperationError", "message": "Duplicated operation with id 1"}
    effects = receive(protocol, start_frame("1"))
    assert frames(effects) == [{"id": "1", "type": "error", "payload": {"errors": [problem]}}]
    assert first.state is State(state)


def test_several_starts_are_prepared_at_once_and_finish_in_any_order() -> None:
    protocol = RealtimeProtocol(0)
    first, second = begin(protocol, "1"), begin(protocol, "2")
    assert frames(protocol.established(second)) == [{"id": "2", "type": "start_ack"}]
    assert frames(protocol.established(first)) == [{"id": "1", "type": "start_ack"}]


def test_the_201st_subscription_is_refused_with_an_object() -> None:
    protocol = RealtimeProtocol(0)
    for number in range(200):
        begin(protocol, str(number))
    problem = {"errorType": "MaxSubscriptionsReachedError", "message": "Max number of 200 subscriptions reached"}
    effects = receive(protocol, start_frame("more"))
    assert frames(effects) == [{"id": "more", "type": "error", "payload": {"errors": problem}}]


def test_ended_by_invalidation_completes_and_closes() -> None:
    protocol = RealtimeProtocol(0)
    operation = live(protocol)
    assert protocol.ended(operation) == [
        Send(b'{"id":"1","type":"complete"}'),
        Close(1000, "Subscription complete."),
    ]
    assert protocol.ended(operation) == []


def test_a_lost_socket_gives_up_live_and_preparing_operations() -> None:
    protocol = RealtimeProtocol(0)
    first, second = live(protocol, "1"), begin(protocol, "2")
    assert protocol.lost() == [Cancel(first), Cancel(second)]
    assert protocol.established(second) == [Cancel(second)]
    assert protocol.lost() == []


@pytest.mark.parametrize("frame", [[], 1, None, "text", {}, {"type": None}, {"type": 7}, {"type": "dance", "id": "1"}])
def test_unknown_frames_get_an_error_without_id_and_the_connection_lives_on(frame: Any) -> None:
    protocol = RealtimeProtocol(0)
    assert frames(receive(protocol, json.dumps(frame))) == [UNSUPPORTED]
    begin(protocol)


@pytest.mark.parametrize("text", ["", "meow", "{", "{}}", "\ud800", "[" * 5000, '{"type":"start"', "NaN"])
def test_what_is_not_json_gets_an_error_without_id_and_the_connection_lives_on(text: str) -> None:
    protocol = RealtimeProtocol(0)
    (frame,) = frames(protocol.receive(text, 0))
    assert frame["type"] == "error"
    assert "id" not in frame
    assert frame["payload"]["errors"][0]["errorType"] == "BadRequestException"
    begin(protocol)


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (None, NO_AUTHORIZATION),
        ([], NO_AUTHORIZATION),
        ({"data": '{"query":"x"}'}, NO_AUTHORIZATION),
        ({"data": '{"query":"x"}', "extensions": []}, NO_AUTHORIZATION),
        ({"data": '{"query":"x"}', "extensions": {"authorization": "key"}}, NO_AUTHORIZATION),
        ({"data": '{"query":"x"}', "extensions": {"authorization": {"x-api-key": 1}}}, NO_AUTHORIZATION),
        ({"extensions": {"authorization": {}}}, NO_QUERY),
        ({"data": {"query": "x"}, "extensions": {"authorization": {}}}, NO_QUERY),
        ({"data": "meow", "extensions": {"authorization": {}}}, NO_QUERY),
        ({"data": "[]", "extensions": {"authorization": {}}}, NO_QUERY),
    ],
)
def test_a_malformed_start_gets_an_error_with_its_id(payload: Any, problem: dict[str, str]) -> None:
    protocol = RealtimeProtocol(0)
    effects = receive(protocol, {"id": "1", "type": "start", "payload": payload})
    assert frames(effects) == [{"id": "1", "type": "error", "payload": {"errors": [problem]}}]
    begin(protocol, "1")


@pytest.mark.parametrize("identifier", [None, 1, ["1"], {}])
def test_a_start_without_a_text_id_gets_an_error_without_id(identifier: Any) -> None:
    frame = start_frame() | {"id": identifier}
    (answer,) = frames(receive(RealtimeProtocol(0), frame))
    assert answer["type"] == "error"
    assert "id" not in answer


@pytest.mark.parametrize("identifier", ["never started", 1, None, []])
def test_stop_of_an_unknown_id_gets_an_error(identifier: Any) -> None:
    (answer,) = frames(receive(RealtimeProtocol(0), {"type": "stop", "id": identifier}))
    assert answer["payload"]["errors"][0]["errorType"] == "UnknownOperationError"
    assert answer.get("id") == (identifier if isinstance(identifier, str) else None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)
members = st.sampled_from(["1", "2", "start", "stop", "connection_init", "subscription { onRoom }"]) | json_values
almost_frames = st.fixed_dictionaries(
    {},
    optional={
        "id": members,
        "type": members,
        "payload": json_values
        | st.fixed_dictionaries(
            {},
            optional={
                "data": members | json_values.map(json.dumps),
                "extensions": json_values | st.fixed_dictionaries({"authorization": json_values}),
            },
        ),
    },
)


@given(st.lists(almost_frames.map(json.dumps) | st.text() | json_values.map(json.dumps), max_size=20))
def test_no_sequence_of_frames_breaks_the_protocol(texts: list[str]) -> None:
    protocol = RealtimeProtocol(0, max_subscriptions=3)
    begun: set[Operation] = set()
    for number, text in enumerate(texts):
        for effect in protocol.receive(text, number):
            match effect:
                case Begin(operation):
                    begun.add(operation)
                    if number % 2:
                        protocol.established(operation)
                case Cancel(operation):
                    begun.remove(operation)
                case _:
                    assert isinstance(effect, Send)
        assert len(begun) <= 3
    assert {effect.operation for effect in protocol.lost() if isinstance(effect, Cancel)} == begun
    assert protocol.lost() == []


def test_a_binary_message_gets_an_error() -> None:
    assert frames(RealtimeProtocol(0).receive(None, 0)) == [UNSUPPORTED]


def test_starts_over_the_rate_get_an_error_without_id_and_other_messages_pass() -> None:
    protocol = RealtimeProtocol(0, admit=iter([True, False, False]).__next__)
    begin(protocol)
    expected = {"errors": [{"errorType": "LimitExceededError", "message": "Rate limit exceeded"}]}
    assert frames(receive(protocol, start_frame("2"))) == [{"type": "error", "payload": expected}]
    assert frames(receive(protocol, {"id": "1", "type": "stop"}))[1] == {"id": "1", "type": "complete"}


def test_a_stop_with_an_id_of_any_depth_gets_an_error() -> None:
    text = '{"type":"stop","id":' + "[" * 1000 + "]" * 1000 + "}"
    assert frames(RealtimeProtocol(0).receive(text, 0))[0]["type"] == "error"
