"""The shop over plain HTTP on a running instance: what GraphQL wrote, each route, and whom it is for."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import urllib3

from tests.backend.rest import described
from tests.stack.instance import Instance, eventually
from tests.stack.users import User, operator, sign_up

pytestmark = pytest.mark.stack

CREATE_KEY = "mutation ($input: CreateAuthKeyInput!) { createAuthKey(input: $input) { key } }"


@pytest.fixture(scope="module")
def op(instance: Instance) -> User:
    return operator(instance)


@pytest.fixture(scope="module")
def ann(instance: Instance) -> User:
    return sign_up(instance)


def ask(instance: Instance, path: str, method: str = "GET", **headers: str) -> urllib3.BaseHTTPResponse:
    """A response; one with JSON is as the OpenAPI document says."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = urllib3.request(method, instance.outputs["rest"] + path, headers=named, retries=False)
    if answer.data and path != "/openapi.json":
        described.require(urlsplit(path).path, answer.status, answer.json())
    return answer


def key(op: User, *scopes: str) -> str:
    """A new auth key."""
    made: str = op.data(CREATE_KEY, input={"name": "importer", "scopes": list(scopes)})["key"]
    return made


def test_the_shop_is_read_with_a_key(instance: Instance, op: User) -> None:
    reader, word = key(op, "READ"), f"quokka{uuid.uuid4().hex[:6]}"
    product = f"rest-{uuid.uuid4()}"
    tables, dynamodb = instance.resources("AWS::DynamoDB::Table"), instance.client("dynamodb")
    item = {"title": {"S": f"A tale of {word}"}, "price": {"N": "1299"}, "stock": {"N": "3"}, "authors": {"L": []}}
    dynamodb.put_item(
        TableName=tables["MainTable"], Item={"pk": {"S": f"PRODUCT#{product}"}, "sk": {"S": "PRODUCT"}, **item}
    )

    def found(**query: Any) -> list[str]:
        answer = ask(instance, f"/products?{urlencode(query)}", x_auth_key=reader)
        assert answer.status == 200, answer.data
        return [each["id"] for each in answer.json()["items"]]

    assert eventually(lambda: found(title=word) == [product])
    assert eventually(lambda: found(search=f"tael of {word}")[:1] == [product])
    assert found(title=word, maxPrice=1298) == []
    assert found(title=word, minPrice=1299, inStock="true", sort="PRICE_DESC") == [product]

    shown = ask(instance, f"/products/{product}", x_auth_key=reader)
    assert (shown.status, shown.json()["price"]) == (200, 1299)
    again = ask(instance, f"/products/{product}", x_auth_key=reader, if_none_match=shown.headers["etag"])
    assert (again.status, again.data) == (304, b"")
    head = ask(instance, f"/products/{product}", "HEAD", x_auth_key=reader)
    assert (head.status, head.headers["etag"]) == (200, shown.headers["etag"])
    assert ask(instance, "/categories", x_auth_key=reader).status == 200
    missing = ask(instance, "/products/unknown", x_auth_key=reader)
    assert (missing.status, missing.json()["type"]) == (404, "NotFound")
    bad = ask(instance, f"/products?limit=1000&auth_key={reader}")
    assert (bad.status, bad.json()["info"]) == (400, {"field": "limit"})
    assert ask(instance, "/products", x_auth_key=key(op, "WRITE")).status == 403


def test_users_read_what_is_theirs(instance: Instance, op: User, ann: User) -> None:
    own = ask(instance, f"/user/{ann.id}", authorization=ann.access)
    assert (own.status, own.json()["name"], own.json()["groups"]) == (200, ann.name, [])
    assert ask(instance, f"/user/{ann.id}", authorization=op.access).json() == own.json()
    others = ask(instance, f"/user/{op.id}", authorization=ann.access)
    assert (others.status, others.json()["type"]) == (403, "Unauthorized")
    assert ask(instance, "/user/unknown", authorization=op.access).status == 404

    assert ask(instance, "/cart", authorization=ann.access).status == 404
    table = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    line = {"title": {"S": "A book"}, "price": {"N": "999"}, "quantity": {"N": "2"},
            "addedAt": {"S": "2026-11-21T12:00:00.000Z"}}  # fmt: skip
    cart = {"pk": {"S": f"CART#{ann.id}"}, "sk": {"S": "CART"}, "lines": {"M": {"p-1": {"M": line}}},
            "version": {"N": "1"}, "updatedAt": {"S": "2026-11-21T12:00:00.000Z"},
            "expiresAt": {"N": "4102444800"}}  # fmt: skip
    instance.client("dynamodb").put_item(TableName=table, Item=cart)
    held = ask(instance, "/cart", authorization=ann.access)
    assert (held.status, held.json()["total"]) == (200, 1998)
    ann.data("mutation { signOut { userId } }")
    assert ask(instance, "/cart", authorization=ann.access).status == 401


def test_the_api_describes_itself_and_lets_browsers_ask(instance: Instance) -> None:
    document = ask(instance, "/openapi.json")
    assert (document.status, document.json()) == (200, described.DOCUMENT)
    asked = {"origin": "http://localhost:5173", "access_control_request_method": "GET"}
    allowed = ask(instance, "/products", "OPTIONS", **asked)
    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (204, "http://localhost:5173")
