"""The user pool of what is deployed."""

from __future__ import annotations

from typing import Any

from local.appsync.definition import ApiDefinition, AuthMode, AuthProvider
from local.cloud import Resource, Stack
from local.user_pools import UserPool, find


def resource(kind: str, physical_id: str, **properties: Any) -> Resource:
    return Resource(physical_id, f"AWS::Cognito::{kind}", physical_id, properties, {}, "CREATE_COMPLETE")


def stack(name: str, *resources: Resource, parent: str | None = None) -> Stack:
    return Stack(name, name, parent, "CREATE_COMPLETE", resources=resources)


def api(*providers: AuthProvider) -> ApiDefinition:
    return ApiDefinition("a", "arn", "name", "us-east-1", "000000000000", "", providers)


KEYS = AuthProvider(AuthMode.API_KEY)
POOL = resource("UserPool", "pool-1", UserPoolName="users")
SECRET = resource("UserPoolClient", "with-secret", UserPoolId="pool-1", GenerateSecret="true")
WEB = resource("UserPoolClient", "web", UserPoolId="pool-1")


def test_it_is_found_in_a_nested_stack_with_a_client_that_has_no_secret() -> None:
    stacks = [stack("app"), stack("app-data", POOL, SECRET, WEB, parent="app")]
    assert find(stacks, "app", api(KEYS)) == UserPool("pool-1", "web", {"UserPoolName": "users"})


def test_the_one_that_the_api_names_comes_first() -> None:
    other = resource("UserPool", "pool-2")
    client = resource("UserPoolClient", "other", UserPoolId="pool-2")
    provider = AuthProvider(AuthMode.AMAZON_COGNITO_USER_POOLS, {"UserPoolId": "pool-2"})
    assert find([stack("app", POOL, WEB, other, client)], "app", api(KEYS, provider)) == UserPool("pool-2", "other")


def test_a_client_that_the_api_accepts_comes_first() -> None:
    other = resource("UserPoolClient", "mobile", UserPoolId="pool-1")
    settings = {"UserPoolId": "pool-1", "AppIdClientRegex": "mob.*"}
    provider = AuthProvider(AuthMode.AMAZON_COGNITO_USER_POOLS, settings)
    found = find([stack("app", POOL, WEB, other)], "app", api(provider))
    assert found is not None
    assert found.client_id == "mobile"


def test_others_pools_and_pools_without_a_client_do_not_count() -> None:
    assert find([stack("app"), stack("another", POOL, WEB)], "app", api(KEYS)) is None
    assert find([stack("app", POOL)], "app", api(KEYS)) is None
