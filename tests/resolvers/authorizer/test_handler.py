"""The authorizer as AppSync and as the HTTP API call it."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import boto3
import pytest

from domain import auth_keys
from domain.caller import Caller, CallerKind
from domain.clock import SYSTEM
from domain.table import Table
from tests.conftest import CREDENTIALS
from tests.deployed import Context, deployed

ROUTE = "arn:aws:execute-api:us-east-1:000000000000:1234abcd/$default/GET/whoami"


@pytest.fixture(scope="module")
def pepper(aws_endpoint: str) -> str:
    """The ARN of the secret."""
    secrets = boto3.client("secretsmanager", endpoint_url=aws_endpoint, **CREDENTIALS)  # type: ignore[call-overload]
    return str(secrets.create_secret(Name="pepper", SecretString="a pepper")["ARN"])


@pytest.fixture
def authorizer(
    main_table: Table, aws_endpoint: str, pepper: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    environment = {
        "MAIN_TABLE": main_table.name,
        "AUTH_KEY_PEPPER": pepper,
    }
    with deployed("resolvers/authorizer", aws_endpoint, monkeypatch, environment) as module:
        yield module


@pytest.fixture
def made(authorizer: ModuleType) -> dict[str, Any]:
    """A new key that is for reading."""
    now_ms = SYSTEM.now_ms()
    operator = Caller(CallerKind.USER, "0b7c", "olga", frozenset({"operators"}), now_ms // 1000)
    return auth_keys.create(authorizer.keys_here(), operator, name="importer", scopes=["READ"], now_ms=now_ms)


def appsync(module: ModuleType, token: str) -> dict[str, Any]:
    context = {"apiId": "a", "accountId": "0", "requestId": "r", "queryString": "", "variables": {}}
    answer: dict[str, Any] = module.handler(
        {"authorizationToken": token, "requestContext": context}, Context("authorizer")
    )
    return answer


def http_api(module: ModuleType, **places: Any) -> dict[str, Any]:
    event = {"version": "2.0", "type": "REQUEST", "routeArn": ROUTE, "routeKey": "GET /whoami", "headers": {}, **places}
    answer: dict[str, Any] = module.handler(event, Context("authorizer"))
    return answer


def test_appsync_is_told_who_holds_a_key_and_what_is_denied(authorizer: ModuleType, made: dict[str, Any]) -> None:
    answer = appsync(authorizer, made["key"])
    assert answer["isAuthorized"] is True
    assert answer["resolverContext"] == {"keyId": made["authKey"]["id"], "name": "importer", "scopes": "READ"}
    assert "Mutation.sendMessage" in answer["deniedFields"]
    assert "Query.rooms" not in answer["deniedFields"]
    assert appsync(authorizer, made["key"][:-1]) == {"isAuthorized": False}


@pytest.mark.parametrize("place", ["x-auth-key", "authorization", "auth_key"])
def test_the_http_api_gets_a_policy_for_its_route(authorizer: ModuleType, made: dict[str, Any], place: str) -> None:
    def places(token: str) -> dict[str, Any]:
        return {"queryStringParameters": {place: token}} if place == "auth_key" else {"headers": {place: token}}

    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ROUTE}
    assert http_api(authorizer, **places(made["key"])) == {
        "principalId": made["authKey"]["id"],
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"keyId": made["authKey"]["id"], "name": "importer", "scopes": "READ"},
    }
    denied = http_api(authorizer, **places(made["key"] + "x"))
    assert denied["policyDocument"]["Statement"] == [statement | {"Effect": "Deny"}]
    assert denied["context"] == {}


def test_without_a_key_the_http_api_answers_401(authorizer: ModuleType) -> None:
    with pytest.raises(authorizer.Unauthorized) as raised:
        http_api(authorizer)
    assert str(raised.value) == "Unauthorized"


def test_a_key_ends_for_both_at_once(authorizer: ModuleType, made: dict[str, Any]) -> None:
    now_ms = SYSTEM.now_ms()
    operator = Caller(CallerKind.USER, "0b7c", "olga", frozenset({"operators"}), now_ms // 1000)
    auth_keys.revoke(authorizer.keys_here(), operator, id=made["authKey"]["id"], now_ms=now_ms)
    assert appsync(authorizer, made["key"]) == {"isAuthorized": False}
    refused = http_api(authorizer, headers={"x-auth-key": made["key"]})
    assert refused["policyDocument"]["Statement"][0]["Effect"] == "Deny"
