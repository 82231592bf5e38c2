"""Which mode a request uses, by the shape of its credentials."""

from __future__ import annotations

import pytest

from local.appsync.auth.authenticate import Authenticator
from local.appsync.auth.credentials import AuthenticationError, Credentials
from local.appsync.auth.principals import Principals
from local.appsync.definition import AuthMode
from local.errors import NotEmulated
from tests.local.appsync.serving import API_KEY, User, definition

KEY = {"x-api-key": API_KEY}
JWT = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJtZSJ9.c2lnbmF0dXJl"
SIGNATURE = "AWS4-HMAC-SHA256 Credential=AKIA/20261121/us-east-1/appsync/aws4_request, SignedHeaders=host, Signature=0"

API_KEY_MODE, IAM = AuthMode.API_KEY, AuthMode.AWS_IAM
COGNITO, OIDC, LAMBDA = AuthMode.AMAZON_COGNITO_USER_POOLS, AuthMode.OPENID_CONNECT, AuthMode.AWS_LAMBDA


async def authenticate(modes: tuple[AuthMode, ...], headers: dict[str, str], now: float = 1000) -> AuthMode:
    async def nobody(access_key_id: str, session_token: str | None) -> User | None:
        return None

    authenticator = Authenticator(definition(*modes, expires_at=2000), Principals(nobody), lambda: now)
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


@pytest.mark.parametrize(
    ("modes", "authorization", "mode"),
    [
        ((COGNITO,), JWT, COGNITO),
        ((OIDC, LAMBDA), f"Bearer {JWT}", OIDC),
        ((LAMBDA,), JWT, LAMBDA),
        ((LAMBDA, COGNITO), "a token of mine", LAMBDA),
        ((LAMBDA,), SIGNATURE, LAMBDA),
    ],
)
async def test_modes_that_are_missing_refuse_what_belongs_to_them(
    modes: tuple[AuthMode, ...], authorization: str, mode: AuthMode
) -> None:
    with pytest.raises(NotEmulated, match=mode.value):
        await authenticate(modes, {"authorization": authorization})


async def test_an_api_with_a_missing_mode_still_serves_its_others() -> None:
    assert await authenticate((COGNITO, LAMBDA, API_KEY_MODE), KEY) is API_KEY_MODE
