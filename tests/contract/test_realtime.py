"""The real-time protocol: handshake, credentials, every frame and error (sheet 7)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.api import Api
from tests.contract.facts import choice, fact
from tests.contract.realtime import Frame, Socket, as_subprotocol, dial, encoded, key_header, session
from tests.contract.target import Target

ON_EVENT = "subscription { onEvent { id } }"
UNAUTHORIZED = {
    "errorType": "UnauthorizedException", "message": "You are not authorized to make this call.", "errorCode": 401,
}  # fmt: skip
BAD_KEY = "da2-aaaaaaaaaaaaaaaaaaaaaaaaaa"


def acknowledged(socket: Socket) -> bool:
    """Whether a connection is acknowledged."""
    return bool(socket.initialize()[0]["type"] == "connection_ack")


def connect_problem(socket: Socket) -> dict[str, Any]:
    """The one problem of a refused connect."""
    frame = socket.frame()
    assert frame["type"] == "connection_error", frame
    (problem,) = frame["payload"]["errors"]
    found: dict[str, Any] = problem
    return found


# Carriers of the connect credentials.


@fact("7.1", "DG")
def test_credentials_in_the_query_string(api: Api) -> None:
    query = f"header={encoded(key_header(api))}&payload=e30="
    with dial(api, query=query) as socket:
        assert acknowledged(socket)


@fact("7.1", "clients gql")
def test_base64_in_the_query_string_may_have_bare_plus_and_equals_signs(api: Api) -> None:
    # Of these lengths and letters at least one text has a "+" and one ends in "=".
    found = [encoded({**key_header(api), "x": f"{letter}{'>' * length}"}) for length in range(3) for letter in "~ÿ?>"]
    assert any("+" in text or "/" in text for text in found)
    for text in found:
        with dial(api, query=f"header={text}&payload=e30=") as socket:
            assert acknowledged(socket)


@fact("7.1", "DG")
@pytest.mark.parametrize("first", [True, False])
def test_credentials_in_a_subprotocol_in_any_order(api: Api, first: bool) -> None:
    names = ("graphql-ws", as_subprotocol(key_header(api)))
    with dial(api, subprotocols=names[::-1] if first else names) as socket:
        assert socket.subprotocol == "graphql-ws"
        assert acknowledged(socket)


@fact("7.1", "DG")
def test_credentials_in_the_headers_of_the_handshake(api: Api) -> None:
    with dial(api, headers={"x-api-key": api.key}) as socket:
        assert acknowledged(socket)


@fact("7.1", "DG")
def test_the_server_answers_with_graphql_ws(api: Api) -> None:
    with dial(api, headers={"x-api-key": api.key}) as socket:
        assert socket.subprotocol == "graphql-ws"


@fact("10", "clients")
def test_base64_in_the_query_string_may_be_broken_into_lines(api: Api) -> None:
    # amplify-android before 2.23: Base64.DEFAULT, percent-encoded.
    lines = base64.encodebytes(json.dumps(key_header(api) | {"x-amz-date": "20261121T100000Z"}).encode()).decode()
    with dial(api, query=f"header={quote(lines, safe='')}&payload=e30%3D") as socket:
        assert "%0A" in quote(lines, safe="")
        assert socket.initialize()[0]["type"] == "connection_ack"


@fact("10", "clients")
def test_a_connection_init_may_have_an_id(api: Api) -> None:
    # amplify-flutter gives one to every message.
    with dial(api, subprotocols=("graphql-ws", as_subprotocol(key_header(api)))) as socket:
        socket.send({"id": "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "type": "connection_init"})
        assert socket.frame()["type"] == "connection_ack"


@fact("7.1", "DG")
def test_a_signed_connect_in_the_query_string(target: Target) -> None:
    header = target.reader.connect(target.api.url)
    with dial(target.api, query=f"header={encoded(header)}&payload=e30=") as socket:
        assert acknowledged(socket)


@fact("7.2", "DG")
def test_a_signed_connect_in_a_subprotocol(target: Target) -> None:
    with session(target.api, target.reader.connect(target.api.url)):
        pass


@fact("11.4", "clients")
def test_header_names_may_have_any_case(api: Api) -> None:
    with session(api, {"HOST": api.host, "X-Api-Key": api.key}):
        pass


# Refused connects.


@fact("7.3", "obs community 195")
def test_without_the_subprotocol_there_is_no_protocol(api: Api) -> None:
    with dial(api, subprotocols=(), headers={"x-api-key": api.key}) as socket:
        assert connect_problem(socket) == {"message": "NoProtocolError", "errorCode": 400}


@fact("7.3", "obs graphql-client 662")
def test_without_credentials_headers_are_missing(api: Api) -> None:
    with dial(api) as socket:
        assert connect_problem(socket) == {"message": "Required headers are missing.", "errorCode": 400}


@fact("7.3", "obs amplify-flutter 2763")
def test_a_bad_api_key_is_told_after_the_upgrade(api: Api) -> None:
    with dial(api, subprotocols=("graphql-ws", as_subprotocol({"host": api.host, "x-api-key": BAD_KEY}))) as socket:
        assert connect_problem(socket) == UNAUTHORIZED


@fact("7.3", "obs")
def test_a_connection_error_has_its_payload_first(api: Api) -> None:
    with dial(api) as socket:
        assert list(socket.frame()) == ["payload", "type"]


@fact("7.3", "obs")
def test_a_refused_connection_is_closed(api: Api) -> None:
    with dial(api) as socket:
        assert socket.frame()["type"] == "connection_error"
        assert socket.closed()


@fact("11.7", "clients gql")
def test_a_client_may_send_connection_init_before_it_reads_the_refusal(api: Api) -> None:
    with dial(api) as socket:
        socket.send({"type": "connection_init"})
        assert socket.frame()["type"] == "connection_error"


@fact("7.1", "DG")
def test_a_header_in_the_query_string_needs_a_payload(api: Api) -> None:
    with dial(api, query=f"header={encoded(key_header(api))}") as socket:
        assert connect_problem(socket)["errorCode"] == 400


@choice("7.3", "400 is what clients take as final; no trace shows a header that cannot be read")
def test_a_header_that_is_no_base64_of_json_is_a_bad_request(api: Api) -> None:
    with dial(api, query="header=meow&payload=e30=") as socket:
        problem = connect_problem(socket)
        assert (problem["errorType"], problem["errorCode"]) == ("BadRequestException", 400)


@fact("7.2", "obs sdk-js 561")
def test_a_connect_that_is_signed_for_another_path_is_a_bad_request(target: Target) -> None:
    header = target.reader.start(target.api.url, "{}")
    with dial(target.api, subprotocols=("graphql-ws", as_subprotocol(header))) as socket:
        problem = connect_problem(socket)
        assert (problem["errorType"], problem["errorCode"]) == ("BadRequestException", 400)
        assert problem["message"].startswith("The request signature we calculated does not match")


@fact("7.3", "obs amplify-js 6982")
def test_a_principal_without_rights_may_not_connect(target: Target) -> None:
    header = target.stranger.connect(target.api.url)
    with dial(target.api, subprotocols=("graphql-ws", as_subprotocol(header))) as socket:
        assert connect_problem(socket)["message"] == "Permission denied"


@fact("7.3", "obs realtime-ios 108")
def test_a_key_for_an_api_without_keys_is_not_authorized(target: Target) -> None:
    header = {"host": target.token.host, "x-api-key": BAD_KEY}
    with dial(target.token, subprotocols=("graphql-ws", as_subprotocol(header))) as socket:
        problem = connect_problem(socket)
        assert (problem["errorType"], problem["errorCode"]) == ("UnauthorizedException", 401)


# The connection.


@fact("7.3", "DG")
def test_connection_init_is_acknowledged_with_the_timeout(api: Api) -> None:
    with dial(api, headers={"x-api-key": api.key}) as socket:
        assert socket.initialize()[0] == {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300000}}


@fact("7.4", "DG")
def test_a_keep_alive_follows_at_once(api: Api) -> None:
    with dial(api, headers={"x-api-key": api.key}) as socket:
        assert socket.initialize()[1] == {"type": "ka"}


@fact("7.3", "clients")
@pytest.mark.parametrize("payload", [{}, None])
def test_connection_init_may_have_a_payload(api: Api, payload: Any) -> None:
    with dial(api, headers={"x-api-key": api.key}) as socket:
        socket.send({"type": "connection_init", "payload": payload})
        assert socket.frame()["type"] == "connection_ack"


@fact("7.3", "DG")
def test_connection_init_is_optional(api: Api) -> None:
    with dial(api, headers={"x-api-key": api.key}) as socket:
        socket.subscribe(ON_EVENT)


# Subscriptions.


@fact("7.4", "obs")
def test_start_is_acknowledged_with_its_id(socket: Socket) -> None:
    identifier = socket.start(ON_EVENT)
    assert json.loads(text := socket.text()) == {"id": identifier, "type": "start_ack"}
    assert list(json.loads(text)) == ["id", "type"]


@fact("7.4", "obs")
@pytest.mark.parametrize("identifier", ["1", "f7a49717", "any string: 'ä'", "6eb5f7a1-5d0a-4e7c-8a4c-5a5c5f3e2b1d"])
def test_any_string_is_an_id(socket: Socket, identifier: str) -> None:
    socket.subscribe(ON_EVENT, id=identifier)


@fact("7.4", "DG")
def test_data_frames_have_id_type_and_payload(api: Api, socket: Socket) -> None:
    identifier = socket.subscribe('subscription { onEvent(room: "data") { id } }')
    api.publish({"id": "1", "room": "data"})
    frame = socket.frame()
    assert frame == {"id": identifier, "type": "data", "payload": {"data": {"onEvent": {"id": "1"}}}}
    assert list(frame) == ["id", "type", "payload"]


@fact("7.4", "DG")
def test_an_alias_names_the_data(api: Api, socket: Socket) -> None:
    socket.subscribe('subscription { mine: onEvent(room: "alias") { number: id } }')
    api.publish({"id": "1", "room": "alias"})
    assert socket.event() == {"data": {"mine": {"number": "1"}}}


@fact("7.4", "DG")
def test_stop_is_completed_and_ends_the_subscription(api: Api, socket: Socket) -> None:
    identifier = socket.subscribe('subscription { onEvent(room: "stop") { id } }')
    socket.send({"id": identifier, "type": "stop"})
    assert socket.frame() == {"id": identifier, "type": "complete"}
    api.publish({"id": "1", "room": "stop"})
    assert socket.silent()


@choice("7.4", "ids are the client's and unique among live subscriptions; nothing says for how long they are taken")
def test_an_id_can_be_used_again_after_its_end(socket: Socket) -> None:
    socket.subscribe(ON_EVENT, id="again")
    socket.stop("again")
    socket.subscribe(ON_EVENT, id="again")


@fact("11.10", "clients")
def test_ids_belong_to_their_connection(api: Api) -> None:
    with session(api) as one, session(api) as other:
        one.subscribe(ON_EVENT, id="same")
        other.subscribe(ON_EVENT, id="same")


@fact("7.4", "DG")
def test_two_subscriptions_of_one_connection_each_get_the_event(api: Api, socket: Socket) -> None:
    query = 'subscription { onEvent(room: "two") { id } }'
    ids = {socket.subscribe(query), socket.subscribe(query)}
    api.publish({"id": "1", "room": "two"})
    assert {socket.frame()["id"], socket.frame()["id"]} == ids


@fact("7.4", "DG")
def test_a_start_may_use_another_mode_than_the_connect(target: Target) -> None:
    with session(target.api) as socket:
        socket.subscribe("subscription { onSigned { id } }", signer=target.reader)
        socket.subscribe(ON_EVENT)


@fact("7.2", "DG")
def test_a_signed_subscription_gets_events(target: Target) -> None:
    with session(target.api, target.reader.connect(target.api.url)) as socket:
        socket.subscribe("subscription { onSigned { id signed } }", signer=target.reader)
        target.api.publish({"id": "1"})
        assert socket.event()["data"]["onSigned"]["id"] == "1"


def seen(socket: Socket, **headers: str) -> dict[str, Any]:
    """What a subscription's resolver saw of a start."""
    authorization = {**key_header(socket.api), **headers}
    (error,) = socket.refused('subscription { onRefused(how: "context") { id } }', headers=authorization)
    assert error["errorType"] == "Seen", error
    found: dict[str, Any] = json.loads(error["message"])
    return found


