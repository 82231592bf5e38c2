"""Texts that are code somewhere: in every string that the API takes, they stay the text that they are."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest

from tests.attacks.arguments import operations, read
from tests.attacks.target import Target
from tests.contract.realtime import session
from tests.stack.instance import PROJECT, eventually

pytestmark = pytest.mark.stack

OPERATIONS = operations(read((PROJECT / "schema.graphql").read_text()))

# What it is to be read as, and the text. `CANARY` is told apart wherever it ends up.
TEXTS: dict[str, str] = {
    "a DynamoDB condition": "x OR attribute_exists(pk)",
    "DynamoDB placeholders": ":now #expires :position #pk {:v}",
    "a DynamoDB value": '{"S": "x"}',
    "a key's parts": "MESSAGES#lobby#2026#0",
    "PartiQL": "x' OR '1'='1'; DELETE FROM \"MainTable\" WHERE pk='x'--",
    "JSON that ends early": '"}, "admin": true, "x": {"y": "',
    "JSON with escapes": '\\u0022\\" \\\\ \\n',
    "GraphQL": '") { id } } mutation { deleteUser { done } } #',
    "a GraphQL variable": "$input {input} @include(if: false)",
    "a line of a log": 'x\n{"level":"ERROR","message":"CANARY forged","service":"chat"}\nEND RequestId: x',
    "an ANSI sequence": "\x1b[2J\x1b[31mCANARY\x1b]0;title\x07",
    "format strings": "%s %n %(levelname)s {0} {0.__class__.__mro__} {self}",
    "a Python template": "{{ 7*7 }} {% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
    "a VTL template": "$ctx.identity ${util.toJson($ctx)} #set($x = 1) #foreach",
    "a JavaScript template": "${7*7} ${ctx.identity} `+process.env+`",
    "a prototype": '{"__proto__": {"isAdmin": true}, "constructor": {}}',
    "a path in S3": "../../discarded/x?versionId=1&x=%2e%2e%2f",
    "a shell": "$(id) `id`; id | id && id",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "headers": "x\r\nSet-Cookie: a=b\r\n\r\n",
    "an ARN": "arn:aws:dynamodb:*:*:table/* ${aws:username}",
    "letters that change size": "ß İ ﬁ ⅷ A\u030a \u212b",
    "characters outside the plane": "👩‍👩‍👧 \U0001f600 \u202eabc\u202c",
    "a lookup": "${jndi:ldap://127.0.0.1/a}",
}
CONTROLS = {"null": "a\0b", "delete": "a\x7fb", "a line end": "a\nb", "an unpaired surrogate": "a\ud800b"}

SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { id roomId author text originalTime } }"
LIVE = "subscription ($room: ID!) { onMessages(roomId: $room) { items { message { id text author } } } }"


def one_line(text: str) -> str:
    """A text without what a name may not have."""
    return re.sub(r"[\x00-\x1f\x7f]", "_", text).strip()


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_stored_pushed_and_read_as_it_is(target: Target, name: str) -> None:
    text = TEXTS[name]
    label = one_line(text)
    room = f"{label[:80]} {uuid.uuid4()}"
    before = target.function_logs()
    sent = {"roomId": room, "text": text, "author": label[:64].strip(), "originalTime": label[:64].strip(),
            "clientMutationId": f"{label[:80]} {uuid.uuid4()}"}  # fmt: skip
    with session(target.api) as socket:
        socket.subscribe(LIVE, {"room": room})
        message = target.api.run(SEND, {"input": sent}).data["sendMessage"]
        assert {key: message[key] for key in ("roomId", "text", "author", "originalTime")} == {
            key: sent[key] for key in ("roomId", "text", "author", "originalTime")
        }
        [item] = socket.event()["data"]["onMessages"]["items"]
        assert item["message"] == {key: message[key] for key in ("id", "text", "author")}
    query = """query ($room: ID!) { room(id: $room) { id } messages(roomId: $room) { items { id text author } }
        messageChanges(roomId: $room, after: 0) { items { message { id text author } } } }"""
    found = target.api.run(query, {"room": room}).data
    assert found["room"] == {"id": room}
    assert found["messages"]["items"] == [found["messageChanges"]["items"][0]["message"]] == [item["message"]]

    name_query = (
        "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { displayName attributes { value } } }"
    )
    changed = {"displayName": label[:64].strip(), "attributes": [{"name": "note", "value": text}]}
    profile = target.api.run(name_query, {"input": changed}, target.ann.headers).data["updateProfile"]
    assert profile == {"displayName": changed["displayName"], "attributes": [{"value": text}]}
    unforged(target, before)


def unforged(target: Target, before: dict[str, bytes]) -> None:
    """No line of a function's log was made by a client, and none holds an escape."""
    for file, content in target.function_logs().items():
        added = content[len(before.get(file, b"")) :]
        assert b"\x1b" not in added, file
        for line in added.decode().splitlines():
            assert not line.startswith('{"level":"ERROR","message":"CANARY'), (file, line)


