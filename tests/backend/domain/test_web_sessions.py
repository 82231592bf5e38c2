"""Sessions of web applications: what is taken from a request, and what of it goes to Cognito."""

from __future__ import annotations

import pytest
from samcli.yamlhelper import yaml_parse

from domain import web_sessions
from domain.caller import Caller, CallerKind, from_jwt
from domain.web_sessions import COOKIE, COOKIE_SECONDS, MAX_TOKEN, SessionError, require_origin, token_of
from tests.conftest import ROOT

ORIGINS = frozenset({"https://app.example", "http://localhost:5173"})


@pytest.mark.parametrize("origin", ["https://app.example", "http://localhost:5173"])
def test_our_origins_pass(origin: str) -> None:
    require_origin({"origin": origin}, ORIGINS)


@pytest.mark.parametrize(
    "origin", [None, "", "null", "https://app.example.evil", "http://app.example", "https://app.example:8443", "*"]
)
def test_other_origins_are_refused(origin: str | None) -> None:
    with pytest.raises(SessionError) as raised:
        require_origin({} if origin is None else {"origin": origin}, ORIGINS)
    assert raised.value.status == 403


@pytest.mark.parametrize(
    ("cookies", "token"),
    [
        ([f"{COOKIE}=a.b-c_d"], "a.b-c_d"),
        (["other=1", f" {COOKIE}=a=b "], "a=b"),
        ([f"{COOKIE}={'x' * MAX_TOKEN}"], "x" * MAX_TOKEN),
        ([f"{COOKIE}={'x' * (MAX_TOKEN + 1)}"], None),
        ([], None),
        ([f"{COOKIE}="], None),
        ([f"x{COOKIE}=a"], None),
        ([f"{COOKIE.lower()}=a"], None),
        ([f"{COOKIE}=a", f"{COOKIE}=b"], None),
        ([f"{COOKIE}=a b"], None),
        ([f"{COOKIE}=ä"], None),
    ],
)
def test_the_token_is_the_one_of_the_one_cookie(cookies: list[str], token: str | None) -> None:
    assert token_of(cookies) == token


def test_the_cookie_lives_as_long_as_the_refresh_token() -> None:
    client = yaml_parse((ROOT / "stacks/data.yaml").read_text())["Resources"]["UserPoolClient"]["Properties"]
    assert client["TokenValidityUnits"]["RefreshToken"] == "days"
    assert client["RefreshTokenValidity"] * 24 * 3600 == COOKIE_SECONDS


def test_the_claims_of_both_tokens_tell_the_same_user() -> None:
    caller = Caller(CallerKind.USER, "0b7c", "ann", frozenset({"sellers", "operators"}), 1763701200)
    common = {"sub": "0b7c", "cognito:groups": "[sellers operators]", "iat": "1763701200"}
    assert from_jwt(common | {"cognito:username": "ann", "token_use": "id"}) == caller
    assert from_jwt(common | {"username": "ann", "token_use": "access"}) == caller
    assert from_jwt({"sub": "0b7c"}) == Caller(CallerKind.USER, "0b7c", "0b7c")


def test_the_cookie_is_one_that_browsers_refuse_unless_it_is_secure() -> None:
    assert web_sessions.COOKIE.startswith("__Host-")