@fact("7.4", "DG")
def test_surplus_members_of_authorization_are_headers_of_the_request(socket: Socket) -> None:
    headers = seen(socket, **{"x-custom": "v", "X-Amz-User-Agent": "contract"})["headers"]
    assert headers["x-custom"] == "v"
    assert headers["x-amz-user-agent"] == "contract"


# Errors of a start.


@fact("7.4", "obs")
def test_a_refused_field_of_a_start(socket: Socket) -> None:
    assert socket.refused("subscription { onSigned { id } }") == [
        {"errorType": "Unauthorized", "message": "Not Authorized to access onSigned on type Subscription"}
    ]


@fact("2.1", "DG")
def test_a_policy_that_denies_a_subscription_field(target: Target) -> None:
    with session(target.api) as socket:
        errors = socket.refused("subscription { onBeyondPolicy { id } }", signer=target.reader)
        assert errors[0]["message"] == "Not Authorized to access onBeyondPolicy on type Subscription"


@fact("7.4", "obs")
@pytest.mark.parametrize("headers", [{"x-api-key": BAD_KEY}, {"x-api-key": ""}])
def test_a_start_with_bad_credentials_is_not_authorized(socket: Socket, headers: Mapping[str, str]) -> None:
    (error,) = socket.refused(ON_EVENT, headers={"host": socket.api.host, **headers})
    assert error["errorType"] == "UnauthorizedException"


