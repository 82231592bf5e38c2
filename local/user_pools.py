"""Which user pool the users of the deployed API are in, and the app client that they sign in with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.appsync.auth.expressions import Expression
from local.appsync.definition import ApiDefinition, AuthMode
from local.cloud import Resource, Stack
from local.stacks import below

_PREFIX = "AWS::Cognito::"


@dataclass(frozen=True)
class UserPool:
    """A pool and one of its app clients. `properties` are the pool's, as the template has them."""

    id: str
    client_id: str
    properties: Mapping[str, Any] = field(default_factory=dict)


def find(stacks: Sequence[Stack], stack_name: str, api: ApiDefinition) -> UserPool | None:
    """The pool of the API's first user pool mode, else the first one that the stack, or one below it, has.

    Of several app clients the first that the API accepts and that has no secret is taken: browsers can keep none.
    """
    resources = [resource for stack in below(stacks, stack_name) for resource in stack.resources]
    pools = [resource for resource in resources if resource.type == f"{_PREFIX}UserPool"]
    named = [
        provider.settings.get("UserPoolId")
        for provider in api.providers
        if provider.mode is AuthMode.AMAZON_COGNITO_USER_POOLS
    ]
    pool = next((each for name in named for each in pools if each.physical_id == name), pools[0] if pools else None)
    if pool is None:
        return None
    clients = [
        resource
        for resource in resources
        if resource.type == f"{_PREFIX}UserPoolClient" and resource.properties.get("UserPoolId") == pool.physical_id
    ]
    accepted = [
        Expression(provider.settings, "AppIdClientRegex")
        for provider in api.providers
        if provider.settings.get("UserPoolId") == pool.physical_id
    ]
    clients.sort(key=lambda each: (not all(e.matches([each.physical_id]) for e in accepted), _has_secret(each)))
    return UserPool(pool.physical_id, clients[0].physical_id, pool.properties) if clients else None


def _has_secret(client: Resource) -> bool:
    return str(client.properties.get("GenerateSecret", False)).lower() == "true"
