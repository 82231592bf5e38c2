"""User pool tokens: what is accepted, what becomes of it, and what every kind of forgery gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.appsync.auth.authenticate import Authenticator
from local.appsync.auth.credentials import AuthenticationError, Credentials
from local.appsync.auth.principals import Principals
from local.appsync.auth.tokens import LARGEST_TOKEN_BYTES
from local.appsync.definition import AuthMode, AuthProvider
from local.appsync.request import Caller
from local.errors import NotEmulated
from tests.local.appsync.auth.issuers import (
    NOW,
    Key,
    Publisher,
    changed,
    encode,
    jwk,
    publishing,
    rsa_key,
    sign,
    sign_with_public_key,
)
from tests.local.appsync.serving import User, definition

POOL, OTHER_POOL = "us-east-1_Pool", "us-east-1_Other"
ISSUER = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}"
KEY, KEY_ID = rsa_key("pool"), "pool key"
ID_CLAIMS: dict[str, Any] = {
    "sub": "11111111-2222",
    "iss": ISSUER,
    "aud": "client1",
    "token_use": "id",
    "cognito:username": "ann",
    "cognito:groups": ["Admins", "Guests"],
    "email": "ann@example.com",
    "iat": NOW - 60,
    "exp": NOW + 60,
}
ACCESS_CLAIMS = {
    "sub": "11111111-2222",
    "iss": ISSUER,
    "client_id": "client1",
    "token_use": "access",
    "username": "ann",
    "iat": NOW - 60,
    "exp": NOW + 60,
}

HEADER = "401 UnauthorizedException: Valid authorization header not provided."
PARSE = "401 UnauthorizedException: Unable to parse JWT token."
EXPIRED = "401 UnauthorizedException: Token has expired."


@pytest.fixture
def web() -> Iterator[Publisher]:
    """The local cloud, with the keys of two pools."""
    with publishing() as publisher:
        publisher.documents = {
            f"/{POOL}/.well-known/jwks.json": {"keys": [jwk(KEY, KEY_ID, alg="RS256", use="sig")]},
            f"/{OTHER_POOL}/.well-known/jwks.json": {"keys": [jwk(rsa_key("other"), "other key")]},
        }
        yield publisher


Authenticate = Callable[..., Any]


@pytest.fixture
def authenticate(web: Publisher) -> Authenticate:
    """The caller with an `Authorization` value; keywords are settings of the pool."""

    async def call(authorization: str, *others: AuthProvider, now: float = NOW, **settings: str) -> Caller:
        async def nobody(access_key_id: str, session_token: str | None) -> User | None:
            return None

        own = AuthProvider(AuthMode.AMAZON_COGNITO_USER_POOLS, {"UserPoolId": POOL, **settings})
        api = definition(providers=(own, *others))
        authenticator = Authenticator(api, Principals(nobody), lambda: now, aws_endpoint=web.url)
        return await authenticator.authenticate(Credentials({"authorization": authorization}, source_ip=("10.0.0.1",)))

    return call


def token(claims: dict[str, Any] = ID_CLAIMS, *, key: Key = KEY, key_id: str | None = KEY_ID, **changes: Any) -> str:
    """A valid id token, with changes of its claims; None removes one."""
    return sign(changed(claims, changes), key, key_id)


async def refused(authenticate: Authenticate, authorization: str, *others: AuthProvider, **options: Any) -> str:
    with pytest.raises(AuthenticationError) as error:
        await authenticate(authorization, *others, **options)
    return f"{error.value.status} {error.value.error_type}: {error.value.message}"


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer "])
async def test_an_id_token_gives_the_identity_of_its_user(authenticate: Authenticate, prefix: str) -> None:
    caller = await authenticate(prefix + token())
    assert caller.mode is AuthMode.AMAZON_COGNITO_USER_POOLS
    assert caller.groups == {"Admins", "Guests"}
    assert caller.identity == {
        "sub": "11111111-2222",
        "issuer": ISSUER,
        "username": "ann",
        "claims": ID_CLAIMS,
        "sourceIp": ["10.0.0.1"],
        "defaultAuthStrategy": "ALLOW",
        "groups": ["Admins", "Guests"],
    }


async def test_an_access_token_names_its_user_otherwise(authenticate: Authenticate) -> None:
    caller = await authenticate(token(ACCESS_CLAIMS))
    assert (caller.identity["username"], caller.identity["groups"], caller.groups) == ("ann", None, frozenset())


async def test_the_default_action_is_the_default_auth_strategy(authenticate: Authenticate) -> None:
    assert (await authenticate(token(), DefaultAction="DENY")).identity["defaultAuthStrategy"] == "DENY"


@pytest.mark.parametrize(("claims", "claim"), [(ID_CLAIMS, "aud"), (ACCESS_CLAIMS, "client_id")])
async def test_the_app_client_has_to_match(authenticate: Authenticate, claims: dict[str, Any], claim: str) -> None:
    expression = "client1|client2"
    for client in ("client1", "client2"):
        assert await authenticate(token(claims | {claim: client}), AppIdClientRegex=expression)
    for foreign in ("client3", "client11", None):
        assert await refused(authenticate, token(claims | {claim: foreign}), AppIdClientRegex=expression) == HEADER


async def test_an_expression_that_is_none_is_refused_when_the_api_is_loaded(authenticate: Authenticate) -> None:
    with pytest.raises(NotEmulated, match="AppIdClientRegex"):
        await authenticate(token(), AppIdClientRegex="(")


async def test_each_of_several_pools_has_its_own_keys_and_clients(authenticate: Authenticate) -> None:
    settings = {"UserPoolId": OTHER_POOL, "AwsRegion": "us-east-1", "AppIdClientRegex": "client2"}
    other = AuthProvider(AuthMode.AMAZON_COGNITO_USER_POOLS, settings)
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{OTHER_POOL}"
    foreign = token(iss=issuer, aud="client2", key=rsa_key("other"), key_id="other key")
    assert (await authenticate(foreign, other)).identity["issuer"] == issuer
    assert (await authenticate(token(), other)).identity["issuer"] == ISSUER
    crossed = token(iss=issuer, aud="client2")
    assert await refused(authenticate, crossed, other) == HEADER


@pytest.mark.parametrize(
    ("forged", "answer"),
    [
        (token(key=rsa_key("attacker")), HEADER),
        (token(key=rsa_key("attacker"), key_id="attacker's key"), HEADER),
        (token(key_id=None), HEADER),
        (token(iss=f"https://cognito-idp.us-east-1.amazonaws.com/{OTHER_POOL}"), HEADER),
        (token(iss=ISSUER + "/"), HEADER),
        (token(iss=None), HEADER),
        (token(exp=NOW), EXPIRED),
        (token(exp=None), HEADER),
        (token(exp=True), HEADER),
        (token(nbf=NOW + 1), HEADER),
        (token(token_use="refresh"), HEADER),
        (token(token_use=None), HEADER),
        (encode({"alg": "none", "kid": KEY_ID}, ID_CLAIMS), HEADER),
        (encode({"alg": "None", "kid": KEY_ID}, ID_CLAIMS), HEADER),
        (encode({"kid": KEY_ID}, ID_CLAIMS), HEADER),
        (encode({"alg": ["RS256"], "kid": KEY_ID}, ID_CLAIMS), HEADER),
        (encode({"alg": "RS256", "kid": [KEY_ID]}, ID_CLAIMS), HEADER),
        (sign_with_public_key(ID_CLAIMS, KEY, KEY_ID), HEADER),
        (sign(ID_CLAIMS, KEY, KEY_ID, "RS512"), HEADER),
        (sign(ID_CLAIMS, KEY, KEY_ID, "PS256"), HEADER),
        (sign(ID_CLAIMS, rsa_key("attacker"), KEY_ID, jwk=jwk(rsa_key("attacker"), KEY_ID)), HEADER),
        (sign(ID_CLAIMS, KEY, KEY_ID, crit=["exp"]), HEADER),
        (token()[:-1], HEADER),
        (token() + "A", HEADER),
        (token().rpartition(".")[0] + ".", HEADER),
        (token().rpartition(".")[0], PARSE),
        (token() + ".more", PARSE),
        ("Basic " + token(), PARSE),
        ("Bearer", PARSE),
        ("not a token", PARSE),
        ("a.b.c", PARSE),
        (encode({"alg": "RS256", "kid": KEY_ID}, b"[]"), PARSE),
        (encode({"alg": "RS256", "kid": KEY_ID}, b'{"a":' * 5000), PARSE),
        (token(padding="x" * LARGEST_TOKEN_BYTES), PARSE),
    ],
)
async def test_forgeries_are_refused(authenticate: Authenticate, forged: str, answer: str) -> None:
    assert await authenticate(token())
    assert await refused(authenticate, forged) == answer


@pytest.mark.parametrize("key_id", ["../../etc/passwd", "https://attacker.example/keys", "' OR 1=1 --", "x" * 5000])
async def test_a_key_id_is_looked_up_and_never_followed(
    authenticate: Authenticate, web: Publisher, key_id: str
) -> None:
    assert await refused(authenticate, token(key=rsa_key("attacker"), key_id=key_id)) == HEADER
    assert set(web.asked) == {f"/{POOL}/.well-known/jwks.json"}


async def test_times_count_to_the_second(authenticate: Authenticate) -> None:
    timed = token(nbf=NOW, exp=NOW + 10)
    assert await refused(authenticate, timed, now=NOW - 1) == HEADER
    assert await authenticate(timed, now=NOW)
    assert await authenticate(timed, now=NOW + 9)
    assert await refused(authenticate, timed, now=NOW + 10) == EXPIRED


async def test_a_changed_claim_breaks_the_signature(authenticate: Authenticate) -> None:
    header, _, signature = token().split(".")
    other = encode({}, ID_CLAIMS | {"cognito:groups": ["Owners"]}).split(".")[1]
    assert await refused(authenticate, f"{header}.{other}.{signature}") == HEADER


async def test_a_weak_key_verifies_nothing(authenticate: Authenticate, web: Publisher) -> None:
    weak = rsa_key("weak", 1024)
    web.documents[f"/{POOL}/.well-known/jwks.json"] = {"keys": [jwk(weak, "weak"), jwk(KEY, KEY_ID)]}
    assert await authenticate(token())
    with pytest.warns(match="below the minimum"):
        unsafe = token(key=weak, key_id="weak")
    assert await refused(authenticate, unsafe) == HEADER


async def test_without_keys_nobody_is_let_in(authenticate: Authenticate, web: Publisher) -> None:
    web.documents.clear()
    assert await refused(authenticate, token()) == HEADER
