"""JSON text of responses and payloads."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import orjson

from local.appsync.nesting import MAX_LEVELS, deeper_than


def encode(value: Any) -> bytes:
    """Compact JSON. What orjson has no form for (integers over 64 bits, half surrogate pairs) takes a slower way.

    Numbers that are not finite are null. Raises TypeError for what is no JSON value at all.
    """
    try:
        return orjson.dumps(value, default=_number)
    except TypeError:
        if deeper_than(value, MAX_LEVELS):
            raise TypeError("a value is nested too deeply for JSON") from None
        text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_number)
        return text.encode("utf-8", "replace")


def _finite(value: Any) -> Any:
    """The value with null for what orjson writes as null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        whole = value.is_finite() and value == value.to_integral_value()
        return int(value) if whole else _finite(float(value))
    raise TypeError(f"{type(value).__name__} is no JSON value")
