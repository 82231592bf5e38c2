"""The authorizers of the HTTP API: forged JWTs, and auth keys that are none, another's, or over.

Each refusal has its status, a line in the access log, where a function decides also its reason, and a twin that passes.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any
from urllib.parse import quote

import pytest

from tests.attacks.target import Target
from tests.attacks.test_tokens import ATTACKS, Forger
from tests.attacks.web import Headers, Reply, Web
from tests.contract.realtime import session

pytestmark = pytest.mark.stack

CREATE = """mutation ($input: CreateAuthKeyInput!) { createAuthKey(input: $input) { key authKey { id } } }"""
REVOKE = "mutation ($id: ID!) { revokeAuthKey(id: $id) { revokedAt } }"
SEND = 'mutation ($room: ID!) { sendMessage(input: {roomId: $room, text: "hi"}) { id } }'
LIVE = "subscription ($room: ID!) { onMessages(roomId: $room) { topic } }"


@pytest.fixture(scope="module")
def web(target: Target) -> Web:
    return Web(target)


@pytest.fixture(scope="module")
def forger(target: Target) -> Forger:
    return Forger(target)


def make(target: Target, *scopes: str) -> tuple[str, str]:
    """A new key and its id."""
    wanted = {"name": "importer", "scopes": list(scopes or ("READ",))}
    made = target.api.run(CREATE, {"input": wanted}, target.opal.headers).data["createAuthKey"]
    return made["key"], made["authKey"]["id"]


# --- JWTs ---


# A JWT authorizer knows nothing of Cognito's own claim, which only the pool itself could forge.
COGNITO_S_OWN = {"of no use", "an id token as an access token"}


@pytest.mark.parametrize("name", sorted(ATTACKS.keys() - COGNITO_S_OWN))
def test_a_jwt_is_refused(web: Web, forger: Forger, name: str) -> None:
    """The same tokens as on AppSync. An HTTP API knows one issuer: what AppSync asks another about is refused here."""
    token = ATTACKS[name][0](forger)
    for value in (token, f"Bearer {token}"):
        position = web.position()
        reply = web.ask("GET", "/user", [("authorization", value)])
        assert (reply.status, reply.message) == (401, "Unauthorized")
        [line] = web.logged(position)
        assert (line["route"], line["status"], line["error"]) == ("GET /user", "401", "Unauthorized")
        assert token not in json.dumps(line)


def test_twins_of_the_jwts_are_taken(target: Target, web: Web, forger: Forger) -> None:
    for token in (target.ann.id_token, target.ann.access_token, forger.issued(), forger.headed()):
        for value in (token, f"Bearer {token}"):
            reply = web.ask("GET", "/user", [("authorization", value)])
            assert (reply.status, json.loads(reply.body)["id"]) == (200, target.ann.id)


def test_a_jwt_is_taken_from_its_header_alone(target: Target, web: Web) -> None:
    token, basic = target.ann.access_token, base64.b64encode(f"ann:{target.ann.access_token}".encode()).decode()
    places: dict[str, tuple[str, Headers]] = {
        "the query": (f"/user?authorization={token}&access_token={token}", []),
        "a cookie": ("/user", [("cookie", f"authorization={token}")]),
        "another header": ("/user", [("x-authorization", token), ("x-auth-key", token)]),
        "another scheme": ("/user", [("authorization", f"Basic {basic}")]),
        "headers that claim to be verified": (
            "/user", [("x-amzn-oidc-identity", target.ann.id), ("x-apigateway-event", "{}")],
        ),
    }  # fmt: skip
    for name, (path, headers) in places.items():
        assert (web.ask("GET", path, headers).status, name) == (401, name)
    assert web.ask("GET", "/user", [("authorization", token)]).status == 200


# --- auth keys ---


def test_a_key_that_is_none_or_anothers_is_refused(target: Target, web: Web) -> None:
    (key, key_id), (other, other_id) = make(target), make(target)
    unknown = key.replace(key_id, "01J0000000000000000000000A")
    attacks = {
        "x": "it has not the form of one",
        key[:-1]: "it has not the form of one",
        f"{key}A": "it has not the form of one",
        f"Bearer {key}": "it has not the form of one",
        key.lower(): "it has not the form of one",
        f"{key} {key}": "it has not the form of one",
        f"{key},{key}": "it has not the form of one",
        key_id: "it has not the form of one",
        "hwk_" + "A" * 70_00: "it has not the form of one",
        f"hwk_AUTHKEY#{key_id[:14]}_{'A' * 43}": "it has not the form of one",
        target.opal.access_token: "it has not the form of one",
        target.api.key: "it has not the form of one",
        unknown: "there is no 01J0000000000000000000000A",
        key.replace(key_id, other_id): f"it has not the secret of {other_id}",
        f"hwk_{key_id}_{'A' * 43}": f"it has not the secret of {key_id}",
    }
    for attack, reason in attacks.items():
        position, marks = web.position(), web.marks()
        reply = web.with_key(attack)
        assert (reply.status, reply.message) == (403, "Forbidden"), attack
        [line] = web.logged(position)
        assert (line["route"], line["status"], line["error"]) == ("GET /whoami", "403", "Forbidden")
        assert web.functions_say(marks, f"an auth key is refused: {reason}"), attack
        _unseen(target, attack)
    for good in (key, other):
        assert web.with_key(good).status == 200


def test_without_a_key_nobody_is_let_in(target: Target, web: Web) -> None:
    key, _ = make(target)
    places: dict[str, tuple[str, Headers]] = {
        "nothing": ("/whoami", []),
        "empty": ("/whoami?auth_key=", [("x-auth-key", ""), ("authorization", "")]),
        "a cookie": ("/whoami", [("cookie", f"x-auth-key={key}; auth_key={key}")]),
        "another parameter": (f"/whoami?key={key}&AUTH_KEY={key}", []),
        "another header": ("/whoami", [("x-api-key", key)]),
    }
    for name, (path, headers) in places.items():
        position = web.position()
        reply = web.ask("GET", path, headers)
        assert (reply.status, reply.message) == (401, "Unauthorized"), name
        [line] = web.logged(position)
        assert (line["status"], line["authorizerError"]) == ("401", "Unauthorized")
        assert key not in json.dumps(line)
    for path, headers in ((f"/whoami?auth_key={key}", []), ("/whoami", [("authorization", key)])):
        assert web.ask("GET", path, headers).status == 200


def test_several_keys_are_no_way_around_one(target: Target, web: Web) -> None:
    """The first place that has a key decides; two in one place are one text, which is none."""
    key, _ = make(target)
    refused: list[tuple[str, Headers]] = [
        (f"/whoami?auth_key={key}", [("x-auth-key", "x")]),
        ("/whoami", [("x-auth-key", "x"), ("authorization", key)]),
        (f"/whoami?auth_key={key}&auth_key=x", []),
        (f"/whoami?auth_key=x&auth_key={key}", []),
        ("/whoami", [("x-auth-key", "x"), ("x-auth-key", key)]),
    ]
    for path, headers in refused:
        reply = web.ask("GET", path, headers)
        assert (reply.status, reply.message) == (403, "Forbidden"), (path, headers)
    assert web.ask("GET", f"/whoami?auth_key={key}&x=1", [("cookie", "a=1")]).status == 200


@pytest.mark.parametrize("text", ["%00", "%0d%0aSet-Cookie:a=b", "*", "../..", "' OR '1'='1", "{}", "é", "\u2028"])
def test_texts_that_are_code_are_no_key(target: Target, web: Web, text: str) -> None:
    reply = web.ask("GET", f"/whoami?auth_key={quote(text, safe='%')}")
    assert (reply.status, reply.message, reply.cookies) == (403, "Forbidden", [])


def test_credentials_of_one_authorizer_are_none_for_the_other(target: Target, web: Web) -> None:
    key, _ = make(target, "READ", "WRITE")
    assert web.ask("GET", "/user", [("authorization", key), ("x-auth-key", key)]).status == 401
    assert web.ask("GET", "/whoami", [("authorization", target.opal.access_token)]).status == 403
    assert web.with_key(key).status == 200
    assert web.ask("GET", "/user", [("authorization", target.opal.access_token)]).status == 200


def test_a_key_that_ended_opens_neither_api(target: Target, web: Web) -> None:
    """Revoked, over, removed by hand, and of a deleted operator: though AppSync has let each in a moment ago."""
    table = target.instance.resources("AWS::DynamoDB::Table")["MainTable"]
    dynamodb, room = target.instance.client("dynamodb"), f"room-{uuid.uuid4()}"
    leaver = target.person("leaver", "operators")
    made = target.api.run(CREATE, {"input": {"name": "x", "scopes": ["READ", "WRITE"]}}, leaver.headers).data
    theirs = made["createAuthKey"]["key"], made["createAuthKey"]["authKey"]["id"]
    kept, _ = make(target, "READ", "WRITE")
    keys = {name: make(target, "READ", "WRITE") for name in ("revoked", "over", "removed")} | {"orphaned": theirs}

    def at(key_id: str) -> dict[str, Any]:
        return {"TableName": table, "Key": {"pk": {"S": f"AUTHKEY#{key_id}"}, "sk": {"S": "AUTHKEY"}}}

    for key, _ in keys.values():
        assert web.with_key(key).status == 200
        assert target.api.run(SEND, {"room": room}, {"authorization": key}).data["sendMessage"]
    assert target.api.run(REVOKE, {"id": keys["revoked"][1]}, target.opal.headers).data["revokeAuthKey"]["revokedAt"]
    past = {"UpdateExpression": "SET validUntil = :past", "ExpressionAttributeValues": {":past": {"N": "1"}}}
    dynamodb.update_item(**at(keys["over"][1]), **past)
    dynamodb.delete_item(**at(keys["removed"][1]))
    assert target.api.run("mutation { deleteUser { done } }", headers=leaver.headers).data["deleteUser"]["done"]

    reasons = {"revoked": "was revoked", "over": "is over", "removed": "there is no ", "orphaned": "was revoked"}
    for name, (key, key_id) in keys.items():
        position, marks = web.position(), web.marks()
        reply = web.with_key(key)
        assert (reply.status, reply.message) == (403, "Forbidden"), name
        assert [line["status"] for line in web.logged(position)] == ["403"]
        said = f"{reasons[name]}{key_id}" if name == "removed" else f"{key_id} {reasons[name]}"
        assert web.functions_say(marks, said), name
        answer = target.api.run(SEND, {"room": room}, {"authorization": key})
        assert answer.error["errorType"] == "Unauthorized", name
        with session(target.api, {"host": target.api.host, "Authorization": key}) as connection:
            forged = {"host": target.api.host, "Authorization": key}
            [error] = connection.refused(LIVE, {"room": room}, headers=forged)
            assert error["errorType"] == "Unauthorized", name
        _unseen(target, key)
    assert web.with_key(kept).status == 200
    assert target.api.run(SEND, {"room": room}, {"authorization": kept}).data["sendMessage"]
    valid = {"host": target.api.host, "Authorization": kept}
    with session(target.api, valid) as connection:
        connection.subscribe(LIVE, {"room": room}, headers=valid)


def test_a_refused_key_opens_nothing_on_appsync(target: Target, web: Web) -> None:
    key, key_id = make(target)
    wrong = f"hwk_{key_id}_{'A' * 43}"
    marks = web.marks()
    answer, line = target.refused(lambda: target.ask(wrong, "{ rooms { nextToken } }"))
    assert (answer.status, answer.error["errorType"], line["status"]) == (401, "UnauthorizedException", 401)
    assert web.functions_say(marks, f"it has not the secret of {key_id}")
    assert target.ask(key, "{ rooms { nextToken } }").data["rooms"]


def _unseen(target: Target, key: str) -> None:
    """No log has what a client could be let in by."""
    secret = key.split("_", 2)[-1].encode()
    if len(secret) >= 40:
        for file in (target.instance.state / "logs").iterdir():
            assert secret not in file.read_bytes(), file.name


def test_the_api_says_nothing_of_itself(web: Web) -> None:
    def shown(reply: Reply) -> str:
        return json.dumps(reply.headers).lower() + reply.body.decode(errors="replace").lower()

    for method, path in (("GET", "/"), ("GET", "/whoami"), ("POST", "/session"), ("GET", "/user")):
        reply = web.ask(method, path, [("x-auth-key", "x")])
        assert reply.status >= 400
        for telling in ("traceback", "python", "powertools", "arn:aws", "handler.py", "/backend/"):
            assert telling not in shown(reply), (path, telling)
