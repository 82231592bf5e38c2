"""JSON text of responses and payloads."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson

from local.appsync.nesting import MAX_LEVELS, deeper_than


def encode(value: Any) -> bytes:
    """Compact JSON. What orjson has no form for (integers over 64 bits, half surrogate pairs) takes a slower way.

    Raises TypeError for what is no JSON value at all.
    """
    try:
        return orjson.dumps(value, default=_number)
    except TypeError:
        if deeper_than(value, MAX_LEVELS):
            raise TypeError("a value is nested too deeply for JSON") from None
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_number)
        return text.encode("utf-8", "replace")


def _number(value: Any) -> int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
