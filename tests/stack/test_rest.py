"""The HTTP API of a running instance, and auth keys on both APIs: each refusal beside a twin that passes."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from tests.stack.instance import Instance, eventually
from tests.stack.users import User, ask, listening, operator, sign_up

pytestmark = pytest.mark.stack

ORIGIN = "http://localhost:5173"
NAME = "__Host-session"

CREATE = """mutation ($input: CreateAuthKeyInput!) {
    createAuthKey(input: $input) { key authKey { id name scopes createdBy validUntil revokedAt } } }"""
REVOKE = "mutation ($id: ID!) { revokeAuthKey(id: $id) { id revokedAt } }"
KEYS = "query ($next: String) { authKeys(limit: 100, nextToken: $next) { items { id name } nextToken } }"
ROOMS = "{ rooms { items { id } } }"
ME = "{ me { id } }"
SEND = """mutation ($room: ID!) { sendMessage(input: {roomId: $room, text: "hi"}) { author text } }"""
MESSAGES = "query ($room: ID!) { messages(roomId: $room) { items { text } } }"
ON_MESSAGES = "subscription ($room: ID!) { onMessages(roomId: $room) { items { message { author text } } } }"


@dataclass
class Rest:
    """A client of the HTTP API, with no cookies of its own."""

    url: str
    http: urllib3.PoolManager

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> urllib3.BaseHTTPResponse:
        """The response to a request; `_` in names of headers stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else json.dumps(body)
        return self.http.request(method, self.url + path, body=content, headers=named)

    def begin(self, user: User, **headers: str) -> urllib3.BaseHTTPResponse:
        """POST /session with a user's refresh token."""
        sent = {"origin": ORIGIN, "content_type": "application/json"} | headers
        return self.ask("POST", "/session", {"refreshToken": user.tokens["RefreshToken"]}, **sent)

    def refresh(self, cookie: str, **headers: str) -> urllib3.BaseHTTPResponse:
        """POST /session/refresh with a cookie."""
        return self.ask("POST", "/session/refresh", **{"origin": ORIGIN, "cookie": cookie} | headers)


@pytest.fixture(scope="module")
def rest(instance: Instance) -> Iterator[Rest]:
    with urllib3.PoolManager(retries=False) as http:
        yield Rest(instance.outputs["rest"], http)


@pytest.fixture(scope="module")
def op(instance: Instance) -> User:
    return operator(instance)


@pytest.fixture
def ann(instance: Instance) -> User:
    return sign_up(instance)


def make(op: User, *scopes: str) -> tuple[str, str]:
    """A new key, and its id."""
    made = op.data(CREATE, input={"name": "importer", "scopes": list(scopes)})
    return made["key"], made["authKey"]["id"]


def cookie_of(answer: urllib3.BaseHTTPResponse) -> tuple[str, set[str]]:
    """The cookie that a response sets, as a browser sends it back, and its attributes."""
    (cookie,) = answer.headers.getlist("set-cookie")
    pair, *attributes = cookie.split("; ")
    return pair, set(attributes)


def said(answer: urllib3.BaseHTTPResponse) -> tuple[int, Any]:
    """Status and message."""
    return answer.status, answer.json().get("message")


# --- sessions ---


def test_a_session_is_begun_refreshed_and_ended(instance: Instance, rest: Rest, ann: User) -> None:
    begun = rest.begin(ann)
    assert begun.status == 200, begun.data
    pair, attributes = cookie_of(begun)
    assert pair == f"{NAME}={ann.tokens['RefreshToken']}"
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=2592000"} == attributes
    assert begun.headers["cache-control"] == "no-store"
    refreshed = rest.refresh(f"other=1; {pair}")
    assert refreshed.status == 200
    tokens = refreshed.json()
    assert tokens.keys() == {"idToken", "accessToken", "expiresIn"}
    for token in (tokens["idToken"], tokens["accessToken"]):
        assert ask(instance, token, ME) == {"data": {"me": {"id": ann.id}}}
    ended = rest.ask("DELETE", "/session", origin=ORIGIN, cookie=pair)
    assert (ended.status, ended.data) == (204, b"")
    assert cookie_of(ended)[0] == f"{NAME}="
    assert "Max-Age=0" in cookie_of(ended)[1]
    after = rest.refresh(pair)
    assert said(after) == (401, "The session is over: sign in again.")
    assert cookie_of(after)[0] == f"{NAME}="
    assert rest.ask("DELETE", "/session", origin=ORIGIN).status == 204


