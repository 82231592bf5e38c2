"""An auth key's item: its key in the main table, and whether it lets anybody in.

Everything that asks whether a key still counts asks here: the authorizers, each field that Python answers, and the
publisher, which ends the subscriptions of a key that was revoked by whatever hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.table import Key

PREFIX = "AUTHKEY#"
SORT_KEY = "AUTHKEY"


def key(key_id: str) -> Key:
    """The key of an auth key's item."""
    return f"{PREFIX}{key_id}", SORT_KEY


def is_revoked(item: Mapping[str, Any]) -> bool:
    """Whether somebody has ended it before its time."""
    return bool(item.get("revokedAt"))


def is_valid(item: Mapping[str, Any] | None, now: int) -> bool:
    """Whether a key lets its holder in at an epoch second; one without an item was never made, or is long gone."""
    if item is None or is_revoked(item):
        return False
    until = item.get("validUntil")
    return isinstance(until, Decimal | int) and now < until
