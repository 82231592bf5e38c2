"""Page tokens: opaque, and good for one API and one purpose only."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from local.appsync.datasources import DataSourceError
from local.appsync.datasources.page_tokens import PageTokens

KEY: dict[str, dict[str, Any]] = {"pk": {"S": "room:1"}, "sk": {"N": "7"}, "b": {"B": b"\x00\xff"}}
TOKENS = PageTokens(b"secret", "api")


def test_a_token_gives_its_key_back() -> None:
    token = TOKENS.seal(KEY, ["Query", 1])
    assert TOKENS.open(token, ["Query", 1]) == KEY
    assert PageTokens(b"secret", "api").open(token, ["Query", 1]) == KEY


def test_a_token_does_not_show_the_key() -> None:
    token = TOKENS.seal(KEY, [])
    assert b"room" not in base64.b64decode(json.loads(base64.b64decode(token))["token"])
    assert token != TOKENS.seal(KEY, [])


def altered(token: str) -> str:
    inner = json.loads(base64.b64decode(token))
    sealed = bytearray(base64.b64decode(inner["token"]))
    sealed[-1] ^= 1
    return base64.b64encode(json.dumps({**inner, "token": base64.b64encode(sealed).decode()}).encode()).decode()


@pytest.mark.parametrize(
    ("tokens", "purpose", "change"),
    [
        (TOKENS, ["other query"], str),
        (PageTokens(b"secret", "other api"), ["query"], str),
        (PageTokens(b"other secret", "api"), ["query"], str),
        (TOKENS, ["query"], altered),
        (TOKENS, ["query"], lambda token: token[:-8]),
        (TOKENS, ["query"], lambda _: ""),
        (TOKENS, ["query"], lambda _: "not a token"),
        (TOKENS, ["query"], lambda _: "ünïcode"),
        (TOKENS, ["query"], lambda _: 7),
        (TOKENS, ["query"], lambda _: base64.b64encode(b"[]").decode()),
        (TOKENS, ["query"], lambda _: base64.b64encode(b'{"token":"YQ=="}').decode()),
    ],
)
def test_any_other_token_is_invalid(tokens: PageTokens, purpose: Any, change: Any) -> None:
    token = change(TOKENS.seal(KEY, ["query"]))
    with pytest.raises(DataSourceError, match=r"Invalid pagination token given\.$") as error:
        tokens.open(token, purpose)
    assert error.value.type == "DynamoDB:UserIllegalArgumentException"
    assert error.value.data is None