def test_a_session_ends_with_the_sign_out_of_its_user(rest: Rest, ann: User) -> None:
    pair, _ = cookie_of(rest.begin(ann))
    assert rest.refresh(pair).status == 200
    ann.data("mutation { signOut { userId } }")
    assert eventually(lambda: rest.refresh(pair).status == 401)


def test_only_pages_of_our_origins_have_to_do_with_sessions(rest: Rest, ann: User) -> None:
    pair, _ = cookie_of(rest.begin(ann))
    for origin in ("https://evil.example", "http://localhost:5173.evil.example", "null", "http://localhost"):
        for answer in (
            rest.begin(ann, origin=origin),
            rest.refresh(pair, origin=origin),
            rest.ask("DELETE", "/session", origin=origin, cookie=pair),
        ):
            assert said(answer) == (403, "This origin may not use sessions.")
            assert "set-cookie" not in answer.headers
            assert "access-control-allow-origin" not in answer.headers
    assert rest.ask("POST", "/session/refresh", cookie=pair).status == 403
    assert rest.refresh(pair).status == 200


def test_what_is_no_session_is_none(instance: Instance, rest: Rest, ann: User) -> None:
    bodies: list[Any] = [None, [], {}, {"refreshToken": 1}, {"refreshToken": ""}, {"refreshToken": "a;b"}]
    for body in bodies:
        assert rest.ask("POST", "/session", body, origin=ORIGIN).status == 400
    assert rest.ask("POST", "/session", {"refreshToken": "x" * 4000}, origin=ORIGIN).status == 400
    assert rest.ask("POST", "/session", {"refreshToken": "x.y.z"}, origin=ORIGIN).status == 401
    assert rest.ask("POST", "/session", {"refreshToken": ann.access}, origin=ORIGIN).status == 401
    cognito = instance.client("cognito-idp")
    other = cognito.create_user_pool_client(
        UserPoolId=instance.outputs["userPoolId"], ClientName="other", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    parameters = {"USERNAME": ann.name, "PASSWORD": "Secret-Word-42"}
    foreign = cognito.initiate_auth(ClientId=other, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
    token = foreign["AuthenticationResult"]["RefreshToken"]
    assert rest.ask("POST", "/session", {"refreshToken": token}, origin=ORIGIN).status == 401
    pair, _ = cookie_of(rest.begin(ann))
    assert said(rest.ask("POST", "/session/refresh", origin=ORIGIN)) == (401, "There is no session.")
    for cookie in ("other=1", f"{NAME}=", f"x{pair}", f"{pair}; {pair}"):
        assert rest.refresh(cookie).status == 401, cookie
    assert rest.refresh(pair).status == 200


def test_browsers_of_our_origins_may_call_with_credentials(rest: Rest) -> None:
    asked = {"access_control_request_method": "POST", "access_control_request_headers": "content-type"}
    answer = rest.ask("OPTIONS", "/session", origin=ORIGIN, **asked)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, ORIGIN)
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "x-auth-key" in answer.headers["access-control-allow-headers"]
    refused = rest.ask("OPTIONS", "/session", origin="https://evil.example", **asked)
    assert "access-control-allow-origin" not in refused.headers


# --- JWT ---


def test_a_jwt_tells_who_calls(rest: Rest, op: User, ann: User) -> None:
    for kind in ("IdToken", "AccessToken"):
        answer = rest.ask("GET", "/user", authorization=f"Bearer {ann.tokens[kind]}")
        assert (answer.status, answer.json()) == (200, {"id": ann.id, "name": ann.name, "groups": []})
    assert rest.ask("GET", "/user", authorization=op.access).json()["groups"] == ["operators"]
    for wrong in (None, "", "x", ann.access[:-4], ann.tokens["RefreshToken"]):
        headers = {} if wrong is None else {"authorization": f"Bearer {wrong}"}
        assert said(rest.ask("GET", "/user", **headers)) == (401, "Unauthorized")


def test_a_jwt_of_before_a_sign_out_does_not_count(rest: Rest, ann: User) -> None:
    assert rest.ask("GET", "/user", authorization=ann.access).status == 200
    ann.data("mutation { signOut { userId } }")
    assert said(rest.ask("GET", "/user", authorization=ann.access)) == (401, "Unauthorized")
    ann.sign_in()
    assert rest.ask("GET", "/user", authorization=ann.access).status == 200


# --- auth keys ---


def test_a_key_is_taken_in_each_of_its_places(rest: Rest, op: User) -> None:
    key, key_id = make(op, "READ")
    expected = {"keyId": key_id, "name": "importer", "scopes": ["READ"]}
    assert rest.ask("GET", "/whoami", x_auth_key=key).json() == expected
    assert rest.ask("GET", "/whoami", authorization=key).json() == expected
    assert rest.ask("GET", f"/whoami?auth_key={key}").json() == expected


def test_no_key_is_401_and_a_wrong_one_403(rest: Rest, op: User) -> None:
    key, key_id = make(op, "READ")
    other, other_id = make(op, "READ")
    assert said(rest.ask("GET", "/whoami")) == (401, "Unauthorized")
    mixed = other.replace(other_id, key_id)
    for wrong in ("x", key[:-1], key + "A", mixed, op.access):
        assert said(rest.ask("GET", "/whoami", x_auth_key=wrong)) == (403, "Forbidden"), wrong
    assert rest.ask("GET", "/whoami", x_auth_key=key).status == 200


def test_a_revoked_or_expired_key_ends_at_once_on_the_http_api(instance: Instance, rest: Rest, op: User) -> None:
    (revoked, revoked_id), (expired, expired_id), (kept, _) = make(op, "READ"), make(op, "READ"), make(op, "READ")
    assert {rest.ask("GET", "/whoami", x_auth_key=key).status for key in (revoked, expired, kept)} == {200}
    assert op.data(REVOKE, id=revoked_id)["revokedAt"]
    instance.client("dynamodb").update_item(
        TableName=instance.resources("AWS::DynamoDB::Table")["MainTable"],
        Key={"pk": {"S": f"AUTHKEY#{expired_id}"}, "sk": {"S": "AUTHKEY"}},
        UpdateExpression="SET validUntil = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )
    for key in (revoked, expired):
        assert said(rest.ask("GET", "/whoami", x_auth_key=key)) == (403, "Forbidden")
        assert "errors" in ask(instance, key, ROOMS)  # AppSync has not asked about them before
    assert rest.ask("GET", "/whoami", x_auth_key=kept).status == 200
    assert "errors" not in ask(instance, kept, ROOMS)


def test_appsync_lets_a_key_do_what_it_is_for(instance: Instance, op: User) -> None:
    room = f"keys-{uuid.uuid4()}"
    (reader, _), (writer, _) = make(op, "READ"), make(op, "WRITE")
    sent = ask(instance, writer, SEND, room=room)
    assert sent == {"data": {"sendMessage": {"author": "importer", "text": "hi"}}}
    assert "errors" not in ask(instance, reader, ROOMS)
    for key, query in ((reader, SEND), (writer, ROOMS), (reader, ME), (writer, KEYS)):
        answer = ask(instance, key, query, room=room) if "$room" in query else ask(instance, key, query)
        assert answer["errors"][0]["errorType"] == "Unauthorized", (query, answer)
    refused = ask(instance, reader[:-1] + ("A" if reader[-1] != "A" else "B"), ROOMS)
    assert refused["errors"][0]["errorType"] == "UnauthorizedException"


async def test_the_holder_of_a_key_is_pushed_to(instance: Instance, op: User) -> None:
    room = f"keys-{uuid.uuid4()}"
    key, _ = await asyncio.to_thread(make, op, "READ", "WRITE")
    async with listening(instance, key, (ON_MESSAGES, {"room": room})) as listener:
        await asyncio.to_thread(ask, instance, key, SEND, room=room)
        assert await listener.pushed() == {"items": [{"message": {"author": "importer", "text": "hi"}}]}


async def test_what_a_key_has_subscribed_to_ends_with_it(instance: Instance, op: User) -> None:
    """Revoked by the API or by hand in the table: AppSync itself would go on for as long as the connection lasts."""
    room = f"keys-{uuid.uuid4()}"
    (revoked, revoked_id), (removed, removed_id), (kept, _) = [
        await asyncio.to_thread(make, op, "READ", "WRITE") for _ in range(3)
    ]
    asked = (ON_MESSAGES, {"room": room})
    async with (
        listening(instance, revoked, asked) as first,
        listening(instance, removed, asked) as second,
        listening(instance, kept, asked) as third,
    ):
        await asyncio.to_thread(op.data, REVOKE, id=revoked_id)
        await asyncio.to_thread(ask, instance, kept, SEND, room=room)
        assert await first.end() == []
        instance.client("dynamodb").delete_item(
            TableName=instance.resources("AWS::DynamoDB::Table")["MainTable"],
            Key={"pk": {"S": f"AUTHKEY#{removed_id}"}, "sk": {"S": "AUTHKEY"}},
        )
        assert await second.end() == ["onMessages"]  # what was sent before
        await asyncio.to_thread(ask, instance, kept, SEND, room=room)
        assert [await third.pushed() for _ in range(2)] == [
            {"items": [{"message": {"author": "importer", "text": "hi"}}]}
        ] * 2


async def test_a_key_that_ended_is_refused_though_appsync_remembers_it(instance: Instance, op: User) -> None:
    """AppSync asks the authorizer once a minute for each key. What Python answers asks the key itself."""
    room = f"keys-{uuid.uuid4()}"
    (ended, key_id), (kept, _) = [await asyncio.to_thread(make, op, "READ", "WRITE") for _ in range(2)]
    asked = (ON_MESSAGES, {"room": room})
    for key in (ended, kept):
        assert "errors" not in await asyncio.to_thread(ask, instance, key, SEND, room=room)
    async with listening(instance, ended), listening(instance, kept):
        await asyncio.to_thread(op.data, REVOKE, id=key_id)
        for query in (SEND, MESSAGES):
            refused = await asyncio.to_thread(ask, instance, ended, query, room=room)
            assert refused["errors"][0]["errorType"] == "Unauthorized"
            assert "errors" not in await asyncio.to_thread(ask, instance, kept, query, room=room)
        with pytest.raises(AssertionError, match="Unauthorized"):
            async with listening(instance, ended, asked):
                raise RuntimeError("a key that ended has subscribed")
        async with listening(instance, kept, asked) as listener:
            await asyncio.to_thread(ask, instance, kept, SEND, room=room)
            assert await listener.pushed()


async def test_the_keys_of_a_deleted_operator_end_with_them(instance: Instance, rest: Rest, op: User) -> None:
    room, leaver = f"keys-{uuid.uuid4()}", await asyncio.to_thread(operator, instance)
    key, _ = await asyncio.to_thread(make, leaver, "READ", "WRITE")
    kept, _ = await asyncio.to_thread(make, op, "READ", "WRITE")
    async with (
        listening(instance, key, (ON_MESSAGES, {"room": room})) as theirs,
        listening(instance, kept, (ON_MESSAGES, {"room": room})) as others,
    ):
        deleted = await asyncio.to_thread(leaver.data, "mutation { deleteUser { done } }")
        assert deleted == {"done": True}
        assert await theirs.end() == []
        refused = await asyncio.to_thread(ask, instance, key, SEND, room=room)
        assert refused["errors"][0]["errorType"] == "Unauthorized"
        assert "errors" not in await asyncio.to_thread(ask, instance, kept, SEND, room=room)
        assert await others.pushed()
    assert said(rest.ask("GET", "/whoami", x_auth_key=key)) == (403, "Forbidden")
    assert rest.ask("GET", "/whoami", x_auth_key=kept).status == 200


def test_only_operators_make_list_and_revoke_keys(op: User, ann: User) -> None:
    _, key_id = make(op, "READ")
    assert ann.refusal(CREATE, input={"name": "mine", "scopes": ["READ"]}) == "Unauthorized"
    assert ann.refusal(REVOKE, id=key_id) == "Unauthorized"
    assert ann.refusal(KEYS) == "Unauthorized"
    assert {"id": key_id, "name": "importer"} in op.data(KEYS)["items"]
    assert op.refusal(CREATE, input={"name": "", "scopes": ["READ"]}) == "InvalidInput"
    assert op.refusal(REVOKE, id="unknown") == "NotFound"


def test_no_key_and_no_token_is_in_any_log_or_table(instance: Instance, rest: Rest, op: User, ann: User) -> None:
    key, _ = make(op, "READ")
    rest.ask("GET", f"/whoami?auth_key={key}")
    rest.refresh(cookie_of(rest.begin(ann))[0])
    ask(instance, key, ROOMS)
    secrets = [key.split("_", 2)[2].encode(), ann.tokens["RefreshToken"].rsplit(".", 1)[-1].encode()]
    logs = [file for file in instance.state.rglob("*") if file.is_file() and file.suffix in {".log", ".txt"}]
    assert logs
    for file in logs:
        content = file.read_bytes()
        assert not any(secret in content for secret in secrets), file
