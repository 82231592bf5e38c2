"""Which mode a request uses, by the shape of its credentials."""

from __future__ import annotations

from typing import Any

import pytest

from local.appsync.auth.authenticate import Authenticator
from local.appsync.auth.credentials import AuthenticationError, Credentials
from local.appsync.auth.fetching import FetchError
from local.appsync.auth.principals import Principals
from local.appsync.definition import AuthMode, AuthProvider
from local.functions import Invocation
from tests.local.appsync.serving import API_KEY, User, definition

KEY = {"x-api-key": API_KEY}
JWT = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJtZSJ9.c2lnbmF0dXJl"  # of the issuer "me", signed by nobody
SIGNATURE = "AWS4-HMAC-SHA256 Credential=AKIA/20261121/us-east-1/appsync/aws4_request, SignedHeaders=host, Signature=0"

API_KEY_MODE, IAM = AuthMode.API_KEY, AuthMode.AWS_IAM
COGNITO, OIDC, LAMBDA = AuthMode.AMAZON_COGNITO_USER_POOLS, AuthMode.OPENID_CONNECT, AuthMode.AWS_LAMBDA


async def _nobody(access_key_id: str, session_token: str | None) -> User | None:
    return None


async def authenticate(modes: tuple[AuthMode, ...], headers: dict[str, str], now: float = 1000) -> AuthMode:
    authenticator = Authenticator(definition(*modes, expires_at=2000), Principals(_nobody), lambda: now)
    return (await authenticator.authenticate(Credentials(headers))).mode


async def refused(modes: tuple[AuthMode, ...], headers: dict[str, str], now: float = 1000) -> str:
    with pytest.raises(AuthenticationError) as error:
        await authenticate(modes, headers, now)
    return f"{error.value.status} {error.value.error_type}: {error.value.message}"


CALL = "401 UnauthorizedException: You are not authorized to make this call."
HEADER = "401 UnauthorizedException: Valid authorization header not provided."
PARSE = "401 UnauthorizedException: Unable to parse JWT token."


async def test_a_key_counts_until_the_second_it_expires() -> None:
    assert await authenticate((API_KEY_MODE,), KEY, now=1999) is API_KEY_MODE
    assert await refused((API_KEY_MODE,), KEY, now=2000) == CALL


@pytest.mark.parametrize(
    ("modes", "headers", "answer"),
    [
        ((API_KEY_MODE,), {}, CALL),
        ((API_KEY_MODE, IAM), {}, CALL),
        ((IAM, API_KEY_MODE), {}, HEADER),
        ((COGNITO,), {}, HEADER),
        ((COGNITO,), KEY, HEADER),
        ((API_KEY_MODE,), {"authorization": JWT}, CALL),
        ((API_KEY_MODE,), {"authorization": SIGNATURE}, CALL),
        ((COGNITO,), {"authorization": SIGNATURE}, PARSE),
        ((COGNITO, IAM), {"authorization": "word"}, PARSE),
        ((IAM,), {"authorization": JWT}, HEADER),
        ((API_KEY_MODE, COGNITO), {"x-api-key": "wrong", "authorization": JWT}, CALL),
    ],
)
async def test_refusals(modes: tuple[AuthMode, ...], headers: dict[str, str], answer: str) -> None:
    assert await refused(modes, headers) == answer


async def test_a_signature_is_iam_even_beside_a_key() -> None:
    assert (await refused((API_KEY_MODE, IAM), KEY | {"authorization": SIGNATURE})).startswith("400 Incomplete")


async def test_a_key_wins_over_a_jwt() -> None:
    assert await authenticate((COGNITO, API_KEY_MODE), KEY | {"authorization": JWT}) is API_KEY_MODE


def provider(mode: AuthMode) -> AuthProvider:
    """With the issuer "me" for OIDC, and an authorizer that lets everybody in."""
    return AuthProvider(mode, {"Issuer": "me", "UserPoolId": "us-east-1_Pool", "AuthorizerUri": "allow"})


async def allow(function_arn: str, event: bytes) -> Invocation:
    assert function_arn == "allow"
    return Invocation(b'{"isAuthorized": true}', None, b"")


async def answer(modes: tuple[AuthMode, ...], authorization: str) -> AuthMode | str:
    """The mode that let a caller in, or the refusal's text. No issuer has keys, so that none accepts a token."""

    async def no_keys(url: str) -> dict[str, Any]:
        raise FetchError(url, "no keys")

    api = definition(providers=tuple(map(provider, modes)))
    authenticator = Authenticator(api, Principals(_nobody), invoke=allow, fetch=no_keys)
    try:
        return (await authenticator.authenticate(Credentials({"authorization": authorization}))).mode
    except AuthenticationError as error:
        return error.message


@pytest.mark.parametrize(
    ("modes", "authorization", "expected"),
    [
        ((LAMBDA,), JWT, LAMBDA),
        ((LAMBDA,), SIGNATURE, LAMBDA),
        ((COGNITO, LAMBDA), "a token of mine", LAMBDA),
        ((COGNITO, LAMBDA), JWT, LAMBDA),
        (
            (OIDC, LAMBDA),
            JWT,
            "Valid authorization header not provided.",
        ),
        ((OIDC, LAMBDA), f"Bearer {JWT}", "Valid authorization header not provided."),
        ((COGNITO, OIDC), "a token of mine", "Unable to parse JWT token."),
        ((COGNITO,), JWT, "Valid authorization header not provided."),
    ],
)
async def test_a_jwt_belongs_to_its_issuer_and_anything_else_to_the_authorizer(
    modes: tuple[AuthMode, ...], authorization: str, expected: AuthMode | str
) -> None:
    assert await answer(modes, authorization) == expected