@fact("7.4", "obs realtime-ios 108")
def test_a_start_without_authorization_is_not_authorized(socket: Socket) -> None:
    socket.send({"id": "1", "type": "start", "payload": {"data": json.dumps({"query": ON_EVENT})}})
    frame = socket.frame()
    assert (frame["id"], frame["type"]) == ("1", "error")
    assert frame["payload"]["errors"][0]["errorType"] == "UnauthorizedException"


@fact("7.4", "obs")
def test_validation_errors_of_a_start_have_only_a_message(socket: Socket) -> None:
    assert socket.refused("subscription { onEvent { x y } }") == [
        {
            "message": f"Validation error of type FieldUndefined: Field '{name}' in type 'Event' is undefined"
            f" @ 'onEvent/{name}'"
        }
        for name in "xy"
    ]


@fact("7.4", "obs")
def test_a_null_variable_of_a_start(socket: Socket) -> None:
    assert socket.refused("subscription ($room: String!) { onEvent(room: $room) { id } }", {"room": None}) == [
        {"message": "Variable 'room' has coerced Null value for NonNull type 'String!'"}
    ]


@fact("7.4", "obs")
def test_an_id_in_use_is_a_duplicate_and_the_first_lives_on(api: Api, socket: Socket) -> None:
    identifier = socket.subscribe('subscription { onEvent(room: "duplicate") { id } }')
    assert socket.refused(ON_EVENT, id=identifier) == [
        {"errorType": "DuplicatedOperationError", "message": f"Duplicated operation with id {identifier}"}
    ]
    api.publish({"id": "1", "room": "duplicate"})
    assert socket.event(identifier)["data"] == {"onEvent": {"id": "1"}}


