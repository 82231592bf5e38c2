"""JSON text of what orjson has no form for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from local.appsync.encoding import encode


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": ["\u00fc", None, True]}, '{"a":["\u00fc",null,true]}'),
        (2**70, "1180591620717411303424"),
        ("\ud800", '"?"'),
        (Decimal("0.5"), "0.5"),
        (Decimal(10**20), "100000000000000000000"),
        (float("nan"), "null"),
        (Decimal("Infinity"), "null"),
        ([2**70, (float("inf"), {"a": float("nan")})], '[1180591620717411303424,[null,{"a":null}]]'),
    ],
)
def test_every_number_and_text_has_a_form(value: Any, text: str) -> None:
    assert encode(value).decode() == text


def test_what_is_no_json_value_is_refused() -> None:
    with pytest.raises(TypeError, match="set is no JSON value"):
        encode({1, 2})
