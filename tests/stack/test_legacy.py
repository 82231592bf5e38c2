"""The strangler on a running instance, in front of a legacy system on this machine, and turned route by route."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3

from tests.legacy_system import LegacySystem, legacy_system
from tests.stack.instance import Instance, eventually
from tests.stack.users import User, operator, sign_up

pytestmark = pytest.mark.stack

CREATE = "mutation ($input: CreateAuthKeyInput!) { createAuthKey(input: $input) { key authKey { id } } }"
NOTICED_SECONDS = 15.0
"""The function reads the table every 5 seconds."""

Turn = Callable[..., None]


@pytest.fixture(scope="module")
def http(instance: Instance) -> Iterator[Callable[..., urllib3.BaseHTTPResponse]]:
    """Asks a path of the HTTP API; `_` in names of headers stands for `-`."""
    with urllib3.PoolManager(retries=False) as pool:

        def ask(method: str, path: str, body: bytes | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            url = instance.outputs["rest"] + path
            return pool.request(method, url, body=body, headers=named, redirect=False)

        yield ask


@pytest.fixture(scope="module")
def system() -> Iterator[LegacySystem]:
    with legacy_system() as found:
        yield found


@pytest.fixture(scope="module")
def ann(instance: Instance) -> User:
    return sign_up(instance)


@pytest.fixture(scope="module")
def turn(
    instance: Instance, http: Callable[..., urllib3.BaseHTTPResponse], ann: User, system: LegacySystem
) -> Iterator[Turn]:
    """Sets the table, as an operator does, and waits until the function has noticed; afterwards it is as it was."""
    name, ssm = instance.resources("AWS::SSM::Parameter")["LegacySettings"], instance.client("ssm")
    before = ssm.get_parameter(Name=name)["Parameter"]["Value"]

    def put(**table: Any) -> None:
        # A route that only this table has: the function answers it when it has read the table.
        mark = f"/mark-{uuid.uuid4()}"
        routes = [{"path": mark, "methods": ["GET"], "to": "new"}, *table.pop("routes", [])]
        value = json.dumps({"baseUrl": system.url, "routes": routes, **table})
        ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
        turned = lambda: http("GET", f"/legacy{mark}", authorization=ann.access).status == 404  # noqa: E731
        assert eventually(turned, NOTICED_SECONDS)
        system.asked.clear()

    unset = http("GET", "/legacy/x", authorization=ann.access)
    assert (unset.status, unset.json()["type"]) == (503, "LegacyNotConfigured")
    yield put
    ssm.put_parameter(Name=name, Value=before, Type="String", Overwrite=True)


def test_a_legacy_system_is_turned_route_by_route(
    instance: Instance, http: Callable[..., urllib3.BaseHTTPResponse], ann: User, system: LegacySystem, turn: Turn
) -> None:
    product = f"legacy-{uuid.uuid4()}"
    table = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    item = {"pk": {"S": f"PRODUCT#{product}"}, "sk": {"S": "PRODUCT"}, "title": {"S": "A book"}, "price": {"N": "1299"}}
    instance.client("dynamodb").put_item(TableName=table, Item=item)
    path, theirs = f"/legacy/products/{product}", {"id": product, "title": "A book, of old"}
    system.answers_json(f"/products/{product}", theirs)

    turn()
    answer = http("GET", path, authorization=ann.access)
    assert (answer.status, answer.json()) == (200, theirs)
    assert system.last.header("x-headwater-user") == ann.id
    assert system.last.header("authorization") is None

    turn(routes=[{"path": "/products/*", "methods": ["GET"], "to": "shadow"}])
    answer = http("GET", path, authorization=ann.access)
    assert (answer.status, answer.json()) == (200, theirs)

    def logged() -> bool:
        logs = [file for file in (instance.state / "logs").iterdir() if file.is_file()]
        return any(b'"ShadowDifferent":[1' in file.read_bytes() for file in logs)

    assert eventually(logged)

    turn(routes=[{"path": "/products/*", "methods": ["GET"], "to": "new"}])
    answer = http("GET", path, authorization=ann.access)
    assert answer.status == 200
    assert {"id": product, "title": "A book", "price": 1299}.items() <= answer.json().items()
    assert system.asked == []
    assert http("POST", path, b"{}", authorization=ann.access, content_type="application/json").status == 200
    assert [each.method for each in system.asked] == ["POST"]


def test_requests_and_answers_go_through_as_they_are(
    http: Callable[..., urllib3.BaseHTTPResponse], ann: User, system: LegacySystem, turn: Turn
) -> None:
    turn()
    binary = bytes(range(256))
    sent = http(
        "PUT", "/legacy/a%20b/%C3%BC/100%25?c=%2F&c=2", binary, authorization=ann.access,
        content_type="application/octet-stream", cookie="a=1; __Host-session=mine", x_headwater_user="root",
        x_own="kept",
    )  # fmt: skip
    assert sent.status == 200
    asked = system.last
    assert (asked.method, asked.target, asked.body) == ("PUT", "/a%20b/%C3%BC/100%25?c=%2F&c=2", binary)
    assert asked.header("x-headwater-user") == ann.id
    assert (asked.header("cookie"), asked.header("x-own")) == ("a=1", "kept")

    headers = (("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("Location", f"{system.url}/x?y"), ("X-Own", "z"))
    system.answers("/binary", 302, binary, headers)
    answer = http("GET", "/legacy/binary", authorization=ann.access)
    assert (answer.status, answer.data) == (302, binary)
    assert answer.headers.getlist("set-cookie") == ["a=1; Path=/legacy", "b=2"]
    assert (answer.headers["location"], answer.headers["x-own"]) == ("/legacy/x?y", "z")
    assert http("HEAD", "/legacy/binary", authorization=ann.access).status == 302
    assert [each.target for each in system.asked] == [asked.target, "/binary", "/binary"]


def test_each_refusal_is_typed_and_reaches_nobody(
    instance: Instance, http: Callable[..., urllib3.BaseHTTPResponse], ann: User, system: LegacySystem, turn: Turn
) -> None:
    def said(answer: urllib3.BaseHTTPResponse) -> tuple[int, Any]:
        return answer.status, answer.json().get("type")

    turn(timeoutSeconds=1)
    for path in ("/legacy/%2e%2e/x", "/legacy/a/%252e%252e/x", "/legacy/..%5cx", "/legacy/%250d", "/legacy/a//b"):
        assert said(http("GET", path, authorization=ann.access)) == (400, "InvalidInput"), path
    assert http("GET", "/legacy/x").status == 401
    assert system.asked == []

    def silent(handler: Any, body: bytes) -> None:
        del body
        handler.rfile.read(1)  # until the other side hangs up

    system.behaviours["/slow"] = silent
    assert said(http("GET", "/legacy/slow", authorization=ann.access)) == (504, "LegacyTimeout")
    system.answers("/large", 200, base64.b64encode(b"x" * 5_000_000))
    assert said(http("GET", "/legacy/large", authorization=ann.access)) == (502, "LegacyTooLarge")
    key = operator(instance).data(CREATE, input={"name": "importer", "scopes": ["READ"]})["key"]
    assert http("GET", f"/keys/legacy/x?auth_key={key}&a=1").status == 200
    assert (system.last.target, system.last.header("x-headwater-kind")) == ("/x?a=1", "key")
    assert said(http("DELETE", "/keys/legacy/x", x_auth_key=key)) == (403, "Unauthorized")