@fact("7.4", "obs")
def test_two_root_fields_are_a_duplicate_too(socket: Socket) -> None:
    (error,) = socket.refused("subscription { onEvent { id } onRevocable { id } }", id="two")
    assert error == {"errorType": "DuplicatedOperationError", "message": "Duplicated operation with id two"}


@fact("7.4", "obs")
@pytest.mark.parametrize("query", ["query { keyOnly }", 'mutation { publish(value: "{}") { id } }'])
def test_a_query_or_mutation_is_not_supported_and_the_error_has_no_id(socket: Socket, query: str) -> None:
    socket.start(query)
    frame = socket.frame()
    assert "id" not in frame
    (error,) = frame["payload"]["errors"]
    assert error["errorType"] == "UnsupportedOperation"
    assert error["message"].endswith(" not supported through the realtime channel")


@fact("7.4", "obs")
def test_an_unknown_type_is_not_supported_and_the_connection_lives_on(socket: Socket) -> None:
    socket.send({"type": "meow"})
    assert socket.frame() == {
        "type": "error",
        "payload": {"errors": [{
            "errorType": "UnsupportedOperation", "message": "unknown not supported through the realtime channel",
        }]},
    }  # fmt: skip
    socket.subscribe(ON_EVENT)


@choice("7.4", "the words of AppSync Events; for GraphQL the reply is not recorded")
def test_stop_for_an_unknown_id_is_an_error(socket: Socket) -> None:
    socket.send({"id": "unknown", "type": "stop"})
    frame = socket.frame()
    assert frame["id"] == "unknown"
    assert frame["payload"]["errors"] == [
        {"errorType": "UnknownOperationError", "message": "Unknown operation id unknown"}
    ]


