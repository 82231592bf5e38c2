"""Tokens of OpenID providers: discovery, every algorithm, clients, lifetimes, and forgeries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.appsync.auth.authenticate import Authenticator
from local.appsync.auth.credentials import AuthenticationError, Credentials
from local.appsync.auth.principals import Principals
from local.appsync.definition import AuthMode, AuthProvider
from local.appsync.request import Caller
from tests.local.appsync.auth.issuers import (
    NOW,
    Key,
    Publisher,
    changed,
    elliptic_key,
    encode,
    jwk,
    publishing,
    rsa_key,
    sign,
    sign_with_public_key,
)
from tests.local.appsync.serving import User, definition

KEY = rsa_key("provider")
HEADER = "401 UnauthorizedException: Valid authorization header not provided."
EXPIRED = "401 UnauthorizedException: Token has expired."
DISCOVERY = "/tenant/.well-known/openid-configuration"

Claims = dict[str, Any]
Authenticate = Callable[..., Any]


@pytest.fixture
def web() -> Iterator[Publisher]:
    """A provider whose issuer has a path, with RSA and elliptic curve keys."""
    with publishing() as publisher:
        keys = [jwk(KEY, "rsa"), *(jwk(elliptic_key(name), name) for name in ("ES256", "ES384", "ES512"))]
        publisher.documents = {
            DISCOVERY: {"issuer": f"{publisher.url}/tenant", "jwks_uri": f"{publisher.url}/keys"},
            "/keys": {"keys": keys},
        }
        yield publisher


@pytest.fixture
def claims(web: Publisher) -> Claims:
    return {"iss": f"{web.url}/tenant", "sub": "ann", "aud": "app", "iat": NOW - 60, "exp": NOW + 60}


@pytest.fixture
def authenticate(web: Publisher) -> Authenticate:
    async def call(token: str, *others: AuthProvider, now: float = NOW, **settings: Any) -> Caller:
        async def nobody(access_key_id: str, session_token: str | None) -> User | None:
            return None

        own = AuthProvider(AuthMode.OPENID_CONNECT, {"Issuer": f"{web.url}/tenant", **settings})
        authenticator = Authenticator(definition(providers=(own, *others)), Principals(nobody), lambda: now)
        return await authenticator.authenticate(Credentials({"authorization": token}))

    return call


def token(claims: Claims, key: Key = KEY, key_id: str | None = "rsa", algorithm: str = "RS256", **changes: Any) -> str:
    return sign(changed(claims, changes), key, key_id, algorithm)


async def refused(authenticate: Authenticate, token: str, **options: Any) -> str:
    with pytest.raises(AuthenticationError) as error:
        await authenticate(token, **options)
    return f"{error.value.status} {error.value.error_type}: {error.value.message}"


async def test_the_identity_is_subject_issuer_and_claims(authenticate: Authenticate, claims: Claims) -> None:
    caller = await authenticate("Bearer " + token(claims))
    assert caller == Caller(
        AuthMode.OPENID_CONNECT,
        {"sub": "ann", "issuer": claims["iss"], "claims": claims},
        may_call=caller.may_call,
    )


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
async def test_rsa_algorithms(authenticate: Authenticate, claims: Claims, algorithm: str) -> None:
    assert await authenticate(token(claims, algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512"])
async def test_elliptic_curve_algorithms(authenticate: Authenticate, claims: Claims, algorithm: str) -> None:
    assert await authenticate(token(claims, elliptic_key(algorithm), algorithm, algorithm))


async def test_discovery_and_keys_are_asked_for_once(
    authenticate: Authenticate, claims: Claims, web: Publisher
) -> None:
    authenticator = Authenticator(
        definition(providers=(AuthProvider(AuthMode.OPENID_CONNECT, {"Issuer": claims["iss"]}),)),
        Principals(_nobody), lambda: NOW,
    )  # fmt: skip
    for _ in range(3):
        await authenticator.authenticate(Credentials({"authorization": token(claims)}))
    assert web.asked == [DISCOVERY, "/keys"]


async def test_an_issuer_may_end_in_a_slash(authenticate: Authenticate, claims: Claims, web: Publisher) -> None:
    issuer = f"{web.url}/tenant/"
    web.documents[DISCOVERY]["issuer"] = issuer
    assert await authenticate(token(claims, iss=issuer), Issuer=issuer)
    assert await refused(authenticate, token(claims), Issuer=issuer) == HEADER


async def test_the_document_has_to_be_the_issuer_s_own(
    authenticate: Authenticate, claims: Claims, web: Publisher
) -> None:
    assert await authenticate(token(claims))
    web.documents[DISCOVERY]["issuer"] = f"{web.url}/other"
    assert await refused(authenticate, token(claims)) == HEADER


@pytest.mark.parametrize("keys_url", [None, 5, "", Path(__file__).as_uri(), "ftp://127.0.0.1/keys", "no url"])
async def test_a_document_without_usable_keys(
    authenticate: Authenticate, claims: Claims, web: Publisher, keys_url: Any
) -> None:
    web.documents[DISCOVERY]["jwks_uri"] = keys_url
    assert await refused(authenticate, token(claims)) == HEADER


async def test_an_issuer_that_does_not_answer(authenticate: Authenticate, claims: Claims, web: Publisher) -> None:
    web.documents.clear()
    assert await refused(authenticate, token(claims)) == HEADER


async def test_a_user_pool_as_a_provider_is_the_local_cloud_s(claims: Claims, web: Publisher) -> None:
    issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Pool"
    web.documents = {
        "/us-east-1_Pool/.well-known/openid-configuration": {"issuer": issuer, "jwks_uri": f"{web.url}/keys"},
        "/keys": web.documents["/keys"],
    }
    provider = AuthProvider(AuthMode.OPENID_CONNECT, {"Issuer": issuer})
    authenticator = Authenticator(
        definition(providers=(provider,)), Principals(_nobody), lambda: NOW, aws_endpoint=web.url
    )
    caller = await authenticator.authenticate(Credentials({"authorization": token(claims, iss=issuer)}))
    assert caller.mode is AuthMode.OPENID_CONNECT


async def test_the_client_is_in_aud_or_azp(authenticate: Authenticate, claims: Claims) -> None:
    for accepted in ({"aud": "app"}, {"aud": ["api", "app"]}, {"aud": "api", "azp": "app2"}):
        assert await authenticate(token(claims, **accepted), ClientId="app|app2")
    for foreign in ({"aud": "application"}, {"aud": ["api"]}, {"aud": None}, {"aud": "api", "azp": "other"}):
        assert await refused(authenticate, token(claims, **foreign), ClientId="app|app2") == HEADER


@pytest.mark.parametrize(("setting", "claim"), [("IatTTL", "iat"), ("AuthTTL", "auth_time")])
async def test_lifetimes_are_milliseconds_after_their_claim(
    authenticate: Authenticate, claims: Claims, setting: str, claim: str
) -> None:
    timed = token(claims | {claim: NOW - 2})
    assert await authenticate(timed, **{setting: 2001})
    assert await authenticate(timed, **{setting: 0})
    assert await refused(authenticate, timed, **{setting: 2000}) == EXPIRED
    assert await refused(authenticate, token(claims | {claim: None}), **{setting: 2001}) == HEADER


async def test_several_providers_are_chosen_by_their_issuer(authenticate: Authenticate, claims: Claims) -> None:
    with publishing() as second:
        second.documents = {
            "/.well-known/openid-configuration": {"issuer": second.url, "jwks_uri": f"{second.url}/keys"},
            "/keys": {"keys": [jwk(rsa_key("second"), "rsa")]},
        }
        other = AuthProvider(AuthMode.OPENID_CONNECT, {"Issuer": second.url})
        assert (await authenticate(token(claims), other)).identity["issuer"] == claims["iss"]
        foreign = token(claims, rsa_key("second"), iss=second.url)
        assert (await authenticate(foreign, other)).identity["issuer"] == second.url
        assert await refused(authenticate, foreign) == HEADER
        with pytest.raises(AuthenticationError):
            await authenticate(token(claims, iss=second.url), other)


async def test_forgeries_are_refused(authenticate: Authenticate, claims: Claims) -> None:
    assert await authenticate(token(claims))
    for forged in (
        token(claims, rsa_key("attacker")),
        token(claims, key_id=None),
        token(claims, elliptic_key("ES256"), "ES384", "ES256"),
        token(claims, elliptic_key("ES256"), "rsa", "ES256"),
        token(claims, key_id="ES256"),
        token(claims, iss="https://attacker.example"),
        token(claims, nbf=NOW + 1),
        token(claims, exp=None),
        encode({"alg": "none", "kid": "rsa"}, claims),
        sign_with_public_key(claims, KEY, "rsa"),
    ):
        assert await refused(authenticate, forged) == HEADER
    assert await refused(authenticate, token(claims, exp=NOW)) == EXPIRED


async def test_hmac_is_refused_even_if_the_provider_publishes_a_secret(
    authenticate: Authenticate, claims: Claims, web: Publisher
) -> None:
    secret = "an HMAC secret that everybody can read"
    web.documents["/keys"]["keys"].append({"kty": "oct", "kid": "oct", "alg": "HS256", "k": secret})
    unsigned = encode({"alg": "HS256", "kid": "oct"}, claims)
    assert await refused(authenticate, unsigned + "c2lnbmF0dXJl") == HEADER


async def _nobody(access_key_id: str, session_token: str | None) -> User | None:
    return None