@pytest.mark.parametrize("control", CONTROLS)
def test_control_characters_are_in_no_name(target: Target, control: str) -> None:
    text = CONTROLS[control]
    answer = target.api.run(SEND, {"input": {"roomId": text, "text": "x"}})
    assert answer.json.get("data") in (None, {"sendMessage": None})
    assert target.api.run(SEND, {"input": {"roomId": "lobby", "text": "twin"}}).data


STRINGS = [(name, path) for name, each in OPERATIONS.items() for path in each.paths("String") + each.paths("ID")]


@pytest.mark.parametrize(("name", "path"), STRINGS, ids=[f"{name}.{path}" for name, path in STRINGS])
def test_no_text_in_any_argument_breaks_a_field(target: Target, name: str, path: str) -> None:
    """Whatever it is, the answer is a typed one: no `Internal`, no text of DynamoDB, Lambda or Python."""
    operation = OPERATIONS[name]
    if operation.root == "Subscription":
        pytest.skip("subscriptions' arguments are those of tests/attacks/test_topics.py")
    victim = target.person("injected") if name in {"Mutation.deleteUser", "Mutation.signOut"} else target.opal
    for text in (*TEXTS.values(), "", " ", "x" * 5000, "a\0b"):
        query, variables = operation.request(lambda each, text=text: text if each == path else None)  # type: ignore[misc]
        answer = target.api.run(query, variables, victim.headers)
        assert answer.status == 200, answer.body
        for error in answer.json.get("errors", ()):
            well_told(error)


KNOWN = {"InvalidInput", "InvalidPageToken", "IdempotencyConflict", "VersionConflict", "NotFound", "Unauthorized",
         "TooManyRequests", "RateLimited"}  # fmt: skip


def well_told(error: dict[str, Any]) -> None:
    """An error is one of the documented ones, or a validation's, and tells of nothing behind the API."""
    assert error.get("errorType") in {*KNOWN, None}, error
    for word in ("Traceback", "botocore", "dynamodb", "DynamoDB", "/var/task", "ValidationException", "arn:aws:"):
        assert word not in error["message"].replace("arn:aws:dynamodb:*:*:table/*", ""), error


def test_page_tokens_made_by_hand_are_told_from_real_ones(target: Target) -> None:
    tokens = ("", "x", "e30=", "W10=", "bnVsbA==", "../x", "%00", "9" * 2000, json.dumps({"pk": {"S": "USER#x"}}))
    fields = {"messages(roomId: \"lobby\", nextToken: $token)": None, "rooms(nextToken: $token)": None,
              "users(nextToken: $token)": target.opal.headers}  # fmt: skip
    for field, headers in fields.items():
        for token in tokens:
            query = f"query ($token: String) {{ {field} {{ nextToken }} }}"
            answer = target.api.run(query, {"token": token}, headers)
            assert answer.error["errorType"] == "InvalidPageToken", (field, token, answer.body)
    token = eventually(lambda: target.api.run("{ rooms(limit: 1) { nextToken } }").data["rooms"]["nextToken"])
    assert target.api.run("query ($t: String) { rooms(nextToken: $t) { items { id } } }", {"t": token}).data["rooms"]
    crossed = target.api.run(
        'query ($t: String) { messages(roomId: "lobby", nextToken: $t) { nextToken } }', {"t": token}
    )
    assert crossed.error["errorType"] == "InvalidPageToken"