@choice("7.4", "an error without an id is what every client survives; the reply is not recorded")
@pytest.mark.parametrize("text", ["meow", "", "[]", "null", '"start"', "{}"])
def test_a_message_that_is_no_frame_is_an_error_and_the_connection_lives_on(socket: Socket, text: str) -> None:
    socket.send(text)
    frame = socket.frame()
    assert frame["type"] == "error"
    assert "id" not in frame
    socket.subscribe(ON_EVENT)


@choice("7.4", "a start that holds no operation is treated as over HTTP")
def test_a_start_whose_data_is_no_json_is_malformed(socket: Socket) -> None:
    authorization = key_header(socket.api)
    payload = {"data": "meow", "extensions": {"authorization": authorization}}
    socket.send({"id": "1", "type": "start", "payload": payload})
    frame = socket.frame()
    assert frame["id"] == "1"
    assert frame["payload"]["errors"][0]["message"] == "Unable to parse GraphQL query."


@fact("7.2", "obs sdk-js 561")
def test_a_wrong_signature_of_a_start_is_told_with_the_canonical_string(target: Target) -> None:
    with session(target.api) as socket:
        (error,) = socket.refused(ON_EVENT, headers=target.reader.start(target.api.url, "other data"))
        assert error["errorType"] == "BadRequestException"
        assert "The Canonical String for this request should have been\n'POST\n/graphql\n" in error["message"]


@fact("7.2", "obs sdk-js 619")
def test_unsigned_members_beside_a_signature_do_no_harm(target: Target) -> None:
    data = json.dumps({"query": ON_EVENT, "variables": {}})
    header = {**target.reader.start(target.api.url, data), "x-amz-user-agent": "contract", "x-custom": "v"}
    with session(target.api) as socket:
        socket.subscribe(ON_EVENT, headers=header)


@fact("7.4", "obs")
def test_the_201st_subscription_is_too_many(socket: Socket) -> None:
    for number in range(200):
        socket.start(ON_EVENT, id=str(number))
    frames = [socket.frame() for _ in range(200)]
    assert {frame["type"] for frame in frames} == {"start_ack"}
    socket.start(ON_EVENT, id="one more")
    frame: Frame = socket.frame()
    assert frame["id"] == "one more"
    errors = frame["payload"]["errors"]
    error = errors if isinstance(errors, dict) else errors[0]
    assert error == {
        "errorType": "MaxSubscriptionsReachedError", "message": "Max number of 200 subscriptions reached",
    }  # fmt: skip


@choice("7.4", "an object instead of a list is what traces of 2020 show; Amplify for Swift still reads both")
def test_the_errors_of_too_many_subscriptions_are_an_object(socket: Socket) -> None:
    for number in range(201):
        socket.start(ON_EVENT, id=str(number))
    frames = [socket.frame() for _ in range(201)]
    (refused,) = [frame for frame in frames if frame["type"] == "error"]
    assert isinstance(refused["payload"]["errors"], dict)


@fact("7.5", "DG quotas")
def test_a_payload_over_240_kb_is_dropped(api: Api, socket: Socket) -> None:
    socket.subscribe('subscription { onEvent(room: "large") { id } }')
    # Every member is selected, so that the text counts.
    assert api.publish({"id": "1", "room": "large", "text": "a" * 240 * 1024}).status == 200
    api.publish({"id": "2", "room": "large", "text": "a" * 230 * 1024})
    assert socket.event()["data"] == {"onEvent": {"id": "2"}}


@fact("11.5", "clients")
def test_the_upgrade_itself_is_never_refused(api: Api) -> None:
    with dial(api, query="header=&payload=") as socket:
        assert socket.frame()["type"] == "connection_error"
