"""The fault expired-token: a valid token is refused as an expired one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.appsync.auth.authenticate import Authenticator
from local.appsync.auth.credentials import AuthenticationError, Credentials
from local.appsync.auth.principals import Principals
from local.appsync.definition import AuthMode, AuthProvider
from local.appsync.request import OperationRequest
from local.faults import Faults
from tests.local.appsync.auth.issuers import NOW, jwk, publishing, rsa_key, sign
from tests.local.appsync.serving import API_KEY, User, definition

POOL = "us-east-1_Pool"
KEY = rsa_key("pool")
CLAIMS: dict[str, Any] = {
    "sub": "11111111-2222", "iss": f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}", "client_id": "client1",
    "token_use": "access", "username": "ann", "exp": NOW + 60,
}  # fmt: skip
OPERATION = OperationRequest("{ room }", {}, None)
EXPIRED = "401 UnauthorizedException: Token has expired."


@pytest.fixture
def endpoint() -> Iterator[str]:
    with publishing() as publisher:
        publisher.documents[f"/{POOL}/.well-known/jwks.json"] = {"keys": [jwk(KEY, "key")]}
        yield publisher.url


async def nobody(access_key_id: str, session_token: str | None) -> User | None:
    return None


async def refusal(endpoint: str, faults: Faults, operation: OperationRequest | None, **headers: str) -> str | None:
    providers = (
        AuthProvider(AuthMode.AMAZON_COGNITO_USER_POOLS, {"UserPoolId": POOL, "AwsRegion": "us-east-1"}),
        AuthProvider(AuthMode.API_KEY),
    )
    authenticator = Authenticator(
        definition(providers=providers), Principals(nobody), lambda: NOW, aws_endpoint=endpoint, faults=faults
    )
    given = headers or {"authorization": sign(CLAIMS, KEY, "key")}
    try:
        await authenticator.authenticate(Credentials({**given}, operation=operation))
    except AuthenticationError as error:
        return f"{error.status} {error.error_type}: {error.message}"
    return None


async def test_the_next_tokens_have_expired(endpoint: str) -> None:
    faults = Faults()
    faults.set("expired-token", count=2)
    assert await refusal(endpoint, faults, None) == EXPIRED
    assert await refusal(endpoint, faults, OPERATION) == EXPIRED
    assert await refusal(endpoint, faults, OPERATION) is None


@pytest.mark.parametrize(
    ("options", "connect", "operation"),
    [
        ({"at": "connect"}, EXPIRED, None),
        ({"at": "operation"}, None, EXPIRED),
        ({"user": "ann"}, EXPIRED, EXPIRED),
        ({"user": "11111111-2222"}, EXPIRED, EXPIRED),
        ({"user": "bob"}, None, None),
    ],
)
async def test_only_where_and_whose_it_was_asked_for(
    endpoint: str, options: dict[str, object], connect: str | None, operation: str | None
) -> None:
    faults = Faults()
    faults.set("expired-token", **options)
    assert await refusal(endpoint, faults, None) == connect
    assert await refusal(endpoint, faults, OPERATION) == operation


async def test_what_is_no_token_does_not_expire(endpoint: str) -> None:
    faults = Faults()
    faults.set("expired-token")
    assert await refusal(endpoint, faults, OPERATION, **{"x-api-key": API_KEY}) != EXPIRED
